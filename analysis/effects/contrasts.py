"""What is compared: which column, from which of its values to which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd

from spatialvote.analysis.effects.grid import formula_columns
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.models.fit import Fit

#: Steps of a column of numbers that have a name, and ways to pair the categories of a column.
STEPS = ("sd", "iqr", "range")
PAIRS = ("reference", "sequential", "pairwise")
#: Percentage points by which a share rises where nothing else is said.
POINTS = 10.0


@dataclass(frozen=True)
class Contrast:
    """Two states of one column.

    Attributes
    ----------
    variable
        The column.
    words
        What is compared.
    step
        How far the column is moved from where it is; None where both values are given.
    low, high
        The values; None where a step is given.
    """

    variable: str
    words: str
    step: float | None = None
    low: Any = None
    high: Any = None

    def tables(self, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """A grid's rows in the first and in the second state."""
        if self.step is None:
            return (table.assign(**{self.variable: self.low}), table.assign(**{self.variable: self.high}))
        own = table[self.variable].astype(np.float64)
        return table, table.assign(**{self.variable: own + self.step})

    def leaving(self, districts: Districts, table: pd.DataFrame) -> tuple[int, int]:
        """In how many rows a number leaves 0 to 100 %, and the observed range; (0, 0) for categories."""
        observed = districts.table[self.variable]
        if not pd.api.types.is_numeric_dtype(observed):
            return 0, 0
        states = np.array([one[self.variable].to_numpy(np.float64) for one in self.tables(table)])
        whole = SHARE_UNITS.get(districts.roles.units.get(self.variable, ""), np.inf)
        # A share can reach its bound exactly; rounding must not count as leaving.
        slack = 1e-9 * float(observed.abs().max())
        bounded = (states < -slack) | (states > whole + slack) if np.isfinite(whole) else states > np.inf
        beyond = (states < observed.min() - slack) | (states > observed.max() + slack)
        return int(bounded.any(axis=0).sum()), int(beyond.any(axis=0).sum())


def contrasts(
    fit: Fit, districts: Districts, variables: str | Sequence[str] | Mapping[str, Any] | None
) -> tuple[Contrast, ...]:
    """Make the contrasts that are asked for.

    Parameters
    ----------
    variables
        None: all covariates of the formula; a column, or several: each by its usual step; or column to a
        step. Steps of a column of numbers: a number, by which it rises (percentage points for a share,
        whatever the unit it is stored in; the column's own unit elsewhere); a pair of values in its own
        unit; ``sd`` (a standard deviation over districts); ``iqr`` (from the lower to the upper quartile);
        ``range`` (from the smallest value to the largest). Usual: 10 percentage points for a share, ``sd``
        elsewhere. Of categories and groups: ``reference`` (usual: each against the first), ``sequential``,
        ``pairwise``, or a pair.

    Raises
    ------
    ModelError
        With every column and step that is none.
    """
    covariates, groups = formula_columns(fit, districts)
    if variables is None:
        asked: dict[str, Any] = dict.fromkeys(covariates)
    elif isinstance(variables, str):
        asked = {variables: None}
    else:
        asked = dict(variables) if isinstance(variables, Mapping) else dict.fromkeys(variables)
    problems = [
        Problem(
            f"the formula has no column '{name}'",
            f"it has {name_some((*covariates, *groups), limit=12) or 'none'}",
        )
        for name in asked
        if name not in (*covariates, *groups)
    ]
    if not asked:
        problems.append(Problem("nothing is compared: the formula has no covariate", "name a column"))
    made: list[Contrast] = []
    for name, step in asked.items():
        if name not in (*covariates, *groups):
            continue
        column = districts.table[name]
        numeric = pd.api.types.is_numeric_dtype(column) and name not in groups
        try:
            made += _numeric(name, step, districts) if numeric else _categoric(name, step, column)
        except ModelError as error:
            problems += error.problems
    if problems:
        raise ModelError(problems)
    return tuple(made)


def _numeric(name: str, step: Any, districts: Districts) -> list[Contrast]:
    column = districts.table[name].to_numpy(np.float64)
    unit = districts.roles.units.get(name, "")
    share = unit in SHARE_UNITS
    if step is None:
        step = POINTS if share else "sd"
    if isinstance(step, str) and step in STEPS:
        if step == "sd":
            sd = float(column.std())
            return [Contrast(name, f"+1 sd ({sd:.4g})", step=sd)]
        low, high = np.quantile(column, [0.25, 0.75] if step == "iqr" else [0, 1])
        return [Contrast(name, f"{low:.4g} to {high:.4g} ({step})", low=float(low), high=float(high))]
    if _number(step) and step != 0:
        moved = districts.roles.points(name, float(step)) if share else float(step)
        return [Contrast(name, f"{step:+g} points" if share else f"{step:+g}", step=moved)]
    pair = _pair(step)
    if pair and all(map(_number, pair)) and pair[0] != pair[1]:
        low, high = map(float, pair)
        return [Contrast(name, f"{low:g} to {high:g}", low=low, high=high)]
    raise ModelError(
        Problem(
            f"'{name}' cannot be moved by {step!r}",
            f"give a number that is not zero, two values, or one of {name_some(STEPS)}",
        )
    )


def _categoric(name: str, step: Any, column: pd.Series) -> list[Contrast]:
    values = sorted(column.unique(), key=str)
    step = "reference" if step is None else step
    pair = _pair(step)
    if pair and all(one in values for one in pair) and pair[0] != pair[1]:
        pairs = [pair]
    elif step == "reference":
        pairs = [(values[0], one) for one in values[1:]]
    elif step == "sequential":
        pairs = list(pairwise(values))
    elif step == "pairwise":
        pairs = list(combinations(values, 2))
    else:
        raise ModelError(
            Problem(
                f"categories of '{name}' cannot be compared by {step!r}",
                f"give two of {name_some(values, limit=8)}, or one of {name_some(PAIRS)}",
            )
        )
    return [Contrast(name, f"{low} to {high}", low=low, high=high) for low, high in pairs]


def _number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value))


def _pair(value: Any) -> tuple[Any, ...]:
    """A pair of values; empty for all else."""
    return tuple(value) if isinstance(value, tuple | list) and len(value) == 2 else ()
