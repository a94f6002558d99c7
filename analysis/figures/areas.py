"""Districts as drawn areas: outlines, hatching where a value is missing, and marks so that none is lost.

A county map in a report is about five inches wide, and a city drawn to scale on it can be smaller than one
pixel. Such a district gets a circle in its colour. Where so many are crowded together that their circles
would cover each other, the crowd is shown enlarged in an inset instead, if a corner of the map is free.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.path import Path
from scipy.spatial import KDTree

from spatialvote.analysis.figures import style

SMALL = 1.8  # points: the side of a square below which an area cannot be seen
MARK = 4.5  # points: diameter of the circle that stands for it
MISSING: dict[str, Any] = {"facecolor": "#e4e4e4", "hatch": "//////", "edgecolor": "#8a8a8a"}
ISLAND_EDGE = "#000000"


@dataclass(frozen=True)
class Areas:
    """Geometry of districts, ready to draw at one scale.

    Attributes
    ----------
    paths
        Outline of each district, empty for a point.
    centres
        A point inside each district, shape (n, 2), map units.
    sides
        Side of the square of equal area, shape (n,), map units (zero for a point).
    islands
        Which districts have no neighbour, shape (n,).
    """

    paths: list[Path]
    centres: np.ndarray
    sides: np.ndarray
    islands: np.ndarray


def read_areas(geometry: np.ndarray, islands: np.ndarray, *, stretch: float, tolerance: float) -> Areas:
    """Simplify geometries to what can be seen and turn them into paths.

    Parameters
    ----------
    geometry
        Shapely geometries, shape (n,).
    islands
        Which districts have no neighbour, shape (n,).
    stretch
        Height over width of one map unit as drawn (1 for a projected map, 1/cos(latitude) for degrees).
    tolerance
        Detail below this size, in map units, is left out.
    """
    simple = shapely.simplify(geometry, tolerance)
    simple = np.where(shapely.is_empty(simple), geometry, simple)
    centres = shapely.get_coordinates(shapely.point_on_surface(geometry))
    sides = np.sqrt(shapely.area(geometry) / stretch)
    return Areas([_path(one) for one in shapely.orient_polygons(simple)], centres, sides, islands)


def _path(geometry: shapely.Geometry) -> Path:
    """Outline of one geometry, holes wound against the shell so that they stay open."""
    rings = shapely.get_rings(shapely.get_parts(geometry))
    if not len(rings):
        return Path(np.empty((0, 2)))
    vertices, ring = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(ring), Path.LINETO, dtype=Path.code_type)
    starts = np.flatnonzero(np.diff(ring, prepend=-1))
    codes[starts] = Path.MOVETO
    codes[np.append(starts[1:], len(ring)) - 1] = Path.CLOSEPOLY
    return Path(vertices, codes)


@dataclass(frozen=True)
class Marks:
    """Which districts are too small to see at a scale, and how each is shown.

    Attributes
    ----------
    circled
        Drawn as a circle, shape (n,).
    crowded
        Too small, and too close to others for a circle, shape (n,).
    """

    circled: np.ndarray
    crowded: np.ndarray


def find_marks(areas: Areas, units_per_point: float) -> Marks:
    """Choose the circles of a map drawn at a scale (map units per point)."""
    small = areas.sides < SMALL * units_per_point
    crowded = np.zeros_like(small)
    which = np.flatnonzero(small)
    if len(which) > 1 and not np.all(areas.sides == 0):
        distance, _ = KDTree(areas.centres[which]).query(areas.centres[which], k=2)
        # Two circles may touch and overlap a little; beyond that they hide each other.
        crowded[which] = distance[:, 1] < 0.75 * MARK * units_per_point
    return Marks(small & ~crowded, crowded)


def paint(
    axes: Axes, areas: Areas, colors: np.ndarray, missing: np.ndarray, marks: Marks, points_per_unit: float
) -> None:
    """Draw every district in its colour, missing ones hatched, islands outlined, small ones circled.

    Parameters
    ----------
    axes
        Axes whose limits and aspect are set.
    areas
        The districts.
    colors
        Colour of each district, shape (n, 4); not looked at where `missing`.
    missing
        Districts without a value, shape (n,).
    marks
        Districts drawn as circles.
    points_per_unit
        Scale of the axes, which decides whether there is room for boundaries between districts.
    """
    typical = np.median(areas.sides) * points_per_unit
    boundary = min(typical / 40, 0.4)
    area = areas.sides > 0
    # A thick grey line under everything remains visible only at the outer edge of the land.
    axes.add_collection(
        _outlines(areas, area, facecolors="none", edgecolors="#777777", linewidths=0.9, zorder=1)
    )
    shown = area & ~missing
    edges = {"edgecolors": "white", "linewidths": boundary} if boundary > 0.15 else {"edgecolors": "face"}
    axes.add_collection(
        _outlines(
            areas, shown, **{"linewidths": 0.2, **edges}, facecolors=colors[shown], zorder=2, gid="areas"
        )
    )
    if (area & missing).any():
        axes.add_collection(
            _outlines(areas, area & missing, **MISSING, linewidths=boundary, zorder=2, gid="missing")
        )
    outlined = area & areas.islands & ~marks.circled
    if outlined.any():
        axes.add_collection(
            _outlines(
                areas,
                outlined,
                facecolors="none",
                edgecolors=ISLAND_EDGE,
                linewidths=0.9,
                zorder=4,
                gid="islands",
            )
        )
    points = ~area
    diameter = np.full(len(area), MARK)
    if points.any():
        diameter[points] = _point_diameter(areas.centres[points], points_per_unit)
    for chosen, look, gid in (
        (marks.circled & ~missing, {}, "circles"),
        (
            marks.circled & missing,
            {"hatch": MISSING["hatch"], "hatchcolor": MISSING["edgecolor"]},
            "missing circles",
        ),
    ):
        if chosen.any():
            # A white ring parts the circle from dark surroundings.
            axes.scatter(*areas.centres[chosen].T, s=(diameter[chosen] + 2) ** 2, c="white", lw=0, zorder=4.5)
            face = MISSING["facecolor"] if "missing" in gid else colors[chosen]
            axes.scatter(
                *areas.centres[chosen].T,
                s=diameter[chosen] ** 2,
                c=face,
                edgecolors=np.where(areas.islands[chosen], ISLAND_EDGE, "#444444").tolist(),
                linewidths=np.where(areas.islands[chosen], 1.2, 0.5).tolist(),
                zorder=5,
                gid=gid,
                **look,
            )


def _outlines(areas: Areas, chosen: np.ndarray, **look: Any) -> PathCollection:
    return PathCollection([areas.paths[i] for i in np.flatnonzero(chosen)], **look)


def _point_diameter(centres: np.ndarray, points_per_unit: float) -> float:
    """Diameter in points at which circles of point districts mostly leave each other visible."""
    if len(centres) < 2:
        return 7.0
    distance, _ = KDTree(centres).query(centres, k=2)
    return float(np.clip(np.median(distance[:, 1]) * points_per_unit, 3.0, 7.0))


def key_entries(
    areas: Areas, missing: np.ndarray, marks: Marks, *, why: str, hidden: int, without: int
) -> list[tuple[object, str]]:
    """Legend handles and texts for whatever the map shows besides colour.

    Parameters
    ----------
    areas, missing, marks
        As painted.
    why
        What it means that a value is missing.
    hidden
        Districts that are neither drawn visibly, nor circled, nor in an inset.
    without
        Districts that have no geometry.
    """
    entries: list[tuple[object, str]] = []
    if missing.any():
        entries.append((Patch(**MISSING, linewidth=0.5), f"{why} ({missing.sum():,})"))
    if areas.islands.any() and not areas.islands.all():
        entries.append(
            (
                Patch(facecolor="none", edgecolor=ISLAND_EDGE, linewidth=1.2),
                f"no neighbours ({areas.islands.sum():,})",
            )
        )
    circled = marks.circled & (areas.sides > 0)
    if circled.any():
        circle = Line2D([], [], linestyle="", marker="o", markersize=MARK, markerfacecolor="white")
        circle.set_markeredgecolor("#444444")
        circle.set_markeredgewidth(0.5)
        entries.append((circle, f"small area, enlarged ({circled.sum():,})"))
    if hidden:
        entries.append((Line2D([], [], linestyle=""), f"too small to see ({hidden:,})"))
    if without:
        entries.append((Line2D([], [], linestyle=""), f"without geometry ({without:,})"))
    return entries


def legend_of(axes: Axes, entries: list[tuple[object, str]]) -> None:
    """Draw the key in an axes of its own, from its upper left corner down."""
    axes.set_axis_off()
    if entries:
        handles, texts = zip(*entries, strict=True)
        axes.legend(
            handles,
            texts,
            loc="upper left",
            bbox_to_anchor=(0, 1),
            borderaxespad=0,
            borderpad=0,
            handlelength=1.4,
            handletextpad=0.6,
            fontsize=style.SMALL_SIZE,
        )
