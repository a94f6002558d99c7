"""An inset that enlarges the place where most districts are too small to see.

Polling districts of a capital vanish on the map of a country. Where ten or more are crowded too closely for
circles, and a corner of the map holds no land, the square window with most of them is drawn there, enlarged.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.areas import Areas, Marks, find_marks, paint

WINDOW = 0.09  # of the map's longer side
SIZE = 0.30  # of the map's longer side
WORTH_IT = 10  # crowded districts

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Inset:
    """A window of the map and the corner where it is drawn enlarged.

    Attributes
    ----------
    window
        West, south, east, north, map units.
    place
        Left, bottom, width, height in fractions of the map's axes.
    stretch
        Height over width of one map unit as drawn.
    """

    window: Bounds
    place: Bounds
    stretch: float

    @property
    def zoom(self) -> float:
        """How many times larger the inset is than the map."""
        return SIZE / WINDOW


def find_inset(areas: Areas, marks: Marks, bounds: Bounds, stretch: float) -> Inset | None:
    """Find the window with most crowded districts, or None where an inset has no use or no place.

    Parameters
    ----------
    areas, marks
        The districts, and which of them are crowded at the map's scale.
    bounds
        West, south, east, north of the map.
    stretch
        Height over width of one map unit as drawn.
    """
    if marks.crowded.sum() < WORTH_IT:
        return None
    west, south, east, north = bounds
    longer = max(east - west, (north - south) * stretch)
    place = _free_corner(areas, bounds, SIZE * longer, SIZE * longer / stretch)
    if place is None:
        return None
    half = WINDOW / 2 * longer
    centres = areas.centres[marks.crowded]
    offset = np.abs(centres[:, None] - centres[None]) * [1, stretch]
    x, y = centres[np.argmax((offset < half).all(axis=2).sum(axis=1))]
    return Inset((x - half, y - half / stretch, x + half, y + half / stretch), place, stretch)


def _free_corner(areas: Areas, bounds: Bounds, width: float, height: float) -> Bounds | None:
    """Corner of the map of this size (map units) without land, in axes fractions; None if each has some."""
    west, south, east, north = bounds
    span = np.array([east - west, north - south])
    vertices = np.concatenate([path.vertices for path in areas.paths] + [areas.centres])
    x, y = ((vertices - [west, south]) / span).T
    w, h = np.array([width, height]) / span
    for left, bottom in ((1 - w, 1 - h), (0.0, 1 - h), (1 - w, 0.0), (0.0, 0.0)):
        if not ((x > left) & (x < left + w) & (y > bottom) & (y < bottom + h)).any():
            return float(left), float(bottom), float(w), float(h)
    return None


def seen_in(inset: Inset, areas: Areas, points_per_unit: float) -> np.ndarray:
    """Which districts lie in the inset and are large enough there, shape (n,)."""
    west, south, east, north = inset.window
    x, y = areas.centres.T
    within = (x > west) & (x < east) & (y > south) & (y < north)
    return within & ~find_marks(areas, 1 / (points_per_unit * inset.zoom)).crowded


def draw_inset(
    axes: Axes, inset: Inset, areas: Areas, colors: np.ndarray, missing: np.ndarray, points_per_unit: float
) -> None:
    """Draw the window enlarged in its corner, and mark its place on the map.

    Parameters
    ----------
    axes
        The map's axes, drawn.
    inset
        What to draw, and where.
    areas, colors, missing
        The districts as on the map.
    points_per_unit
        Scale of the map.
    """
    west, south, east, north = inset.window
    scale = points_per_unit * inset.zoom
    small = axes.inset_axes(inset.place, gid="inset", zorder=6)
    small.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[])
    small.set_aspect(inset.stretch)
    for spine in small.spines.values():
        spine.set(visible=True, color=style.SOFT_INK, linewidth=0.8)
    paint(small, areas, colors, missing, find_marks(areas, 1 / scale), scale)
    axes.indicate_inset(inset_ax=small, edgecolor=style.INK, alpha=1, linewidth=0.7, zorder=6)
    small.text(
        0.03,
        0.03,
        f"× {inset.zoom:.1f}",
        transform=small.transAxes,
        fontsize=style.SMALL_SIZE,
        zorder=7,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1},
    )
