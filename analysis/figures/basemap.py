"""The sheet that every map is drawn on: title above, map, scale bar, room for a legend, footer.

Everything is placed in inches from measured type, so that no text covers another whatever its length.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.areas import find_marks, key_entries, legend_of, paint, read_areas
from spatialvote.analysis.figures.extent import Extent
from spatialvote.analysis.figures.inset import draw_inset, find_inset, seen_in
from spatialvote.data.districts import Districts
from spatialvote.data.errors import DataError, Problem, name_some

MAX_MAP_HEIGHT = 5.6
SCALE_STRIP = 0.34
GAP = 0.1


@dataclass(frozen=True)
class MapSheet:
    """A drawn map with an empty rectangle for its legend.

    Attributes
    ----------
    figure, axes
        The figure and the axes of the map.
    legend
        Left, bottom, width and height of the legend's place, inches.
    key
        Legend entries for what the map shows besides colour.
    """

    figure: Figure
    axes: Axes
    legend: tuple[float, float, float, float]
    key: list[tuple[object, str]]

    def add_axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes inside the legend's place, by inches from its upper left corner."""
        x, y, _, total = self.legend
        return self.figure.add_axes(
            style.inch_rect(self.figure, x + left, y + total - top - height, width, height)
        )

    def write(self, left: float, top: float, text: str, **properties: object) -> None:
        """Write text inside the legend's place, by inches from its upper left corner."""
        x, y, _, total = self.legend
        style.write(self.figure, x + left, y + total - top, text, **properties)

    def draw_key(self, left: float, top: float) -> None:
        """Draw the key inside the legend's place."""
        _, _, width, height = self.legend
        legend_of(self.add_axes(left, top, width - left, height - top), self.key)


def check_values(districts: Districts, values: Any, name: str) -> np.ndarray:
    """Return values to be mapped as floats of shape (n,), NaN where missing.

    A pandas Series is matched by district id; anything else must be in the order of the districts.

    Raises
    ------
    DataError
        If no district has a geometry, the length or ids differ from the districts', or a value is infinite.
    """
    if not districts.has_geometry:
        raise DataError(
            Problem(
                f"a map needs the geometry of the districts, and none of the {districts.n} has one",
                "read the districts with geometry=<file> and geometry_id=<column>, or leave maps out",
            )
        )
    if isinstance(values, pd.Series) and not values.index.equals(pd.RangeIndex(len(values))):
        if not values.index.is_unique or set(values.index) != set(districts.ids):
            odd = sorted(set(map(str, values.index)) ^ set(districts.ids))
            raise DataError(
                Problem(
                    f"{name} and districts disagree on ids ({name_some(odd) or 'repeated ids'})",
                    "give one value per district, indexed by its id",
                )
            )
        values = values.reindex(districts.ids)
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (districts.n,):
        raise DataError(
            Problem(
                f"{name} must have one value per district ({districts.n}), and shape {array.shape} came",
                "give an array in the order of districts.ids",
            )
        )
    infinite = np.isinf(array)
    if infinite.any():
        raise DataError(
            Problem(
                f"{name} is infinite in {infinite.sum()} districts ({name_some(districts.ids[infinite])})",
                "give NaN where there is no value",
            )
        )
    return array


