"""Maps show what they say they show: colours, limits, hatches, marks and words."""

import sys
from dataclasses import replace

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.text import Text

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.areas import MISSING
from spatialvote.analysis.figures.bivariate import classify, map_bivariate
from spatialvote.analysis.figures.colour_scale import colour_limits
from spatialvote.analysis.figures.maps import (
    map_migrants,
    map_residuals,
    map_structured,
    map_uncertainty,
    map_values,
    map_vote_share,
)
from spatialvote.data.districts import About, Districts
from spatialvote.data.errors import DataError
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.roles import Roles

SIDE = 1000.0  # metres


def squares(
    rows: int = 4,
    columns: int = 5,
    *,
    crs: str | None = "EPSG:28992",
    size: float = SIDE,
    extra: list[shapely.Geometry] | None = None,
    **about: object,
) -> Districts:
    """A grid of squares with rook links; extra geometries have no neighbour."""
    boxes = [
        shapely.box(c * size, r * size, (c + 1) * size, (r + 1) * size)
        for r in range(rows)
        for c in range(columns)
    ]
    links = [(at, at + 1) for at in range(rows * columns) if (at + 1) % columns]
    links += [(at, at + columns) for at in range((rows - 1) * columns)]
    geometry = [*boxes, *(extra or [])]
    n = len(geometry)
    ids = [f"D{at:03d}" for at in range(n)]
    table = gpd.GeoDataFrame(
        {
            "id": ids,
            "votes": np.arange(n) * 2,
            "valid": np.full(n, 4 * n),
            "migrants": np.linspace(0.05, 0.4, n)[::-1],
        },
        geometry=geometry,
        crs=crs,
        index=pd.Index(ids, name="district"),
    )
    roles = Roles("id", {"ANTI": "votes"}, valid="valid", migrants="migrants", units={"migrants": "fraction"})
    i, j = np.array(links).T
    graph = graph_from_edges(ids, i, j)
    told = About(**{"name": "Squareland", "unit": "square", "year": 2023} | about)
    return Districts(table, roles, graph, report_graph(graph, "rook"), told)


def words(figure) -> list[str]:
    """All texts of a figure, lines joined."""
    return [one.get_text().replace("\n", " ") for one in figure.findobj(Text) if one.get_text()]


def layer(figure, gid: str) -> PathCollection | None:
    found = [one for one in figure.findobj(PathCollection) if one.get_gid() == gid]
    assert len(found) <= 1
    return found[0] if found else None


def tick_values(figure) -> np.ndarray:
    """Ends of the colour bar's scale."""
    (bar,) = [axes for axes in figure.axes if axes.get_gid() == "colour bar"]
    return np.array(bar.get_xlim())


def test_vote_share_is_shown_in_percent_with_its_unit():
    districts = squares()
    figure = map_vote_share(districts, "ANTI")
    assert "ANTI, % of valid votes" in words(figure)
    # 0, 2, ..., 38 votes of 80: 0 to 47.5 %.
    np.testing.assert_allclose(tick_values(figure), [0, 47.5])


def test_each_district_has_the_colour_of_its_value():
    districts = squares()
    values = np.arange(20.0)
    figure = map_values(districts, values, title="t", label="x (m)")
    expected = style.RAMPS["sequential"](values / 19)
    np.testing.assert_allclose(layer(figure, "areas").get_facecolor(), expected)


def test_values_given_as_a_series_are_matched_by_id():
    districts = squares()
    values = pd.Series(np.arange(20.0), index=districts.ids)
    straight = map_values(districts, values, title="t", label="x")
    shuffled = map_values(districts, values.sample(frac=1, random_state=1), title="t", label="x")
    np.testing.assert_array_equal(
        layer(shuffled, "areas").get_facecolor(), layer(straight, "areas").get_facecolor()
    )


@pytest.mark.parametrize(("unit", "factor"), [("fraction", 100), ("percent", 1), ("per thousand", 0.1)])
def test_migrants_are_shown_in_percent_whatever_the_unit(unit, factor):
    districts = squares()
    districts.roles.units["migrants"] = unit
    figure = map_migrants(districts)
    np.testing.assert_allclose(tick_values(figure), np.array([0.05, 0.4]) * factor)
    assert any("migrants" in text and "%" in text for text in words(figure))


