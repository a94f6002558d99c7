"""`Measured`: how columns of districts were made from a grid, told by reports and kept with the districts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: What a column measures: the district itself, all around its residents, a ring less itself, or else.
KINDS = ("share", "egohood", "halo", "other")


@dataclass(frozen=True)
class Measure:
    """One column.

    Attributes
    ----------
    column
        Its name in the table.
    kind
        One of `KINDS`.
    unit
        "percent", "percentage points", or a range.
    called
        What it is called in sentences and figures.
    how
        What it is, in words.
    """

    column: str
    kind: str
    unit: str
    called: str
    how: str


@dataclass(frozen=True)
class Measured:
    """Measures of one group, and what became of the residents on the way from cells to districts.

    Attributes
    ----------
    group
        The origin group that is measured, as the cells call it.
    source
        Name of the file with the cells; empty where they came from a table.
    cells, side, crs
        Number of cells, the side of one (m) and their coordinate system.
    shared
        `CellShares.report`: cells and residents in districts and outside, and the residual.
    reach
        How far the grid reaches beyond the districts (m), on the side where it does least; below 0 where it
        does not cover them.
    farthest
        Largest radius that was asked for (m); 0 for none.
    measures
        The columns, in their order.
    notes
        What was done while reading the cells.
    read, measure
        Arguments of `read_cells` and of `measure_surroundings`, as plain values.
    """

    group: str
    source: str
    cells: int
    side: int
    crs: str
    shared: Mapping[str, Any]
    reach: float
    farthest: int
    measures: tuple[Measure, ...]
    notes: tuple[str, ...] = ()
    read: Mapping[str, Any] = field(default_factory=dict)
    measure: Mapping[str, Any] = field(default_factory=dict)

    def of_kind(self, kind: str) -> tuple[Measure, ...]:
        """Measures of one kind, in their order."""
        return tuple(one for one in self.measures if one.kind == kind)

    @property
    def share(self) -> str | None:
        """Column with the district's own share; None where it was not asked for."""
        own = self.of_kind("share")
        return own[0].column if own else None
