r"""The log posterior and its gradient, compiled: prior of the hyperparameters, field, likelihood.

The hyperparameters come first in the point, each on a scale without bounds: the logarithm of a standard
deviation, the logit of what lies between 0 and 1. Their order is sigma, rho, the family's dispersion, and the
standard deviations of the group-level terms; a model has those that its structure, family and formula bring.
What follows is eta, coefficients integrated out (`field_kernel`, `sparse_kernel`), or, without a field, the
coefficients.
"""

from typing import NamedTuple

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.families import beta_binomial, binomial, gaussian, poisson
from spatialvote.models.field_kernel import field_density
from spatialvote.models.priors import EXPONENTIAL as _EXPONENTIAL
from spatialvote.models.priors import HALF_NORMAL as _HALF_NORMAL
from spatialvote.models.priors import PC_OVERDISPERSION as _PC_OVERDISPERSION
from spatialvote.models.priors import log_prior_overdispersion, log_prior_rho, log_prior_sigma
from spatialvote.models.sparse_kernel import sparse_density

#: How the field enters: not at all, with an iid part and a spatial one (BYM2 and iid), by a sparse precision.
NO_FIELD, COLLAPSED, SPARSE = 0, 1, 2

_BINOMIAL, _POISSON, _BETA_BINOMIAL = binomial.CODE, poisson.CODE, beta_binomial.CODE
_binomial_gradient, _poisson_gradient = binomial.add_gradient, poisson.add_gradient
_beta_binomial_gradient, _gaussian_gradient = beta_binomial.add_gradient, gaussian.add_gradient


class ModelArrays(NamedTuple):
    """A `Posterior` as compiled code sees it; empty arrays for what a model has not.

    Attributes
    ----------
    switches
        How the field enters, code of the family, code of the sparse precision; number of sigmas, rhos and
        dispersions (0 or 1 each) and of group-level terms.
    prior_kind, prior_number
        Code, shape (h,), and two parameters, shape (h, 2), of each hyperparameter's prior.
    votes, size, offset, design, prior_mean, prior_sd
        As in `Posterior`.
    column_group
        Group-level term of each column, counted from 1, 0 for the others, shape (p,).
    node, node_weight
        Compressed eigenvalues.
    component, sizes
        Components of the graph.
    table, constants, below_terms, diagonal_terms, gram
        Of a `SparsePrecision`; X'T_m X as rows, shape (M, p * p).
    pattern
        Symbolic analysis of the field's matrix, as a plain tuple.
    """

    switches: np.ndarray
    prior_kind: np.ndarray
    prior_number: np.ndarray
    votes: np.ndarray
    size: np.ndarray
    offset: np.ndarray
    design: np.ndarray
    prior_mean: np.ndarray
    prior_sd: np.ndarray
    column_group: np.ndarray
    node: np.ndarray
    node_weight: np.ndarray
    component: np.ndarray
    sizes: np.ndarray
    table: np.ndarray
    constants: np.ndarray
    below_terms: np.ndarray
    diagonal_terms: np.ndarray
    gram: np.ndarray
    pattern: tuple[np.ndarray, ...]


@compiled()
def constrain(unconstrained, kind):
    """A hyperparameter on its own scale and its derivative, by the code of its prior."""
    if kind in (_EXPONENTIAL, _HALF_NORMAL):
        value = np.exp(unconstrained)
        return value, value
    value = 1.0 / (1.0 + np.exp(-unconstrained))
    return value, value * (1.0 - value)


@compiled()
def log_prior(value, kind, first, second, node, node_weight):
    """Log density on the unconstrained scale (Jacobian included), and its derivative there."""
    if kind in (_EXPONENTIAL, _HALF_NORMAL):
        return log_prior_sigma(value, kind, first)
    if kind == _PC_OVERDISPERSION:
        return log_prior_overdispersion(value, first, second)
    return log_prior_rho(value, kind, first, second, node, node_weight)


@compiled()
def add_likelihood(family, eta, votes, size, dispersion, gradient):
    """Log likelihood up to a constant and its slope in the dispersion; adds the one in eta to gradient."""
    if family == _BINOMIAL:
        return _binomial_gradient(eta, votes, size, dispersion, gradient)
    if family == _POISSON:
        return _poisson_gradient(eta, votes, size, dispersion, gradient)
    if family == _BETA_BINOMIAL:
        return _beta_binomial_gradient(eta, votes, size, dispersion, gradient)
    return _gaussian_gradient(eta, votes, size, dispersion, gradient)


