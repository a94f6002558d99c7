"""Files that are missing, broken, of another kind, or do not join: each gives exactly its problem."""

import json

import pytest

from spatialvote.data.errors import DataError, SpatialvoteError
from spatialvote.data.files import file_hashes, read_source
from spatialvote.data.read import read_districts


def text(name, content, encoding="utf-8"):
    """A case that writes one file."""

    def write(folder, squares):
        (folder / name).write_bytes(content.encode(encoding))
        return {"table": folder / name}

    return write


def csv(change=None, name="votes.csv", **written):
    """A case that writes the table as CSV, with shapes beside it."""

    def write(folder, squares):
        table = squares.drop(columns="geometry")
        (table if change is None else change(table)).to_csv(folder / name, index=False, **written)
        squares[["code", "geometry"]].to_file(folder / "map.gpkg")
        return {"table": folder / name, "geometry": folder / "map.gpkg"}

    return write


def shapes(change, **changed):
    """A case whose geometry file is changed."""

    def write(folder, squares):
        squares.drop(columns="geometry").to_csv(folder / "votes.csv", index=False)
        change(squares[["code", "geometry"]]).to_file(folder / "map.gpkg")
        return {"table": folder / "votes.csv", "geometry": folder / "map.gpkg", **changed}

    return write


def plain_parquet(folder, squares):
    squares.drop(columns="geometry").to_parquet(folder / "votes.parquet")
    return {"table": folder / "votes.parquet"}


def two_layers(folder, squares):
    squares.to_file(folder / "map.gpkg", layer="old")
    squares.to_file(folder / "map.gpkg", layer="new")
    return {"table": folder / "map.gpkg"}


def no_shapes(folder, squares):
    squares.drop(columns="geometry").to_csv(folder / "votes.csv", index=False)
    return {"table": folder / "votes.csv"}


def shapes_twice(folder, squares):
    squares.to_file(folder / "map.gpkg")
    return {"table": folder / "map.gpkg", "geometry": folder / "map.gpkg"}


def shapes_from_csv(folder, squares):
    squares.drop(columns="geometry").to_csv(folder / "votes.csv", index=False)
    return {"table": folder / "votes.csv", "geometry": folder / "votes.csv"}


