"""A semivariogram among those that a model replicates."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.panels import lay_panels


@style.styled
def plot_variogram(
    distance: np.ndarray,
    observed: np.ndarray,
    expected: np.ndarray,
    envelope: tuple[np.ndarray, np.ndarray],
    *,
    unit: str,
    title: str = "",
    simulated: bool = False,
) -> Figure:
    """Plot an observed semivariogram over the envelope of replicated ones.

    Parameters
    ----------
    distance
        Mean distance of each band, shape (bands,).
    observed, expected
        Semivariances of the data and the mean of the replicates, squared units of the link scale.
    envelope
        Lower and upper ends, each shape (bands,).
    unit
        Of the distance.
    title
        Title of the figure.
    simulated
        Say at its foot that the data are simulated.
    """
    panels = lay_panels(
        1,
        1,
        panel_height=2.1,
        title=title,
        notes=[
            "Line with points (orange): the data. Grey line and band: replicated by the model, mean and 95 % "
            "envelope over all distances together. Upwards: half the mean squared difference, link scale."
        ],
        xlabel=f"distance between districts, {unit}",
        simulated=simulated,
    )
    axes = panels.axes[0]
    # Room for the numbers on the left, which panels of histograms do not have.
    box = axes.get_position()
    axes.set_position((box.x0 + 0.07, box.y0, box.width - 0.07, box.height))
    axes.fill_between(distance, *envelope, color="#c9c5c1", alpha=0.6, linewidth=0, gid="envelope")
    axes.plot(distance, expected, color="#77716c", linewidth=1.4)
    axes.plot(distance, observed, color=style.VOTE, linewidth=1.8, marker="o", markersize=4, gid="observed")
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.grid(color=style.FAINT)
    return panels.figure
