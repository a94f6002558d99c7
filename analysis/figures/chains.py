"""Did the chains agree? Traces and ranks of the parameters that mixed worst."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.stats import rankdata

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.panels import SIDE_GAP, lay_panels
from spatialvote.data.errors import DataError, Problem

BINS, SHOWN = 20, 400  # bins of ranks; points of a trace
TICK, GAP = 0.07, 0.1  # inches before and after the tick labels of a trace


@style.styled
def plot_rank(
    draws: Mapping[str, np.ndarray],
    *,
    notes: Mapping[str, str] | None = None,
    title: str = "",
    simulated: bool = False,
) -> Figure:
    """Plot trace (left) and rank histogram by chain (right) of each parameter.

    Where chains sample the same distribution, every chain has its ranks spread evenly: its line on the right
    stays near the dashed one (Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021).

    Parameters
    ----------
    draws
        Parameter name to draws, shape (chain, draw).
    notes
        Parameter name to a remark, such as its R-hat and effective draws.
    title
        Title of the figure.
    simulated
        Say at its foot that the data are simulated.

    Raises
    ------
    DataError
        If draws are not chains by draws, or there is no parameter.
    """
    arrays = {name: np.asarray(one, dtype=np.float64) for name, one in draws.items()}
    wrong = {name: one.shape for name, one in arrays.items() if one.ndim != 2 or not one.size}
    if wrong or not arrays:
        raise DataError(
            Problem(
                f"traces need draws of shape (chain, draw), and {wrong or 'none'} came",
                "pass posterior[name].transpose('chain', 'draw')",
            )
        )
    text = "Left: the draws of each chain in order. Right: how often each chain has low to high ranks; "
    panels = lay_panels(
        2 * len(arrays),
        2,
        panel_height=0.95,
        title=title,
        notes=[text + "dashed: what equal chains would show."],
        simulated=simulated,
    )
    for row, (name, one) in enumerate(arrays.items()):
        trace, rank = panels.axes[2 * row], panels.axes[2 * row + 1]
        chains, length = one.shape
        every = max(1, length // SHOWN)
        ranks = rankdata(one).reshape(one.shape)
        bins = min(BINS, length)
        edges = np.linspace(0.5, one.size + 0.5, bins + 1)
        for chain in range(chains):
            look = {"color": style.SERIES[chain % len(style.SERIES)], "linewidth": 0.6}
            trace.plot(np.arange(1, length + 1, every), one[chain, ::every], alpha=0.8, **look)
            counts, _ = np.histogram(ranks[chain], edges)
            look["linewidth"] = 1.2
            rank.stairs(counts, edges, **look)
        rank.axhline(length / bins, color=style.SOFT_INK, linewidth=0.9, linestyle=(0, (4, 3)))
        rank.set(yticks=[], xticks=[], ylim=(0, None), xlim=(edges[0], edges[-1]))
        trace.set(xlim=(1, max(length, 2)), xticks=[])
        panels.head(2 * row, name, (notes or {}).get(name, ""), width=style.WIDTH - SIDE_GAP)
    _label(panels.axes[::2])
    return panels.figure


def _label(traces: list[Axes]) -> None:
    """Write the values on the right of the traces, which are made narrower by what their labels need."""
    widest = 0.0
    for trace in traces:
        trace.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]))
        low, high = trace.get_ylim()
        at = [one for one in trace.get_yticks() if low <= one <= high]
        step = at[1] - at[0] if len(at) > 1 else style.precision(np.array([low, high]))
        labels = [style.number(one, step) for one in at]
        trace.set_yticks(at, labels)
        trace.yaxis.tick_right()
        trace.spines["left"].set_visible(False)
        trace.tick_params(length=2)
        widest = max([widest, *(style.text_width(one, style.SMALL_SIZE) for one in labels)])
    for trace in traces:
        box = trace.get_position()
        # The gap between the panels already holds part of them.
        narrower = max(0.0, widest + TICK + GAP - SIDE_GAP) / style.WIDTH
        trace.set_position((box.x0, box.y0, box.width - narrower, box.height))
