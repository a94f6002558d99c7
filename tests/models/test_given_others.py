"""What the others say of one district, against dense algebra; its integrated likelihood by brute force."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import betabinom, binom, norm, poisson

from spatialvote.models.given_others import given_others
from spatialvote.models.integrated import log_integrated
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.structures import bind_graph


def full_conditional(precision, effects):
    """Mean and precision of each effect given the others, by conditioning a dense covariance."""
    covariance = np.linalg.inv(precision)
    n = len(effects)
    mean, inverse = np.empty(n), np.empty(n)
    for i in range(n):
        rest = np.delete(np.arange(n), i)
        gain = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, i])
        mean[i] = gain @ effects[rest]
        inverse[i] = 1 / (covariance[i, i] - gain @ covariance[rest, i])
    return mean, inverse


def dense_precision(field, sigma, rho, dense):
    """P of the effects as a dense matrix in the districts' order."""
    if field.precision is None:
        return np.linalg.inv(dense(field.graph, sigma, rho))
    from spatialvote.models.structures.dispatch import weights

    pattern, terms = field.precision.pattern, field.precision
    share = weights(terms.code, rho, terms.table)[0] / sigma**2
    n = field.graph.n
    matrix = np.diag(share @ terms.diagonal_terms)
    rows = np.repeat(np.arange(n), np.diff(pattern.below_start))
    matrix[rows, pattern.below_index] = matrix[pattern.below_index, rows] = share @ terms.below_terms
    place = np.argsort(pattern.order)
    return matrix[np.ix_(place, place)]