def test_missing_districts_are_hatched_and_counted():
    districts = squares()
    values = np.arange(20.0)
    values[[3, 7]] = np.nan
    hidden = np.zeros(20, dtype=bool)
    hidden[9] = True
    figure = map_values(districts, values, title="t", label="x", missing=hidden)
    hatched = layer(figure, "missing")
    assert hatched.get_hatch() == MISSING["hatch"]
    assert len(hatched.get_paths()) == 3
    assert len(layer(figure, "areas").get_paths()) == 17
    assert "no value (3)" in words(figure)


def test_a_map_without_missing_values_has_no_hatch():
    figure = map_values(squares(), np.arange(20.0), title="t", label="x")
    assert layer(figure, "missing") is None
    assert not any("no value" in text for text in words(figure))


def test_all_missing_is_drawn_without_a_colour_bar():
    figure = map_values(squares(), np.full(20, np.nan), title="t", label="x")
    assert len(layer(figure, "missing").get_paths()) == 20
    assert not [axes for axes in figure.axes if axes.get_gid() == "colour bar"]


def test_islands_are_outlined_and_tiny_ones_circled():
    large = shapely.box(6000, 0, 7000, 1000)
    tiny = shapely.box(8000, 2000, 8001, 2001)
    figure = map_values(squares(extra=[large, tiny]), np.arange(22.0), title="t", label="x")
    assert len(layer(figure, "islands").get_paths()) == 1
    assert len(layer(figure, "circles").get_offsets()) == 1
    np.testing.assert_allclose(layer(figure, "circles").get_offsets()[0], [8000.5, 2000.5], atol=0.5)
    assert "no neighbours (2)" in words(figure)
    assert "small area, enlarged (1)" in words(figure)


def test_a_tiny_district_without_value_is_circled_in_the_colour_of_missing():
    values = np.append(np.arange(20.0), np.nan)
    tiny = shapely.box(8000, 2000, 8001, 2001)
    figure = map_values(squares(extra=[tiny]), values, title="t", label="x")
    circle = layer(figure, "missing circles")
    np.testing.assert_allclose(circle.get_facecolor()[0], to_rgba(MISSING["facecolor"]))


def test_many_tiny_districts_side_by_side_are_enlarged_in_an_inset():
    # A hundred squares of 8 m in the middle of a 5 km grid whose upper right is empty.
    town = [
        shapely.box(6000 + 8 * a, 500 + 8 * b, 6008 + 8 * a, 508 + 8 * b)
        for a in range(10)
        for b in range(10)
    ]
    far = shapely.box(11000, 0, 12000, 1000)
    districts = squares(rows=2, columns=5, extra=[*town, far, shapely.box(0, 8000, 500, 8500)])
    figure = map_values(districts, np.arange(districts.n, dtype=float), title="t", label="x")
    (main,) = [axes for axes in figure.axes if axes.get_gid() == "map"]
    (inset,) = [axes for axes in main.child_axes if axes.get_gid() == "inset"]
    (west, east), (south, north) = inset.get_xlim(), inset.get_ylim()
    assert west < 6000 < 6080 < east
    assert south < 500 < 580 < north
    assert layer(figure, "circles") is None


def test_points_are_drawn_as_circles():
    districts = squares()
    table = districts.table.set_geometry(districts.table.centroid)
    points = Districts(table, districts.roles, districts.graph, districts.graph_report, districts.about)
    figure = map_values(points, np.arange(20.0), title="t", label="x")
    assert len(layer(figure, "circles").get_offsets()) == 20


def test_footer_tells_the_place_year_and_unit_and_that_data_are_simulated():
    plain = words(map_vote_share(squares(), "ANTI"))
    assert "Squareland · 2023 · unit: square (20)" in plain
    assert not any("Simulated" in text for text in plain)
    simulated = words(map_vote_share(squares(simulated=True), "ANTI"))
    assert any(text.startswith("Simulated data") for text in simulated)


