"""Integrated leave-one-out against refits without the district, and against weights computed by hand."""

import numpy as np
import pytest
from scipy.special import logsumexp

from spatialvote.analysis.loo import loo, predictive, smooth, spread_of_sum
from spatialvote.data.errors import FitError
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel

FORMULA = "pvv ~ migrants + income"
#: An inner district, one on the edge, one in a corner, both islands, and one that is an outlier below.
LEFT_OUT = (0, 5, 77, 100, 144, 145)


@pytest.fixture(scope="module")
def surprising(altered):
    """The districts with one that votes unlike its surroundings."""

    def change(table):
        table.iloc[100, table.columns.get_loc("pvv")] = int(0.6 * table["valid"].iloc[100])

    return altered(change)


def exact(model, districts, i, draws=3000):
    """log p(y_i | y_-i) from a fit that never saw y_i, and its Monte Carlo error."""
    fit = model.fit(
        districts, "laplace", seed=100 + i, draws=draws, held_out=[districts.ids[i]], progress=False
    )
    log_p = predictive(fit, model.posterior(districts)[0], np.arange(draws))[:, i]
    value = logsumexp(log_p) - np.log(draws)
    return value, np.exp(log_p - value).std() / np.sqrt(fit.record["laplace"]["importance_ess"])


@pytest.mark.parametrize(
    ("structure", "family"),
    [("bym2", "binomial"), ("iid", "binomial"), ("leroux", "binomial"), ("sar", "binomial"),
     ("none", "beta_binomial"), ("bym2", "beta_binomial"), ("bym2", "gaussian")],
)  # fmt: skip
def test_it_agrees_with_fits_that_never_saw_the_votes(surprising, structure, family):
    model = VoteShareModel(FORMULA, family, structure)
    fit = model.fit(surprising, "laplace", seed=5, draws=3000, progress=False)
    found = loo(fit, model.posterior(surprising)[0], draws=3000)
    # Two of these have weights that call for a short run of the sampler in every fit: one district is enough.
    for i in LEFT_OUT if family == "binomial" else LEFT_OUT[:1]:
        value, error = exact(model, surprising, i)
        # Both estimates are random: four standard errors of their difference, and 0.01 for the engine, whose
        # sigma and rho are drawn from a few dozen points.
        assert found.elpd[i] == pytest.approx(value, abs=4 * np.hypot(error, found.error[i]) + 0.01), i


def test_integrating_the_own_effect_makes_the_weights_reliable(surprising):
    model = VoteShareModel(FORMULA)
    fit = model.fit(surprising, "laplace", seed=5, draws=2000, progress=False)
    found = loo(fit, model.posterior(surprising)[0])
    # Ordinary weights are unreliable in most districts, integrated ones hardly anywhere.
    assert (found.conditional_k > 0.7).mean() > 0.5
    assert (found.k > 0.7).sum() <= 2
    # The outlier is predicted worst.
    assert np.argmin(found.elpd) == 100
    # Three coefficients, sigma and rho are shared, and neighbours' effects a little.
    assert 1 < found.p_loo < 15
    assert found.standard_error == pytest.approx(np.sqrt(surprising.n * found.elpd.var(ddof=1)))


def test_weights_by_hand():
    """Weights are one over the likelihood: the draws that explain the votes worst count most."""
    rng = np.random.default_rng(1)
    log_p = rng.normal(-3, 0.3, (1000, 2))
    weights, k = smooth(log_p, 1.0)
    np.testing.assert_allclose(np.exp(weights).sum(axis=1), 1, rtol=1e-9)
    by_hand = np.exp(-log_p[:, 0])
    by_hand /= by_hand.sum()
    # Smoothing moves the largest weights alone, here the 3 sqrt(1000) = 95 of the tail.
    body = np.argsort(by_hand)[:-100]
    ratio = np.exp(weights[0, body]) / by_hand[body]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)
    assert ratio[0] == pytest.approx(1, rel=0.02)
    assert (k < 0.5).all()
    # E[p] under weights 1/p is the harmonic mean: log of 1 / mean(1 / p) = mu - sd^2 / 2 of the normal.
    elpd = logsumexp(weights + log_p.T, axis=1)
    np.testing.assert_allclose(elpd, -3 - 0.3**2 / 2, atol=4 * 0.3 / np.sqrt(1000))


def test_weights_that_are_all_alike():
    weights, k = smooth(np.full((200, 3), -2.0), 1.0)
    np.testing.assert_allclose(weights, -np.log(200))
    np.testing.assert_array_equal(k, 0)


def test_the_sampler_and_poisson_counts(counts):
    model = VoteShareModel("pvv ~ migrants", "poisson", "leroux")
    fit = model.fit(counts, seed=3, draws=400, tune=400, chains=2, progress=False)
    posterior, _ = model.posterior(counts)
    found = loo(fit, posterior, draws=500)
    assert found.draws == 500
    value, error = exact_by_nuts(model, counts, 7)
    assert found.elpd[7] == pytest.approx(value, abs=4 * np.hypot(error, found.error[7]))
    assert (found.k < 0.7).mean() > 0.95


def exact_by_nuts(model, districts, i):
    """As `exact`, sampled; a tenth of the draws is counted as independent."""
    fit = model.fit(
        districts, seed=8, draws=800, tune=400, chains=2, held_out=[districts.ids[i]], progress=False
    )
    log_p = predictive(fit, model.posterior(districts)[0], np.arange(1600))[:, i]
    value = logsumexp(log_p) - np.log(1600)
    return value, np.exp(log_p - value).std() / np.sqrt(160)


def test_districts_where_the_party_did_not_stand_are_left_out(altered):
    def change(table):
        table.iloc[[3, 9], table.columns.get_loc("pvv")] = 0

    districts = altered(change)
    model = VoteShareModel(FORMULA, absent="zero votes")
    fit = model.fit(districts, "laplace", seed=5, progress=False)
    found = loo(fit, model.posterior(districts)[0])
    for values in (found.elpd, found.k, found.conditional_k, found.parameters, found.error):
        assert np.flatnonzero(np.isnan(values)).tolist() == [3, 9]
    assert np.isfinite([found.total, found.standard_error, found.p_loo]).all()
    assert found.total == pytest.approx(np.delete(found.elpd, [3, 9]).sum())


def test_too_few_draws_are_refused(districts, fits):
    fit = fits("none")
    short = Fit(fit.tree.isel(chain=slice(0, 1), draw=slice(0, 99)), fit.model, fit.record)
    with pytest.raises(
        FitError, match="leave-one-out needs 100 draws or more, and the fit has 99: fit again"
    ):
        loo(short, fit.model.posterior(districts)[0])


def test_spread_of_a_sum():
    assert spread_of_sum(np.array([1.0, np.nan, 3.0])) == pytest.approx(2.0)
    assert np.isnan(spread_of_sum(np.array([1.0, np.nan])))
