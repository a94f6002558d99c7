"""A statistic against its reference distribution: what was seen against what the model would show."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.panels import lay_panels
from spatialvote.data.errors import DataError, Problem

BINS = 40
REFERENCE: dict[str, Any] = {"color": "#c9c5c1", "edgecolor": "#a5a09b", "linewidth": 0.4}


@style.styled
def plot_reference(
    observed: np.ndarray,
    reference: np.ndarray,
    *,
    xlabel: str,
    title: str = "",
    observed_label: str = "data, draw by draw",
    reference_label: str = "replicated by the model",
    simulated: bool = False,
) -> Figure:
    """Plot a statistic computed draw by draw on the data, over the same on replicated data.

    Parameters
    ----------
    observed
        The statistic of the data's residuals at each posterior draw, shape (draws,).
    reference
        The statistic of replicated data's residuals at the same draws, shape (draws,).
    xlabel
        The statistic.
    title
        Title of the figure.
    observed_label, reference_label
        What the two are; the note under the plot says which is drawn how.
    simulated
        Say at its foot that the data are simulated.

    Raises
    ------
    DataError
        If either has no finite draw, or they are not of one length.
    """
    one, two = (np.asarray(draws, dtype=np.float64).ravel() for draws in (observed, reference))
    if one.shape != two.shape or not (np.isfinite(one).any() and np.isfinite(two).any()):
        raise DataError(
            Problem(
                f"a statistic and its reference need a finite value a draw ({one.size}, {two.size} came)",
                "compute both at the same draws",
            )
        )
    both = np.isfinite(one) & np.isfinite(two)
    one, two = one[both], two[both]
    above = _percent(np.mean(one > two))
    notes = [f"Outline (orange): {observed_label}. Bars (grey): {reference_label}."]
    panels = lay_panels(1, 1, panel_height=1.7, title=title, notes=notes, xlabel=xlabel, simulated=simulated)
    axes = panels.axes[0]
    edges = _edges(np.concatenate([one, two]))
    axes.hist(two, edges, **REFERENCE, gid="reference")
    axes.hist(one, edges, histtype="stepfilled", facecolor=style.VOTE, alpha=0.25, linewidth=0)
    axes.hist(one, edges, histtype="step", edgecolor=style.VOTE, linewidth=1.6, gid="observed")
    axes.set(yticks=[])
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.spines["left"].set_visible(False)
    panels.head(0, "", f"data above the model's reference in {above} of the draws")
    return panels.figure


@style.styled
def plot_ppc(
    observed: Mapping[str, float],
    replicated: Mapping[str, np.ndarray],
    *,
    title: str = "",
    simulated: bool = False,
) -> Figure:
    """Plot each statistic of the data (line) over the same of replicated data (histogram), a panel each.

    Parameters
    ----------
    observed
        Name of the statistic, with its unit, to its value in the data.
    replicated
        The same names to the statistic's values in replicated data, of any shape.
    title
        Title of the figure.
    simulated
        Say at its foot that the data are simulated.

    Raises
    ------
    DataError
        If the two name different statistics, or one has no finite value.
    """
    values = {name: np.asarray(draws, dtype=np.float64).ravel() for name, draws in replicated.items()}
    values = {name: draws[np.isfinite(draws)] for name, draws in values.items()}
    bad = set(observed) ^ set(values) | {name for name, draws in values.items() if not draws.size}
    if bad or not observed:
        raise DataError(
            Problem(
                f"statistics need an observed and replicated values each (wrong: {sorted(bad)})",
                "compute every statistic on the data and on the replications",
            )
        )
    notes = ["Upright line (orange): the data. Bars (grey): replications by the model."]
    panels = lay_panels(
        len(observed),
        2,
        panel_height=0.95,
        title=title,
        notes=notes,
        names=list(observed),
        simulated=simulated,
    )
    for panel, (name, value) in enumerate(observed.items()):
        axes = panels.axes[panel]
        axes.hist(values[name], _edges(values[name]), **REFERENCE)
        axes.axvline(value, color=style.VOTE, linewidth=2, gid="data")
        axes.set(yticks=[])
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.04)
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        below = np.mean(values[name] < value) + np.mean(values[name] == value) / 2
        panels.head(panel, name, f"data {value:.3g}; {_percent(below)} lie below it")
    return panels.figure


def _edges(values: np.ndarray) -> list[float]:
    """Bin edges over the range of the values; whole bins about integers where there are few of them."""
    low, high = values.min(), values.max()
    if low == high:
        room = 0.05 * abs(low) or 0.5
        return np.linspace(low - room, high + room, 4).tolist()
    if high - low < BINS and np.all(values == np.round(values)):
        return np.arange(low - 0.5, high + 1.0).tolist()
    return np.linspace(low, high, BINS + 1).tolist()


def _percent(fraction: float) -> str:
    """A fraction of the draws in percent; never "0 %" or "100 %" where it is not exactly that."""
    if 0 < fraction < 0.01:
        return "under 1 %"
    if 0.99 < fraction < 1:
        return "over 99 %"
    return f"{100 * fraction:.0f} %"
