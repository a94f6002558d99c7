r"""Cells to districts: how much of each cell lies in each area, exactly.

Residents are taken to live evenly over their cell, or over the part of it that a mask of built-up land
covers, so that area a gets of cell c

    w_ac = |c n a| / |c|        or, with mask M,    w_ac = |c n a n M| / |c n M|.

What lies in no area is not given to any: it is counted and said. With ``border="share"`` a cell that lies
partly outside every area, at a coast or at the edge of a city, is shared among the areas that it touches
instead, in proportion to w, so that nobody is lost there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from scipy.sparse import coo_array, csr_array, diags_array

from spatialvote.data.cells import Cells
from spatialvote.data.districts import Districts
from spatialvote.data.errors import DataError, Problem, name_some

BORDERS = ("outside", "share")
#: Areas that were digitised apart may overlap by slivers: such a part of a cell may be in two of them.
_SLIVER = 0.02
#: An area of a cell that is only rounding.
_NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class CellShares:
    """How the residents of cells are shared among areas.

    Attributes
    ----------
    cells
        The cells.
    areas
        Ids of the areas, text.
    weights
        Shares of each cell's residents, CSR, shape (areas, cells); columns sum to 1 or less.
    report
        Plain numbers: cells wholly inside, split and outside; residents in areas and outside; and how far the
        residents of areas and outside together are from all residents (`residual`, persons).
    """

    cells: Cells
    areas: pd.Index
    weights: csr_array
    report: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        inside, outside = self.report["residents"], self.report["residents_outside"]
        return (
            f"CellShares({len(self.areas)} areas: {inside:,.0f} residents, {outside:,.0f} outside all areas)"
        )

    def totals(self) -> pd.DataFrame:
        """Residents of each area, in all and by group, index as `areas`."""
        columns = [self.cells.total, *self.cells.groups]
        sums = self.weights @ self.cells.persons[columns].to_numpy(np.float64)
        return pd.DataFrame(sums, index=self.areas, columns=pd.Index(columns))

    def average(self, values: np.ndarray) -> np.ndarray:
        """Mean of a cell's values over the residents of each area, shape (areas,); NaN in an empty area.

        Cells whose value is NaN are left out, with their residents.
        """
        known = ~np.isnan(values)
        residents = np.where(known, self.cells.residents, 0.0)
        people = self.weights @ residents
        sums = self.weights @ (residents * np.where(known, values, 0.0))
        return np.divide(sums, people, out=np.full(len(people), np.nan), where=people > 0)


def share_cells(
    cells: Cells,
    areas: Districts | gpd.GeoDataFrame,
    *,
    mask: gpd.GeoSeries | None = None,
    border: str = "outside",
) -> CellShares:
    """Share cells among areas.

    Parameters
    ----------
    cells
        Grid cells.
    areas
        Districts, or a GeoDataFrame indexed by id; projected to the cells' coordinate system where theirs is
        another one.
    mask
        Polygons of land where people live (built-up land); a cell without any of it is shared by area.
    border
        ``"outside"``: the part of a cell that lies in no area lives outside; ``"share"``: it lives in the
        areas that the cell touches.

    Raises
    ------
    DataError
        Where areas have no shapes or no coordinate system, overlap, or touch no cell.
    """
    if border not in BORDERS:
        raise DataError(Problem(f"border '{border}' is unknown", f"use {name_some(BORDERS)}"))
    ids, shapes = shapes_of(areas, cells.crs)
    boxes = shapely.box(cells.x, cells.y, cells.x + cells.side, cells.y + cells.side)
    tree = shapely.STRtree(boxes)
    inner_area, inner_cell = tree.query(shapes, predicate="covers")
    weights = coo_array((np.ones(len(inner_cell)), (inner_area, inner_cell)), shape=(len(ids), cells.n))
    whole = np.zeros(cells.n, dtype=bool)
    whole[inner_cell] = True
    # Few cells are cut by a border, and only these need the area of an intersection.
    edge_area, edge_cell = tree.query(shapes, predicate="intersects")
    rest = ~np.isin(edge_area * cells.n + edge_cell, inner_area * cells.n + inner_cell)
    edge_area, edge_cell = edge_area[rest], edge_cell[rest]
    parts = shapely.intersection(shapes[edge_area], boxes[edge_cell])
    covered = coo_array(
        (shapely.area(parts) / cells.side**2, (edge_area, edge_cell)), shape=weights.shape
    ).tocsr()
    _refuse_overlaps(ids, cells, (weights + covered).tocsr())
    if mask is not None:
        covered = _within(mask, cells, boxes, edge_area, edge_cell, parts, covered)
    covered.data[covered.data < _NOTHING] = 0.0
    covered.eliminate_zeros()
    # What touches a cell that lies wholly in another area has nothing of it but slivers.
    covered = (covered @ diags_array((~whole).astype(np.float64))).tocsr()
    split = np.asarray(covered.sum(axis=0)).ravel()
    if border == "share":
        covered = covered @ diags_array(1 / np.where(split > 0, split, 1.0))
    else:
        # Slivers that two areas share, and rounding, must not make people.
        covered = covered @ diags_array(1 / np.maximum(split, 1.0))
    weights = csr_array((weights + covered).tocsr())
    if weights.nnz == 0:
        raise DataError(
            Problem(
                f"no area touches a cell (areas within {_extent(shapely.total_bounds(shapes))}, cells within "
                f"{_extent(shapely.total_bounds(boxes))}, metres of {cells.crs.name})",
                "check the coordinate systems, and that both are of the same city",
            )
        )
    return CellShares(cells, ids, weights, _report(cells, weights, whole, split))


def shapes_of(areas: Districts | gpd.GeoDataFrame, crs: CRS) -> tuple[pd.Index, np.ndarray]:
    """Ids and polygons of areas, projected.

    Raises
    ------
    DataError
        Where ids repeat, or areas have no coordinate system, no shape, a broken one, or one without an area.
    """
    table = areas.table if isinstance(areas, Districts) else areas
    if table.crs is None:
        raise DataError(
            Problem(
                "the areas have no coordinate system", "name it when reading them (crs=), or with set_crs"
            )
        )
    ids = pd.Index(table.index.astype("str"), name="district")
    twice = ids[ids.duplicated()]
    shapes = table.geometry.to_crs(crs).to_numpy()
    without = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    flat = ~without & (shapely.get_dimensions(shapes) < 2)
    broken = ~without & ~shapely.is_valid(shapes)
    problems = [
        Problem(f"{len(which)} areas {what} ({name_some(which)})", advice)
        for which, what, advice in (
            (twice, "share an id with another one", "give every area its own id"),
            (ids[without], "have no shape", "give shapes of all areas, or leave these areas out"),
            (ids[flat], "are points or lines", "give polygons; see `points` for polling stations"),
            (ids[broken], "have shapes that cross themselves", "repair them (make_valid)"),
        )
        if len(which)
    ]
    if problems:
        raise DataError(problems)
    return ids, shapes


def _refuse_overlaps(ids: pd.Index, cells: Cells, covered: csr_array) -> None:
    over = np.asarray(covered.sum(axis=0)).ravel() > 1 + _SLIVER
    if not over.any():
        return
    columns = covered.tocsc()[:, np.flatnonzero(over)]
    involved = ids[np.unique(columns.indices)]
    raise DataError(
        Problem(
            f"areas overlap in {int(over.sum())} cells ({name_some(cells.persons.index[over])}): "
            f"{name_some(involved, limit=6)}",
            "give areas that do not overlap, of one year and one level",
        )
    )


def _within(
    mask: gpd.GeoSeries,
    cells: Cells,
    boxes: np.ndarray,
    area: np.ndarray,
    cell: np.ndarray,
    parts: np.ndarray,
    covered: csr_array,
) -> csr_array:
    """Shares of split cells by masked land; by area where a cell has none of it."""
    if mask.crs is None:
        raise DataError(Problem("the mask has no coordinate system", "set it with set_crs"))
    cut = np.unique(cell)
    west, south, east, north = shapely.total_bounds(boxes[cut])
    near = shapely.box(west, south, east, north)
    land = shapely.union_all(mask.to_crs(cells.crs).clip(near).to_numpy())
    there = np.zeros(cells.n)
    there[cut] = shapely.area(shapely.intersection(boxes[cut], land))
    inside = shapely.area(shapely.intersection(parts, land))
    known = there[cell] > 0
    share = np.where(known, inside / np.where(known, there[cell], 1.0), 0.0)
    by_area = shapely.area(parts) / cells.side**2
    return coo_array((np.where(known, share, by_area), (area, cell)), shape=covered.shape).tocsr()


def _extent(bounds: np.ndarray) -> str:
    west, south, east, north = bounds
    return f"{west:,.0f} to {east:,.0f} east and {south:,.0f} to {north:,.0f} north"


def _report(cells: Cells, weights: csr_array, whole: np.ndarray, split: np.ndarray) -> dict[str, Any]:
    kept = np.asarray(weights.sum(axis=0)).ravel()
    inside = float((weights @ cells.residents).sum())
    outside = float((cells.residents * (1 - kept)).sum())
    away = kept <= _NOTHING
    return {
        "cells_inside": int(whole.sum()),
        "cells_split": int(((split > 0) & ~whole).sum()),
        "cells_outside": int(away.sum()),
        "residents": inside,
        "residents_outside": max(outside, 0.0),
        "residents_of_outside_cells": float(cells.residents[away].sum()),
        "residual": float(cells.residents.sum() - inside - outside),
    }
