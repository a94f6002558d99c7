"""Families against SciPy's distributions and finite differences."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from spatialvote.models.families import FAMILIES, binomial, poisson

ETA = np.array([-30.0, -4.0, -0.3, 0.0, 2.0, 25.0])
VOTES = np.array([0, 3, 40, 0, 88, 100])
SIZE = np.array([50.0, 100.0, 90.0, 7.0, 100.0, 100.0])


def test_binomial_density_is_scipys():
    expected = stats.binom.logpmf(VOTES, SIZE, expit(ETA))
    np.testing.assert_allclose(binomial.log_likelihood(ETA, VOTES, SIZE), expected, rtol=1e-9, atol=1e-9)


def test_poisson_density_is_scipys():
    eta = ETA.clip(-8, 2)
    expected = stats.poisson.logpmf(VOTES, SIZE * np.exp(eta))
    np.testing.assert_allclose(poisson.log_likelihood(eta, VOTES, SIZE), expected, rtol=1e-10)


def test_codes_are_the_positions():
    assert [module.CODE for module in FAMILIES.values()] == list(range(len(FAMILIES)))


@pytest.mark.parametrize("name", list(FAMILIES))
def test_compiled_gradient_and_value_follow_the_density(name):
    family = FAMILIES[name]
    eta, votes = ETA.clip(-8, 4), VOTES.astype(float)

    def value(at):
        return family.add_gradient(at, votes, SIZE, 0.0, np.zeros(len(at)))[0]

    gradient = np.ones(len(eta))
    family.add_gradient(eta, votes, SIZE, 0.0, gradient)
    for q in range(len(eta)):
        step = 1e-6 * np.eye(len(eta))[q]
        assert gradient[q] - 1 == pytest.approx((value(eta + step) - value(eta - step)) / 2e-6, abs=1e-4)
    # The compiled value leaves a constant out, so differences must agree.
    moved = eta + 0.1
    exact = family.log_likelihood(moved, votes, SIZE) - family.log_likelihood(eta, votes, SIZE)
    assert value(moved) - value(eta) == pytest.approx(exact.sum(), rel=1e-10)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_draws_have_the_mean_and_the_information_is_the_curvature(name):
    family = FAMILIES[name]
    eta, size = np.array([-2.0, 0.3]), np.array([40.0, 12.0])
    count = size.astype(np.int64) if name == "binomial" else size
    draws = family.draw(np.random.default_rng(1), np.tile(eta, (20_000, 1)), count)
    mean, spread = size * family.mean(eta), draws.std(axis=0) / np.sqrt(20_000)
    assert np.all(np.abs(draws.mean(axis=0) - mean) < 4.5 * spread)
    h = 1e-4
    curvature = -(
        family.log_likelihood(eta + h, mean, size)
        - 2 * family.log_likelihood(eta, mean, size)
        + family.log_likelihood(eta - h, mean, size)
    )
    np.testing.assert_allclose(family.information(eta, size), curvature / h**2, rtol=1e-4)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_crude_values_are_finite_for_no_votes_and_overall_inverts_the_mean(name):
    family = FAMILIES[name]
    assert np.isfinite(family.crude(np.array([0.0, 5.0]), np.array([5.0, 5.0]))).all()
    level = family.overall(np.array([3.0, 7.0]), np.array([20.0, 30.0]))
    assert family.mean(np.array(level)) == pytest.approx(0.2)
