"""The colour scale of a choropleth map: its ends, its bar, and the districts that have each colour.

Few districts with extreme values must not take all the colours: where they would, the scale runs from the
2nd to the 98th percentile, the colour bar ends in an arrow, and a note says how far the values go. The bars
above the colour bar count the districts, so that the eye is not left to judge by area.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.ticker import FuncFormatter, MaxNLocator

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.basemap import MapSheet

PERCENTILES = (2, 98)
STRETCH = 0.25  # a tail longer than this part of the scale is cut off
BAR_WIDTH, BAR_HEIGHT, HISTOGRAM_HEIGHT, TICKS_HEIGHT = 3.0, 0.11, 0.30, 0.24
ARROW = 0.04  # of the colour bar
BINS = 40


@dataclass(frozen=True)
class Limits:
    """Ends of a colour scale, and whether values lie beyond them."""

    low: float
    high: float
    below: bool
    above: bool

    @property
    def extend(self) -> Literal["neither", "min", "max", "both"]:
        """Which ends of the colour bar are arrows."""
        if self.below:
            return "both" if self.above else "min"
        return "max" if self.above else "neither"


def colour_limits(values: np.ndarray, centre: float | None = None) -> Limits:
    """Choose the ends of a colour scale so that few extreme values do not take most of it.

    Parameters
    ----------
    values
        Finite values, at least one.
    centre
        For a diverging scale, the value in its middle; the scale is then symmetric about it.

    Returns
    -------
    Limits
        The range of the values, or their 2nd and 98th percentile where a tail beyond it is longer than a
        quarter of what lies between. Equal values get a scale around them.
    """
    if centre is not None:
        distance = np.abs(values - centre)
        half, most = float(np.percentile(distance, PERCENTILES[1])), float(distance.max())
        if half == 0 or most <= (1 + STRETCH) * half:
            half = most or 0.5
        low, high = centre - half, centre + half
        return Limits(low, high, bool(values.min() < low), bool(values.max() > high))
    low, high = float(values.min()), float(values.max())
    inner_low, inner_high = np.percentile(values, PERCENTILES)
    spread = inner_high - inner_low
    if spread > 0:
        low = float(inner_low) if inner_low - low > STRETCH * spread else low
        high = float(inner_high) if high - inner_high > STRETCH * spread else high
    if low == high:
        room = 0.1 * abs(low) or 0.5
        return Limits(low - room, high + room, False, False)
    return Limits(low, high, bool(values.min() < low), bool(values.max() > high))


def tail_note(values: np.ndarray, limits: Limits) -> str:
    """Say which values lie beyond the colours."""
    if limits.extend == "neither":
        return ""
    step = style.precision(values)
    low, high = (style.number(end, step) for end in (values.min(), values.max()))
    beyond = int(((values < limits.low) | (values > limits.high)).sum())
    return f"Arrows: {beyond:,} districts beyond the colours; values run from {low} to {high}."


def draw_colour_scale(
    sheet: MapSheet, top: float, values: np.ndarray, limits: Limits, cmap: Colormap
) -> None:
    """Draw the colour bar, and over it how many districts have each colour.

    Parameters
    ----------
    sheet, top
        Where: in the legend's place, so many inches from its top.
    values
        Finite values.
    limits, cmap
        The scale.
    """
    norm = Normalize(limits.low, limits.high)
    bar = sheet.add_axes(0, top, BAR_WIDTH, BAR_HEIGHT)
    colorbar = sheet.figure.colorbar(
        ScalarMappable(norm, cmap), cax=bar, orientation="horizontal", extend=limits.extend, extendfrac=ARROW
    )
    colorbar.outline.set(edgecolor=style.RULE, linewidth=0.6)
    bar.set_gid("colour bar")
    bar.tick_params(length=3, color=style.RULE)
    locator = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
    colorbar.set_ticks(
        [t for t in locator.tick_values(limits.low, limits.high) if limits.low <= t <= limits.high]
    )
    step = float(np.diff(colorbar.get_ticks()).min(initial=np.inf))
    step = step if np.isfinite(step) else style.precision(values)
    colorbar.formatter = FuncFormatter(lambda value, _: style.number(value, step))

    # The arrows are drawn inside the bar's place: the scale itself is shorter.
    inner = BAR_WIDTH / (1 + ARROW * (limits.below + limits.above))
    axes = sheet.add_axes(
        ARROW * inner * limits.below, top - HISTOGRAM_HEIGHT - 0.02, inner, HISTOGRAM_HEIGHT
    )
    _draw_histogram(axes, values, limits, cmap)


def _draw_histogram(axes: Axes, values: np.ndarray, limits: Limits, cmap: Colormap) -> None:
    """Draw the histogram; values beyond the limits are counted at the ends, whose colour they have."""
    edges = np.linspace(limits.low, limits.high, BINS + 1)
    counts, _ = np.histogram(np.clip(values, limits.low, limits.high), edges)
    middle = (edges[1:] + edges[:-1]) / 2
    axes.bar(
        middle,
        counts,
        width=np.diff(edges),
        color=cmap(np.linspace(0, 1, BINS)),
        edgecolor="#777777",
        linewidth=0.3,
    )
    axes.set(xlim=(limits.low, limits.high), ylim=(0, counts.max() * 1.02))
    axes.set_axis_off()
