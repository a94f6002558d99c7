"""The specification curve: sorted estimates with their intervals, and below them the choices behind each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spatialvote.analysis.figures import style
from spatialvote.data.errors import DataError, Problem

#: Above zero, below zero, and intervals that hold it.
ABOVE, BELOW, OPEN = "#b35806", "#542788", "#8d8d8d"
#: More specifications than these are drawn as a ribbon with marks instead of bars with dots.
MANY = 120
NAME_WIDTH, GAP, CURVE_HEIGHT, AXIS_WIDTH, ROW = 1.55, 0.1, 2.1, 0.42, 0.165
_HEAD = 0.2


@dataclass(frozen=True, eq=False)
class Curve:
    """Specifications to be drawn, in any order; arrays have shape (s,).

    Attributes
    ----------
    mean, low, high
        Estimates and ends of their intervals.
    reliable
        Whether the approximation behind an estimate can be trusted.
    choices
        Heading of a dimension to its choices, and to which specifications each belongs (booleans).
    main
        Position of the study's own specification; None: it is not among them.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    reliable: np.ndarray
    choices: Mapping[str, Mapping[str, np.ndarray]]
    main: int | None = None

    def __post_init__(self) -> None:
        shapes = {one.shape for one in (self.mean, self.low, self.high, self.reliable)}
        shapes |= {one.shape for listed in self.choices.values() for one in listed.values()}
        if len(shapes) != 1 or not len(self.mean):
            raise DataError(
                Problem(
                    f"a specification curve needs arrays of one length, and shapes {sorted(shapes)} came",
                    "give one value for each of one specification or more",
                )
            )


@style.styled
def plot_curve(curve: Curve, *, ylabel: str, title: str = "", simulated: bool = False) -> Figure:
    """Draw a specification curve (Simonsohn, Simmons & Nelson 2020).

    Parameters
    ----------
    curve
        The specifications.
    ylabel
        The estimate with its unit.
    title
        Title of the figure.
    simulated
        Say at its foot that the data are simulated.
    """
    order = np.argsort(curve.mean, kind="stable")
    rows = [(name, shown) for name, listed in curve.choices.items() for shown in [*listed]]
    room = style.WIDTH - 2 * style.MARGIN
    title_lines = style.wrap(title, room, style.TITLE_SIZE, "bold") if title else []
    label_lines = style.wrap(ylabel, room)
    above = style.lines_height(len(title_lines), style.TITLE_SIZE) + 0.06 * bool(title_lines)
    above += style.lines_height(len(label_lines), style.TEXT_SIZE) + 0.08
    matrix_height = ROW * len(rows) + _HEAD * len(curve.choices)
    key = style.lines_height(2, style.SMALL_SIZE) + 0.12
    foot = style.lines_height(1, style.SMALL_SIZE) + 0.06 if simulated else 0.0
    figure = style.new_figure(2 * style.MARGIN + above + CURVE_HEIGHT + 0.08 + matrix_height + key + foot)
    top = figure.get_size_inches()[1] - style.MARGIN
    style.write(
        figure, style.MARGIN, top, "\n".join(title_lines), fontsize=style.TITLE_SIZE, fontweight="bold"
    )
    label_top = top - above + style.lines_height(len(label_lines), style.TEXT_SIZE) + 0.08
    style.write(figure, style.MARGIN, label_top, "\n".join(label_lines))
    left, width = style.MARGIN + NAME_WIDTH + GAP, room - NAME_WIDTH - GAP
    bottom = top - above - CURVE_HEIGHT
    axes = figure.add_axes(style.inch_rect(figure, left, bottom, width, CURVE_HEIGHT), gid="curve")
    _draw_estimates(axes, curve, order)
    matrix = figure.add_axes(
        style.inch_rect(figure, left, bottom - 0.08 - matrix_height, width, matrix_height),
        gid="choices",
        sharex=axes,
    )
    _draw_choices(figure, matrix, curve, order, bottom - 0.08, matrix_height)
    figure.legend(
        *_key(curve),
        loc="lower left",
        bbox_to_anchor=style.inch_rect(figure, style.MARGIN - 0.05, style.MARGIN + foot - 0.08, 0, 0)[:2],
        ncols=3,
        columnspacing=1.2,
        handletextpad=0.4,
        borderaxespad=0,
    )
    if simulated:
        style.write_simulated(figure)
    return figure


def _colours(curve: Curve) -> np.ndarray:
    return np.where(curve.low > 0, ABOVE, np.where(curve.high < 0, BELOW, OPEN))


