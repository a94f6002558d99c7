"""The dense kernel at every size of a block, and the trees and supernodes that the factor is laid out by."""

import numpy as np
import pytest
from scipy.sparse import csc_array, eye_array, random_array

from spatialvote.models.cholesky import analyse
from spatialvote.models.dense import SLACK, factor_panel
from spatialvote.models.ordering import column_counts, elimination_tree, minimum_degree, postorder
from spatialvote.models.symbolic import COLUMNS, FIELDS, FIRST, OLDEST, ROW_AT, ROWS, padded


def _positive_definite(m):
    root = np.random.default_rng(m).normal(size=(m, m))
    return root @ root.T + m * np.eye(m)


@pytest.mark.parametrize("m", [*range(1, 20), 33, 70, 131])
def test_panel_of_any_shape_agrees_with_the_dense_factor(m):
    matrix = _positive_definite(m)
    lower = np.linalg.cholesky(matrix)
    for k in {*range(1, min(m, 18) + 1), m // 2 + 1, m}:
        panel = np.full(m * (k + 3) + SLACK, np.nan)
        panel[: m * k] = np.tril(matrix)[:, :k].ravel("F")
        left, step = m - k, padded(m - k)
        update = np.zeros(step * step + SLACK)
        update[: step * step].reshape(step, step).T[:left, :left] = matrix[k:, k:]
        assert factor_panel(panel, 0, m, k, update, 0, step)
        np.testing.assert_allclose(np.tril(panel[: m * k].reshape(k, m).T), lower[:, :k], atol=1e-12)
        rest = update[: step * step].reshape(step, step).T[:left, :left]
        expected = matrix[k:, k:] - lower[k:, :k] @ lower[k:, :k].T
        np.testing.assert_allclose(np.tril(rest), np.tril(expected), atol=1e-11)


@pytest.mark.parametrize("pivot", range(9))
def test_panel_tells_which_pivot_is_not_positive(pivot):
    matrix = _positive_definite(9)
    lower = np.linalg.cholesky(matrix)
    # The pivot becomes -1.
    matrix[pivot, pivot] -= lower[pivot, pivot] ** 2 + 1.0
    panel = np.r_[np.tril(matrix).ravel("F"), np.zeros(3 * 9 + SLACK)]
    assert not factor_panel(panel, 0, 9, 9, np.zeros(SLACK), 0, 0)


@pytest.fixture(params=[1, 5, 60])
def pattern(request):
    """Symbolic analysis of a random matrix."""
    n = request.param
    half = random_array((n, n), density=min(1.0, 2 / n), rng=np.random.default_rng(n))
    return analyse(csc_array(half @ half.T + eye_array(n)))


def _dense_factor(pattern):
    """A dense factor whose entries do not vanish by chance."""
    n = pattern.order.size
    lower = np.zeros((n, n))
    lower[np.repeat(np.arange(n), np.diff(pattern.below_start)), pattern.below_index] = -1.0
    return np.linalg.cholesky(lower + lower.T + 2 * n * np.eye(n))


def test_tree_and_counts_are_those_of_the_dense_factor(pattern):
    n = pattern.order.size
    filled = np.tril(_dense_factor(pattern) != 0)
    parent = elimination_tree(n, pattern.below_start, pattern.below_index)
    below = [np.flatnonzero(filled[j + 1 :, j]) for j in range(n)]
    np.testing.assert_array_equal(
        parent, [j + 1 + rows[0] if rows.size else -1 for j, rows in enumerate(below)]
    )
    count = column_counts(n, pattern.below_start, pattern.below_index, parent)
    np.testing.assert_array_equal(count, filled.sum(axis=0))


def test_postorder_puts_each_node_after_its_descendants():
    parent = np.array([4, 4, -1, 2, 5, -1, 2])
    order = postorder(parent)
    np.testing.assert_array_equal(np.sort(order), np.arange(7))
    place = np.argsort(order)
    assert all(place[j] < place[p] for j, p in enumerate(parent) if p >= 0)
    # Subtrees stay together: 4 with its two children, 2 with its own.
    assert place[4] - min(place[0], place[1]) == 2
    assert place[2] - min(place[3], place[6]) == 2


def test_supernodes_cover_the_factor(pattern):
    nodes = pattern.nodes.reshape(-1, FIELDS)
    filled = _dense_factor(pattern) != 0
    for s, node in enumerate(nodes[:-1]):
        columns = np.arange(node[FIRST], node[FIRST] + node[COLUMNS])
        rows = pattern.row_index[node[ROW_AT] : nodes[s + 1, ROW_AT]]
        assert node[ROWS] == columns.size + rows.size
        assert np.all(np.diff(rows) > 0)
        stored = {*columns, *rows}
        for j in columns:
            assert stored >= {*np.flatnonzero(filled[j:, j]) + j}
    np.testing.assert_array_equal(np.r_[0, np.cumsum(nodes[:-1, COLUMNS])], nodes[:, FIRST])
    assert np.all(nodes[:-1, OLDEST] <= np.arange(len(nodes) - 1))


def test_minimum_degree_leaves_a_tree_without_fill():
    n = 200
    up = (np.arange(1, n) - 1) // 2
    dense = np.eye(n)
    dense[np.arange(1, n), up] = dense[up, np.arange(1, n)] = -0.1
    order = minimum_degree(csc_array(dense))
    lower = np.linalg.cholesky(dense[np.ix_(order, order)])
    assert np.count_nonzero(np.abs(lower) > 1e-14) == 2 * n - 1
