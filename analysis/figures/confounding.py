"""One effect under several models: estimates with intervals beside the fitted model's own."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.intervals import plot_intervals

#: Looks of a row by what is said of it; the first is that of every other row.
LOOKS = ("told", "departs", "not vouched")


def plot_variants(
    labels: Sequence[str],
    mean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    looks: Sequence[str],
    *,
    xlabel: str,
    title: str = "",
    simulated: bool = False,
) -> Figure:
    """Plot the fitted model's estimate in the first row, and that of every variant below it.

    Parameters
    ----------
    labels
        What each row is, the fitted model first.
    mean, low, high
        Estimates and ends of 95 % intervals, each shape (k,).
    looks
        One of `LOOKS` a row: ``departs`` is drawn in colour, ``not vouched`` in grey.
    xlabel, title, simulated
        See `spatialvote.analysis.figures.intervals.plot_intervals`.

    Raises
    ------
    DataError
        If the arrays are not of one length, or there is no row.
    """
    figure = plot_intervals(
        labels, mean, low, high, xlabel=xlabel, title=title, level="95 %", simulated=simulated
    )
    axes = next(one for one in figure.axes if one.get_gid() == "intervals")
    axes.axvspan(low[0], high[0], color=style.FAINT, zorder=0, linewidth=0, gid="fitted interval")
    axes.axvline(mean[0], color=style.SERIES[0], linewidth=0.8, zorder=1, gid="fitted")
    for row, look in enumerate(looks):
        if look == LOOKS[0]:
            continue
        colour = style.VOTE if look == "departs" else style.RULE
        axes.hlines(row, low[row], high[row], color=colour, linewidth=1.6, zorder=3)
        axes.plot(mean[row], row, "o", color=colour, markersize=6, zorder=3, gid=look)
    return figure
