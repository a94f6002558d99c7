"""Linked maps: what the script is given of districts and maps is what the pictures show."""

import json
from dataclasses import replace

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pytest
import shapely

from spatialvote.analysis.figures.layer import layer_of, tell
from spatialvote.analysis.figures.local import ClassMap, map_classes
from spatialvote.analysis.figures.maps import map_values
from spatialvote.analysis.figures.style import to_png
from spatialvote.analysis.report.linked import district_names, layer_values, linked_districts
from spatialvote.analysis.report.parts import picture


def on_map(linked, points):
    """Steps of the grid as map units."""
    return np.array([linked["west"], linked["north"]]) + points * np.array([linked["step"], -linked["step"]])


def polygons(linked):
    """Outlines as the script reads them, in map units."""
    made = []
    for rings in linked["outlines"]:
        vertices = [np.cumsum(np.reshape(ring, (-1, 2)), axis=0) for ring in rings]
        scaled = [on_map(linked, one) for one in vertices]
        area = shapely.Polygon()
        for ring in scaled:
            # Even-odd: a ring within another is a hole.
            area = area.symmetric_difference(shapely.Polygon(ring).buffer(0))
        made.append(area)
    return np.array(made)


def test_outlines_are_those_of_the_districts(city):
    """Area and place to within the grid: a step is 1/1400 of the map, a district some 100 steps wide."""
    linked = linked_districts(city.districts)
    ours, true = polygons(linked), city.districts.table.geometry.to_numpy()
    off = shapely.area(shapely.symmetric_difference(ours, shapely.buffer(true, 0))) / shapely.area(true)
    assert off.max() < 0.1
    assert off.mean() < 0.04
    assert shapely.contains_xy(ours, *on_map(linked, np.array(linked["centres"])).T).all()


def test_neighbours_share_their_simplified_boundary(city):
    """The whole of what is drawn has no gap and no overlap beyond the rounding to the grid."""
    ours = polygons(linked_districts(city.districts))
    assert shapely.area(shapely.union_all(ours)) == pytest.approx(shapely.area(ours).sum(), rel=2e-3)


def test_names_are_told_apart_and_sorted(city):
    table = city.districts.table
    names = district_names(city.districts)
    assert names == list(table[city.districts.roles.label])
    linked = linked_districts(city.districts)
    assert sorted(linked["order"]) == list(range(city.districts.n))
    shown = [linked["names"][k].casefold() for k in linked["order"]]
    assert shown == sorted(shown)


def test_districts_without_shapes_are_not_linked(districts):
    assert linked_districts(districts) is None


def test_points_and_shapes_can_stand_beside_each_other(city):
    table = city.districts.table.copy()
    geometry = table.geometry.to_numpy().copy()
    geometry[0], geometry[1] = shapely.point_on_surface(geometry[0]), None
    table = table.set_geometry(gpd.GeoSeries(geometry, index=table.index, crs=table.crs))
    linked = linked_districts(replace(city.districts, table=table))
    assert linked["outlines"][:2] == [[], []]
    assert linked["centres"][0] is not None
    assert linked["centres"][1] is None
    assert all(linked["outlines"][2:])


@pytest.fixture
def values(city):
    some = np.linspace(-5, 5, city.districts.n)
    some[3] = np.nan
    return some


def test_a_layer_lies_where_the_picture_has_the_map(city, values):
    """A district drawn in one colour of its own is found where the layer puts its centre."""
    figure = map_values(city.districts, values, title="t", label="what", kind="diverging", why="none")
    (axes,) = (one for one in figure.axes if one.get_gid() == "map")
    (areas,) = (one for one in axes.collections if one.get_gid() == "areas")
    shown = np.flatnonzero(~np.isnan(values))
    colours = areas.get_facecolor()
    colours[list(shown).index(10)] = [1, 0, 1, 1]
    areas.set_facecolor(colours)
    to_png(figure, 100)
    pixels = np.asarray(figure.canvas.buffer_rgba())
    (window,) = layer_of(figure).windows
    inside = shapely.point_on_surface(city.districts.table.geometry.iloc[10])
    west, south, east, north = window.bounds
    left, top, width, height = window.place
    x = left + width * (inside.x - west) / (east - west)
    y = top + height * (north - inside.y) / (north - south)
    rows, columns = pixels.shape[:2]
    assert pixels[int(y * rows), int(x * columns), :3].tolist() == [255, 0, 255]


