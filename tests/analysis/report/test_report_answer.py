"""What a report says of the answer, the truth and the model: numbers, names, and words that follow them."""

from types import SimpleNamespace

import numpy as np

from spatialvote.analysis.effects.effect import effect
from spatialvote.analysis.report.numbers import digits_for, fixed, interval
from spatialvote.analysis.report.page import report
from spatialvote.analysis.report.record import caveats
from spatialvote.analysis.review import review
from spatialvote.data.simulate import simulate_city
from spatialvote.models.vote_share import VoteShareModel

CITY_FORMULA = "national_list ~ migrant_share + higher_education + income"


def test_names_take_the_place_of_columns_and_the_column_is_given_beside_its_coefficient(city_page):
    assert "Where the share of migrants (residents with migration background) is ten" in city_page.text
    assert "with higher education and income held fixed" in city_page.text
    assert "the vote share of the National List" in city_page.text
    assert "residents with migration background (column migrant_share)" in city_page.text
    answered = city_page.text.split("Does the fit find")[0].split("The question and the answer")[1]
    # Checks that warn are called by their names.
    warned = answered.partition("Read the answer together with")[2].partition(".")[0]
    assert "_" not in answered.replace(warned, "")


def test_numbers_are_those_of_the_effect(city, city_fit, city_page):
    one = effect(city_fit, city.districts)
    digits = digits_for(one.low, one.high)
    assert f"about {fixed(abs(one.mean), digits)} percentage points" in city_page.text
    assert interval(one.low, one.high, digits_for(one.low, one.high, least=2)) in city_page.text


def test_points_and_weighting_are_those_asked_for(city, city_fit, city_review, read_page, tmp_path):
    path = tmp_path / "r.html"
    page = read_page(report(city_fit, city_review, city.districts, path, points=5, weighting="voters"))
    one = effect(city_fit, city.districts, points=5, weighting="voters")
    assert "is five percentage points higher" in page.text
    assert f"about {fixed(abs(one.mean), digits_for(one.low, one.high))} percentage points" in page.text
    assert "averaged over voters" in page.text


def test_truth_is_compared(city, city_page, plain_pages):
    true = city.truth.parties["national_list"]
    assert "Simulated data: places, people and votes are invented." in city_page.text
    assert "Does the fit find what was put in?" in city_page.text
    for value in (f"{true.effect_10_points:.2f}", "0.35", "0.70"):
        assert value.replace("-", "−") in city_page.text
    assert "Does the fit find what was put in?" not in plain_pages["bym2"].text


def test_steps_in_the_truth_are_short(city_page):
    table = city_page.text.split("True values and their estimates")[1].split("Maps")[0]
    assert "residents with migration background, +10 points" in table
    assert "income, +1 standard deviation" in table


def test_the_scale_of_the_district_effects_is_named(city_page, count_page):
    assert "What the covariates leave open (log-odds)" in city_page.text
    assert "What the covariates leave open (log rates)" in count_page.text
    assert "predictive p-value of the overall share" in city_page.text
    assert "predictive p-value of the overall rate" in count_page.text


def test_parts_without_a_link_have_no_level_of_their_own():
    """The model has one intercept, and the structured effect sums to zero in each part."""
    districts = simulate_city(seed=4, n_districts=60, second_component=True).districts
    everywhere = np.ones(districts.n, dtype=bool)
    fit = SimpleNamespace(model=VoteShareModel(CITY_FORMULA), size=districts.valid, stood=everywhere)
    space = dict(caveats(fit, districts))["Space"]
    assert "2 parts without a link between them: what differs between the parts' averages is left to" in space
    assert "level of its own" not in space


def test_structures_are_told_apart(plain_pages):
    assert "intervals are too narrow" in plain_pages["none"].text
    assert "This model has no spatial part" in plain_pages["iid"].text
    assert "are shared by neighbouring districts" in plain_pages["bym2"].text
    symbols = {name: page.source.count("<mi>ρ</mi>") for name, page in plain_pages.items()}
    assert symbols["bym2"] > 0
    assert symbols["iid"] == symbols["none"] == 0


def test_a_failed_review_is_told_before_the_answer(plain_pages):
    for structure, page in plain_pages.items():
        failed = 'class="verdict fail"' in page.source
        assert ("Do not rely on this answer yet" in page.text) == failed, structure
    assert "Do not rely on this answer yet" in plain_pages["none"].text


def test_counts_are_rates(count_page):
    assert "the rate of pvv" in count_page.text
    assert (
        "vote share" not in count_page.text.split("Caveats")[0].split("The review")[0].split("The record")[0]
    )
    assert "Poisson" in count_page.text
    assert "with income held fixed" in count_page.text


def test_a_model_without_migrants_answers_for_its_first_covariate(districts, read_page, tmp_path):
    fit = VoteShareModel("pvv ~ income", structure="none").fit(
        districts, seed=1, draws=200, tune=200, progress=False
    )
    page = read_page(report(fit, review(fit, districts), districts, tmp_path / "r.html"))
    assert "leaves out the column of migrants (migrants)" in page.text
    assert "where income is higher" in page.text
    assert "migrants who vote" not in page.text
