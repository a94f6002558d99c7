r"""Gradient of the approximate log marginal likelihood in the hyperparameters, by the adjoint method.

With F = log p(mode) - log |H| / 2 + ..., v_i = Var(m_i) and u_i = Cov(x_i, m_i) under the Gaussian
approximation, s = v h' / 2 (h' = -log Z''' is the slope of the curvature), and one more solve z = H^-1 J's, J
= [a I, X],

    dF / d psi = d log p - (1/2) sum v d h - (1/2) tr(H^-1 dH at fixed h) - z'd(gradient) - s'(d m)

where every d is at fixed (x, c). The mode itself need not be differentiated: the objective is stationary
there, and z carries its influence on the determinant.
"""

import numpy as np

from spatialvote.models.cholesky import inverse_diagonal, solve_in_place
from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import small_solve
from spatialvote.models.laplace.inner import project


@compiled()
def variances(a, factor, v, null, null_sum, lower, design, component, pattern):
    """Var(m_i), Cov(x_i, m_i) (both (n,)), and the covariance of the coefficients (p, p)."""
    n, p = design.shape
    spread = inverse_diagonal(factor, pattern)
    for i in range(n):
        if component[i] >= 0:
            spread[i] -= null[i] * null[i] / null_sum[component[i]]
    covariance = small_solve(lower, np.eye(p))
    apart = design - a * v
    turned = apart @ covariance
    of_m, with_x = np.empty(n), np.empty(n)
    for i in range(n):
        of_m[i] = a * a * spread[i]
        with_x[i] = a * spread[i]
        for q in range(p):
            of_m[i] += turned[i, q] * apart[i, q]
            with_x[i] -= turned[i, q] * v[i, q]
    return of_m, with_x, covariance


@compiled()
def adjoint(a, right, factor, v, null, null_sum, lower, out, design, component, pattern):
    """z = H^-1 J's, given s as ``right`` (n,): parts in x (n,) and in c (p,)."""
    n, p = design.shape
    column = (a * right).reshape((n, 1)).copy()
    solve_in_place(factor, pattern, column)
    project(column, null, null_sum, component)
    loaded = (a * out[2]).reshape((n, 1)) * design
    solved = column[:, 0].copy()
    rest = (design.T @ right - loaded.T @ solved).reshape((p, 1))
    z_c = small_solve(lower, rest)[:, 0].copy()
    return solved - v @ z_c, z_c


@compiled()
def marginal_slope(
    a, x, c, out, factor, v, null, null_sum, lower, design, c_mean, c_precision, component, pattern
):  # fmt: skip
    """Derivatives of F in log a, in log t, and in the log prior sd of each coefficient; v and z for further
    ones.

    Returns
    -------
    by_log_a, by_log_t, by_log_sd, spread, half, z_x, z_c
        Two numbers, (p,), Var(m_i) (n,), s (n,), and the adjoint (n,), (p,).
    """
    p = c.size
    spread, with_x, covariance = variances(a, factor, v, null, null_sum, lower, design, component, pattern)
    half = -0.5 * spread * out[3]
    z_x, z_c = adjoint(a, half, factor, v, null, null_sum, lower, out, design, component, pattern)
    g, h = out[1], out[2]
    moved = h * a * x
    by_log_a = a * np.sum(g * x - h * with_x - half * x)
    by_log_a -= np.sum(z_x * (a * g - a * moved)) - np.sum(z_c * (design.T @ moved))
    by_log_t = np.sum(out[5] - 0.5 * spread * out[7]) - np.sum((a * z_x + design @ z_c) * out[6])
    by_log_sd = np.empty(p)
    for q in range(p):
        off = c[q] - c_mean[q]
        by_log_sd[q] = c_precision[q] * (off * off + covariance[q, q] - 2.0 * z_c[q] * off) - 1.0
    return by_log_a, by_log_t, by_log_sd, spread, half, z_x, z_c
