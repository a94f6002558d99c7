"""Turnout by age for each origin group: all in one panel, and one panel each with the raw rates.

Where an interval is wider than `WIDE`, line and marker are drawn lighter: what is little known is seen to be.
Every figure prints who is in each group, so that nobody needs to ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.panels import lay_panels
from spatialvote.analysis.turnout_rates import Rates, rates, require_factors
from spatialvote.data.origin_groups import definition_notes
from spatialvote.data.turnout import TurnoutCells
from spatialvote.models.turnout.fit import TurnoutFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Width of a 95 % interval, in percentage points, above which an estimate is drawn lighter.
WIDE = 20.0
_MARKERS = "os^Dvp*X"
_LABEL_WIDTH, _PLOT_HEIGHT, _PANEL_HEIGHT, _AXIS, _YAXIS = 1.45, 2.7, 1.35, 0.42, 0.42


@style.styled
def plot_turnout_by_age(fit: TurnoutFit, *, title: str = "") -> Figure:
    """Plot turnout by age of all groups in one panel, with 95 % intervals and labels at the lines' ends.

    Raises
    ------
    DataError
        If the cells have no groups or no ages.
    """
    found, groups = _by_age(fit)
    cells = fit.cells
    room = style.WIDTH - 2 * style.MARGIN
    title = title or f"Turnout by age and origin: {_called(cells)}"
    title_lines = style.wrap(title, room, style.TITLE_SIZE, "bold")
    notes = [line for note in _notes(cells) for line in style.wrap(note, room, style.SMALL_SIZE)]
    title_height = style.lines_height(len(title_lines), style.TITLE_SIZE) + 0.22
    foot = style.lines_height(len(notes) + cells.about.simulated, style.SMALL_SIZE) + 0.06
    height = 2 * style.MARGIN + title_height + _PLOT_HEIGHT + _AXIS + foot
    figure = style.new_figure(height)
    top = height - style.MARGIN
    style.write(
        figure, style.MARGIN, top, "\n".join(title_lines), fontsize=style.TITLE_SIZE, fontweight="bold"
    )
    kind = "turnout, %" if cells.survey is None else "turnout, % (survey)"
    style.write(figure, style.MARGIN, top - title_height + 0.2, kind, fontsize=style.SMALL_SIZE)
    left, bottom = style.MARGIN + _YAXIS, style.MARGIN + foot + _AXIS
    width = room - _YAXIS - _LABEL_WIDTH
    axes = figure.add_axes(style.inch_rect(figure, left, bottom, width, _PLOT_HEIGHT), gid="turnout")
    ends = []
    for number, label in enumerate(groups):
        table = _of(found, label)
        _draw_line(axes, table, cells, number, raw=False)
        ends.append(100 * table["mean"].iloc[-1])
    _dress(axes, cells, _span(found, raw=False))
    style.write(figure, left, bottom - 0.24, "age at the election", fontsize=style.SMALL_SIZE)
    _label_ends(figure, axes, groups, ends, cells, (left + width, bottom, _PLOT_HEIGHT))
    style.write(
        figure, style.MARGIN, style.MARGIN + foot - 0.04, "\n".join(notes), fontsize=style.SMALL_SIZE,
        color=style.SOFT_INK,
    )  # fmt: skip
    if cells.about.simulated:
        style.write_simulated(figure)
    return figure


@style.styled
def plot_turnout_panels(fit: TurnoutFit, *, title: str = "") -> Figure:
    """Plot one panel for each group: estimates with 95 % intervals, and raw rates as dots by their size.

    Raises
    ------
    DataError
        If the cells have no groups or no ages.
    """
    found, groups = _by_age(fit)
    cells = fit.cells
    everybody = rates(fit, ("age",)).table
    notes = [
        "Dots: raw rates, larger where more persons are entitled. Grey line: everybody. 95 % intervals; "
        f"lighter where they are wider than {WIDE:g} points.",
        *definition_notes(cells.groups),
    ]
    sheet = lay_panels(
        len(groups),
        2,
        panel_height=_PANEL_HEIGHT,
        title=title or f"Turnout by age in each group, %: {_called(cells)}",
        notes=notes,
        names=groups,
        simulated=cells.about.simulated,
    )
    span = _span(found, raw=True)
    x = np.array([band.middle for band in cells.ages])
    for number, label in enumerate(groups):
        table = _of(found, label)
        axes = sheet.axes[number]
        axes.plot(
            x[_ages(everybody, cells)], 100 * everybody["mean"], color=style.RULE, linewidth=1.2, zorder=1
        )
        _draw_line(axes, table, cells, number, raw=True)
        _dress(axes, cells, span)
        few = int((table["entitled"] < 10).sum())
        small = f"; fewer than 10 at {few} age{'s' if few > 1 else ''}" if few else ""
        sheet.head(number, label, f"{table['entitled'].sum():,.0f} entitled{small}")
        # The numbers at the axis stand within the panel's share of the sheet.
        box = axes.get_position()
        room = _YAXIS * 0.7 / style.WIDTH
        axes.set_position((box.x0 + room, box.y0, box.width - room, box.height))
    return sheet.figure


def _by_age(fit: TurnoutFit) -> tuple[Rates, tuple[str, ...]]:
    require_factors(fit.cells, ("group", "age"))
    return rates(fit, ("group", "age")), fit.cells.levels["group"]


def _of(found: Rates, label: str):
    return found.table[found.table["group"] == label].reset_index(drop=True)


def _called(cells: TurnoutCells) -> str:
    year = f" {cells.about.year}" if cells.about.year is not None else ""
    return f"{cells.about.name}{year}"


def _notes(cells: TurnoutCells) -> tuple[str, ...]:
    wide = f"Bands: 95 % intervals; lighter where they are wider than {WIDE:g} percentage points."
    survey = (
        ()
        if cells.survey is None
        else (f"Survey of {cells.survey.individuals:,} persons, weighted; sizes are Kish's effective ones.",)
    )
    return (wide, *survey, *definition_notes(cells.groups))


def _ages(table, cells: TurnoutCells) -> np.ndarray:
    place = {label: position for position, label in enumerate(cells.levels["age"])}
    return np.array([place[label] for label in table["age"]])


def _draw_line(axes: Axes, table, cells: TurnoutCells, number: int, *, raw: bool) -> None:
    """One group's band, line and markers; segments and markers of wide intervals lighter."""
    colour = style.SERIES[number % len(style.SERIES)]
    x = np.array([band.middle for band in cells.ages])[_ages(table, cells)]
    mean, low, high = (100 * table[name].to_numpy() for name in ("mean", "low", "high"))
    wide = high - low > WIDE
    axes.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0, zorder=2)
    if raw:
        size = table["entitled"].to_numpy()
        at = size > 0
        area = 6 + 54 * size[at] / size.max()
        axes.scatter(
            x[at], 100 * table["raw"].to_numpy()[at], s=area, color="white", edgecolors=style.SOFT_INK,
            linewidths=0.8, zorder=3, gid="raw", clip_on=False,
        )  # fmt: skip
    for k in range(len(x) - 1):
        faint = wide[k] or wide[k + 1]
        axes.plot(
            x[k : k + 2], mean[k : k + 2], color=colour, alpha=0.4 if faint else 1.0,
            linewidth=1.2 if faint else 2.0, zorder=4,
        )  # fmt: skip
    few = len(x) <= 20 and not raw
    for faint in (False, True):
        at = wide == faint
        if few and at.any():
            axes.plot(
                x[at], mean[at], _MARKERS[number % len(_MARKERS)], color=colour, markersize=4.5,
                alpha=0.45 if faint else 1.0, markerfacecolor="white" if faint else colour, zorder=5,
            )  # fmt: skip