def test_a_layer_tells_what_the_map_shows(city, values):
    figure = map_values(city.districts, values, title="t", label="what", why="did not stand")
    plain = json.loads(json.dumps(layer_values(picture(figure, "a", "c").layer), allow_nan=False))
    (shown,) = plain["shown"]
    assert (shown["label"], shown["why"]) == ("what", "did not stand")
    assert shown["values"][3] is None
    kept = np.delete(np.array(shown["values"], dtype=float), 3)
    np.testing.assert_allclose(kept, np.delete(values, 3), atol=0.5 * 10.0 ** -shown["digits"] + 1e-12)


def test_classes_are_told_by_their_names(city):
    figure = map_values(city.districts, np.zeros(city.districts.n), title="t", label="what")
    tell(figure, "class", ["high", "low"] * (city.districts.n // 2))
    to_png(figure)
    shown = layer_values(layer_of(figure))["shown"][1]
    assert [shown["classes"][one] for one in shown["values"][:3]] == ["high", "low", "high"]


def test_figures_that_are_no_maps_have_no_layer():
    assert layer_of(mpl.figure.Figure()) is None


def test_every_map_of_the_page_has_its_layer(city, city_page):
    data = [json.loads(source) for attributes, source in city_page.data if "type" in attributes]
    layers = [one for one in data if "windows" in one]
    assert len(layers) == len([one for one in city_page.named("figure") if one.get("class") == "map"]) >= 6
    assert all(len(one["values"]) == city.districts.n for layer in layers for one in layer["shown"])
    # The first map shows migrants and votes.
    _, share = layers[0]["shown"]
    np.testing.assert_allclose(share["values"], 100 * city.districts.share("national_list"), atol=0.06)
    (linked,) = [one for one in data if "outlines" in one]
    assert len(linked["names"]) == city.districts.n


def test_local_maps_are_linked_side_by_side(city):
    """Two panels: a district is found in both windows, and its class is told of each."""
    n = city.districts.n
    sure, likely = np.zeros(n), np.zeros(n)
    sure[5], likely[6], likely[7] = 1, 0.62, 0.4
    missing = np.zeros(n, dtype=bool)
    missing[8] = True
    nothing = np.zeros(n, dtype=bool)
    figure = map_classes(
        city.districts,
        [
            ClassMap("Raw shares", "", {"high-high": sure}, missing),
            ClassMap("Residuals", "", {"low-low": likely}, nothing),
        ],
        title="Local Moran's I",
    )
    to_png(figure, 60)
    layer = layer_of(figure)
    assert layer is not None
    assert len(layer.windows) == 2
    assert layer.windows[0].bounds == layer.windows[1].bounds
    assert layer.windows[0].place[0] < layer.windows[1].place[0]
    raw, residuals = layer_values(layer)["shown"]
    assert (raw["label"], residuals["label"]) == (
        "Local Moran's I, raw shares",
        "Local Moran's I, residuals",
    )
    told = [[one["classes"][k] for k in one["values"]] for one in (raw, residuals)]
    assert told[0][5] == "high among high"
    assert told[0][8] == "did not stand"
    assert told[1][6:8] == ["low among low (62 %)", "neither"]


def test_local_maps_of_the_page_are_among_the_linked(city_page):
    data = [json.loads(source) for attributes, source in city_page.data if "type" in attributes]
    labels = [one["label"] for layer in data if "windows" in layer for one in layer["shown"]]
    for statistic in ("Local Moran's I", "Getis and Ord's G*"):
        assert sum(label.startswith(f"{statistic}, ") for label in labels) == 3
