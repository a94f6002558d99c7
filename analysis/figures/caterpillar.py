"""Slopes by level: one thin interval a row, ordered, with the pooled slope and its interval behind them."""

import numpy as np
from matplotlib.figure import Figure

from spatialvote.analysis.figures import style
from spatialvote.analysis.levels import LevelSlopes

#: Levels up to here all have their names; beyond, only those at both ends.
NAMED, ENDS = 60, 8
ROW, ROW_SMALL, AXIS_HEIGHT = 0.165, 0.07, 0.62


@style.styled
def plot_level_slopes(
    slopes: LevelSlopes, *, title: str = "", xlabel: str = "", simulated: bool = False
) -> Figure:
    """Plot the slope in every level with its 95 % interval and its number of districts.

    Parameters
    ----------
    slopes
        What `slopes_by_level` gives.
    title, xlabel
        Title of the figure, and what the slope is; made from the slopes where empty.
    simulated
        Say at its foot that the data are simulated.
    """
    table, count = slopes.table, len(slopes.table)
    every = count <= NAMED
    shown = np.arange(count) if every else np.r_[0:ENDS, count - ENDS : count]
    names = [f"{table.index[k]} ({table['districts'].iloc[k]:,})" for k in shown]
    longest = min(max(style.text_width(name, style.SMALL_SIZE) for name in names), 2.4)
    room = style.WIDTH - 2 * style.MARGIN
    heading = style.wrap(
        title or f"Slope of {slopes.covariate} in {count} levels of {slopes.group}, with number of districts",
        room, style.TITLE_SIZE, "bold",
    )  # fmt: skip
    label = style.wrap(xlabel or f"change in log-odds per {slopes.step_words}", room - longest)
    top = style.lines_height(len(heading), style.TITLE_SIZE) + 0.12
    foot = style.lines_height(1, style.SMALL_SIZE) + 0.06 if simulated else 0.0
    # Rows with a name have room for it, those between stand closer; places are inches from the bottom.
    heights = np.full(count, ROW_SMALL)
    heights[shown] = ROW
    place, height = np.cumsum(heights) - heights / 2, float(heights.sum())
    below = foot + AXIS_HEIGHT + style.lines_height(len(label), style.TEXT_SIZE)
    figure = style.new_figure(2 * style.MARGIN + top + height + below)
    whole = figure.get_size_inches()[1]
    style.write(
        figure, style.MARGIN, whole - style.MARGIN, "\n".join(heading), fontsize=style.TITLE_SIZE,
        fontweight="bold",
    )  # fmt: skip
    left, bottom = style.MARGIN + longest + 0.15, style.MARGIN + below
    axes = figure.add_axes(
        style.inch_rect(figure, left, bottom, style.WIDTH - style.MARGIN - left, height), gid="slopes"
    )
    low, high = np.quantile(slopes.pooled, [0.025, 0.975])
    axes.axvspan(low, high, color=style.SERIES[0], alpha=0.15, linewidth=0, gid="pooled")
    axes.axvline(float(slopes.pooled.mean()), color=style.SERIES[0], linewidth=1.2)
    axes.axvline(0, color=style.INK, linewidth=1.0, linestyle=(0, (4, 2)), zorder=1, gid="zero")
    axes.hlines(place, table["low"], table["high"], color=style.INK, linewidth=0.9 if every else 0.6)
    axes.plot(table["mean"], place, "o", color=style.INK, markersize=3.5 if every else 2.0)
    new_low, new_high = np.quantile(slopes.new, [0.025, 0.975])
    for end in (new_low, new_high):
        axes.axvline(float(end), color=style.SERIES[0], linewidth=0.9, linestyle=(0, (1, 2)), gid="new")
    axes.set_ylim(0, height)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=style.FAINT)
    for k, name in zip(shown, names, strict=True):
        y = bottom + place[k]
        style.write(figure, left - 0.08, y, name, ha="right", va="center", fontsize=style.SMALL_SIZE)
    style.write(figure, left, bottom - 0.34, "\n".join(label))
    key = "line and band: pooled slope, 95 %; dotted: 95 % for a new level"
    style.write(figure, style.MARGIN, style.MARGIN + foot, key, va="bottom", fontsize=style.SMALL_SIZE)
    if simulated:
        style.write_simulated(figure)
    return figure
