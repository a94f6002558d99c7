"""Cells to districts: conservation, borders, reprojection, permutation, and a peer."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pyproj import CRS
from shapely import Point, box
from shapely.affinity import translate

from spatialvote.data.cell_shares import share_cells
from spatialvote.data.cells import Cells
from spatialvote.data.errors import DataError
from spatialvote.data.read_cells import read_cells
from spatialvote.data.simulate import simulate_city

EAST, NORTH = 4_000_000, 3_000_000
PERSONS = {"persons": "persons", "EU": "origin_eu", "third country": "origin_non_eu"}


def square(rng, width=10, height=8):
    """Cells of 100 m without gaps, with fractions of persons as estimates have them."""
    column, row = (one.ravel() for one in np.meshgrid(np.arange(width), np.arange(height)))
    persons = rng.uniform(1, 50, len(column))
    table = pd.DataFrame(
        {"persons": persons, "a": persons * rng.random(len(column))},
        index=pd.Index([f"c{k}" for k in range(len(column))]),
    )
    return Cells(table, "persons", ("a",), EAST + 100 * column, NORTH + 100 * row, 100, CRS.from_epsg(3035))


def strip(start, end):
    """An area as high as a cell, from so many metres east to so many."""
    return box(EAST + start, NORTH, EAST + end, NORTH + 100)


def frame(shapes, crs=3035):
    ids = [f"D{k}" for k in range(len(shapes))]
    return gpd.GeoDataFrame({"geometry": shapes}, index=pd.Index(ids), crs=crs)


@pytest.fixture(scope="module")
def city():
    return simulate_city(seed=4, n_districts=40, islands=1)


@pytest.fixture(scope="module")
def cells(city):
    return read_cells(city.grid, cell="cell", persons=PERSONS)


@pytest.mark.parametrize("border", ["outside", "share"])
def test_nobody_is_lost_or_made(city, cells, border):
    shared = share_cells(cells, city.districts, border=border)
    inside, report = shared.totals(), shared.report
    everybody = cells.residents.sum()
    # Relative rounding of sums of thousands of terms.
    assert abs(report["residual"]) < 1e-9 * everybody
    assert inside["persons"].sum() + report["residents_outside"] == pytest.approx(everybody, rel=1e-9)
    assert (report["residents_outside"] == 0) == (border == "share")


def test_cells_split_by_a_border_are_divided_by_area():
    cells = square(np.random.default_rng(1), 2, 1)
    # The border runs 30 m into the second cell.
    areas = frame(
        [box(EAST, NORTH, EAST + 130, NORTH + 100), box(EAST + 130, NORTH, EAST + 200, NORTH + 100)]
    )
    shared = share_cells(cells, areas)
    expected = [[1, 0.3], [0, 0.7]]
    np.testing.assert_allclose(shared.weights.toarray(), expected, atol=1e-12)
    assert (shared.report["cells_inside"], shared.report["cells_split"]) == (1, 1)


def test_districts_smaller_than_a_cell():
    cells = square(np.random.default_rng(2), 1, 1)
    quarters = [
        box(EAST + 50 * a, NORTH + 50 * b, EAST + 50 * a + 50, NORTH + 50 * b + 50)
        for a in (0, 1)
        for b in (0, 1)
    ]
    found = share_cells(cells, frame(quarters)).totals()
    np.testing.assert_allclose(found["persons"], cells.residents[0] / 4, rtol=1e-12)


def test_splitting_an_area_splits_its_sums():
    cells = square(np.random.default_rng(3))
    whole = box(EAST + 33, NORTH + 21, EAST + 777, NORTH + 666)
    halves = [
        box(EAST + 33, NORTH + 21, EAST + 345, NORTH + 666),
        box(EAST + 345, NORTH + 21, EAST + 777, NORTH + 666),
    ]
    together = share_cells(cells, frame(halves)).totals().sum()
    pd.testing.assert_series_equal(
        together, share_cells(cells, frame([whole])).totals().iloc[0], check_names=False
    )


def test_order_of_cells_and_areas_does_not_matter(city, cells):
    rng = np.random.default_rng(5)
    order = rng.permutation(cells.n)
    moved = Cells(
        cells.persons.iloc[order], cells.total, cells.groups, cells.x[order], cells.y[order], 100, cells.crs
    )
    areas = city.districts.table.iloc[rng.permutation(city.districts.n)]
    expected = share_cells(cells, city.districts).totals()
    pd.testing.assert_frame_equal(share_cells(moved, areas).totals().loc[expected.index], expected)


def test_areas_in_another_coordinate_system_are_projected(city, cells):
    expected = share_cells(cells, city.districts).totals()
    degrees = city.districts.table.to_crs(4326)
    found = share_cells(cells, degrees).totals()
    # Edges are straight in each system; over a few hundred metres they part by less than a millimetre.
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_mask_says_where_in_a_cell_people_live():
    cells = square(np.random.default_rng(6), 2, 1)
    left = box(EAST, NORTH, EAST + 150, NORTH + 100)
    right = box(EAST + 150, NORTH, EAST + 200, NORTH + 100)
    # Of the second cell the eastern quarter is built up, all of it in the right area.
    built = gpd.GeoSeries([box(EAST + 175, NORTH, EAST + 260, NORTH + 100)], crs=3035)
    shared = share_cells(cells, frame([left, right]), mask=built)
    np.testing.assert_allclose(shared.weights.toarray(), [[1, 0], [0, 1]], atol=1e-12)
    elsewhere = gpd.GeoSeries([box(EAST + 900, NORTH, EAST + 950, NORTH + 100)], crs=3035)
    by_area = share_cells(cells, frame([left, right]), mask=elsewhere)
    np.testing.assert_allclose(by_area.weights.toarray(), [[1, 0.5], [0, 0.5]], atol=1e-12)


def test_cells_outside_every_area_are_counted():
    cells = square(np.random.default_rng(7), 3, 1)
    shared = share_cells(cells, frame([box(EAST, NORTH, EAST + 150, NORTH + 100)]))
    assert shared.report["cells_outside"] == 1
    assert shared.report["residents_of_outside_cells"] == cells.residents[2]
    assert shared.report["residents_outside"] == pytest.approx(cells.residents[2] + cells.residents[1] / 2)
    touched = share_cells(cells, frame([box(EAST, NORTH, EAST + 150, NORTH + 100)]), border="share")
    assert touched.totals()["persons"].iloc[0] == pytest.approx(cells.residents[:2].sum())


def test_averages_leave_unknown_cells_out():
    cells = square(np.random.default_rng(8), 2, 1)
    shared = share_cells(cells, frame([box(EAST, NORTH, EAST + 200, NORTH + 100)]))
    assert shared.average(np.array([3.0, np.nan])) == pytest.approx([3.0])
    assert np.isnan(shared.average(np.array([np.nan, np.nan]))).all()


def test_exactextract_gives_the_same_sums(city, cells):
    exactextract = pytest.importorskip("exactextract", reason="needs the extra 'grids'")
    west, south = cells.x.min(), cells.y.min()
    column, row = (cells.x - west) // 100, (cells.y - south) // 100
    raster = np.zeros((row.max() + 1, column.max() + 1))
    raster[raster.shape[0] - 1 - row, column] = cells.residents
    source = exactextract.raster.NumPyRasterSource(
        raster, west, south, west + 100 * raster.shape[1], south + 100 * raster.shape[0]
    )
    found = exactextract.exact_extract(source, city.districts.table.reset_index(), "sum", output="pandas")
    expected = share_cells(cells, city.districts).totals()["persons"]
    # Its coverage fractions are kept in single precision.
    np.testing.assert_allclose(found["sum"], expected, rtol=1e-5)


CELL = box(EAST, NORTH, EAST + 100, NORTH + 100)


@pytest.mark.parametrize(
    ("areas", "message"),
    [
        (frame([CELL, CELL]), "areas overlap in 1 cells .'c0'.: 'D0', 'D1'"),
        (frame([CELL, translate(CELL, 60)]), "areas overlap"),
        (frame([CELL], crs=None), "no coordinate system"),
        (pd.concat([frame([CELL])] * 2), r"share an id with another one \('D0'"),
        (frame([CELL, None]), "1 areas have no shape .'D1'"),
        (frame([CELL, Point(EAST, NORTH)]), "1 areas are points or lines .'D1'"),
        (frame([translate(CELL, 1e6)]), "no area touches a cell .areas within 5,000,000 to"),
        (frame([CELL], crs=28992), "no area touches a cell"),
    ],
)
def test_what_is_wrong_with_areas_is_said(areas, message):
    with pytest.raises(DataError, match=message):
        share_cells(square(np.random.default_rng(9), 2, 2), areas)


def test_a_border_that_is_none():
    with pytest.raises(DataError, match="border 'coast' is unknown"):
        share_cells(square(np.random.default_rng(9), 2, 2), frame([CELL]), border="coast")


def test_a_mask_without_coordinate_system():
    half = box(EAST, NORTH, EAST + 50, NORTH + 100)
    with pytest.raises(DataError, match="the mask has no coordinate system"):
        share_cells(square(np.random.default_rng(9), 1, 1), frame([half]), mask=gpd.GeoSeries([half]))
