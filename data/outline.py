"""The shapes of districts: from the table's own file, or joined by id from another."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from spatialvote.data.errors import Problem
from spatialvote.data.files import Source
from spatialvote.data.findings import Findings
from spatialvote.data.ids import as_text, zeros_hint
from spatialvote.data.neighbour_rule import NeighbourRule
from spatialvote.data.rows import Rows
from spatialvote.data.validate_geometry import (
    in_crs,
    join_problems,
    repair_shapes,
    shapeless,
    shapeless_problems,
)
from spatialvote.data.validate_roles import missing_column
from spatialvote.data.validate_table import id_problems


@dataclass(frozen=True)
class Outline:
    """Shapes in the order of the table's rows.

    Attributes
    ----------
    geometry
        Shapes with their CRS, one per row; missing where none was found.
    shapeless
        Where there is no shape, or an empty one, shape (n,).
    without_row
        Ids of geometries that no row of the table belongs to.
    repaired
        Ids whose shape was made valid.
    notes
        What a reviewer should know.
    """

    geometry: gpd.GeoSeries
    shapeless: np.ndarray
    without_row: tuple[str, ...]
    repaired: tuple[str, ...]
    notes: tuple[str, ...]


def read_outline(
    rows: Rows,
    shapes: Source | None,
    key: str,
    rule: NeighbourRule,
    crs: str | int | None,
    repair: bool,
    drop: bool,
    findings: Findings,
) -> Outline | None:
    """Find the shape of every row, in the CRS asked for, repaired on request.

    Parameters
    ----------
    rows
        The table.
    shapes, key
        File with the shapes and its id column; None where the table's own file holds them.
    rule
        What the shapes are needed for.
    crs, repair
        See `read_districts`.
    drop
        Whether rows without shape and shapes without row are left out; otherwise they are problems.
    findings
        Keeps every problem found.

    Returns
    -------
    Outline or None
        None where there are no shapes (a problem, if `rule` needs them) or they cannot be joined.
    """
    own = rows.source
    if shapes is not None and own.geometry is not None:
        findings.add(
            [
                Problem(
                    f"both '{own.path.name}' and '{shapes.path.name}' hold shapes",
                    "leave geometry= out, or give the table as CSV",
                )
            ]
        )
    chosen = shapes or own
    if chosen.geometry is None:
        if shapes is not None or rule.needs_geometry:
            why = f"graph='{rule.kind}'" if rule.connect is None else f"connect='{rule.connect}'"
            findings.add(
                [
                    Problem(
                        f"{why} needs shapes, and '{chosen.path.name}' holds none",
                        "pass geometry= a file with shapes, or edges= a list of links",
                    )
                ]
            )
        return None

    found, without_row = chosen.geometry.reset_index(drop=True), ()
    joined = np.ones(len(found), dtype=bool)
    if shapes is not None:
        if key not in shapes.frame:
            columns = list(map(str, shapes.frame.columns))
            findings.add([missing_column(key, "geometry_id", columns, shapes.path.name)])
            return None
        found, joined, without_row = _join(rows, shapes, found, key, drop, findings)
    if not drop:
        findings.add(shapeless_problems(found[joined], rows.names[joined]))
    with findings.gathering():
        found = in_crs(found, crs)
    changed = np.zeros(len(found), dtype=bool)
    if repair:
        found, changed = repair_shapes(found)
    notes = list(shapes.notes if shapes is not None else ())
    if found.crs is None:
        notes.append(f"'{chosen.path.name}' states no coordinate reference system")
    return Outline(found, shapeless(found), without_row, tuple(rows.names[changed]), tuple(notes))


def _join(
    rows: Rows, shapes: Source, geometry: gpd.GeoSeries, key: str, drop: bool, findings: Findings
) -> tuple[gpd.GeoSeries, np.ndarray, tuple[str, ...]]:
    """Shapes in the order of the rows, which rows found one, and ids of shapes without a row."""
    theirs = as_text(shapes.frame[key])
    findings.add(id_problems(theirs, f"id column '{key}' of '{shapes.path.name}'"))
    usable = (theirs.notna() & ~theirs.duplicated()).to_numpy()
    position = pd.Index(theirs[usable]).get_indexer(rows.ids)
    joined = (position >= 0) & rows.ids.notna().to_numpy()
    # A repeated id is reported with the table; giving its shape twice would report it once more.
    repeated = rows.ids.duplicated().to_numpy()
    position[repeated] = -1
    # A missing shape in the last place is what position -1 points to.
    kept = np.array([*geometry[usable], None], dtype=object)
    found = gpd.GeoSeries(kept[np.where(joined, position, -1)], crs=geometry.crs)

    ours = set(rows.ids.dropna())
    without_row = tuple(one for one in theirs[usable] if one not in ours)
    without_shape = list(rows.ids[~joined].dropna())
    # Dropping is for a few gaps; where nothing meets, the ids themselves are wrong.
    if not drop or not joined.any():
        hint = zeros_hint(without_shape, without_row)
        findings.add(join_problems(without_shape, without_row, shapes.path.name, hint))
    return found, joined & ~repeated, without_row
