r"""Is space accounted for? Moran's I of this model's residuals, draw by draw.

At each posterior draw s, the pivotal residuals r^s (`spatialvote.analysis.residuals`) are iid N(0, 1) if the
model is true, so I(r^s) is compared with I(w^s) of white noise w^s on the same graph:

    p = P(I(w) >= I(r)), averaged over the draws.

At one draw this is a uniform p-value under a true model. The draws share the data, so their p-values depend
on each other and their mean is not uniform; but twice the mean of any p-values is a valid p-value (Vovk &
Wang 2020). So p < 0.025 happens with a probability of 5 % at most under a true model, a warning, and
p < 0.005 with one of 1 % at most, a failure. Residuals that differ between neighbours more than noise does
(p near one) are judged alike, but only warned of: they point at the graph more often than at the estimates.

A permutation p-value of residuals is not valid (parameters were estimated from the same data) and not given.

References
----------
Johnson, V. E. (2007). Bayesian model assessment using pivotal quantities. Bayesian Analysis 2.
Vovk, V., Wang, R. (2020). Combining p-values via averaging. Biometrika 107.
"""

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.residuals import pivotal_residuals, thin

QUESTION = "Is space accounted for?"
LEVEL, SERIOUS = 0.025, 0.005
MOST_DRAWS = 1000
_BLOCK = 50


def run(case: Case) -> tuple[Check, ...]:
    """Moran's I of the residuals against white noise on the same graph."""
    if case.moran.n_linked == 0:
        return (
            Check(
                "moran_residual",
                QUESTION,
                "districts with a neighbour",
                0,
                "none: for the record",
                "info",
                "No district has a neighbour, so nothing can be said about space: give a neighbour graph.",
            ),
        )
    at = thin(case.fit, MOST_DRAWS)
    observed, reference = [], []
    # In blocks of draws, so that memory stays small for many districts.
    for start in range(0, len(at), _BLOCK):
        here = at[start : start + _BLOCK]
        observed.append(case.moran(pivotal_residuals(case.fit, here, case.rng, case.precision)))
        reference.append(case.moran(case.rng.standard_normal((len(here), case.districts.n))))
    return (judge(case.fit.model.structure, np.concatenate(observed), np.concatenate(reference)),)


def judge(structure: str, observed: np.ndarray, reference: np.ndarray) -> Check:
    """Compare I of the residuals (draws,) with I of white noise (draws,)."""
    order = np.sort(reference)
    # Every draw against all of the reference, which depends on the graph alone.
    above = 1 - np.searchsorted(order, observed, side="left") / len(order)
    p = float(above.mean())
    beyond = float(np.mean(observed > np.quantile(reference, 0.95)))
    if p < LEVEL:
        verdict = "fail" if p < SERIOUS else "warn"
        what = (
            "fit structure 'bym2'"
            if structure in ("none", "iid")
            else "try another neighbour graph, or look for a covariate that varies across the map"
        )
        advice = f"Residuals of neighbours are still alike, and intervals are too narrow: {what}."
    elif p > 1 - LEVEL:
        verdict = "warn"
        advice = (
            "Residuals of neighbours differ more than chance: check that links join districts that are truly "
            "near, and that rows of votes are not swapped."
        )
    else:
        verdict = "pass"
        advice = "The residuals of neighbours are no more alike than white noise."
    return Check(
        "moran_residual",
        QUESTION,
        "P(Moran's I of white noise >= Moran's I of the residuals), mean over draws",
        p,
        f"between {LEVEL} and {1 - LEVEL}",
        verdict,
        advice,
        {
            "mean": float(observed.mean()),
            "reference_mean": float(reference.mean()),
            "share_beyond_95": beyond,
            "observed": observed.round(6),
            "reference": reference.round(6),
        },
    )
