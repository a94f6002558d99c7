r"""Density of a field with sparse precision, coefficients integrated out, and its gradient: compiled kernel.

As in `spatialvote.models.field_kernel`, eta = X b + e with b ~ N(0, diag(s^2)); but here e ~ N(0, Q^-1) with
sigma^2 Q = sum_m c_m(rho) T_m given by its entries, so that no factor is needed: with the T_m assembled to Q
and to its derivative Q_rho, and X'T_m X known beforehand,

    A = X'Q X,  M = A + diag(1/s^2),  b^ = M^-1 X'Q eta,  r = eta - X b^
    log p        = -n/2 log 2 pi + (log |Q| - r'Q r - b^' diag(1/s^2) b^ - log |M|) / 2 - sum log s
    d/d eta      = -Q r
    d/d sigma    = -(n - r'Q r - tr(M^-1 A)) / sigma
    d/d rho      = (d log |Q| / d rho - r'Q_rho r - tr(M^-1 X'Q_rho X)) / 2
    d/d log s_j  = b^_j^2 / s_j^2 + (M^-1)_jj / s_j^2 - 1.
"""

import numpy as np

from spatialvote.models.cholesky import factorise_values
from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import slope_in_log_sd, small_cholesky, small_solve
from spatialvote.models.structures.dispatch import log_det, weights


@compiled()
def combine(share, terms):
    """sum_m share_m terms_m, shape of one term."""
    total = np.zeros(terms.shape[1])
    for m in range(share.size):
        for q in range(total.size):
            total[q] += share[m] * terms[m, q]
    return total


@compiled()
def multiply(below_start, below_index, below, diagonal, vector):
    """Product of a symmetric matrix, given by the entries left of its diagonal, and a vector (n,)."""
    product = diagonal * vector
    for r in range(vector.size):
        for q in range(below_start[r], below_start[r + 1]):
            c = below_index[q]
            product[r] += below[q] * vector[c]
            product[c] += below[q] * vector[r]
    return product


@compiled()
def factorise_precision(sigma, rho, code, table, below_terms, diagonal_terms, pattern):
    """Cholesky factor of Q at sigma and rho."""
    share = weights(code, rho, table)[0] / sigma**2
    return factorise_values(combine(share, below_terms), combine(share, diagonal_terms), pattern)


@compiled()
def coefficients_given_eta(projected, gram, share, prior_sd):
    """Mean b^ (p,), lower factor of M (p, p), and A (p, p), from X'Q eta (p,) and the X'T_m X (M, p, p)."""
    p = prior_sd.size
    a = np.zeros((p, p))
    for m in range(share.size):
        a += share[m] * gram[m]
    precision = a.copy()
    for q in range(p):
        precision[q, q] += 1.0 / prior_sd[q] ** 2
    lower = small_cholesky(precision)
    mean = small_solve(lower, projected.reshape((p, 1)))[:, 0]
    return mean, lower, a


@compiled()
def sparse_density(
    eta,
    design,
    prior_sd,
    sigma,
    rho,
    code,
    table,
    node,
    node_weight,
    constants,
    below_terms,
    diagonal_terms,
    gram,
    order,
    below_start,
    below_index,
):
    """Log density, and its gradient in eta (n,), sigma, rho and the logs of the prior sds (p,).

    Returns minus infinity with zero gradients where sigma or rho leave their range.
    """
    n, p = design.shape
    gradient = np.zeros(n)
    if not (sigma > 0.0 and 0.0 <= rho < 1.0 and sigma < np.inf):
        return -np.inf, gradient, 0.0, 0.0, np.zeros(p)
    share, share_slope = weights(code, rho, table)
    share /= sigma * sigma
    share_slope /= sigma * sigma
    below, diagonal = combine(share, below_terms), combine(share, diagonal_terms)

    vector = eta[order]
    product = multiply(below_start, below_index, below, diagonal, vector)
    projected = np.zeros(p)
    for r in range(n):
        for q in range(p):
            projected[q] += design[order[r], q] * product[r]
    mean, lower, a = coefficients_given_eta(projected, gram, share, prior_sd)

    # The residual r = eta - X b^; its products anew, because differences would cancel where sigma is small.
    for r in range(n):
        for q in range(p):
            vector[r] -= design[order[r], q] * mean[q]
    product = multiply(below_start, below_index, below, diagonal, vector)
    below, diagonal = combine(share_slope, below_terms), combine(share_slope, diagonal_terms)
    product_slope = multiply(below_start, below_index, below, diagonal, vector)
    r_q_r, r_slope_r = 0.0, 0.0
    for r in range(n):
        gradient[order[r]] = -product[r]
        r_q_r += vector[r] * product[r]
        r_slope_r += vector[r] * product_slope[r]

    log_q, log_q_slope = log_det(code, rho, node, node_weight, constants)
    log_q -= 2.0 * n * np.log(sigma)
    quadratic, half_log_m, log_s = r_q_r, 0.0, 0.0
    for q in range(p):
        quadratic += (mean[q] / prior_sd[q]) ** 2
        half_log_m += np.log(lower[q, q])
        log_s += np.log(prior_sd[q])
    log_density = 0.5 * (log_q - quadratic - n * np.log(2 * np.pi)) - half_log_m - log_s
    trace_a, trace_slope = 0.0, 0.0
    if p > 0:
        a_slope = np.zeros((p, p))
        for m in range(share.size):
            a_slope += share_slope[m] * gram[m]
        solved, solved_slope = small_solve(lower, a), small_solve(lower, a_slope)
        for q in range(p):
            trace_a += solved[q, q]
            trace_slope += solved_slope[q, q]
    by_sigma = -(n - r_q_r - trace_a) / sigma
    by_rho = 0.5 * (log_q_slope - r_slope_r - trace_slope)
    return log_density, gradient, by_sigma, by_rho, slope_in_log_sd(mean, lower, prior_sd)
