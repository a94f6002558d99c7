"""What mixed worst, which chain is apart, and the places of votes, as the page shows them."""

import numpy as np
import pytest

from spatialvote.analysis.checks import convergence
from spatialvote.analysis.effects.effect import effect
from spatialvote.analysis.figures.pit import plot_pit
from spatialvote.analysis.report.chains import chains_part, worst_quantities
from spatialvote.analysis.report.pit import pit_part
from spatialvote.analysis.review import review
from spatialvote.data.errors import DataError
from spatialvote.data.simulate import simulate_city
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel

MODEL = VoteShareModel("national_list ~ migrant_share + income")


@pytest.fixture(scope="module")
def city():
    return simulate_city(seed=1, n_districts=40).districts


@pytest.fixture(scope="module")
def apart(city):
    """A fit whose third chain has a larger sigma, and its review."""
    fit = MODEL.fit(city, seed=1, draws=300, tune=200, progress=False)
    tree = fit.tree.copy(deep=True)
    sigma = tree["posterior"]["sigma"].to_numpy()
    sigma[2] += 1.5 * sigma.std()
    fit = Fit(tree, fit.model, fit.record)
    return fit, review(fit, city)


def test_the_worst_are_those_of_the_review(apart):
    fit, evidence = apart
    worst = worst_quantities(evidence)
    assert worst["sigma"].startswith("largest R-hat: 1.")
    names = {next(iter(evidence[one].details["worst"])) for one in ("r_hat", "r_hat_districts", "ess_tail")}
    assert names <= set(worst)
    for name in worst:
        assert convergence.scalar(fit, name).shape == (4, 300)


def test_the_chain_that_is_apart_is_named(apart, city):
    fit, evidence = apart
    part = chains_part(fit, evidence, city)
    assert len(part.pictures) == 2
    assert "sigma" in part.pictures[1].caption
    rows = next(one for one in part.tables if one.caption.startswith("sigma by chain")).rows
    assert [row[-1] for row in rows] == ["no", "no", "yes", "no"]


def test_draws_that_are_no_chains_have_no_traces_but_places(city):
    fit = MODEL.fit(city, engine="laplace", seed=1, draws=200, progress=False)
    evidence = review(fit, city)
    assert chains_part(fit, evidence, city) is None
    part = pit_part(fit, evidence, city)
    assert set(part.checks) <= {one.name for one in evidence.checks}
    outside = evidence["pit"].details["outside"]
    assert f"Here {100 * outside:.0f}\u00a0% of the draws" in part.pictures[0].caption
    assert sum(len(one.rows) for one in part.tables) == len(evidence["pit_extreme"].details["tails"])


def test_monte_carlo_error_tells_how_many_digits_are_borne(city):
    """Of independent draws the error of the mean is sd / sqrt(draws)."""
    fit = MODEL.fit(city, engine="laplace", seed=1, draws=2000, progress=False)
    details = review(fit, city)["effect_digits"].details
    draws = effect(fit, city).draws
    worth = fit.record["laplace"]["importance_ess"]
    # The number of effective draws of independent draws is itself estimated, to a tenth or so.
    assert details["error_mean"] == pytest.approx(draws.std() / np.sqrt(worth), rel=0.25)
    assert details["error_high"] > details["error_mean"]


def test_a_band_of_another_length_is_refused():
    with pytest.raises(DataError, match="needs a value at each of its points"):
        plot_pit(np.array([0.5]), np.zeros((3, 1)), np.zeros(2), np.zeros(1))