def _span(found: Rates, *, raw: bool) -> tuple[float, float]:
    """Limits of turnout that hold every estimate, in percent; raw rates of few persons run from 0 to 100."""
    if raw:
        return 0.0, 100.0
    low, high = 100 * found.table["low"].min(), 100 * found.table["high"].max()
    return max(0.0, 10 * np.floor(low / 10)), min(100.0, 10 * np.ceil(high / 10))


def _dress(axes: Axes, cells: TurnoutCells, span: tuple[float, float]) -> None:
    axes.set_ylim(*span)
    first, last = cells.ages[0].low - 1, cells.ages[-1].middle + 2
    axes.set_xlim(first, last)
    axes.set_xticks(np.arange(10 * np.ceil(first / 10), last, 10 if span[0] > 0 or span[1] < 100 else 20))
    axes.grid(axis="y", color=style.FAINT)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _label_ends(
    figure: Figure,
    axes: Axes,
    groups: Sequence[str],
    ends: Sequence[float],
    cells: TurnoutCells,
    frame: tuple[float, float, float],
) -> None:
    """Write each group's name at the end of its line, moved apart where lines end close together."""
    right, bottom, height = frame
    low, high = axes.get_ylim()
    room = _LABEL_WIDTH - 0.2
    lines = [style.wrap(label, room, style.SMALL_SIZE) for label in groups]
    heights = [style.lines_height(len(one), style.SMALL_SIZE) + 0.05 for one in lines]
    wanted = [bottom + height * (end - low) / (high - low) for end in ends]
    order = np.argsort(wanted)[::-1]
    places: dict[int, float] = {}
    above = bottom + height + 0.3
    for k in order:
        places[k] = min(wanted[k], above - heights[k] / 2)
        above = places[k] - heights[k] / 2
    # What was pushed below the panel lifts what is above it.
    below = bottom - 0.1
    for k in order[::-1]:
        places[k] = max(places[k], below + heights[k] / 2)
        below = places[k] + heights[k] / 2
    last = cells.ages[-1].middle
    for k, label_lines in enumerate(lines):
        colour = style.SERIES[k % len(style.SERIES)]
        axes.annotate(
            "", xy=(last, ends[k]), xycoords="data",
            xytext=((right + 0.12) / figure.get_size_inches()[0], places[k] / figure.get_size_inches()[1]),
            textcoords="figure fraction", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 4},
        )  # fmt: skip
        style.write(
            figure, right + 0.16, places[k], "\n".join(label_lines), va="center", fontsize=style.SMALL_SIZE
        )
