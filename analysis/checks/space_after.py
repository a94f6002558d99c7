r"""Is space accounted for? Autocorrelation of this model's residuals, draw by draw.

At each posterior draw s, the pivotal residuals r^s (`spatialvote.analysis.residuals`) are iid N(0, 1) if the
model is true, so Moran's I(r^s) is compared with I(w^s) of white noise w^s on the same graph:

    p = P(I(w) >= I(r)), averaged over the draws;

and Geary's C, which is small where neighbours are alike, with P(C(w) <= C(r)).

At one draw this is a uniform p-value under a true model. The draws share the data, so their p-values depend
on each other and their mean is not uniform; but twice the mean of any p-values is a valid p-value (Vovk &
Wang 2020). So p < 0.025 happens with a probability of 5 % at most under a true model, a warning, and
p < 0.005 with one of 1 % at most, a failure. Residuals that differ between neighbours more than noise does
(p near one) are judged alike, but only warned of: they point at the graph more often than at the estimates.

A permutation p-value of residuals is not valid (parameters were estimated from the same data) and not given.

Getis and Ord's G needs values of one sign, which residuals are not: that of the shares is compared with
shares that this model replicates with district effects drawn anew, as in
`spatialvote.analysis.checks.predictive`. Such a p-value is conservative, and judged at the same levels.

References
----------
Johnson, V. E. (2007). Bayesian model assessment using pivotal quantities. Bayesian Analysis 2.
Vovk, V., Wang, R. (2020). Combining p-values via averaging. Biometrika 107.
"""

import numpy as np
from scipy.special import expit

from spatialvote.analysis.checks import predictive
from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check, grade
from spatialvote.analysis.geary import Geary
from spatialvote.analysis.getis_ord import GetisOrd
from spatialvote.analysis.graph_statistic import GraphStatistic
from spatialvote.analysis.moran import Moran
from spatialvote.analysis.residuals import pivotal_residuals, thin

QUESTION = "Is space accounted for?"
LEVEL, SERIOUS = 0.025, 0.005
MOST_DRAWS = 1000
_BLOCK = 50
#: Of the residuals; each with how white noise shows neighbours at least as alike.
_STATISTICS: dict[type[GraphStatistic], str] = {Moran: ">=", Geary: "<="}


def run(case: Case) -> tuple[Check, ...]:
    """Moran's I and Geary's C of the residuals against white noise on the same graph; G of the shares."""
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
    statistics = [kind.of(case.districts) for kind in _STATISTICS]
    observed: list[list[np.ndarray]] = [[] for _ in statistics]
    reference: list[list[np.ndarray]] = [[] for _ in statistics]
    # In blocks of draws, so that memory stays small for many districts.
    for start in range(0, len(at), _BLOCK):
        here = at[start : start + _BLOCK]
        residuals = pivotal_residuals(case.fit, here, case.rng, case.precision)
        white = case.rng.standard_normal((len(here), case.districts.n))
        for one, seen, noise in zip(statistics, observed, reference, strict=True):
            seen.append(one(residuals))
            noise.append(one(white))
    return (
        *(
            judge(kind, case.fit.model.structure, np.concatenate(seen), np.concatenate(noise))
            for kind, seen, noise in zip(_STATISTICS, observed, reference, strict=True)
        ),
        *_getis_ord(case, at),
    )


def judge(kind: type[GraphStatistic], structure: str, observed: np.ndarray, reference: np.ndarray) -> Check:
    """Compare a statistic of the residuals (draws,) with that of white noise (draws,)."""
    # Every draw against all of the reference, which depends on the graph alone.
    p = float(kind.likeness(observed, reference).mean())
    extreme = np.quantile(kind.ALIKE * reference, 0.95)
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
        f"{kind.KEY}_residual",
        QUESTION,
        f"P({kind.NAME} of white noise {_STATISTICS[kind]} {kind.NAME} of the residuals), mean over draws",
        p,
        f"between {LEVEL} and {1 - LEVEL}",
        verdict,
        advice,
        {
            "mean": float(observed.mean()),
            "reference_mean": float(reference.mean()),
            "share_beyond_95": float(np.mean(kind.ALIKE * observed > extreme)),
            "observed": observed.round(6),
            "reference": reference.round(6),
        },
    )


def _getis_ord(case: Case, at: np.ndarray) -> tuple[Check, ...]:
    """G of the shares among those that this model replicates; nothing where no district has a neighbour."""
    stood = case.fit.stood
    statistic = GetisOrd.of(case.districts, stood)
    if statistic.n_linked == 0:
        return ()
    value = float(statistic(case.fit.share[stood])[0])
    votes = predictive.replicate(case, at)[:, stood]
    gaussian = case.fit.model.family == "gaussian"
    reference = statistic(expit(votes) if gaussian else votes / case.fit.size[stood])
    p = float(np.mean(reference > value) + 0.5 * np.mean(reference == value))
    serious = min(p, 1 - p) <= predictive.SERIOUS
    verdict = grade(predictive.LEVEL <= p <= 1 - predictive.LEVEL, serious)
    if verdict == "pass":
        advice = f"Where the high shares lie (G = {value:.4g}) is as the model would have it."
    else:
        low, high = np.quantile(reference, [0.025, 0.975])
        how = "more" if p < 0.5 else "less"
        advice = (
            f"High shares lie together, or have many neighbours, {how} than the model expects (G = "
            f"{value:.4g}, replicated {low:.4g} to {high:.4g}): look for a covariate that tells such "
            "districts from others."
        )
    return (
        Check(
            "getis_ord_predictive",
            QUESTION,
            "predictive p-value of G of the shares",
            p,
            f"between {predictive.LEVEL} and {1 - predictive.LEVEL}",
            verdict,
            advice,
            {
                "observed": value,
                "expected": float(reference.mean()),
                "interval": np.quantile(reference, [0.025, 0.975]),
            },
        ),
    )
