r"""White residuals of effects with a sparse precision: the inverse of drawing them from white noise.

For e ~ N(0, Q^-1) and L L' = Q, both in the order of Q's fill-reducing permutation, r = L'e is iid N(0, 1).
Entry k of r is the effect of one district minus what those that come after it in the order would have it,
over its standard deviation given them; it stands at that district's place. A column x of numbers is whitened
alike, and (L'x)'r / |L'x| = x'Q e / sqrt(x'Q x) is N(0, 1).
"""

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.sparse_kernel import factorise_precision
from spatialvote.models.structures.sparse_precision import SparsePrecision
from spatialvote.models.triangular import multiply_transposed_in_place


def whiten(
    precision: SparsePrecision,
    effects: np.ndarray,
    sigma: np.ndarray,
    rho: np.ndarray,
    columns: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Whiten draws of effects, each with its own sigma and rho.

    Parameters
    ----------
    precision
        The structure on its graph.
    effects
        Shape (draws, n).
    sigma, rho
        Shape (draws,).
    columns
        Numbers by district whose products with the effects are asked for, shape (n, p).

    Returns
    -------
    residuals
        r at the districts' places, shape (draws, n); iid N(0, 1).
    scores
        x'Q e / sqrt(x'Q x) of each column, shape (draws, p); each N(0, 1).
    """
    if columns is None:
        columns = np.zeros((precision.n, 0))
    residuals = np.empty((len(sigma), precision.n))
    scores = np.empty((len(sigma), columns.shape[1]))
    order = precision.pattern[0]
    _whiten(
        np.ascontiguousarray(effects[:, order], dtype=np.float64),
        np.ascontiguousarray(columns[order].T, dtype=np.float64),
        np.ascontiguousarray(sigma, dtype=np.float64),
        np.ascontiguousarray(rho, dtype=np.float64),
        precision.code,
        precision.table,
        precision.below_terms,
        precision.diagonal_terms,
        tuple(precision.pattern),
        residuals,
        scores,
    )
    return residuals, scores


@compiled()
def _whiten(
    effects, columns, sigma, rho, code, table, below_terms, diagonal_terms, pattern, residuals, scores
):
    """Fill residuals and scores; effects (draws, n) and columns (p, n) in the pattern's order."""
    order = pattern[0]
    for s in range(sigma.size):
        factor = factorise_precision(sigma[s], rho[s], code, table, below_terms, diagonal_terms, pattern)
        white = effects[s].copy()
        multiply_transposed_in_place(factor, pattern, white)
        for q in range(columns.shape[0]):
            column = columns[q].copy()
            multiply_transposed_in_place(factor, pattern, column)
            product, square = 0.0, 0.0
            for r in range(order.size):
                product += column[r] * white[r]
                square += column[r] * column[r]
            scores[s, q] = product / np.sqrt(square)
        for r in range(order.size):
            residuals[s, order[r]] = white[r]