@pytest.mark.parametrize(
    ("crs", "size", "text"),
    [("EPSG:28992", 1000, "1 km"), ("EPSG:28992", 100, "100 m"), ("EPSG:2263", 1000, "200 m")],
)
def test_scale_bar_has_a_round_length_in_metres(crs, size, text):
    """Five squares side by side are 5,000 m, 500 m, or 5,000 US feet = 1,524 m: a quarter, rounded down."""
    found = words(map_values(squares(crs=crs, size=size), np.arange(20.0), title="t", label="x"))
    assert text in found


@pytest.mark.parametrize("crs", ["EPSG:4326", None])
def test_without_a_projection_there_is_no_scale_bar(crs):
    found = words(map_values(squares(crs=crs, size=1.0), np.arange(20.0), title="t", label="x"))
    assert not any(text.endswith((" m", " km")) for text in found)


def test_degrees_are_stretched_by_the_latitude():
    districts = squares(crs="EPSG:4326", size=1.0)
    moved = districts.table.set_geometry(districts.table.translate(yoff=58))
    north = Districts(moved, districts.roles, districts.graph, districts.graph_report, districts.about)
    figure = map_values(north, np.arange(20.0), title="t", label="x")
    (axes,) = [one for one in figure.axes if one.get_gid() == "map"]
    assert axes.get_aspect() == pytest.approx(2.0)  # 1/cos(60 degrees), the middle of 58 to 62


def test_outliers_do_not_take_the_colours_and_the_legend_says_so():
    values = np.linspace(10, 20, 100)
    values[-1] = 1000
    limits = colour_limits(values)
    assert (limits.low, limits.extend) == (10, "max")
    assert limits.high == pytest.approx(np.percentile(values, 98))
    figure = map_values(squares(10, 10), values, title="t", label="x")
    np.testing.assert_allclose(tick_values(figure), [limits.low, limits.high])
    assert any(
        "2 districts beyond the colours; values run from 10 to 1,000" in text for text in words(figure)
    )


def test_a_short_tail_stays_in_the_colours():
    limits = colour_limits(np.linspace(10, 20, 100))
    assert (limits.low, limits.high, limits.extend) == (10, 20, "neither")


@pytest.mark.parametrize("value", [0.0, 3.0, -3.0])
def test_equal_values_get_a_scale_around_them(value):
    limits = colour_limits(np.full(5, value))
    assert limits.low < value < limits.high
    assert limits.extend == "neither"
    middle = colour_limits(np.full(5, value), centre=0.0)
    assert middle.low <= value <= middle.high


def test_diverging_limits_are_symmetric_about_the_centre():
    limits = colour_limits(np.array([-1.0, 0.0, 3.0]), centre=0.5)
    assert limits.high - 0.5 == pytest.approx(0.5 - limits.low)
    assert limits.high == 3.0


def test_a_single_outlier_among_zeros_is_still_coloured():
    values = np.zeros(100)
    values[5] = -7
    limits = colour_limits(values, centre=0.0)
    assert (limits.low, limits.high) == (-7, 7)


def test_diverging_maps_have_a_neutral_zero():
    districts = squares()
    values = np.linspace(-2, 3, 20)
    values[4] = 0.0
    for draw in (map_residuals, map_structured):
        figure = draw(districts, values)
        low, high = tick_values(figure)
        assert low == pytest.approx(-high)
        face = layer(figure, "areas").get_facecolor()[4]
        assert np.ptp(face[:3]) < 0.02


def test_default_labels_have_units():
    districts = squares()
    values = np.linspace(-2, 3, 20)
    assert any("percentage points" in text for text in words(map_residuals(districts, values)))
    assert any("log-odds" in text for text in words(map_structured(districts, values)))
    assert any("percentage points" in text for text in words(map_uncertainty(districts, np.abs(values))))


