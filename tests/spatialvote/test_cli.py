"""The command line: help, versions, wrong arguments, and the simulated city as files."""

import re
import subprocess
import sys

import pytest

COMMANDS = ("simulate", "init", "run", "fit", "review", "report", "compare", "multiverse")


def test_help_names_every_command_and_exit_code(call):
    called = call("--help")
    assert called.code == 0
    assert all(f"    {command} " in called.out for command in COMMANDS)
    assert "exit codes: 0 fine, 1 the review found a failure, 2 bad input, 130 interrupted" in called.out
    assert call().out == called.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(command, call):
    called = call(command, "--help")
    assert called.code == 0
    assert f"example:\n  spatialvote {command} " in called.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rum"], "invalid choice: 'rum'"),
        (["run", "a.toml", "b.toml"], "unrecognized arguments: b.toml"),
        (["run", "--draws", "10"], "unrecognized arguments: --draws"),
        (["run", "nowhere.toml"], r"study file 'nowhere.toml' does not exist: give a TOML file"),
        (["run", "."], "is a folder"),
        (["fit"], "the following arguments are required: STUDY"),
        (["fit", "districts.csv"], r"study file 'districts.csv' does not end in .toml"),
        (["init"], "the following arguments are required: DATA"),
        (["simulate"], "the following arguments are required: OUT"),
        (["simulate", "city", "--districts", "many"], "argument --districts: invalid int value: 'many'"),
        (["simulate", "city", "--districts", "5"], "n_districts must be a whole number from 20"),
        (["simulate", "city", "--seed", "-4", "--islands", "-1"], "2 problems:"),
        (["simulate", "no/such/folder", "--districts", "20"], "create 'no/such' first"),
        (["simulate", ".", "--districts", "20"], "exists and is not an empty folder"),
        (["review", "fit.nc", "--data", "study.toml"], "no fit at 'fit.nc'"),
        (["review", "districts.csv", "--data", "study.toml"], "'districts.csv' cannot be read as netCDF"),
        (["review", "fit.nc", "--data", "districts.gpkg"], "study file 'districts.gpkg' does not exist"),
        (["report", "fit.nc", "--data", "districts.csv"], "study file 'districts.csv' does not end in .toml"),
        (["report", "fit.nc"], "no fit at 'fit.nc'"),
        (["compare", "fit.nc", "other.nc", "--data", "study.toml"], "no fit at 'fit.nc'"),
        (["compare", "a.nc", "b.nc", "--buffer", "2"], "--buffer is given without --blocks: give both"),
        (["compare", "a.nc", "a.nc"], "fits are given twice"),
        (["compare", "a.nc", "b.nc", "--blocks", "few"], "argument --blocks: invalid int value: 'few'"),
    ],
)
def test_wrong_arguments_leave_with_two_and_say_why(arguments, message, folder, monkeypatch, call):
    monkeypatch.chdir(folder)
    called = call(*arguments)
    assert called.code == 2
    assert re.search(message, called.err), called.err
    assert "Traceback" not in called.err
    assert sorted(one.name for one in folder.iterdir()) == ["districts.csv", "edges.csv", "study.toml"]


@pytest.mark.parametrize(
    "arguments", [["run", "nowhere.toml"], ["simulate", "city", "--districts", "5"], ["reviw", "fit.nc"]]
)
def test_the_installed_command_leaves_with_two(arguments, tmp_path):
    left = subprocess.run(
        [sys.executable, "-m", "spatialvote", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert left.returncode == 2
    assert "spatialvote: " in left.stderr
    assert "Traceback" not in left.stderr


def test_a_letter_that_the_terminal_lacks_breaks_nothing(folder):
    path = folder / "study.toml"
    path.write_text(path.read_text().replace("pvv ~", "Wählerliste ~"), encoding="utf-8")
    left = subprocess.run(
        [sys.executable, "-m", "spatialvote", "run", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONIOENCODING": "ascii"},
    )
    assert left.returncode == 2
    assert "asks for party 'W?hlerliste'" in left.stderr


def test_simulate_writes_a_city(tmp_path, call):
    called = call("simulate", tmp_path / "city", "--districts", "20", "--islands", "1", "--seed", "4")
    assert called.code == 0
    names = sorted(one.name for one in (tmp_path / "city").iterdir())
    assert names == ["COLUMNS.md", "districts.gpkg", "edges.csv", "grid.csv", "truth.json"]
    assert "see COLUMNS.md" in called.out
    assert call("simulate", tmp_path / "city").code == 2


def test_a_fit_of_real_districts_needs_its_data(folder, call):
    call("fit", folder / "study.toml")
    called = call("review", folder / "results" / "fit.nc")
    assert called.code == 2
    assert "is a fit of Small town, and no data were given: pass --data" in called.err
