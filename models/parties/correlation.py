r"""The prior of the correlations between the parties' fields, and coordinates in which they are free.

C = L L' has the LKJ distribution, p(C) proportional to |C|^(shape - 1) (Lewandowski, Kurowicka & Joe 2009).
Its partial correlations along the C-vine, z_ij = corr(i, j | 0, ..., j - 1) for j < i, are independent with

    (z_ij + 1) / 2 ~ Beta(b_j, b_j),    b_j = shape + (K - 2 - j) / 2        (j from 0, K logits)

and build the factor row by row,

    L_ij = z_ij prod_(l < j) sqrt(1 - z_il^2),    L_ii = prod_(l < i) sqrt(1 - z_il^2).

The coordinate of z is y = artanh z, whose log density is b log(1 - z^2) up to a constant. shape = 1 is
uniform over correlation matrices; above 1 it prefers correlations near zero. It does not depend on the order
of the parties.

Lewandowski, D., Kurowicka, D., Joe, H. (2009). Generating random correlation matrices based on vines and
extended onion method. Journal of Multivariate Analysis 100.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln

from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.compiled import compiled


@dataclass(frozen=True)
class LKJ:
    """LKJ prior of a correlation matrix; the larger ``shape``, the nearer to zero are correlations."""

    shape: float = 2.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.shape) and self.shape > 0):
            raise ModelError(
                Problem(
                    f"shape of the prior of correlations must be positive, got {self.shape}", "give 1 or more"
                )
            )

    def __str__(self) -> str:
        return f"LKJ({self.shape:g})"

    def powers(self, count: int) -> np.ndarray:
        """b of each coordinate y, in the order of `pairs`, for so many logits."""
        _, second = pairs(count)
        return self.shape + 0.5 * (count - 2 - second)

    def draw(self, rng: np.random.Generator, size: int, count: int) -> np.ndarray:
        """Draws of y, shape (size, count (count - 1) / 2)."""
        b = self.powers(count)
        return np.arctanh(2 * rng.beta(b, b, (size, b.size)) - 1)


def pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows i and columns j < i of the coordinates, row by row."""
    return np.tril_indices(count, -1)


def log_constant(powers: np.ndarray) -> float:
    """What `log_prior_correlation` leaves out."""
    return float(-((2 * powers - 1) * np.log(2) + betaln(powers, powers)).sum())


@compiled()
def correlation_factor(y, count):
    """L, shape (count, count), from the coordinates y; the identity where y is empty."""
    lower = np.eye(count)
    if y.size == 0:
        return lower
    at = 0
    for i in range(count):
        left = 1.0
        for j in range(i):
            lower[i, j] = np.tanh(y[at]) * left
            left /= np.cosh(y[at])
            at += 1
        lower[i, i] = left
    return lower


@compiled()
def factor_slope(y, by_lower):
    """Turn a gradient in L, shape (count, count), into one in y."""
    count = by_lower.shape[0]
    by_y = np.zeros(y.size)
    if y.size == 0:
        return by_y
    for i in range(1, count):
        first = i * (i - 1) // 2
        left = np.ones(i + 1)
        for j in range(i):
            left[j + 1] = left[j] / np.cosh(y[first + j])
        by_left = by_lower[i, i]
        for j in range(i - 1, -1, -1):
            z, shrink = np.tanh(y[first + j]), 1.0 / np.cosh(y[first + j])
            by_y[first + j] = by_lower[i, j] * left[j] * shrink * shrink - by_left * left[j] * z * shrink
            by_left = by_left * shrink + by_lower[i, j] * z
    return by_y


@compiled()
def log_prior_correlation(y, power):
    """Log density of y up to a constant, and its gradient."""
    total, gradient = 0.0, np.empty(y.size)
    for q in range(y.size):
        # log(1 - tanh^2 y) = -2 log cosh y, without overflow.
        size = abs(y[q])
        total -= 2.0 * power[q] * (size + np.log1p(np.exp(-2.0 * size)) - np.log(2.0))
        gradient[q] = -2.0 * power[q] * np.tanh(y[q])
    return total, gradient
