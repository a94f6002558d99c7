"""Maps of where neighbours are alike, side by side: raw shares, what the model sees, what it leaves.

Classes have the colours of the bivariate map (`style.BIVARIATE`), which everyone can tell apart: orange where
a district and its neighbours are high, blue where they are low, dark where a district is unlike its
neighbours; pale where the draws are less sure of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.areas import ISLAND_EDGE, MISSING, find_marks, paint, read_areas
from spatialvote.analysis.figures.extent import Extent
from spatialvote.analysis.figures.layer import tell
from spatialvote.analysis.figures.maps import NOT_STOOD
from spatialvote.data.districts import Districts
from spatialvote.data.errors import DataError, Problem

SURE, LIKELY = 0.95, 0.5
_COLUMNS, _GAP, _HEAD, _TALLEST = 2, 0.16, 0.44, 3.4
_NOTHING = style.BIVARIATE[0][0]
#: Where the class is sure, and where it is only likely.
_COLOURS = {
    "high-high": (style.BIVARIATE[2][0], style.BIVARIATE[1][0]),
    "low-low": (style.BIVARIATE[0][2], style.BIVARIATE[0][1]),
    "high-low": (style.BIVARIATE[2][1], style.BIVARIATE[1][1]),
    "low-high": (style.BIVARIATE[1][2], style.BIVARIATE[1][1]),
}
_WORDS = {
    "high-high": "high among high",
    "low-low": "low among low",
    "high-low": "high among low",
    "low-high": "low among high",
}


@dataclass(frozen=True, eq=False)
class ClassMap:
    """One panel.

    Attributes
    ----------
    title, note
        What is classified, and a line under it.
    probability
        Name of each class that occurs to its probability in each district, shape (n,), from 0 to 1; 1 where a
        test found it and 0 elsewhere.
    missing
        Districts that have no value, shape (n,).
    """

    title: str
    note: str
    probability: dict[str, np.ndarray]
    missing: np.ndarray


@style.styled
def map_classes(districts: Districts, maps: Sequence[ClassMap], *, title: str) -> Figure:
    """Draw maps of local classes side by side, with one legend.

    Parameters
    ----------
    districts
        Districts with geometry; those without are left out, and the legend counts them.
    maps
        The panels, at least one.
    title
        The statistic.

    Raises
    ------
    DataError
        If no district has a geometry, or there is nothing to draw.
    """
    drawn = districts.drawable
    if not drawn.any() or not maps:
        raise DataError(
            Problem(
                f"maps of classes need districts with geometry ({drawn.sum()} have one) and a map "
                f"({len(maps)} came)",
                "read the districts with geometry=<file>",
            )
        )
    geometry = districts.table.geometry.to_numpy()[drawn]
    extent = Extent.of(districts)
    room = style.WIDTH - 2 * style.MARGIN
    slot = (room - (_COLUMNS - 1) * _GAP) / _COLUMNS
    width, height = extent.size(slot, _TALLEST)

    sure, rest = _legend(districts, maps)
    # An odd number of maps leaves a place free for it.
    beside = len(maps) % _COLUMNS > 0 and 0.19 * (len(sure) + len(rest)) < height
    legend_height = 0.0 if beside else 0.19 * max(len(sure), len(rest)) + 0.15
    title_lines = style.wrap(title, room, style.TITLE_SIZE, "bold")
    title_height = style.lines_height(len(title_lines), style.TITLE_SIZE) + 0.08
    mark = style.lines_height(1, style.SMALL_SIZE) if districts.about.simulated else 0.0
    rows = -(-len(maps) // _COLUMNS)
    below = style.MARGIN + mark + legend_height
    total = below + rows * (height + _HEAD) + title_height + style.MARGIN
    figure = style.new_figure(total)
    top = total - style.MARGIN
    look = {"fontsize": style.TITLE_SIZE, "fontweight": "bold"}
    style.write(figure, style.MARGIN, top, "\n".join(title_lines), **look)
    if districts.about.simulated:
        style.write_simulated(figure)

    points_per_unit = width * 72 / (extent.east - extent.west)
    islands = np.isin(districts.ids[drawn], districts.graph_report.islands)
    areas = read_areas(geometry, islands, stretch=extent.stretch, tolerance=0.15 / points_per_unit)
    marks = find_marks(areas, 1 / points_per_unit)
    for number, one in enumerate(maps):
        row, column = divmod(number, _COLUMNS)
        left = style.MARGIN + column * (slot + _GAP)
        head = top - title_height - row * (height + _HEAD)
        look = {"fontsize": style.SMALL_SIZE, "fontweight": "bold"}
        style.write(figure, left, head, style.shorten(one.title, slot, weight="bold"), **look)
        note_top = head - style.lines_height(1, style.SMALL_SIZE)
        look = {"fontsize": style.SMALL_SIZE, "color": style.SOFT_INK}
        style.write(figure, left, note_top, style.shorten(one.note, slot), **look)
        place = (left + (slot - width) / 2, head - _HEAD - height + 0.04, width, height)
        axes = figure.add_axes(style.inch_rect(figure, *place), gid="map")
        extent.frame(axes)
        colours = class_colours(one.probability, districts.n)[drawn]
        paint(axes, areas, colours, one.missing[drawn], marks, points_per_unit)
        tell(figure, f"{title}, {one.title[:1].lower()}{one.title[1:]}", class_words(one, districts))
    bottom = style.MARGIN + mark
    if beside:
        _draw_legend(figure, sure + rest, style.MARGIN + slot + _GAP, bottom, slot, height)
    else:
        for column, entries in enumerate((sure, rest)):
            left = style.MARGIN + column * room / 2
            _draw_legend(figure, entries, left, bottom, room / 2, legend_height - 0.1)
    return figure


def class_colours(probability: dict[str, np.ndarray], n: int) -> np.ndarray:
    """Colour of each district, shape (n, 4): full where a class is sure, pale where it is likely."""
    colours = np.tile(to_rgba_array(_NOTHING), (n, 1))
    for name, values in probability.items():
        sure, likely = to_rgba_array(_COLOURS[name])
        colours[values >= LIKELY] = likely
        colours[values >= SURE] = sure
    return colours


def class_words(one: ClassMap, districts: Districts) -> list[str]:
    """What a panel shows of each district: its class, with its probability where that is not 1."""
    islands = np.isin(districts.ids, districts.graph_report.islands)
    words = np.where(islands, "no neighbours", "neither").astype(object)
    for name, values in one.probability.items():
        for k in np.flatnonzero(values >= LIKELY):
            words[k] = _WORDS[name] if values[k] == 1 else f"{_WORDS[name]} ({100 * values[k]:.0f} %)"
    words[one.missing] = NOT_STOOD
    return words.tolist()


def _legend(
    districts: Districts, maps: Sequence[ClassMap]
) -> tuple[list[tuple[Artist, str]], list[tuple[Artist, str]]]:
    """Entries of the legend: classes that are sure, and all else."""
    named = [name for name in _COLOURS if any(name in one.probability for one in maps)]
    sure: list[tuple[Artist, str]] = [
        (Patch(facecolor=_COLOURS[name][0]), f"{_WORDS[name]}, sure") for name in named
    ]
    alike = [name for name in ("high-high", "low-low") if name in named]
    rest: list[tuple[Artist, str]] = [
        (Patch(facecolor=_COLOURS[name][1]), f"{_WORDS[name]}, likely") for name in alike
    ]
    if len(named) > len(alike):
        rest.append((Patch(facecolor=_COLOURS["high-low"][1]), "unlike its neighbours, likely"))
    rest.append((Patch(facecolor=_NOTHING, edgecolor=style.RULE, linewidth=0.5), "neither"))
    islands = len(districts.graph_report.islands)
    if islands:
        edge = Patch(facecolor=_NOTHING, edgecolor=ISLAND_EDGE, linewidth=1.2)
        rest.append((edge, f"no neighbours ({islands:,})"))
    missing = max(int(one.missing.sum()) for one in maps)
    if missing:
        rest.append((Patch(**MISSING, linewidth=0.5), f"{NOT_STOOD} ({missing:,})"))
    without = int((~districts.drawable).sum())
    if without:
        rest.append((Line2D([], [], linestyle=""), f"without geometry ({without:,})"))
    return sure, rest


def _draw_legend(
    figure: Figure, entries: list[tuple[Artist, str]], left: float, bottom: float, width: float, height: float
) -> None:
    axes = figure.add_axes(style.inch_rect(figure, left, bottom, width, height), gid="legend")
    axes.set_axis_off()
    if entries:
        axes.legend(
            [handle for handle, _ in entries],
            [text for _, text in entries],
            loc="upper left",
            bbox_to_anchor=(0, 1),
            borderaxespad=0,
            borderpad=0,
            handlelength=1.4,
            handletextpad=0.6,
            labelspacing=0.35,
            fontsize=style.SMALL_SIZE,
        )
