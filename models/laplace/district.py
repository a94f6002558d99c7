r"""The likelihood of one district with its own iid effect integrated out.

Given m_i = x_i'b + a phi_i the linear predictor is eta_i ~ N(m_i, 1/t), and

    log Z_i(m) = log of the integral of p(y_i | eta) N(eta; m, 1/t) d eta

is one-dimensional and smooth: adaptive Gauss-Hermite quadrature with nine nodes, centred at the integrand's
mode and scaled by its curvature, gives it to about 1e-8 for counts above ten and 1e-4 for single votes. With
E, V, k3, k4 the mean and the second to fourth central moments of eta under the integrand,

    log Z'   = g = t (E - m)             -log Z''  = h = t - t^2 V
    log Z''' = t^3 k3                     log Z'''' = t^4 (k4 - 3 V^2)

and in log t, at fixed m,

    d log Z = (1 - t (V + (E - m)^2)) / 2
    d g     = t (E - m) - t^2 (k3 + 2 (E - m) V) / 2
    d h     = t - 2 t^2 V + t^3 (k4 - V^2 + 2 (E - m) k3) / 2.

Structures without an iid part have t = infinity: log Z is then the log likelihood itself, at eta = m.
"""

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.families import beta_binomial, binomial, gaussian, poisson
from spatialvote.models.laplace.district_rule import LOG_WEIGHT, NODE
from spatialvote.models.laplace.series import REACH, TERMS, expand, has_series, moments

_BINOMIAL, _BETA_BINOMIAL, _GAUSSIAN = binomial.CODE, beta_binomial.CODE, gaussian.CODE
_binomial, _beta_binomial = binomial.derivatives, beta_binomial.derivatives
_gaussian, _poisson = gaussian.derivatives, poisson.derivatives

#: Rows that `collapse_all` fills.
ROWS = 9

_MOST_STEPS = 50


@compiled()
def derivatives(family, eta, vote, size, dispersion):
    """log p(y | eta) of one district and its first three derivatives in eta."""
    if family == _BINOMIAL:
        return _binomial(eta, vote, size, dispersion)
    if family == _BETA_BINOMIAL:
        return _beta_binomial(eta, vote, size, dispersion)
    if family == _GAUSSIAN:
        return _gaussian(eta, vote, size, dispersion)
    return _poisson(eta, vote, size, dispersion)


@compiled()
def district_mode(family, m, t, vote, size, dispersion, start):
    """Mode of l(eta) - t (eta - m)^2 / 2, by Newton's method; and the curvature there."""
    eta = start
    for _ in range(_MOST_STEPS):
        _, slope, curve, _ = derivatives(family, eta, vote, size, dispersion)
        curvature = t - curve
        # Far out a beta-binomial is not log-concave.
        if not curvature > 0.1 * t:
            curvature = t
        step = (slope - t * (eta - m)) / curvature
        # A Poisson mean grows by e^2 at most in one step, so that a bad start cannot overflow.
        step = min(max(step, -2.0), 2.0)
        eta += step
        # Newton converges quadratically, and quadrature needs its centre to a hundredth of its scale only.
        if abs(step) * np.sqrt(curvature) < 0.03:
            break
    _, _, curve, _ = derivatives(family, eta, vote, size, dispersion)
    curvature = t - curve
    if not curvature > 0.1 * t:
        curvature = t
    return eta, curvature


@compiled()
def collapsed(family, m, t, vote, size, dispersion, start, coefficient, sides):
    """log Z, mean, variance, third and fourth central moment of eta, and the mode; see the module's
    equations.

    Parameters
    ----------
    start
        Where to begin the search of the mode.
    coefficient, sides
        Work arrays of the series, shapes (TERMS + 1,) and (2, 4).
    """
    if size == 0.0:
        # The party did not stand: the prior alone.
        return 0.0, m, 1.0 / t, 0.0, 3.0 / (t * t), m
    mode, curvature = district_mode(family, m, t, vote, size, dispersion, start)
    scale = 1.0 / np.sqrt(curvature)
    total = np.nan
    if has_series(family) and scale * NODE[-1] < REACH:
        expand(family, mode, vote, size, coefficient)
        top = coefficient[0] - 0.5 * t * (mode - m) ** 2
        slope = coefficient[1] - t * (mode - m)
        total, first, second, third, fourth = moments(coefficient, scale, slope, sides)
    if np.isnan(total):
        top = derivatives(family, mode, vote, size, dispersion)[0] - 0.5 * t * (mode - m) ** 2
        total, first, second, third, fourth = 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(NODE.size):
            x = NODE[j]
            eta = mode + scale * x
            value = derivatives(family, eta, vote, size, dispersion)[0] - 0.5 * t * (eta - m) ** 2
            weight = np.exp(value - top + LOG_WEIGHT[j])
            total += weight
            first += weight * x
            second += weight * x * x
            third += weight * x**3
            fourth += weight * x**4
    # hermgauss integrates exp(-s^2); with eta = mode + sqrt(2) scale s.
    log_z = top + np.log(total * scale * np.sqrt(2.0)) + 0.5 * np.log(t / (2.0 * np.pi))
    first /= total
    second /= total
    third /= total
    fourth /= total
    variance = second - first * first
    k3 = third - 3.0 * first * second + 2.0 * first**3
    k4 = fourth - 4.0 * first * third + 6.0 * first * first * second - 3.0 * first**4
    return log_z, mode + scale * first, scale**2 * variance, scale**3 * k3, scale**4 * k4, mode


@compiled()
def collapse_all(family, m, t, votes, size, dispersion, start, out):
    """Fill ``out`` (`ROWS`, n) with log Z and what the engine needs of its derivatives, district by district.

    Rows: log Z, g, h, log Z''', log Z'''', d log Z / d log t, d g / d log t, d h / d log t, mode of eta. For
    t = infinity (no iid part) the fourth derivative and those in log t are zero.
    """
    coefficient, sides = np.empty(TERMS + 1), np.empty((2, 4))
    for i in range(m.size):
        if t == np.inf:
            value, slope, curve, third = derivatives(family, m[i], votes[i], size[i], dispersion)
            out[:, i] = 0.0
            out[0, i], out[1, i], out[2, i], out[3, i], out[8, i] = value, slope, -curve, third, m[i]
            continue
        log_z, mean, variance, k3, k4, mode = collapsed(
            family, m[i], t, votes[i], size[i], dispersion, start[i], coefficient, sides
        )
        off = mean - m[i]
        out[0, i] = log_z
        out[1, i] = t * off
        out[2, i] = t - t * t * variance
        out[3, i] = t**3 * k3
        out[4, i] = t**4 * (k4 - 3.0 * variance * variance)
        out[5, i] = 0.5 - 0.5 * t * (variance + off * off)
        out[6, i] = t * off - 0.5 * t * t * (k3 + 2.0 * off * variance)
        out[7, i] = t - 2.0 * t * t * variance + 0.5 * t**3 * (k4 - variance * variance + 2.0 * off * k3)
        out[8, i] = mode
