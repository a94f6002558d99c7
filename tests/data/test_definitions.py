"""Who is counted in a column: definitions known and own, of one scheme, and what prints them."""

from dataclasses import replace

import pytest

from spatialvote.analysis.figures.bivariate import map_bivariate
from spatialvote.analysis.figures.maps import map_migrants
from spatialvote.data.errors import DataError
from spatialvote.data.origin_groups import OriginGroup, counted_words, find_groups, resolve_definitions
from spatialvote.data.read import read_districts
from spatialvote.data.simulate import simulate_city

OWN = OriginGroup("born abroad", "born in another country", "the register", "own")


def _read(tmp_path, **given):
    (tmp_path / "t.csv").write_text("id,votes,valid,abroad,third\na,1,9,1,2\nb,2,9,3,1\nc,3,9,2,2\n")
    (tmp_path / "e.csv").write_text("focal,neighbour\na,b\nb,c\n")
    return read_districts(
        tmp_path / "t.csv",
        id="id",
        votes=["votes"],
        valid="valid",
        migrants="abroad",
        covariates=["third"],
        units={"abroad": "percent"},
        edges=tmp_path / "e.csv",
        **given,
    )


def test_labels_and_own_groups_become_definitions():
    found = resolve_definitions({"a": "foreign-born", "b": ["native-born of mixed parentage"]})
    assert [group.scheme for groups in found.values() for group in groups] == ["OECD country of birth"] * 2
    assert resolve_definitions({"a": OWN}) == {"a": (OWN,)}
    assert resolve_definitions({}) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": "foreign born"}, "origin group 'foreign born' has no definition: did you mean 'foreign-born'"),
        ({"a": "Nordic", "b": "EU-15"}, "of 2 definitions are mixed in one study"),
        ({"a": OWN, "b": "EU-15"}, "of 2 definitions are mixed in one study"),
        ({"a": OWN, "b": replace(OWN, definition="else")}, "'born abroad' is defined in two ways"),
    ],
)
def test_unknown_and_mixed_definitions_are_refused(given, message):
    with pytest.raises(DataError, match=message):
        resolve_definitions(given)


def test_districts_keep_who_is_counted(tmp_path):
    districts = _read(tmp_path, definitions={"abroad": OWN})
    assert districts.roles.definitions == {"abroad": (OWN,)}
    assert districts.roles.counted("abroad") == (
        "Counted: born abroad (born in another country). Definition: own."
    )
    assert districts.roles.counted("third", None) == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"abroad": "EU-15", "third": "foreign-born"}, "of 2 definitions are mixed"),
        ({"votes_": "EU-15"}, "definitions are given for 'votes_', which has no role that holds numbers"),
    ],
)
def test_a_table_with_wrong_definitions_is_refused(tmp_path, given, message):
    with pytest.raises(DataError, match=message):
        _read(tmp_path, definitions=given)


def test_maps_of_migrants_print_who_is_counted():
    districts = simulate_city(seed=1, n_districts=20).districts
    for figure in (map_migrants(districts), map_bivariate(districts, "national_list")):
        shown = " ".join(text.get_text() for text in figure.texts).replace("\n", " ")
        assert districts.roles.counted("migrant_share") in shown


def test_what_explains_the_words_of_several_groups_is_not_part_of_the_sentence():
    words = counted_words(find_groups(["western immigrants"]))
    assert "from a western country). Definition: Statistics Denmark." in words
    assert "Liechtenstein" not in words
    assert counted_words([]) == ""
