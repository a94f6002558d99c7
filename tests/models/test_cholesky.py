"""The sparse factor against dense algebra."""

import numpy as np
import pytest
from scipy.sparse import csc_array, random_array

from spatialvote.models.cholesky import (
    analyse,
    factorise,
    inverse_diagonal,
    log_determinant,
    solve_in_place,
    solve_transposed_in_place,
)


@pytest.fixture(params=[1, 2, 7, 40])
def matrix(request) -> csc_array:
    """A random sparse symmetric positive definite matrix."""
    n = request.param
    rng = np.random.default_rng(n)
    half = random_array((n, n), density=0.1, rng=rng).toarray()
    return csc_array(half @ half.T + np.eye(n))


def _permuted(matrix, pattern, shift):
    dense = matrix.toarray() + shift * np.eye(matrix.shape[0])
    return dense[np.ix_(pattern.order, pattern.order)]


@pytest.mark.parametrize("shift", [0.0, 2.5])
def test_solve_and_determinant_agree_with_dense_algebra(matrix, shift):
    pattern = analyse(matrix)
    factor = factorise(shift, tuple(pattern))
    dense = _permuted(matrix, pattern, shift)
    rhs = np.random.default_rng(0).normal(size=(len(dense), 3))
    solved = rhs.copy()
    solve_in_place(factor, tuple(pattern), solved)
    np.testing.assert_allclose(solved, np.linalg.solve(dense, rhs), rtol=1e-10, atol=1e-12)
    expected = np.linalg.slogdet(dense)[1]
    assert log_determinant(factor, tuple(pattern)) == pytest.approx(expected, abs=1e-10)


def test_selected_inverse_is_the_diagonal_of_the_dense_inverse(matrix):
    pattern = analyse(matrix)
    factor = factorise(0.3, tuple(pattern))
    diagonal = inverse_diagonal(factor, tuple(pattern))
    expected = np.diag(np.linalg.inv(_permuted(matrix, pattern, 0.3)))
    np.testing.assert_allclose(diagonal, expected, rtol=1e-10)


def test_transposed_solve_turns_white_noise_into_the_inverse_covariance(matrix):
    pattern = analyse(matrix)
    factor = factorise(0.0, tuple(pattern))
    root = np.eye(matrix.shape[0])
    solve_transposed_in_place(factor, tuple(pattern), root)
    np.testing.assert_allclose(root @ root.T, np.linalg.inv(_permuted(matrix, pattern, 0.0)), atol=1e-12)


def test_indefinite_matrix_gives_nan_not_a_wrong_factor():
    pattern = analyse(csc_array(np.array([[1.0, 2.0], [2.0, 1.0]])))
    assert np.isnan(factorise(0.0, tuple(pattern))[0])


def test_fill_reducing_order_is_a_permutation(matrix):
    order = analyse(matrix).order
    np.testing.assert_array_equal(np.sort(order), np.arange(matrix.shape[0]))
