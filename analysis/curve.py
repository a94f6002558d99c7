r"""The curve of one covariate, and where it turns.

With the design x(v) evaluated at v in every district, all else held, the share of the vote that all districts
together would have is, draw by draw,

    s(v) = mean over districts i of p(eta_i + (x_i(v) - x_i)'b).

A term of one column adds the same f(v) = x(v)'b to every district, and p is increasing, so s turns where f
does: f is searched on a fine grid between two quantiles of the observed values. Where its largest value
lies within, the curve has a peak there; where its smallest does, a trough. An end of the range is no
turning point: a curve that flattens out towards it has none.

van Wijk, Bolt & Tolsma (2020, Political Geography 77) report a peak of radical right support at about 25 % of
residents with a migration background.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.belonging import require_same_districts
from spatialvote.analysis.effects.design import design_of
from spatialvote.analysis.effects.weighting import district_weights, weighting_problems
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit

#: Points of the curve that is drawn, and of the grid on which it is searched for turns.
_DRAWN, _SEARCHED = 61, 401
#: Turning points are sought where so much of the districts lies on either side at least.
TAIL = 0.025
#: Draws for the curve; averages over districts are smooth.
_DRAWS = 500


@dataclass(frozen=True, eq=False)
class Turn:
    """A peak or a trough.

    Attributes
    ----------
    probability
        Posterior probability that there is one within `Curve.searched`.
    location
        Posterior draws of where, in the column's unit, of the draws that have one.
    """

    probability: float
    location: np.ndarray

    @property
    def median(self) -> float:
        """Median location where there is one; NaN where no draw has one."""
        return float(np.median(self.location)) if len(self.location) else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Equal-tailed 95 % interval of the location, given that there is one."""
        if not len(self.location):
            return float("nan"), float("nan")
        low, high = np.quantile(self.location, [0.025, 0.975])
        return float(low), float(high)


@dataclass(frozen=True, eq=False)
class Curve:
    """What the vote would be at each value of a covariate, other things held.

    Attributes
    ----------
    column
        The covariate.
    weighting
        See `spatialvote.analysis.effects.weighting`.
    table
        Index: values of the column. Columns `mean`, `low`, `high` (95 %): percent of the vote (Poisson: mean
        rate times 100), averaged over the districts.
    observed
        The districts' values, shape (n,).
    searched
        Range in which turning points are sought.
    peak, trough
        Largest and smallest value within the range.
    """

    column: str
    weighting: str
    table: pd.DataFrame
    observed: np.ndarray
    searched: tuple[float, float]
    peak: Turn
    trough: Turn

    def __repr__(self) -> str:
        low, high = self.searched
        return (
            f"Curve({self.column}, {low:.3g} to {high:.3g}: peak with probability "
            f"{self.peak.probability:.2f}, trough {self.trough.probability:.2f})"
        )


def curve(
    fit: Fit, districts: Districts, column: str | None = None, *, weighting: str = "districts"
) -> Curve:
    """The vote as a curve of one covariate, others held.

    Parameters
    ----------
    fit, districts
        A fit and the districts it was made from.
    column
        A numeric covariate of the formula; None: the migrants' column. One that enters an interaction has no
        single curve and is refused.
    weighting
        How districts are averaged.

    Raises
    ------
    ModelError
        For a column that is not in the formula, is no number, interacts with another, or whose slope varies
        between levels or over the map.
    FitError
        If the fit is of other districts.
    """
    require_same_districts(fit, districts)
    asked = districts.roles.migrants if column is None else column
    if problems := weighting_problems(districts, weighting):
        raise ModelError(problems)
    if asked is None or asked not in districts.table:
        raise ModelError(
            Problem(
                f"there is no column '{asked}'" if asked else "these districts have no migrants' column",
                f"use one of {name_some(districts.roles.numeric_columns(), limit=12)}",
            )
        )
    if asked in {effect.covariate for effect in fit.effects} | {fit.model.varying}:
        over, instead = "between levels", "slopes_by_level"
        if asked == fit.model.varying:
            over, instead = "over the map", "local_slopes"
        raise ModelError(
            Problem(
                f"the slope of '{asked}' varies {over}, so that there is no single curve",
                f"ask for {instead}, or for effect()",
            )
        )
    observed = districts.table[asked].to_numpy(np.float64)
    searched = (float(np.quantile(observed, TAIL)), float(np.quantile(observed, 1 - TAIL)))
    drawn = np.linspace(observed.min(), observed.max(), _DRAWN)
    fine = np.linspace(*searched, _SEARCHED)
    designs = _designs(fit, districts, asked, np.r_[drawn, fine, observed])
    at_drawn, at_fine, own = np.split(designs, [_DRAWN, _DRAWN + _SEARCHED])
    slope = fit.draws("beta") / fit.constant("scale")
    peak, trough = _turns(slope @ at_fine.T, fine)
    weight = district_weights(fit, districts, weighting)
    table = _averages(fit, slope, own, at_drawn, weight)
    return Curve(
        asked, weighting, table.set_index(pd.Index(drawn, name=asked)), observed, searched, peak, trough
    )


