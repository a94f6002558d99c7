"""How an effect is spread over the districts: a histogram of its posterior means."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.panels import lay_panels

BINS = 30


@style.styled
def plot_by_district(
    values: np.ndarray, average: float, *, xlabel: str, title: str, simulated: bool = False
) -> Figure:
    """Plot a histogram over districts, with the average effect as a line.

    Parameters
    ----------
    values
        One value per district, finite, shape (n,).
    average
        The average effect.
    xlabel
        The quantity with its unit.
    title
        Title of the figure.
    simulated
        Say at its foot that the data are simulated.
    """
    notes = ["Bars: number of districts. Upright line (orange): the average effect."]
    panels = lay_panels(1, 1, panel_height=1.7, title=title, notes=notes, xlabel=xlabel, simulated=simulated)
    axes = panels.axes[0]
    spread = np.ptp(values)
    edges = np.linspace(values.min(), values.max(), BINS + 1) if spread > 0 else 3
    axes.hist(values, edges, color=style.SERIES[2], alpha=0.7, edgecolor="white", linewidth=0.4)
    axes.axvline(average, color=style.VOTE, linewidth=1.8)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.tick_params(axis="y", length=0, pad=1)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", color=style.FAINT)
    return panels.figure