@compiled()
def hyperparameters(point, model):
    """Values (h,) and their derivatives (h,), then sigma, rho, dispersion; unit values for those absent."""
    count = model.prior_kind.size
    value, slope = np.empty(count), np.empty(count)
    for q in range(count):
        value[q], slope[q] = constrain(point[q], model.prior_kind[q])
    at, switches = 0, model.switches
    sigma, rho, dispersion = 1.0, 0.5, 0.0
    if switches[3]:
        sigma, at = value[at], at + 1
    if switches[4]:
        rho, at = value[at], at + 1
    if switches[5]:
        dispersion = value[at]
    return value, slope, sigma, rho, dispersion


@compiled()
def column_sd(value, model):
    """Prior standard deviation of each column, shape (p,): fixed ones, and those of the group-level terms."""
    first = value.size - model.switches[6]
    sd = model.prior_sd.copy()
    for q in range(sd.size):
        if model.column_group[q] > 0:
            sd[q] *= value[first + model.column_group[q] - 1]
    return sd


@compiled(inline="always")
def field_part(eta, sd, sigma, rho, model):
    """Log density of the field and its gradient, by whichever kernel the structure has."""
    if model.switches[0] == COLLAPSED:
        return field_density(
            eta,
            model.design,
            sd,
            sigma,
            rho,
            model.component,
            model.sizes,
            model.node,
            model.node_weight,
            model.pattern,
        )
    p = sd.size
    return sparse_density(
        eta,
        model.design,
        sd,
        sigma,
        rho,
        model.switches[2],
        model.table,
        model.node,
        model.node_weight,
        model.constants,
        model.below_terms,
        model.diagonal_terms,
        model.gram.reshape((model.gram.shape[0], p, p)),
        model.pattern[0],
        model.pattern[1],
        model.pattern[2],
    )


@compiled()
def coefficient_prior(coefficients, sd, prior_mean):
    """Log density of the coefficients, its gradient, and its slope in the logs of their sds, each (p,)."""
    p = sd.size
    total, by_coefficient, by_log_sd = 0.0, np.empty(p), np.empty(p)
    for q in range(p):
        scaled = (coefficients[q] - prior_mean[q]) / sd[q]
        total -= 0.5 * scaled * scaled + np.log(sd[q])
        by_coefficient[q] = -scaled / sd[q]
        by_log_sd[q] = scaled * scaled - 1.0
    return total, by_coefficient, by_log_sd


@compiled()
def log_posterior(point, model):
    """Log posterior of (hyperparameters, eta) or (hyperparameters, coefficients), up to a constant.

    Returns
    -------
    value, gradient
        Minus infinity and zeros where a hyperparameter is beyond what its scale can hold.
    """
    switches, n_hyper = model.switches, model.prior_kind.size
    gradient = np.zeros(point.size)
    value, chain, sigma, rho, dispersion = hyperparameters(point, model)
    for q in range(n_hyper):
        if not (0.0 < value[q] < np.inf and chain[q] > 0.0):
            return -np.inf, gradient
    sd = column_sd(value, model)
    by_sigma, by_rho = 0.0, 0.0
    if switches[0] == NO_FIELD:
        eta = model.design @ point[n_hyper:]
        by_eta = np.zeros(eta.size)
        total, by_dispersion = add_likelihood(switches[1], eta, model.votes, model.size, dispersion, by_eta)
        prior, by_coefficient, by_log_sd = coefficient_prior(point[n_hyper:], sd, model.prior_mean)
        total += prior
        gradient[n_hyper:] = model.design.T @ by_eta + by_coefficient
    else:
        eta = point[n_hyper:]
        total, by_eta, by_sigma, by_rho, by_log_sd = field_part(eta - model.offset, sd, sigma, rho, model)
        likelihood, by_dispersion = add_likelihood(
            switches[1], eta, model.votes, model.size, dispersion, by_eta
        )
        total += likelihood
        gradient[n_hyper:] = by_eta

    at = 0
    if switches[3]:
        gradient[at], at = by_sigma * chain[at], at + 1
    if switches[4]:
        gradient[at], at = by_rho * chain[at], at + 1
    if switches[5]:
        gradient[at], at = by_dispersion * chain[at], at + 1
    for q in range(sd.size):
        if model.column_group[q] > 0:
            gradient[at + model.column_group[q] - 1] += by_log_sd[q]
    for q in range(n_hyper):
        prior, slope = log_prior(
            value[q],
            model.prior_kind[q],
            model.prior_number[q, 0],
            model.prior_number[q, 1],
            model.node,
            model.node_weight,
        )
        total += prior
        gradient[q] += slope
    return total, gradient
