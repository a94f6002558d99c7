"""Cells from files: codes, coordinates, long and wide tables, relation tables."""

import numpy as np
import pandas as pd
import pytest

from spatialvote.data.cell_codes import cell_codes, parse_codes
from spatialvote.data.errors import DataError
from spatialvote.data.read_cells import cells_within, read_cells
from spatialvote.data.simulate import simulate_city

PERSONS = {"persons": "persons", "EU": "origin_eu", "third country": "origin_non_eu"}


@pytest.fixture(scope="module")
def grid():
    return simulate_city(seed=3, n_districts=20).grid


@pytest.fixture(scope="module")
def cells(grid):
    return read_cells(grid, cell="cell", persons=PERSONS)


def same(one, other):
    pd.testing.assert_frame_equal(one.persons.sort_index(), other.persons.sort_index(), check_dtype=False)
    assert (one.side, one.crs.to_epsg(), one.groups) == (other.side, other.crs.to_epsg(), other.groups)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("CRS3035RES100mN2951500E4507500", (4507500, 2951500, 100, 3035)),
        ("100mN29515E45075", (4507500, 2951500, 100, 3035)),
        # 250 has one final zero: one digit is dropped from the corner.
        ("250mN295150E450750", (4507500, 2951500, 250, 3035)),
        ("1kmN2951E4507", (4507000, 2951000, 1000, 3035)),
        ("CRS25832RES1000mN6200000E700000", (700000, 6200000, 1000, 25832)),
        ("CRS3035RES100mS100W200", (-200, -100, 100, 3035)),
    ],
)
def test_codes_of_every_spelling_are_read(code, expected):
    x, y, side, epsg = parse_codes(pd.Series([code]))
    assert (x[0], y[0], side, epsg) == expected
    again = cell_codes(x, y, side, epsg)
    assert [int(one[0]) for one in parse_codes(pd.Series(again))[:2]] == [expected[0], expected[1]]


def test_spellings_give_the_same_cells(grid, cells):
    x, y, _, _ = parse_codes(grid["cell"])
    short = grid.assign(cell=[f"100mN{b // 100}E{a // 100}" for a, b in zip(x, y, strict=True)])
    same(read_cells(short, cell="cell", persons=PERSONS), cells)


def test_corners_and_centres_give_the_same_cells(grid, cells):
    places = {"x": "easting", "y": "northing", "side": 100, "crs": 3035, "persons": PERSONS}
    same(read_cells(grid, **places), cells)
    moved = grid.assign(easting=grid["easting"] + 50, northing=grid["northing"] + 50)
    same(read_cells(moved, coordinates="centre", **places), cells)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_text_files_with_any_separator(grid, cells, tmp_path, separator):
    grid.to_csv(tmp_path / "grid.csv", sep=separator, index=False)
    same(read_cells(tmp_path / "grid.csv", cell="cell", persons=PERSONS), cells)


def test_parquet(grid, cells, tmp_path):
    grid.to_parquet(tmp_path / "grid.parquet")
    same(read_cells(tmp_path / "grid.parquet", cell="cell", persons=PERSONS), cells)


def test_a_long_file_lacks_rows_where_nobody_of_an_origin_lives(grid, cells, tmp_path):
    long = grid.melt("cell", list(PERSONS.values()), var_name="origin", value_name="count")
    long[long["count"] > 0].to_csv(tmp_path / "long.csv", index=False)
    read = read_cells(tmp_path / "long.csv", cell="cell", origin="origin", count="count", persons=PERSONS)
    same(read, cells)


def test_suppressed_cells_are_what_the_user_says_and_are_counted(grid):
    gaps = grid.astype({"origin_eu": "float64"})
    gaps.loc[[2, 5], "origin_eu"] = np.nan
    read = read_cells(gaps, cell="cell", persons=PERSONS, suppressed=1.5)
    assert list(read.of("EU")[[2, 5]]) == [1.5, 1.5]
    assert any("2 suppressed cells taken as 1.5 persons" in note for note in read.notes)


def test_a_relation_table_chooses_the_cells_of_a_city(grid, cells, tmp_path):
    one = grid["district"].iloc[0]
    grid[["cell", "district"]].to_csv(tmp_path / "relation.csv", index=False)
    kept = read_cells(
        grid,
        cell="cell",
        persons=PERSONS,
        keep=cells_within(tmp_path / "relation.csv", "cell", "district", one),
    )
    assert kept.residents.sum() == grid.loc[grid["district"] == one, "persons"].sum()


def test_order_of_rows_does_not_matter(grid, cells):
    same(read_cells(grid.sample(frac=1, random_state=1), cell="cell", persons=PERSONS), cells)


def bad(**changes):
    """A grid of four cells with some columns changed."""
    table = pd.DataFrame(
        {
            "cell": [
                f"CRS3035RES100mN{y}E{x}" for y in (2_000_000, 2_000_100) for x in (4_000_000, 4_000_100)
            ],
            "x": [4_000_000, 4_000_100, 4_000_000, 4_000_100],
            "y": [2_000_000, 2_000_000, 2_000_100, 2_000_100],
            "all": [10.0, 20.0, 30.0, 40.0],
            "eu": [1.0, 2.0, 3.0, 4.0],
        }
    )
    return table.assign(**changes)


BY_CODE = {"cell": "cell", "persons": {"persons": "all", "EU": "eu"}}
BY_PLACE = {"x": "x", "y": "y", "side": 100, "crs": 3035, "persons": {"persons": "all", "EU": "eu"}}


