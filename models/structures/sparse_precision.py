r"""Precision matrices that are sparse and depend on rho through a few numbers.

For the structures without an iid part the effects are e ~ N(0, Q^-1) with

    sigma^2 Q = sum_m c_m(rho) T_m,

where the sparse symmetric matrices T_m depend on the graph alone. All T_m are stored on the pattern of their
union, in the order that suits its Cholesky factor, so that Q at any rho is a weighted sum of a few rows. The
functions c_m(rho) and log |sigma^2 Q| are each structure's own (`spatialvote.models.structures.dispatch`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array

from spatialvote.models.cholesky import Pattern, analyse
from spatialvote.models.spectrum import Spectrum


@dataclass(frozen=True)
class SparsePrecision:
    """sigma^2 Q = sum_m c_m(rho) T_m, bound to a graph.

    Attributes
    ----------
    code
        Which structure; first argument of `dispatch.weights` and `dispatch.log_det`.
    pattern
        Symbolic analysis of the union of the T_m.
    below_terms
        Entries of each T_m left of the diagonal, in the pattern's order, shape (M, nnz).
    diagonal_terms
        Diagonal of each T_m, in the pattern's order, shape (M, n).
    table
        Numbers on which the c_m depend besides rho; often empty.
    nodes
        Compressed eigenvalues (for DAGAR: counts of earlier neighbours) that the log determinant sums over.
    constants
        Part of the log determinant that does not depend on rho, and the multiplicity of log(1 - rho) in it.
    """

    code: int
    pattern: Pattern
    below_terms: np.ndarray
    diagonal_terms: np.ndarray
    table: np.ndarray
    nodes: Spectrum
    constants: np.ndarray

    @property
    def n(self) -> int:
        """Number of districts."""
        return self.diagonal_terms.shape[1]

    def products(self, columns: np.ndarray) -> np.ndarray:
        """X' T_m X for each term, shape (M, p, p); columns X in the districts' order, shape (n, p)."""
        order, start, index = self.pattern[:3]
        x = columns[order]
        rows = np.repeat(np.arange(self.n), np.diff(start))
        terms = []
        for below, diagonal in zip(self.below_terms, self.diagonal_terms, strict=True):
            half = (x[rows].T * below) @ x[index]
            terms.append((x.T * diagonal) @ x + half + half.T)
        return np.ascontiguousarray(terms)


def assemble(
    code: int,
    terms: Sequence[csc_array],
    nodes: Spectrum,
    constants: Sequence[float],
    table: Sequence[float] = (),
) -> SparsePrecision:
    """Store symmetric sparse terms, each (n, n), on the pattern of their union."""
    union = abs(terms[0])
    for term in terms[1:]:
        union = union + abs(term)
    pattern = analyse(csc_array(union))
    order, start, index = pattern[:3]
    n = order.size
    place = np.argsort(order)
    rows = np.repeat(np.arange(n), np.diff(start))
    keys = rows * n + index
    ascending = np.argsort(keys)
    below_terms = np.zeros((len(terms), index.size))
    for m, term in enumerate(terms):
        coo = term.tocoo()
        row, column = place[coo.row], place[coo.col]
        below = row > column
        at = np.searchsorted(keys, row[below] * n + column[below], sorter=ascending)
        below_terms[m, ascending[at]] = coo.data[below]
    diagonal_terms = np.array([term.diagonal()[order] for term in terms])
    return SparsePrecision(
        code,
        pattern,
        below_terms,
        diagonal_terms,
        np.array(table, dtype=np.float64),
        nodes,
        np.array(constants, dtype=np.float64),
    )
