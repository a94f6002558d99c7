r"""The Gaussian approximation of structured field and coefficients at given hyperparameters.

With the iid effects integrated out (`spatialvote.models.laplace.district`) what is left is

    m = a x + X c,    x ~ N(0, P^-1),    c ~ N(c0, B^-1),
    log p = sum_i log Z_i(m_i) - x'Px / 2 - (c - c0)'B (c - c0) / 2

where for BYM2 x = phi, P = R, a = sigma sqrt(rho), and x sums to zero in each component; for structures
without an iid part x is the effect itself, a = 1 and P its precision. Newton's method finds the mode. With D
= diag(h) its negative Hessian is

    H = [ S        a D X     ]      S = P + a^2 D
        [ a X'D    B + X'D X ]

so a step costs one sparse factor of S, with the graph's own pattern, and P + 2 solves. The sum-to-zero
constraint is met by projection: with w = S^-1 1 within each component, S^-1 r is replaced by S^-1 r - w
(1'S^-1 r) / (1'w), and

    log |H| = log |S| + sum over components of log 1'w + log |B + X'D X - a X'D V|,
    V = a S^-1 D X, projected,

up to a constant. Everything here is in the permuted order of the pattern.
"""

import numpy as np

from spatialvote.models.cholesky import factorise_values, log_determinant, solve_in_place
from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import small_cholesky, small_solve
from spatialvote.models.laplace.district import ROWS, collapse_all
from spatialvote.models.sparse_kernel import multiply

_MOST_STEPS = 60
_MOST_HALVINGS = 30
#: Newton stops where the objective can rise by no more than this (its log determinant is then right to 1e-5
#: even for a hundred thousand districts, because it moves with the square root of this).
TOLERANCE = 1e-12


@compiled()
def project(columns, null, null_sum, component):
    """Make the columns (n, m) of S^-1 r meet the sum-to-zero constraint; ``null`` is w, ``null_sum`` 1'w."""
    n, m = columns.shape
    total = np.zeros((null_sum.size, m))
    for i in range(n):
        if component[i] >= 0:
            for q in range(m):
                total[component[i], q] += columns[i, q]
    for i in range(n):
        g = component[i]
        if g >= 0:
            for q in range(m):
                columns[i, q] -= null[i] * total[g, q] / null_sum[g]


@compiled()
def objective_at(m, out, x, prior_x, c, c_mean, c_precision):
    """sum log Z - x'Px / 2 - (c - c0)'B(c - c0) / 2, given P x."""
    total = 0.0
    for i in range(m.size):
        total += out[0, i] - 0.5 * x[i] * prior_x[i]
    for q in range(c.size):
        total -= 0.5 * c_precision[q] * (c[q] - c_mean[q]) ** 2
    return total


@compiled()
def newton_step(
    a, g, h, below, diagonal, prior_x, c, c_mean, c_precision, design, component, components, pattern
):  # fmt: skip
    """From g and h of every district and P x: the factor of S, and a Newton step.

    Returns
    -------
    possible, factor, v, null, null_sum, lower, slope_x, slope_c, step_x, step_c
        Whether S is positive definite; names as in `inner_mode`; gradient and step in x (n,) and c (p,).
    """
    n, p = design.shape
    columns, loaded = np.empty((n, p + 2)), np.empty((n, p))
    factor = factorise_values(below, diagonal + a * a * h, pattern)
    possible = not np.isnan(factor[0])
    for i in range(n):
        columns[i, 0] = a * g[i] - prior_x[i]
        columns[i, 1] = 1.0 if component[i] >= 0 else 0.0
        for q in range(p):
            loaded[i, q] = a * h[i] * design[i, q]
            columns[i, q + 2] = loaded[i, q]
    slope_x = columns[:, 0].copy()
    if possible:
        solve_in_place(factor, pattern, columns)
    null, null_sum = columns[:, 1].copy(), np.zeros(components)
    for i in range(n):
        if component[i] >= 0:
            null_sum[component[i]] += null[i]
    project(columns, null, null_sum, component)
    v, step_x = columns[:, 2:].copy(), columns[:, 0].copy()
    precision = design.T @ (h.reshape(n, 1) * design) - loaded.T @ v
    slope_c = design.T @ g - c_precision * (c - c_mean)
    for q in range(p):
        precision[q, q] += c_precision[q]
    lower = small_cholesky(precision)
    right = (slope_c - loaded.T @ step_x).reshape((p, 1))
    step_c = small_solve(lower, right)[:, 0].copy()
    step_x -= v @ step_c
    return possible, factor, v, null, null_sum, lower, slope_x, slope_c, step_x, step_c


