import numpy as np
import pytest
from scipy.linalg import block_diag

from spatialvote.data.simulate_field import SmoothField, draw_scaled_icar


def grid_edges(rows, columns):
    number = np.arange(rows * columns).reshape(rows, columns)
    i = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    j = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    return i, j


def scaled_covariance(n, i, j):
    """The definition, dense, for one component: pinv(L) over the geometric mean of its diagonal."""
    laplacian = np.zeros((n, n))
    laplacian[i, j] = laplacian[j, i] = -1
    laplacian -= np.diag(laplacian.sum(axis=1))
    inverse = np.linalg.pinv(laplacian, hermitian=True)
    return inverse / np.exp(np.log(np.diag(inverse)).mean())


def test_icar_has_the_covariance_of_its_definition():
    # A grid of 12, a path of 4, an island, their nodes shuffled.
    grid, path = grid_edges(3, 4), (np.arange(3), np.arange(1, 4))
    expected = block_diag(scaled_covariance(12, *grid), scaled_covariance(4, *path), [[1.0]])
    shuffle = np.random.default_rng(3).permutation(17)
    i = shuffle[np.concatenate([grid[0], path[0] + 12])]
    j = shuffle[np.concatenate([grid[1], path[1] + 12])]

    draws = 40_000
    phi = draw_scaled_icar(np.random.default_rng(1), 17, i, j, draws)[:, shuffle]
    estimate = phi.T @ phi / draws
    variance = np.diag(expected)
    error = np.sqrt((np.outer(variance, variance) + expected**2) / draws)
    # 153 entries: the largest of as many standard normals exceeds 4.5 once in a thousand seeds.
    assert np.abs((estimate - expected) / error).max() < 4.5
    assert np.abs(phi[:, :12].sum(axis=1)).max() < 1e-10
    assert np.abs(phi[:, 12:16].sum(axis=1)).max() < 1e-10


def test_icar_of_many_nodes_equals_the_dense_solution():
    # More nodes than one block of right-hand sides holds.
    i, j = grid_edges(15, 20)
    phi = draw_scaled_icar(np.random.default_rng(7), 300, i, j, 2)
    noise = np.random.default_rng(7).normal(size=(2, len(i)))
    right = np.zeros((2, 300))
    np.add.at(right, (slice(None), i), noise)
    np.subtract.at(right, (slice(None), j), noise)
    laplacian = np.zeros((300, 300))
    laplacian[i, j] = laplacian[j, i] = -1
    laplacian -= np.diag(laplacian.sum(axis=1))
    inverse = np.linalg.pinv(laplacian, hermitian=True)
    scale = np.exp(np.log(np.diag(inverse)).mean())
    np.testing.assert_allclose(phi, right @ inverse / np.sqrt(scale), rtol=1e-8, atol=1e-10)


def test_islands_alone_are_independent_standard_normal():
    empty = np.array([], dtype=np.int64)
    phi = draw_scaled_icar(np.random.default_rng(2), 3, empty, empty, 20_000)
    error = np.sqrt((1 + np.eye(3)) / 20_000)
    assert np.abs((phi.T @ phi / 20_000 - np.eye(3)) / error).max() < 4


@pytest.mark.parametrize("distance", [0.0, 300.0, 900.0])
def test_smooth_field_has_the_squared_exponential_covariance(distance):
    rng = np.random.default_rng(5)
    at = np.array([[1000.0, -200.0], [1000.0 + distance, -200.0]])
    values = np.array([SmoothField.draw(rng, 300.0)(at) for _ in range(2000)])
    expected = np.exp(-(distance**2) / (2 * 300.0**2))
    product = values[:, 0] * values[:, 1]
    assert abs(product.mean() - expected) < 4 * product.std() / np.sqrt(2000)
