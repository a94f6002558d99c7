r"""Where on the map are neighbours alike, or differ? Local Moran's I and Getis and Ord's G_i*.

Of the raw shares, of the effect that the model gives the districts, and of its residuals
(`spatialvote.analysis.local` has the statistics and what chance means for each). False discoveries are
controlled at 5 % of what is found. Of the effect and the residuals each draw gives a map of classes: the
probability of a class in a district is the share of draws that give it.

Residuals are judged. Each district has a p-value at each draw, valid under a true model, and twice the mean
of these is valid too (Vovk & Wang 2020). Where no residuals cluster, anything that the procedure of Benjamini
& Hochberg finds is false, and so it finds something on at most 5 % of maps: half of that is given to either
statistic. That is warned of, and never a failure: the global statistics say whether residuals cluster, these
say where.

References
----------
Vovk, V., Wang, R. (2020). Combining p-values via averaging. Biometrika 107.
"""

from typing import Any

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.local import CLASSES, LEVEL, NO_CLASS, Local, LocalStatistics, classify
from spatialvote.analysis.residuals import pivotal_residuals, thin
from spatialvote.data.errors import name_some
from spatialvote.models.fit import Fit

QUESTION = "Where do neighbours resemble each other?"
MOST_DRAWS = 200
SURE = 0.95
_BLOCK = 50
_STATISTICS = ("moran", "getis_ord")


def run(case: Case) -> tuple[Check, ...]:
    """Classes of the raw shares, and their probabilities of effects and residuals."""
    if case.moran.n_linked == 0:
        return ()
    checks = [_raw(case)]
    if case.fit.model.structure != "none":
        checks.append(_effect(case))
    return (*checks, _residual(case))


def _raw(case: Case) -> Check:
    """Classes of the raw shares of the districts where the party stood."""
    stood = case.fit.stood
    statistics = LocalStatistics.of(case.districts, stood)
    found = {}
    both = statistics.of_raw(case.fit.share[stood], case.rng) if statistics.degree.any() else ()
    for name, local in zip(_STATISTICS, both, strict=False):
        found[name] = np.full(case.districts.n, NO_CLASS)
        found[name][stood] = local.classes()[0]
    counts = {name: _counts(codes) for name, codes in found.items()}
    clusters = sum(counts["moran"][one] for one in CLASSES[1:]) if found else 0
    return Check(
        "local_raw",
        QUESTION,
        "districts with a significant local Moran's I of the raw shares",
        clusters,
        "none: for the record",
        "info",
        _in_words(counts["moran"]) if found else "No two neighbours had this party to vote for.",
        {"classes": found, "counts": counts, **_alone(case)},
    )


def _effect(case: Case) -> Check:
    """Probability of each class of the effect that the model gives the districts."""
    statistics = LocalStatistics.of(case.districts)
    at = thin(case.fit, MOST_DRAWS)
    tally = _Tally(case.districts.n)
    for start in range(0, len(at), _BLOCK):
        for name, local in zip(
            _STATISTICS,
            statistics.of_field(spatial_effect(case.fit, at[start : start + _BLOCK])),
            strict=True,
        ):
            tally.add(name, local.classes())
    shown = {name: tally.percent(name) for name in _STATISTICS}
    sure = {name: tally.surely(name) for name in _STATISTICS}
    return Check(
        "local_effect",
        QUESTION,
        f"districts whose effect is in one class of local Moran's I in {SURE:.0%} of the draws",
        sum(sure["moran"].values()),
        "none: for the record",
        "info",
        _in_words(sure["moran"], "with a probability of 95 % or more"),
        {
            "effect": "structured" if "phi" in case.fit.tree["posterior"] else "whole",
            "percent": shown,
            "counts": sure,
            **_alone(case),
        },
    )


