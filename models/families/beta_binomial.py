r"""Votes that vary more than a binomial: y_i ~ BetaBinomial(N_i, mean p_i = logit^-1(eta_i), delta).

The share of a district is itself Beta(a, b) with a = p (1 - delta) / delta and b = (1 - p) (1 - delta) /
delta, so that Var(y) = N p (1 - p) [1 + (N - 1) delta]. The overdispersion delta = 1 / (a + b + 1), in
(0, 1), is the intra-class correlation of two votes in one district; delta -> 0 is the binomial.

With theta = delta / (1 - delta) the density is a ratio of products,

    p(y) = choose(N, y) prod_{k<y} (p + k theta) prod_{k<N-y} (1 - p + k theta) / prod_{k<N} (1 + k theta),

which holds without cancellation down to theta = 0, where differences of log-gamma functions of a ~ 1 / theta
lose every digit. Sums over the factors take the first few terms as they are, until p + k theta exceeds ten
theta, and the rest by the Euler-Maclaurin formula (`factor_sums`), so that a district costs the same
whatever its number of votes.
"""

import numpy as np
from scipy.special import expit, gammaln

from spatialvote.models.compiled import compiled
from spatialvote.models.families import binomial

NAME = "beta_binomial"
CODE = 2
LINK = "logit"
HYPER: tuple[str, ...] = ("overdispersion",)

#: Below this overdispersion the density is that of the binomial to the last digit; products stay above it.
_LEAST = 1e-20
#: From here on, in units of theta, the Euler-Maclaurin terms below are exact to about 1e-14.
_ASYMPTOTIC = 10.0

mean, crude, overall = binomial.mean, binomial.crude, binomial.overall


def log_likelihood(
    eta: np.ndarray, votes: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float = 0.0
) -> np.ndarray:
    """log p(y_i | eta_i) of each district; eta (..., n), votes and valid votes (n,)."""
    eta = np.asarray(eta, dtype=np.float64)
    shape, n = eta.shape, eta.shape[-1]
    per_draw = np.broadcast_to(np.asarray(dispersion, dtype=np.float64), shape[:-1]).ravel()
    rows = np.ascontiguousarray(eta.reshape(-1, n))
    votes, size = np.asarray(votes, dtype=np.float64), np.asarray(size, dtype=np.float64)
    choose = gammaln(size + 1) - gammaln(votes + 1) - gammaln(size - votes + 1)
    return choose + _log_products(rows, votes, size, per_draw).reshape(shape)


def draw(
    rng: np.random.Generator, eta: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float = 0.0
) -> np.ndarray:
    """Votes drawn at eta (..., n), int64."""
    delta = np.maximum(np.asarray(dispersion), _LEAST)[..., None]
    total = (1 - delta) / delta
    # The smallest positive number stands for a share that underflows to zero.
    a, b = (np.maximum(expit(one) * total, 1e-300) for one in (eta, -eta))
    return rng.binomial(size, rng.beta(a, b))


def score(
    eta: np.ndarray, votes: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float = 0.0
) -> np.ndarray:
    """Quasi-score (y_i - N_i p_i) / (1 + (N_i - 1) delta), whose variance is the `information`."""
    return binomial.score(eta, votes, size) / _inflation(size, dispersion)


def information(eta: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float = 0.0) -> np.ndarray:
    """Quasi-information of eta_i, N_i p_i (1 - p_i) / (1 + (N_i - 1) delta): at most the Fisher information.

    The Fisher information has no closed form; this is the part of it that mean and variance carry.
    """
    return binomial.information(eta, size) / _inflation(size, dispersion)


def _inflation(size: np.ndarray, dispersion: np.ndarray | float) -> np.ndarray:
    """Variance relative to the binomial's; 1 for a district of size zero."""
    return 1 + np.maximum(np.asarray(size) - 1, 0) * np.asarray(dispersion)[..., None]


