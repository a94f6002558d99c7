"""An effect along an assumption: what the gradient would be among others, by migrants' support."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spatialvote.analysis.composition import Composition
from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.panels import lay_panels

PANEL_HEIGHT = 2.1
#: Width of the vertical axis's numbers, in inches.
_LABELS = 0.25


@style.styled
def plot_composition(
    found: Composition,
    *,
    surveyed: tuple[float, float] | None = None,
    title: str = "",
    simulated: bool = False,
) -> Figure:
    """Plot the effect on the vote of others against the party's relative support among migrants.

    Parameters
    ----------
    found
        From `spatialvote.analysis.composition.composition`.
    surveyed
        Range of relative support that surveys report, to be marked.
    title
        Title of the figure.
    simulated
        Say at its foot that the data are simulated.
    """
    table = found.effects
    at = table.index.to_numpy(np.float64)
    notes = [
        f"Effect of {found.points:g} points more migrants on the vote for {found.party} among all others: "
        "mean and 95 % interval. At 1 (circle) migrants vote as others of the same district, and the effect "
        "is that on the whole vote; at 0 none of them votes for it, and arithmetic explains most.",
        f"Assumed: migrants are entitled {found.entitled:g} times as often as others, and turn out "
        f"{found.turnout:g} times as often.",
    ]
    turned = found.turning[~np.isnan(found.turning)]
    crosses = 2 * len(turned) >= len(found.turning)
    if crosses:
        low, high = np.quantile(turned, [0.025, 0.975])
        notes.append(f"Diamond: the sign turns at {np.median(turned):.2f} (95 % {low:.2f} to {high:.2f}).")
    if surveyed is not None:
        notes.append(f"Grey: what surveys report, {surveyed[0]:g} to {surveyed[1]:g}.")
    panels = lay_panels(
        1,
        1,
        panel_height=PANEL_HEIGHT,
        title=title,
        notes=notes,
        xlabel="support among migrants over that among others of the same district",
        simulated=simulated,
    )
    axes = panels.axes[0]
    box, room = axes.get_position(), _LABELS / style.WIDTH
    axes.set_position((box.x0 + room, box.y0, box.width - room, box.height))
    if surveyed is not None:
        axes.axvspan(*surveyed, color=style.FAINT, gid="surveyed")
    axes.axhline(0, color=style.SOFT_INK, linewidth=0.8)
    axes.fill_between(at, table["low"], table["high"], color=style.MIGRANT, alpha=0.35, linewidth=0)
    axes.plot(at, table["mean"], color=style.INK, linewidth=1.6)
    look = {"markersize": 6, "color": "white", "markeredgecolor": style.INK}
    axes.plot(1.0, found.whole, marker="o", **look)
    if crosses:
        axes.plot([low, high], [0, 0], color=style.INK, linewidth=2.2)
        axes.plot(np.median(turned), 0, marker="D", gid="turning", **look)
    axes.set_xlim(at[0], at[-1])
    axes.margins(y=0.12)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    step = float(np.diff(axes.get_yticks()[:2])[0])
    ticks = [one for one in axes.get_yticks() if axes.get_ylim()[0] <= one <= axes.get_ylim()[1]]
    axes.set_yticks(ticks, [style.number(one, step) for one in ticks])
    axes.tick_params(axis="y", pad=1)
    look = {"transform": axes.transAxes, "va": "top", "ha": "right", "fontsize": style.SMALL_SIZE}
    axes.text(0.99, 0.99, "effect among others, percentage points", **look)
    return panels.figure
