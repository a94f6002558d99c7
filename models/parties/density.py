r"""The log posterior of several parties and its gradient, compiled: priors, fields, likelihood.

The point is (hyperparameters, eta_1, ..., eta_K), each eta_k of length n. The hyperparameters are, in order,
the logs of the K sigmas; the logits of the rhos, one for all fields or one for each; the K (K - 1) / 2
coordinates of the correlations (`correlation`); the logit of the overdispersion. A model has those that its
structure and family bring. A = diag(sigma) L, with L the factor of the correlations.

Work is done in three steps, so that `native` can put a change of variables in between: `unpack` the
hyperparameters, `log_density` with its slopes on natural scales, `hyper_gradient` back to the coordinates.
"""

from typing import NamedTuple

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.density import constrain, log_prior
from spatialvote.models.parties.correlation import correlation_factor, factor_slope, log_prior_correlation
from spatialvote.models.parties.field_kernel import parties_density
from spatialvote.models.parties.likelihood import add_gradient


class PartyArrays(NamedTuple):
    """A `PartyPosterior` as compiled code sees it.

    Attributes
    ----------
    switches
        Code of the family; number of logits, rhos, correlation coordinates and dispersions.
    prior_kind, prior_number
        Code, (h,), and two parameters, (h, 2), of each hyperparameter's prior; those of the correlations are
        the powers b in the first parameter.
    counts, present
        Votes of parties and rest, (n, K + 1); 1 where a party stood, (n, K).
    level
        Prior mean of the intercept of each logit, (K,).
    design, prior_sd, prior_precision
        X, (n, p); s, (p,); V^-1, (K, K).
    node, node_weight, component, sizes
        Of the field.
    pattern
        Symbolic analysis of the field's matrix, as a plain tuple.
    """

    switches: np.ndarray
    prior_kind: np.ndarray
    prior_number: np.ndarray
    counts: np.ndarray
    present: np.ndarray
    level: np.ndarray
    design: np.ndarray
    prior_sd: np.ndarray
    prior_precision: np.ndarray
    node: np.ndarray
    node_weight: np.ndarray
    component: np.ndarray
    sizes: np.ndarray
    pattern: tuple[np.ndarray, ...]


class Hyper(NamedTuple):
    """Hyperparameters on their own scales.

    Attributes
    ----------
    sigma, rho
        Shapes (K,) and (R,); rho is 0.5 where a model has none, which then has no consequence.
    lower
        Factor of the correlations, (K, K).
    dispersion
        0 for a family without one.
    chain
        Derivatives of the values in their coordinates, (h,); 1 for the correlations.
    inside
        Whether all of them are within what their scales can hold.
    """

    sigma: np.ndarray
    rho: np.ndarray
    lower: np.ndarray
    dispersion: float
    chain: np.ndarray
    inside: bool


@compiled()
def unpack(theta, model):
    """A `Hyper` from the first h coordinates of a point."""
    count, rhos = model.switches[1], model.switches[2]
    correlations, dispersions = model.switches[3], model.switches[4]
    h = model.prior_kind.size
    value, chain, inside = np.ones(h), np.ones(h), True
    free = count + rhos
    for q in range(h):
        if free <= q < free + correlations:
            inside = inside and abs(theta[q]) < 15.0
            continue
        value[q], chain[q] = constrain(theta[q], model.prior_kind[q])
        inside = inside and 0.0 < value[q] < np.inf and chain[q] > 0.0
    rho = value[count:free].copy() if rhos else np.full(1, 0.5)
    for one in rho:
        inside = inside and one < 1.0
    lower = correlation_factor(theta[free : free + correlations], count)
    dispersion = float(value[h - 1]) if dispersions else 0.0
    return Hyper(value[:count].copy(), rho, lower, dispersion, chain, inside)


@compiled()
def log_density(eta, hyper, model):
    """Fields and likelihood at eta (K, n), priors left out.

    Returns
    -------
    total, by_eta, by_log_sigma, by_rho, by_lower, by_dispersion
        The value, and its slopes: (K, n), (K,), (R,), (K, K) and a number.
    """
    count = eta.shape[0]
    mixing = np.empty((count, count))
    for k in range(count):
        mixing[k] = hyper.sigma[k] * hyper.lower[k]
    total, by_eta, by_mixing, by_rho = parties_density(
        eta - model.level.reshape((count, 1)),
        model.design,
        model.prior_precision,
        model.prior_sd,
        mixing,
        hyper.rho,
        model.component,
        model.sizes,
        model.node,
        model.node_weight,
        model.pattern,
    )
    likelihood, by_dispersion = add_gradient(
        model.switches[0], eta, model.counts, model.present, hyper.dispersion, by_eta
    )
    by_log_sigma, by_lower = np.zeros(count), np.zeros((count, count))
    for k in range(count):
        for j in range(k + 1):
            by_log_sigma[k] += by_mixing[k, j] * mixing[k, j]
            by_lower[k, j] = by_mixing[k, j] * hyper.sigma[k]
    return total + likelihood, by_eta, by_log_sigma, by_rho, by_lower, by_dispersion


@compiled()
def hyper_gradient(theta, hyper, by_log_sigma, by_rho, by_lower, by_dispersion, model, gradient):
    """Log prior of the hyperparameters; fills their part of the gradient, (h,)."""
    count, rhos = model.switches[1], model.switches[2]
    correlations, dispersions = model.switches[3], model.switches[4]
    h, free = model.prior_kind.size, count + rhos
    end = free + correlations
    gradient[:count] = by_log_sigma
    for g in range(rhos):
        gradient[count + g] = by_rho[g] * hyper.chain[count + g]
    y = theta[free:end]
    total, slope = log_prior_correlation(y, model.prior_number[free:end, 0])
    gradient[free:end] = factor_slope(y, by_lower) + slope
    if dispersions:
        gradient[h - 1] = by_dispersion * hyper.chain[h - 1]
    for q in range(h):
        if free <= q < end:
            continue
        value = hyper.dispersion
        if q < count:
            value = hyper.sigma[q]
        elif q < free:
            value = hyper.rho[q - count]
        prior, slope_q = log_prior(
            value,
            model.prior_kind[q],
            model.prior_number[q, 0],
            model.prior_number[q, 1],
            model.node,
            model.node_weight,
        )
        total += prior
        gradient[q] += slope_q
    return total


@compiled()
def log_posterior(point, model):
    """Log posterior of (hyperparameters, eta), up to a constant, and its gradient."""
    h, count = model.prior_kind.size, model.switches[1]
    gradient = np.zeros(point.size)
    hyper = unpack(point[:h], model)
    if not hyper.inside:
        return -np.inf, gradient
    eta = point[h:].copy().reshape((count, model.design.shape[0]))
    total, by_eta, by_log_sigma, by_rho, by_lower, by_dispersion = log_density(eta, hyper, model)
    total += hyper_gradient(
        point[:h], hyper, by_log_sigma, by_rho, by_lower, by_dispersion, model, gradient[:h]
    )
    gradient[h:] = by_eta.ravel()
    return total, gradient
