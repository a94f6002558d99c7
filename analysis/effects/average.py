"""Weighted averages over the rows of a grid, draw by draw, by cell."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.effects.grid import NO_DISTRICT, Grid
from spatialvote.analysis.effects.weighting import WEIGHTINGS, district_weights, weighting_problems
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.fit import Fit

#: Words for `by` that name no column: one average over all rows, and no average at all.
ALL, ROWS = "all", "rows"
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class Cells:
    """Which rows are averaged together.

    Attributes
    ----------
    labels
        One row for each cell: what its rows have in common.
    code
        Cell of each row, shape (rows,).
    weight
        Share of each row in its cell, shape (rows,); they sum to 1 in every cell.
    """

    labels: pd.DataFrame
    code: np.ndarray
    weight: np.ndarray


def cells_of(fit: Fit, districts: Districts, grid: Grid, by: str | tuple[str, ...], weighting: str) -> Cells:
    """Find the cells of a grid.

    Parameters
    ----------
    by
        ``all``: rows that agree in what the grid varies; ``rows``: each row for itself; or columns, those of
        the district table too.

    Raises
    ------
    ModelError
        For unknown columns, a weighting that is none, cells without weight, and a weighting by voters or
        persons of rows that are no districts.
    """
    known = set(grid.table) | (set(map(str, districts.table)) if _mapped(grid) else set())
    named = (by,) if isinstance(by, str) else tuple(by)
    columns = [one for one in named if one in known or one not in (ALL, ROWS)]
    problems = weighting_problems(districts, weighting)
    if lost := [one for one in columns if one not in known]:
        problems.append(
            Problem(
                f"by {name_some(lost)}: no such column",
                f"use '{ALL}', '{ROWS}' or one of {name_some(sorted(known), limit=12)}",
            )
        )
    if weighting != WEIGHTINGS[0] and not _mapped(grid):
        problems.append(
            Problem(
                f"weighting '{weighting}' needs districts, and a '{grid.kind}' grid has none",
                "use grid='counterfactual', or weighting='districts'",
            )
        )
    if problems:
        raise ModelError(problems)
    told = _labels(districts, grid, columns)
    if ROWS in named and not columns:
        labels, code = told, np.arange(len(told))
        if _mapped(grid):
            labels.insert(0, "district", districts.ids.to_numpy()[grid.district])
    elif not len(told.columns):
        labels, code = pd.DataFrame(index=range(1)), np.zeros(len(told), dtype=np.int64)
    else:
        code = told.groupby(list(told.columns), sort=True, observed=True).ngroup().to_numpy()
        labels = told.iloc[np.unique(code, return_index=True)[1]]
    weight = np.ones(len(told))
    if _mapped(grid) and not (ROWS in named and not columns):
        weight = district_weights(fit, districts, weighting)[grid.district]
    total = np.bincount(code, weight)
    if not total.all():
        empty = labels.iloc[np.flatnonzero(total == 0)].astype(str).agg(", ".join, axis=1)
        raise ModelError(
            Problem(
                f"weighting '{weighting}' is 0 in every district of {name_some(empty)}",
                "leave these districts out, or weigh otherwise",
            )
        )
    return Cells(labels.reset_index(drop=True), code, weight / total[code])


def _mapped(grid: Grid) -> bool:
    """Whether the rows are districts of the map."""
    return bool((grid.district != NO_DISTRICT).all())


def _labels(districts: Districts, grid: Grid, columns: list[str]) -> pd.DataFrame:
    """The columns by which rows are told apart."""
    asked = dict.fromkeys((*grid.varied, *columns))
    return pd.DataFrame(
        {
            name: (
                grid.table[name].to_numpy()
                if name in grid.table
                else districts.table[name].to_numpy()[grid.district]
            )
            for name in asked
        },
        index=range(len(grid.table)),
    )


def labelled(labels: pd.DataFrame, **what: str) -> pd.DataFrame:
    """The labels of cells behind columns that say what is asked of all of them."""
    head = pd.DataFrame(what, index=labels.index)
    return pd.concat([head, labels.rename(columns={one: f"{one} (grid)" for one in what})], axis=1)


def average(
    cells: Cells, samples: int, parts: int, of: Callable[[slice], tuple[np.ndarray, ...]]
) -> list[np.ndarray]:
    """Averages over the cells of some functions of the rows, each shape (samples, cells).

    Parameters
    ----------
    cells
        The cells.
    samples, parts
        How many draws, and how many functions.
    of
        Their values at some rows, each shape (samples, rows).
    """
    found = [np.zeros((samples, len(cells.labels))) for _ in range(parts)]
    # In blocks of rows, so that memory stays small for many of them.
    for start in range(0, len(cells.code), _BLOCK):
        here = slice(start, start + _BLOCK)
        code, weight = cells.code[here], cells.weight[here]
        which, own = np.unique(code, return_inverse=True)
        spread = np.zeros((len(code), len(which)))
        spread[np.arange(len(code)), own] = weight
        for total, values in zip(found, of(here), strict=True):
            total[:, which] += values @ spread
    return found