@compiled()
def factor_sums(share, log_share, theta, count):
    r"""Sums over the factors f_k = share + k theta, k = 0, ..., count - 1.

    Returns
    -------
    log_product
        sum of log f_k.
    first, second, third
        sums of (share / f_k)^j, j = 1, 2, 3.
    """
    if count <= 0.0:
        return 0.0, 0.0, 0.0, 0.0
    a = share / theta
    lead = min(count, max(0.0, np.ceil(_ASYMPTOTIC - a)))
    log_product, first, second, third = 0.0, 0.0, 0.0, 0.0
    log_next = log_share
    if lead > 0.0:
        # The first factor is the share itself, which may underflow where its logarithm does not.
        log_product, first, second, third = log_share, 1.0, 1.0, 1.0
        product = 1.0
        for k in range(1, int(lead)):
            factor = share + k * theta
            product *= factor
            ratio = share / factor
            first += ratio
            second += ratio * ratio
            third += ratio * ratio * ratio
        log_product += np.log(product)
        log_next = np.log(share + lead * theta)
    left = count - lead
    if left <= 0.0:
        return log_product, first, second, third
    # Euler-Maclaurin from z to w = z + left, in units of theta; s, t are 1 / z, 1 / w.
    z = a + lead
    w = z + left
    r = left / z
    log_ratio = np.log1p(r)
    if r < 1e-2:
        mean_log = r * (
            0.5 - r * (1 / 6 - r * (1 / 12 - r * (1 / 20 - r * (1 / 30 - r * (1 / 42 - r / 56)))))
        )
    else:
        mean_log = ((1.0 + r) * log_ratio - r) / r
    s, t = 1.0 / z, 1.0 / w
    s2, t2 = s * s, t * t
    log_product += left * (log_next + mean_log) - 0.5 * log_ratio
    log_product += t * _log_gamma_rest(t2) - s * _log_gamma_rest(s2)
    first += a * (log_ratio + 0.5 * (s - t) + s2 * _digamma_rest(s2) - t2 * _digamma_rest(t2))
    second += (
        a * a * (left * s * t + 0.5 * (s2 - t2) + s * s2 * _trigamma_rest(s2) - t * t2 * _trigamma_rest(t2))
    )
    third += (
        a
        * a
        * a
        * (
            0.5 * left * (z + w) * s2 * t2
            + 0.5 * (s * s2 - t * t2)
            + s2 * s2 * _tetragamma_rest(s2)
            - t2 * t2 * _tetragamma_rest(t2)
        )
    )
    return log_product, first, second, third


@compiled()
def _log_gamma_rest(x):
    """Stirling's series without its leading terms, times z; x = 1 / z^2."""
    return 1 / 12 - x * (1 / 360 - x * (1 / 1260 - x * (1 / 1680 - x * (1 / 1188 - x * 691 / 360360))))


@compiled()
def _digamma_rest(x):
    return 1 / 12 - x * (1 / 120 - x * (1 / 252 - x * (1 / 240 - x * (1 / 132 - x * 691 / 32760))))


@compiled()
def _trigamma_rest(x):
    return 1 / 6 - x * (1 / 30 - x * (1 / 42 - x * (1 / 30 - x * (5 / 66 - x * 691 / 2730))))


@compiled()
def _tetragamma_rest(x):
    return 1 / 4 - x * (1 / 12 - x * (1 / 12 - x * (3 / 20 - x * (5 / 12 - x * 691 / 420))))


@compiled()
def _log_and_slopes(eta, vote, size, dispersion):
    """log p without choose(N, y), three derivatives in eta, and the one in the overdispersion."""
    delta = max(dispersion, _LEAST)
    theta = delta / (1.0 - delta)
    decay = np.exp(-abs(eta))
    larger, smaller = 1.0 / (1.0 + decay), decay / (1.0 + decay)
    log_larger = -np.log1p(decay)
    log_smaller = log_larger - abs(eta)
    if eta >= 0.0:
        p, log_p, q, log_q = larger, log_larger, smaller, log_smaller
    else:
        p, log_p, q, log_q = smaller, log_smaller, larger, log_larger
    for_log, for_1, for_2, for_3 = factor_sums(p, log_p, theta, vote)
    not_log, not_1, not_2, not_3 = factor_sums(q, log_q, theta, size - vote)
    all_log, all_1, _, _ = factor_sums(1.0, 0.0, theta, size)
    # Sums of ratios are p^j times derivatives in p, so that dp / d eta = p q leaves powers of q (and of p).
    skew = q - p
    by_1 = q * for_1 - p * not_1
    by_2 = -(q * q * for_2) - p * p * not_2 + skew * by_1
    by_3 = (
        2.0 * (q * q * q * for_3 - p * p * p * not_3)
        - 3.0 * skew * (q * q * for_2 + p * p * not_2)
        + (1.0 - 6.0 * p * q) * by_1
    )
    # theta df_k / dtheta = 1 - share / f_k, and d theta / d delta = theta / (delta (1 - delta)).
    by_delta = (all_1 - for_1 - not_1) / (delta * (1.0 - delta))
    return for_log + not_log - all_log, by_1, by_2, by_3, by_delta


@compiled()
def _log_products(eta, votes, size, dispersion):
    draws, n = eta.shape
    value = np.empty((draws, n))
    for s in range(draws):
        for i in range(n):
            value[s, i] = _log_and_slopes(eta[s, i], votes[i], size[i], dispersion[s])[0]
    return value


@compiled()
def add_gradient(eta, votes, size, dispersion, gradient):
    """Add d log p / d eta_i to gradient (n,); return log p up to a constant, and its slope in delta."""
    total, slope = 0.0, 0.0
    for i in range(eta.size):
        value, by_eta, _, _, by_delta = _log_and_slopes(eta[i], votes[i], size[i], dispersion)
        total += value
        gradient[i] += by_eta
        slope += by_delta
    return total, slope


@compiled()
def derivatives(eta, vote, size, dispersion):
    """log p of one district, up to the constant of `add_gradient`, and three derivatives in eta."""
    value, by_1, by_2, by_3, _ = _log_and_slopes(eta, vote, size, dispersion)
    return value, by_1, by_2, by_3