def _residual(case: Case) -> Check:
    """Probability of each class of the residuals, and where their p-values say that it is no chance."""
    statistics = LocalStatistics.of(case.districts)
    at = thin(case.fit, MOST_DRAWS)
    tally = _Tally(case.districts.n)
    for start in range(0, len(at), _BLOCK):
        here = at[start : start + _BLOCK]
        residuals = pivotal_residuals(case.fit, here, case.rng, case.precision)
        for name, local in zip(_STATISTICS, statistics.of_noise(residuals), strict=True):
            tally.add(name, local.classes(), local)
    found = np.zeros(case.districts.n, dtype=bool)
    for name in _STATISTICS:
        p_value = np.minimum(2 * tally.p_value[name] / len(at), 1.0)[None]
        found |= classify(p_value, np.ones(p_value.shape, dtype=int), LEVEL / len(_STATISTICS))[0] > 0
    if found.any():
        named = name_some([str(one) for one in case.districts.ids[found]])
        verdict, advice = (
            "warn",
            f"Residuals cluster around {named}, or differ from all around: look for what these places share, "
            "and for errors in their rows and links.",
        )
    else:
        verdict, advice = "pass", "Residuals cluster nowhere more than white noise does."
    return Check(
        "local_residual",
        QUESTION,
        "districts where residuals of neighbours cluster or differ (local Moran's I or G*)",
        int(found.sum()),
        "0",
        verdict,
        advice,
        {
            "percent": {name: tally.percent(name) for name in _STATISTICS},
            "counts": {name: tally.surely(name) for name in _STATISTICS},
            "found": np.flatnonzero(found),
            **_alone(case),
        },
    )


def spatial_effect(fit: Fit, at: np.ndarray) -> np.ndarray:
    """The effect that neighbours share (``bym2``), else the whole effect of each district, (len(at), n)."""
    if "phi" not in fit.tree["posterior"]:
        return fit.district_effects(at)
    scale = fit.draws("sigma", at) * np.sqrt(fit.draws("rho", at))
    return scale[:, None] * fit.draws("phi", at)


class _Tally:
    """How often each district was given each class, and the sum of its p-values."""

    def __init__(self, n: int) -> None:
        self.draws = 0
        self.times = {name: np.zeros((len(CLASSES), n)) for name in _STATISTICS}
        self.p_value = {name: np.zeros(n) for name in _STATISTICS}

    def add(self, name: str, classes: np.ndarray, local: Local | None = None) -> None:
        """Count the classes of some draws (m, n), and add their p-values."""
        self.draws += len(classes) if name == _STATISTICS[0] else 0
        for code in range(len(CLASSES)):
            self.times[name][code] += (classes == code).sum(axis=0)
        if local is not None:
            self.p_value[name] += local.p_value.sum(axis=0)

    def percent(self, name: str) -> dict[str, np.ndarray]:
        """Probability of each class that a district can have, in whole percent."""
        return {
            CLASSES[code]: np.rint(100 * self.times[name][code] / self.draws).astype(int)
            for code in range(1, len(CLASSES))
            if self.times[name][code].any()
        }

    def surely(self, name: str) -> dict[str, int]:
        """Districts that nearly all draws put into one class."""
        shares = self.times[name] / self.draws
        return {CLASSES[code]: int((shares[code] >= SURE).sum()) for code in range(1, len(CLASSES))}


def _counts(codes: np.ndarray) -> dict[str, int]:
    return {one: int((codes == code).sum()) for code, one in enumerate(CLASSES)}


def _in_words(counts: dict[str, int], how: str = "beyond chance") -> str:
    return (
        f"High among high ones {how}: {counts['high-high']} districts; low among low ones "
        f"{counts['low-low']}, "
        f"high among low ones {counts['high-low']}, low among high ones {counts['low-high']}."
    )


def _alone(case: Case) -> dict[str, Any]:
    """Positions of districts without a neighbour, and of those where the party did not stand."""
    without = np.diff(case.moran.weights.indptr) == 0
    return {"islands": np.flatnonzero(without), "not_stood": np.flatnonzero(~case.fit.stood)}
