"""The command of elections over time, from a study file to its page."""

import json

import pandas as pd
import pytest

from spatialvote.cli import main
from spatialvote.data.elections_simulate import simulate_elections, write_elections
from spatialvote.data.errors import StudyError
from spatialvote.elections_run import load_elections

STUDY = """
[study]
title = "Elections"
seed = 1
output = "out"

[elections]
table = "elections.csv"
id = "district"
election = "election"
votes = { party = "party" }
valid = "valid"
migrants = "migrant_share"
covariates = ["education"]
units = { migrant_share = "percent" }
geometry = "districts.geojson"
edges = "links.csv"
about = { name = "test", unit = "square" }

[model]
formula = "party ~ migrant_share + education"
interaction = "independent"

[engine]
draws = 200
"""


def test_a_study_writes_fit_path_review_and_page(tmp_path, capsys):
    write_elections(simulate_elections(2, 16).elections, tmp_path)
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    assert main(["elections", str(tmp_path / "study.toml")]) in (0, 1)
    assert "elections.html" in capsys.readouterr().out
    out = tmp_path / "out"
    assert {one.name for one in out.iterdir()} >= {"fit.nc", "path.csv", "review.json", "elections.html"}
    assert list(pd.read_csv(out / "path.csv")["election"]) == [2001, 2005, 2009, 2013, 2017]
    assert {one["name"] for one in json.loads((out / "review.json").read_text("utf-8"))["checks"]} == {
        "elections_k_hat", "elections_points", "elections_spread", "elections_moran"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "district"\n', "", "elections.id is missing"),
        ('table = "elections.csv"\n', "", "needs one of simulate and table"),
        ('interaction = "independent"', 'interaction = "IV"', "model.interaction is the text 'IV'"),
        ("draws = 200", "draws = 20", "engine.draws is 20"),
        ('valid = "valid"', 'vaild = "valid"', "did you mean 'valid'"),
    ],
)
def test_what_a_study_file_may_not_hold(tmp_path, old, new, said):
    (tmp_path / "study.toml").write_text(STUDY.replace(old, new), encoding="utf-8")
    with pytest.raises(StudyError, match=said):
        load_elections(tmp_path / "study.toml")


def test_bad_data_are_told_without_a_traceback(tmp_path, capsys):
    write_elections(simulate_elections(2, 16).elections, tmp_path)
    (tmp_path / "study.toml").write_text(STUDY.replace('valid = "valid"', 'valid = "vaild"'), "utf-8")
    assert main(["elections", str(tmp_path / "study.toml")]) == 2
    assert "vaild" in capsys.readouterr().err
