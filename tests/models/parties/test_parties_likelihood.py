"""Multinomial and Dirichlet-multinomial: against SciPy, by hand, and with parties that did not stand."""

import numpy as np
import pytest
from scipy.stats import dirichlet_multinomial, multinomial

from spatialvote.models.families import beta_binomial
from spatialvote.models.parties.likelihood import CODES, add_gradient, draw, log_likelihood, shares

ETA = np.array([[0.3, -1.2], [-2.0, 0.4], [-0.5, -0.7]])
COUNTS = np.array([[40.0, 7.0, 53.0], [3.0, 50.0, 40.0], [0.0, 0.0, 12.0]])
EVERYWHERE = np.ones((3, 2), dtype=bool)


def test_multinomial_is_that_of_scipy():
    p = shares(ETA, EVERYWHERE)
    expected = multinomial.logpmf(COUNTS, COUNTS.sum(axis=1).astype(int), p)
    found = log_likelihood("multinomial", ETA[None], COUNTS, EVERYWHERE, 0.0)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_dirichlet_multinomial_is_that_of_scipy():
    delta = 0.03
    p = shares(ETA, EVERYWHERE)
    expected = [
        dirichlet_multinomial.logpmf(y.astype(int), one * (1 - delta) / delta, int(y.sum()))
        for y, one in zip(COUNTS, p, strict=True)
    ]
    found = log_likelihood("dirichlet_multinomial", ETA[None], COUNTS, EVERYWHERE, delta)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_two_categories_are_a_beta_binomial():
    eta, counts = ETA[:, :1], COUNTS[:, [0, 2]]
    found = log_likelihood("dirichlet_multinomial", eta[None], counts, EVERYWHERE[:, :1], 0.02)[0]
    expected = beta_binomial.log_likelihood(eta[:, 0], counts[:, 0], counts.sum(axis=1), 0.02)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("family", list(CODES))
def test_a_party_that_did_not_stand_leaves_the_sum(family):
    """By hand: with party 2 gone, 40 of 93 votes at p = e^0.3 / (1 + e^0.3), whatever its own logit is."""
    stood = np.array([[True, False]])
    counts = np.array([[40.0, 0.0, 53.0]])
    p = np.exp(0.3) / (1 + np.exp(0.3))
    delta = 0.01
    if family == "multinomial":
        expected = multinomial.logpmf([40, 53], 93, [p, 1 - p])
    else:
        a = np.array([p, 1 - p]) * (1 - delta) / delta
        expected = dirichlet_multinomial.logpmf([40, 53], a, 93)
    for logit in (-1.2, 30.0):
        eta = np.array([[0.3, logit]])
        assert log_likelihood(family, eta[None], counts, stood, delta)[0, 0] == pytest.approx(
            expected, rel=1e-10
        )
        np.testing.assert_allclose(shares(eta, stood), [[p, 0, 1 - p]], rtol=1e-12)
        gradient = np.zeros((2, 1))
        add_gradient(CODES[family], eta.T.copy(), counts, stood.astype(float), delta, gradient)
        assert gradient[1, 0] == 0.0
        votes = draw(family, np.random.default_rng(1), eta[None], stood, np.array([500]), np.array([delta]))
        assert votes[0, 0, 1] == 0
        assert votes.sum() == 500


@pytest.mark.parametrize("family", list(CODES))
def test_draws_have_the_moments_of_the_density(family):
    size, delta, draws = 200, 0.05, 20_000
    eta = np.broadcast_to(ETA[:1], (draws, 1, 2))
    stood = EVERYWHERE[:1]
    votes = draw(family, np.random.default_rng(5), eta, stood, np.array([size]), np.full(draws, delta))[:, 0]
    p = shares(ETA[:1], stood)[0]
    inflation = 1 + (size - 1) * delta if family == "dirichlet_multinomial" else 1.0
    covariance = size * (np.diag(p) - np.outer(p, p)) * inflation
    error = np.sqrt(np.diag(covariance) / draws)
    assert (np.abs(votes.mean(axis=0) - size * p) < 4 * error).all()
    # A variance from 20,000 draws has a relative error near 1 %, more where tails are heavier: 6 %.
    np.testing.assert_allclose(np.diag(np.cov(votes.T)), np.diag(covariance), rtol=0.06)
    assert (votes.sum(axis=1) == size).all()


def test_extreme_logits_stay_finite():
    eta = np.array([[800.0, -800.0]])
    assert np.isfinite(log_likelihood("multinomial", eta[None], COUNTS[:1], EVERYWHERE[:1], 0.0)).all()
    np.testing.assert_allclose(shares(eta, EVERYWHERE[:1]), [[1, 0, 0]], atol=1e-300)
