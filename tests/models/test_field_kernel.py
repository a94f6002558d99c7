"""The field's density: dense algebra, finite differences, invariances."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from spatialvote.models.field_kernel import field_density
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.spectrum import spectrum

POINTS = [(0.5, 0.7), (1.3, 0.02), (0.2, 0.995)]


@pytest.fixture(params=[0, 3], ids=["no columns", "three columns"])
def columns(request, graph):
    rng = np.random.default_rng(2)
    design = rng.normal(size=(graph.n, request.param))
    if request.param:
        design[:, 0] = 1.0
    return design, np.resize([1.5, 1.0, 0.7], request.param)


def evaluate(graph, eta, design, prior_sd, sigma, rho):
    nodes = spectrum(graph)
    arrays = (graph.component, graph.sizes, nodes.value, nodes.weight, tuple(graph.pattern))
    return field_density(eta, design, prior_sd, sigma, rho, *arrays)


@pytest.mark.parametrize(("sigma", "rho"), POINTS)
def test_density_is_that_of_the_dense_normal(graph, columns, dense, sigma, rho):
    design, prior_sd = columns
    eta = np.random.default_rng(4).normal(size=graph.n)
    covariance = dense(graph, sigma, rho) + design @ np.diag(prior_sd**2) @ design.T
    expected = multivariate_normal(np.zeros(graph.n), covariance).logpdf(eta)
    assert evaluate(graph, eta, design, prior_sd, sigma, rho)[0] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(("sigma", "rho"), POINTS)
def test_more_columns_than_are_solved_together(graph, dense, sigma, rho):
    rng = np.random.default_rng(2)
    design, prior_sd = rng.normal(size=(graph.n, 34)), np.resize([1.5, 1.0, 0.7], 34)
    eta = np.random.default_rng(4).normal(size=graph.n)
    covariance = dense(graph, sigma, rho) + design @ np.diag(prior_sd**2) @ design.T
    expected = multivariate_normal(np.zeros(graph.n), covariance).logpdf(eta)
    value, _, _, by_rho, _ = evaluate(graph, eta, design, prior_sd, sigma, rho)
    assert value == pytest.approx(expected, abs=1e-7)

    def slope(h):
        ahead = evaluate(graph, eta, design, prior_sd, sigma, rho + h)[0]
        return (ahead - evaluate(graph, eta, design, prior_sd, sigma, rho - h)[0]) / (2 * h)

    # So many columns leave rounding near 1e-11 in the value: steps are long, and their h^2 is taken out.
    h = 1e-2 * min(rho, 1 - rho)
    assert by_rho == pytest.approx((4 * slope(h / 2) - slope(h)) / 3, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(("sigma", "rho"), POINTS)
def test_gradient_agrees_with_finite_differences(graph, columns, sigma, rho):
    design, prior_sd = columns
    eta = np.random.default_rng(4).normal(size=graph.n)

    def value(d_eta=0.0, d_sigma=0.0, d_rho=0.0):
        return evaluate(graph, eta + d_eta, design, prior_sd, sigma + d_sigma, rho + d_rho)[0]

    _, by_eta, by_sigma, by_rho, by_log_sd = evaluate(graph, eta, design, prior_sd, sigma, rho)
    for at in (0, graph.n // 2, graph.n - 1):
        step = 1e-5 * np.eye(graph.n)[at]
        assert by_eta[at] == pytest.approx((value(step) - value(-step)) / 2e-5, rel=1e-5, abs=1e-6)
    h = 1e-5 * sigma
    assert by_sigma == pytest.approx((value(d_sigma=h) - value(d_sigma=-h)) / (2 * h), rel=1e-5)
    h = 1e-4 * min(rho, 1 - rho)
    # Central differences are off by the third derivative times h^2, near 1e-7 of the value here.
    assert by_rho == pytest.approx((value(d_rho=h) - value(d_rho=-h)) / (2 * h), rel=1e-5, abs=1e-5)
    for q in range(len(prior_sd)):
        moved = np.exp(1e-5 * np.eye(len(prior_sd))[q])
        ahead = evaluate(graph, eta, design, prior_sd * moved, sigma, rho)[0]
        behind = evaluate(graph, eta, design, prior_sd / moved, sigma, rho)[0]
        assert by_log_sd[q] == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-5)


def test_order_of_districts_does_not_matter(links, columns):
    n, i, j, weight = links
    design, prior_sd = columns
    rng = np.random.default_rng(6)
    eta, order = rng.normal(size=n), rng.permutation(n)
    place = np.argsort(order)
    here = evaluate(scale_graph(n, i, j, weight), eta, design, prior_sd, 0.6, 0.8)
    there = evaluate(
        scale_graph(n, place[i], place[j], weight), eta[order], design[order], prior_sd, 0.6, 0.8
    )
    assert there[0] == pytest.approx(here[0], abs=1e-7)
    np.testing.assert_allclose(there[1], here[1][order], rtol=1e-6, atol=1e-8)


def test_components_without_common_columns_add_up(links):
    n, i, j, weight = links
    rng = np.random.default_rng(7)
    eta = rng.normal(size=2 * n)
    none, sd = np.zeros((2 * n, 0)), np.zeros(0)
    both = scale_graph(2 * n, np.r_[i, i + n], np.r_[j, j + n], np.r_[weight, weight])
    one = scale_graph(n, i, j, weight)
    together = evaluate(both, eta, none, sd, 0.4, 0.6)[0]
    apart = sum(evaluate(one, part, none[:n], sd, 0.4, 0.6)[0] for part in (eta[:n], eta[n:]))
    assert together == pytest.approx(apart, abs=1e-7)


def test_adding_an_island_adds_one_normal_density(links):
    n, i, j, weight = links
    eta = np.random.default_rng(8).normal(size=n + 1)
    none, sd = np.zeros((n + 1, 0)), np.zeros(0)
    without = evaluate(scale_graph(n, i, j, weight), eta[:n], none[:n], sd, 0.4, 0.6)[0]
    beside = evaluate(scale_graph(n + 1, i, j, weight), eta, none, sd, 0.4, 0.6)[0]
    island = -0.5 * (eta[n] / 0.4) ** 2 - np.log(0.4 * np.sqrt(2 * np.pi))
    assert beside - without == pytest.approx(island, abs=1e-9)


@pytest.mark.parametrize(("sigma", "rho"), [(0.0, 0.5), (-1.0, 0.5), (np.nan, 0.5), (1.0, 1.0), (1.0, -0.1)])
def test_outside_its_range_the_density_is_zero(graph, sigma, rho):
    value, gradient, *_ = evaluate(graph, np.ones(graph.n), np.zeros((graph.n, 0)), np.zeros(0), sigma, rho)
    assert value == -np.inf
    assert not gradient.any()
