"""Estimates with their intervals, one row each, and the true values where they are known."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from spatialvote.analysis.figures import style
from spatialvote.data.errors import DataError, Problem

NAME_WIDTH, GAP, ROW_PAD, AXIS_HEIGHT, KEY_HEIGHT = 1.75, 0.12, 0.11, 0.30, 0.24


@style.styled
def plot_intervals(
    names: Sequence[str],
    mean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    inner: tuple[np.ndarray, np.ndarray] | None = None,
    truth: np.ndarray | None = None,
    xlabel: str,
    title: str = "",
    zero_line: bool = True,
    level: str = "90 %",
    inner_level: str = "50 %",
    simulated: bool = False,
) -> Figure:
    """Plot one estimate a row: point, interval, and both in numbers at the right.

    Parameters
    ----------
    names
        What is estimated, one name a row, from the top.
    mean, low, high
        Estimates and ends of their intervals, each shape (k,); a row that is not finite says "no value".
    inner
        Ends of a narrower interval, drawn thicker.
    truth
        True values, NaN where not known, shape (k,); drawn as diamonds.
    xlabel
        The quantity with its unit.
    title
        Title of the figure.
    zero_line
        Draw a line at zero, and let the axis include it.
    level, inner_level
        What the intervals are, for the key.
    simulated
        Say at its foot that the data are simulated.

    Raises
    ------
    DataError
        If the arrays are not of one length, or there is no row.
    """
    columns = {"mean": mean, "low": low, "high": high}
    if inner is not None:
        columns |= {"inner low": inner[0], "inner high": inner[1]}
    if truth is not None:
        columns["truth"] = truth
    data = {key: np.asarray(value, dtype=np.float64) for key, value in columns.items()}
    wrong = {key: value.shape for key, value in data.items() if value.shape != (len(names),)}
    if wrong or not len(names):
        raise DataError(
            Problem(
                f"{len(names)} names need as many estimates, and shapes {wrong} came",
                "give one name, mean and interval for each row",
            )
        )
    finite = np.isfinite(data["mean"]) & np.isfinite(data["low"]) & np.isfinite(data["high"])
    step = style.precision(np.concatenate([(data["high"] - data["low"])[finite], [0.0]])) / 10
    texts = [_in_numbers(data, row, step) if finite[row] else "no value" for row in range(len(names))]
    text_width = max(style.text_width(text, style.SMALL_SIZE) for text in texts)
    name_lines = [style.wrap(name, NAME_WIDTH, style.TEXT_SIZE) for name in names]
    widest = max(style.text_width(line, style.TEXT_SIZE) for lines in name_lines for line in lines)
    row_height = style.lines_height(max(map(len, name_lines)), style.TEXT_SIZE) + ROW_PAD

    room = style.WIDTH - 2 * style.MARGIN
    title_lines = style.wrap(title, room, style.TITLE_SIZE, "bold") if title else []
    label_lines = style.wrap(xlabel, room - widest - GAP)
    title_height = style.lines_height(len(title_lines), style.TITLE_SIZE) + 0.08 * bool(title_lines)
    foot = style.lines_height(1, style.SMALL_SIZE) + 0.06 if simulated else 0.0
    below = foot + KEY_HEIGHT + style.lines_height(len(label_lines), style.TEXT_SIZE) + AXIS_HEIGHT
    plot_height = row_height * len(names)
    figure = style.new_figure(2 * style.MARGIN + title_height + plot_height + below)
    top = figure.get_size_inches()[1] - style.MARGIN
    left, width = style.MARGIN + widest + GAP, room - widest - text_width - 2 * GAP
    bottom = style.MARGIN + below
    style.write(
        figure, style.MARGIN, top, "\n".join(title_lines), fontsize=style.TITLE_SIZE, fontweight="bold"
    )
    for row, (lines, text) in enumerate(zip(name_lines, texts, strict=True)):
        y = bottom + plot_height - (row + 0.5) * row_height
        style.write(figure, left - GAP, y, "\n".join(lines), ha="right", va="center")
        style.write(figure, left + width + GAP, y, text, va="center", fontsize=style.SMALL_SIZE)
    style.write(figure, left, bottom - AXIS_HEIGHT, "\n".join(label_lines))

    axes = figure.add_axes(style.inch_rect(figure, left, bottom, width, plot_height), gid="intervals")
    rows = np.arange(len(names))
    colour = style.SERIES[0]
    axes.hlines(rows[finite], data["low"][finite], data["high"][finite], color=colour, linewidth=1.1)
    if inner is not None:
        axes.hlines(
            rows[finite], data["inner low"][finite], data["inner high"][finite], color=colour, linewidth=3.2
        )
    axes.plot(data["mean"][finite], rows[finite], "o", color=colour, markersize=6)
    handles = [Line2D([], [], color=colour, marker="o", markersize=6, linewidth=1.1)]
    labels = [f"mean, {level} interval"]
    if inner is not None:
        handles.append(Line2D([], [], color=colour, linewidth=3.2))
        labels.append(f"{inner_level} interval")
    if truth is not None and np.isfinite(data["truth"]).any():
        look = {"marker": "D", "markersize": 6, "markerfacecolor": "none", "markeredgecolor": style.VOTE}
        axes.plot(data["truth"], rows, linestyle="", markeredgewidth=1.4, gid="truth", **look)
        handles.append(Line2D([], [], linestyle="", markeredgewidth=1.4, **look))
        labels.append("true value")
    if zero_line:
        # Above the grid, which it would be lost in, and below the intervals.
        axes.axvline(0, color=style.INK, linewidth=1.2, linestyle=(0, (4, 2)), zorder=1, gid="zero")
    axes.margins(x=0.06)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=style.FAINT)
    axes.xaxis.set_major_locator(MaxNLocator(max(3, int(width / 0.45)), steps=[1, 2, 5, 10], min_n_ticks=3))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    if simulated:
        style.write_simulated(figure)
    figure.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0, (foot + style.MARGIN / 2) / figure.get_size_inches()[1]),
        ncols=len(handles),
        columnspacing=1.5,
        handlelength=1.8,
    )
    return figure


def _in_numbers(data: dict[str, np.ndarray], row: int, step: float) -> str:
    mean, low, high = (style.number(data[key][row], step) for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"
