"""Sparse Cholesky factors of symmetric matrices with one fixed pattern, compiled by numba.

The matrices of this package are graph Laplacians plus a multiple of the identity and other precisions on the
same graph: the pattern never changes, the numbers change at every gradient. So the fill-reducing order, the
elimination tree, the supernodes and the place of everything are found once (`analyse`), and `factorise` only
fills in numbers. The kernels take plain arrays, release the GIL, start no threads and are cached on disk, so
that they can stand inside compiled densities that several threads call.

This file is the face; the parts are `ordering` (order and elimination tree), `symbolic` (supernodes),
`frontal` (the factorisation), `triangular` (solves), `takahashi` (entries of the inverse), and under them
`dense` and `simd`. Why our own and not a library, and what each takes: docs/cholesky.md.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array

from spatialvote.models.compiled import compiled
from spatialvote.models.frontal import factorise_values
from spatialvote.models.ordering import column_counts, elimination_tree, minimum_degree, postorder
from spatialvote.models.symbolic import COLUMNS, FIELDS, PANEL_AT, ROWS, layout, merge, supernodes
from spatialvote.models.takahashi import inverse_diagonal, selected_inverse
from spatialvote.models.triangular import solve_in_place, solve_transposed_in_place

__all__ = [
    "Pattern",
    "analyse",
    "factorise",
    "factorise_values",
    "inverse_diagonal",
    "log_determinant",
    "selected_inverse",
    "solve_in_place",
    "solve_transposed_in_place",
]


class Pattern(NamedTuple):
    """Symbolic analysis of a symmetric matrix; all index arrays int64, in the permuted order.

    Compiled functions take it as a plain tuple. The first five arrays are the matrix; the others belong to
    the kernels.

    Attributes
    ----------
    order
        Permutation, shape (n,): row r of the factor belongs to row ``order[r]`` of the matrix.
    below_start, below_index, below_value
        Entries left of the diagonal, row by row, of the permuted matrix.
    diagonal
        Its diagonal, shape (n,).
    nodes, row_index, relative, entries
        Supernodes, their rows, the places of these in their parents, and where the matrix's entries go:
        see `spatialvote.models.symbolic.layout`.
    """

    order: np.ndarray
    below_start: np.ndarray
    below_index: np.ndarray
    below_value: np.ndarray
    diagonal: np.ndarray
    nodes: np.ndarray
    row_index: np.ndarray
    relative: np.ndarray
    entries: np.ndarray


def analyse(matrix: csc_array) -> Pattern:
    """Find a fill-reducing order and the supernodes of the Cholesky factor of a symmetric matrix.

    Parameters
    ----------
    matrix
        Symmetric sparse matrix, shape (n, n). Its values are kept in the result.

    Returns
    -------
    Pattern
        What `factorise` needs; valid for ``matrix + shift * identity`` with any shift.

    Examples
    --------
    >>> pattern = tuple(analyse(csc_array([[2.0, -1.0], [-1.0, 2.0]])))
    >>> factor = factorise(1.0, pattern)
    >>> round(float(np.exp(log_determinant(factor, pattern))), 9)
    8.0
    """
    n = matrix.shape[0]
    order = minimum_degree(matrix)
    below_start, below_index, _, _ = _lower_rows(matrix, order)
    parent = elimination_tree(n, below_start, below_index)
    after = postorder(parent)
    count = column_counts(n, below_start, below_index, parent)
    member, columns, rows, above = supernodes(parent, after, count)
    into = merge(columns, rows, above)
    # Number the supernodes that are left in postorder, and their columns with them.
    kept = np.flatnonzero(into == np.arange(into.size))
    number = np.full(into.size + 1, -1)
    number[kept] = np.arange(kept.size)
    nodes_after = postorder(number[above[kept]])
    kept = kept[nodes_after]
    number[kept] = np.arange(kept.size)
    order = order[after[np.argsort(number[into[member[after]]], kind="stable")]]
    lower = _lower_rows(matrix, order)
    return Pattern(order, *lower, *layout(columns[kept], rows[kept], number[above[kept]], *lower[:2]))


def _lower_rows(
    matrix: csc_array, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Entries left of the permuted diagonal, row by row (start, column, value), and the diagonal."""
    permuted = csc_array(matrix)[order, :][:, order].tocsr()
    permuted.sort_indices()
    entries = permuted.tocoo()
    below = entries.row > entries.col
    start = np.zeros(order.size + 1, dtype=np.int64)
    np.cumsum(np.bincount(entries.row[below], minlength=order.size), out=start[1:])
    index, value = entries.col[below].astype(np.int64), entries.data[below].astype(np.float64)
    return start, index, value, np.ascontiguousarray(permuted.diagonal(), dtype=np.float64)


@compiled()
def factorise(shift, pattern):
    """Factor of the analysed matrix plus shift times the identity; see `factorise_values`."""
    return factorise_values(pattern[3], pattern[4] + shift, pattern)


@compiled()
def log_determinant(factor, pattern):
    """log |L L'|."""
    nodes = pattern[5]
    total = 0.0
    for node in range(0, nodes.size - FIELDS, FIELDS):
        for j in range(nodes[node + COLUMNS]):
            total += np.log(factor[nodes[node + PANEL_AT] + j * (nodes[node + ROWS] + 1)])
    return 2.0 * total