#: Name of a case: what is written, and every problem in full.
CASES = {
    "unknown ending": (
        text("votes.xlsx", "x"),
        (
            (
                "file 'votes.xlsx' has an ending that is not known ('.xlsx'): give one of .csv, "
                ".gpkg, .geojson, .json, .shp, .parquet, .geoparquet"
            ),
        ),
    ),
    "broken GeoPackage": (
        text("map.gpkg", "nothing"),
        (
            (
                "file 'map.gpkg' cannot be read as GeoPackage ('map.gpkg' not recognized as being in "
                "a supported file format.): open it in a GIS to see whether it is whole, or write it "
                "anew"
            ),
        ),
    ),
    "broken GeoJSON": (
        text("map.geojson", "{"),
        (
            (
                "file 'map.geojson' cannot be read as GeoJSON ('map.geojson' not recognized as being "
                "in a supported file format.): open it in a GIS to see whether it is whole, or write "
                "it anew"
            ),
        ),
    ),
    "broken Shapefile": (
        text("map.shp", "xx"),
        (
            (
                "file 'map.shp' cannot be read as Shapefile ('map.shp' not recognized as being in a "
                "supported file format.): open it in a GIS to see whether it is whole, or write it "
                "anew"
            ),
        ),
    ),
    "broken GeoParquet": (
        text("map.parquet", "xx"),
        (
            (
                "file 'map.parquet' cannot be read as GeoParquet (Could not open Parquet input "
                "source 'map.parquet': Parquet file size is 2 bytes, smaller than the minimum file "
                "footer (8 bytes)): open it in a GIS to see whether it is whole, or write it anew"
            ),
        ),
    ),
    "Parquet without shapes": (
        plain_parquet,
        (
            (
                "file 'votes.parquet' cannot be read as GeoParquet (Missing geo metadata in "
                "Parquet/Feather file.): open it in a GIS to see whether it is whole, or write it "
                "anew"
            ),
        ),
    ),
    "two layers": (two_layers, ("file 'map.gpkg' holds 2 layers ('old', 'new'): name one with layer=",)),
    "unknown layer": (
        lambda *given: {**two_layers(*given), "layer": "news"},
        ("file 'map.gpkg' has no layer 'news': choose from 'old', 'new'",),
    ),
    "empty CSV": (
        text("votes.csv", "\n"),
        ("file 'votes.csv' is empty: give a table with a header and rows",),
    ),
    "semicolons": (
        csv(sep=";"),
        (
            (
                "file 'votes.csv' has one column, 'code;name;city;right;left;valid;electora', so its "
                "separator is no comma: save it separated by commas, with decimal points"
            ),
        ),
    ),
    "not UTF-8": (
        text("votes.csv", "code,name\n1,Würzburg\n", "latin-1"),
        ("file 'votes.csv' is not UTF-8 text (byte 13): save it as CSV with encoding UTF-8",),
    ),
    "uneven rows": (
        text("votes.csv", "a,b\n1,2\n1,2,3\n4\n"),
        (
            (
                "file 'votes.csv' has a header of 2 cells, and another number of them in lines '3', "
                "'4': put text that contains a comma in double quotes"
            ),
        ),
    ),
    "open quote": (
        text("votes.csv", 'a,b\n1,"2\n'),
        (
            (
                "file 'votes.csv' cannot be read as CSV (unexpected end of data): write the file "
                "anew as plain CSV"
            ),
        ),
    ),
    "column twice": (
        text("votes.csv", "a,b,a\n1,2,3\n"),
        ("file 'votes.csv' repeats column names ('a'): give every column its own name",),
    ),
    "no shapes": (
        no_shapes,
        (
            (
                "graph='queen' needs shapes, and 'votes.csv' holds none: pass geometry= a file with "
                "shapes, or edges= a list of links"
            ),
        ),
    ),
    "shapes from CSV": (
        shapes_from_csv,
        (
            (
                "graph='queen' needs shapes, and 'votes.csv' holds none: pass geometry= a file with "
                "shapes, or edges= a list of links"
            ),
        ),
    ),
    "shapes twice": (
        shapes_twice,
        (("both 'map.gpkg' and 'map.gpkg' hold shapes: leave geometry= out, or give the table as CSV"),),
    ),
    "row without shape": (
        shapes(lambda f: f.drop(index=3)),
        (
            (
                "'map.gpkg' lacks the geometry of 1 district (id '0104'): check that both files mean "
                "the same id, or pass missing='drop' to leave these out"
            ),
        ),
    ),
    "shape without row": (
        csv(lambda f: f.drop(index=[3, 5])),
        (
            (
                "the table lacks a row for 2 districts (ids '0104', '0106') of 'map.gpkg': check "
                "that both files mean the same id, or pass missing='drop' to leave these out"
            ),
        ),
    ),
    "lost zeros": (
        shapes(lambda f: f.assign(code=f["code"].astype(int))),
        (
            (
                "'map.gpkg' lacks the geometry of 12 districts (ids '0101', '0102', '0103' and 9 "
                "more) (ids such as '0101' and '101' differ only in leading zeros): check that both "
                "files mean the same id, or pass missing='drop' to leave these out"
            ),
            (
                "the table lacks a row for 12 districts (ids '101', '102', '103' and 9 more) of "
                "'map.gpkg': check that both files mean the same id, or pass missing='drop' to leave "
                "these out"
            ),
        ),
    ),
    "shapes' ids twice": (
        shapes(lambda f: f.assign(code=f["code"].replace("0104", "0103"))),
        (
            (
                "id column 'code' of 'map.gpkg' repeats ids ('0103'): give one row per district: sum "
                "what belongs together"
            ),
            (
                "'map.gpkg' lacks the geometry of 1 district (id '0104'): check that both files mean "
                "the same id, or pass missing='drop' to leave these out"
            ),
        ),
    ),
    "shapes' id column": (
        shapes(lambda f: f, geometry_id="Code"),
        ("file 'map.gpkg' has no column 'Code' (named as geometry_id): did you mean 'code'?",),
    ),
    "zeros lost in all, dropping": (
        shapes(lambda f: f.assign(code=f["code"].astype(int)), missing="drop"),
        (
            (
                "'map.gpkg' lacks the geometry of 12 districts (ids '0101', '0102', '0103' and 9 "
                "more) (ids such as '0101' and '101' differ only in leading zeros): check that both "
                "files mean the same id, or pass missing='drop' to leave these out"
            ),
            (
                "the table lacks a row for 12 districts (ids '101', '102', '103' and 9 more) of "
                "'map.gpkg': check that both files mean the same id, or pass missing='drop' to leave "
                "these out"
            ),
            (
                "missing='drop' leaves 0 of 12 districts, and at least 3 are needed: look at what is "
                "missing: no geometry (12 districts)"
            ),
        ),
    ),
}


