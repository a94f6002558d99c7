"""The sparse factor against dense algebra, on the graphs that maps and adversaries give."""

import numpy as np
import pytest
from scipy.sparse import block_diag, coo_array, csc_array, diags_array, eye_array, random_array
from scipy.spatial import Delaunay

from spatialvote.models.cholesky import (
    Pattern,
    analyse,
    factorise,
    factorise_values,
    inverse_diagonal,
    log_determinant,
    selected_inverse,
    solve_in_place,
    solve_transposed_in_place,
)


def _laplacian(n, i, j, weight=None):
    weight = np.ones(len(i)) if weight is None else weight
    half = coo_array((weight, (i, j)), shape=(n, n))
    adjacency = csc_array(half + half.T)
    return csc_array(diags_array(np.asarray(adjacency.sum(axis=0)).ravel()) - adjacency)


def _lattice(side):
    cell = np.arange(side * side).reshape(side, side)
    i = np.r_[cell[:, :-1].ravel(), cell[:-1].ravel(), cell[:-1, :-1].ravel()]
    j = np.r_[cell[:, 1:].ravel(), cell[1:].ravel(), cell[1:, 1:].ravel()]
    return _laplacian(side * side, i, j)


def _map(n):
    rng = np.random.default_rng(n)
    corners = Delaunay(rng.random((n, 2))).simplices
    links = np.unique(np.sort(corners[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2), axis=1), axis=0)
    return _laplacian(n, *links.T, rng.uniform(0.5, 2.0, len(links)))


def _clique(n):
    return _laplacian(n, *np.triu_indices(n, 1))


