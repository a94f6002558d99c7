"""Shapes and their CRS: everything that keeps neighbours, distances and maps from being right."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from spatialvote.data.errors import DataError, Problem
from spatialvote.data.findings import districts_named, in_districts
from spatialvote.data.neighbour_rule import NeighbourRule

_AREAS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


def in_crs(geometry: gpd.GeoSeries, crs: str | int | None) -> gpd.GeoSeries:
    """Give shapes the CRS asked for: assigned where they have none, projected to where they have another.

    Raises
    ------
    DataError
        If `crs` is no CRS, or shapes lie outside the area in which it can be used.
    """
    if crs is None:
        return geometry
    try:
        wanted = CRS.from_user_input(crs)
    except CRSError as error:
        raise DataError(
            Problem(f"crs='{crs}' is not a coordinate reference system", "give a code such as 'EPSG:3035'")
        ) from error
    if geometry.crs is None:
        return geometry.set_crs(wanted)
    moved = geometry.to_crs(wanted)
    if not np.isfinite(shapely.get_coordinates(moved.to_numpy())).all():
        raise DataError(
            Problem(
                f"shapes cannot be projected from {_crs_name(geometry.crs)} to {_crs_name(wanted)}",
                "choose a CRS made for the region, and check that the file states its own CRS rightly",
            )
        )
    return moved


def shapeless(geometry: gpd.GeoSeries) -> np.ndarray:
    """Where there is no geometry, or an empty one."""
    shapes = geometry.to_numpy()
    return shapely.is_missing(shapes) | shapely.is_empty(shapes)


def shapeless_problems(geometry: gpd.GeoSeries, names: np.ndarray) -> list[Problem]:
    """Say which districts have no or an empty geometry."""
    rows = shapeless(geometry)
    if not rows.any():
        return []
    return [
        Problem(
            f"geometry is missing or empty {in_districts(names[rows])}",
            "draw them, or pass missing='drop' to leave these districts out",
        )
    ]


def repair_shapes(geometry: gpd.GeoSeries) -> tuple[gpd.GeoSeries, np.ndarray]:
    """Make invalid shapes valid, keeping areas as areas; also tell which rows were changed."""
    shapes = geometry.to_numpy()
    invalid = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    mended = shapes.copy()
    mended[invalid] = shapely.make_valid(shapes[invalid], method="structure", keep_collapsed=False)
    return gpd.GeoSeries(mended, index=geometry.index, crs=geometry.crs), invalid


def shape_problems(geometry: gpd.GeoSeries, names: np.ndarray, rule: NeighbourRule) -> list[Problem]:
    """Say where shapes are invalid, twice the same, or no areas where boundaries are compared."""
    problems = []
    present = ~shapeless(geometry)
    shapes, names = geometry.to_numpy()[present], names[present]
    invalid = ~shapely.is_valid(shapes)
    if invalid.any():
        reason = shapely.is_valid_reason(shapes[invalid][0])
        problems.append(
            Problem(
                f"geometry is invalid {in_districts(names[invalid])}, first: {reason}",
                "mend it in a GIS, or pass repair=True",
            )
        )
    areas = np.isin(shapely.get_type_id(shapes), [int(kind) for kind in _AREAS])
    if rule.needs_polygons and not areas.all():
        kinds = ", ".join(dict.fromkeys(one.geom_type for one in shapes[~areas]))
        problems.append(
            Problem(
                f"graph='{rule.kind}' compares boundaries of areas, and there are other shapes ({kinds}) "
                f"{in_districts(names[~areas])}",
                "give polygons, or choose graph='knn' or 'distance'",
            )
        )
    twice = _same_area(shapes, areas & ~invalid)
    if twice.any() and rule.needs_geometry:
        problems.append(
            Problem(
                f"the same polygon comes more than once {in_districts(names[twice])}",
                "give each district its own area, or sum the districts that share one",
            )
        )
    return problems


def shape_notes(geometry: gpd.GeoSeries, names: np.ndarray, rule: NeighbourRule) -> list[str]:
    """Remark on polygons that come more than once where links are given and shapes serve maps alone."""
    shapes = geometry.to_numpy()
    twice = _same_area(shapes, np.isin(shapely.get_type_id(shapes), [int(kind) for kind in _AREAS]))
    if rule.needs_geometry or not twice.any():
        return []
    return [
        f"the same polygon comes more than once {in_districts(names[twice])}: maps show one over the other, "
        "and links that were made from these shapes are in doubt"
    ]


def _same_area(shapes: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Where a polygon equals another; stations may share an address, districts no area."""
    twice = np.zeros(len(shapes), dtype=bool)
    regular = pd.Series(shapely.to_wkb(shapely.normalize(shapes[areas])), dtype=object)
    twice[areas] = regular.duplicated(keep=False)
    return twice


def crs_problems(geometry: gpd.GeoSeries, rule: NeighbourRule) -> list[Problem]:
    """Say where distances are needed and the CRS is missing or geographic, or the CRS cannot be right."""
    crs = geometry.crs
    why = "connect='nearest'" if rule.connect is not None else f"graph='{rule.kind}'"
    if crs is None:
        if not rule.needs_distances:
            return []
        return [
            Problem(
                f"{why} measures distances, and the geometry states no CRS",
                "pass crs= with the CRS that its coordinates are in, such as crs='EPSG:3035'",
            )
        ]
    problems = []
    if crs.is_geographic:
        reach = np.abs(geometry.total_bounds).max(initial=0)
        if reach > 360:
            problems.append(
                Problem(
                    f"coordinates reach {reach:,.0f}, and {_crs_name(crs)} of the file holds degrees",
                    "write the file with the CRS of its coordinates (a GeoJSON without one means degrees)",
                )
            )
        elif rule.needs_distances:
            problems.append(
                Problem(
                    f"{why} measures distances, and coordinates are degrees ({_crs_name(crs)})",
                    "pass crs= with a projected CRS of the region, such as crs='EPSG:3035' for Europe",
                )
            )
    return problems


def _crs_name(crs: CRS) -> str:
    code = crs.to_epsg()
    return f"CRS '{crs.name}'" if code is None else f"CRS '{crs.name}' (EPSG:{code})"


def join_problems(
    without_shape: Sequence[str], without_row: Sequence[str], file: str, hint: str
) -> list[Problem]:
    """Say which rows found no geometry, and which geometries no row; `hint` tells why that may be."""
    problems = []
    advice = "check that both files mean the same id, or pass missing='drop' to leave these out"
    if len(without_shape):
        problems.append(
            Problem(f"'{file}' lacks the geometry of {districts_named(without_shape)}{hint}", advice)
        )
    if len(without_row):
        problems.append(
            Problem(f"the table lacks a row for {districts_named(without_row)} of '{file}'", advice)
        )
    return problems
