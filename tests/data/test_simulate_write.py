import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from spatialvote.data import simulate_write
from spatialvote.data.errors import DataError
from spatialvote.data.simulate import simulate_city

FILES = {"districts.gpkg", "grid.csv", "edges.csv", "truth.json", "COLUMNS.md"}


@pytest.fixture(scope="module")
def city():
    return simulate_city(seed=3, n_districts=40, islands=2)


@pytest.fixture(scope="module")
def folder(city, tmp_path_factory):
    return city.write(tmp_path_factory.mktemp("simulated") / "city")


def test_files_read_back_as_written(city, folder):
    assert {path.name for path in folder.iterdir()} == FILES
    table = gpd.read_file(folder / "districts.gpkg").set_index("district")
    ours = city.districts.table
    assert table.crs == ours.crs
    pd.testing.assert_frame_equal(
        pd.DataFrame(table.drop(columns="geometry")), pd.DataFrame(ours.drop(columns="geometry"))
    )
    assert shapely.equals_exact(table.geometry.array, ours.geometry.array).all()
    pd.testing.assert_frame_equal(pd.read_csv(folder / "grid.csv"), city.grid, check_exact=True)

    edges = pd.read_csv(folder / "edges.csv")
    i, j, _ = city.districts.edges
    assert edges["focal"].tolist() == city.districts.ids[i].tolist()
    assert edges["neighbour"].tolist() == city.districts.ids[j].tolist()

    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert truth == city.truth.to_dict()
    assert truth["parties"]["national_list"]["eta"] == city.truth.parties["national_list"].eta.tolist()


def test_every_column_is_documented(folder):
    parts = (folder / "COLUMNS.md").read_text(encoding="utf-8").split("\n## ")[1:]
    listed = {part.split(":")[0]: part for part in parts}
    table = gpd.read_file(folder / "districts.gpkg")
    written = {
        "districts.gpkg": [*table.columns.drop("geometry"), "geom"],
        "grid.csv": list(pd.read_csv(folder / "grid.csv", nrows=1)),
        "edges.csv": list(pd.read_csv(folder / "edges.csv", nrows=1)),
    }
    for file, columns in written.items():
        rows = [line for line in listed[file].splitlines() if line.startswith("| `")]
        assert [row.split("`")[1] for row in rows] == columns
        assert all("simulated" in row for row in rows)


def test_same_city_same_bytes(city, folder, tmp_path):
    again = city.write(tmp_path / "again")
    for name in FILES:
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name


def test_a_full_folder_is_not_overwritten(city, folder, tmp_path):
    with pytest.raises(DataError, match="exists and is not an empty folder: choose another"):
        city.write(folder)
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    with pytest.raises(DataError, match="exists and is not an empty folder"):
        city.write(file)
    assert file.read_text() == "mine"


def test_an_empty_folder_is_filled(city, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert {path.name for path in city.write(empty).iterdir()} == FILES


def test_a_missing_parent_is_told(city, tmp_path):
    with pytest.raises(DataError, match="does not exist: create"):
        city.write(tmp_path / "nowhere" / "city")


def test_an_interrupted_write_leaves_nothing(city, tmp_path, monkeypatch):
    def interrupt(districts):
        raise KeyboardInterrupt

    monkeypatch.setattr(simulate_write, "_columns", interrupt)
    with pytest.raises(KeyboardInterrupt):
        city.write(tmp_path / "city")
    assert list(tmp_path.iterdir()) == []
