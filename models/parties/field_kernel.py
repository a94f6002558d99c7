r"""Density of correlated BYM2 fields, coefficients integrated out, and its gradient: the compiled kernel.

Eta (n, K) = X B + F A', the columns of F independent BYM2 fields of unit scale, f_k ~ N(0, Q_k^-1),
Q_k^-1 = (1 - rho_k) I + rho_k R^-, and A (K, K) lower triangular with a positive diagonal. Then the columns
of (Eta - X B) A'^-1 are independent, with W = A^-1 and w_k its rows,

    log p(Eta | B) = sum_k log N( (Eta - X B) w_k; 0, Q_k^-1 ) - n log |A|.

Rows of B (K, p), one for each logit, have the prior vec(B) ~ N(0, V (x) D), D = diag(s^2). They are
integrated out together. With y_k = Eta w_k and G_k = X'Q_k X

    M = V^-1 (x) D^-1 + sum_k (w_k w_k') (x) G_k,    b^ = M^-1 sum_k w_k (x) X'Q_k y_k,
    r_k = y_k - X B^' w_k
    log p(Eta) = sum_k (log |Q_k| - r_k'Q_k r_k) / 2 - n log |A| - n K / 2 log 2 pi
                 - (b^' (V (x) D)^-1 b^ + log |M| + log |V (x) D|) / 2
    d / d eta_j  = -sum_k W_kj Q_k r_k
    d / d rho_k    as in `spatialvote.models.field_kernel`, with tr(M^-1 (w_k w_k') (x) X'Q' X) for the traces
    d / d W_kj   = n 1(j = k) / W_kk - r_k'Q_k (eta_j - X b^_j) - sum_i W_ki tr((M^-1)_ij G_k)
    d / d A      = -W' (d / d W) W'.

With K = 1 it is the density of `spatialvote.models.field_kernel` at sigma = A, with sigma taken out of Q.
"""

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import SMALLEST_K, small_cholesky, small_solve, smooth


@compiled()
def invert_lower(lower):
    """Inverse of a lower triangular matrix, shape (K, K)."""
    count = lower.shape[0]
    inverse = np.zeros((count, count))
    for j in range(count):
        inverse[j, j] = 1.0 / lower[j, j]
        for i in range(j + 1, count):
            total = 0.0
            for q in range(j, i):
                total += lower[i, q] * inverse[q, j]
            inverse[i, j] = -total / lower[i, i]
    return inverse


@compiled()
def smooth_parties(eta, design, unmix, rho, component, sizes, pattern):
    """What the density and the draws of B need of each field k.

    Returns
    -------
    y, x_y, c_y
        y_k = Eta w_k, smoothed, and centred, each (n, K).
    x_design, c_design
        X smoothed for each rho, (R, n, p), and centred, (n, p).
    gram, gram_slope
        X'Q_k X and its derivative in k = rho / (1 - rho) at a fixed 1 - rho, (R, p, p).
    projected
        X'Q_k y_k, (K, p).
    """
    n, count = eta.shape[1], eta.shape[0]
    p, distinct = design.shape[1], rho.size
    y, x_y, c_y = np.empty((n, count)), np.empty((n, count)), np.empty((n, count))
    x_design, c_design = np.empty((distinct, n, p)), np.empty((n, p))
    gram, gram_slope = np.empty((distinct, p, p)), np.empty((distinct, p, p))
    projected = np.empty((count, p))
    for i in range(n):
        for k in range(count):
            total = 0.0
            for j in range(k + 1):
                total += unmix[k, j] * eta[j, i]
            y[i, k] = total
    for g in range(distinct):
        # One rho for all fields, or one for each.
        first, last = (0, count) if distinct == 1 else (g, g + 1)
        width = last - first
        columns = np.empty((n, width + p))
        columns[:, :width] = y[:, first:last]
        columns[:, width:] = design
        k = max(rho[g] / (1.0 - rho[g]), SMALLEST_K)
        t = 1.0 / (1.0 - rho[g])
        x, centred, _ = smooth(columns, k, component, sizes, pattern)
        product = t * (columns.T @ columns - k * (centred.T @ x))
        gram[g] = product[width:, width:]
        gram_slope[g] = -t * (centred.T @ x - k * (x.T @ x))[width:, width:]
        projected[first:last] = product[:width, width:]
        x_y[:, first:last], c_y[:, first:last] = x[:, :width], centred[:, :width]
        x_design[g], c_design[:] = x[:, width:], centred[:, width:]
    return y, x_y, c_y, x_design, c_design, gram, gram_slope, projected


