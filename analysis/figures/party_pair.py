"""Two parties side by side, by polling station and by area: both ends of the map."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.areas import Areas, Marks, find_marks, paint, read_areas
from spatialvote.analysis.figures.colour_scale import Limits, colour_limits
from spatialvote.analysis.figures.extent import Extent
from spatialvote.data.districts import About
from spatialvote.data.errors import DataError, Problem, name_some

#: One ramp a party: they are two quantities, not one.
RAMPS = ("vote", "migrants")
CAVEAT = (
    "Shares of valid votes of places, not of persons: that one party is strong where another is weak does "
    "not say who voted for which."
)
_GAP, _HEAD, _TALLEST = 0.2, 0.26, 3.0
_BAR_HEIGHT, _BAR_ROOM = 0.11, 0.42
#: Area of the largest station (points squared), and of the smallest one that can be seen.
_LARGEST, _SMALLEST = 16.0, 2.0


@dataclass(frozen=True, eq=False)
class _Sheet:
    """What all maps of the figure share."""

    figure: Figure
    extent: Extent
    areas: Areas
    marks: Marks
    size: tuple[float, float]
    points_per_unit: float


@style.styled
def party_pair_map(
    areas: gpd.GeoDataFrame,
    parties: Mapping[str, str],
    *,
    valid: str,
    about: About,
    stations: gpd.GeoDataFrame | None = None,
    title: str = "",
) -> Figure:
    """Map the shares of two parties side by side, by area and, where they are given, by polling station.

    Parameters
    ----------
    areas
        Polygons with columns of votes; NaN in valid votes where nobody voted, which is hatched.
    parties
        Two parties: name to column of votes, the same in `areas` and `stations`.
    valid
        Column with valid votes.
    about
        Election, unit of the areas, year and source, printed at the foot.
    stations
        Points with the same columns; the area of a point is proportional to its valid votes.
    title
        Title of the figure; empty: the two parties.

    Returns
    -------
    Figure
        One column of maps a party, each party with its own scale of colours, which its maps share.

    Raises
    ------
    DataError
        For other than two parties, columns that are missing, areas without shapes or without votes, or
        tables in no coordinate system.

    Examples
    --------
    >>> from spatialvote.data.simulate import simulate_city
    >>> districts = simulate_city(seed=1, n_districts=20).districts
    >>> figure = party_pair_map(
    ...     districts.table,
    ...     {"National List": "national_list", "Diversity List": "diversity_list"},
    ...     valid="valid",
    ...     about=districts.about,
    ... )
    >>> len([axes for axes in figure.axes if str(axes.get_gid()).startswith("areas")])
    2
    """
    _require(areas, parties, valid, stations)
    # `_require` has seen to it that both have a coordinate system.
    if stations is not None and areas.crs is not None:
        stations = stations.to_crs(areas.crs)
    tables = [one for one in (stations, areas) if one is not None]
    shares = {name: [_share(table, column, valid) for table in tables] for name, column in parties.items()}
    notes = _notes(areas, stations, about, shares)
    sheet, tops, bottom = _lay_out(areas, about, title or " and ".join(parties), notes, len(tables))
    rows = ["by polling station", f"by {about.unit}"][-len(tables) :]
    for number, (name, values) in enumerate(shares.items()):
        left = style.MARGIN + number * (sheet.size[0] + _GAP)
        limits = colour_limits(np.concatenate([one[np.isfinite(one)] for one in values]))
        for table, share, row, top in zip(tables, values, rows, tops, strict=True):
            heading = style.shorten(f"{name} {row}", sheet.size[0], weight="bold")
            look = {"fontsize": style.SMALL_SIZE, "fontweight": "bold"}
            style.write(sheet.figure, left, top, heading, **look)
            place = (left, top - _HEAD - sheet.size[1] + 0.06, *sheet.size)
            gid = f"{'areas' if table is areas else 'stations'} {name}"
            axes = sheet.figure.add_axes(style.inch_rect(sheet.figure, *place), gid=gid)
            sheet.extent.frame(axes)
            if table is areas:
                _paint_areas(axes, sheet, share, limits, RAMPS[number])
            else:
                weight = table[valid].to_numpy(np.float64)
                _paint_stations(axes, sheet, table, share, weight, limits, RAMPS[number])
        _draw_bar(
            sheet.figure, limits, RAMPS[number], f"{name}, % of valid votes", (left, bottom, sheet.size[0])
        )
    return sheet.figure


def _require(
    areas: gpd.GeoDataFrame, parties: Mapping[str, str], valid: str, stations: gpd.GeoDataFrame | None
) -> None:
    problems = []
    if len(parties) != 2:
        problems.append(
            Problem(
                f"a pair has two parties, and {len(parties)} came", "name two: {'PVV': 'pvv', 'DENK': 'denk'}"
            )
        )
    for table, what in ((areas, "areas"), (stations, "stations")):
        if table is None:
            continue
        lacking = [one for one in (valid, *parties.values()) if one not in table]
        if lacking:
            problems.append(
                Problem(
                    f"the {what} have no columns {name_some(lacking)}",
                    f"choose from {name_some(table.columns, limit=12)}",
                )
            )
        if table.crs is None:
            problems.append(Problem(f"the {what} have no coordinate system", "name it with set_crs"))
        empty = table.geometry.isna() | table.geometry.is_empty
        if empty.any():
            problems.append(
                Problem(
                    f"{int(empty.sum())} of the {what} have no place ({name_some(table.index[empty])})",
                    "leave them out, or give their shapes",
                )
            )
    if not problems:
        for table, what in ((areas, "areas"), (stations, "stations")):
            if table is not None and not (table[valid].to_numpy(np.float64) > 0).any():
                problems.append(
                    Problem(f"the {what} have no valid votes", "name the column with valid votes")
                )
    if problems:
        raise DataError(problems)


def _share(table: gpd.GeoDataFrame, column: str, valid: str) -> np.ndarray:
    """Percent of the valid votes, NaN where there are none."""
    votes, ballots = (table[one].to_numpy(np.float64) for one in (column, valid))
    return np.divide(100 * votes, ballots, out=np.full(len(votes), np.nan), where=ballots > 0)


def _notes(
    areas: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame | None,
    about: About,
    shares: Mapping[str, list[np.ndarray]],
) -> list[str]:
    one, two = (values[-1] for values in shares.values())
    known = np.isfinite(one) & np.isfinite(two)
    varies = known.sum() > 2 and np.ptp(one[known]) > 0 and np.ptp(two[known]) > 0
    notes = []
    if stations is not None:
        notes.append("The area of a point is proportional to the valid votes of its station.")
    if not known.all():
        notes.append(f"Hatched: {int((~known).sum())} of {len(areas)} without votes.")
    if varies:
        correlation = np.corrcoef(one[known], two[known])[0, 1]
        told = f"{correlation:.2f}".replace("-", "\u2212")
        notes.append(f"Correlation of the two shares over {int(known.sum())} areas ({about.unit}): {told}.")
    place = [about.name, *([str(about.year)] if about.year else []), f"unit: {about.unit} ({len(areas)})"]
    if stations is not None:
        place.append(f"polling stations ({len(stations)})")
    if about.source:
        place.append(f"source: {about.source}")
    return [" ".join([*notes, CAVEAT]), " · ".join(place)]


def _lay_out(
    areas: gpd.GeoDataFrame, about: About, title: str, notes: list[str], rows: int
) -> tuple[_Sheet, list[float], float]:
    """The figure with title and notes, where each row of maps begins, and where the bars stand."""
    extent = Extent.of_shapes(areas.geometry)
    room = style.WIDTH - 2 * style.MARGIN
    width, height = extent.size((room - _GAP) / 2, _TALLEST)
    title_lines = style.wrap(title, room, style.TITLE_SIZE, "bold")
    title_height = style.lines_height(len(title_lines), style.TITLE_SIZE) + 0.08
    lines = [line for note in notes for line in style.wrap(note, room, style.SMALL_SIZE)]
    foot = style.lines_height(len(lines), style.SMALL_SIZE) + 0.1
    mark = style.lines_height(1, style.SMALL_SIZE) + 0.04 if about.simulated else 0.0
    whole = 2 * style.MARGIN + title_height + rows * (height + _HEAD) + _BAR_ROOM + 0.2 + foot + mark
    figure = style.new_figure(whole)
    top = figure.get_size_inches()[1] - style.MARGIN
    look = {"fontsize": style.TITLE_SIZE, "fontweight": "bold"}
    style.write(figure, style.MARGIN, top, "\n".join(title_lines), **look)
    look = {"fontsize": style.SMALL_SIZE, "color": style.SOFT_INK}
    style.write(figure, style.MARGIN, style.MARGIN + mark + foot - 0.1, "\n".join(lines), **look)
    if about.simulated:
        style.write_simulated(figure)
    points_per_unit = width * 72 / (extent.east - extent.west)
    geometry = areas.geometry.to_numpy()
    shapes = read_areas(
        geometry, np.zeros(len(areas), dtype=bool), stretch=extent.stretch, tolerance=0.15 / points_per_unit
    )
    sheet = _Sheet(
        figure, extent, shapes, find_marks(shapes, 1 / points_per_unit), (width, height), points_per_unit
    )
    tops = [top - title_height - row * (height + _HEAD) for row in range(rows)]
    return sheet, tops, style.MARGIN + mark + foot + 0.05


def _paint_areas(axes: Axes, sheet: _Sheet, share: np.ndarray, limits: Limits, ramp: str) -> None:
    colours = style.RAMPS[ramp](Normalize(limits.low, limits.high)(np.nan_to_num(share)))
    paint(axes, sheet.areas, colours, ~np.isfinite(share), sheet.marks, sheet.points_per_unit)


def _paint_stations(
    axes: Axes,
    sheet: _Sheet,
    stations: gpd.GeoDataFrame,
    share: np.ndarray,
    weight: np.ndarray,
    limits: Limits,
    ramp: str,
) -> None:
    """Stations over the outlines of the areas, small ones on top of large ones."""
    nothing = np.tile([1.0, 1.0, 1.0, 1.0], (len(sheet.areas.sides), 1))
    paint(axes, sheet.areas, nothing, np.zeros(len(nothing), dtype=bool), sheet.marks, sheet.points_per_unit)
    for collection in axes.collections:
        # White land needs its borders drawn.
        if collection.get_gid() == "areas":
            collection.set(edgecolor=style.RULE, linewidth=0.5)
    known = np.isfinite(share)
    order = np.flatnonzero(known)[np.argsort(-weight[known], kind="stable")]
    places = stations.geometry.to_numpy()
    axes.scatter(
        [places[at].x for at in order],
        [places[at].y for at in order],
        s=np.maximum(_LARGEST * weight[order] / weight[known].max(), _SMALLEST),
        c=style.RAMPS[ramp](Normalize(limits.low, limits.high)(share[order])),
        edgecolors=style.SOFT_INK,
        linewidths=0.25,
        zorder=5,
        gid="stations",
    )


def _draw_bar(
    figure: Figure, limits: Limits, ramp: str, label: str, place: tuple[float, float, float]
) -> None:
    """The colour bar of one party, its label above it."""
    left, bottom, width = place
    look = {"fontsize": style.SMALL_SIZE}
    style.write(figure, left, bottom + _BAR_ROOM + 0.08, style.shorten(label, width), **look)
    axes = figure.add_axes(style.inch_rect(figure, left + 0.05, bottom + 0.2, width - 0.3, _BAR_HEIGHT))
    axes.set_gid(f"colour bar {ramp}")
    bar = figure.colorbar(
        ScalarMappable(Normalize(limits.low, limits.high), style.RAMPS[ramp]),
        cax=axes,
        orientation="horizontal",
        extend=limits.extend,
    )
    bar.outline.set(edgecolor=style.RULE, linewidth=0.6)
    bar.locator = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
    bar.formatter = FuncFormatter(lambda value, _: f"{value:g}")