def test_districts_without_geometry_are_left_out_and_counted():
    districts = squares()
    table = districts.table.copy()
    table.loc["D003", "geometry"] = None
    table.loc["D004", "geometry"] = shapely.Polygon()
    gaps = Districts(table, districts.roles, districts.graph, districts.graph_report, districts.about)
    figure = map_vote_share(gaps, "ANTI")
    assert len(layer(figure, "areas").get_paths()) == 18
    assert "without geometry (2)" in words(figure)


def test_no_geometry_at_all_is_an_error_with_advice():
    districts = squares()
    table = districts.table.set_geometry(gpd.GeoSeries([None] * 20, index=districts.ids, crs="EPSG:28992"))
    bare = Districts(table, districts.roles, districts.graph, districts.graph_report, districts.about)
    for draw in (map_vote_share, map_bivariate):
        with pytest.raises(DataError, match=r"none of the 20 has one: read the districts with geometry="):
            draw(bare, "ANTI")


def test_values_that_do_not_fit_are_errors():
    districts = squares()
    with pytest.raises(DataError, match=r"one value per district \(20\), and shape \(19,\) came"):
        map_values(districts, np.arange(19.0), title="t", label="x")
    infinite = np.arange(20.0)
    infinite[2] = np.inf
    with pytest.raises(DataError, match=r"infinite in 1 districts \('D002'\)"):
        map_values(districts, infinite, title="t", label="x")
    other = pd.Series(np.arange(20.0), index=[*districts.ids[:19], "X"])
    with pytest.raises(DataError, match=r"disagree on ids \('D019', 'X'\)"):
        map_values(districts, other, title="t", label="x")


def test_unknown_party_and_unknown_unit_are_errors():
    districts = squares()
    with pytest.raises(
        DataError, match="no votes for 'PVV' in these districts: choose one of the parties 'ANTI'"
    ):
        map_vote_share(districts, "PVV")
    districts.roles.units.clear()
    with pytest.raises(DataError, match="unit of 'migrants' must be one of fraction, percent"):
        map_migrants(districts)


def test_poisson_counts_are_shown_over_their_exposure():
    districts = squares()
    roles = Roles("id", {"cases": "votes"}, exposure="valid")
    counts = Districts(districts.table, roles, districts.graph, districts.graph_report, districts.about)
    figure = map_vote_share(counts, "cases")
    assert "cases, count over valid" in words(figure)
    np.testing.assert_allclose(tick_values(figure), [0, 0.475])


def test_dollar_signs_are_not_read_as_mathematics():
    figure = map_values(squares(), np.arange(20.0), title="$1 to $2", label="income (1000 $ in $)")
    assert "$1 to $2" in words(figure)
    assert style.to_png(figure, dpi=40).startswith(b"\x89PNG")


def test_figures_leave_pyplot_and_global_settings_alone():
    before = dict(mpl.rcParams)
    known = "matplotlib.pyplot" in sys.modules
    style.to_svg(map_vote_share(squares(), "ANTI"))
    assert dict(mpl.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == known


def test_terciles_by_hand():
    classes = classify(np.array([1.0, 2, 3, 4, 5, 6, 7, 8, np.nan, 9]))
    assert classes.codes.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, -1, 2]
    first, second = classes.breaks
    assert 3 <= first < 4
    assert 6 <= second < 7


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0] * 7 + [1, 2, 3], [7, 1, 2]),  # the tie fills the first class, the rest is halved
        ([1, 2, 3] + [9] * 7, [1, 2, 7]),  # a tie at the top
        ([1, 2, 5, 5, 5, 5, 5, 5, 8, 9], [2, 6, 2]),  # a tie in the middle
        ([0] * 5 + [1] * 5, [5, 5]),  # two values: two classes
        ([4] * 10, [10]),  # one value: one class
    ],
)
def test_ties_stay_together(values, expected):
    classes = classify(np.array(values, dtype=float))
    assert np.bincount(classes.codes).tolist() == expected
    assert len(classes.breaks) == len(expected) - 1


def test_breaks_are_round_and_move_few_districts():
    values = np.random.default_rng(5).gamma(4, 3, 3000)
    classes = classify(values)
    # At most 2 % of the districts may change class at each break.
    assert np.abs(np.bincount(classes.codes) / 3000 - 1 / 3).max() <= 0.04
    for one in classes.breaks:
        assert one == round(one, 1)


