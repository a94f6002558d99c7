"""The report says over what its main effect is averaged, and what it would be over others."""

import pytest

from spatialvote.analysis.effects.effect import effect
from spatialvote.analysis.report.averages import averages_part
from spatialvote.analysis.report.numbers import fixed


@pytest.mark.parametrize("weighting", ["districts", "voters", "persons"])
def test_every_average_is_told_and_the_page_says_which_is_its_own(city, city_fit, weighting):
    one = effect(city_fit, city.districts, weighting=weighting)
    part = averages_part(city_fit, city.districts, one)
    told = {
        "districts": "averaged over districts, each counting the same",
        "voters": "averaged over voters",
        "persons": "counting by the persons of column ‘persons’",
    }
    assert told[weighting] in part.words
    assert "not what those people do" in part.words
    rows = {row[0]: row[1] for row in part.table.rows}
    assert len(rows) == (5 if weighting == "persons" else 4)
    digits = len(next(iter(rows.values())).split(".")[1])
    electorate = city.districts.roles.electorate
    assert electorate is not None
    for words, name in (
        ("districts, each counting the same", "districts"),
        ("voters (valid votes)", "voters"),
        (f"the persons of column ‘{electorate}’ (the electorate)", electorate),
    ):
        assert rows[words] == fixed(effect(city_fit, city.districts, weighting=name).mean, digits)
    assert any(words.startswith("a typical district") for words in rows)


def test_the_page_has_it(city_page):
    assert "Which average" in city_page.text
    assert "The effects on this page are averaged over districts, each counting the same." in city_page.text