def draw_map(
    districts: Districts,
    colors: np.ndarray,
    missing: np.ndarray,
    *,
    title: str,
    legend_height: float,
    why: str = "no value",
    counted: str = "",
) -> MapSheet:
    """Draw districts in given colours on a new sheet.

    Parameters
    ----------
    districts
        The districts; those without a geometry are left out, and the key counts them.
    colors
        Colour of each, shape (n, 4); not looked at where `missing`.
    missing
        Districts without a value, hatched, shape (n,).
    title
        Title, wrapped if need be.
    legend_height
        Inches to leave for the legend; more is left if the key needs more.
    why
        What the key says of districts without a value.
    counted
        Who is counted in what is mapped (`Roles.counted`), printed at the foot.
    """
    drawn = districts.drawable
    geometry = districts.table.geometry.to_numpy()[drawn]
    colors, missing = colors[drawn], missing[drawn]
    extent = Extent.of(districts)
    room = style.WIDTH - 2 * style.MARGIN
    width, height = extent.size(room, MAX_MAP_HEIGHT)
    points_per_unit = width * 72 / (extent.east - extent.west)

    islands = np.isin(districts.ids[drawn], districts.graph_report.islands)
    areas = read_areas(geometry, islands, stretch=extent.stretch, tolerance=0.15 / points_per_unit)
    marks = find_marks(areas, 1 / points_per_unit)
    inset = find_inset(areas, marks, extent.bounds, extent.stretch)
    hidden = marks.crowded if inset is None else marks.crowded & ~seen_in(inset, areas, points_per_unit)
    key = key_entries(areas, missing, marks, why=why, hidden=int(hidden.sum()), without=int((~drawn).sum()))

    title_lines = style.wrap(title, room, style.TITLE_SIZE, "bold")
    footer_lines = style.wrap(_footer(districts), room, style.SMALL_SIZE)
    if counted:
        footer_lines = [*style.wrap(counted, room, style.SMALL_SIZE), *footer_lines]
    simulated = int(districts.about.simulated)
    title_height = style.lines_height(len(title_lines), style.TITLE_SIZE) + GAP
    footer_height = style.lines_height(len(footer_lines) + simulated, style.SMALL_SIZE)
    legend_height = max(legend_height, 0.19 * len(key))
    legend_bottom = style.MARGIN + footer_height + GAP
    map_bottom = legend_bottom + legend_height + GAP + SCALE_STRIP
    figure = style.new_figure(map_bottom + height + title_height + style.MARGIN)
    figure_top = figure.get_size_inches()[1] - style.MARGIN

    style.write(
        figure, style.MARGIN, figure_top, "\n".join(title_lines), fontsize=style.TITLE_SIZE, fontweight="bold"
    )
    left = style.MARGIN + (room - width) / 2
    axes = figure.add_axes(style.inch_rect(figure, left, map_bottom, width, height), gid="map")
    extent.frame(axes)
    paint(axes, areas, colors, missing, marks, points_per_unit)
    if inset is not None:
        draw_inset(axes, inset, areas, colors, missing, points_per_unit)
    crs = districts.table.crs
    if crs is not None and crs.is_projected:
        metres = crs.axis_info[0].unit_conversion_factor
        _draw_scale(
            figure, style.MARGIN, map_bottom - 0.08, width, (extent.east - extent.west) * metres / width
        )

    if simulated:
        style.write(
            figure,
            style.MARGIN,
            style.MARGIN + footer_height,
            style.SIMULATED,
            fontsize=style.SMALL_SIZE,
            fontweight="bold",
        )
    style.write(
        figure,
        style.MARGIN,
        style.MARGIN + style.lines_height(len(footer_lines), style.SMALL_SIZE),
        "\n".join(footer_lines),
        fontsize=style.SMALL_SIZE,
        color=style.SOFT_INK,
    )
    return MapSheet(figure, axes, (style.MARGIN, legend_bottom, room, legend_height), key)


def _footer(districts: Districts) -> str:
    about, dropped = districts.about, len(districts.record.dropped)
    parts = [about.name, *([str(about.year)] if about.year else []), f"unit: {about.unit} ({districts.n:,})"]
    if dropped:
        parts.append(f"{dropped:,} left out while reading")
    return " · ".join(parts)


def _draw_scale(figure: Figure, left: float, top: float, width: float, metres_per_inch: float) -> None:
    """Draw a scale bar of a round length, about a fifth of the map."""
    target = 0.25 * width * metres_per_inch
    power = 10.0 ** np.floor(np.log10(target))
    length = max(power * np.array([1, 2, 5])[np.array([1, 2, 5]) * power <= target])
    text = f"{length / 1000:,.0f} km" if length >= 1000 else f"{length:,.0f} m"
    bar = length / metres_per_inch
    left_f, bottom, width_f, height = style.inch_rect(figure, left, top - 0.05, bar, 0.05)
    figure.add_artist(
        Rectangle((left_f, bottom), width_f, height, facecolor="white", edgecolor=style.SOFT_INK, lw=0.7)
    )
    figure.add_artist(
        Rectangle((left_f, bottom), width_f / 2, height, facecolor=style.SOFT_INK, edgecolor="none")
    )
    style.write(
        figure,
        left + bar + 0.07,
        top - 0.025,
        text,
        fontsize=style.SMALL_SIZE,
        color=style.SOFT_INK,
        va="center",
    )
