r"""Density of the BYM2 field with the coefficients integrated out, and its gradient: the compiled kernel.

The field is eta = X b + e with e ~ N(0, Sigma), Sigma = sigma^2 [(1 - rho) I + rho R^-], and coefficients
b ~ N(0, diag(s^2)) (p = 0 columns: no coefficients). Write Q = Sigma^-1, k = rho / (1 - rho),
t = 1 / (sigma^2 (1 - rho)), Z = (R + k I)^-1 X_c with X_c centred within components. Then

    Q v          = t (v - k (R + k I)^-1 v_c)                       one factor, p + 1 solves
    log |Q|      = n log t - f(k)                                   f: `spatialvote.models.spectrum`
    A = X'Q X,  c = X'Q eta,  M = A + diag(1/s^2),  b^ = M^-1 c,  r = eta - X b^
    log p        = -n/2 log 2 pi + (log |Q| - eta'Q r - log |M|) / 2 - sum log s
    d/d eta      = -Q r
    d/d log t    = (n - r'Q r - tr(M^-1 A)) / 2
    d/d k        = -(f'(k) + r' Q_k r + tr(M^-1 X' Q_k X)) / 2,     v'Q_k w = -t (v_c'y - k x'y),
                                                                    x, y = (R + k I)^-1 (v_c, w_c)
    d/d log s_j  = (b^_j^2 + (M^-1)_jj) / s_j^2 - 1

Integrating b out removes the funnel between the intercept and rho: as rho -> 1 the mean of e is pinned to
zero in every component, and a sampled intercept would have to shrink with it. Given eta, sigma and rho the
coefficients are drawn exactly, b ~ N(b^, M^-1).
"""

import numpy as np

from spatialvote.models.cholesky import factorise, solve_in_place
from spatialvote.models.compiled import compiled

#: Below this k the factor of R + k I would be too close to singular along the (centred out) null vectors.
SMALLEST_K = 1e-8


@compiled()
def centre_in_place(values, component, sizes):
    """Subtract from each column of values, shape (n, m), its mean within each component; islands stay."""
    n, m = values.shape
    means = np.zeros((sizes.size, m))
    for i in range(n):
        if component[i] >= 0:
            for c in range(m):
                means[component[i], c] += values[i, c]
    for g in range(sizes.size):
        for c in range(m):
            means[g, c] /= sizes[g]
    for i in range(n):
        if component[i] >= 0:
            for c in range(m):
                values[i, c] -= means[component[i], c]


@compiled()
def smooth(columns, k, component, sizes, pattern):
    """(R + k I)^-1 applied to the centred columns, shape (n, m); the centred columns; the factor."""
    n, m = columns.shape
    order = pattern[0]
    factor = factorise(k, pattern)
    centred = columns.copy()
    centre_in_place(centred, component, sizes)
    solved = np.empty((n, m))
    for r in range(n):
        i = order[r]
        for c in range(m):
            solved[r, c] = centred[i, c]
    solve_in_place(factor, pattern, solved)
    x = np.empty((n, m))
    for r in range(n):
        i = order[r]
        for c in range(m):
            x[i, c] = solved[r, c]
    # What rounding left along the null vectors would be amplified by 1 / k.
    centre_in_place(x, component, sizes)
    return x, centred, factor


@compiled()
def small_cholesky(matrix):
    """Lower factor of a small dense symmetric matrix, shape (p, p); p may be zero."""
    p = matrix.shape[0]
    lower = np.zeros((p, p))
    for i in range(p):
        for j in range(i + 1):
            total = matrix[i, j]
            for q in range(j):
                total -= lower[i, q] * lower[j, q]
            lower[i, j] = np.sqrt(total) if i == j else total / lower[j, j]
    return lower


@compiled()
def small_solve(lower, rhs):
    """Solve lower lower' x = rhs for each column of rhs, shape (p, m)."""
    p, m = rhs.shape
    x = rhs.copy()
    for c in range(m):
        for i in range(p):
            for q in range(i):
                x[i, c] -= lower[i, q] * x[q, c]
            x[i, c] /= lower[i, i]
        for i in range(p - 1, -1, -1):
            for q in range(i + 1, p):
                x[i, c] -= lower[q, i] * x[q, c]
            x[i, c] /= lower[i, i]
    return x


