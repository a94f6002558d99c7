r"""Structures over the steps from one election to the next, each without its mean.

A structure has K = T - 1 columns of loadings B and the covariance M of their coefficients, so that w = B c,
c ~ N(0, M), is a path over T elections that **sums to zero**: its mean is for the persistent effects and the
intercepts to say. Both are scaled so that the geometric mean of Var(w_t) is 1.

- ``rw1``: a random walk. With D the first differences, weighted by 1 / (length of the step), B B' is the
  scaled Moore-Penrose inverse of D'D, and M = I.
- ``ar1``: C_st = r^|t - s|, the stationary autoregression. B = H, orthonormal contrasts, and M = H'C H over
  its scale. r = 0: elections are independent; r -> 1: the random walk.

References
----------
Knorr-Held, L. (2000). Bayesian modelling of inseparable space-time variation in disease risk. Statistics in
Medicine 19. Rue, H., Held, L. (2005). Gaussian Markov Random Fields. Chapman & Hall/CRC, chapter 3.
"""

from dataclasses import dataclass

import numpy as np

from spatialvote.models.latent.term import Values

#: Structures over time.
STEPS = ("rw1", "ar1")
#: Name of the autoregression's parameter.
PERSISTENCE = "persistence"


@dataclass(frozen=True, eq=False)
class Steps:
    """A structure over T elections.

    Attributes
    ----------
    kind
        One of `STEPS`.
    times
        When the elections are, in typical steps, shape (T,).
    loadings
        B, shape (T, T - 1).
    """

    kind: str
    times: np.ndarray
    loadings: np.ndarray

    @property
    def count(self) -> int:
        """K, the number of columns."""
        return self.loadings.shape[1]

    def covariance(self, values: Values) -> np.ndarray:
        """M of the autoregression, shape (..., K, K), for values (...) that may be complex."""
        r = np.asarray(values[PERSISTENCE])[..., None, None]
        gap = np.abs(self.times[:, None] - self.times)
        h = self.loadings
        small = h.T @ np.exp(gap * np.log(r)) @ h
        typical = np.exp(np.log(np.einsum("tk,...kl,tl->...t", h, small, h)).mean(axis=-1))
        return small / typical[..., None, None]

    def precision(self, values: Values) -> np.ndarray:
        """M^-1, shape (..., K, K)."""
        return np.linalg.inv(self.covariance(values))

    def log_det(self, values: Values) -> np.ndarray:
        """log |M^-1|, shape (...)."""
        if self.kind == "rw1":
            return np.zeros(())
        return -np.log(np.linalg.det(self.covariance(values)))


def make_steps(kind: str, times: np.ndarray) -> Steps:
    """A structure over elections at given times, of which only the ratios of the distances matter.

    Examples
    --------
    >>> walk = make_steps("rw1", np.arange(3.0))
    >>> bool(np.allclose(walk.loadings.sum(axis=0), 0)), walk.count
    (True, 2)
    """
    gaps = np.diff(times)
    gaps = gaps / gaps.mean()
    scaled = np.r_[0.0, np.cumsum(gaps)]
    count = len(times)
    differences = np.diff(np.eye(count), axis=0)
    if kind == "ar1":
        values, vectors = np.linalg.eigh(differences.T @ differences)
        return Steps(kind, scaled, vectors[:, 1:])
    values, vectors = np.linalg.eigh(differences.T @ (differences / gaps[:, None]))
    loadings = vectors[:, 1:] / np.sqrt(values[1:])
    typical = np.exp(np.log((loadings**2).sum(axis=1)).mean())
    return Steps(kind, scaled, loadings / np.sqrt(typical))