@compiled()
def coefficient_system(unmix, gram, projected, prior_precision, prior_sd):
    """Lower factor of M, (K p, K p), and b^ as (K, p)."""
    count, p = projected.shape
    precision, right = np.zeros((count * p, count * p)), np.zeros((count * p, 1))
    for i in range(count):
        for q in range(p):
            for k in range(i, count):
                right[i * p + q, 0] += unmix[k, i] * projected[k, q]
        for j in range(count):
            for q in range(p):
                precision[i * p + q, j * p + q] += prior_precision[i, j] / prior_sd[q] ** 2
            for k in range(max(i, j), count):
                weight = unmix[k, i] * unmix[k, j]
                g = 0 if gram.shape[0] == 1 else k
                for q in range(p):
                    for r in range(p):
                        precision[i * p + q, j * p + r] += weight * gram[g, q, r]
    lower = small_cholesky(precision)
    return lower, small_solve(lower, right).reshape((count, p))


@compiled()
def parties_density(
    eta, design, prior_precision, prior_sd, mixing, rho, component, sizes, node, node_weight, pattern
):
    """Log density, and its gradient in eta (K, n), A (K, K; lower part) and rho (R,).

    Parameters
    ----------
    eta
        Logits less their prior means, a row for each party, shape (K, n).
    prior_precision, prior_sd
        V^-1, (K, K), and s, (p,).
    mixing
        A.
    rho
        One for all fields, or one for each.
    """
    count, n = eta.shape
    p = design.shape[1]
    unmix = invert_lower(mixing)
    y, x_y, c_y, x_design, c_design, gram, gram_slope, projected = smooth_parties(
        eta, design, unmix, rho, component, sizes, pattern
    )
    lower, b = coefficient_system(unmix, gram, projected, prior_precision, prior_sd)
    inverse = small_solve(lower, np.eye(count * p))

    total = -0.5 * n * count * np.log(2.0 * np.pi)
    for q in range(count * p):
        total -= np.log(lower[q, q])
    for q in range(p):
        total -= count * np.log(prior_sd[q])
        for i in range(count):
            for j in range(count):
                total -= 0.5 * prior_precision[i, j] * b[i, q] * b[j, q] / prior_sd[q] ** 2
    half = small_cholesky(prior_precision)
    for k in range(count):
        total += p * np.log(half[k, k]) - n * np.log(mixing[k, k])

    gradient = np.zeros((count, n))
    by_unmix, by_rho = np.zeros((count, count)), np.zeros(rho.size)
    weighted = np.empty(n)
    for k in range(count):
        g = 0 if rho.size == 1 else k
        ratio = max(rho[g] / (1.0 - rho[g]), SMALLEST_K)
        t = 1.0 / (1.0 - rho[g])
        f, f_slope = 0.0, 0.0
        for q in range(node.size):
            f += node_weight[q] * np.log1p(ratio / node[q])
            f_slope += node_weight[q] / (node[q] + ratio)
        own = np.zeros(p)
        for j in range(k + 1):
            own += unmix[k, j] * b[j]
        r_q_r, r_slope_r = 0.0, 0.0
        for i in range(n):
            r, x_r, r_c = y[i, k], x_y[i, k], c_y[i, k]
            for q in range(p):
                r -= own[q] * design[i, q]
                x_r -= own[q] * x_design[g, i, q]
                r_c -= own[q] * c_design[i, q]
            weighted[i] = t * (r - ratio * x_r)
            r_q_r += weighted[i] * r
            r_slope_r -= t * (r_c * x_r - ratio * x_r * x_r)
        total += 0.5 * (n * np.log(t) - f - r_q_r)

        # S = sum_ij W_ki W_kj (M^-1)_ij, the covariance of X-coefficients of y_k given Eta.
        spread = np.zeros((p, p))
        for j in range(k + 1):
            cross = np.zeros((p, p))
            for i in range(k + 1):
                cross += unmix[k, i] * inverse[i * p : (i + 1) * p, j * p : (j + 1) * p]
            spread += unmix[k, j] * cross
            by_w = -np.sum(cross * gram[g])
            for i in range(n):
                left = eta[j, i]
                for q in range(p):
                    left -= design[i, q] * b[j, q]
                by_w -= weighted[i] * left
                gradient[j, i] -= unmix[k, j] * weighted[i]
            by_unmix[k, j] = by_w
        by_unmix[k, k] += n / unmix[k, k]
        by_log_t = 0.5 * (n - r_q_r - np.sum(spread * gram[g]))
        by_k = -0.5 * (f_slope + r_slope_r + np.sum(spread * gram_slope[g]))
        by_rho[g] += by_log_t / (1.0 - rho[g]) + by_k / (1.0 - rho[g]) ** 2

    by_mixing = np.zeros((count, count))
    for i in range(count):
        for j in range(i + 1):
            for k in range(i, count):
                for q in range(j + 1):
                    by_mixing[i, j] -= unmix[k, i] * by_unmix[k, q] * unmix[j, q]
    return total, gradient, by_mixing, by_rho