def _tree(n):
    return _laplacian(n, np.arange(1, n), (np.arange(1, n) - 1) // 2)


def _arrow(n):
    return _laplacian(n, np.zeros(n - 1, dtype=int), np.arange(1, n))


def _random(n):
    half = random_array((n, n), density=min(1.0, 3 / n), rng=np.random.default_rng(n))
    return csc_array(half @ half.T)


#: Positive semidefinite matrices; a multiple of the identity is added.
MATRICES = {
    "one": csc_array((1, 1)),
    "pair": _clique(2),
    "three": _clique(3),
    "path": _laplacian(30, np.arange(29), np.arange(1, 30)),
    "islands only": csc_array((7, 7)),
    "clique that fills one panel": _clique(64),
    "clique of more than one block": _clique(150),
    "tree": _tree(100),
    "arrow": _arrow(60),
    "small lattice": _lattice(4),
    "lattice": _lattice(15),
    "map": _map(300),
    "components and islands": csc_array(block_diag([_map(40), csc_array((3, 3)), _lattice(5), _clique(9)])),
    "random, sparse": _random(40),
    "random, filled": _random(90),
    "two nodes": csc_array((2, 2)),
}


@pytest.fixture(params=MATRICES)
def matrix(request) -> csc_array:
    """A sparse symmetric positive definite matrix."""
    base = MATRICES[request.param]
    return csc_array(base + 0.7 * eye_array(base.shape[0]))


def _permuted(matrix, pattern, shift=0.0):
    dense = matrix.toarray() + shift * np.eye(matrix.shape[0])
    return dense[np.ix_(pattern.order, pattern.order)]


def _rows(pattern):
    return np.repeat(np.arange(pattern.order.size), np.diff(pattern.below_start))


def test_pattern_holds_the_permuted_matrix(matrix):
    pattern = analyse(matrix)
    n = matrix.shape[0]
    np.testing.assert_array_equal(np.sort(pattern.order), np.arange(n))
    lower = np.zeros((n, n))
    lower[_rows(pattern), pattern.below_index] = pattern.below_value
    expected = _permuted(matrix, pattern)
    np.testing.assert_array_equal(lower, np.tril(expected, -1))
    np.testing.assert_array_equal(pattern.diagonal, np.diag(expected))


@pytest.mark.parametrize("shift", [0.0, 2.5])
@pytest.mark.parametrize("columns", [0, 1, 2, 3, 4, 5, 8, 13, 40])
def test_solve_and_determinant_agree_with_dense_algebra(matrix, shift, columns):
    pattern = analyse(matrix)
    factor = factorise(shift, tuple(pattern))
    dense = _permuted(matrix, pattern, shift)
    rhs = np.random.default_rng(0).normal(size=(len(dense), columns))
    solved = rhs.copy()
    solve_in_place(factor, tuple(pattern), solved)
    np.testing.assert_allclose(solved, np.linalg.solve(dense, rhs), rtol=1e-10, atol=1e-11)
    expected = np.linalg.slogdet(dense)[1]
    assert log_determinant(factor, tuple(pattern)) == pytest.approx(expected, rel=1e-12, abs=1e-10)


def test_right_hand_sides_may_be_a_part_of_a_larger_array(matrix):
    pattern = analyse(matrix)
    factor = factorise(0.0, tuple(pattern))
    whole = np.random.default_rng(1).normal(size=(12, matrix.shape[0]))
    before = whole.copy()
    part = whole.T[:, 1::2]
    solve_in_place(factor, tuple(pattern), part)
    np.testing.assert_allclose(
        part, np.linalg.solve(_permuted(matrix, pattern), before.T[:, 1::2]), atol=1e-11
    )
    np.testing.assert_array_equal(whole[::2], before[::2])


@pytest.mark.parametrize("alone", [False, True])
def test_transposed_solve_turns_white_noise_into_the_inverse_covariance(matrix, alone):
    pattern = analyse(matrix)
    factor = factorise(0.0, tuple(pattern))
    root = np.eye(matrix.shape[0])
    # One right-hand side goes another way than many.
    for part in np.split(root, root.shape[1], axis=1) if alone else [root]:
        solve_transposed_in_place(factor, tuple(pattern), part)
    inverse = np.linalg.inv(_permuted(matrix, pattern))
    np.testing.assert_allclose(root @ root.T, inverse, rtol=1e-9, atol=1e-11)
    # L'^-1 is an upper triangle.
    np.testing.assert_allclose(np.tril(root, -1), 0.0, atol=1e-14)


def test_selected_inverse_is_the_dense_inverse_where_the_matrix_has_entries(matrix):
    pattern = analyse(matrix)
    factor = factorise(0.3, tuple(pattern))
    below, diagonal = selected_inverse(factor, tuple(pattern))
    expected = np.linalg.inv(_permuted(matrix, pattern, 0.3))
    np.testing.assert_allclose(diagonal, np.diag(expected), rtol=1e-10)
    np.testing.assert_allclose(below, expected[_rows(pattern), pattern.below_index], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(inverse_diagonal(factor, tuple(pattern)), diagonal)


def test_values_may_differ_from_those_that_were_analysed(matrix):
    pattern = analyse(matrix)
    rng = np.random.default_rng(2)
    below = pattern.below_value * rng.uniform(-1.0, 1.0, pattern.below_value.size)
    lower = np.zeros(matrix.shape)
    lower[_rows(pattern), pattern.below_index] = below
    dense = lower + lower.T
    diagonal = np.abs(dense).sum(axis=0) + rng.uniform(0.1, 1.0, len(dense))
    dense += np.diag(diagonal)
    solved = np.eye(len(dense))
    solve_in_place(factorise_values(below, diagonal, tuple(pattern)), tuple(pattern), solved)
    np.testing.assert_allclose(solved, np.linalg.inv(dense), rtol=1e-9, atol=1e-11)


def test_indefinite_matrix_gives_nan_not_a_wrong_factor(matrix):
    pattern = analyse(matrix)
    dense = _permuted(matrix, pattern)
    lowest = np.linalg.eigvalsh(dense)[0]
    assert np.isnan(factorise(-lowest - 1e-3, tuple(pattern))[0])
    assert not np.isnan(factorise(-lowest + 1e-3, tuple(pattern))[0])


@pytest.mark.parametrize("where", ["diagonal", "below"])
def test_a_number_that_is_none_gives_nan(where):
    pattern = analyse(csc_array(_lattice(6) + eye_array(36)))
    below, diagonal = pattern.below_value.copy(), pattern.diagonal.copy()
    {"diagonal": diagonal, "below": below}[where][17] = np.nan
    assert np.isnan(factorise_values(below, diagonal, tuple(pattern))[0])


def test_stored_zeros_belong_to_the_pattern():
    matrix = csc_array(_lattice(3) + eye_array(9))
    matrix.data[matrix.data == -1.0] = 0.0
    pattern = analyse(matrix)
    assert pattern.below_index.size == (matrix.nnz - 9) // 2
    assert log_determinant(factorise(0.0, tuple(pattern)), tuple(pattern)) == pytest.approx(
        np.log(matrix.diagonal()).sum()
    )


def test_the_same_matrix_gives_the_same_bits(matrix):
    first, second = analyse(matrix), analyse(matrix.copy())
    for name, one, other in zip(Pattern._fields, first, second, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)
    rhs = np.random.default_rng(3).normal(size=(matrix.shape[0], 6))
    solved = []
    for pattern in (first, second):
        solved.append(rhs.copy())
        solve_in_place(factorise(0.1, tuple(pattern)), tuple(pattern), solved[-1])
    np.testing.assert_array_equal(*solved)
