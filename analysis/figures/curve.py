"""The curve of one covariate: its interval, where the data are, and where it turns."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spatialvote.analysis.curve import Curve
from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.panels import lay_panels

PANEL_HEIGHT = 2.3
#: A turning point that fewer of the draws have than this is told, not drawn.
DRAWN = 0.5
#: Height of the histogram of districts, as a part of the panel.
_COUNTED = 0.16
#: Width of the vertical axis's numbers, in inches.
_LABELS = 0.22


@style.styled
def plot_curve(
    curve: Curve,
    *,
    name: str,
    unit: str = "percent",
    outcome: str = "vote share",
    title: str = "",
    counted: str = "",
    simulated: bool = False,
) -> Figure:
    """Plot the vote as a curve of one covariate.

    Parameters
    ----------
    curve
        From `spatialvote.analysis.curve.curve`.
    name, unit
        What the covariate is called, and its unit.
    outcome
        What the curve's height is called; in percent.
    title
        Title of the figure.
    counted
        Who is counted in the covariate (`Roles.counted`), printed at the foot.
    simulated
        Say at its foot that the data are simulated.
    """
    low, high = curve.searched
    step = style.precision(np.array([low, high]))
    turns = [
        (what, turn)
        for what, turn in (("peak", curve.peak), ("trough", curve.trough))
        if turn.probability >= DRAWN
    ]
    notes = [
        f"Line and band: mean and 95 % interval of the {outcome} that all districts together would have at a "
        "value, other columns and each district's own level as they are. Grey: how many districts have it. "
        "Pale: beyond the middle 95 % of the districts.",
        *(
            f"Diamond: {what}, at {style.number(turn.median, step)} (95 % "
            f"{style.number(turn.interval[0], step)} to {style.number(turn.interval[1], step)}) where there "
            f"is one within the middle 95 %; probability of that {_percent(turn.probability)}."
            for what, turn in turns
        ),
    ]
    if not turns:
        notes.append(
            f"No turning point is likely within the middle 95 %: probability of a peak "
            f"{_percent(curve.peak.probability)}, of a trough {_percent(curve.trough.probability)}."
        )
    notes += [counted] if counted else []
    panels = lay_panels(
        1,
        1,
        panel_height=PANEL_HEIGHT,
        title=title,
        notes=notes,
        xlabel=f"{name} ({unit})",
        simulated=simulated,
    )
    axes = panels.axes[0]
    # Room for the numbers of the vertical axis, which other figures of one panel do not have.
    box = axes.get_position()
    room = _LABELS / style.WIDTH
    axes.set_position((box.x0 + room, box.y0, box.width - room, box.height))
    at = np.union1d(curve.table.index.to_numpy(np.float64), [low, high])
    mean, lower, upper = (
        np.interp(at, curve.table.index, curve.table[one]) for one in ("mean", "low", "high")
    )
    for where, alpha, width in (
        ((at >= low) & (at <= high), 0.45, 1.6),
        (at <= low, 0.18, 0.8),
        (at >= high, 0.18, 0.8),
    ):
        axes.fill_between(at[where], lower[where], upper[where], color=style.VOTE, alpha=alpha, linewidth=0)
        axes.plot(at[where], mean[where], color=style.INK, linewidth=width)
    inside = (at >= low) & (at <= high)
    top = 1.25 * float(upper[inside].max())
    axes.set(xlim=(at[0], at[-1]), ylim=(-_COUNTED * top, top))
    counts, edges = np.histogram(curve.observed, bins=40, range=(at[0], at[-1]))
    axes.bar(
        edges[:-1],
        _COUNTED * 0.9 * top * counts / counts.max(),
        np.diff(edges),
        bottom=-_COUNTED * top,
        align="edge",
        color=style.RULE,
    )
    axes.axhline(0, color=style.RULE, linewidth=0.8)
    for what, turn in turns:
        height = float(np.interp(turn.median, at, mean))
        axes.plot(turn.interval, [height, height], color=style.INK, linewidth=1.1)
        axes.plot(
            turn.median, height, marker="D", markersize=6, color="white", markeredgecolor=style.INK, gid=what
        )
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_yticks([one for one in axes.get_yticks() if 0 <= one <= top])
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="y", pad=1)
    axes.set_ylabel("")
    axes.text(
        0.01, 0.99, f"{outcome}, percent", transform=axes.transAxes, va="top", fontsize=style.SMALL_SIZE
    )
    return panels.figure


def _percent(value: float) -> str:
    return "above 99 %" if value > 0.99 else "below 1 %" if value < 0.01 else f"{100 * value:.0f} %"
