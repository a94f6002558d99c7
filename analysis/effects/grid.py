"""At which values of the covariates, and with whose district effect, a model is asked.

===============  ==========================================================================================
kind             rows
===============  ==========================================================================================
counterfactual   every district as it is, with its own effect; where values are given, a copy of all of
                 them for each combination of values
mean             one district with every number at its mean over the districts and every category at the
                 one that most districts have, for each combination of the values that are given
balanced         the same for each combination of the categories of every category column
===============  ==========================================================================================

The rows of ``mean`` and ``balanced`` are no districts of the map. Their district effect is 0: that of a
district whose vote is as its covariates have it. So is that of a group, unless its level is given. Because
the link is curved, their vote is not the average over districts (Gelman & Pardoe 2007): for an answer about
the map, take ``counterfactual``.

References
----------
Arel-Bundock, V., Greifer, N., Heiss, A. (2024). How to interpret statistical models using marginaleffects for
R and Python. Journal of Statistical Software 111.
Gelman, A., Pardoe, I. (2007). Average predictive comparisons for models with nonlinearity, interactions, and
variance components. Sociological Methodology 37.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from spatialvote.analysis.belonging import require_same_districts
from spatialvote.analysis.terms import columns_of
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.design import split_formula
from spatialvote.models.fit import Fit
from spatialvote.models.groups import group_effects_of

KINDS = ("counterfactual", "mean", "balanced")
#: Combinations of values beyond which a grid is refused.
_MOST = 10_000
#: Position of a row that is no district of the map.
NO_DISTRICT = -1


@dataclass(frozen=True, eq=False)
class Grid:
    """Rows at which a model is asked.

    Attributes
    ----------
    table
        One row each, with the columns of the formula; a column of groups only where its level is told.
    district
        Position of the district whose effect a row keeps, shape (rows,); `NO_DISTRICT` for none.
    varied
        Columns whose values were given, or which a balanced grid combines.
    kind
        One of `KINDS`.
    """

    table: pd.DataFrame
    district: np.ndarray
    varied: tuple[str, ...]
    kind: str

    def __repr__(self) -> str:
        over = f", by {', '.join(self.varied)}" if self.varied else ""
        return f"Grid({self.kind}: {len(self.table)} rows{over})"


def datagrid(
    fit: Fit, districts: Districts, kind: str = "mean", values: Mapping[str, Any] | None = None
) -> Grid:
    """Make the rows at which a model is asked.

    Parameters
    ----------
    fit, districts
        A fit and the districts it was made from.
    kind
        One of `KINDS`.
    values
        Column of the formula to a value or several; every combination of them is made. Numbers in the
        column's own unit; categories and levels of groups as they stand in the table.

    Raises
    ------
    ModelError
        For an unknown kind, columns that the formula has not, values that are not finite, categories and
        levels that no district has, and more combinations than 10,000.
    FitError
        If the fit is of other districts.

    Examples
    --------
    >>> import spatialvote
    >>> city = spatialvote.simulate_city(seed=1, n_districts=40)
    >>> model = spatialvote.VoteShareModel("national_list ~ migrant_share + income", structure="iid")
    >>> fit = model.fit(city.districts, "laplace", seed=1, draws=100, progress=False)
    >>> spatialvote.datagrid(fit, city.districts, "mean", {"migrant_share": [5, 20]})
    Grid(mean: 2 rows, by migrant_share)
    """
    require_same_districts(fit, districts)
    given = {name: _listed(value) for name, value in (values or {}).items()}
    covariates, groups = formula_columns(fit, districts)
    table = pd.DataFrame(districts.table.drop(columns=districts.table.geometry.name))
    _refuse(kind, given, table, covariates, groups)
    if kind == "counterfactual":
        rows = table[[*covariates, *groups]]
        n = len(rows)
        combinations = list(product(*given.values()))
        made = [rows.assign(**dict(zip(given, one, strict=True))) for one in combinations]
        position = np.tile(np.arange(n), len(combinations))
        return Grid(pd.concat(made, ignore_index=True), position, tuple(given), kind)
    if kind == "balanced":
        levels = {
            name: sorted(table[name].unique())
            for name in covariates
            if not pd.api.types.is_numeric_dtype(table[name])
        }
        given = {**levels, **given}
    combinations = list(product(*given.values()))
    if len(combinations) > _MOST:
        raise ModelError(
            Problem(f"the grid has {len(combinations):,} rows", f"give fewer values: {_MOST:,} are allowed")
        )
    rest = {name: [typical(table[name])] for name in covariates if name not in given}
    rows = pd.DataFrame(combinations, columns=list(given), index=range(len(combinations)))
    rows = rows.assign(**{name: one * len(rows) for name, one in rest.items()})
    return Grid(rows, np.full(len(rows), NO_DISTRICT), tuple(given), kind)


def formula_columns(fit: Fit, districts: Districts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns of the table that a fit's formula uses: covariates, and those of its groups."""
    effects = group_effects_of(fit.model.formula)
    groups = tuple(dict.fromkeys(column for one in effects for column in one.columns))
    named = columns_of(split_formula(fit.model.formula)[1])
    return tuple(one for one in named if one in districts.table and one not in groups), groups


def require_known(fit: Fit, grid: Grid, columns: Collection[str]) -> None:
    """Refuse to give districts of the map a value in a column whose own values the fit took as unknown.

    How far such a district is moved differs from draw to draw. A step is the same at every draw.
    """
    if (grid.district == NO_DISTRICT).all():
        return
    if lost := [one for one in columns if any(value.startswith(f"{one}[") for value in fit.unknown)]:
        raise ModelError(
            Problem(
                f"some districts' own values of {name_some(lost)} are unknowns of the fit",
                "move the column by a step in comparisons, or ask for a 'mean' grid",
            )
        )


def typical(column: pd.Series) -> Any:
    """Mean of numbers; the category that most districts have, the first of them in a tie."""
    if pd.api.types.is_numeric_dtype(column):
        return float(column.mean())
    return column.mode().iloc[0]


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str) or np.ndim(value) == 0:
        return [value]
    return list(value)


def _refuse(
    kind: str,
    given: Mapping[str, list[Any]],
    table: pd.DataFrame,
    covariates: tuple[str, ...],
    groups: tuple[str, ...],
) -> None:
    """Refuse what no grid can be made of, everything at once."""
    problems = []
    if kind not in KINDS:
        problems.append(Problem(f"grid '{kind}' is unknown", f"use one of {name_some(KINDS)}"))
    for name, values in given.items():
        if name not in (*covariates, *groups):
            problems.append(
                Problem(
                    f"the formula has no column '{name}'",
                    f"it has {name_some((*covariates, *groups), limit=12) or 'none'}",
                )
            )
        elif not values:
            problems.append(Problem(f"'{name}' is given no value", "give one or several"))
        elif pd.api.types.is_numeric_dtype(table[name]) and name not in groups:
            bad = [one for one in values if not _finite(one)]
            if bad:
                problems.append(
                    Problem(f"'{name}' is given {name_some(bad)}, no finite number", "give numbers")
                )
        else:
            known = set(table[name].astype(str))
            if lost := [one for one in values if str(one) not in known]:
                problems.append(
                    Problem(
                        f"no district has {name_some(lost)} in column '{name}'",
                        f"use one of {name_some(sorted(known), limit=12)}",
                    )
                )
    if problems:
        raise ModelError(problems)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value))
