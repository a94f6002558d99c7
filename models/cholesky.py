"""Sparse Cholesky factors of A + shift I with one fixed pattern, compiled by numba.

The matrices of this package are graph Laplacians plus a multiple of the identity: the pattern never
changes, the shift changes at every gradient. So the fill-reducing order, the elimination tree and the
pattern of the factor are found once (`analyse`), and `factorise` only fills in numbers. The kernels take
plain arrays, release the GIL, and are cached on disk, so that they can stand inside compiled densities.

Why our own: of the libraries with wheels for Linux, macOS and Windows, SciPy's SuperLU cannot keep its
symbolic analysis between calls and cannot be called from compiled code; scikit-sparse has no wheels.
SciPy does supply the fill-reducing order (minimum degree on A + A').

References
----------
Davis, T. A. (2006). Direct Methods for Sparse Linear Systems. SIAM. (elimination tree, up-looking factor)
Takahashi, K., Fagan, J., Chin, M.-S. (1973). Formation of a sparse bus impedance matrix. (selected inverse)
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from spatialvote.models.compiled import compiled


class Pattern(NamedTuple):
    """Symbolic analysis of a symmetric matrix; all index arrays int64, in the permuted order.

    Attributes
    ----------
    order
        Permutation, shape (n,): row r of the factor belongs to row ``order[r]`` of the matrix.
    below_start, below_index, below_value
        Entries left of the diagonal, row by row, of the permuted matrix.
    diagonal
        Its diagonal, shape (n,).
    row_start, row_index
        Columns left of the diagonal in each row of the factor, ascending.
    column_start, column_index
        Rows in each column of the factor, ascending, the diagonal first.
    """

    order: np.ndarray
    below_start: np.ndarray
    below_index: np.ndarray
    below_value: np.ndarray
    diagonal: np.ndarray
    row_start: np.ndarray
    row_index: np.ndarray
    column_start: np.ndarray
    column_index: np.ndarray


def analyse(matrix: csc_array) -> Pattern:
    """Find a fill-reducing order and the pattern of the Cholesky factor of a symmetric matrix.

    Parameters
    ----------
    matrix
        Symmetric sparse matrix, shape (n, n). Its values are kept in the result.

    Returns
    -------
    Pattern
        What `factorise` needs; valid for ``matrix + shift * identity`` with any shift.
    """
    n = matrix.shape[0]
    order = _minimum_degree(matrix)
    permuted = csc_array(matrix)[order, :][:, order]
    permuted = csc_array(permuted)
    permuted.sort_indices()
    coo = permuted.tocoo()
    below = coo.row > coo.col
    rows, columns, values = coo.row[below], coo.col[below], coo.data[below]
    by_row = np.lexsort((columns, rows))
    below_start = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=n), out=below_start[1:])
    below_index = columns[by_row].astype(np.int64)
    row_start, row_index = _row_patterns(n, below_start, below_index)
    column_start, column_index = _column_patterns(n, row_start, row_index)
    return Pattern(
        order.astype(np.int64),
        below_start,
        below_index,
        values[by_row].astype(np.float64),
        np.ascontiguousarray(permuted.diagonal(), dtype=np.float64),
        row_start,
        row_index,
        column_start,
        column_index,
    )


def _minimum_degree(matrix: csc_array) -> np.ndarray:
    """Minimum-degree order from SuperLU, of a diagonally dominant matrix with the same pattern."""
    n = matrix.shape[0]
    pattern = csc_array(matrix, copy=True)
    pattern.data = np.full(pattern.nnz, -1.0)
    pattern.setdiag(2.0 + np.diff(pattern.indptr))
    # Symmetric mode without pivoting: only the order is wanted, the factor is thrown away.
    factor = splu(
        csc_array(pattern),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    order = np.empty(n, dtype=np.int64)
    order[factor.perm_c] = np.arange(n)
    return order


@compiled()
def _row_patterns(n, below_start, below_index):
    """Pattern of each row of the factor: the paths from the row's entries up the elimination tree."""
    parent = np.full(n, -1, dtype=np.int64)
    ancestor = np.full(n, -1, dtype=np.int64)
    for k in range(n):
        for p in range(below_start[k], below_start[k + 1]):
            i = below_index[p]
            while i != -1 and i < k:
                step = ancestor[i]
                ancestor[i] = k
                if step == -1:
                    parent[i] = k
                i = step
    mark = np.full(n, -1, dtype=np.int64)
    row_start = np.zeros(n + 1, dtype=np.int64)
    for k in range(n):
        mark[k] = k
        count = 0
        for p in range(below_start[k], below_start[k + 1]):
            i = below_index[p]
            while mark[i] != k:
                mark[i] = k
                count += 1
                i = parent[i]
        row_start[k + 1] = row_start[k] + count
    row_index = np.empty(row_start[n], dtype=np.int64)
    mark[:] = -1
    for k in range(n):
        mark[k] = k
        at = row_start[k]
        for p in range(below_start[k], below_start[k + 1]):
            i = below_index[p]
            while mark[i] != k:
                mark[i] = k
                row_index[at] = i
                at += 1
                i = parent[i]
        # Ascending order is a topological one: a parent always comes after its children.
        row_index[row_start[k] : at] = np.sort(row_index[row_start[k] : at])
    return row_start, row_index


