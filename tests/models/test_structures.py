"""One contract for every structure with a sparse precision, against dense algebra and finite differences."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from spatialvote.data.errors import ModelError
from spatialvote.models.draw_field import draw_sparse, draw_structure
from spatialvote.models.scaled_graph import ScaledGraph, scale_graph
from spatialvote.models.sparse_kernel import sparse_density
from spatialvote.models.structures import STRUCTURES, bind, bind_graph, dagar
from spatialvote.models.structures.dispatch import log_det, weights
from spatialvote.models.structures.field import Field

SPARSE = ("leroux", "proper_car", "sar", "dagar")
POINTS = [(0.5, 0.7), (1.3, 0.02), (0.2, 0.995)]


def _dense_dagar(graph: ScaledGraph, rho: float, order: np.ndarray) -> np.ndarray:
    """Equations (2) to (4) of Datta et al., district by district."""
    links, place = graph.matrix.toarray() != 0, np.argsort(order)
    b, f = np.zeros((graph.n, graph.n)), np.zeros(graph.n)
    for i in range(graph.n):
        parents = [j for j in range(graph.n) if links[i, j] and place[j] < place[i]]
        b[i, parents] = rho / (1 + (len(parents) - 1) * rho**2)
        f[i] = (1 + (len(parents) - 1) * rho**2) / (1 - rho**2)
    whiten = np.eye(graph.n) - b
    return whiten.T @ np.diag(f) @ whiten


def dense_precision(structure: str, graph: ScaledGraph, rho: float, order: np.ndarray) -> np.ndarray:
    """sigma^2 Q from the definition of each structure, by dense algebra on the unscaled weights."""
    r = graph.matrix.toarray()
    factor = np.where(graph.component < 0, 1.0, graph.scaling[graph.component])
    w = -(r - np.diag(np.diag(r))) / factor[:, None]
    d = np.diag(w.sum(axis=1))
    island = np.diag((graph.component < 0).astype(float))
    if structure == "leroux":
        return (1 - rho) * np.eye(graph.n) + rho * (factor[:, None] * (d - w) + island)
    if structure == "proper_car":
        return factor[:, None] * (d - rho * w) + island
    if structure == "sar":
        whiten = np.eye(graph.n) - rho * np.linalg.pinv(d) @ w
        return whiten.T @ whiten
    return _dense_dagar(graph, rho, order)


def assembled(field: Field, rho: float) -> np.ndarray:
    """sigma^2 Q from the stored terms."""
    precision = field.precision
    order, start, index = precision.pattern[:3]
    share = weights(precision.code, rho, precision.table)[0]
    rows = np.repeat(np.arange(precision.n), np.diff(start))
    permuted = np.diag(share @ precision.diagonal_terms)
    permuted[rows, index] = permuted[index, rows] = share @ precision.below_terms
    place = np.argsort(order)
    return permuted[np.ix_(place, place)]


def evaluate(field: Field, eta, design, prior_sd, sigma, rho):
    """The compiled density."""
    one = field.precision
    nodes = (one.nodes.value, one.nodes.weight, one.constants)
    terms = (one.below_terms, one.diagonal_terms, one.products(design))
    return sparse_density(
        eta, design, prior_sd, sigma, rho, one.code, one.table, *nodes, *terms, *one.pattern[:3]
    )


def make(structure: str, graph: ScaledGraph, order: np.ndarray | None = None) -> Field:
    """Bind a structure; DAGAR in a given order of the districts."""
    return dagar.bind(graph, order) if structure == "dagar" else bind_graph(structure, graph)


@pytest.fixture(params=SPARSE)
def structure(request) -> str:
    """Name of each sparse structure."""
    return request.param


@pytest.fixture(params=[0, 3], ids=["no columns", "three columns"])
def columns(request, graph):
    """A design with an intercept, or none, and the prior standard deviations."""
    rng = np.random.default_rng(2)
    design = rng.normal(size=(graph.n, request.param))
    if request.param:
        design[:, 0] = 1.0
    return design, np.array([1.5, 1.0, 0.7])[: request.param]


@pytest.mark.parametrize("rho", [0.0, 0.02, 0.7, 0.995])
def test_precision_and_log_determinant_are_those_of_the_definition(structure, graph, rho):
    field = make(structure, graph)
    one = field.precision
    expected = dense_precision(structure, graph, rho, dagar.breadth_first(graph))
    np.testing.assert_allclose(assembled(field, rho), expected, atol=1e-9)

    def value(rho):
        return log_det(one.code, rho, one.nodes.value, one.nodes.weight, one.constants)

    assert value(rho)[0] == pytest.approx(np.linalg.slogdet(expected)[1], abs=1e-7)
    h = 1e-4 * min(max(rho, 0.01), 1 - rho)
    slope = np.linalg.inv(expected) * (
        dense_precision(structure, graph, rho + h, dagar.breadth_first(graph))
        - dense_precision(structure, graph, rho - h, dagar.breadth_first(graph))
    )
    assert value(rho)[1] == pytest.approx(slope.sum() / (2 * h), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(("sigma", "rho"), POINTS)
def test_density_is_that_of_the_dense_normal(structure, graph, columns, sigma, rho):
    design, prior_sd = columns
    eta = np.random.default_rng(4).normal(size=graph.n)
    precision = dense_precision(structure, graph, rho, dagar.breadth_first(graph))
    covariance = sigma**2 * np.linalg.inv(precision) + design @ np.diag(prior_sd**2) @ design.T
    expected = multivariate_normal(np.zeros(graph.n), covariance).logpdf(eta)
    ours = evaluate(make(structure, graph), eta, design, prior_sd, sigma, rho)[0]
    assert ours == pytest.approx(expected, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(("sigma", "rho"), POINTS)
def test_gradient_agrees_with_finite_differences(structure, graph, columns, sigma, rho):
    design, prior_sd = columns
    field = make(structure, graph)
    eta = np.random.default_rng(4).normal(size=graph.n)

    def value(d_eta=0.0, d_sigma=0.0, d_rho=0.0, d_log_sd=0.0):
        sd = prior_sd * np.exp(d_log_sd)
        return evaluate(field, eta + d_eta, design, sd, sigma + d_sigma, rho + d_rho)[0]

    _, by_eta, by_sigma, by_rho, by_log_sd = evaluate(field, eta, design, prior_sd, sigma, rho)
    for at in (0, graph.n // 2, graph.n - 1):
        step = 1e-5 * np.eye(graph.n)[at]
        assert by_eta[at] == pytest.approx((value(step) - value(-step)) / 2e-5, rel=1e-5, abs=1e-5)
    h = 1e-5 * sigma
    assert by_sigma == pytest.approx((value(d_sigma=h) - value(d_sigma=-h)) / (2 * h), rel=1e-5)
    h = 1e-4 * min(rho, 1 - rho)
    # Central differences are off by the third derivative times h^2, near 1e-7 of the value here.
    assert by_rho == pytest.approx((value(d_rho=h) - value(d_rho=-h)) / (2 * h), rel=1e-5, abs=1e-5)
    for q in range(len(prior_sd)):
        step = 1e-5 * np.eye(len(prior_sd))[q]
        slope = (value(d_log_sd=step) - value(d_log_sd=-step)) / 2e-5
        assert by_log_sd[q] == pytest.approx(slope, rel=1e-5, abs=1e-5)


def test_order_of_districts_does_not_matter(structure, links, columns):
    n, i, j, weight = links
    design, prior_sd = columns
    rng = np.random.default_rng(6)
    eta, moved = rng.normal(size=n), rng.permutation(n)
    place = np.argsort(moved)
    graph = scale_graph(n, i, j, weight)
    order = dagar.breadth_first(graph)
    here = evaluate(make(structure, graph, order), eta, design, prior_sd, 0.6, 0.8)
    # DAGAR takes the districts in an order; the same districts in the same order give the same model.
    field = make(structure, scale_graph(n, place[i], place[j], weight), place[order])
    there = evaluate(field, eta[moved], design[moved], prior_sd, 0.6, 0.8)
    assert there[0] == pytest.approx(here[0], abs=1e-7)
    np.testing.assert_allclose(there[1], here[1][moved], rtol=1e-6, atol=1e-8)


def test_two_copies_of_a_map_act_as_one_each(structure, links):
    n, i, j, weight = links
    eta = np.random.default_rng(7).normal(size=2 * n)
    none, sd = np.zeros((2 * n, 0)), np.zeros(0)
    both = make(structure, scale_graph(2 * n, np.r_[i, i + n], np.r_[j, j + n], np.r_[weight, weight]))
    one = make(structure, scale_graph(n, i, j, weight))
    together = evaluate(both, eta, none, sd, 0.4, 0.6)
    apart = [evaluate(one, part, none[:n], sd, 0.4, 0.6) for part in (eta[:n], eta[n:])]
    assert together[0] == pytest.approx(apart[0][0] + apart[1][0], abs=1e-7)
    np.testing.assert_allclose(together[1], np.r_[apart[0][1], apart[1][1]], rtol=1e-9, atol=1e-12)


def test_adding_an_island_adds_one_normal_density(structure, links):
    n, i, j, weight = links
    eta = np.random.default_rng(8).normal(size=n + 1)
    none, sd = np.zeros((n + 1, 0)), np.zeros(0)
    without = evaluate(make(structure, scale_graph(n, i, j, weight)), eta[:n], none[:n], sd, 0.4, 0.6)
    beside = evaluate(make(structure, scale_graph(n + 1, i, j, weight)), eta, none, sd, 0.4, 0.6)
    island = -0.5 * (eta[n] / 0.4) ** 2 - np.log(0.4 * np.sqrt(2 * np.pi))
    assert beside[0] - without[0] == pytest.approx(island, abs=1e-7)
    np.testing.assert_allclose(beside[1][:n], without[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("sigma", "rho"), [(0.0, 0.5), (-1.0, 0.5), (np.nan, 0.5), (1.0, 1.0), (1.0, -0.1)])
def test_outside_its_range_the_density_is_zero(structure, graph, sigma, rho):
    field = make(structure, graph)
    value, gradient, *_ = evaluate(field, np.ones(graph.n), np.zeros((graph.n, 0)), np.zeros(0), sigma, rho)
    assert value == -np.inf
    assert not gradient.any()


def test_draws_have_the_covariance_of_the_density(structure, graph):
    # Algebraically: what turns white noise z into a draw is linear, A z, and A A' must be the covariance.
    field, sigma, rho = make(structure, graph), 0.6, 0.8
    one, n = field.precision, graph.n

    class Basis:
        """Stands for a generator: gives the unit vectors in turn."""

        at = -1

        def standard_normal(self, shape):
            self.at += 1
            return np.eye(n)[self.at].reshape(shape)

    images = draw_sparse(one, np.full(n, sigma), np.full(n, rho), Basis())
    covariance = sigma**2 * np.linalg.inv(assembled(field, rho))
    np.testing.assert_allclose(images.T @ images, covariance, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", list(STRUCTURES))
def test_sampled_draws_have_the_covariance_of_the_density(name, graph):
    if name == "none":
        assert STRUCTURES[name] == ()
        return
    size, sigma, rho = 4000, 0.6, 0.8
    links = graph if name != "iid" else scale_graph(graph.n, np.zeros(0, int), np.zeros(0, int))
    field = bind_graph(name, links)
    values = np.full(size, sigma), np.full(size, rho) if "rho" in STRUCTURES[name] else None
    drawn = draw_structure(field, *values, np.random.default_rng(3))
    if field.precision is None:
        spatial = np.linalg.pinv(links.matrix.toarray(), rcond=1e-10, hermitian=True)
        expected = sigma**2 * ((1 - rho) * np.eye(graph.n) + rho * spatial)
    else:
        expected = sigma**2 * np.linalg.inv(assembled(field, rho))
    sample, variance = drawn.T @ drawn / size, np.diag(expected)
    # Standard error of each entry of a sample covariance of Gaussians; of 4,000 entries in all cases, 0.03
    # are expected beyond 4.5.
    error = np.sqrt((np.outer(variance, variance) + expected**2) / size)
    assert np.max(np.abs(sample - expected) / error) < 4.5


def test_dagar_on_a_path_is_the_autoregression_of_order_one():
    # Datta et al. (2019), section 3.1: on a tree, correlations are rho to the power of the distance.
    field = bind_graph("dagar", scale_graph(6, np.arange(5), np.arange(1, 6)))
    distance = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    np.testing.assert_allclose(np.linalg.inv(assembled(field, 0.7)), 0.7**distance, atol=1e-12)


def test_dagar_on_a_star_has_the_distances_of_the_tree():
    field = bind_graph("dagar", scale_graph(5, np.zeros(4, int), np.arange(1, 5)))
    distance = np.full((5, 5), 2) - 2 * np.eye(5)
    distance[0, 1:] = distance[1:, 0] = 1
    np.testing.assert_allclose(np.linalg.inv(assembled(field, 0.4)), 0.4**distance, atol=1e-12)


def test_dagar_begins_at_the_periphery_and_keeps_links_close():
    # A path given in disorder: 2 - 0 - 3 - 1, ends 2 and 1.
    graph = scale_graph(4, np.array([0, 0, 1]), np.array([2, 3, 3]))
    assert dagar.breadth_first(graph).tolist() in ([2, 0, 3, 1], [1, 3, 0, 2])


def test_dagar_ignores_weights(links):
    n, i, j, weight = links
    here, there = (bind_graph("dagar", scale_graph(n, i, j, one)) for one in (weight, np.ones(len(i))))
    np.testing.assert_allclose(assembled(here, 0.6), assembled(there, 0.6), atol=1e-12)


def test_proper_car_on_two_districts_by_hand():
    # D = I and W swaps: (D - rho W)^-1 = [[1, rho], [rho, 1]] / (1 - rho^2); the scaling factor of a pair is
    # 1/4 (its Laplacian's inverse has diagonal 1/4).
    field = bind_graph("proper_car", scale_graph(2, np.array([0]), np.array([1])))
    expected = 4 * np.array([[1, 0.3], [0.3, 1]]) / (1 - 0.3**2)
    np.testing.assert_allclose(np.linalg.inv(assembled(field, 0.3)), expected, rtol=1e-12)


@pytest.mark.parametrize("rho", [0.3, 0.9])
def test_sar_determinant_on_a_ring_and_a_clique_is_known(rho):
    # Ord (1975): |I - rho W| is the product of 1 - rho w_j. A ring has w_j = cos(2 pi j / n); a clique of n
    # has w = 1 once and -1 / (n - 1) for the rest.
    n = 8
    ring = scale_graph(n, np.arange(n), (np.arange(n) + 1) % n)
    clique = scale_graph(n, *np.triu_indices(n, 1))
    for graph, w in (
        (ring, np.cos(2 * np.pi * np.arange(n) / n)),
        (clique, np.r_[1.0, np.full(n - 1, -1 / (n - 1))]),
    ):
        one = bind_graph("sar", graph).precision
        ours = log_det(one.code, rho, one.nodes.value, one.nodes.weight, one.constants)[0]
        assert ours == pytest.approx(2 * np.log(1 - rho * w).sum(), abs=1e-8)


def test_leroux_lies_between_independence_and_the_intrinsic_car(graph):
    field = bind_graph("leroux", graph)
    np.testing.assert_allclose(assembled(field, 0.0), np.eye(graph.n), atol=1e-12)
    np.testing.assert_allclose(assembled(field, 1.0), graph.matrix.toarray(), atol=1e-12)


def test_structures_of_links_refuse_districts_without(make_districts):
    lonely = make_districts(rows=1, columns=1)
    with pytest.raises(ModelError, match="structure 'sar' needs links, but none of 2 districts has a neighb"):
        bind("sar", lonely)
    assert bind("iid", lonely).precision is None
