"""Coverage of intervals of models of several parties: truths from the prior, votes from the truths.

    .venv/bin/python benchmarks/calibrate_parties.py 200 ["multinomial, separable" ...]

keeps every fit in benchmarks/results/parties.json, and tells for each quantity how many of the 50 % and the
90 % intervals held the true value. If the sampler and the density are right, these are binomial.
"""

import sys
import time
from functools import partial
from typing import Any

import numpy as np
from arviz_stats.base import array_stats
from kept import covered, keep_fits
from scipy.stats import binomtest

from spatialvote.models.parties.likelihood import draw
from spatialvote.models.parties.posterior import PartyPosterior
from spatialvote.models.parties.priors import PartyPriors
from spatialvote.models.parties.recover import recover
from spatialvote.models.parties.sampling import PartyCentring, PartySettings, sample, suited
from spatialvote.models.priors import PCSigma
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.structures import bind_graph

SIDE, SEED, LEVELS = 8, 20261128, (0.5, 0.9)
CASES = {
    "multinomial, separable": ("multinomial", "separable"),
    "multinomial, coregional": ("multinomial", "coregional"),
    "Dirichlet-multinomial, separable": ("dirichlet_multinomial", "separable"),
}


def truth_and_votes(family: str, fields: str, rng: np.random.Generator) -> tuple[PartyPosterior, dict]:
    """A map of 64 districts with two parties, and what its votes were drawn from."""
    index = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    i, j = np.r_[index[:, :-1].ravel(), index[:-1].ravel()], np.r_[index[:, 1:].ravel(), index[1:].ravel()]
    n = index.size
    field = bind_graph("bym2", scale_graph(n, i, j))
    x = rng.normal(size=n)
    size = rng.integers(300, 3000, n)
    # The second party does not stand in one district of ten.
    stood = np.column_stack([np.ones(n, dtype=bool), rng.uniform(size=n) > 0.1])
    posterior = PartyPosterior(
        family,
        np.zeros((n, 3)),
        stood,
        np.column_stack([np.ones(n), (x - x.mean()) / x.std()]),
        np.array([-1.0, -2.0]),
        np.array([0.5, 0.5]),
        field,
        fields,
        PartyPriors(sigma=PCSigma(1.0, 0.05)),
    )
    theta = posterior.draw_hyper(rng, 1)
    values = posterior.constrain(theta)
    b = posterior.draw_coefficients(rng, 1)
    eta = posterior.level + np.einsum("np,skp->snk", posterior.design, b) + posterior.draw_fields(values, rng)
    counts = draw(family, rng, eta, stood, size, values.get("overdispersion", np.zeros(1)))[0]
    truth = scalars(values, b, eta)
    made = PartyPosterior(**{**vars_of(posterior), "counts": counts.astype(float)})
    return made, {name: float(one[0]) for name, one in truth.items()}


def vars_of(posterior: PartyPosterior) -> dict:
    names = ("family", "counts", "stood", "design", "level", "prior_sd", "field", "fields", "priors")
    return {name: getattr(posterior, name) for name in names}


def scalars(values: dict, b: np.ndarray, eta: np.ndarray) -> dict[str, np.ndarray]:
    """What is looked at, each shape (draws,); b (draws, K, p), eta (draws, n, K)."""
    rho = values["rho"]
    shares = np.exp(eta) / (1 + np.exp(eta).sum(axis=2, keepdims=True))
    return {
        "intercept 1": b[:, 0, 0],
        "intercept 2": b[:, 1, 0],
        "slope 1": b[:, 0, 1],
        "slope 2": b[:, 1, 1],
        "sigma 1": values["sigma"][:, 0],
        "sigma 2": values["sigma"][:, 1],
        **({"rho": rho} if rho.ndim == 1 else {"rho 1": rho[:, 0], "rho 2": rho[:, 1]}),
        "correlation": values["factor"][:, 1, 0],
        **({"overdispersion": values["overdispersion"]} if "overdispersion" in values else {}),
        "mean share 1": shares[:, :, 0].mean(axis=1),
        "mean share 2": shares[:, :, 1].mean(axis=1),
    }


def one_fit(family: str, fields: str, seed: int) -> dict[str, Any]:
    """Rank of each truth among its draws, from 0 to 1; the largest R-hat; divergences; processor seconds."""
    start = time.process_time()
    rng = np.random.default_rng([SEED, seed])
    posterior, truth = truth_and_votes(family, fields, rng)
    centring = PartyCentring.of(posterior)
    settings = suited(PartySettings(draws=500, chains=2, cores=1), centring)
    theta, eta, statistics = sample(posterior, centring, settings, rng)
    flat = theta.reshape(-1, theta.shape[2])
    b, _ = recover(posterior, flat, eta.reshape(-1, *eta.shape[2:]), rng)
    b[:, :, 0] -= posterior.level
    drawn = scalars(posterior.constrain(flat), b, np.swapaxes(eta, 2, 3).reshape(-1, posterior.n, 2))
    r_hat = array_stats.rhat(np.ascontiguousarray(theta.transpose(2, 0, 1)))
    return {
        "ranks": {name: float((one < truth[name]).mean()) for name, one in drawn.items()},
        "r_hat": float(r_hat.max()),
        "diverging": int(statistics["diverging"].sum()),
        "seconds": time.process_time() - start,
    }


def summary(case: str, runs: list[dict[str, Any]]) -> str:
    """A table in Markdown: fits whose interval held the truth, with the p-value of a binomial test."""
    fits = len(runs)
    rows = [f"{case}, {fits} fits", "", "| quantity | inside 50 % | inside 90 % | p |", "|---|---|---|---|"]
    for name in runs[0]["ranks"]:
        held = [covered([run["ranks"][name] for run in runs], level) for level in LEVELS]
        p = [binomtest(k, fits, level).pvalue for k, level in zip(held, LEVELS, strict=True)]
        told = " | ".join(f"{100 * k / fits:.0f} %" for k in held)
        rows.append(f"| {name} | {told} | {p[0]:.2f}, {p[1]:.2f} |")
    worst, diverging = max(run["r_hat"] for run in runs), sum(run["diverging"] for run in runs)
    seconds = np.median([run["seconds"] for run in runs])
    rows += [
        "",
        f"Largest R-hat {worst:.3f}; divergences {diverging}; median processor seconds {seconds:.1f}.",
    ]
    return "\n".join(rows)


def main() -> None:
    """Make what is missing of each case, and tell."""
    fits = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for case in sys.argv[2:] or list(CASES):
        print(summary(case, keep_fits("parties", case, partial(one_fit, *CASES[case]), fits)))


if __name__ == "__main__":
    main()