def _draw_estimates(axes: Axes, curve: Curve, order: np.ndarray) -> None:
    place = np.arange(len(order))
    mean, low, high, reliable = (one[order] for one in (curve.mean, curve.low, curve.high, curve.reliable))
    colours = _colours(curve)[order]
    axes.axhline(0, color=style.INK, linewidth=0.8)
    if len(order) > MANY:
        # Steps as wide as a specification: bars this thin would run into each other.
        for colour in (OPEN, ABOVE, BELOW):
            here = colours == colour
            edges = np.stack([place[here] - 0.5, place[here] + 0.5], axis=1).ravel()
            gaps = np.repeat(here.nonzero()[0], 2)
            lower, upper = np.repeat(low[here], 2), np.repeat(high[here], 2)
            breaks = np.flatnonzero(np.diff(gaps) > 1) + 1
            for x, a, b in zip(
                np.split(edges, breaks), np.split(lower, breaks), np.split(upper, breaks), strict=True
            ):
                axes.fill_between(x, a, b, color=colour, alpha=0.45, linewidth=0)
        axes.plot(place, mean, color=style.INK, linewidth=1.4, gid="means")
    else:
        axes.vlines(place, low, high, color=colours, linewidth=float(np.clip(110 / len(order), 0.7, 2.2)))
        size = float(np.clip(260 / len(order), 2.2, 5.5))
        for here, filled in ((reliable, True), (~reliable, False)):
            axes.scatter(
                place[here],
                mean[here],
                s=size**2,
                facecolors=colours[here] if filled else "white",
                edgecolors=list(colours[here]),
                linewidths=1.0,
                zorder=3,
            )
    axes.set_xlim(-1, len(order))
    axes.tick_params(bottom=False, labelbottom=False)
    axes.spines["bottom"].set_visible(False)
    axes.margins(y=0.06)
    if curve.main is not None:
        at = int(np.flatnonzero(order == curve.main)[0])
        axes.axvline(at, color=style.INK, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
        right = at > len(order) / 2
        axes.annotate(
            "main",
            (at, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-3 if right else 3, -1),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            fontsize=style.SMALL_SIZE,
            fontweight="bold",
        )


def _draw_choices(
    figure: Figure, axes: Axes, curve: Curve, order: np.ndarray, top: float, height: float
) -> None:
    """Dots or marks where a specification has a choice; y in inches from the top of the matrix."""
    colours = _colours(curve)[order]
    many = len(order) > MANY
    y = 0.0
    if curve.main is not None:
        at = int(np.flatnonzero(order == curve.main)[0])
        axes.axvline(at, color=style.INK, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
    for heading, listed in curve.choices.items():
        style.write(
            figure,
            style.MARGIN,
            top - y - 0.03,
            style.shorten(heading, NAME_WIDTH, style.SMALL_SIZE, "bold"),
            fontsize=style.SMALL_SIZE,
            fontweight="bold",
        )
        y += _HEAD
        for number, (name, chosen) in enumerate(listed.items()):
            here = chosen[order]
            at = np.flatnonzero(here)
            if number % 2 == 0:
                axes.axhspan(y, y + ROW, color="#f4f4f4", linewidth=0, zorder=-1)
            if many:
                axes.vlines(
                    at,
                    y + 0.02,
                    y + ROW - 0.02,
                    color=colours[here],
                    linewidth=max(0.5, 180 / len(order)),
                )
            else:
                size = float(np.clip(230 / len(order), 2.0, 5.0))
                axes.scatter(at, np.full(len(at), y + ROW / 2), s=size**2, c=colours[here], linewidths=0)
            style.write(
                figure,
                style.MARGIN + NAME_WIDTH,
                top - y - ROW / 2,
                style.shorten(name, NAME_WIDTH - 0.08, style.SMALL_SIZE),
                ha="right",
                va="center",
                fontsize=style.SMALL_SIZE,
            )
            y += ROW
    axes.set_ylim(height, 0)
    axes.set_axis_off()


def _key(curve: Curve) -> tuple[Sequence[Line2D], Sequence[str]]:
    colours = _colours(curve)
    words = {ABOVE: "interval above zero", BELOW: "interval below zero", OPEN: "interval holds zero"}
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=4, linewidth=1.5)
        for colour in words
        if (colours == colour).any()
    ]
    labels = [words[colour] for colour in words if (colours == colour).any()]
    if not curve.reliable.all() and len(curve.mean) <= MANY:
        handles.append(
            Line2D([], [], color=OPEN, marker="o", markerfacecolor="white", markersize=4, linewidth=0)
        )
        labels.append("k-hat above 0.7")
    return handles, labels
