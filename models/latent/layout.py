"""All terms of a posterior in one sparse system: its pattern, and where every number goes.

The z of all terms are stacked, N values in all, and permuted to the fill-reducing order of Q + A'HA, whose
pattern does not depend on the hyperparameters. Entries of symmetric matrices are told by their position among
the pattern's entries left of the diagonal, or, beyond these, on the diagonal.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import block_diag, csc_array, csr_array, hstack, tril

from spatialvote.models.cholesky import Pattern, analyse
from spatialvote.models.compiled import compiled
from spatialvote.models.latent.term import Term

#: Added, in units of a precision's typical entry, where a constrained sum is told by no vote: Q + A'HA would
#: be singular there, and the constraint takes out again what is added.
_GROUND = 1e-6


class Layout(NamedTuple):
    """The system as compiled code sees it; columns and entries in the pattern's order.

    Attributes
    ----------
    a_start, a_index, a_value
        A row by row.
    pair_start, pair_at
        Positions of the products of each row's entries p >= q: A'HA is filled in this order.
    base_start, base_at, base_value
        Entries of the lower triangles of the T_m, one after the other.
    c_start, c_index, c_value
        Constraints, row by row.
    pattern
        Symbolic analysis, as a plain tuple.
    """

    a_start: np.ndarray
    a_index: np.ndarray
    a_value: np.ndarray
    pair_start: np.ndarray
    pair_at: np.ndarray
    base_start: np.ndarray
    base_at: np.ndarray
    base_value: np.ndarray
    c_start: np.ndarray
    c_index: np.ndarray
    c_value: np.ndarray
    pattern: tuple[np.ndarray, ...]


def lay_out(terms: tuple[Term, ...], told: np.ndarray) -> Layout:
    """Find the pattern of several terms together.

    Parameters
    ----------
    terms
        One or more, with the same number of rows.
    told
        Which rows have votes, shape (rows,).
    """
    a = csr_array(hstack([term.matrix for term in terms], format="csr"))
    constraints = [
        csr_array((0, term.size)) if term.constraints is None else term.constraints for term in terms
    ]
    c = csr_array(block_diag(constraints, format="csr"))
    bases = _embedded(terms)
    seen = np.asarray(abs(a)[told].sum(axis=0)).ravel() > 0
    for row in range(c.shape[0]):
        members = c.indices[c.indptr[row] : c.indptr[row + 1]]
        if not seen[members].any():
            _ground(bases, int(members[0]))
    # A covariate may be zero in a row; its place is kept.
    mask = csr_array((np.ones(a.nnz), a.indices, a.indptr), shape=a.shape)
    union = mask.T @ mask + sum(abs(base) for base in bases)
    pattern = analyse(csc_array(union))
    order = pattern.order
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    a, c = _permuted(a, order), _permuted(c, order)
    start, at = _pairs(a.indptr.astype(np.int64), a.indices.astype(np.int64), *pattern[1:3])
    entries = [tril(base, format="coo") for base in bases]
    rows = np.concatenate([place[one.row] for one in entries])
    columns = np.concatenate([place[one.col] for one in entries])
    base_at = _find(np.maximum(rows, columns), np.minimum(rows, columns), pattern)
    base_start = np.r_[0, np.cumsum([one.nnz for one in entries])].astype(np.int64)
    return Layout(
        a.indptr.astype(np.int64), a.indices.astype(np.int64), a.data, start, at, base_start, base_at,
        np.concatenate([one.data for one in entries]), c.indptr.astype(np.int64), c.indices.astype(np.int64),
        c.data, tuple(pattern),
    )  # fmt: skip


def _embedded(terms: tuple[Term, ...]) -> list[csr_array]:
    """Every T_m among the stacked z, shape (N, N)."""
    total, first, bases = sum(term.size for term in terms), 0, []
    for term in terms:
        for one in term.bases:
            entries = csr_array(one).tocoo()
            at = (entries.row + first, entries.col + first)
            base = csr_array((entries.data.astype(np.float64), at), shape=(total, total))
            base.eliminate_zeros()
            bases.append(base)
        first += term.size
    return bases


def _ground(bases: list[csr_array], member: int) -> None:
    """Raise the diagonal at one member of a sum that no vote tells of, in the first T_m that has it."""
    for number, base in enumerate(bases):
        if (size := base[member, member]) > 0:
            at = (np.array([member]), np.array([member]))
            bases[number] = csr_array(base + csr_array((np.array([_GROUND * size]), at), shape=base.shape))
            return


def _permuted(matrix: csr_array, order: np.ndarray) -> csr_array:
    permuted = csr_array(matrix[:, order], dtype=np.float64)
    permuted.sort_indices()
    return permuted


def _find(rows: np.ndarray, columns: np.ndarray, pattern: Pattern) -> np.ndarray:
    """Positions of entries (rows >= columns) of the permuted matrix."""
    n = pattern.order.size
    below_row = np.repeat(np.arange(n), np.diff(pattern.below_start))
    at = np.searchsorted(below_row * n + pattern.below_index, rows * n + columns)
    return np.where(rows == columns, pattern.below_index.size + rows, at)


@compiled()
def _pairs(a_start, a_index, below_start, below_index):
    """Positions of the products of each row's entries, each with those before it and itself."""
    rows = a_start.size - 1
    start = np.zeros(rows + 1, dtype=np.int64)
    for i in range(rows):
        length = a_start[i + 1] - a_start[i]
        start[i + 1] = start[i] + length * (length + 1) // 2
    at = np.empty(start[rows], dtype=np.int64)
    for i in range(rows):
        place = start[i]
        for p in range(a_start[i], a_start[i + 1]):
            r = a_index[p]
            first = below_start[r]
            for q in range(a_start[i], p):
                at[place] = first + np.searchsorted(below_index[first : below_start[r + 1]], a_index[q])
                place += 1
            at[place] = below_index.size + r
            place += 1
    return start, at
