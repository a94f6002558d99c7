r"""The curvature of a turnout model's log density, factored with its largest independent term eliminated.

With x = (x_k, x_e), x_e the values of the largest term whose prior is independent (an interaction of origin
and area, say), each cell sees one value of x_e, so that

    Q + A'HA = [ K   B' ]        D diagonal,        S = K - B' D^-1 B
               [ B   D  ]

and only S, of the size of the other terms, is dense: log|Q + A'HA| = log|S| + sum log D. A register of four
groups, fifteen ages and 81 areas has 480 values, 324 of which are eliminated.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from spatialvote.models.compiled import compiled


@dataclass(frozen=True, eq=False)
class Factor:
    """Factor of Q + A'HA.

    Attributes
    ----------
    upper
        Upper Cholesky factor of S, shape (k, k).
    ratio
        D^-1 B, shape (e, k); (0, k) where no term is eliminated.
    diagonal
        D, shape (e,).
    """

    upper: np.ndarray
    ratio: np.ndarray
    diagonal: np.ndarray

    @property
    def half_log_det(self) -> float:
        """Half of log|Q + A'HA|."""
        return float(np.log(np.diag(self.upper)).sum() + 0.5 * np.log(self.diagonal).sum())

    def solve(self, right: np.ndarray) -> np.ndarray:
        """Solution for one right side, shape (k + e,)."""
        k = len(self.upper)
        kept = cho_solve((self.upper, False), right[:k] - self.ratio.T @ right[k:], check_finite=False)
        return np.concatenate([kept, right[k:] / self.diagonal - self.ratio @ kept])

    def colour(self, noise: np.ndarray) -> np.ndarray:
        """Draws with covariance (Q + A'HA)^-1 from independent standard Normal ones, shape (k + e, draws)."""
        k = len(self.upper)
        kept = solve_triangular(self.upper, noise[:k], check_finite=False)
        own = noise[k:] / np.sqrt(self.diagonal)[:, None] - self.ratio @ kept
        return np.concatenate([kept, own])


def factorise(
    index: np.ndarray, scale: np.ndarray, curve: np.ndarray, prior: np.ndarray, own: np.ndarray
) -> Factor:
    """Factor Q + A'HA.

    Parameters
    ----------
    index, scale
        Position and factor of each cell's value of each term, shape (cells, terms): the rows of A. The
        positions of an eliminated term, in the last column, follow those of the others.
    curve
        H, shape (cells,).
    prior
        Q of the kept values, shape (k, k).
    own
        Diagonal of Q of the eliminated ones, shape (e,).
    """
    gram, cross, diagonal = prior.copy(), np.zeros((own.size, len(prior))), own.copy()
    _accumulate(index, scale, curve, gram, cross, diagonal)
    ratio = cross / diagonal[:, None]
    if own.size:
        gram -= cross.T @ ratio
    return Factor(cholesky(gram, check_finite=False), ratio, diagonal)


@compiled()
def gradient(index, scale, slope_of, slope):
    """Add A'g to `slope`."""
    for i in range(index.shape[0]):
        for a in range(index.shape[1]):
            slope[index[i, a]] += scale[i, a] * slope_of[i]


@compiled()
def _accumulate(index, scale, curve, gram, cross, diagonal):
    """Add A'HA to its blocks, cell by cell."""
    kept = gram.shape[0]
    terms = index.shape[1] - (1 if diagonal.size else 0)
    for i in range(index.shape[0]):
        for a in range(terms):
            part = scale[i, a] * curve[i]
            for b in range(terms):
                gram[index[i, a], index[i, b]] += part * scale[i, b]
        if diagonal.size:
            own, last = index[i, terms] - kept, scale[i, terms]
            diagonal[own] += last * last * curve[i]
            for a in range(terms):
                cross[own, index[i, a]] += last * curve[i] * scale[i, a]