@compiled()
def slope_in_log_sd(mean, lower, prior_sd):
    """Derivative of the log density in the logs of the prior standard deviations, shape (p,).

    d log p / d log s_j = (b^_j^2 + (M^-1)_jj) / s_j^2 - 1.
    """
    p = prior_sd.size
    inverse = small_solve(lower, np.eye(p))
    slope = np.empty(p)
    for q in range(p):
        slope[q] = (mean[q] ** 2 + inverse[q, q]) / prior_sd[q] ** 2 - 1.0
    return slope


@compiled()
def coefficient_posterior(columns, x, centred, prior_sd, t, k):
    """Mean b^ (p,) and lower factor of the precision M (p, p) of b given eta; A (p, p) beside them.

    ``columns`` holds eta and then X, shape (n, p + 1); ``x`` and ``centred`` come from `smooth`.
    """
    p = prior_sd.size
    gram = t * (columns.T @ columns - k * (centred.T @ x))
    a = gram[1:, 1:].copy()
    precision = a.copy()
    for q in range(p):
        precision[q, q] += 1.0 / prior_sd[q] ** 2
    lower = small_cholesky(precision)
    mean = small_solve(lower, gram[1:, :1].copy())[:, 0]
    return mean, lower, a


@compiled()
def field_density(eta, design, prior_sd, sigma, rho, component, sizes, node, node_weight, pattern):
    """Log density, and its gradient in eta (n,), sigma, rho and the logs of the prior sds (p,).

    Returns minus infinity with zero gradients where sigma or rho leave their range.
    """
    n, p = design.shape
    gradient = np.zeros(n)
    if not (sigma > 0.0 and 0.0 <= rho < 1.0 and sigma < np.inf):
        return -np.inf, gradient, 0.0, 0.0, np.zeros(p)
    k = max(rho / (1.0 - rho), SMALLEST_K)
    t = 1.0 / (sigma * sigma * (1.0 - rho))
    columns = np.empty((n, p + 1))
    columns[:, 0] = eta
    columns[:, 1:] = design
    x, centred, _ = smooth(columns, k, component, sizes, pattern)
    mean, lower, a = coefficient_posterior(columns, x, centred, prior_sd, t, k)

    f, f_slope = 0.0, 0.0
    for q in range(node.size):
        f += node_weight[q] * np.log1p(k / node[q])
        f_slope += node_weight[q] / (node[q] + k)
    half_log_m, log_s = 0.0, 0.0
    for q in range(p):
        half_log_m += np.log(lower[q, q])
        log_s += np.log(prior_sd[q])
    # The residual r = eta - X b^ and its smoothed and centred versions, by linearity.
    r_q_r, r_qk_r = 0.0, 0.0
    for i in range(n):
        r, x_r, r_c = columns[i, 0], x[i, 0], centred[i, 0]
        for q in range(p):
            r -= mean[q] * columns[i, q + 1]
            x_r -= mean[q] * x[i, q + 1]
            r_c -= mean[q] * centred[i, q + 1]
        gradient[i] = -t * (r - k * x_r)
        r_q_r -= gradient[i] * r
        r_qk_r -= t * (r_c * x_r - k * x_r * x_r)
    # eta'Q r as r'Q r + b^' diag(1/s^2) b^: the difference of large terms would cancel where sigma is small.
    quadratic = r_q_r
    for q in range(p):
        quadratic += (mean[q] / prior_sd[q]) ** 2
    log_density = 0.5 * (n * np.log(t) - f - quadratic - n * np.log(2 * np.pi)) - half_log_m - log_s
    trace_a, trace_k = 0.0, 0.0
    if p > 0:
        slope = -t * (centred.T @ x - k * (x.T @ x))[1:, 1:].copy()
        solved_a, solved_k = small_solve(lower, a), small_solve(lower, slope)
        for q in range(p):
            trace_a += solved_a[q, q]
            trace_k += solved_k[q, q]
    by_log_t = 0.5 * (n - r_q_r - trace_a)
    by_k = -0.5 * (f_slope + r_qk_r + trace_k)
    by_sigma = -2.0 / sigma * by_log_t
    by_rho = by_log_t / (1.0 - rho) + by_k / (1.0 - rho) ** 2
    return log_density, gradient, by_sigma, by_rho, slope_in_log_sd(mean, lower, prior_sd)
