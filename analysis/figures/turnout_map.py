"""Turnout by area on a map, lighter where it is little known, and its change between elections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spatialvote.analysis.figures.maps import map_values
from spatialvote.analysis.turnout_rates import rates, require_factors, summarise
from spatialvote.models.turnout.fit import TurnoutFit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from spatialvote.data.districts import Districts

#: Width of a 95 % interval, in percentage points, above which an area is drawn lighter.
WIDE = 5.0


def map_turnout(fit: TurnoutFit, shapes: Districts, *, election: str | None = None) -> Figure:
    """Map estimated turnout by area.

    Parameters
    ----------
    fit
        A fit of cells with areas.
    shapes
        Their shapes (`read_area_shapes`).
    election
        One election of several; None: all that the cells have, together.

    Raises
    ------
    DataError
        If the cells have no areas, or no such election.
    """
    factors = ("area",) if election is None else ("area", "election")
    require_factors(fit.cells, factors)
    found = rates(fit, factors)
    table = found.table if election is None else found.table[found.table["election"] == election]
    table = table.set_index("area").reindex(shapes.ids)
    faint = 100 * table["width"].to_numpy() > WIDE
    lighter = f"; lighter: 95 % interval wider than {WIDE:g} points" if faint.any() else ""
    when = "" if election is None else f", {election}"
    return map_values(
        shapes, 100 * table["mean"].to_numpy(), title=f"Turnout by {fit.cells.about.area_unit}{when}",
        label=f"estimated turnout, % of entitled{lighter}", faint=faint, faint_words="wide interval",
    )  # fmt: skip


def map_turnout_change(fit: TurnoutFit, shapes: Districts, *, first: str, last: str) -> Figure:
    """Map the change of turnout between two elections; lighter where its direction is open.

    Raises
    ------
    DataError
        If the cells have no areas and elections.
    """
    require_factors(fit.cells, ("area", "election"))
    found = rates(fit, ("area", "election"))
    columns = {}
    for election in (first, last):
        rows = found.table[found.table["election"] == election]
        place = dict(zip(rows["area"], rows.index, strict=True))
        columns[election] = np.array([place.get(area, -1) for area in shapes.ids])
    there = (columns[first] >= 0) & (columns[last] >= 0)
    change = 100 * (found.draws[:, columns[last]] - found.draws[:, columns[first]])
    told = summarise(change)
    open_ = there & (told["low"] < 0) & (told["high"] > 0)
    lighter = "; lighter: the 95 % interval holds no change" if open_.any() else ""
    return map_values(
        shapes, np.where(there, told["mean"], np.nan), title=f"Change of turnout from {first} to {last}",
        label=f"percentage points of the entitled{lighter}", kind="diverging", faint=open_,
        faint_words="direction open", why="not in both elections",
    )  # fmt: skip
