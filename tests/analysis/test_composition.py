"""Composition: bounds by hand, cities whose gradient is or is not arithmetic."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from spatialvote.analysis.composition import composition
from spatialvote.analysis.effects.effect import effect
from spatialvote.analysis.figures.composition import plot_composition
from spatialvote.data.errors import ModelError
from spatialvote.data.simulate import simulate_city
from spatialvote.models.vote_share import VoteShareModel


@pytest.fixture(scope="module")
def city():
    return simulate_city(seed=5, n_districts=150).districts


def voted(city, others, migrants, *, rate=1.0, seed=1):
    """The city with votes of others and of migrants (shares by district), and its fit."""
    rng = np.random.default_rng(seed)
    x = city.table["migrant_share"].to_numpy() / 100
    cast = x * rate / (x * rate + 1 - x)
    noise = np.exp(rng.normal(0, 0.1, city.n))
    share = noise * (cast * migrants + (1 - cast) * others)
    table = city.table.assign(national_list=rng.binomial(city.valid, share), diversity_list=0)
    districts = replace(city, table=table)
    model = VoteShareModel("national_list ~ migrant_share + income")
    return model.fit(districts, engine="laplace", draws=400, seed=1, progress=False), districts


def test_a_gradient_that_is_all_composition_is_recognised(city):
    """Others vote alike everywhere, migrants a fifth as often: the sign turns at a fifth."""
    fit, districts = voted(city, 0.30, 0.06)
    found = composition(fit, districts)
    assert found.whole < -1
    assert found.could_be_all
    low, high = np.nanquantile(found.turning, [0.025, 0.975])
    assert low < 0.2 < high
    assert "composition alone could make the whole gradient" in found.words
    # All that there is is explained at the true support.
    assert found.effects.loc[0.2, "explained"] == pytest.approx(1, abs=0.25)


def test_turnout_and_franchise_move_the_turning_point(city):
    fit, districts = voted(city, 0.30, 0.06, rate=0.5)
    right = composition(fit, districts, entitled=0.5)
    assert np.nanquantile(right.turning, 0.025) < 0.2 < np.nanquantile(right.turning, 0.975)
    # The same product of both is the same assumption.
    halved = composition(fit, districts, entitled=1.0, turnout=0.5)
    pd.testing.assert_frame_equal(halved.effects, right.effects)
    assert np.nanmedian(composition(fit, districts).turning) > np.nanmedian(right.turning)


def test_a_gradient_beyond_arithmetic_is_told_apart(city):
    x = city.table["migrant_share"].to_numpy() / 100
    fit, districts = voted(city, np.clip(0.5 - 1.1 * x, 0.03, None), 0.0)
    found = composition(fit, districts)
    assert not found.could_be_all
    assert np.isnan(found.turning).mean() > 0.95
    assert "the sign stays" in found.words


def test_support_of_one_is_the_effect_on_the_whole_vote(city):
    fit, districts = voted(city, 0.30, 0.06)
    found = composition(fit, districts)
    # Districts that would leave 0 to 100 % are none here.
    assert found.whole == pytest.approx(effect(fit, districts, points=10).mean, rel=1e-9)
    assert (np.diff(found.effects["mean"]) < 0).all()


def test_bounds_by_hand(city):
    fit, districts = voted(city, 0.30, 0.06)
    found = composition(fit, districts)
    first = districts.ids[0]
    m = districts.table.loc[first, "migrant_share"] / 100
    p = districts.share("national_list")[0]
    expected = [m, max(0, (p - m) / (1 - m)), min(1, p / (1 - m))]
    np.testing.assert_allclose(found.bounds.loc[first], expected, rtol=1e-12)
    # Among the others of the city 30 % voted for it; bounds must hold that.
    assert found.overall[0] < 0.30 < found.overall[1]
    weight = districts.valid * (1 - found.bounds["migrant_votes"])
    assert found.overall[1] == pytest.approx(np.average(found.bounds["high"], weights=weight))
    # Where its assumption holds, ecological regression is right: 6 % among migrants, 30 % among others.
    assert found.regression == pytest.approx((0.06, 0.30), abs=0.04)


def test_districts_without_other_voters_have_no_bound_but_one():
    city = simulate_city(seed=6, n_districts=40).districts
    table = city.table.assign(migrant_share=np.where(np.arange(40) == 3, 99.0, city.table["migrant_share"]))
    fit, districts = voted(replace(city, table=table), 0.30, 0.06)
    found = composition(fit, districts)
    assert found.bounds.iloc[3]["high"] == 1
    assert np.isfinite(found.effects.to_numpy()).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"entitled": 0.0}, "entitled must be a number above 0"),
        ({"turnout": np.nan}, "turnout must be a number above 0"),
        ({"support": [0.2, 1.0]}, "support does not run from 0 over 1"),
        ({"points": 120.0}, "120 points more leave 0 to 100 % in every district"),
    ],
)
def test_assumptions_that_mean_nothing(city, arguments, message):
    fit, districts = voted(city, 0.30, 0.06)
    with pytest.raises(ModelError, match=message):
        composition(fit, districts, **arguments)


def test_a_formula_without_migrants(city):
    model = VoteShareModel("national_list ~ income")
    fit = model.fit(city, engine="laplace", draws=200, seed=1, progress=False)
    with pytest.raises(ModelError, match="'migrant_share' is not in formula"):
        composition(fit, city)


def test_the_figure_marks_the_turning_point_and_the_survey(city):
    fit, districts = voted(city, 0.30, 0.06)
    found = composition(fit, districts)
    figure = plot_composition(found, surveyed=(0.1, 0.3))
    marks = {one.get_gid() for one in [*figure.axes[0].lines, *figure.axes[0].patches]}
    assert {"turning", "surveyed"} <= marks
    text = " ".join(one.get_text() for one in figure.texts).replace("\n", " ")
    assert f"the sign turns at {np.nanmedian(found.turning):.2f}" in text
    assert "what surveys report, 0.1 to 0.3" in text
