r"""Joint draws of field and coefficients at given hyperparameters, and how far each is from exact.

A draw from the Gaussian approximation is c ~ N(c^, C) and, given c, x = x^ - V (c - c^) + S^-1/2 noise,
projected on the sum-to-zero constraint. Its predictors are off their mode by d_i = m_i - m^_i, and the prior
enters the approximation exactly, so the log ratio of the posterior to the approximation is

    r = sum_i [ log Z_i(m^_i + d_i) - log Z_i(m^_i) - g_i d_i + h_i d_i^2 / 2 ].

Each term is by quadrature, as at the mode, or, where many districts have many votes, by the next two terms of
the series, log Z''' d^3 / 6 + log Z'''' d^4 / 24; the engine uses the series only after comparing both on
some draws.
"""

import numpy as np

from spatialvote.models.cholesky import solve_transposed_in_place
from spatialvote.models.compiled import compiled
from spatialvote.models.laplace.district import collapsed, derivatives
from spatialvote.models.laplace.inner import project
from spatialvote.models.laplace.series import TERMS


@compiled()
def draw_deviations(lower, white):
    """Deviations of the coefficients from their mean, precision lower lower', in place of white noise
    (p, k)."""
    p, k = white.shape
    for q in range(k):
        for i in range(p - 1, -1, -1):
            for j in range(i + 1, p):
                white[i, q] -= lower[j, i] * white[j, q]
            white[i, q] /= lower[i, i]


@compiled()
def draw_field(a, x, c, factor, v, null, null_sum, lower, component, pattern, white_x, white_c):
    """Draws of x and c, in place of white noise (n, k) and (p, k); x in the permuted order."""
    solve_transposed_in_place(factor, pattern, white_x)
    project(white_x, null, null_sum, component)
    n, k = white_x.shape
    p = c.size
    draw_deviations(lower, white_c)
    white_x -= v @ white_c
    for q in range(k):
        for i in range(n):
            white_x[i, q] += x[i]
        for i in range(p):
            white_c[i, q] += c[i]


@compiled()
def log_ratio_by_series(moved, m, out):
    """r of each draw from the third and fourth derivative; moved (n, k) holds predictors; shape (k,)."""
    n, k = moved.shape
    ratio = np.zeros(k)
    for i in range(n):
        third, fourth = out[3, i] / 6.0, out[4, i] / 24.0
        for q in range(k):
            d = moved[i, q] - m[i]
            ratio[q] += d * d * d * (third + d * fourth)
    return ratio


@compiled()
def log_ratio(family, dispersion, t, moved, m, out, votes, size):
    """r of each draw by quadrature, shape (k,)."""
    n, k = moved.shape
    ratio = np.zeros(k)
    coefficient, sides = np.empty(TERMS + 1), np.empty((2, 4))
    for i in range(n):
        value, g, h, start = out[0, i], out[1, i], out[2, i], out[8, i]
        # The mode of eta moves with m by this fraction.
        follow = h / t if t < np.inf else 0.0
        for q in range(k):
            d = moved[i, q] - m[i]
            if t == np.inf:
                then = derivatives(family, moved[i, q], votes[i], size[i], dispersion)[0]
            else:
                begin = start + d * max(0.0, 1.0 - follow)
                then = collapsed(
                    family, moved[i, q], t, votes[i], size[i], dispersion, begin, coefficient, sides
                )[0]
            ratio[q] += then - value - g * d + 0.5 * h * d * d
    return ratio
