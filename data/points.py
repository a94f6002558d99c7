"""Votes counted at points: polling stations put in areas, or given areas of their own.

A polling station has votes and a place, but no district. Two ways lead to areas:

- `sum_in_areas`: the votes of the stations in each area (ward, quarter) stand for who lives there;
- `nearest_areas`: each point of a municipality belongs to the station nearest to it (Voronoi cells within
  the outline), which is how many would choose where they may vote anywhere.

Both invent something: whoever votes elsewhere than near home is counted elsewhere. Where stations have an
electorate of their own, `Invented.least` is the part of the ballots that came from other stations'
electorates for certain, ballots beyond a station's electorate; the true part is larger.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from spatialvote.data.cell_shares import shapes_of
from spatialvote.data.errors import DataError, Problem, name_some


@dataclass(frozen=True)
class Invented:
    """How much of a table of areas is an assumption.

    Attributes
    ----------
    least
        Part (0 to 1) of the ballots that were cast outside their station's electorate for certain; NaN where
        electorates are not known.
    outside
        Points that lie in no area and were given to the nearest one, with how far that is (m).
    without
        Areas in which no point lies.
    merged
        Points at the same place, of which the first stands for all.
    """

    least: float
    outside: tuple[tuple[str, float], ...] = ()
    without: tuple[str, ...] = ()
    merged: tuple[tuple[str, ...], ...] = ()

    @property
    def words(self) -> str:
        """What was assumed, in sentences."""
        told = []
        if not np.isnan(self.least):
            told.append(
                f"At least {100 * self.least:.1f} % of the ballots were cast away from the voters' own "
                "stations."
            )
        if self.outside:
            far = max(distance for _, distance in self.outside)
            told.append(
                f"{len(self.outside)} stations outside every area were given to the nearest, up to "
                f"{far:,.0f} m."
            )
        if self.without:
            told.append(f"{len(self.without)} areas have no station ({name_some(self.without)}).")
        if self.merged:
            told.append(f"{len(self.merged)} places hold several stations, which were counted as one.")
        return " ".join(told)


def sum_in_areas(
    points: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame,
    columns: Sequence[str],
    *,
    ballots: str | None = None,
    electorate: str | None = None,
    farthest: float = 0.0,
) -> tuple[gpd.GeoDataFrame, Invented]:
    """Sum columns of points in the areas in which they lie.

    Parameters
    ----------
    points
        One row per polling station, indexed by id, with points and columns of counts.
    areas
        Polygons, indexed by id; projected in metres.
    columns
        Counts to be summed.
    ballots, electorate
        Columns from which `Invented.least` is computed.
    farthest
        How far from an area (m) a point may lie and still be given to it; 0 refuses points outside.

    Returns
    -------
    GeoDataFrame
        The areas with at least one point, with the sums and `stations`, their number.
    Invented
        What was assumed.

    Raises
    ------
    DataError
        For columns that are missing, points without place, and points too far from every area.
    """
    _require_points(points, [*columns, *(one for one in (ballots, electorate) if one)])
    crs = _require_metres(areas)
    ids, shapes = shapes_of(areas, crs)
    places = points.geometry.to_crs(crs).to_numpy()
    tree = shapely.STRtree(shapes)
    inside = np.full(len(points), -1, dtype=np.int64)
    point, area = tree.query(places, predicate="intersects")
    # On a shared border a point lies in two areas: the first in the areas' order has it.
    inside[point[::-1]] = area[::-1]
    away = np.flatnonzero(inside < 0)
    moved: list[tuple[str, float]] = []
    if away.size:
        nearest, distance = tree.query_nearest(places[away], return_distance=True, all_matches=False)
        far = distance > farthest
        if far.any():
            named = points.index[away[far]]
            raise DataError(
                Problem(
                    f"{int(far.sum())} points lie in no area ({name_some(named)}), the farthest "
                    f"{distance.max():,.0f} m away",
                    "check coordinates and coordinate system; farthest= lets near ones in",
                )
            )
        inside[away] = nearest[1]
        moved = [(str(points.index[k]), float(d)) for k, d in zip(away, distance, strict=True)]
    groups = points[list(columns)].groupby(inside)
    sums = groups.sum().assign(stations=groups.size())
    there = sums.index.to_numpy()
    table = gpd.GeoDataFrame(sums.set_axis(ids[there], axis=0), geometry=shapes[there], crs=crs)
    without = tuple(map(str, ids[np.setdiff1d(np.arange(len(ids)), there)]))
    return table, Invented(_least(points, ballots, electorate), tuple(moved), without)


def nearest_areas(
    points: gpd.GeoDataFrame,
    outline: gpd.GeoSeries,
    columns: Sequence[str],
    *,
    ballots: str | None = None,
    electorate: str | None = None,
) -> tuple[gpd.GeoDataFrame, Invented]:
    """Give each point the part of an outline that is nearer to it than to any other point.

    Parameters
    ----------
    points, columns, ballots, electorate
        As in `sum_in_areas`; points at the same place are one, with the sums of their columns.
    outline
        Polygons whose union is divided; projected in metres.

    Returns
    -------
    GeoDataFrame
        One row per place, indexed by its first point's id.
    Invented
        What was assumed.

    Raises
    ------
    DataError
        For columns that are missing, points without place or outside the outline, and fewer than two places.
    """
    _require_points(points, [*columns, *(one for one in (ballots, electorate) if one)])
    crs = _require_metres(outline)
    whole = shapely.union_all(outline.to_numpy())
    places = points.geometry.to_crs(crs)
    beyond = ~shapely.intersects(whole, places.to_numpy())
    if beyond.any():
        raise DataError(
            Problem(
                f"{int(beyond.sum())} points lie outside the outline ({name_some(points.index[beyond])})",
                "check coordinates and coordinate system, or leave them out",
            )
        )
    place = pd.MultiIndex.from_arrays([places.x, places.y])
    number, unique = pd.factorize(place)
    if len(unique) < 2:
        raise DataError(Problem("all points lie at one place", "give at least two polling stations apart"))
    first = np.unique(number, return_index=True)[1]
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(places.to_numpy()[first]), extend_to=whole)
    )
    tree = shapely.STRtree(cells)
    point, cell = tree.query(places.to_numpy()[first], predicate="within")
    shapes = np.empty(len(first), dtype=object)
    shapes[point] = shapely.intersection(cells[cell], whole)
    sums = points[list(columns)].groupby(number).sum()
    merged = tuple(
        tuple(map(str, points.index[number == k])) for k in np.flatnonzero(np.bincount(number) > 1)
    )
    table = gpd.GeoDataFrame(
        sums.set_axis(points.index[first].astype("str"), axis=0), geometry=shapes, crs=crs
    )
    return table, Invented(_least(points, ballots, electorate), merged=merged)


def _require_points(points: gpd.GeoDataFrame, columns: Sequence[str]) -> None:
    problems = []
    lacking = [one for one in columns if one not in points]
    if lacking:
        problems.append(
            Problem(
                f"the points have no columns {name_some(lacking)}",
                f"choose from {name_some(points.columns, limit=20)}",
            )
        )
    if points.crs is None:
        problems.append(Problem("the points have no coordinate system", "name it with set_crs"))
    bad = points.index[points.geometry.isna() | points.geometry.is_empty]
    if len(bad):
        problems.append(
            Problem(
                f"{len(bad)} points have no place ({name_some(bad)})",
                "find their addresses, or leave them out",
            )
        )
    elif not (points.geom_type == "Point").all():
        problems.append(Problem("not every row is a point", "give points; areas need no assignment"))
    if not points.index.is_unique:
        twice = points.index[points.index.duplicated()]
        problems.append(Problem(f"points share ids ({name_some(twice)})", "give every point its own id"))
    if problems:
        raise DataError(problems)


def _require_metres(areas: gpd.GeoDataFrame | gpd.GeoSeries) -> CRS:
    """The areas' coordinate system, which must be projected."""
    if areas.crs is None or not areas.crs.is_projected:
        raise DataError(
            Problem(
                "the areas are not projected, so nothing is so many metres away",
                "project them first (to_crs)",
            )
        )
    return areas.crs


def _least(points: gpd.GeoDataFrame, ballots: str | None, electorate: str | None) -> float:
    if ballots is None or electorate is None:
        return float("nan")
    cast = points[ballots].to_numpy(np.float64)
    return float(np.maximum(cast - points[electorate].to_numpy(np.float64), 0).sum() / cast.sum())
