"""`Cells`: persons by origin on a regular grid, validated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pyproj import CRS

from spatialvote.data.errors import DataError, Problem, name_some

#: A group may exceed all residents by rounding, so many persons a cell.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Cells:
    """Square cells of one side on one lattice, with residents in all and by group of origin.

    Attributes
    ----------
    persons
        One row per cell, indexed by its code (text, unique); one column of residents (persons, float64, 0
        or more) for all residents and for each group. Estimates need not be whole.
    total
        Column with all residents.
    groups
        Columns with residents of a group of origin. Each is a part of all residents; groups may overlap
        ("EU" and "Romania").
    x, y
        Easting and northing of each cell's lower left corner (m), int64, shape (n,).
    side
        Side of a cell (m).
    crs
        Projected coordinate system in metres.
    definitions
        Group to its definition in words, printed wherever the group is shown.
    notes
        What was done while reading.
    arguments
        What `read_cells` or `read_raster_cells` was called with, where it read files: plain values, the files
        by their names. ``within``: what `cells_within` was, whose cells were kept.

    Raises
    ------
    DataError
        With everything that is wrong: cells that occur twice or lie off the lattice, persons that are
        missing, negative or not finite, groups larger than all residents, degrees in place of metres.
    """

    persons: pd.DataFrame
    total: str
    groups: tuple[str, ...]
    x: np.ndarray
    y: np.ndarray
    side: int
    crs: CRS
    definitions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = [*self._lattice_problems(), *self._person_problems()]
        if problems:
            raise DataError(problems)

    def __repr__(self) -> str:
        all_residents = self.persons[self.total].sum()
        return (
            f"Cells({self.n:,} of {self.side} m, {all_residents:,.0f} residents, groups: "
            f"{', '.join(self.groups) or 'none'})"
        )

    @property
    def n(self) -> int:
        """Number of cells."""
        return len(self.persons)

    @property
    def centres(self) -> np.ndarray:
        """Easting and northing of the cells' centres (m), shape (n, 2)."""
        return np.column_stack([self.x, self.y]) + self.side / 2

    @cached_property
    def residents(self) -> np.ndarray:
        """All residents of each cell, shape (n,)."""
        return self.persons[self.total].to_numpy(np.float64)

    def of(self, group: str) -> np.ndarray:
        """Residents of a group in each cell, shape (n,).

        Raises
        ------
        DataError
            Where there is no such group.
        """
        if group not in self.groups:
            raise DataError(
                Problem(
                    f"these cells have no group '{group}'",
                    f"use one of {name_some(self.groups, limit=10)}" if self.groups else "read the group",
                )
            )
        return self.persons[group].to_numpy(np.float64)

    def _lattice_problems(self) -> list[Problem]:
        if not len(self.persons):
            return [Problem("there is no cell", "give a table with one row per populated cell")]
        problems = []
        if not self.crs.is_projected or self.crs.axis_info[0].unit_name not in ("metre", "meter"):
            problems.append(
                Problem(
                    f"the cells' coordinate system ({self.crs.name}) is not in metres",
                    "give that of the grid, EPSG:3035 for the European one, or project the cells first",
                )
            )
        ids = self.persons.index
        twice = ids[ids.duplicated()]
        place = pd.MultiIndex.from_arrays([self.x, self.y])
        if len(twice):
            problems.append(
                Problem(
                    f"{len(twice)} cells occur more than once ({name_some(twice.unique())})",
                    "sum the rows of each cell first, or filter the file by year, sex or age",
                )
            )
        elif place.has_duplicates:
            same = ids[place.duplicated()]
            problems.append(
                Problem(
                    f"{len(same)} cells lie where another one lies ({name_some(same)})",
                    "check that codes or coordinates are those of the cells, in one coordinate system",
                )
            )
        off = ((self.x - self.x[0]) % self.side != 0) | ((self.y - self.y[0]) % self.side != 0)
        if off.any():
            problems.append(
                Problem(
                    f"{int(off.sum())} cells are shifted against the first one by no whole number of cells "
                    f"of {self.side} m ({name_some(ids[off])})",
                    "check the side, and that all coordinates are corners, or all centres, of one grid",
                )
            )
        return problems

    def _person_problems(self) -> list[Problem]:
        problems, ids = [], self.persons.index
        columns = (self.total, *self.groups)
        lacking = [one for one in columns if one not in self.persons]
        if lacking:
            return [Problem(f"columns {name_some(lacking)} are missing", "name the columns with persons")]
        values = self.persons[list(columns)].to_numpy(np.float64)
        for column, one in zip(columns, values.T, strict=True):
            for bad, what, advice in (
                (
                    np.isnan(one),
                    "has no value",
                    "fill in what the office suppressed (suppressed=), or leave cells without residents out",
                ),
                (np.isinf(one), "is not finite", "mend these cells"),
                (one < 0, "is negative", "a code for missing values (-1, -9999) must not be read as persons"),
            ):
                if bad.any():
                    problems.append(
                        Problem(
                            f"'{column}' {what} in {int(bad.sum())} cells ({name_some(ids[bad])})", advice
                        )
                    )
        if problems:
            return problems
        for column, one in zip(self.groups, values.T[1:], strict=True):
            more = one > values[:, 0] * (1 + _ROUNDING) + _ROUNDING
            if more.any():
                problems.append(
                    Problem(
                        f"'{column}' exceeds all residents ('{self.total}') in {int(more.sum())} cells "
                        f"({name_some(ids[more])})",
                        "check that the total counts everybody, natives too, and comes from the same census",
                    )
                )
        if not values[:, 0].any():
            problems.append(Problem(f"'{self.total}' is 0 everywhere", "name the column with all residents"))
        return problems
