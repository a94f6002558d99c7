"""Tables, links and shapes with a mistake: `spatialvote fit` says it once and leaves with two."""

import re
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

CODES = ("A1", "A2", "A3", "B1", "B2", "B3")

#: Name of a case: what stands in the table, what stands there instead, and what is told.
TABLES = {
    "votes above valid": ("120,30,400", "420,30,400", r"exceeds valid votes in 1 district \(id 'A1'\)"),
    "parties above valid": (
        "120,30,400",
        "320,130,400",
        r"'pvv', 'denk' together exceed valid votes",
    ),
    "votes negative": ("120,30,400", "-1,30,400", r"'pvv' .*is negative in 1 district \(id 'A1'\)"),
    "votes fractional": ("120,30,400", "12.5,30,400", r"'pvv' .*is fractional in 1 district \(id 'A1'\)"),
    "votes no number": ("120,30,400", "many,30,400", r"'pvv' holds text that is no number in 1 district"),
    "votes missing": ("120,30,400", ",30,400", r"column 'pvv' has no value in 1 district \(id 'A1'\)"),
    "nobody voted": ("120,30,400", "0,0,0", r"'valid' \(valid votes\) is zero in 1 district"),
    "decimal comma": ("12.5,31", '"12,5",31', r"'migrants' holds text that is no number"),
    "share above 100": ("12.5,31", "112.5,31", r"'migrants' is above 100 in 1 district \(id 'A1'\)"),
    "share below 0": ("12.5,31", "-12.5,31", r"'migrants' is negative in 1 district"),
    "covariate missing": ("12.5,31", "12.5,", r"column 'education' has no value in 1 district \(id 'A1'\)"),
    "id missing": ("A1,Alfa", ",Alfa", r"id column 'code' of 'districts.csv' is empty in rows '1'"),
    "id twice": ("A1,Alfa", "A2,Alfa", r"id column 'code' of 'districts.csv' repeats ids \('A2'\)"),
    "column missing": ("migrants,education", "migrants,schooling", r"has no column 'education'"),
    "column twice": ("migrants,education", "migrants,migrants", r"repeats column names \('migrants'\)"),
    "row too short": ("A1,Alfa,120,30", "A1,Alfa,120", r"another number of them in lines '2'"),
    "quote left open": ("A1,Alfa", 'A1,"Alfa', r"cannot be read as CSV"),
}
#: Name of a case: the list of links, and what is told.
LINKS = {
    "no links": ("focal,neighbour\n", r"'edges.csv' holds no links"),
    "unknown district": ("focal,neighbour\nA1,A2\nA1,Z9\n", r"names unknown ids \('Z9'\)"),
    "link to itself": ("focal,neighbour\nA1,A1\nA1,A2\n", r"districts linked with themselves: 'A1'"),
    "one column": ("focal\nA1\n", r"has 1 columns besides 'weight' \('focal'\)"),
    "weight no number": (
        "focal,neighbour,weight\nA1,A2,heavy\n",
        r"weights that are no numbers in rows '1'",
    ),
    "empty file": ("", r"file 'edges.csv' is empty"),
}
BOW_TIE = shapely.Polygon([(0, 0), (1000, 1000), (1000, 0), (0, 1000)])


def reshape(code: str, shape: shapely.Geometry | None) -> Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]:
    """A change of one district's shape."""

    def change(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        shapes = [shape if one == code else old for one, old in zip(CODES, frame.geometry, strict=True)]
        return frame.set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))

    return change


