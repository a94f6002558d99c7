"""Unknown values before and after the votes: two intervals a row."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spatialvote.analysis.figures import style

_GAP, _ROW, _AXIS, _KEY = 0.12, 0.28, 0.30, 0.26


@style.styled
def plot_unknown(
    names: Sequence[str],
    values: pd.DataFrame,
    *,
    title: str,
    xlabel: str,
    simulated: bool = False,
) -> Figure:
    """Plot intervals of unknown values without the votes (thin, open) and with them (thick, filled).

    Parameters
    ----------
    names
        What districts are called, from the top.
    values
        Rows of `spatialvote.analysis.unknown.unknown_table`, in the same order.
    title, xlabel
        Title; the quantity with its unit.
    simulated
        Say at its foot that the data are simulated.
    """
    room = style.WIDTH - 2 * style.MARGIN
    widest = max(style.text_width(name, style.TEXT_SIZE) for name in names)
    title_lines = style.wrap(title, room, style.TITLE_SIZE, "bold")
    label_lines = style.wrap(xlabel, room - widest - _GAP)
    head = style.lines_height(len(title_lines), style.TITLE_SIZE) + 0.08
    foot = style.lines_height(1, style.SMALL_SIZE) + 0.06 if simulated else 0.0
    below = foot + _KEY + style.lines_height(len(label_lines), style.TEXT_SIZE) + _AXIS
    height = _ROW * len(names)
    figure = style.new_figure(2 * style.MARGIN + head + height + below)
    top, bottom = figure.get_size_inches()[1] - style.MARGIN, style.MARGIN + below
    left = style.MARGIN + widest + _GAP
    style.write(
        figure, style.MARGIN, top, "\n".join(title_lines), fontsize=style.TITLE_SIZE, fontweight="bold"
    )
    for row, name in enumerate(names):
        style.write(figure, left - _GAP, bottom + height - (row + 0.5) * _ROW, name, ha="right", va="center")
    style.write(figure, left, bottom - _AXIS, "\n".join(label_lines))
    axes = figure.add_axes(
        style.inch_rect(figure, left, bottom, style.WIDTH - style.MARGIN - left, height), gid="unknown"
    )
    handles = []
    for prefix, shift, colour, width, face in (
        ("prior_", -0.16, style.INK, 1.0, "white"),
        ("", 0.16, style.SERIES[0], 2.6, style.SERIES[0]),
    ):
        rows = np.arange(len(names)) + shift
        low, mean, high = (values[prefix + one].to_numpy(np.float64) for one in ("low", "mean", "high"))
        axes.hlines(rows, low, high, color=colour, linewidth=width)
        axes.plot(mean, rows, "o", color=colour, markerfacecolor=face, markersize=5)
        handles.append(
            Line2D([], [], color=colour, linewidth=width, marker="o", markersize=5, markerfacecolor=face)
        )
    axes.margins(x=0.04)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=style.FAINT)
    if simulated:
        style.write_simulated(figure)
    figure.legend(
        handles,
        ["without the votes, 95 %", "with the votes, 95 %"],
        loc="lower left",
        bbox_to_anchor=(0, (foot + style.MARGIN / 2) / figure.get_size_inches()[1]),
        ncols=2,
    )
    return figure
