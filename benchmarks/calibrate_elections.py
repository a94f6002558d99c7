"""Calibration of elections over time: parameters from the prior, elections from them, and how often intervals
of the fast engine hold what they were drawn from.

    nice -n 10 .venv/bin/python benchmarks/calibrate_elections.py [FITS]

keeps every fit in benchmarks/results/elections.json and prints coverage at last; each fit has a seed of its
own, so that a run can be repeated. The prior is that of `ElectionsPriors`, for a varying slope and a walk
over four elections, on 29 linked districts and an island with 300 to 3,000 votes.
"""

import sys
from typing import Any

import numpy as np
from kept import covered, keep_fits
from scipy.special import expit
from scipy.stats import binomtest

from spatialvote.data.elections_simulate import ElectionsTruth, change_factors, simulate_elections
from spatialvote.models.elections.model import ElectionsModel
from spatialvote.models.elections.priors import ElectionsPriors
from spatialvote.models.latent.term import Hyper
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.spectrum import spectrum

LEVELS = (0.5, 0.8, 0.95)
_DISTRICTS, _ISLANDS, _COUNT = 30, 1, 4
_SEED = 20261128


def draw_truth(rng: np.random.Generator) -> tuple[ElectionsTruth, float]:
    """Parameters from the prior, and sigma_path."""
    priors = ElectionsPriors()
    graph = simulate_elections(0, _DISTRICTS, islands=_ISLANDS).elections.edges
    rho = Hyper("rho", priors.rho, spectrum(scale_graph(_DISTRICTS, *graph)))
    path = priors.path.draw(rng, 1)[0]
    slopes = rng.normal() + path * change_factors(_COUNT) @ rng.normal(size=_COUNT - 1)
    return ElectionsTruth(
        # Around a party of 13 %: the prior's centre is the overall share, which is not known before.
        level=tuple(expit(-1.9 + 0.3 * rng.normal(size=_COUNT))),
        slopes=tuple(slopes),
        education=rng.normal(),
        sigma=priors.sigma.draw(rng, 1)[0],
        rho=rho.draw(rng, 1)[0],
        sigma_change=priors.change.draw(rng, 1)[0],
        sigma_own=priors.own.draw(rng, 1)[0],
        sigma_slope=priors.slope.draw(rng, 1)[0],
    ), float(path)


def one_fit(number: int) -> dict[str, Any]:
    """Share of draws below the truth, for every quantity; and k-hat."""
    rng = np.random.default_rng([_SEED, number])
    truth, path = draw_truth(rng)
    made = simulate_elections(int(rng.integers(2**31)), _DISTRICTS, truth, islands=_ISLANDS)
    fit = ElectionsModel("party ~ migrant_share + education", varying=True).fit(
        made.elections, seed=number, draws=1000
    )
    effect, slope = fit.draws("effect"), fit.draws("slope")
    values = {
        **{name: (fit.draws(name), value) for name, value in truth.parameters().items()},
        "sigma_path": (fit.draws("sigma_path"), path),
        "education": (fit.draws("beta")[:, 0], truth.education),
        "effect, first": (effect[:, 0], truth.slopes[0]),
        "effect, last": (effect[:, -1], truth.slopes[-1]),
        "effect, change": (effect[:, -1] - effect[:, 0], truth.slopes[-1] - truth.slopes[0]),
        "slope of a district": (effect[:, 0] + slope[:, 7], made.slope[0, 7]),
        "slope of the island": (effect[:, 0] + slope[:, -1], made.slope[0, -1]),
        "a district-election": (fit.draws("eta")[:, 40], made.eta[40]),
    }
    below = {name: float((draws < value).mean()) for name, (draws, value) in values.items()}
    return {"ranks": below, "k_hat": fit.record["drawn"]["k_hat"]}


def main() -> None:
    """Make the fits that are missing, and tell."""
    fits = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    kept = keep_fits("elections", "fits", one_fit, fits)
    for name in kept[0]["ranks"]:
        held = [covered([one["ranks"][name] for one in kept], level) for level in LEVELS]
        told = " | ".join(f"{100 * k / fits:.0f} %" for k in held)
        print(f"| {name} | {told} | {binomtest(held[-1], fits, LEVELS[-1]).pvalue:.2f} |")
    print(f"k-hat above 0.7: {sum(one['k_hat'] > 0.7 for one in kept)}")


if __name__ == "__main__":
    main()
