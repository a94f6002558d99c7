r"""eta_i given its mean m_i and the votes: an exact draw from p(y_i | eta) N(eta; m_i, 1/t).

The density is log-concave for the binomial, Poisson and Gaussian families, so tangents at three points (near
the mode and to both sides) are an upper hull of piecewise exponentials, from which a candidate is drawn and
accepted with the ratio of density to hull (rejection sampling; Gilks and Wild 1992); about nine in ten are
accepted. The beta-binomial is log-concave only near its mode: there a candidate above the hull counts as
accepted, which the precision t of the district's effect keeps rare.

Gilks, W. R., Wild, P. (1992). Adaptive rejection sampling for Gibbs sampling. Applied Statistics 41.
"""

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.laplace.district import derivatives, district_mode
from spatialvote.models.laplace.series import REACH, TERMS, evaluate, expand, has_series

#: Tangents touch at this many standard deviations from the mode: the hull of a Gaussian is then tightest.
_TOUCH = 1.3
_MOST_TRIES = 1000


@compiled()
def _log_density(family, eta, m, t, vote, size, dispersion, centre, coefficient):
    """Log density and its slope; by the series around ``centre`` within its reach (NaN: there is none)."""
    if abs(eta - centre) < REACH:
        value, slope = evaluate(coefficient, eta - centre)
    else:
        value, slope, _, _ = derivatives(family, eta, vote, size, dispersion)
    return value - 0.5 * t * (eta - m) ** 2, slope - t * (eta - m)


@compiled()
def _mass(length, slope):
    """Integral of exp(slope x) over 0 <= x <= length."""
    if abs(slope * length) < 1e-8:
        return length
    return np.expm1(slope * length) / slope


@compiled()
def draw_one(family, m, t, vote, size, dispersion, guess, curvature, centre, coefficient, rng):
    """A draw of eta; ``guess`` is near the mode, where minus the second derivative is about ``curvature``.

    ``coefficient`` is the likelihood's series around ``centre``, NaN where there is none.
    """
    if size == 0.0:
        return m + rng.standard_normal() / np.sqrt(t)
    for _attempt in range(2):
        apart = _TOUCH / np.sqrt(curvature)
        left, middle, right = guess - apart, guess, guess + apart
        f_left, s_left = _log_density(family, left, m, t, vote, size, dispersion, centre, coefficient)
        f_middle, s_middle = _log_density(family, middle, m, t, vote, size, dispersion, centre, coefficient)
        f_right, s_right = _log_density(family, right, m, t, vote, size, dispersion, centre, coefficient)
        if s_left > s_middle > s_right and s_left > 0.0 > s_right:
            break
        # A poor guess: look for the mode itself.
        guess, curvature = district_mode(family, m, t, vote, size, dispersion, guess)
    else:
        return _draw_by_grid(family, m, t, vote, size, dispersion, guess, curvature, centre, coefficient, rng)
    # Where neighbouring tangents meet.
    low = (f_middle - f_left + s_left * left - s_middle * middle) / (s_left - s_middle)
    high = (f_right - f_middle + s_middle * middle - s_right * right) / (s_middle - s_right)
    at_low, at_high = f_middle + s_middle * (low - middle), f_middle + s_middle * (high - middle)
    mass_left = np.exp(at_low - f_middle) / s_left
    mass_middle = np.exp(at_low - f_middle) * _mass(high - low, s_middle)
    mass_right = -np.exp(at_high - f_middle) / s_right
    total = mass_left + mass_middle + mass_right
    eta = guess
    for _ in range(_MOST_TRIES):
        where = rng.random() * total
        u = 1.0 - rng.random()
        if where < mass_left:
            eta = low + np.log(u) / s_left
            hull = at_low + s_left * (eta - low)
        elif where < mass_left + mass_middle:
            length = high - low
            if abs(s_middle * length) < 1e-8:
                eta = low + u * length
            else:
                eta = low + np.log1p(u * np.expm1(s_middle * length)) / s_middle
            hull = at_low + s_middle * (eta - low)
        else:
            eta = high + np.log(u) / s_right
            hull = at_high + s_right * (eta - high)
        value, _ = _log_density(family, eta, m, t, vote, size, dispersion, centre, coefficient)
        if np.log(1.0 - rng.random()) <= value - hull:
            break
    return eta


@compiled()
def _draw_by_grid(family, m, t, vote, size, dispersion, mode, curvature, centre, coefficient, rng):
    """A draw from the density on a grid, for the rare one that has no three proper tangents."""
    count = 201
    width = 16.0 / np.sqrt(curvature)
    values = np.empty(count)
    for j in range(count):
        eta = mode + width * (j / (count - 1) - 0.5)
        values[j] = _log_density(family, eta, m, t, vote, size, dispersion, centre, coefficient)[0]
    weight = np.cumsum(np.exp(values - values.max()))
    j = np.searchsorted(weight, rng.random() * weight[-1])
    return mode + width * ((j + rng.random() - 0.5) / (count - 1) - 0.5)


@compiled()
def draw_all(family, t, moved, m, out, votes, size, dispersion, rng, eta):
    """Fill eta (n, k) with a draw for each predictor of ``moved`` (n, k); m and out as at the mode."""
    n, k = moved.shape
    coefficient = np.empty(TERMS + 1)
    for i in range(n):
        h, mode = out[2, i], out[8, i]
        # Curvature of the district's own density: t - l'' with 1 / (t - l'') = Var = (1 - h / t) / t.
        left = max(1.0 - h / t, 1e-12)
        curvature = t / left
        centre = np.nan
        if has_series(family) and size[i] > 0.0:
            centre = mode
            expand(family, centre, votes[i], size[i], coefficient)
        for q in range(k):
            eta[i, q] = draw_one(
                family, moved[i, q], t, votes[i], size[i], dispersion, mode + left * (moved[i, q] - m[i]),
                curvature, centre, coefficient, rng,
            )  # fmt: skip