def _designs(fit: Fit, districts: Districts, column: str, values: np.ndarray) -> np.ndarray:
    """Columns of the design that the covariate moves, at some values, others at their means, (m, p)."""
    design = design_of(fit, districts)
    table = pd.DataFrame(districts.table.drop(columns=districts.table.geometry.name))
    # Two districts that differ in all else: a term that is the covariate's alone moves both alike.
    rows = [table.iloc[[k]].loc[lambda one: one.index.repeat(len(values))] for k in (0, len(table) - 1)]
    moved = [design.evaluate(one.assign(**{column: values})) for one in rows]
    change = [one - one[:1] for one in moved]
    if not np.allclose(change[0], change[1], rtol=1e-9, atol=1e-9 * max(1.0, float(np.abs(change[0]).max()))):
        raise ModelError(
            Problem(
                f"'{column}' interacts with another column in formula '{fit.model.formula}'",
                "its curve differs between districts: ask for effects at chosen values instead",
            )
        )
    if not change[0].any():
        raise ModelError(
            Problem(
                f"column '{column}' is not in formula '{fit.model.formula}'",
                "name a column that is, or enter it in the formula",
            )
        )
    # Of columns that do not move, the first row's values would stand for all districts: none are kept.
    return np.where(change[0].any(axis=0), moved[0], 0.0)


def _turns(height: np.ndarray, where: np.ndarray) -> tuple[Turn, Turn]:
    """Peaks and troughs of curves (draws, m) that lie within the range."""
    turns = []
    for values in (height, -height):
        top = values.argmax(axis=1)
        inside = (top > 0) & (top < len(where) - 1)
        rows, best = np.flatnonzero(inside), top[inside]
        left, middle, right = (values[rows, best + step] for step in (-1, 0, 1))
        # The vertex of the parabola through three points of the grid.
        bend = left - 2 * middle + right
        offset = np.divide(0.5 * (left - right), bend, out=np.zeros(len(rows)), where=bend < 0)
        turns.append(Turn(float(inside.mean()), where[best] + offset * (where[1] - where[0])))
    return turns[0], turns[1]


def _averages(
    fit: Fit, slope: np.ndarray, own: np.ndarray, at: np.ndarray, weight: np.ndarray
) -> pd.DataFrame:
    """Mean and 95 % interval of the share averaged over districts, at each value."""
    chosen = np.linspace(0, len(slope) - 1, min(_DRAWS, len(slope))).round().astype(np.int64)
    weight = weight / weight.sum()
    mean = FAMILIES[fit.model.family].mean
    slope = slope[chosen]
    without = fit.draws("eta", chosen) - slope @ own.T
    height = slope @ at.T
    found = np.empty(height.shape)
    for k in range(height.shape[1]):
        found[:, k] = 100 * mean(without + height[:, [k]]) @ weight
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return pd.DataFrame({"mean": found.mean(axis=0), "low": low, "high": high})