#: Name of a case: change of the shapes, [graph] of the study file, and what is told.
SHAPES = {
    "shape invalid": (reshape("A1", BOW_TIE), "", r"geometry is invalid in 1 district \(id 'A1'\)"),
    "shape missing": (reshape("A2", None), "", r"geometry is missing or empty in 1 district \(id 'A2'\)"),
    "shape empty": (reshape("A2", shapely.Polygon()), "", r"geometry is missing or empty in 1 district"),
    "shape twice": (
        reshape("A1", shapely.box(1000, 0, 2000, 1000)),
        "",
        r"the same polygon comes more than once in 2 districts \(ids 'A1', 'A2'\)",
    ),
    "points": (lambda f: f.set_geometry(f.centroid), "", r"there are other shapes \(Point\) in 6 districts"),
    "shape without row": (
        lambda f: f.assign(code=[*CODES[:5], "Z9"]),
        "",
        r"lacks the geometry of 1 district",
    ),
    "shape id twice": (lambda f: f.assign(code=[*CODES[:5], "A1"]), "", r"repeats ids \('A1'\)"),
    "no id column": (lambda f: f.rename(columns={"code": "gm"}), "", r"has no column 'code'"),
    "no CRS": (
        lambda f: f.set_crs(None, allow_override=True),
        'method = "distance"\ndistance = 1500',
        r"measures distances, and the geometry states no CRS",
    ),
    "degrees": (
        lambda f: f.to_crs(4326),
        'method = "fuzzy"\ntolerance = 60',
        r"measures distances, and coordinates are degrees",
    ),
    "too many neighbours": (lambda f: f, 'method = "knn"\nk = 6', r"k=6 nearest neighbours of 6 districts"),
}
#: Bytes of a file with shapes that is none.
BROKEN = {"shapes.gpkg": b"nothing", "shapes.geojson": b"{", "shapes.shp": b"xx", "shapes.parquet": b"xx"}


@pytest.fixture
def refused(folder: Path, call) -> Callable[[str], None]:
    """Fit the study of the folder, which must be refused in the one right way."""

    def fit(message: str) -> None:
        before = {one.name for one in folder.iterdir()}
        called = call("fit", folder / "study.toml")
        assert called.code == 2
        assert re.search(message, called.err), called.err
        assert called.err.startswith("spatialvote: ")
        assert called.err.count("spatialvote: ") == 1
        assert "Traceback" not in called.err + called.out
        assert "Fitting" not in called.out
        assert {one.name for one in folder.iterdir()} - before <= {"results"}
        assert list((folder / "results").glob("*")) == []

    return fit


@pytest.fixture
def with_shapes(folder: Path, changed) -> Callable[[str, str], None]:
    """Let the study take its neighbours from a file with shapes."""

    def change(name: str, graph: str) -> None:
        text = changed('edges = "edges.csv"', f'geometry = "{name}"').read_text()
        path = folder / "study.toml"
        path.write_text(text.replace('method = "edges"', graph or 'method = "queen"'))

    return change


@pytest.mark.parametrize(("old", "new", "message"), TABLES.values(), ids=list(TABLES))
def test_table(old, new, message, folder, refused):
    table = folder / "districts.csv"
    assert table.read_text().count(old) == 1
    table.write_text(table.read_text().replace(old, new))
    refused(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"code;pvv\nA1;3\n", "its separator is no comma"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_file_that_is_no_table(content, message, folder, refused):
    (folder / "districts.csv").write_bytes(content)
    refused(message)


@pytest.mark.parametrize(("content", "message"), LINKS.values(), ids=list(LINKS))
def test_links(content, message, folder, refused):
    (folder / "edges.csv").write_text(content)
    refused(message)


@pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")  # by whoever writes such a file
@pytest.mark.parametrize(("change", "graph", "message"), SHAPES.values(), ids=list(SHAPES))
def test_shapes(change, graph, message, folder, with_shapes, refused):
    boxes = [shapely.box(1000 * k, 0, 1000 * k + 1000, 1000) for k in range(6)]
    frame = gpd.GeoDataFrame({"code": CODES}, geometry=boxes, crs="EPSG:3035")
    change(frame).to_file(folder / "shapes.gpkg")
    with_shapes("shapes.gpkg", graph)
    refused(message)


@pytest.mark.parametrize("name", list(BROKEN))
def test_file_that_holds_no_shapes(name, folder, with_shapes, refused):
    (folder / name).write_bytes(BROKEN[name])
    with_shapes(name, "")
    refused(f"file '{name}' cannot be read as ")
