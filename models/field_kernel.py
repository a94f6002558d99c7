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
from spatialvote.models.simd import WIDTH, load, minus_product, plus, spread, spread_from, store, times, total
from spatialvote.models.triangular import TOGETHER, backward, forward

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
def smooth_rows(eta, design, k, width, component, sizes, pattern):
    """eta and X beside each other, and (R + k I)^-1 applied to them centred: rows of ``width`` numbers.

    The sampler's own version of `smooth`: rows stand in the permuted order, one after the other in a flat
    array, padded with zeros to a multiple of four, as the triangular solves take them; a spare row follows.
    """
    n, p = design.shape
    order = pattern[0]
    columns, x = np.zeros((n + 1) * width), np.zeros((n + 1) * width)
    means = np.zeros((sizes.size + 1) * width)
    for row in range(n):
        i, at = order[row], row * width
        columns[at] = eta[i]
        for q in range(p):
            columns[at + q + 1] = design[i, q]
    _centre_rows(columns, x, means, width, order, component, sizes)
    factor = factorise(k, pattern)
    if width <= TOGETHER:
        forward(factor, pattern[5], pattern[6], x, width)
        backward(factor, pattern[5], pattern[6], x, width)
    else:
        solve_in_place(factor, pattern, x[: n * width].reshape((n, width)))
    # What rounding left along the null vectors would be amplified by 1 / k.
    _centre_rows(x, x, means, width, order, component, sizes)
    return columns, x


@compiled()
def _centre_rows(source, target, means, width, order, component, sizes):
    """Write rows without their means within components; rows of islands as they are."""
    means[:] = 0.0
    for row in range(order.size):
        g, at = component[order[row]], row * width
        if g >= 0:
            for c in range(0, width, 4):
                store(means, g * width + c, plus(load(means, g * width + c), load(source, at + c)))
    for g in range(sizes.size):
        for c in range(width):
            means[g * width + c] /= sizes[g]
    one = spread(1.0)
    for row in range(order.size):
        # Behind the last component stand the zeros of the islands.
        g, at = component[order[row]], row * width
        place = (g if g >= 0 else sizes.size) * width
        for c in range(0, width, 4):
            store(target, at + c, minus_product(load(source, at + c), load(means, place + c), one))


@compiled()
def products(columns, x, k, width, n, p):
    """Sums over rows of columns (columns - k x)' and x (columns - k x)', each p + 1 rows of ``width``."""
    gram, slope = np.zeros((p + 1) * width), np.zeros((p + 1) * width)
    minus = spread(-1.0)
    shrunk = spread(k)
    for row in range(n):
        at = row * width
        for c in range(0, width, 4):
            # The negative of it, because what the kernels have is start - left * right.
            weighed = minus_product(load(columns, at + c), load(x, at + c), shrunk)
            weighed = times(weighed, minus)
            for q in range(p + 1):
                place = q * width + c
                store(gram, place, minus_product(load(gram, place), weighed, spread_from(columns, at + q)))
                store(slope, place, minus_product(load(slope, place), weighed, spread_from(x, at + q)))
    return gram, slope


@compiled()
def inner(left, right):
    """Inner product, its sum always in the same order and on this thread, which BLAS does not promise."""
    sums, whole = spread(0.0), left.size // WIDTH * WIDTH
    for i in range(0, whole, WIDTH):
        sums = minus_product(sums, load(left, i), load(right, i))
    value = -total(sums)
    for i in range(whole, left.size):
        value += left[i] * right[i]
    return value


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
    width = (p + 4) // 4 * 4
    columns, x = smooth_rows(eta, design, k, width, component, sizes, pattern)
    gram, slope = products(columns, x, k, width, n, p)
    precision = np.empty((p, p))
    for q in range(p):
        for j in range(p):
            precision[q, j] = t * gram[(q + 1) * width + j + 1]
        precision[q, q] += 1.0 / prior_sd[q] ** 2
    lower = small_cholesky(precision)
    inverse = small_solve(lower, np.eye(p))
    mean = np.zeros(p)
    for q in range(p):
        for j in range(p):
            mean[q] += inverse[q, j] * t * gram[(j + 1) * width]

    f, f_slope = 0.0, 0.0
    for q in range(node.size):
        f += node_weight[q] * np.log1p(k / node[q])
        f_slope += node_weight[q] / (node[q] + k)
    # The residual r = eta - X b^ and its smoothed version, by linearity. Smoothed columns are centred, so
    # that r'x is the product of the centred residual too.
    r_q_r, r_qk_r = 0.0, 0.0
    order = pattern[0]
    for row in range(n):
        at = row * width
        r, x_r = columns[at], x[at]
        for q in range(p):
            r -= mean[q] * columns[at + q + 1]
            x_r -= mean[q] * x[at + q + 1]
        weighed = r - k * x_r
        gradient[order[row]] = -t * weighed
        r_q_r += t * weighed * r
        r_qk_r -= t * weighed * x_r
    # eta'Q r as r'Q r + b^' diag(1/s^2) b^: the difference of large terms would cancel where sigma is small.
    quadratic, half_log_m, log_s, trace_a, trace_k = r_q_r, 0.0, 0.0, float(p), 0.0
    by_log_sd = np.empty(p)
    for q in range(p):
        scaled = (mean[q] / prior_sd[q]) ** 2
        share = inverse[q, q] / prior_sd[q] ** 2
        quadratic += scaled
        half_log_m += np.log(lower[q, q])
        log_s += np.log(prior_sd[q])
        # tr(M^-1 A) = p - tr(M^-1 diag(1/s^2)).
        trace_a -= share
        by_log_sd[q] = scaled + share - 1.0
        for j in range(p):
            trace_k -= t * inverse[q, j] * slope[(j + 1) * width + q + 1]
    log_density = 0.5 * (n * np.log(t) - f - quadratic - n * np.log(2 * np.pi)) - half_log_m - log_s
    by_log_t = 0.5 * (n - r_q_r - trace_a)
    by_k = -0.5 * (f_slope + r_qk_r + trace_k)
    by_sigma = -2.0 / sigma * by_log_t
    by_rho = by_log_t / (1.0 - rho) + by_k / (1.0 - rho) ** 2
    return log_density, gradient, by_sigma, by_rho, by_log_sd
