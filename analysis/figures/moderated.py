"""The gap in turnout of each area by a moderator, with the line of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spatialvote.analysis.figures import style
from spatialvote.analysis.turnout_moderators import typical_gap
from spatialvote.analysis.turnout_rates import summarise
from spatialvote.data.origin_groups import definition_notes
from spatialvote.models.turnout.fit import TurnoutFit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from spatialvote.analysis.turnout_moderators import ModeratedGap

_LINE = 9  # values at which the line is computed
_PLOT_HEIGHT, _LEFT, _AXIS = 2.6, 0.55, 0.5


def area_gaps(fit: TurnoutFit, gap: ModeratedGap) -> np.ndarray:
    """Gap of each area at the electorate's ages, percentage points, shape (draws, areas)."""
    cells = fit.cells
    areas = len(cells.levels["area"])
    ages = len(cells.levels["age"]) if "age" in cells.factors else 1
    weight = np.bincount(cells.index("age"), cells.entitled, ages) if "age" in cells.factors else np.ones(1)
    rng = np.random.default_rng(0)
    found = []
    for label in (gap.first, gap.second):
        group = np.full(areas * ages, cells.levels["group"].index(label))
        positions = {
            "group": group,
            "area": np.repeat(np.arange(areas), ages),
            "age": np.tile(np.arange(ages), areas),
        }
        predicted = fit.predict(positions, rng).reshape(-1, areas, ages)
        found.append(predicted @ (weight / weight.sum()))
    return 100 * (found[0] - found[1])


@style.styled
def plot_moderated_gap(fit: TurnoutFit, gap: ModeratedGap) -> Figure:
    """Plot each area's gap by the moderator, with 95 % intervals, and the model's line with its band."""
    cells = fit.cells
    room = style.WIDTH - 2 * style.MARGIN
    title = style.wrap(
        f"Gap in turnout of {gap.first} to {gap.second} by {gap.moderator}", room, style.TITLE_SIZE, "bold"
    )
    chosen = [one for one in cells.groups if one.label in (gap.first, gap.second)]
    decides = "The prior decides. " if gap.prior_decides else ""
    texts = [
        f"{decides}Dots: {gap.units} areas with 95 % intervals. Line and band: the model. Dashed: no gap.",
        *definition_notes(tuple(chosen)),
    ]
    notes = [line for note in texts for line in style.wrap(note, room, style.SMALL_SIZE)]
    top = style.lines_height(len(title), style.TITLE_SIZE) + 0.26
    foot = style.lines_height(len(notes) + cells.about.simulated, style.SMALL_SIZE) + 0.06
    height = 2 * style.MARGIN + top + _PLOT_HEIGHT + _AXIS + foot
    figure = style.new_figure(height)
    ceiling = height - style.MARGIN
    style.write(figure, style.MARGIN, ceiling, "\n".join(title), fontsize=style.TITLE_SIZE, fontweight="bold")
    style.write(
        figure, style.MARGIN, ceiling - top + 0.2, "gap at equal ages, percentage points",
        fontsize=style.SMALL_SIZE,
    )  # fmt: skip
    rect = style.inch_rect(
        figure, style.MARGIN + _LEFT, style.MARGIN + foot + _AXIS, room - _LEFT, _PLOT_HEIGHT
    )
    axes = figure.add_axes(rect, gid="moderated")
    values = np.asarray(cells.moderators[gap.moderator], dtype=np.float64)
    grid = np.linspace(values.min(), values.max(), _LINE)
    rng = np.random.default_rng(0)
    line = np.column_stack(
        [typical_gap(fit, gap.moderator, float(x), gap.first, gap.second, rng) for x in grid]
    )
    told = summarise(line)
    axes.fill_between(grid, told["low"], told["high"], color=style.VOTE, alpha=0.18, linewidth=0, zorder=1)
    axes.plot(grid, told["mean"], color=style.VOTE, linewidth=2, zorder=2)
    dots = summarise(area_gaps(fit, gap))
    axes.vlines(values, dots["low"], dots["high"], color=style.SOFT_INK, linewidth=0.8, zorder=3)
    axes.plot(values, dots["mean"], "o", color=style.INK, markersize=4.5, zorder=4)
    axes.axhline(0, color=style.SOFT_INK, linewidth=0.8, linestyle="--", zorder=2.5)
    axes.grid(axis="y", color=style.FAINT)
    axes.set_xlabel(gap.moderator)
    style.write(
        figure, style.MARGIN, style.MARGIN + foot - 0.04, "\n".join(notes), fontsize=style.SMALL_SIZE,
        color=style.SOFT_INK,
    )  # fmt: skip
    if cells.about.simulated:
        style.write_simulated(figure)
    return figure
