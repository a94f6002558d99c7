"""Cells and sums from rasters."""

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS

from spatialvote.data.cell_rasters import read_raster_cells, sum_rasters
from spatialvote.data.cell_shares import share_cells
from spatialvote.data.errors import DataError
from spatialvote.data.read_cells import read_cells
from spatialvote.data.simulate import simulate_city

rasterio = pytest.importorskip("rasterio", reason="needs the extra 'grids'")

PERSONS = {"persons": "persons", "EU": "origin_eu"}


@pytest.fixture(scope="module")
def city():
    return simulate_city(seed=6, n_districts=30)


@pytest.fixture(scope="module")
def cells(city):
    return read_cells(city.grid, cell="cell", persons=PERSONS)


def write(path, layers, west, north, side=100.0, crs="EPSG:3035", nodata=None, transform=None):
    """Write bands as a GeoTIFF."""
    layers = np.asarray(layers, dtype=np.float32)
    count, height, width = layers.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=height,
        width=width,
        count=count,
        dtype="float32",
        crs=crs,
        nodata=nodata,
        transform=transform or Affine(side, 0, west, 0, -side, north),
    ) as raster:
        raster.write(layers)
    return path


@pytest.fixture(scope="module")
def image(cells):
    """The cells as an image of two bands, and the place of its upper left corner."""
    west, north = cells.x.min(), cells.y.max() + 100
    column, row = (cells.x - west) // 100, (north - cells.y) // 100 - 1
    layers = np.zeros((2, row.max() + 1, column.max() + 1))
    layers[0, row, column] = cells.residents
    layers[1, row, column] = cells.of("EU")
    return layers, float(west), float(north)


@pytest.mark.parametrize("nodata", [None, 0, -9999])
def test_bands_become_the_cells_of_a_table(cells, image, tmp_path, nodata):
    """Nodata that is declared as 0 hides empty cells only: nobody lives there, either way."""
    layers, west, north = image
    if nodata == -9999:
        layers = np.where(layers == 0, nodata, layers)
    path = write(tmp_path / "grid.tif", layers, west, north, nodata=nodata)
    read = read_raster_cells({"persons": path, "EU": (path, 2)})
    assert read.crs == CRS.from_epsg(3035)
    expected = cells.persons.sort_index()
    np.testing.assert_array_equal(read.persons.sort_index().to_numpy(), expected.to_numpy())
    assert list(read.persons.index.sort_values()) == list(expected.index)
    # Where EU residents are none and nodata hides it, the note says in how many populated cells.
    nobody = int((cells.of("EU") == 0).sum())
    said = f"'EU': {nobody:,} populated cells without data"
    assert any(said in note for note in read.notes) == (nodata is not None and nobody > 0)


def test_sums_of_rasters_are_those_of_cells(city, cells, image, tmp_path):
    path = write(tmp_path / "grid.tif", *image)
    found = sum_rasters({"persons": path, "EU": (path, 2)}, city.districts)
    expected = share_cells(cells, city.districts).totals()
    # Coverage fractions are kept in single precision.
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_other_coordinate_systems_are_summed_too(city, image, tmp_path):
    layers, west, north = image
    path = write(tmp_path / "grid.tif", layers[:1], west, north)
    expected = sum_rasters({"persons": path}, city.districts)
    found = sum_rasters({"persons": path}, city.districts.table.to_crs(4326))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


ONE = np.ones((1, 3, 3))


@pytest.mark.parametrize(
    ("layers", "place", "message"),
    [
        (-200 * ONE, {}, "'persons' is negative in 9 cells"),
        (np.where(np.eye(3) > 0, np.inf, ONE), {}, "'persons' is not finite in 3 cells"),
        (0 * ONE, {}, "there is no cell"),
        (ONE, {"crs": None}, "raster 'bad.tif' has no coordinate system"),
        (ONE, {"side": 0.001, "crs": "EPSG:4326", "west": 4.0, "north": 52.0}, "not squares of whole metres"),
        (ONE, {"transform": Affine(100, 0, 0, 0, -50, 0)}, "not squares of whole metres .100 by 50"),
        (ONE, {"transform": Affine(70, 70, 0, 70, -70, 0)}, "not squares"),
        (ONE, {"west": 4_000_000.4}, "begin at fractions of a metre"),
    ],
)
def test_rasters_that_are_no_grid(tmp_path, layers, place, message):
    path = write(tmp_path / "bad.tif", layers, **{"west": 4_000_000.0, "north": 3_000_000.0, **place})
    with pytest.raises(DataError, match=message):
        read_raster_cells({"persons": path})


def test_bands_and_files_that_are_not_there(tmp_path, city):
    path = write(tmp_path / "one.tif", ONE, 4_000_000.0, 3_000_000.0)
    other = write(tmp_path / "other.tif", ONE, 4_000_100.0, 3_000_000.0)
    (tmp_path / "text.tif").write_text("no raster", encoding="utf-8")
    for bands, message in (
        ({"persons": (path, 2)}, "has no band 2: choose from 1 to 1"),
        ({"persons": tmp_path / "none.tif"}, "there is no raster"),
        ({"persons": tmp_path / "text.tif"}, "cannot be read as a raster"),
        ({"persons": path, "EU": other}, "raster of 'EU' lies on another lattice"),
        ({"EU": path}, "no raster has all residents"),
    ):
        with pytest.raises(DataError, match=message):
            read_raster_cells(bands)
    with pytest.raises(DataError, match="does not reach the areas"):
        sum_rasters({"persons": write(tmp_path / "far.tif", ONE, 1e6, 1e6)}, city.districts)
