"""Statistics in rows, each against what it would be by chance: before and after a model, graph by graph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from spatialvote.analysis.figures import style
from spatialvote.data.errors import DataError, Problem

NAME_WIDTH, GAP, AXIS_HEIGHT, KEY_HEIGHT, HEAD = 1.32, 0.2, 0.3, 0.24, 0.22
ROW_PAD, BAND = 0.12, 0.62
_BAND: dict[str, Any] = {"facecolor": "#d5d1cd", "edgecolor": "none"}


@dataclass(frozen=True)
class Row:
    """One row of a panel.

    Attributes
    ----------
    name
        What the statistic is of.
    chance
        Ends of the interval that chance gives it.
    value
        The statistic of raw values, drawn as a ring; None where there is none.
    interval
        Ends and mean of the statistic over draws, (low, mean, high); None where there is one value only.
    """

    name: str
    chance: tuple[float, float]
    value: float | None = None
    interval: tuple[float, float, float] | None = None


@style.styled
def plot_against(
    panels: Mapping[str, Sequence[Row]],
    *,
    title: str = "",
    value_label: str = "value",
    interval_label: str = "95 % of the draws, and their mean",
    chance_label: str = "95 % of what chance gives",
    simulated: bool = False,
) -> Figure:
    """Plot statistics in rows against intervals of chance, a panel for each statistic.

    Parameters
    ----------
    panels
        Name of the statistic to its rows; the rows of all panels have the same names in the same order.
    title
        Title of the figure.
    value_label, interval_label, chance_label
        What ring, point with line, and grey bar are.
    simulated
        Say at its foot that the data are simulated.

    Raises
    ------
    DataError
        If there is no panel or row, or panels have different rows.
    """
    names = [tuple(row.name for row in rows) for rows in panels.values()]
    if not names or not names[0] or len(set(names)) > 1:
        raise DataError(
            Problem(
                f"panels need the same rows, at least one (rows: {sorted(set(names))})",
                "give every statistic a row for each thing that it is of",
            )
        )
    room = style.WIDTH - 2 * style.MARGIN
    lines = [style.wrap(name, NAME_WIDTH, style.SMALL_SIZE) for name in names[0]]
    heights = [style.lines_height(len(one), style.SMALL_SIZE) + ROW_PAD for one in lines]
    plot_height = sum(heights)
    title_lines = style.wrap(title, room, style.TITLE_SIZE, "bold") if title else []
    title_height = style.lines_height(len(title_lines), style.TITLE_SIZE) + 0.06 * bool(title_lines)
    key = _key(panels, value_label, interval_label, chance_label)
    mark = style.lines_height(1, style.SMALL_SIZE) if simulated else 0.0
    key_height = KEY_HEIGHT * len(key) * 0.8
    bottom = style.MARGIN + mark + key_height + AXIS_HEIGHT
    figure = style.new_figure(bottom + plot_height + HEAD + title_height + style.MARGIN)
    top = figure.get_size_inches()[1] - style.MARGIN
    look = {"fontsize": style.TITLE_SIZE, "fontweight": "bold"}
    style.write(figure, style.MARGIN, top, "\n".join(title_lines), **look)
    if simulated:
        style.write_simulated(figure)
    ends = np.cumsum(heights)
    for one, end, height in zip(lines, ends, heights, strict=True):
        middle = bottom + plot_height - end + height / 2
        style.write(figure, style.MARGIN, middle, "\n".join(one), va="center", fontsize=style.SMALL_SIZE)
    width = (room - NAME_WIDTH - len(panels) * GAP) / len(panels)
    for number, (name, rows) in enumerate(panels.items()):
        left = style.MARGIN + NAME_WIDTH + GAP + number * (width + GAP)
        rect = style.inch_rect(figure, left, bottom, width, plot_height)
        axes = figure.add_axes(rect, gid=f"panel {number}")
        style.write(
            figure,
            left,
            bottom + plot_height + HEAD - 0.02,
            style.shorten(name, width, weight="bold"),
            fontsize=style.SMALL_SIZE,
            fontweight="bold",
        )
        _draw_rows(axes, rows, ends - np.array(heights) / 2, heights, plot_height)
    axes = figure.add_axes(style.inch_rect(figure, style.MARGIN, style.MARGIN + mark, room, key_height))
    axes.set_axis_off()
    handles, texts = zip(*key, strict=True)
    axes.legend(handles, texts, loc="upper left", bbox_to_anchor=(0, 1), borderaxespad=0, borderpad=0,
                labelspacing=0.3, handlelength=1.6, fontsize=style.SMALL_SIZE)  # fmt: skip
    return figure


def _draw_rows(
    axes: Axes, rows: Sequence[Row], middles: np.ndarray, heights: list[float], total: float
) -> None:
    """Draw bars, rings and lines; upwards in inches from the bottom of the panel."""
    for row, middle, height in zip(rows, total - middles, heights, strict=True):
        low, high = row.chance
        axes.add_patch(Rectangle((low, middle - BAND * height / 2), high - low, BAND * height, **_BAND))
        if row.interval is not None:
            start, mean, end = row.interval
            axes.plot([start, end], [middle, middle], color=style.VOTE, linewidth=2.2, solid_capstyle="butt")
            axes.plot(mean, middle, "o", color=style.VOTE, markersize=4.5, gid="draws")
        if row.value is not None and np.isfinite(row.value):
            look: dict[str, Any] = {"markersize": 5, "markerfacecolor": "white", "markeredgecolor": style.INK}
            axes.plot(row.value, middle, "o", **look, gid="value")
    axes.set_ylim(0, total)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.08)
    axes.autoscale(axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(4 if len(rows) < 5 else 5, steps=[1, 2, 5, 10]))
    axes.grid(axis="x", color=style.FAINT)


def _key(
    panels: Mapping[str, Sequence[Row]], value: str, interval: str, chance: str
) -> list[tuple[Artist, str]]:
    rows = [row for one in panels.values() for row in one]
    entries: list[tuple[Artist, str]] = [(Patch(**_BAND), chance)]
    if any(row.value is not None for row in rows):
        ring = Line2D([], [], linestyle="", marker="o", markerfacecolor="white", markeredgecolor=style.INK)
        entries.append((ring, value))
    if any(row.interval is not None for row in rows):
        line = Line2D([], [], color=style.VOTE, linewidth=2.2, marker="o", markersize=4.5)
        entries.append((line, interval))
    return entries
