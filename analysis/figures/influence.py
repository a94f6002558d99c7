"""How influential districts are: Pareto shapes of the weights that leave each of them out."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.panels import lay_panels
from spatialvote.analysis.loo import UNRELIABLE

BINS = 40


@style.styled
def plot_shapes(
    conditional: np.ndarray, integrated: np.ndarray, *, title: str = "", simulated: bool = False
) -> Figure:
    """Plot histograms of Pareto k over districts, of the ordinary weights and of those that are used.

    Parameters
    ----------
    conditional, integrated
        k of each district, given its own effect and with it integrated out; NaN are left out.
    title
        Title of the figure.
    simulated
        Say at its foot that the data are simulated.
    """
    names = ["ordinary weights, own effect known", "own effect integrated out"]
    notes = [
        f"Bars: number of districts. Upright line (orange): {UNRELIABLE}, above which k is not reliable."
    ]
    panels = lay_panels(
        2, 1, panel_height=1.0, title=title, notes=notes, names=names, xlabel="Pareto k", simulated=simulated
    )
    rows = [one[np.isfinite(one)] for one in (conditional, integrated)]
    both = np.concatenate(rows)
    # A few huge shapes would press all others together: they are drawn at the right end.
    low, high = min(0.0, float(both.min())), max(1.0, min(float(both.max()), 2.0))
    edges = np.linspace(low, high, BINS + 1)
    for panel, (values, name) in enumerate(zip(rows, names, strict=True)):
        axes = panels.axes[panel]
        colour = style.RULE if panel == 0 else style.SERIES[2]
        axes.hist(np.minimum(values, high), edges.tolist(), color=colour, edgecolor="white", linewidth=0.4)
        axes.axvline(UNRELIABLE, color=style.VOTE, linewidth=1.6, gid="limit")
        axes.set_xlim(low, high)
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.tick_params(axis="y", length=0, pad=1)
        axes.spines["left"].set_visible(False)
        panels.head(panel, name, f"{(values > UNRELIABLE).sum()} of {len(values)} above {UNRELIABLE}")
    return panels.figure
