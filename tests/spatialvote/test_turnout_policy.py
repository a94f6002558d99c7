import json

import pytest

from spatialvote.cli import main
from spatialvote.data.errors import SpatialvoteError, StudyError
from spatialvote.data.policy_simulate import simulate_policy, write_policy
from spatialvote.data.turnout_simulate import simulate_register, write_register
from spatialvote.policy_run import load_policy
from spatialvote.turnout_run import load_turnout

TURNOUT = """
[study]
title = "Turnout <b>here</b>"
seed = 1
output = "out"

[cells]
table = "cells.csv"
entitled = "entitled"
voted = "voted"
group = "group"
age = "age"
area = "area"
edges = "links.csv"
about = { name = "test", year = 2021 }

[model]
draws = 200

[counterfactual]
group = "EU-15"
like = "nationals"
votes = { A = 900, B = 950, C = 400 }
division = { A = 1.0 }
party = "A"
rival = "B"
"""
POLICY = """
[study]
title = "Policy"
seed = 1
output = "out"

[scores]
table = "mipex.csv"

[profile]
countries = ["Malta"]
earlier = 2014
"""


@pytest.fixture
def place(tmp_path):
    write_register(simulate_register(1, electorate=4000, areas=4).cells, tmp_path)
    write_policy(simulate_policy(1), tmp_path / "mipex.csv")
    (tmp_path / "turnout.toml").write_text(TURNOUT, encoding="utf-8")
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def test_turnout_of_a_table(place, capsys):
    assert main(["turnout", str(place / "turnout.toml")]) == 0
    out = place / "out"
    assert {one.name for one in out.iterdir()} == {"fit.nc", "cells.csv", "review.json", "turnout.html"}
    page = (out / "turnout.html").read_text(encoding="utf-8")
    assert "Turnout &lt;b&gt;here&lt;/b&gt;" in page
    assert "A passes B" in page or "Hardly any division" in page
    assert "citizens of another state that was a member of the EU before 1 May 2004" in page
    assert json.loads((out / "review.json").read_text())["checks"][0]["name"] == "turnout_k_hat"
    assert "Review: " in capsys.readouterr().out


def test_policy_of_a_table(place):
    assert main(["policy", str(place / "policy.toml"), "--country", "Denmark"]) == 0
    page = (place / "out" / "policy.html").read_text(encoding="utf-8")
    assert "Denmark against" not in page  # the figure is a picture
    assert "Simulated data: the countries are real" in page
    assert (place / "out" / "policy-DNK.png").is_file()


def test_embedded_studies_are_valid():
    assert load_turnout().settings.counterfactual is not None
    assert load_policy().settings.profile.countries == ("Denmark", "Malta", "Sweden")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('voted = "voted"', "", "cells.voted is missing"),
        ('table = "cells.csv"', "", "cells needs one of simulate and table"),
        ("[model]", "[modle]", r"\[modle\] is not a section of this study file: did you mean 'model'"),
        ("draws = 200", 'age = "rw3"', "model.age is the text 'rw3'.*did you mean 'rw"),
        ("draws = 200", "draw = 200", "model.draw is not a key of .model.: did you mean 'draws'"),
        ("draws = 200", "draws = 1", "model.draws is 1: it must be a whole number from 100"),
        ("draws = 200", 'interactions = ["group"]', "model.interactions"),
        ('group = "group"', 'weight = "w"', "cells.weight means nothing without survey"),
        ('rival = "B"', "", "needs one of rival and threshold"),
        ("seed = 1", "", "study.seed is missing"),
        ("[study]", "[study", "is no TOML"),
    ],
)
def test_malformed_turnout_studies(place, old, new, message):
    (place / "turnout.toml").write_text(TURNOUT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StudyError, match=message):
        load_turnout(place / "turnout.toml")


def test_mistakes_of_content_are_told_without_traceback(place, capsys):
    (place / "turnout.toml").write_text(
        TURNOUT.replace('like = "nationals"', 'like = "natives"'), encoding="utf-8"
    )
    assert main(["turnout", str(place / "turnout.toml")]) == 2
    assert "'natives' is no group" in capsys.readouterr().err
    assert main(["policy", str(place / "policy.toml"), "--country", "Atlantis"]) == 2
    assert main(["turnout", str(place / "none.toml")]) == 2
    (place / "policy.toml").write_text(POLICY.replace('table = "mipex.csv"', ""), encoding="utf-8")
    with pytest.raises(SpatialvoteError, match="scores needs one of"):
        load_policy(place / "policy.toml")


def test_parts_of_a_study_lead_to_each_other(place):
    text = POLICY.replace(
        'output = "out"', 'output = "out"\nrelated = { "Turnout <i>" = "../turnout/t.html" }'
    )
    (place / "policy.toml").write_text(text, encoding="utf-8")
    assert main(["policy", str(place / "policy.toml")]) == 0
    page = (place / "out" / "policy.html").read_text(encoding="utf-8")
    assert '<a href="../turnout/t.html">Turnout &lt;i&gt;</a>' in page
    for embedded in (load_turnout(), load_policy()):
        assert len(embedded.settings.study.related) == 2


@pytest.mark.parametrize("way", ["https://example.org/a.html", "javascript:a.html", "/etc/a.html", "a.txt"])
def test_only_pages_beside_this_one_are_related(place, way):
    text = POLICY.replace('output = "out"', f'output = "out"\nrelated = {{ other = "{way}" }}')
    (place / "policy.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=r"study\.related\.other"):
        load_policy(place / "policy.toml")


def test_moderators_of_a_study(place):
    cells = simulate_register(1, electorate=4000, areas=4, inclusion_effect=0.3).cells
    write_register(cells, place)
    added = (
        '[moderators]\ntable = "areas.csv"\ncolumns = ["inclusion"]\ngroups = ["EU-15"]\nleave_out = false\n'
    )
    text = TURNOUT.replace("[counterfactual]", added + "\n[counterfactual]")
    (place / "turnout.toml").write_text(text, encoding="utf-8")
    assert main(["turnout", str(place / "turnout.toml")]) == 0
    page = (place / "out" / "turnout.html").read_text(encoding="utf-8")
    assert "4 areas stand behind this" in page
    assert "The prior decides: 4 areas hardly measure" in page
    (place / "turnout.toml").write_text(text.replace('table = "areas.csv"\n', ""), encoding="utf-8")
    with pytest.raises(StudyError, match=r"moderators\.table is missing"):
        load_turnout(place / "turnout.toml")


def test_shapes_and_their_column_go_together(place):
    text = TURNOUT.replace('edges = "links.csv"', 'edges = "links.csv"\nshapes = "areas.gpkg"')
    (place / "turnout.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=r"cells\.shapes and cells\.shapes_id go together"):
        load_turnout(place / "turnout.toml")