@pytest.mark.parametrize("draws", [3, 40])
@pytest.mark.parametrize("structure", ["bym2", "leroux", "proper_car", "sar", "dagar"])
def test_the_full_conditional_is_that_of_the_dense_covariance(graph, dense, structure, draws):
    """Few draws take exact diagonals, many the interpolated ones."""
    rng = np.random.default_rng(4)
    field = bind_graph(structure, graph)
    sigma, rho = rng.uniform(0.2, 1.5, draws), expit(rng.normal(0, 2.0, draws))
    effects = rng.normal(0, 0.5, (draws, graph.n))
    given = given_others(field, effects, {"sigma": sigma, "rho": rho})
    for s in range(draws):
        mean, precision = full_conditional(dense_precision(field, sigma[s], rho[s], dense), effects[s])
        # Both invert matrices of a condition number up to 1e4; interpolation is good to 1e-9.
        np.testing.assert_allclose(given.precision[s], precision, rtol=1e-7)
        np.testing.assert_allclose(given.mean[s], mean, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("structure", ["bym2", "leroux", "sar", "iid"])
def test_the_intercept_is_integrated_out_as_by_dense_algebra(graph, dense, structure):
    """The effects and the intercept together are Gaussian with covariance P^-1 + s^2 1 1'."""
    rng = np.random.default_rng(5)
    links = (
        graph if structure != "iid" else scale_graph(graph.n, np.zeros(0, np.int64), np.zeros(0, np.int64))
    )
    field = bind_graph(structure, links)
    sigma, rho, off = rng.uniform(0.2, 1.5, 3), np.array([0.3, 0.9, 0.999]), rng.normal(0, 1, 3)
    effects = rng.normal(0, 0.5, (3, graph.n))
    given = given_others(field, effects, {"sigma": sigma, "rho": rho}, off, 1.5)
    for s in range(3):
        exact = np.eye(graph.n) / sigma[s] ** 2
        if structure != "iid":
            exact = dense_precision(field, sigma[s], rho[s], dense)
        both = np.linalg.inv(np.linalg.inv(exact) + 1.5**2)
        mean, precision = full_conditional(both, effects[s] + off[s])
        np.testing.assert_allclose(given.precision[s], precision, rtol=1e-6)
        np.testing.assert_allclose(given.mean[s], mean - off[s], rtol=1e-5, atol=1e-7)


def test_independent_effects_know_nothing_of_each_other():
    field = bind_graph("iid", scale_graph(4, np.zeros(0, np.int64), np.zeros(0, np.int64)))
    given = given_others(field, np.ones((2, 4)), {"sigma": np.array([0.5, 2.0])})
    np.testing.assert_array_equal(given.mean, 0)
    np.testing.assert_array_equal(given.precision, np.repeat([[4.0], [0.25]], 4, axis=1))
    field = bind_graph("none", field.graph)
    assert np.isinf(given_others(field, np.zeros((2, 4)), {}).precision).all()


DENSITIES = {
    "binomial": lambda eta, y, size, loose: binom.logpmf(y, size, expit(eta)),
    "poisson": lambda eta, y, size, loose: poisson.logpmf(y, size * np.exp(eta)),
    "beta_binomial": lambda eta, y, size, loose: betabinom.logpmf(
        y, size, expit(eta) * (1 - loose) / loose, expit(-eta) * (1 - loose) / loose
    ),
    "gaussian": lambda eta, y, size, loose: norm.logpdf(y, eta, loose),
}


@pytest.mark.parametrize("family", sorted(DENSITIES))
def test_integrated_likelihood_by_brute_force(family):
    """Nine nodes give 1e-4 where a wide prior meets a dozen votes or fewer, far below Monte Carlo error."""
    loose = {"gaussian": 0.3, "beta_binomial": 0.02}.get(family, 0.0)
    votes = np.array([0.0, 12.0, 300.0, 0.0])
    size = {"poisson": np.array([4.0, 20.0, 250.0, 0.0])}.get(family, np.array([30.0, 90.0, 1400.0, 0.0]))
    if family == "gaussian":
        votes, size = np.array([-2.0, -0.4, 1.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0])
    mean = np.array([[-1.0, -1.5, -0.5, 0.3], [0.2, -3.0, -1.8, 0.3]])
    precision = np.array([[4.0, 1.0, 25.0, 2.0], [9.0, 2.0, 100.0, np.inf]])
    value = log_integrated(family, votes, size, mean, precision, np.full(2, loose))
    for s in range(2):
        for i in range(3):
            m, t = mean[s, i], precision[s, i]
            around = np.linspace(m - 30 / np.sqrt(t), m + 30 / np.sqrt(t), 40001)
            log_joint = DENSITIES[family](around, votes[i], size[i], loose) + norm.logpdf(
                around, m, 1 / np.sqrt(t)
            )
            top = log_joint.max()
            # The trapezoidal rule on a smooth integrand that vanishes at both ends is exact to rounding.
            brute = top + np.log(np.trapezoid(np.exp(log_joint - top), around))
            assert value[s, i] == pytest.approx(
                brute, abs=2e-4 if votes[i] < 20 and family != "gaussian" else 1e-6
            )
    np.testing.assert_array_equal(value[:, 3], 0)


@pytest.mark.parametrize("family", sorted(DENSITIES))
def test_without_an_effect_it_is_the_likelihood(family):
    loose = {"gaussian": 0.3, "beta_binomial": 0.02}.get(family, 0.0)
    votes, size = np.array([3.0, 40.0]), np.array([50.0, 70.0])
    if family == "gaussian":
        votes, size = np.array([-2.0, -0.4]), np.ones(2)
    mean = np.array([[-1.0, 0.4], [-2.0, 0.0], [0.5, 0.6]])
    value = log_integrated(family, votes, size, mean, np.full(mean.shape, np.inf), np.full(3, loose))
    np.testing.assert_allclose(value, DENSITIES[family](mean, votes, size, loose), rtol=1e-9)


def test_held_out_predictions_sum_to_one():
    """Over all possible votes of a district the integrated likelihoods are a distribution."""
    size = 12
    votes = np.arange(size + 1.0)
    mean, precision = np.full((1, size + 1), -0.7), np.full((1, size + 1), 3.0)
    total = np.exp(log_integrated("binomial", votes, np.full(size + 1, size), mean, precision)).sum()
    assert total == pytest.approx(1, abs=1e-4)
