"""Coverage of intervals of models of several parties: truths from the prior, votes from the truths.

    .venv/bin/python benchmarks/calibrate_parties.py 120

Writes benchmarks/results/parties.json: for each quantity, of how many fits the 50 % and the 90 % interval
held the true value. If the sampler and the density are right, these are binomial.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
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
RESULTS = Path(__file__).parent / "results" / "parties.json"
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


def one_fit(family: str, fields: str, seed: int) -> tuple[dict[str, float], float, int]:
    """Rank of each truth among its draws, from 0 to 1; the largest R-hat; divergences."""
    from arviz_stats.base.array import array_stats

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
    ranks = {name: float((one < truth[name]).mean()) for name, one in drawn.items()}
    return ranks, float(r_hat.max()), int(statistics["diverging"].sum())


def main() -> None:
    fits = int(sys.argv[1]) if len(sys.argv) > 1 else 120
    asked = sys.argv[2:] or list(CASES)
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for case in asked:
        start = time.process_time()
        runs = []
        for seed in range(fits):
            runs.append(one_fit(*CASES[case], seed))
            if (seed + 1) % 10 == 0 or seed + 1 == fits:
                results[case] = summary(runs, time.process_time() - start)
                RESULTS.write_text(json.dumps(results, indent=1) + "\n")
                print(case, seed + 1, flush=True)


def summary(runs: list, seconds: float) -> dict:
    """Counts of fits whose interval held the truth, with the p-value of a binomial test."""
    fits = len(runs)
    found = {}
    for name in runs[0][0]:
        ranks = np.array([one[0][name] for one in runs])
        held = [int((np.abs(ranks - 0.5) <= level / 2).sum()) for level in LEVELS]
        tests = [binomtest(k, fits, level).pvalue for k, level in zip(held, LEVELS, strict=True)]
        found[name] = {"held": held, "p": [round(float(p), 4) for p in tests]}
    return {
        "fits": fits,
        "levels": LEVELS,
        "quantities": found,
        "largest_r_hat": round(max(one[1] for one in runs), 4),
        "divergences": sum(one[2] for one in runs),
        "cpu_seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    main()