@compiled()
def log_det_hessian(factor, null_sum, lower, pattern):
    """log |H|, up to a constant."""
    log_det = log_determinant(factor, pattern)
    for g in range(null_sum.size):
        log_det += np.log(null_sum[g])
    for q in range(lower.shape[0]):
        log_det += 2.0 * np.log(lower[q, q])
    return log_det


@compiled()
def inner_mode(
    family, dispersion, a, t, below, diagonal, c_mean, c_precision, design, votes, size, component, sizes,
    pattern, x, c, start,
):  # fmt: skip
    """Mode and Gaussian approximation at given hyperparameters.

    Parameters
    ----------
    a, t
        Scale of x in the linear predictor, and precision of the iid effects (infinity: none).
    below, diagonal
        Entries of P in the pattern's order.
    c_mean, c_precision
        Prior of the coefficients, shape (p,).
    component, sizes
        Component of each district (-1: its x is not constrained) and districts in each.
    x, c, start
        Where to begin: field (n,), coefficients (p,) and modes of eta (n,).

    Returns
    -------
    found, objective, log_det, x, c, m, out, factor, v, null, null_sum, lower
        Whether Newton converged; log p at the mode; log |H|; the mode; linear predictors; `collapse_all`'s
        rows (`ROWS`, n); the factor of S; V (n, p); w (n,); 1'w; the factor of the coefficients' precision
        (p, p).
    """
    n, p = design.shape
    x, c = x.copy(), c.copy()
    out, trial = np.empty((ROWS, n)), np.empty((ROWS, n))
    out[8, :] = start
    m = a * x + design @ c
    collapse_all(family, m, t, votes, size, dispersion, out[8].copy(), out)
    prior_x = multiply(pattern[1], pattern[2], below, diagonal, x)
    objective = objective_at(m, out, x, prior_x, c, c_mean, c_precision)
    v, null, null_sum = np.empty((n, p)), np.empty(n), np.zeros(sizes.size)
    lower, factor, log_det = np.zeros((p, p)), np.empty(0), np.nan
    found = False
    for _ in range(_MOST_STEPS):
        possible, factor, v, null, null_sum, lower, slope_x, slope_c, step_x, step_c = newton_step(
            a, out[1], out[2], below, diagonal, prior_x, c, c_mean, c_precision, design, component,
            sizes.size, pattern,
        )  # fmt: skip
        if not possible:
            break
        gain = 0.5 * (np.dot(slope_x, step_x) + np.dot(slope_c, step_c))
        if not np.isfinite(gain):
            break
        if gain < TOLERANCE:
            found = True
            break
        length = 1.0
        for _ in range(_MOST_HALVINGS):
            x_new, c_new = x + length * step_x, c + length * step_c
            m_new = a * x_new + design @ c_new
            collapse_all(family, m_new, t, votes, size, dispersion, out[8] + (m_new - m), trial)
            prior_new = multiply(pattern[1], pattern[2], below, diagonal, x_new)
            reached = objective_at(m_new, trial, x_new, prior_new, c_new, c_mean, c_precision)
            # Rounding of a sum over n districts may hide the last small gains.
            if reached >= objective - 1e-12 * abs(objective):
                break
            length *= 0.5
        x, c, m, prior_x, objective = x_new, c_new, m_new, prior_new, reached
        out, trial = trial, out
    if found:
        log_det = log_det_hessian(factor, null_sum, lower, pattern)
    return found, objective, log_det, x, c, m, out, factor, v, null, null_sum, lower
