"""The words of a report follow its numbers."""

from dataclasses import replace

import pytest

from spatialvote.analysis.report import words
from spatialvote.analysis.report.numbers import (
    NBSP,
    digits_for,
    fixed,
    interval,
    percent,
    probability,
    seconds,
    significant,
)
from spatialvote.analysis.report.truth import Recovered, truth_words

TOLD = words.Association(
    outcome="PVV",
    family="binomial",
    column="migrant_share",
    called="migrant share",
    migrants=True,
    step=words.points_step(10),
    held=("education", "income"),
    structure="bym2",
    mean=-3.21,
    low=-3.84,
    high=-2.61,
    probability_positive=0.0,
)


def plain(text: str) -> str:
    return text.replace(NBSP, " ")


def test_a_fall_is_told_with_its_interval_and_what_is_held_fixed():
    assert words.headline(TOLD) == "The vote share of PVV is lower where more migrants live."
    assert plain(words.comparison(TOLD)) == (
        "Where the share of migrants (column ‘migrant_share’) is ten percentage points higher, with "
        "education and income held fixed and neighbouring districts allowed to resemble each other, the "
        "vote share of PVV is about 3.2 percentage points lower (95 % interval: 2.6 to 3.8 percentage "
        "points lower). The probability that it is lower is more than 99.9 %."
    )


def test_a_rise_is_told_as_one():
    rise = replace(TOLD, mean=1.5, low=0.7, high=2.3, probability_positive=0.998)
    assert words.headline(rise) == "The vote share of PVV is higher where more migrants live."
    assert "1.5 percentage points higher (95 % interval: 0.7 to 2.3 percentage points higher)" in plain(
        words.comparison(rise)
    )
    assert plain(words.comparison(rise)).endswith("The probability that it is higher is 99.8 %.")


@pytest.mark.parametrize(
    ("mean", "positive", "said"),
    [
        (0.31, 0.72, "about 0.3 percentage points higher, but"),
        (-0.31, 0.28, "about 0.3 percentage points lower, but"),
        (0.01, 0.52, "about the same, but"),
    ],
)
def test_an_interval_over_zero_leaves_the_direction_open(mean, positive, said):
    open_one = replace(TOLD, mean=mean, low=-0.53, high=1.2, probability_positive=positive)
    text = plain(words.comparison(open_one))
    assert "cannot be told" in words.headline(open_one)
    assert said in text
    assert "from 0.5 percentage points lower to 1.2 percentage points higher: the direction is open" in text
    likelier = "higher is" if positive >= 0.5 else "lower is"
    assert (
        f"The probability that it is {likelier} {max(positive, 1 - positive):.0%}".replace("%", " %") in text
    )


def test_rates_are_told_in_percent_and_without_voters():
    cases = replace(TOLD, family="poisson", outcome="lip cancer", mean=12.3, low=4.2, high=21.0)
    cases = replace(cases, probability_positive=0.99)
    assert "the rate of lip cancer is about 12.3 % higher (95 % interval: 4.2 to 21.0 % higher)" in plain(
        words.comparison(cases)
    )
    for text in (words.headline(cases), words.comparison(cases), words.caveat(cases)):
        assert "vote" not in text
    assert words.setting("Scotland", "county", None, 56, 536, "poisson", "lip cancer") == (
        "Scotland; unit: county; 56 districts; lip cancer: 536 in all."
    )


def test_the_structure_decides_what_is_said_of_neighbours():
    independent, without = replace(TOLD, structure="iid"), replace(TOLD, structure="none")
    assert "neighbouring districts allowed" not in words.comparison(independent)
    assert "a level of its own" in words.comparison(independent)
    assert "and income held fixed, the vote share" in words.comparison(without)
    assert "is ten percentage points higher, the vote share" in words.comparison(replace(without, held=()))
    assert "about 72 % (95 % interval: 55 to 86 %)" in plain(words.spatial("bym2", (0.72, 0.55, 0.86)))
    assert "no spatial part" in words.spatial("iid", None)
    assert "intervals are too narrow" in words.spatial("none", None)


def test_a_name_takes_the_place_of_the_migrants_column():
    named = replace(TOLD, called="residents with migration background")
    assert "share of migrants (residents with migration background) is ten" in words.comparison(named)
    assert "migrant_share" not in words.comparison(named)


def test_a_model_without_the_migrants_says_so():
    other = replace(
        TOLD, column="inc_hi", called="high income", migrants=False, step="one standard deviation (3.1)"
    )
    assert words.headline(other) == "The vote share of PVV is lower where high income is higher."
    assert words.comparison(other).startswith("Where high income is one standard deviation (3.1) higher")
    assert "leaves out the column of migrants (migrant share)" in words.without_migrants("migrant share")
    assert "no column of migrants" in words.without_migrants(None)
    assert "says nothing about migrants" in words.no_columns("the vote share of PVV")


def test_the_caveat_names_composition():
    assert "migrants who vote may vote otherwise" in words.caveat(TOLD)
    assert "districts, not persons" in words.caveat(replace(TOLD, migrants=False))


@pytest.mark.parametrize(
    ("points", "said"),
    [(10, "ten percentage points"), (1, "one percentage point"), (2.5, "2.5 percentage points")],
)
def test_steps_are_spoken(points, said):
    assert words.points_step(points) == said


def recovered(name: str, true: float) -> Recovered:
    return Recovered(name, name, true, 0.5, 0.3, 0.7)


def test_truth_inside_and_outside():
    inside = truth_words([recovered("sigma", 0.4), recovered("rho", 0.6)], 0.953, [])
    assert "all 2 lie in their 95" in inside
    assert "95 % of the districts" in plain(inside)
    missed = truth_words([recovered("sigma", 0.4), recovered("rho", 0.9)], 0.9, ["income"])
    assert "1 of 2 lie in their" in missed
    assert "outside is rho: 0.9 (0.3 to 0.7)" in missed
    assert "leaves out income" in missed


def test_numbers_have_one_form():
    assert fixed(-3.24, 1) == "−3.2"
    assert fixed(-0.04, 1) == "0.0"
    assert fixed(12345.6) == "12,346"
    assert fixed(float("nan")) == "–"
    assert interval(-3.84, -2.6, 1) == "−3.8 to −2.6"
    assert digits_for(-3.84, -2.6) == 1
    assert digits_for(-0.9, -0.04) == 2, "an end that is not zero is not written as zero"
    assert significant(1.0061, 4) == "1.006"
    assert significant(4000.0) == "4,000"
    assert significant(5.96e-8) == "5.96e−08"
    assert percent(0.421) == f"42{NBSP}%"
    assert probability(1.0) == f"more than 99.9{NBSP}%"
    assert probability(0.0) == f"less than 0.1{NBSP}%"
    assert seconds(192) == "3 min 12 s"
