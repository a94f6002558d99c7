"""Slopes by level and moderators: against sums by hand, and what they refuse."""

import numpy as np
import pytest

from spatialvote.analysis.curve import curve
from spatialvote.analysis.effects.effect import effect
from spatialvote.analysis.figures.caterpillar import ENDS, NAMED, plot_level_slopes
from spatialvote.analysis.levels import LevelSlopes, slopes_by_level
from spatialvote.analysis.moderators import moderation, moderations
from spatialvote.analysis.report.level_slopes import level_parts, moderator_words
from spatialvote.data.errors import ModelError
from spatialvote.data.simulate import simulate_city
from spatialvote.models.vote_share import VoteShareModel

FORMULA = "national_list ~ migrant_share * policy + (1 + migrant_share | quarter)"


@pytest.fixture(scope="module")
def districts():
    made = simulate_city(seed=4, n_districts=60).districts
    quarter = made.table["quarter"].astype(str)
    scores = {name: 10.0 * k for k, name in enumerate(sorted(quarter.unique()))}
    made.table["policy"] = quarter.map(scores)
    return made


@pytest.fixture(scope="module")
def fit(districts):
    model = VoteShareModel(FORMULA, structure="iid")
    return model.fit(districts, "laplace", seed=1, draws=300, progress=False)


def test_slopes_are_the_pooled_one_and_the_level_s_departure(fit, districts):
    slopes = slopes_by_level(fit)
    k = fit.coefficients.index("migrant_share")
    # The share is stored in percent, so that ten points are ten units.
    factor = 10.0 / fit.constant("scale")[k]
    by_hand = factor * (fit.draws("beta")[:, [k]] + fit.draws("effect_migrant_share|quarter"))
    levels = list(fit.tree["posterior"].coords["level_quarter"].to_numpy())
    at = [levels.index(one) for one in slopes.table.index]
    np.testing.assert_allclose(slopes.table["mean"], by_hand.mean(axis=0)[at])
    np.testing.assert_allclose(slopes.table["low"], np.quantile(by_hand, 0.025, axis=0)[at])
    assert slopes.table["mean"].is_monotonic_increasing
    assert slopes.table["districts"].sum() == 60
    # A new level varies by the spread on top of the pooled slope.
    expected = np.sqrt(slopes.pooled.var() + (slopes.spread**2).mean())
    assert slopes.new.std() == pytest.approx(expected, rel=0.2)
    assert slopes.table["pooling"].between(0, 1).all()


def test_effects_use_the_slopes_of_the_levels(fit, districts):
    """The mean effect by district on the log-odds has the order of the districts' slopes."""
    shift = np.zeros((60, 3))
    shift[:, fit.coefficients.index("migrant_share")] = 10.0
    change = fit.change(shift).mean(axis=0)
    slopes = slopes_by_level(fit).table["mean"]
    quarter = districts.table["quarter"].astype(str)
    np.testing.assert_allclose(change, quarter.map(slopes).to_numpy(), rtol=1e-6)
    assert np.isfinite(effect(fit, districts, "migrant_share").mean)


def test_a_moderator_tells_its_units_and_the_prior_s_weight(fit, districts):
    (one,) = moderations(fit, districts)
    assert (one.covariate, one.moderator, one.group) == ("migrant_share", "policy", "quarter")
    levels = districts.table["quarter"].nunique()
    assert one.units == levels
    assert 0 < one.effective_units <= levels
    draws = fit.draws("beta")[:, fit.coefficients.index("migrant_share:policy")]
    assert one.prior_weight == pytest.approx(draws.var())
    assert "fewer than 25 units" in one.words
    assert "interval is too narrow" not in one.words


def test_a_moderator_that_varies_within_units_is_refused(fit, districts):
    with pytest.raises(ModelError, match="lacks the interaction of 'migrant_share' and 'income'"):
        moderation(fit, districts, "migrant_share", "income", "quarter")
    with pytest.raises(ModelError, match=r"'migrant_share' varies within \d+ levels of 'quarter'"):
        moderation(fit, districts, "policy", "migrant_share", "quarter")
    with pytest.raises(ModelError, match="lacks group 'country'"):
        moderation(fit, districts, "migrant_share", "policy", "country")


def test_what_does_not_vary_is_refused(fit, districts):
    with pytest.raises(ModelError, match="has no slope of 'income' that varies between levels: use one of"):
        slopes_by_level(fit, "income")
    with pytest.raises(ModelError, match="slope of 'migrant_share' varies between levels"):
        curve(fit, districts, "migrant_share")


def test_the_report_has_a_part_for_each_slope_and_words_for_the_moderator(fit, districts):
    (part,) = level_parts(fit, districts)
    assert "pooled mean" in part.words[0]
    assert len(moderator_words(fit, districts)) == 1


def test_a_crowded_plot_names_both_ends(fit):
    slopes = slopes_by_level(fit)
    table = slopes.table.loc[np.repeat(slopes.table.index, NAMED)]
    table.index = [f"level {k}" for k in range(len(table))]
    crowded = LevelSlopes(**{**vars(slopes), "table": table})
    figure = plot_level_slopes(crowded)
    named = [text.get_text() for text in figure.texts if text.get_text().startswith("level ")]
    assert len(named) == 2 * ENDS
    assert named[0].startswith("level 0 ")
