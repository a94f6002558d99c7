"""Turnout by area on a map: shapes in the areas' order, lighter where little is known."""

import io

import geopandas as gpd
import numpy as np
import pytest
from matplotlib.image import imread
from shapely.geometry import box

from spatialvote.analysis.figures import turnout_map
from spatialvote.analysis.figures.style import to_png
from spatialvote.analysis.figures.turnout_map import map_turnout, map_turnout_change
from spatialvote.analysis.report.turnout import turnout_sheet
from spatialvote.data.errors import DataError
from spatialvote.data.turnout import TurnoutCells
from spatialvote.data.turnout_shapes import read_area_shapes
from spatialvote.data.turnout_simulate import simulate_register
from spatialvote.models.turnout.model import TurnoutModel


@pytest.fixture(scope="module")
def cells():
    """Four areas in two elections, without origin or age."""
    table = simulate_register(1, electorate=4000, areas=4).cells.table
    table = table.assign(election=table["age"] % 2)
    table = table.groupby(["area", "election"], as_index=False)[["entitled", "voted"]].sum()
    levels = {"area": ("A01", "A02", "A03", "A04"), "election": ("2017", "2021")}
    return TurnoutCells(table, levels, edges=np.array([[0, 1], [0, 2], [1, 3], [2, 3]]))


@pytest.fixture(scope="module")
def fit(cells):
    return TurnoutModel(interactions=(), cell=False).fit(cells, seed=1, draws=200)


def squares(names):
    """A square for each name, at the place that its number says."""
    places = [(int(name[1:]) - 1) for name in names]
    shapes = [box(1000 * (k % 2), 1000 * (k // 2), 1000 * (k % 2 + 1), 1000 * (k // 2 + 1)) for k in places]
    return gpd.GeoDataFrame({"code": names}, geometry=shapes, crs=25832)


@pytest.fixture
def file(tmp_path):
    squares(["A04", "A02", "A05", "A01", "A03"]).to_file(tmp_path / "areas.gpkg")
    return tmp_path / "areas.gpkg"


def test_shapes_are_in_the_order_of_the_areas(cells, file):
    shapes = read_area_shapes(file, cells, id="code")
    assert list(shapes.ids) == list(cells.levels["area"])
    expected = squares(list(cells.levels["area"])).geometry
    assert all(one.equals(other) for one, other in zip(shapes.table.geometry, expected, strict=True))
    np.testing.assert_allclose(
        shapes.table["voted"], np.bincount(cells.index("area"), cells.voted), rtol=1e-12
    )
    assert shapes.graph_report.n_edges == 4


def test_mistakes_in_shapes(cells, file, tmp_path):
    with pytest.raises(DataError, match=r"has no column 'name'.*choose from 'code'"):
        read_area_shapes(file, cells, id="name")
    squares(["A01", "A02", "A03"]).to_file(tmp_path / "few.gpkg")
    with pytest.raises(DataError, match=r"1 of 4 areas have no shape in 'few.gpkg' \('A04'\)"):
        read_area_shapes(tmp_path / "few.gpkg", cells, id="code")
    squares(["A01", "A02", "A03", "A04", "A01"]).to_file(tmp_path / "twice.gpkg")
    with pytest.raises(DataError, match=r"several shapes in 'twice.gpkg' \('A01'\)"):
        read_area_shapes(tmp_path / "twice.gpkg", cells, id="code")
    (tmp_path / "table.csv").write_text("code\nA01\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"'table.csv' holds no shapes"):
        read_area_shapes(tmp_path / "table.csv", cells, id="code")


def darkness(figure):
    image = imread(io.BytesIO(to_png(figure)))[:, :, :3]
    # The map stands in the upper half of the sheet.
    return float(1 - image[: len(image) // 2].mean())


def test_what_is_little_known_is_lighter_and_the_key_says_so(fit, cells, file, monkeypatch):
    shapes = read_area_shapes(file, cells, id="code")
    found = {}
    for width in (0.0, 100.0):
        monkeypatch.setattr(turnout_map, "WIDE", width)
        figure = map_turnout(fit, shapes, election="2021")
        texts = [text.get_text() for axes in figure.axes if axes.get_legend() is not None
                 for text in axes.get_legend().get_texts()]  # fmt: skip
        found[width] = darkness(figure), texts
    assert "wide interval (4)" in found[0.0][1]
    assert not any("wide interval" in text for text in found[100.0][1])
    assert found[0.0][0] < found[100.0][0]


def test_the_page_of_areas_has_maps_and_says_that_they_are_of_areas(fit, cells, file):
    shapes = read_area_shapes(file, cells, id="code")
    sheet = turnout_sheet(fit, (), title="Areas", shapes=shapes)
    areas = next(part for part in sheet.parts if part.anchor == "areas")
    assert len(areas.pictures) == 2
    assert "Change of turnout by area from 2017 to 2021" in areas.pictures[1].caption
    assert any(text.startswith("Differences between areas are of areas") for text in sheet.caveats)
    assert sheet.question == "How does turnout differ by area, and how sure is that?"


def test_maps_need_what_they_show(fit, cells, file):
    shapes = read_area_shapes(file, cells, id="code")
    plain = simulate_register(1, electorate=3000, areas=4).cells
    other = TurnoutModel(interactions=(), cell=False, area="iid").fit(plain, seed=1, draws=100)
    with pytest.raises(DataError, match="the cells are not divided by 'election'"):
        map_turnout_change(other, shapes, first="2017", last="2021")
