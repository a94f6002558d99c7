"""Effects of a sparse precision, whitened: against dense algebra, and as the inverse of drawing them."""

import numpy as np
import pytest
from scipy.stats import kstest

from spatialvote.models.draw_field import draw_sparse
from spatialvote.models.structures import bind_graph
from spatialvote.models.structures.dispatch import weights
from spatialvote.models.structures.sparse_precision import SparsePrecision
from spatialvote.models.whiten import whiten

SPARSE = ["leroux", "proper_car", "sar", "dagar"]


def dense(precision: SparsePrecision, sigma: float, rho: float) -> np.ndarray:
    """Q in the districts' order, shape (n, n)."""
    order, start, index = precision.pattern[:3]
    share = weights(precision.code, rho, precision.table)[0] / sigma**2
    permuted = np.diag(share @ precision.diagonal_terms)
    rows = np.repeat(np.arange(precision.n), np.diff(start))
    permuted[rows, index] = permuted[index, rows] = share @ precision.below_terms
    place = np.argsort(order)
    return permuted[np.ix_(place, place)]


@pytest.mark.parametrize("structure", SPARSE)
def test_against_dense_algebra(structure, graph):
    precision = bind_graph(structure, graph).precision
    assert precision is not None
    rng = np.random.default_rng(7)
    effects, columns = rng.normal(size=(3, graph.n)), np.column_stack([np.ones(graph.n), np.arange(graph.n)])
    sigma, rho = np.array([0.4, 1.0, 2.5]), np.array([0.1, 0.6, 0.97])
    residuals, scores = whiten(precision, effects, sigma, rho, columns)
    order = precision.pattern[0]
    for s in range(3):
        q = dense(precision, sigma[s], rho[s])
        lower = np.linalg.cholesky(q[np.ix_(order, order)])
        np.testing.assert_allclose(residuals[s, order], lower.T @ effects[s, order], rtol=1e-9, atol=1e-10)
        expected = columns.T @ q @ effects[s] / np.sqrt(np.diag(columns.T @ q @ columns))
        np.testing.assert_allclose(scores[s], expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(whiten(precision, effects, sigma, rho)[0], residuals)


@pytest.mark.parametrize("structure", SPARSE)
def test_draws_become_white(structure, graph):
    precision = bind_graph(structure, graph).precision
    assert precision is not None
    rng = np.random.default_rng(2)
    sigma, rho = rng.uniform(0.2, 2, 200), rng.uniform(0.02, 0.99, 200)
    effects = draw_sparse(precision, sigma, rho, rng)
    residuals, scores = whiten(precision, effects, sigma, rho, np.ones((graph.n, 1)))
    # One fixed seed: sound residuals fall below this once in ten thousand seeds.
    assert kstest(residuals.ravel(), "norm").pvalue > 1e-4
    assert kstest(scores.ravel(), "norm").pvalue > 1e-4
