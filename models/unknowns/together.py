"""From coordinates to values that move together, and slopes back, compiled.

The equations, and how the places and the basis come about, are in `spatialvote.models.unknowns.whitened`.
"""

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import inner
from spatialvote.models.unknowns.arrays import (
    ANSWER,
    LEVEL,
    NOISE,
    OWN,
    RESPONSE,
    STRUCTURED,
    TOLD,
    UNIT,
    WIDE,
)


@compiled()
def _variances(scales, place, j):
    """pi_j and t_j."""
    tau, share, sigma, rho = scales[0], scales[1], scales[2], scales[3]
    own, structured = place[j, OWN], place[j, STRUCTURED]
    pi = place[j, WIDE] + tau * tau * ((1.0 - share) * own + share * structured)
    told = place[j, TOLD] / (sigma * sigma * ((1.0 - rho) * own + rho * structured) + place[j, NOISE])
    return pi, told


@compiled()
def _terms(v, scales, place, terms):
    """Fill t, 1 / P, y0, c and h (5, k); return alpha, c's, kappa, c'h / P and c'v / P^(1/2)."""
    k = v.size
    size = 0.0
    for j in range(k):
        pi, told = _variances(scales, place, j)
        terms[0, j], terms[1, j] = told, 1.0 / (1.0 + 1.0 / pi + told)
        terms[2, j] = (place[j, RESPONSE] + told * place[j, ANSWER]) * terms[1, j]
        size += told * terms[2, j] ** 2
    alpha, answer = 1.0 / np.sqrt(1.0 + size), 0.0
    for j in range(k):
        terms[3, j] = alpha * terms[0, j] * terms[2, j]
        answer += terms[3, j] * place[j, ANSWER]
    kappa, mixed, along = 0.0, 0.0, 0.0
    for j in range(k):
        terms[4, j] = place[j, RESPONSE] + terms[0, j] * place[j, ANSWER] - terms[3, j] * answer
        kappa += terms[3, j] ** 2 * terms[1, j]
        mixed += terms[3, j] * terms[4, j] * terms[1, j]
        along += terms[3, j] * v[j] * np.sqrt(terms[1, j])
    return alpha, answer, kappa, mixed, along


@compiled()
def _stretch(kappa):
    """((1 - kappa)^(-1/2) - 1) / kappa and its derivative."""
    if kappa < 1e-4:
        return 0.5 + 0.375 * kappa, 0.375 + 0.625 * kappa
    root = 1.0 / np.sqrt(1.0 - kappa)
    value = (root - 1.0) / kappa
    return value, (0.5 * root**3 - value) / kappa


@compiled()
def spread_block(v, scales, place, basis, z):
    """Fill z (k,) from coordinates v (k,), ``scales`` being tau, lambda, sigma and rho; return the log
    Jacobian."""
    k = v.size
    terms, y = np.empty((5, k)), np.empty(k)
    _, _, kappa, mixed, along = _terms(v, scales, place, terms)
    shift = mixed / (1.0 - kappa) + _stretch(kappa)[0] * along
    jacobian = -0.5 * np.log1p(-kappa)
    for j in range(k):
        y[j] = terms[1, j] * (terms[4, j] + terms[3, j] * shift) + np.sqrt(terms[1, j]) * v[j]
        jacobian += np.log(place[j, UNIT]) + 0.5 * np.log(terms[1, j])
    for e in range(k):
        turned = inner(basis[e * k : (e + 1) * k], y) if basis.size else y[e]
        z[e] = place[e, LEVEL] + place[e, UNIT] * turned
    return jacobian


@compiled()
def gather_block(by_z, v, scales, place, basis, by_v, by_scales):
    """From slopes in z (k,) fill those in v (k,), of the log Jacobian too, and those in log tau, logit
    lambda, log sigma and logit rho (4,)."""
    k = v.size
    by_y, terms = np.zeros(k), np.empty((5, k))
    for e in range(k):
        loaded = place[e, UNIT] * by_z[e]
        if basis.size:
            row = basis[e * k : (e + 1) * k]
            for j in range(k):
                by_y[j] += row[j] * loaded
        else:
            by_y[e] = loaded
    alpha, answer, kappa, mixed, along = _terms(v, scales, place, terms)
    stretch, stretch_slope = _stretch(kappa)
    left = 1.0 - kappa
    shift = mixed / left + stretch * along
    # Backwards through the lines of `spread_block` and `_terms`.
    by_shift = 0.0
    for j in range(k):
        by_shift += by_y[j] * terms[1, j] * terms[3, j]
    by_mixed, by_along = by_shift / left, by_shift * stretch
    by_kappa = by_shift * (mixed / left**2 + along * stretch_slope) + 0.5 / left
    by_c, by_inverse, by_told, by_h = np.empty(k), np.empty(k), np.empty(k), np.empty(k)
    by_answer = 0.0
    for j in range(k):
        inverse, c, h = terms[1, j], terms[3, j], terms[4, j]
        root = np.sqrt(inverse)
        by_v[j] = by_y[j] * root + by_along * c * root
        by_h[j] = by_y[j] * inverse + by_mixed * c * inverse
        by_c[j] = by_y[j] * inverse * shift + by_along * root * v[j] + by_mixed * h * inverse
        by_c[j] += 2.0 * by_kappa * c * inverse - by_h[j] * answer
        by_inverse[j] = by_y[j] * (h + c * shift) + 0.5 * (by_y[j] + by_along * c) * v[j] / root
        by_inverse[j] += by_mixed * c * h + by_kappa * c * c + 0.5 / inverse
        by_told[j] = by_h[j] * place[j, ANSWER]
        by_answer -= by_h[j] * c
    by_alpha = 0.0
    for j in range(k):
        by_c[j] += by_answer * place[j, ANSWER]
        by_told[j] += by_c[j] * alpha * terms[2, j]
        by_alpha += by_c[j] * terms[0, j] * terms[2, j]
    by_size = -0.5 * alpha**3 * by_alpha
    by_scales[:] = 0.0
    for j in range(k):
        told, inverse, expected = terms[0, j], terms[1, j], terms[2, j]
        by_expected = by_c[j] * alpha * told + 2.0 * by_size * told * expected
        by_inverse[j] += by_expected * expected / inverse
        by_told[j] += by_size * expected**2 + by_expected * place[j, ANSWER] * inverse
        by_precision = -by_inverse[j] * inverse**2
        by_told[j] += by_precision
        pi, _ = _variances(scales, place, j)
        own, structured = place[j, OWN], place[j, STRUCTURED]
        for one in range(2):
            scale, share = scales[2 * one] ** 2, scales[2 * one + 1]
            # 1 / pi falls with the field's variance, and so does what the votes tell with theirs.
            by_variance = -by_precision / (pi * pi)
            if one == 1:
                by_variance = -by_told[j] * told * told / place[j, TOLD] if told > 0.0 else 0.0
            by_scales[2 * one] += 2.0 * by_variance * scale * ((1.0 - share) * own + share * structured)
            by_scales[2 * one + 1] += by_variance * scale * share * (1.0 - share) * (structured - own)