def test_bivariate_map_counts_classes_as_by_hand():
    districts = squares(3, 3)
    table = districts.table.assign(
        votes=[1, 2, 3, 4, 5, 6, 7, 8, 9], migrants=[0.9, 0.8, 0.1, 0.2, 0.7, 0.3, 0.4, 0.5, 0.6]
    )
    mixed = Districts(table, districts.roles, districts.graph, districts.graph_report, districts.about)
    # Vote classes: D0-2 low, D3-5 middle, D6-8 high. Migrants: .1-.3 low (D2, D3, D5), .4-.6 (D6, D7, D8),
    # .7-.9 high (D0, D1, D4).
    figure = map_bivariate(mixed, "ANTI")
    (square,) = [axes for axes in figure.axes if axes.get_gid() == "legend square"]
    cells = {(t.get_position()[1] - 0.5, t.get_position()[0] - 0.5): int(t.get_text()) for t in square.texts}
    by_hand = {
        (0, 0): 1,
        (0, 1): 0,
        (0, 2): 2,
        (1, 0): 2,
        (1, 1): 0,
        (1, 2): 1,
        (2, 0): 0,
        (2, 1): 3,
        (2, 2): 0,
    }
    assert cells == by_hand
    faces = layer(figure, "areas").get_facecolor()
    for at, (row, column) in {0: (0, 2), 2: (0, 0), 3: (1, 0), 8: (2, 1)}.items():
        np.testing.assert_allclose(faces[at], to_rgba(style.BIVARIATE[row][column]))
    found = words(figure)
    assert "↑ ANTI, % of valid votes" in found
    assert "migrants, shown as % →" in found
    assert "many migrants, low vote (2)" in found


def test_bivariate_map_of_a_party_without_votes_has_one_row():
    districts = squares()
    table = districts.table.assign(votes=0)
    none = Districts(table, districts.roles, districts.graph, districts.graph_report, districts.about)
    figure = map_bivariate(none, "ANTI")
    (square,) = [axes for axes in figure.axes if axes.get_gid() == "legend square"]
    counts = [int(text.get_text()) for text in square.texts]
    assert len(counts) == 3
    assert sum(counts) == 20


def test_bivariate_map_hatches_districts_without_migrants():
    districts = squares()
    table = districts.table.copy()
    table.loc["D000", "migrants"] = np.nan
    gap = Districts(table, districts.roles, districts.graph, districts.graph_report, districts.about)
    figure = map_bivariate(gap, "ANTI")
    assert len(layer(figure, "missing").get_paths()) == 1
    (square,) = [axes for axes in figure.axes if axes.get_gid() == "legend square"]
    assert sum(int(text.get_text()) for text in square.texts) == 19


def test_counts_are_told_as_rates_and_never_as_votes():
    whole = squares()
    roles = replace(whole.roles, votes={"measles": "votes"}, valid=None, exposure="valid")
    counts = replace(whole, roles=roles)
    for figure in (map_bivariate(counts, "measles"), map_vote_share(counts, "measles")):
        assert not [one for one in words(figure) if "vote" in one.lower()]
    shown = words(map_bivariate(counts, "measles"))
    assert "Where migrants live, and the rate of measles" in shown
    assert any(one.startswith("few migrants, high rate (") for one in shown)


def test_names_take_the_place_of_columns():
    whole = squares()
    names = {"votes": "the Anti List", "migrants": "residents born abroad"}
    named = replace(whole, roles=replace(whole.roles, names=names))
    assert "The Anti List, % of valid votes" in words(map_vote_share(named, "ANTI"))
    assert "Residents born abroad, %" in words(map_migrants(named))
    assert "Where migrants live, and the vote for the Anti List" in words(map_bivariate(named, "ANTI"))


def test_a_district_without_a_shape_is_left_out_and_counted():
    whole = squares(extra=[shapely.Polygon()])
    assert whole.has_geometry
    assert whole.drawable.sum() == whole.n - 1
    assert "without geometry (1)" in words(map_vote_share(whole, "ANTI"))
