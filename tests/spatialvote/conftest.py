"""A small data file, a study file that is right, and a way to call the command line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from spatialvote.cli import main

TABLE = """\
code,name,pvv,denk,valid,migrants,education
A1,Alfa,120,30,400,12.5,31
A2,Bravo,100,45,380,18.0,35
A3,Charlie,90,60,420,25.5,28
B1,Delta,150,12,500,6.0,33
B2,Echo,140,20,450,9.5,41
B3,Foxtrot,80,70,390,30.0,38
"""
EDGES = "focal,neighbour\nA1,A2\nA2,A3\nB1,B2\nB2,B3\nA1,B1\n"
STUDY = """\
[study]
title = "A small study"
seed = 7
output = "results"

[data]
table = "districts.csv"
edges = "edges.csv"
id = "code"
valid = "valid"
migrants = "migrants"
covariates = ["education"]
label = "name"

[data.votes]
pvv = "pvv"
denk = "denk"

[data.units]
migrants = "percent"

[data.definitions]
migrants = { definition = "born abroad", source = "the town's register" }

[data.about]
name = "Small town"
unit = "district"
year = 2023

[graph]
method = "edges"

[model]
formula = "pvv ~ migrants + education"
family = "binomial"
structure = "bym2"

[model.priors]
coefficient_sd = 1.0
sigma = { prior = "pc", upper = 1.0, tail = 0.01 }
rho = { prior = "beta", a = 1.0, b = 1.0 }

[engine]
name = "nuts"
draws = 50
tune = 50
chains = 2

[effect]
points = 10
"""


@dataclass(frozen=True)
class Called:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    """Call the command line in this process."""

    def run(*arguments: str | Path) -> Called:
        code = main([str(one) for one in arguments])
        out, err = capsys.readouterr()
        return Called(code, out, err)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a table, its links, and a study file that is right."""
    (tmp_path / "districts.csv").write_text(TABLE)
    (tmp_path / "edges.csv").write_text(EDGES)
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path


@pytest.fixture
def changed(folder: Path) -> Callable[[str, str], Path]:
    """Change one passage of the study file."""

    def change(old: str, new: str) -> Path:
        assert STUDY.count(old) == 1, f"'{old}' must stand once in the study file"
        path = folder / "study.toml"
        path.write_text(STUDY.replace(old, new))
        return path

    return change
