r"""Log likelihoods as power series around a point, for districts whose effect is well determined.

Where a district has many votes, eta varies so little that log p(y | eta) is a short power series around a
point e: with p = logit^-1(e), q = p (1 - p) and tau = 2p - 1 the derivatives of softplus are q P_k(tau),

    P_2 = 1,    P_(k+1) = -tau P_k + P_k' (1 - tau^2) / 2,

and those of exp are all exp(e). Fourteen terms are right to 1e-9 of the likelihood's curvature within a
distance of `REACH` (softplus has its nearest pole at pi from the real axis). A series costs a tenth of the
logarithms and exponentials that it replaces.
"""

from math import factorial

import numpy as np
from numpy.polynomial import polynomial

from spatialvote.models.compiled import compiled
from spatialvote.models.families import binomial, poisson
from spatialvote.models.laplace.district_rule import LOG_WEIGHT, NODE

_BINOMIAL, _POISSON = binomial.CODE, poisson.CODE

#: Last term, and the largest distance at which it serves.
TERMS, REACH = 14, 0.6


def _softplus_table() -> np.ndarray:
    """Coefficients in tau of P_k / k!, shape (TERMS + 1, TERMS)."""
    table, p = np.zeros((TERMS + 1, TERMS)), np.array([1.0])
    for k in range(2, TERMS + 1):
        table[k, : len(p)] = p / factorial(k)
        slope = polynomial.polyder(p) if len(p) > 1 else np.zeros(1)
        p = polynomial.polyadd(polynomial.polymul([0, -1], p), polynomial.polymul(slope, [0.5, 0, -0.5]))
    return table


_SOFTPLUS = _softplus_table()
_RECIPROCAL = np.array([1.0 / factorial(k) for k in range(TERMS + 1)])
# The nodes are symmetric: four to the right of the middle one.
_RIGHT = NODE[5:].copy()
_SQUARE = _RIGHT**2
_WEIGHT = np.exp(LOG_WEIGHT - NODE**2 / 2)
_MIDDLE, _SIDE = _WEIGHT[4], _WEIGHT[5:].copy()


@compiled()
def has_series(family):
    """Whether the family's likelihood is known as a series."""
    return family in (_BINOMIAL, _POISSON)


@compiled()
def expand(family, eta, vote, size, coefficient):
    """Fill coefficient (TERMS + 1,) with those of log p(y | eta + x) in x."""
    if family == _POISSON:
        mean = size * np.exp(eta)
        for k in range(TERMS + 1):
            coefficient[k] = -mean * _RECIPROCAL[k]
        coefficient[0] += vote * eta
        coefficient[1] += vote
        return
    decay = np.exp(-abs(eta))
    share = (1.0 if eta >= 0 else decay) / (1.0 + decay)
    tau = (1.0 - decay) / (1.0 + decay) * (1.0 if eta >= 0 else -1.0)
    spread = size * decay / (1.0 + decay) ** 2
    coefficient[0] = vote * eta - size * (max(eta, 0.0) + np.log1p(decay))
    coefficient[1] = vote - size * share
    for k in range(2, TERMS + 1):
        value = 0.0
        # P_k has the powers of tau of one parity, up to k - 2.
        for d in range(k - 2, -1, -2):
            value = value * tau * tau + _SOFTPLUS[k, d]
        coefficient[k] = -spread * (value * tau if k % 2 else value)


@compiled()
def evaluate(coefficient, x):
    """Value and slope of a series at x."""
    value, slope = coefficient[TERMS], 0.0
    for k in range(TERMS - 1, -1, -1):
        slope = slope * x + value
        value = value * x + coefficient[k]
    return value, slope


@compiled(fastmath={"contract"})
def moments(coefficient, scale, slope, sides):
    """Integral of exp(f) over x, f the log density in standard deviations without its -x^2 / 2, by
    quadrature.

    Parameters
    ----------
    coefficient
        Of the likelihood around the centre, by distance on eta's scale.
    scale
        Standard deviation: distance = scale x.
    slope
        Derivative of the whole log density at the centre, on eta's scale.
    sides
        Work array, shape (2, 4).

    Returns
    -------
    total, first, second, third, fourth
        Of the raw moments of x; `total` is relative to `LOG_WEIGHT`'s normalisation. NaN where the remainder
        is too large for the short exponential used here.
    """
    largest = 0.0
    for j in range(4):
        x = scale * _RIGHT[j]
        square = x * x
        odd, even = coefficient[13], coefficient[14]
        for k in range(11, 2, -2):
            odd = odd * square + coefficient[k]
            even = even * square + coefficient[k + 1]
        odd = (odd * square + slope) * x
        even = even * square * square
        sides[0, j], sides[1, j] = even + odd, even - odd
        largest = max(largest, abs(even) + abs(odd))
    if not largest < 2.0:
        return np.nan, 0.0, 0.0, 0.0, 0.0
    total, first, second, third, fourth = _MIDDLE, 0.0, 0.0, 0.0, 0.0
    for j in range(4):
        # exp(r) as the fourth power of the series of exp(r / 4): right to 1e-11 for |r| < 2.
        u, v = 0.25 * sides[0, j], 0.25 * sides[1, j]
        a, b = _RECIPROCAL[10], _RECIPROCAL[10]
        for k in range(9, -1, -1):
            a = a * u + _RECIPROCAL[k]
            b = b * v + _RECIPROCAL[k]
        a, b = a * a, b * b
        a, b = a * a * _SIDE[j], b * b * _SIDE[j]
        both, apart = a + b, (a - b) * _RIGHT[j]
        total += both
        first += apart
        second += both * _SQUARE[j]
        third += apart * _SQUARE[j]
        fourth += both * _SQUARE[j] * _SQUARE[j]
    return total, first, second, third, fourth
