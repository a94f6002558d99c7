"""Several maps of one quantity side by side, on one scale of colours."""

from collections.abc import Mapping

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.areas import find_marks, paint, read_areas
from spatialvote.analysis.figures.colour_scale import Limits, colour_limits
from spatialvote.analysis.figures.extent import Extent
from spatialvote.data.districts import Districts
from spatialvote.data.errors import DataError, Problem

_COLUMNS, _GAP, _HEAD, _TALLEST = 3, 0.14, 0.26, 2.6
_BAR_WIDTH, _BAR_HEIGHT, _BAR_ROOM = 2.6, 0.11, 0.62


@style.styled
def map_multiples(
    districts: Districts, maps: Mapping[str, np.ndarray], *, title: str, label: str, ramp: str = "vote",
    centre: float | None = None,
) -> Figure:  # fmt: skip
    """Map one quantity several times, three maps a row.

    Parameters
    ----------
    districts
        Districts with geometry; those without are left out.
    maps
        Name of each map to its values, shape (n,); NaN where there is none.
    title
        Title of the figure.
    label
        The quantity with its unit.
    ramp
        Name of one of `style.RAMPS`.
    centre
        Middle of a diverging scale.

    Raises
    ------
    DataError
        If no district has a geometry, or there is nothing to draw.
    """
    drawn = districts.drawable
    shown = np.concatenate([values[drawn] for values in maps.values()]) if maps else np.zeros(0)
    finite = shown[np.isfinite(shown)]
    if not finite.size:
        raise DataError(
            Problem(
                f"maps side by side need districts with geometry ({drawn.sum()} have one) and values "
                f"({len(maps)} maps came)",
                "read the districts with geometry=<file>",
            )
        )
    limits = colour_limits(finite, centre)
    geometry = districts.table.geometry.to_numpy()[drawn]
    extent = Extent.of(districts)
    room = style.WIDTH - 2 * style.MARGIN
    slot = (room - (_COLUMNS - 1) * _GAP) / _COLUMNS
    width, height = extent.size(slot, _TALLEST)

    title_lines = style.wrap(title, room, style.TITLE_SIZE, "bold")
    title_height = style.lines_height(len(title_lines), style.TITLE_SIZE) + 0.08
    mark = style.lines_height(1, style.SMALL_SIZE) + 0.04 if districts.about.simulated else 0.0
    rows = -(-len(maps) // _COLUMNS)
    figure = style.new_figure(2 * style.MARGIN + title_height + rows * (height + _HEAD) + _BAR_ROOM + mark)
    top = figure.get_size_inches()[1] - style.MARGIN
    look = {"fontsize": style.TITLE_SIZE, "fontweight": "bold"}
    style.write(figure, style.MARGIN, top, "\n".join(title_lines), **look)
    if districts.about.simulated:
        style.write_simulated(figure)
    points_per_unit = width * 72 / (extent.east - extent.west)
    islands = np.zeros(drawn.sum(), dtype=bool)
    areas = read_areas(geometry, islands, stretch=extent.stretch, tolerance=0.15 / points_per_unit)
    marks = find_marks(areas, 1 / points_per_unit)
    norm = Normalize(limits.low, limits.high)
    for number, (name, values) in enumerate(maps.items()):
        row, column = divmod(number, _COLUMNS)
        left = style.MARGIN + column * (slot + _GAP)
        head = top - title_height - row * (height + _HEAD)
        look = {"fontsize": style.SMALL_SIZE, "fontweight": "bold"}
        style.write(figure, left, head, style.shorten(name, slot, weight="bold"), **look)
        place = (left + (slot - width) / 2, head - _HEAD - height + 0.06, width, height)
        axes = figure.add_axes(style.inch_rect(figure, *place), gid=f"map {number}")
        extent.frame(axes)
        here = values[drawn]
        colours = style.RAMPS[ramp](norm(np.nan_to_num(here)))
        paint(axes, areas, colours, ~np.isfinite(here), marks, points_per_unit)
    _draw_bar(figure, limits, ramp, label, style.MARGIN + mark)
    return figure


def _draw_bar(figure: Figure, limits: Limits, ramp: str, label: str, bottom: float) -> None:
    """The colour bar of all maps, its label above it."""
    style.write(figure, style.MARGIN, bottom + _BAR_ROOM - 0.1, label, fontsize=style.SMALL_SIZE)
    place = (style.MARGIN, bottom + 0.2, _BAR_WIDTH, _BAR_HEIGHT)
    bar = figure.add_axes(style.inch_rect(figure, *place), gid="colour bar")
    norm = Normalize(limits.low, limits.high)
    colorbar = figure.colorbar(
        ScalarMappable(norm, style.RAMPS[ramp]), cax=bar, orientation="horizontal", extend=limits.extend
    )
    colorbar.outline.set(edgecolor=style.RULE, linewidth=0.6)
    colorbar.locator = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
    colorbar.formatter = FuncFormatter(lambda value, _: f"{value:g}")