@pytest.mark.parametrize(
    ("table", "arguments", "message"),
    [
        (bad(cell=["A", "B", "C", "D"]), BY_CODE, "4 cell codes cannot be read .'A'"),
        (
            bad(cell=["100mN1E1", "100mN1E2", "200mN1E3", "100mN1E4"]),
            BY_CODE,
            "different sides are mixed .'100', '200'",
        ),
        (
            bad(cell=["CRS3035RES100mN100E100", "CRS25832RES100mN100E200"] * 2),
            BY_CODE,
            "coordinate systems are mixed .'3035', '25832'|'25832', '3035'",
        ),
        (bad(cell=["100mN1E1"] * 2 + ["100mN1E2", "100mN1E3"]), BY_CODE, "1 cells occur more than once"),
        (bad(eu=[1.0, -1.0, 3.0, 4.0]), BY_CODE, "'EU' is negative in 1 cells"),
        (bad(all=[10.0, np.inf, 30.0, 40.0]), BY_CODE, "'persons' is not finite in 1 cells"),
        (bad(all=[10.0, np.nan, 30.0, 40.0]), BY_CODE, "'persons' has no value in 1 cells"),
        (bad(eu=["1", "<5", "3", "4"]), BY_CODE, "'eu' is no number in 1 cells, first '<5'"),
        (bad(eu=[1.0, 25.0, 3.0, 4.0]), BY_CODE, "'EU' exceeds all residents .'persons'. in 1 cells"),
        (bad(all=0.0, eu=0.0), BY_CODE, "'persons' is 0 everywhere"),
        (bad()[:0], BY_PLACE, "there is no cell"),
        (
            bad(x=[4_000_000, 4_000_130, 4_000_000, 4_000_100]),
            BY_PLACE,
            "1 cells are shifted against",
        ),
        (bad(x=[4_000_000, 4_000_000, 4_000_000, 4_000_100]), BY_PLACE, "occur more than once"),
        (bad(x=[4.1, 4.2, 4.3, 4.4], y=[52.1, 52.2, 52.3, 52.4]), BY_PLACE, "degrees, not metres"),
        (bad(x=[4_000_000.5, 4_000_100.5, 4_000_000.5, 4_000_100.5]), BY_PLACE, "fractions of a metre"),
        (bad(y=["a", "b", "c", "d"]), BY_PLACE, "'y' has no number in 4 rows"),
        (bad(), {**BY_PLACE, "crs": "EPSG:4326"}, "not in metres"),
        (bad(), {**BY_PLACE, "crs": "EPSG:nine"}, "coordinate system 'EPSG:nine' is unknown"),
        (bad(), {**BY_PLACE, "side": 0}, "side must be whole metres above 0"),
        (bad(), {**BY_PLACE, "side": None}, "neither codes nor 'side'"),
        (bad(), {**BY_PLACE, "coordinates": "middle"}, "coordinates 'middle' are unknown"),
        (bad(), {**BY_CODE, "x": "x"}, "codes and 'x' are both given"),
        (bad(), {"persons": {"persons": "all"}}, "neither codes nor 'x', 'y', 'side', 'crs'"),
        (bad(), {**BY_CODE, "persons": {"EU": "eu"}}, "does not say which column has all residents"),
        (bad(), {**BY_CODE, "persons": {"persons": "all", "EU": "all"}}, "'all' stands for two groups"),
        (bad(), {**BY_CODE, "persons": {"persons": "everyone"}}, "has no column 'everyone'"),
        (bad(), {**BY_CODE, "origin": "eu"}, "needs both origin and count"),
        (bad(), {**BY_CODE, "origin": "eu", "count": "all"}, "column 'eu' has no 'all', 'eu'"),
        (bad(), {**BY_CODE, "keep": ["100mN1E1"]}, "no cell of the file is among those to keep"),
    ],
)
def test_what_is_wrong_with_cells_is_said_once(table, arguments, message):
    with pytest.raises(DataError, match=message):
        read_cells(table, **arguments)


def test_rows_of_a_long_file_that_repeat_are_named():
    long = pd.DataFrame({"cell": ["100mN1E1"] * 3, "o": ["all", "eu", "eu"], "n": [5, 1, 1]})
    with pytest.raises(DataError, match=r"1 rows repeat cell and origin .'100mN1E1'"):
        read_cells(long, cell="cell", origin="o", count="n", persons={"persons": "all", "EU": "eu"})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "does not exist"),
        ("empty.csv", "", "cannot be read as a table"),
        ("other.csv", "GRD_ID;pop\n100mN1E1;4\n", "has no columns 'cell', 'all', 'eu'"),
        ("broken.parquet", "no parquet", "cannot be read as a table"),
    ],
)
def test_files_that_are_no_grid(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_cells(tmp_path / name, **BY_CODE)


def test_missing_relation_table_and_unknown_unit(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        cells_within(tmp_path / "relation.csv", "cell", "FUA", "NL002")
    (tmp_path / "relation.csv").write_text("cell,FUA\n100mN1E1,NL001\n", encoding="utf-8")
    with pytest.raises(
        DataError, match="'FUA' of the relation table is nowhere 'NL002': choose from 'NL001'"
    ):
        cells_within(tmp_path / "relation.csv", "cell", "FUA", "NL002")
