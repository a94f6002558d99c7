"""Two parties without neighbours: this package beside the same model written in PyMC by hand.

    .venv/bin/python benchmarks/parties_pymc.py ../shared/data/nl_tk2023_gemeente

Multinomial votes, logits with correlated independent district effects: `fields="separable"`,
`structure="iid"`, against `pm.LKJCholeskyCov`, `pm.MvNormal` and `pm.Multinomial`, sampled by nutpie. Prints
both posteriors, and the largest difference of means in standard errors of Monte Carlo.
"""

import sys
import time
from pathlib import Path

import numpy as np
import nutpie
import pymc as pm
from arviz_stats.base.array import array_stats

import spatialvote as sv

FORMULA = "pvv + denk ~ pct_migration_background_2021 + edu_appl_sci + income_high"


def read(folder: Path) -> sv.Districts:
    return sv.read_districts(
        folder / "nl_tk2023_gemeente_joined.csv",
        id="gm",
        votes=["pvv", "denk"],
        valid="valid",
        migrants="pct_migration_background_2021",
        covariates=["edu_appl_sci", "income_high"],
        units={"pct_migration_background_2021": "percent"},
        edges=folder / "adjacency_queen.csv",
    )


def by_hand(posterior) -> dict[str, np.ndarray]:
    """Draws (chain, draw, ...) of the model in PyMC."""
    design, counts = posterior.design, posterior.counts.astype(int)
    n, p = design.shape
    between = np.linalg.cholesky(np.array([[1.0, 0.5], [0.5, 1.0]]))
    with pm.Model() as model:
        white = pm.Normal("white", 0, 1, shape=(2, p))
        b = (between @ white) * posterior.prior_sd
        b = pm.Deterministic("b", b + posterior.level[:, None] * (np.arange(p) == 0))
        chol, correlation, sigma = pm.LKJCholeskyCov(
            "chol", n=2, eta=2.0, sd_dist=pm.Exponential.dist(-np.log(0.01)), compute_corr=True
        )
        pm.Deterministic("sigma", sigma)
        pm.Deterministic("correlation", correlation[0, 1])
        eta = pm.MvNormal("eta", mu=design @ b.T, chol=chol, shape=(n, 2))
        whole = pm.math.concatenate([eta, np.zeros((n, 1))], axis=1)
        pm.Multinomial("votes", n=counts.sum(axis=1), p=pm.math.softmax(whole, axis=1), observed=counts)
    found = nutpie.sample(
        nutpie.compile_pymc_model(model), draws=1000, tune=1000, chains=4, cores=2, seed=1, progress_bar=False
    )
    drawn = found["posterior"] if not hasattr(found, "posterior") else found.posterior
    return {name: np.asarray(drawn[name]) for name in ("b", "sigma", "correlation")}


def mean_error(draws: np.ndarray) -> float:
    """Monte Carlo standard error of the mean of draws (chain, draw)."""
    ess = array_stats.ess(np.ascontiguousarray(draws[None]), method="bulk")[0]
    return float(draws.std() / np.sqrt(ess))


def main() -> None:
    districts = read(Path(sys.argv[1]))
    model = sv.PartySharesModel(FORMULA, structure="iid")
    start = time.process_time()
    fit = model.fit(districts, seed=1, cores=2, progress=False)
    ours_cpu, start = time.process_time() - start, time.process_time()
    theirs = by_hand(model.posterior(districts)[0])
    theirs_cpu = time.process_time() - start
    draws = fit.tree["posterior"]
    intercept, beta = draws["intercept"].to_numpy(), draws["beta"].to_numpy()
    ours = {
        "b": np.concatenate([intercept[..., None], beta], axis=3),
        "sigma": draws["sigma"].to_numpy(),
        "correlation": draws["correlation"].to_numpy()[..., 0, 1],
    }
    worst = 0.0
    for name in ours:
        one, other = (np.atleast_3d(x.reshape(*x.shape[:2], -1)) for x in (ours[name], theirs[name]))
        for q in range(one.shape[2]):
            a, b = one[..., q], other[..., q]
            error = np.sqrt(
                sum(
                    x.var() / array_stats.ess(np.ascontiguousarray(x[None]), method="bulk")[0] for x in (a, b)
                )
            )
            apart = abs(a.mean() - b.mean()) / error
            worst = max(worst, apart)
            print(
                f"{name}[{q}]: ours {a.mean():.4f} ({a.std():.4f}), PyMC {b.mean():.4f} ({b.std():.4f}), "
                f"{apart:.1f} standard errors"
            )
    print(f"largest difference {worst:.1f} standard errors; CPU seconds {ours_cpu:.0f} and {theirs_cpu:.0f}")


if __name__ == "__main__":
    main()
