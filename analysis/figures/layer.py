"""What a map shows of each district, kept beside its figure: a page can then link its maps.

A figure is a picture once it is drawn. `tell` notes what its colours stand for, and `layer_of` gives that
back with the places where map coordinates are drawn, so that a page can lay districts over the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Window:
    """A rectangle of a figure in which districts are drawn by their coordinates.

    Attributes
    ----------
    bounds
        West, south, east and north, map units.
    place
        Left, top, width and height, as fractions of the figure from its upper left corner.
    """

    bounds: tuple[float, float, float, float]
    place: tuple[float, float, float, float]


@dataclass(frozen=True)
class Shown:
    """One quantity by district.

    Attributes
    ----------
    label
        What it is, with its unit.
    values
        One per district in their order: numbers, shape (n,), NaN where there is none; or texts.
    why
        What is said of a district without a value.
    """

    label: str
    values: np.ndarray | tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Layer:
    """Where a figure draws districts, and what it shows of them.

    Attributes
    ----------
    windows
        The map, or maps side by side, and after them the insets that lie over them.
    shown
        At least one quantity.
    """

    windows: tuple[Window, ...]
    shown: tuple[Shown, ...]


#: Kept only as long as the figure is.
_TOLD: WeakKeyDictionary[Figure, tuple[Shown, ...]] = WeakKeyDictionary()


def tell(figure: Figure, label: str, values: np.ndarray | Sequence[str], why: str = "no value") -> None:
    """Note a quantity that a map shows; a figure of several is told of each.

    Parameters
    ----------
    figure
        A figure of `draw_map` or `map_classes`.
    label
        What it is, with its unit.
    values
        One per district in their order, districts without geometry too: numbers, NaN where there is none, or
        texts (the name of a district's class).
    why
        What is said of a district without a value.
    """
    kept = values if isinstance(values, np.ndarray) else tuple(values)
    _TOLD[figure] = (*_TOLD.get(figure, ()), Shown(label, kept, why))


def layer_of(figure: Figure) -> Layer | None:
    """What was told of a figure that has been drawn; None for one that is no map."""
    shown = _TOLD.get(figure)
    if shown is None:
        return None
    sheets = [one for one in figure.axes if one.get_gid() == "map"]
    insets = [one for sheet in sheets for one in sheet.child_axes if one.get_gid() == "inset"]
    return Layer(tuple(_window(figure, one) for one in (*sheets, *insets)), shown)


def _window(figure: Figure, axes: Any) -> Window:
    corners = figure.transFigure.inverted().transform(axes.transAxes.transform([(0, 0), (1, 1)]))
    (left, bottom), (right, top) = corners.tolist()
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    return Window((west, south, east, north), (left, 1 - top, right - left, top - bottom))