@pytest.mark.parametrize(("write", "told"), CASES.values(), ids=list(CASES))
def test_malformed(squares, arguments, tmp_path, write, told):
    with pytest.raises(SpatialvoteError) as caught:
        read_districts(**{**arguments, **write(tmp_path, squares)})
    assert tuple(str(problem) for problem in caught.value.problems) == told


def test_missing_files_are_all_named(arguments, tmp_path):
    with pytest.raises(DataError, match=r"votes\.csv' does not exist") as caught:
        read_districts(tmp_path / "votes.csv", geometry=tmp_path / "map.gpkg", **arguments)
    assert len(caught.value.problems) == 2
    assert "map.gpkg' does not exist" in str(caught.value)


def test_folder_is_no_file(arguments, tmp_path):
    (tmp_path / "votes.csv").mkdir()
    with pytest.raises(DataError, match=r"votes\.csv' is a folder, not a file"):
        read_districts(tmp_path / "votes.csv", **arguments)


def test_csv_cells_stay_text_and_blank_lines_go(tmp_path):
    (tmp_path / "t.csv").write_bytes(b'\xef\xbb\xbfid, note\n007,"a, b"\n\n008,\n')
    frame = read_source(tmp_path / "t.csv").frame
    assert list(frame.columns) == ["id", "note"]
    assert frame.to_numpy().tolist() == [["007", "a, b"], ["008", ""]]


def test_shape_that_cannot_be_built_is_named_and_noted(squares, arguments, tmp_path):
    squares.to_file(tmp_path / "map.geojson")
    content = json.loads((tmp_path / "map.geojson").read_text())
    content["features"][2]["geometry"]["coordinates"] = [[[0, 0], [1, 0], [1, 1], [0, 1]]]
    (tmp_path / "map.geojson").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"geometry is missing or empty in 1 district \(id '0103'\)"):
        read_districts(tmp_path / "map.geojson", **arguments)
    districts = read_districts(tmp_path / "map.geojson", missing="drop", **arguments)
    assert districts.record.dropped == {"0103": "no geometry"}
    assert any("do not form a closed linestring" in note for note in districts.record.notes)


def test_paths_of_the_machine_are_not_told(squares, arguments, tmp_path):
    squares.to_file(tmp_path / "map.shp")
    (tmp_path / "map.shx").unlink()
    with pytest.raises(DataError, match=r"'map\.shp' cannot be read as Shapefile \(Unable to open") as caught:
        read_districts(tmp_path / "map.shp", **arguments)
    assert str(tmp_path) not in str(caught.value)


def test_hashes_cover_every_part_of_a_shapefile(squares, tmp_path):
    squares.to_file(tmp_path / "map.shp")
    assert set(file_hashes([tmp_path / "map.shp"])) == {
        f"map.{end}" for end in ("cpg", "dbf", "prj", "shp", "shx")
    }


def test_files_of_one_name_in_two_folders_are_both_recorded(tmp_path):
    paths = [tmp_path / place / "a.csv" for place in ("votes", "links/2023", "links/2017")]
    for k, path in enumerate(paths):
        path.parent.mkdir(parents=True)
        path.write_text(str(k))
    hashes = file_hashes([*paths, paths[0]])
    assert list(hashes) == ["votes/a.csv", "2023/a.csv", "2017/a.csv"]
    assert len(set(hashes.values())) == 3
