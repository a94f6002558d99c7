r"""Do the votes of districts lie where the model expects them? PIT-ECDF with simultaneous bands.

u_i is the place of a district's votes in what the model expects of it, its own independent effect integrated
out (`spatialvote.analysis.pit`). Under a true model the u_i of one draw are iid U(0, 1), so their empirical
distribution function F stays within

    |P(Binomial(n, z) <= n F(z)), P(Binomial(n, z) >= n F(z))| >= gamma / 2   at all of the points z at once

with a probability that depends on gamma, n and the points alone (Säilynoja, Bürkner & Vehtari 2022) and is
found by simulation: a p-value of each draw. The p-values of the draws depend on each other; twice their mean
is valid all the same (Vovk & Wang 2020), so a mean below 0.025 happens with a probability of 5 % at most
under a true model, a warning, and one below 0.005 with 1 % at most, a failure.

This asks more than statistics of replicated votes: any form of the distribution that is not the model's bends
F. What bends it tells what is wrong: F too flat in the middle means shares more extreme than expected, an S
the other way round shares closer to their expectation than the model says, F above the diagonal shares that
are too low.

Single districts do not bend F. Of them it is asked where their votes lie in what all others say of them
(integrated leave-one-out): n times the smallest of 2 min(u, 1 - u) is a p-value (Bonferroni), and below
0.05 a warning. It fails no fit: a district that differs from all others is no fault of a model, and what it
does to the estimates is another question. Where the weights are unreliable a district still has a hand in
what is expected of it, and is found less, not more, often.

References
----------
Säilynoja, T., Bürkner, P.-C., Vehtari, A. (2022). Graphical test for discrete uniformity and its applications
in goodness-of-fit evaluation and multiple sample comparison. Statistics and Computing 32.
Vovk, V., Wang, R. (2020). Combining p-values via averaging. Biometrika 107.
"""

import numpy as np
from scipy.special import bdtr, bdtrc
from scipy.stats import binom

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check, grade
from spatialvote.analysis.loo import UNRELIABLE
from spatialvote.analysis.pit import places_left_out, transforms
from spatialvote.analysis.residuals import thin
from spatialvote.data.errors import name_some

QUESTION = "Could the data have come from this model?"
LEVEL, SERIOUS = 0.025, 0.005
#: Of the band in the figure, at every point at once.
BAND = 0.95
#: A district is named where it lies beyond this on either side, on average over the draws.
TAIL = 0.005
EXTREME = 0.05
MOST_LEFT_OUT = 400
POINTS, SIMULATIONS, SHOWN = 100, 4000, 30
_NAMED = 50


def run(case: Case) -> tuple[Check, ...]:
    """ECDF of the transforms against uniform, and the most extreme of them."""
    posterior, _ = case.rebuilt
    at, before = case.before
    told = posterior.size > 0
    part = case.rng.random(before.mean.shape)
    u = transforms(posterior, before, case.fit.dispersion(at), part, case.rng)[:, told]
    ids = [str(one) for one in case.districts.ids[told]]
    places, k = places_left_out(case.fit, posterior, thin(case.fit, MOST_LEFT_OUT), case.rng)
    return _uniform(u, case.rng), _extreme(ids, places[told], k[told])


def judge_uniform(
    u: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """p-value of each row of transforms (draws, n); the points z, F at them, and the band's gamma.

    Returns
    -------
    p_values
        Shape (draws,).
    points
        Shape (points,), evenly spaced between 0 and 1.
    ecdf
        Shape (draws, points).
    gamma
        Of the band that holds all of F with probability `BAND`, no dimension.
    """
    n = u.shape[1]
    bins = min(n, POINTS)
    points = np.arange(1, bins) / bins
    place = np.minimum((u * bins).astype(np.int64), bins - 1)
    counts = np.stack([np.bincount(row, minlength=bins) for row in place]).cumsum(axis=1)[:, :-1]
    # Of n uniform numbers so many fall between two points, whatever their order.
    reference = rng.multinomial(n, np.full(bins, 1 / bins), SIMULATIONS).cumsum(axis=1)[:, :-1]
    observed, simulated = (_gamma(one, n, points) for one in (counts, reference))
    below = np.searchsorted(np.sort(simulated), observed, side="right")
    return (1 + below) / (1 + SIMULATIONS), points, counts / n, np.quantile(simulated, 1 - BAND)


def _gamma(counts: np.ndarray, n: int, points: np.ndarray) -> np.ndarray:
    """Twice the smallest tail probability of cumulative counts (rows, points), shape (rows,)."""
    beyond = np.where(counts > 0, bdtrc(np.maximum(counts - 1, 0), n, points), 1.0)
    return 2 * np.minimum(bdtr(counts, n, points), beyond).min(axis=1)


def _uniform(u: np.ndarray, rng: np.random.Generator) -> Check:
    p_values, points, ecdf, gamma = judge_uniform(u, rng)
    p = float(p_values.mean())
    verdict = grade(p >= LEVEL, p < SERIOUS)
    n = u.shape[1]
    advice = (
        "The votes of the districts lie in what the model expects of them as often as they should."
        if verdict == "pass"
        else f"{_shape(ecdf, points)}: look at the figure, at the districts in the tails, and for another "
        "family or a covariate that is missing."
    )
    shown = ecdf[np.linspace(0, len(ecdf) - 1, min(SHOWN, len(ecdf))).astype(np.int64)]
    low, high = (binom.ppf(one, n, points) / n - points for one in (gamma / 2, 1 - gamma / 2))
    return Check(
        "pit",
        QUESTION,
        "p-value of the PIT-ECDF's largest departure from uniform, mean over draws",
        p,
        f"at least {LEVEL}",
        verdict,
        advice,
        {
            "points": points.round(4),
            "differences": (shown - points).round(4),
            "low": low.round(4),
            "high": high.round(4),
            "outside": float((p_values < 1 - BAND).mean()),
        },
    )


def _extreme(ids: list[str], places: np.ndarray, k: np.ndarray) -> Check:
    nearer = np.minimum(places, 1 - places)
    p = float(min(1.0, 2 * len(ids) * nearer.min()))
    verdict = "pass" if p >= EXTREME else "warn"
    order = np.argsort(nearer, kind="stable")[:_NAMED]
    tails = {ids[q]: round(float(places[q]), 7) for q in order if nearer[q] < TAIL}
    odd = [ids[q] for q in order if 2 * len(ids) * nearer[q] < EXTREME]
    return Check(
        "pit_extreme",
        QUESTION,
        "p-value of the most extreme district's place in what the others say of it",
        p,
        f"at least {EXTREME}",
        verdict,
        "No district is further from what the others say of it than the most extreme of so many would be."
        if verdict == "pass"
        else f"The votes of {name_some(odd)} are not those that the model and all other districts expect "
        "there: check the rows for errors, ask what sets them apart, and fit without them to see what "
        "depends on them.",
        {
            "tails": tails,
            "beyond": odd,
            "expected": 2 * TAIL * len(ids),
            "unreliable": int((k > UNRELIABLE).sum()),
        },
    )


def _shape(ecdf: np.ndarray, points: np.ndarray) -> str:
    """What the ECDF's departure means, in words."""
    difference = ecdf.mean(axis=0) - points
    lower, upper = difference[points < 0.5].mean(), difference[points >= 0.5].mean()
    if lower * upper > 0:
        return "Shares are lower than expected" if lower > 0 else "Shares are higher than expected"
    if lower > 0:
        return "More districts have extreme shares than the model expects"
    return "Fewer districts have extreme shares than the model expects"
