"""The LKJ prior in its coordinates: against its density on matrices, its draws, and finite differences."""

import numpy as np
import pytest
from scipy.stats import kstest

from spatialvote.data.errors import ModelError
from spatialvote.models.parties.correlation import (
    LKJ,
    correlation_factor,
    factor_slope,
    log_constant,
    log_prior_correlation,
    pairs,
)


def matrix(y, count):
    factor = correlation_factor(y, count)
    return factor @ factor.T


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("shape", [1.0, 2.5])
def test_density_is_a_power_of_the_determinant(count, shape):
    """log p(y) = (shape - 1) log |C| + log |d C / d y| up to one constant, for any y."""
    rng = np.random.default_rng(1)
    power = LKJ(shape).powers(count)
    lower = pairs(count)
    excess = []
    for _ in range(4):
        y = rng.normal(0, 0.7, power.size)
        steps = 1e-6 * np.eye(y.size)
        jacobian = [(matrix(y + one, count)[lower] - matrix(y - one, count)[lower]) / 2e-6 for one in steps]
        on_matrices = (shape - 1) * np.linalg.slogdet(matrix(y, count))[1]
        excess.append(log_prior_correlation(y, power)[0] - on_matrices - np.linalg.slogdet(jacobian)[1])
    # Differences of 1e-6 leave about 1e-9 of error in each slope.
    assert np.ptp(excess) < 1e-7


def test_density_integrates_to_one():
    power = LKJ(2.0).powers(2)
    grid = np.linspace(-12, 12, 4001)
    values = [np.exp(log_prior_correlation(np.array([y]), power)[0] + log_constant(power)) for y in grid]
    assert np.trapezoid(values, grid) == pytest.approx(1, abs=1e-6)


def test_correlation_of_two_fields_is_uniform_at_shape_one():
    y = LKJ(1.0).draw(np.random.default_rng(2), 4000, 2)
    assert kstest(np.tanh(y[:, 0]), "uniform", args=(-1, 2)).pvalue > 1e-3


def test_every_correlation_has_the_same_prior():
    """Whatever the order: each is 2 Beta(a, a) - 1 with a = shape + (K - 2) / 2."""
    y = LKJ(2.0).draw(np.random.default_rng(3), 4000, 3)
    drawn = np.array([matrix(one, 3)[np.tril_indices(3, -1)] for one in y])
    for column in drawn.T:
        assert kstest((column + 1) / 2, "beta", args=(2.5, 2.5)).pvalue > 1e-3


def test_slopes_are_those_of_differences():
    rng = np.random.default_rng(4)
    y, by_lower = rng.normal(size=6), np.tril(rng.normal(size=(4, 4)))
    power = LKJ(1.5).powers(4)
    for one in 1e-6 * np.eye(6):
        moved = (correlation_factor(y + one, 4) - correlation_factor(y - one, 4)) / 2e-6
        at = int(np.argmax(one))
        assert factor_slope(y, by_lower)[at] == pytest.approx((moved * by_lower).sum(), rel=1e-6)
        rise = log_prior_correlation(y + one, power)[0] - log_prior_correlation(y - one, power)[0]
        assert log_prior_correlation(y, power)[1][at] == pytest.approx(rise / 2e-6, rel=1e-6)


def test_shape_must_be_positive():
    with pytest.raises(ModelError, match="shape of the prior of correlations must be positive, got 0"):
        LKJ(0.0)
