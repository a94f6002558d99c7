r"""Votes of several parties among N_i: multinomial, or with shares that vary more (Dirichlet-multinomial).

Of the N_i votes of district i, y_ik are for party k and the rest y_i0 for all others. With logits against the
rest,

    p_ik = exp(eta_ik) / (1 + sum over l that stood of exp(eta_il)),      p_i0 = 1 / (1 + sum ...),

a party that did not stand in a district is left out of its sum: its zero is structural, not a count.

    multinomial:            y_i ~ Multinomial(N_i, p_i)
    Dirichlet-multinomial:  y_i ~ Multinomial(N_i, q_i),  q_i ~ Dirichlet(p_i (1 - delta) / delta)

delta, in (0, 1), is the intra-class correlation of two votes in one district: Var(y_ik) = N p (1 - p)
[1 + (N - 1) delta], as in `spatialvote.models.families.beta_binomial`, of which this is the extension. With
theta = delta / (1 - delta)

    p(y) = N! / prod y_k!  prod_k prod_(l < y_k) (p_k + l theta) / prod_(l < N) (1 + l theta).

Mosimann, J. E. (1962). On the compound multinomial distribution. Biometrika 49.
"""

import numpy as np
from scipy.special import gammaln

from spatialvote.models.compiled import compiled
from spatialvote.models.families.beta_binomial import factor_sums

#: Family to its code, and to the family of one party that it extends.
CODES = {"multinomial": 0, "dirichlet_multinomial": 1}
OF_ONE_PARTY = {"multinomial": "binomial", "dirichlet_multinomial": "beta_binomial"}
HYPER: dict[str, tuple[str, ...]] = {"multinomial": (), "dirichlet_multinomial": ("overdispersion",)}
_DIRICHLET = CODES["dirichlet_multinomial"]
#: Below this overdispersion the density is that of the multinomial to the last digit.
_LEAST = 1e-20


def shares(eta: np.ndarray, present: np.ndarray) -> np.ndarray:
    """p of each category, the rest last, shape (..., n, K + 1); eta (..., n, K), present (n, K)."""
    there = np.where(present, eta, -np.inf)
    top = np.maximum(there.max(axis=-1, keepdims=True), 0.0)
    weight = np.concatenate([np.exp(there - top), np.exp(-top)], axis=-1)
    return weight / weight.sum(axis=-1, keepdims=True)


def log_likelihood(
    family: str, eta: np.ndarray, counts: np.ndarray, present: np.ndarray, dispersion: np.ndarray | float
) -> np.ndarray:
    """log p(y_i | eta_i) of each draw and district, shape (draws, n).

    Parameters
    ----------
    eta
        Shape (draws, n, K).
    counts
        Votes of the parties and of the rest, shape (n, K + 1).
    present
        Where each party stood, shape (n, K).
    dispersion
        delta of each draw; ignored by the multinomial.
    """
    per_draw = np.broadcast_to(np.asarray(dispersion, dtype=np.float64), eta.shape[:1])
    choose = gammaln(counts.sum(axis=1) + 1) - gammaln(counts + 1).sum(axis=1)
    return choose + _log_products(
        CODES[family],
        np.ascontiguousarray(eta, dtype=np.float64),
        np.ascontiguousarray(counts, dtype=np.float64),
        present,
        np.ascontiguousarray(per_draw),
    )


def draw(
    family: str,
    rng: np.random.Generator,
    eta: np.ndarray,
    present: np.ndarray,
    size: np.ndarray,
    dispersion: np.ndarray | float,
) -> np.ndarray:
    """Votes of all categories, the rest last, int64, shape (draws, n, K + 1)."""
    p = shares(eta, present)
    if family == "dirichlet_multinomial":
        delta = np.maximum(np.asarray(dispersion, dtype=np.float64), _LEAST).reshape(-1, 1, 1)
        # A party that did not stand has no share of the whole; its gamma variate is 0 at any shape.
        weight = rng.standard_gamma(np.maximum(p * (1 - delta) / delta, 1e-300)) * (p > 0)
        total = weight.sum(axis=-1, keepdims=True)
        p = np.where(total > 0, weight / np.where(total > 0, total, 1.0), p)
    return rng.multinomial(size, p)


@compiled()
def add_gradient(family, eta, counts, present, dispersion, gradient):
    """Add d log p / d eta (K, n) to gradient; return log p up to a constant, and its slope in delta.

    ``eta`` has a row for each logit; ``counts`` (n, K + 1) and ``present`` (n, K) one for each district.
    """
    k, n = eta.shape
    total, slope = 0.0, 0.0
    p, by = np.empty(k + 1), np.empty(k + 1)
    delta = max(dispersion, _LEAST)
    theta = delta / (1.0 - delta)
    for i in range(n):
        top, size = 0.0, counts[i, k]
        for j in range(k):
            if present[i, j]:
                top = max(top, eta[j, i])
                size += counts[i, j]
        mass = np.exp(-top)
        for j in range(k):
            p[j] = np.exp(eta[j, i] - top) if present[i, j] else 0.0
            mass += p[j]
        log_mass = np.log(mass)
        p[k] = np.exp(-top)
        over = 0.0
        for j in range(k + 1):
            p[j] /= mass
            log_p = (eta[j, i] if j < k else 0.0) - top - log_mass
            if j < k and not present[i, j]:
                by[j] = 0.0
            elif family == _DIRICHLET:
                log_product, by[j], _, _ = factor_sums(p[j], log_p, theta, counts[i, j])
                total += log_product
            else:
                by[j] = counts[i, j]
                total += counts[i, j] * log_p
            over += by[j]
        for j in range(k):
            gradient[j, i] += by[j] - p[j] * over
        if family == _DIRICHLET:
            log_product, first, _, _ = factor_sums(1.0, 0.0, theta, size)
            total -= log_product
            slope += (first - over) / (delta * (1.0 - delta))
    return total, slope


@compiled()
def _log_products(family, eta, counts, present, dispersion):
    draws, n, k = eta.shape
    value = np.empty((draws, n))
    unused = np.zeros((k, 1))
    for s in range(draws):
        for i in range(n):
            here = eta[s, i].copy().reshape((k, 1))
            value[s, i] = add_gradient(
                family, here, counts[i : i + 1], present[i : i + 1], dispersion[s], unused
            )[0]
    return value
