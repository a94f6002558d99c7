"""The command ``parties``: what it writes, and what it refuses."""

import json

import pytest

from spatialvote.cli import main
from spatialvote.data.errors import StudyError
from spatialvote.parties_run import load_parties

STUDY = """
[study]
title = "<b>Two parties</b>"
seed = 1
output = "out"

[data]
simulate = { n_districts = 40, seed = 5 }

[model]
formula = "national_list + diversity_list ~ migrant_share"
whole = "electorate"

[engine]
draws = 100
tune = 100
chains = 2
"""


def test_a_study_of_two_parties(tmp_path, capsys):
    (tmp_path / "parties.toml").write_text(STUDY, encoding="utf-8")
    assert main(["parties", str(tmp_path / "parties.toml")]) in (0, 1)
    out = tmp_path / "out"
    assert {one.name for one in out.iterdir()} == {"fit.nc", "effects.csv", "review.json", "parties.html"}
    assert json.loads((out / "review.json").read_text())["checks"][0]["name"] == "parties_r_hat"
    assert "parties.html" in capsys.readouterr().out
    page = (out / "parties.html").read_text(encoding="utf-8")
    assert "<b>Two parties" not in page
    assert "&lt;b&gt;Two parties" in page
    for anchor in ("effects", "turnout", "maps", "fields", "model"):
        assert f'id="{anchor}"' in page


def test_the_embedded_study_is_valid(tmp_path):
    study = load_parties(None, tmp_path)
    assert study.settings.model.whole == "electorate"
    assert study.settings.study.output == tmp_path / "studies" / "simulated-parties"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('whole = "electorate"', "whole = 'votes'", "model.whole is the text 'votes'"),
        ("[engine]", "[multiverse]", "multiverse is .*left out"),
        ("draws = 100", "drows = 100", "did you mean 'draws'"),
        ("seed = 1\n", "", "study.seed is missing"),
    ],
)
def test_malformed_studies(tmp_path, old, new, message):
    (tmp_path / "parties.toml").write_text(STUDY.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StudyError, match=message):
        load_parties(tmp_path / "parties.toml")


def test_a_formula_that_nobody_can_fit(tmp_path, capsys):
    text = STUDY.replace("national_list + diversity_list", "national_list + nobody")
    (tmp_path / "parties.toml").write_text(text, encoding="utf-8")
    assert main(["parties", str(tmp_path / "parties.toml")]) == 2
    assert "asks for 'nobody', without votes" in capsys.readouterr().err
