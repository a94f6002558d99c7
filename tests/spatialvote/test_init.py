"""From a data file to a study file, and from its filled blanks to a study that can be read."""

import re
from pathlib import Path

import pandas as pd
import pytest

from spatialvote.data.read import read_districts
from spatialvote.data.simulate import simulate_city
from spatialvote.init import MARK, columns_of, write_study
from spatialvote.study import load_study

BLANKS = {
    "title": '"Small"',
    "id": '"code"',
    "valid": '"valid"',
    "party": '"pvv"',
    "name": '"Small town"',
    "unit": '"district"',
    "year": "2023",
    "formula": '"party ~ education"',
}


def _fill(path: Path, blanks: dict[str, str]) -> None:
    """Fill in the marked lines of a study file."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if line.endswith(MARK):
            key = line.split(" = ")[0]
            lines[number] = f"{key} = {blanks[key]}"
    path.write_text("\n".join(lines))


def test_a_filled_file_is_a_study(folder, call):
    path = folder / "mine.toml"
    called = call("init", folder / "districts.csv", "--output", path)
    assert called.code == 0
    assert "fill in its 8 lines marked 'fill in'" in called.out
    _fill(path, BLANKS)
    # A table without shapes needs its links.
    path.write_text(path.read_text().replace("# edges =", "edges ="))
    study = load_study(path)
    assert study.settings.data.table == folder / "districts.csv"
    assert study.output == folder / "results"
    districts = read_districts(**study.read_arguments())
    assert districts.n == 6


def test_every_blank_that_is_left_is_named(folder, call):
    path = folder / "mine.toml"
    call("init", folder / "districts.csv", "--output", path)
    called = call("run", path)
    assert called.code == 2
    problems = called.err.splitlines()[1:]
    assert len(problems) == len(BLANKS)
    assert all(re.search(rf"\.{key} is (an empty text|0): it must be", called.err) for key in BLANKS)


def test_every_commented_choice_is_allowed(folder, call):
    """Each commented line is a key of the schema with a value that it allows."""
    path = folder / "mine.toml"
    call("init", folder / "districts.csv", "--output", path)
    text = path.read_text()
    _fill(path, BLANKS | {"formula": '"party ~ migrants + education"'})
    chosen = {
        "# question": "question",
        '# electorate = ""  # persons entitled to vote': 'electorate = "valid"',
        '# migrants = ""': 'migrants = "migrants"',
        '# covariates = ["", ""]': 'covariates = ["education"]',
        '# groups = [""]': 'groups = ["name"]',
        '# label = ""': 'label = "name"',
        "# missing": "missing",
        "# repair": "repair",
        '# "column" = "percent"': 'migrants = "percent"',
        '# "column" = { definition': '"migrants" = { definition',
        '# geometry = "shapes.geojson"': 'geometry = "districts.csv"',
        '# geometry_id = ""': 'geometry_id = "code"',
        "# coefficient_sd": "coefficient_sd",
        "# intercept_sd": "intercept_sd",
        "# sigma": "sigma",
        "# rho": "rho",
        "# [effect]": "[effect]",
        "# points": "points",
        "# weighting": "weighting",
        '# connect = "nearest"': 'connect = "nearest"',
        '# method = "knn"': 'method = "knn"',
        "# k = 6": "k = 2",
    }
    filled = path.read_text()
    for comment, line in chosen.items():
        assert text.count(comment) == 1, comment
        filled = filled.replace(comment, line)
    path.write_text(filled)
    settings = load_study(path).settings
    assert settings.graph.k == 2
    assert settings.data.missing == "drop"
    assert settings.effect.weighting == "districts"


def test_columns_are_listed_by_what_they_hold(folder):
    path, _ = write_study(folder / "districts.csv", folder / "mine.toml")
    text = path.read_text()
    assert (
        '# Columns that differ in every row, as ids do: "code", "name", "pvv", "denk", "valid", "education"'
        in text
    )
    assert '# Columns of whole numbers, as counts of votes are: "pvv", "denk", "valid", "education"' in text
    assert (
        '# Columns of numbers, as shares and covariates are: "pvv", "denk", "valid", "migrants", "education"'
        in text
    )
    assert '# Columns of text, as names and levels are: "code", "name"' in text
    assert "This file holds no shapes" in text


def test_kinds_of_columns():
    frame = pd.DataFrame(
        {
            "text": ["a", "b"],
            "count": ["1", "20"],
            "gap": ["1", ""],
            "empty": ["", ""],
            "below": ["-1", "2"],
            "yes": [True, False],
            "day": pd.to_datetime(["2023-11-22", "2023-11-23"]),
            "share": [0.5, None],
        }
    )
    assert [(one.kind, one.all_different) for one in columns_of(frame)] == [
        ("text", True),
        ("whole", True),
        ("whole", False),
        ("text", False),
        ("number", True),
        ("text", True),
        ("text", True),
        ("number", False),
    ]


def test_a_geopackage_tells_its_crs_and_column_names_are_quoted(tmp_path, call):
    city = simulate_city(seed=1, n_districts=20)
    table = city.districts.table.rename(columns={"income": 'in"come \\ 1000'})
    table.to_file(tmp_path / "city.gpkg", layer="one")
    table.to_file(tmp_path / "city.gpkg", layer="two")
    called = call("init", tmp_path / "city.gpkg", "--output", tmp_path / "a.toml")
    assert called.code == 2
    assert "holds 2 layers ('one', 'two')" in called.err
    call("init", tmp_path / "city.gpkg", "--layer", "two", "--output", tmp_path / "a.toml")
    text = (tmp_path / "a.toml").read_text()
    assert 'layer = "two"' in text
    assert "states the CRS 'ETRS89-extended / LAEA Europe'" in text
    assert '"in\\"come \\\\ 1000"' in text
    assert max(len(line) for line in text.splitlines()) <= 110


@pytest.mark.parametrize(
    ("data", "output", "message"),
    [
        ("nowhere.csv", "new.toml", r"file '.*nowhere\.csv' does not exist"),
        ("study.toml", "new.toml", r"has an ending that is not known \('\.toml'\)"),
        ("districts.csv", "study.toml", r"study\.toml' exists already: choose another --output"),
        ("districts.csv", "new.txt", r"new\.txt' does not end in \.toml"),
        ("districts.csv", "nowhere/new.toml", r"the folder of '.*new\.toml' does not exist: make it first"),
    ],
)
def test_init_refuses(data, output, message, folder, call):
    before = (folder / "study.toml").read_text()
    called = call("init", folder / data, "--output", folder / output)
    assert called.code == 2
    assert re.search(message, called.err), called.err
    assert "Traceback" not in called.err
    assert (folder / "study.toml").read_text() == before
