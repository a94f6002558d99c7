r"""What does the prior alone believe, and do the votes contradict it?

Votes are drawn from the prior: coefficients and hyperparameters, effects of groups and districts, then votes
at each district's own denominator. The observed overall share, the standard deviation of the districts'
shares and Moran's I of them are compared with theirs. A value that less than 1 in 1,000 prior draws reach, on
either side, is a warning: the prior believes in other elections. A prior that believes in much more than was
seen is no conflict, but the shares of districts that it puts below 1 % or above 99 % tell when it believes in
elections that do not happen.

Beside them stands what the prior believes of the effect of the first compared column. The default intercept
is centred on the overall share of these very votes, so that this share cannot contradict it.
"""

from typing import Any

import numpy as np
from scipy.special import expit

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.effects.design import shifted_design
from spatialvote.analysis.report.focus import compared_columns, points_of
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit_groups import draw_prior

QUESTION = "What does the prior alone believe?"
LEVEL = 0.002
POINTS = 10.0
#: Shares beyond which a district is as good as unanimous.
EXTREME = 0.01
_DRAWS, _VALUES = 1000, 2_000_000
#: Draws that are kept as maps.
SHOWN = 3
RANGE = (0.05, 0.95)


def run(case: Case) -> tuple[Check, ...]:
    """Overall share, spread and clustering of the observed shares among those drawn from the prior."""
    posterior, _ = case.rebuilt
    # Fewer draws for more districts, so that memory stays small.
    draws = int(np.clip(_VALUES // case.districts.n, 200, _DRAWS))
    prior = draw_prior(posterior, draws, case.rng)
    shares, observed = _shares(case, prior), case.fit.share
    stood = np.isfinite(observed)
    size = posterior.size[stood]
    statistics = {
        "overall share": (observed[stood] @ size / size.sum(), shares[:, stood] @ size / size.sum()),
        "standard deviation of the districts' shares": (
            observed[stood].std(),
            shares[:, stood].std(axis=1),
        ),
    }
    if stood.all() and case.moran.n_linked:
        varied = shares.std(axis=1) > 0
        statistics["Moran's I of the shares"] = (
            float(case.moran(observed)[0]),
            case.moran(shares[varied]),
        )
    told = {name: _place(*values) for name, values in statistics.items()}
    odd = [name for name, one in told.items() if min(one["p"], 1 - one["p"]) < LEVEL / 2]
    least = min(min(one["p"], 1 - one["p"]) for one in told.values())
    counted = case.fit.model.family != "poisson"
    extreme = float(((shares < EXTREME) | (shares > 1 - EXTREME)).mean()) if counted else None
    return (
        Check(
            "prior_predictive",
            QUESTION,
            "smallest share of prior draws beyond the observed overall share, spread or clustering",
            least,
            f"at least {LEVEL / 2}",
            "warn" if odd else "pass",
            _advice(odd, told, extreme),
            {
                "statistics": told,
                "extreme": extreme,
                "effect": _effect(case, prior),
                "maps": {
                    "draws": shares[:SHOWN].round(4),
                    "low": np.quantile(shares, RANGE[0], axis=0).round(4),
                    "high": np.quantile(shares, RANGE[1], axis=0).round(4),
                },
            },
        ),
    )


def _shares(case: Case, prior: dict[str, np.ndarray]) -> np.ndarray:
    """Shares (rates) drawn from the prior, shape (draws, n)."""
    family = FAMILIES[case.fit.model.family]
    dispersion = prior[family.HYPER[0]] if family.HYPER else 0.0
    # Where the party did not stand there is something to believe all the same.
    size = case.fit.size
    if "binomial" in case.fit.model.family:
        size = size.astype(np.int64)
    drawn = family.draw(case.rng, prior["eta"], size, dispersion)
    return expit(drawn) if case.fit.model.family == "gaussian" else drawn / size


def _place(observed: float, drawn: np.ndarray) -> dict[str, Any]:
    """Where an observed value stands among drawn ones."""
    low, high = np.quantile(drawn, RANGE)
    p = float(np.mean(drawn > observed) + 0.5 * np.mean(drawn == observed))
    return {"observed": float(observed), "low": float(low), "high": float(high), "p": p}


def _effect(case: Case, prior: dict[str, np.ndarray]) -> dict[str, Any] | None:
    """What the prior believes of the effect of the first compared column; None where there is none."""
    column = next(iter(compared_columns(case.fit.model.formula, case.districts)), None)
    if column is None:
        return None
    _, design = case.rebuilt
    points = points_of(column, case.districts, POINTS)
    change = float(case.districts.table[column].std(ddof=0))
    if points is not None:
        change = case.districts.roles.points(column, points)
    shift = (shifted_design(design, case.districts, column, change) - design.matrix) / design.scale
    by = prior["beta"] @ shift.T
    mean = FAMILIES[case.fit.model.family].mean
    counted = case.fit.model.family != "poisson"
    changes = mean(prior["eta"] + by) - mean(prior["eta"]) if counted else np.expm1(by)
    low, high = np.quantile(100 * changes.mean(axis=1), RANGE)
    return {"column": column, "points": points, "low": float(low), "high": float(high)}


def _advice(odd: list[str], told: dict[str, dict[str, Any]], extreme: float | None) -> str:
    if odd:
        said = "; ".join(
            f"{name} {told[name]['observed']:.3g}, the prior believes in {told[name]['low']:.3g} to "
            f"{told[name]['high']:.3g}"
            for name in odd
        )
        return (
            f"The prior hardly allows for these votes ({said}): where ‘prior_sensitivity’ says that this "
            "matters for an estimate, widen it."
        )
    wide = extreme is not None and extreme > 0.5
    return "The votes are among those that the prior believes possible" + (
        f"; it puts {100 * extreme:.0f} % of the districts below 1 % or above 99 %, which few elections "
        "show: consider narrower priors."
        if wide and extreme is not None
        else "."
    )
