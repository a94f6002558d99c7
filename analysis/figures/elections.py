"""Figures of elections over time: the effect's path, and maps side by side on one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from spatialvote.analysis.elections_answers import EffectPath, change_by_district, slopes_by_district
from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.maps import map_values
from spatialvote.analysis.figures.multiples import map_multiples
from spatialvote.analysis.figures.panels import lay_panels
from spatialvote.data.elections import Elections
from spatialvote.models.elections.fit import ElectionsFit

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@style.styled
def plot_effect_path(path: EffectPath, elections: Elections, *, called: str, title: str = "") -> Figure:
    """Plot the effect at each election with 95 % intervals, every point with its label.

    Parameters
    ----------
    path, elections
        The path, and the elections it is of.
    called
        What the followed covariate is called.
    title
        Title of the figure.
    """
    table = path.table()
    mean, low, high = (table[f"points_{name}"].to_numpy() for name in ("mean", "low", "high"))
    notes = [
        f"Difference in the vote share, percentage points, with {called} higher by {path.step} and all "
        "else the same. Bars: 95 % intervals. It compares districts, not persons."
    ]
    panels = lay_panels(
        1, 1, panel_height=2.3, title=title or f"The effect of {called} over the elections", notes=notes,
        xlabel="election", simulated=elections.about.simulated,
    )  # fmt: skip
    axes = panels.axes[0]
    x = np.array(elections.times)
    axes.axhline(0, color=style.RULE, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    axes.plot(x, mean, color=style.VOTE, linewidth=1.6, zorder=2)
    axes.vlines(x, low, high, color=style.VOTE, linewidth=2.2, zorder=2)
    axes.plot(x, mean, "o", color=style.VOTE, markersize=5, zorder=3)
    step = style.precision(np.r_[low, high])
    room = 0.05 * np.ptp(x)
    height = np.ptp(np.r_[low, high, 0.0])
    # Above its interval no label can lie on the line.
    for at, value, top in zip(x, mean, high, strict=True):
        text = axes.text(
            at, top + 0.02 * height, style.number(value, step), ha="center", va="bottom", zorder=4
        )
        text.set_fontsize(style.SMALL_SIZE)
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    axes.set_xticks(x, elections.labels)
    axes.set_xlim(x[0] - room, x[-1] + room)
    axes.set_ylim(min(low.min(), 0.0) - 0.05 * height, max(high.max(), 0.0) + 0.14 * height)
    axes.tick_params(axis="both", length=0)
    axes.grid(axis="y", color=style.FAINT)
    place = axes.get_position()
    # Room for the numbers at the left, minus signs included.
    axes.set_position((place.x0 + 0.05, place.y0, place.width - 0.05, place.height))
    return panels.figure


def map_shares(fit: ElectionsFit, elections: Elections) -> Figure:
    """Map the fitted vote share of every election on one scale of colours."""
    share = elections.grid(100 * expit(fit.draws("eta")).mean(axis=0))
    return map_multiples(
        elections.frame(),
        dict(zip(elections.labels, share, strict=True)),
        title="Vote share by election",
        label="fitted share, % of valid votes" + ("; hatched: not known" if np.isnan(share).any() else ""),
    )


def map_structured_change(fit: ElectionsFit, elections: Elections) -> Figure:
    """Map, on one scale, how each election departs from what persists (structured change)."""
    change = fit.draws("change").mean(axis=0)
    return map_multiples(
        elections.frame(),
        dict(zip(elections.labels, change, strict=True)),
        title="What neighbours share at one election and not at the others",
        label="structured change, log-odds; 0: as in the mean of all elections",
        ramp="diverging",
        centre=0.0,
    )


def map_change(fit: ElectionsFit, elections: Elections, first: str, last: str) -> Figure:
    """Map the change of the fitted vote share between two elections."""
    table = change_by_district(fit, elections, first, last)
    return map_values(
        elections.frame(),
        table["mean"].to_numpy(),
        title=f"Change of the vote share from {first} to {last}",
        label="percentage points of valid votes",
        kind="diverging",
        why="not known at both",
    )


def map_slopes(fit: ElectionsFit, elections: Elections, *, called: str) -> tuple[Figure, Figure]:
    """Map each district's slope, and the posterior probability that it is above zero."""
    table = slopes_by_district(fit, elections)
    slopes = map_values(
        elections.frame(),
        table["mean"].to_numpy(),
        title=f"The effect of {called} by district",
        label="mean slope over the elections, log-odds per standard deviation; white: the average district",
        kind="diverging",
        centre=float(table["mean"].mean()),
    )
    sign = map_values(
        elections.frame(),
        table["above"].to_numpy(),
        title="How sure its sign is",
        label="posterior probability that the slope is above zero",
        kind="diverging",
        centre=0.5,
    )
    return slopes, sign