@compiled()
def _column_patterns(n, row_start, row_index):
    """Transpose of the row patterns, with the diagonal in front of each column."""
    column_start = np.zeros(n + 1, dtype=np.int64)
    count = np.ones(n, dtype=np.int64)
    for p in range(row_index.size):
        count[row_index[p]] += 1
    for j in range(n):
        column_start[j + 1] = column_start[j] + count[j]
    column_index = np.empty(column_start[n], dtype=np.int64)
    fill = column_start[:-1].copy()
    for k in range(n):
        for p in range(row_start[k], row_start[k + 1]):
            j = row_index[p]
            column_index[fill[j]] = k
            fill[j] += 1
        column_index[fill[k]] = k
        fill[k] += 1
    return column_start, column_index


@compiled()
def factorise(shift, pattern):
    """Factor of the analysed matrix plus shift times the identity; see `factorise_values`."""
    return factorise_values(pattern[3], pattern[4] + shift, pattern)


@compiled()
def factorise_values(below_value, diagonal, pattern):
    """Values of the factor L with L L' = P A P', column by column as in the pattern.

    Up-looking: row k of L solves a triangular system with the rows above it.

    Parameters
    ----------
    below_value, diagonal
        Entries of A, in the order of the pattern's ``below_index`` and in the permuted order; ``pattern``
        gives positions only.
    pattern
        A `Pattern` as a plain tuple.

    Returns
    -------
    numpy.ndarray
        Shape (nnz,). Its first entry is NaN where the matrix is not positive definite.
    """
    below_start, below_index = pattern[1], pattern[2]
    row_start, row_index, column_start, column_index = pattern[5], pattern[6], pattern[7], pattern[8]
    n = diagonal.size
    factor = np.empty(column_index.size)
    fill = column_start[:-1].copy()
    work = np.zeros(n)
    for k in range(n):
        for p in range(below_start[k], below_start[k + 1]):
            work[below_index[p]] = below_value[p]
        pivot = diagonal[k]
        for p in range(row_start[k], row_start[k + 1]):
            j = row_index[p]
            start = column_start[j]
            entry = work[j] / factor[start]
            work[j] = 0.0
            for q in range(start + 1, fill[j]):
                work[column_index[q]] -= factor[q] * entry
            pivot -= entry * entry
            factor[fill[j]] = entry
            fill[j] += 1
        if not pivot > 0.0:
            factor[0] = np.nan
            return factor
        factor[fill[k]] = np.sqrt(pivot)
        fill[k] += 1
    return factor


@compiled()
def solve_in_place(factor, pattern, rhs):
    """Overwrite rhs, shape (n, m) in the permuted order, with (L L')^-1 rhs."""
    column_start, column_index = pattern[7], pattern[8]
    n, m = rhs.shape
    for j in range(n):
        start = column_start[j]
        pivot = factor[start]
        for c in range(m):
            rhs[j, c] /= pivot
        for q in range(start + 1, column_start[j + 1]):
            i = column_index[q]
            entry = factor[q]
            for c in range(m):
                rhs[i, c] -= entry * rhs[j, c]
    solve_transposed_in_place(factor, pattern, rhs)


@compiled()
def solve_transposed_in_place(factor, pattern, rhs):
    """Overwrite rhs, shape (n, m) in the permuted order, with L'^-1 rhs: Gaussian draws from white noise."""
    column_start, column_index = pattern[7], pattern[8]
    n, m = rhs.shape
    for j in range(n - 1, -1, -1):
        start = column_start[j]
        for q in range(start + 1, column_start[j + 1]):
            i = column_index[q]
            entry = factor[q]
            for c in range(m):
                rhs[j, c] -= entry * rhs[i, c]
        pivot = factor[start]
        for c in range(m):
            rhs[j, c] /= pivot


@compiled()
def log_determinant(factor, pattern):
    """log |L L'|."""
    column_start = pattern[7]
    total = 0.0
    for j in range(column_start.size - 1):
        total += 2.0 * np.log(factor[column_start[j]])
    return total


@compiled()
def inverse_diagonal(factor, pattern):
    """Diagonal of (L L')^-1 in the permuted order, by the Takahashi recursion on the factor's pattern.

    Column j of the inverse, from the last to the first: with l = L[i, j] / L[j, j] over the rows i > j of
    the pattern, Z[i, j] = -sum_k l_k Z[i, k] and Z[j, j] = 1 / L[j, j]^2 - sum_i l_i Z[i, j].
    """
    column_start, column_index = pattern[7], pattern[8]
    n = column_start.size - 1
    inverse = np.zeros(factor.size)
    position = np.full(n, -1, dtype=np.int64)
    for j in range(n - 1, -1, -1):
        start, stop = column_start[j], column_start[j + 1]
        pivot = factor[start]
        for q in range(start + 1, stop):
            position[column_index[q]] = q
        for q in range(start + 1, stop):
            i = column_index[q]
            l_i = factor[q] / pivot
            inverse[q] -= l_i * inverse[column_start[i]]
            for r in range(column_start[i] + 1, column_start[i + 1]):
                at = position[column_index[r]]
                if at >= 0:
                    inverse[q] -= factor[at] / pivot * inverse[r]
                    inverse[at] -= l_i * inverse[r]
        total = 1.0 / (pivot * pivot)
        for q in range(start + 1, stop):
            total -= factor[q] / pivot * inverse[q]
            position[column_index[q]] = -1
        inverse[start] = total
    diagonal = np.empty(n)
    for j in range(n):
        diagonal[j] = inverse[column_start[j]]
    return diagonal
