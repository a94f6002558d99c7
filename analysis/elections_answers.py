r"""What a fit of elections over time answers: the effect's path, its change, where it differs, what persists.

On the logit scale the effect at election t is the slope of the followed covariate. In **percentage points**
it is a difference of predictions, of the same districts with the covariate moved by ``points`` of a share (or
by one standard deviation where its unit is no share) and all else as it is, averaged over the votes of the
election:

    d_t = sum_i N_it [logit^-1(eta_it + (slope_t + delta_i) step) - logit^-1(eta_it)] / sum_i N_it.

It compares districts; it is not the effect of migrants on persons, and a change of it over time may be a
change of who lives where.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from spatialvote.data.elections import Elections
from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.models.elections.fit import ElectionsFit

#: Percentage points by which a share is moved.
POINTS = 10.0
_LEVEL = (0.025, 0.975)


def summary(draws: np.ndarray) -> dict[str, float]:
    """Mean, 95 % interval, and the probability of the direction of draws (draws,)."""
    low, high = np.quantile(draws, _LEVEL)
    above = float((draws > 0).mean())
    return {
        "mean": float(draws.mean()),
        "low": float(low),
        "high": float(high),
        "probability_direction": max(above, 1 - above),
    }


@dataclass(frozen=True, eq=False)
class EffectPath:
    """The effect at each election.

    Attributes
    ----------
    labels
        The elections.
    step
        How far the covariate is moved, in words.
    logit
        Draws of the change in log-odds, shape (draws, elections).
    points
        Draws of the change of the vote share in percentage points, shape (draws, elections).
    """

    labels: tuple[str, ...]
    step: str
    logit: np.ndarray
    points: np.ndarray

    def table(self) -> pd.DataFrame:
        """One row for each election: mean, 95 % interval and probability of direction, on both scales."""
        rows = []
        for t in range(len(self.labels)):
            told = {"logit": summary(self.logit[:, t]), "points": summary(self.points[:, t])}
            rows.append(
                {f"{scale}_{key}": value for scale, one in told.items() for key, value in one.items()}
            )
        return pd.DataFrame(rows, index=pd.Index(self.labels, name="election"))

    def change(self, first: str | None = None, last: str | None = None) -> dict[str, dict[str, float]]:
        """The effect at ``last`` minus that at ``first`` (the last and the first election unless told).

        Raises
        ------
        DataError
            If an election is unknown.
        """
        ends = [first or self.labels[0], last or self.labels[-1]]
        unknown = [one for one in ends if one not in self.labels]
        if unknown:
            raise DataError(
                Problem(
                    f"there is no election {name_some(unknown)}", f"choose from {name_some(self.labels, 20)}"
                )
            )
        a, b = (self.labels.index(one) for one in ends)
        return {
            "logit": summary(self.logit[:, b] - self.logit[:, a]),
            "points": summary(self.points[:, b] - self.points[:, a]),
        }


def effect_path(fit: ElectionsFit, elections: Elections, points: float = POINTS) -> EffectPath:
    """The effect's path over the elections.

    Parameters
    ----------
    fit, elections
        A fit and its elections.
    points
        Percentage points by which the covariate is moved, where it is a share of a known unit; else it is
        moved by one standard deviation.

    Raises
    ------
    FitError
        If the fit is of other elections.
    """
    fit.require(elections)
    step, words = _step(fit, elections, points)
    slope, eta = fit.draws("effect"), fit.draws("eta")
    district, election, valid = elections.district, elections.election, elections.valid
    local = fit.draws("slope") if "slope" in fit.tree["posterior"] else None
    changed = np.empty_like(slope)
    for t in range(len(elections.labels)):
        rows = election == t
        move = slope[:, [t]] * step
        if local is not None:
            move = move + local[:, district[rows]] * step
        here = eta[:, rows]
        changed[:, t] = 100 * (expit(here + move) - expit(here)) @ (valid[rows] / valid[rows].sum())
    return EffectPath(elections.labels, words, slope * step, changed)


def _step(fit: ElectionsFit, elections: Elections, points: float) -> tuple[float, str]:
    """How far the covariate is moved in standard deviations, and in words."""
    name, roles = fit.effect_name, elections.roles
    if roles.units.get(name) in SHARE_UNITS:
        return roles.points(name, points) / float(fit.constant("scale")), f"{points:g} percentage points"
    return 1.0, "one standard deviation"


def change_by_district(fit: ElectionsFit, elections: Elections, first: str, last: str) -> pd.DataFrame:
    """How the fitted vote share of each district changed between two elections, in percentage points.

    Columns: mean, low and high (95 % interval), probability_direction; indexed by district; NaN where one of
    both elections is not known.
    """
    fit.require(elections)
    share = np.full((2, len(fit.draws("sigma")), elections.n), np.nan)
    eta = fit.draws("eta")
    for end, label in enumerate((first, last)):
        if label not in elections.labels:
            raise DataError(
                Problem(f"there is no election '{label}'", f"choose from {name_some(elections.labels, 20)}")
            )
        rows = elections.election == elections.labels.index(label)
        share[end][:, elections.district[rows]] = 100 * expit(eta[:, rows])
    off = share[1] - share[0]
    low, high = np.quantile(off, _LEVEL, axis=0)
    above = (off > 0).mean(axis=0)
    table = pd.DataFrame(
        {
            "mean": off.mean(axis=0),
            "low": low,
            "high": high,
            "probability_direction": np.maximum(above, 1 - above),
        },
        index=elections.ids,
    )
    return table.where(table["mean"].notna())


def slopes_by_district(fit: ElectionsFit, elections: Elections) -> pd.DataFrame:
    """Each district's slope averaged over the elections, log-odds per standard deviation of the covariate.

    Columns: mean, low, high (95 % interval), and ``above``, the posterior probability that the slope is above
    zero; indexed by district.

    Raises
    ------
    DataError
        If the model's slope does not vary over the map.
    """
    fit.require(elections)
    if "slope" not in fit.tree["posterior"]:
        raise DataError(
            Problem("the slope of this model does not vary over the map", "fit with varying=True")
        )
    slope = fit.draws("effect").mean(axis=1)[:, None] + fit.draws("slope")
    low, high = np.quantile(slope, _LEVEL, axis=0)
    return pd.DataFrame(
        {"mean": slope.mean(axis=0), "low": low, "high": high, "above": (slope > 0).mean(axis=0)},
        index=elections.ids,
    )


def variance_parts(fit: ElectionsFit, elections: Elections) -> Mapping[str, np.ndarray]:
    """How the variance of the log-odds between district-elections divides, draw by draw.

    Sums of squares of these districts, not parameters: of each election's average, of what covariates explain
    beyond it, of the persistent effects, of structured change, and of each district-election's own effect;
    shares of their total, each shape (draws,). They are not orthogonal, so that this divides their sum.
    """
    fit.require(elections)
    parts = _parts(fit, elections)
    parts["own"] = fit.draws("eta") - sum(parts.values())
    variances = {name: values.var(axis=1) for name, values in parts.items()}
    total = sum(variances.values())
    return {name: one / total for name, one in variances.items()}


def without_own(fit: ElectionsFit, elections: Elections) -> np.ndarray:
    """eta without each district-election's own effect e, shape (draws, rows)."""
    return sum(_parts(fit, elections).values(), np.zeros(()))


def _parts(fit: ElectionsFit, elections: Elections) -> dict[str, np.ndarray]:
    """What eta is the sum of, but for e; each shape (draws, rows)."""
    district, election, column = elections.district, elections.election, fit.constant("column")
    fixed = fit.draws("effect")[:, election] * column
    if "slope" in fit.tree["posterior"]:
        fixed = fixed + fit.draws("slope")[:, district] * column
    parts = {
        "election": fit.draws("intercept")[:, election],
        "covariates": fixed + fit.draws("beta") @ fit.constant("others").T,
        "persistent": fit.draws("persistent")[:, district],
    }
    if "change" in fit.tree["posterior"]:
        parts["change"] = fit.draws("change")[:, election, district]
    return parts
