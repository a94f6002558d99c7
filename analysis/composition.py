r"""Who is voting? How much of a gradient could be arithmetic.

Where more migrants live, more of the voters are migrants, and these may vote otherwise. With x_i the share
of residents with a migrant background in district i, entitled to vote at rate e and voting at rate t
relative to all others, migrants cast the part

    m_i = x_i k / (x_i k + 1 - x_i),     k = e t

of the votes, and the party's share is p_i = m_i w_i + (1 - m_i) b_i, with w_i its share among migrants and
b_i among all others. Votes alone say of b_i only that (Duncan & Davis 1953)

    max(0, (p_i - m_i) / (1 - m_i)) <= b_i <= min(1, p_i / (1 - m_i)).

What else is said of b_i is an assumption. Here it is one number: the party's support among migrants
relative to that among others of the same district, q = w_i / b_i, so that b_i = p_i / (1 - m_i (1 - q)).
The effect of ten points more migrants on the vote of the *others* is then, draw by draw of the fitted
model,

    E(q) = mean over districts of  p_i' / (1 - m_i' (1 - q)) - p_i / (1 - m_i (1 - q)),

p_i' and m_i' being those at ten points more. E(1) is the effect on the district's vote as a whole: no
composition. At q = 0 no migrant votes for the party, and arithmetic explains most. E falls as q rises;
where it crosses zero, the effect's sign turns. That b_i itself answers to who lives near is what E
measures; that migrants' support does not is assumed, and so is q the same everywhere.

Reference: Duncan, O. D., Davis, B. (1953). An alternative to ecological correlation. American Sociological
Review 18.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.belonging import require_same_districts
from spatialvote.analysis.effects.design import design_of, shifted_design
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit

#: Relative support at which the effect is told.
SUPPORT = tuple(np.round(np.arange(0.0, 1.5001, 0.05), 2))
#: Draws that are used.
_DRAWS = 1000


@dataclass(frozen=True, eq=False)
class Composition:
    """How much of the gradient could be arithmetic.

    Attributes
    ----------
    party, column
        The party and the column of migrants.
    points
        Percentage points by which migrants rise.
    entitled, turnout
        What was assumed of migrants, relative to others.
    bounds
        By district: `migrant_votes` (part of the votes that migrants cast), `low` and `high` (bounds of the
        party's share among all others), all from 0 to 1.
    overall
        Bounds of the party's share among all others in all districts together.
    effects
        Index: relative support q; columns `mean`, `low`, `high` (95 %) of the effect on the others' vote,
        percentage points, and `explained`, the part of the effect on the whole vote that composition
        explains at q; below 0 where it hides a part of the effect.
    turning
        Relative support at which the effect is zero, at each posterior draw, NaN where it has one sign from
        q = 0 to the largest one.
    regression
        Party's share among migrants and among others as ecological regression has it (Goodman 1953), for
        comparison: it assumes that neither depends on how many migrants live near, which is the question.
    """

    party: str
    column: str
    points: float
    entitled: float
    turnout: float
    bounds: pd.DataFrame
    overall: tuple[float, float]
    effects: pd.DataFrame
    turning: np.ndarray
    regression: tuple[float, float]

    @property
    def whole(self) -> float:
        """Effect on the district's vote as a whole (q = 1), percentage points."""
        return float(self.effects.loc[1.0, "mean"])

    @property
    def could_be_all(self) -> bool:
        """Whether the others' vote may not differ at all: zero lies in the interval at some q below 1."""
        less = self.effects[self.effects.index <= 1]
        return bool(((less["low"] <= 0) & (less["high"] >= 0)).any() or np.ptp(np.sign(less["mean"])) > 0)

    @property
    def words(self) -> str:
        """What can and cannot be said, in sentences."""
        none, whole = self.effects.loc[0.0], self.effects.loc[1.0]
        told = [
            f"Where {self.points:g} points more of the residents are migrants, the vote for {self.party} "
            f"differs by {_signed(whole)} points. If no migrant voted for it, that of everybody else would "
            f"differ by {_signed(none)} points."
        ]
        turned = self.turning[~np.isnan(self.turning)]
        if 2 * len(turned) >= len(self.turning):
            low, high = np.quantile(turned, [0.025, 0.975])
            told.append(
                f"The sign turns where migrants support it {np.median(turned):.2f} times as much as others "
                f"of the same district do (95 % {low:.2f} to {high:.2f})."
            )
        else:
            told.append(
                f"From no support among migrants to {self.effects.index[-1]:g} times that of others, the "
                "sign stays."
            )
        told.append(
            "So composition alone could make the whole gradient, and votes cannot tell whether it does."
            if self.could_be_all
            else "So composition alone does not make the gradient, if migrants support it no more than "
            "others do."
        )
        return " ".join(told)


def composition(
    fit: Fit,
    districts: Districts,
    *,
    points: float = 10.0,
    entitled: float = 1.0,
    turnout: float = 1.0,
    support: Sequence[float] = SUPPORT,
) -> Composition:
    """Ask how much of the effect of migrants on a party's vote could be arithmetic.

    Parameters
    ----------
    fit, districts
        A fit whose formula has the migrants' column, and its districts.
    points
        Percentage points by which migrants rise.
    entitled
        Part of the migrants' residents who may vote over that of all others: citizenship, age, local
        franchise.
    turnout
        Turnout of entitled migrants over that of others.
    support
        Relative support q at which the effect is told; 0 and 1 are among them.

    Raises
    ------
    ModelError
        Where districts have no migrants' column or it is not in the formula, the family has no shares, or an
        assumption is no positive number.
    FitError
        If the fit is of other districts.
    """
    require_same_districts(fit, districts)
    column = districts.roles.migrants
    problems = [
        Problem(
            f"{what} must be a number above 0, got {value}", "give a ratio, 1 where migrants are as others"
        )
        for what, value in (("entitled", entitled), ("turnout", turnout))
        if not (np.isfinite(value) and value > 0)
    ]
    grid = np.asarray(sorted(set(map(float, support))))
    if not {0.0, 1.0} <= set(grid) or grid[0] < 0 or not np.isfinite(grid).all():
        problems.append(
            Problem("support does not run from 0 over 1", "give relative support from 0 up, 0 and 1 among it")
        )
    if column is None:
        problems.append(
            Problem("these districts have no migrants' column", "name it when reading (migrants=)")
        )
    if fit.model.family == "poisson":
        problems.append(
            Problem("rates of counts have no composition of voters", "fit votes out of valid votes")
        )
    if problems:
        raise ModelError(problems)
    column = str(column)
    whole = SHARE_UNITS[districts.roles.units[column]]
    share = districts.table[column].to_numpy(np.float64) / whole
    more = share + points / 100
    beyond = districts.ids[(more >= 1) | (more < 0)]
    cast, cast_then = (_migrant_votes(np.clip(one, 0.0, 1.0), entitled * turnout) for one in (share, more))
    inside = (more < 1) & (more >= 0) & (cast < 1)
    if not inside.any():
        raise ModelError(
            Problem(
                f"{points:g} points more leave 0 to 100 % in every district ({name_some(beyond)})",
                "ask for fewer",
            )
        )
    at = np.linspace(0, len(fit.draws("intercept")) - 1, min(_DRAWS, len(fit.draws("intercept")))).round()
    now, then = _shares(fit, districts, column, points * whole / 100, at.astype(np.int64))
    before, after = (now[:, inside], cast[inside]), (then[:, inside], cast_then[inside])
    effects = np.column_stack([100 * (_others(*after, q) - _others(*before, q)).mean(axis=1) for q in grid])
    low, high = np.quantile(effects, [0.025, 0.975], axis=0)
    total = effects[:, np.searchsorted(grid, 1.0)].mean()
    table = pd.DataFrame(
        {
            "mean": effects.mean(axis=0),
            "low": low,
            "high": high,
            "explained": 1 - effects.mean(axis=0) / total,
        },
        index=pd.Index(grid, name="relative support"),
    )
    bounds, overall = _bounds(fit, districts, cast)
    return Composition(
        districts.roles.party_called(fit.model.party),
        column,
        points,
        entitled,
        turnout,
        bounds,
        overall,
        table,
        _zero(grid, effects),
        _regression(fit, cast),
    )


def _migrant_votes(share: np.ndarray, rate: float) -> np.ndarray:
    """Part of the votes that migrants cast, where they vote at a rate relative to others."""
    return share * rate / (share * rate + 1 - share)


def _others(share: np.ndarray, cast: np.ndarray, support: float) -> np.ndarray:
    """The party's share among others; where an assumption would have it above 1, all of them vote for it."""
    return np.minimum(1.0, share / (1 - cast * (1 - support)))


def _shares(
    fit: Fit, districts: Districts, column: str, change: float, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The party's share in each district now and after the change, draw by draw, (draws, n)."""
    design = design_of(fit, districts)
    shift = shifted_design(design, districts, column, change) - design.matrix
    if not shift.any():
        raise ModelError(
            Problem(
                f"the migrants' column '{column}' is not in formula '{fit.model.formula}'",
                "enter it in the formula",
            )
        )
    mean = FAMILIES[fit.model.family].mean
    eta = fit.draws("eta", at)
    return mean(eta), mean(eta + fit.change(shift, at=at))


def _bounds(fit: Fit, districts: Districts, cast: np.ndarray) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Duncan and Davis's bounds of the party's share among others, from the observed shares."""
    share, others = fit.share, 1 - cast
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.where(others > 0, np.maximum(0, (share - cast) / others), 0.0)
        high = np.where(others > 0, np.minimum(1, share / others), 1.0)
    known = ~np.isnan(share)
    weight = (fit.size * others)[known]
    low, high = np.where(known, low, np.nan), np.where(known, high, np.nan)
    bounds = pd.DataFrame({"migrant_votes": cast, "low": low, "high": high}, index=districts.ids)
    both = (float(np.average(low[known], weights=weight)), float(np.average(high[known], weights=weight)))
    return bounds, both


def _regression(fit: Fit, cast: np.ndarray) -> tuple[float, float]:
    """Shares among migrants and among others from p = m w + (1 - m) b, weighted by votes."""
    known = ~np.isnan(fit.share)
    root = np.sqrt(fit.size[known].astype(np.float64))
    columns = np.column_stack([cast, 1 - cast])[known] * root[:, None]
    found, *_ = np.linalg.lstsq(columns, fit.share[known] * root, rcond=None)
    return float(found[0]), float(found[1])


def _zero(grid: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """Where each draw's effect crosses zero between two points of the grid; NaN where it does not."""
    crossing = effects[:, :-1] * effects[:, 1:] <= 0
    first = crossing.argmax(axis=1)
    rows = np.arange(len(effects))
    left, right = effects[rows, first], effects[rows, first + 1]
    step = np.divide(left, left - right, out=np.zeros(len(rows)), where=left != right)
    return np.where(crossing.any(axis=1), grid[first] + step * (grid[first + 1] - grid[first]), np.nan)


def _signed(row: pd.Series) -> str:
    return f"{row['mean']:+.1f} (95 % {row['low']:+.1f} to {row['high']:+.1f})".replace("-", "−")
