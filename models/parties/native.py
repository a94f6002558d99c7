r"""The log posterior of several parties as a C function for nutpie, in coordinates that are nearly spherical.

Each logit k has the coordinates that a model of that party alone against the rest would have
(`spatialvote.models.centring`), at its own sigma_k and its structured share of variance

    rho_k* = sum_j L_kj^2 rho_j

(rho itself where all fields share it), and zeta_k = log sigma_k - a_k L(rho_k) / (2 n) stands for
log sigma_k. Any such change of variables is exact, whatever the correlations are; only the sampler's speed
depends on it.
"""

from typing import Any

import numpy as np
from numba import carray, cfunc

from spatialvote.models.centring import Centring, CentringArrays, pull_back, to_eta
from spatialvote.models.cholesky import Pattern
from spatialvote.models.compiled import compiled
from spatialvote.models.native import unpack_centring, unpack_pattern
from spatialvote.models.native_table import DENSITY, RECOVERABLE, integers, matrix, pack, reals, sampler_model
from spatialvote.models.parties.density import PartyArrays, hyper_gradient, log_density, unpack

#: Rows of the table: a `PartyArrays` without its pattern, a `Pattern`, then one `CentringArrays` a logit.
_MODEL, _PATTERN, _CENTRING = len(PartyArrays._fields) - 1, len(Pattern._fields), len(CentringArrays._fields)
_FIRST = _MODEL + _PATTERN


def native_model(arrays: PartyArrays, centrings: tuple[Centring, ...], n_dim: int, starts: Any) -> Any:
    """A model that `nutpie.sample` takes; its only variable is ``point``, shape (n_dim,).

    Parameters
    ----------
    arrays
        The density.
    centrings
        The coordinates of each logit.
    n_dim
        Length of the point.
    starts
        Function from a seed to a starting point.
    """
    coordinates = [array for one in centrings for array in one.arrays]
    packed = pack((*arrays[:-1], *arrays.pattern, *coordinates))
    return sampler_model(packed, _density, n_dim, starts)


@compiled()
def _unpack_model(table):
    """A `PartyArrays` from the first rows of the table."""
    return PartyArrays(
        integers(table, 0),
        integers(table, 1),
        matrix(table, 2),
        matrix(table, 3),
        matrix(table, 4),
        reals(table, 5),
        matrix(table, 6),
        reals(table, 7),
        matrix(table, 8),
        reals(table, 9),
        reals(table, 10),
        integers(table, 11),
        integers(table, 12),
        unpack_pattern(table, _MODEL),
    )


@compiled()
def log_det(rho, n, node, node_weight):
    """L(rho) = log |sigma^2 Q| of one field, and its derivative."""
    k = rho / (1.0 - rho)
    value, slope = -n * np.log1p(-rho), n / (1.0 - rho)
    for q in range(node.size):
        value -= node_weight[q] * np.log1p(k / node[q])
        slope -= node_weight[q] / (node[q] + k) / (1.0 - rho) ** 2
    return value, slope


@compiled()
def untie(theta, tie, model):
    """Coordinates with log sigma in place of zeta, and d log sigma_k / d rho of its field, (K,)."""
    count, rhos = model.switches[1], model.switches[2]
    moved, tied = theta.copy(), np.zeros(count)
    if rhos == 0:
        return moved, tied
    for k in range(count):
        g = count + (0 if rhos == 1 else k)
        rho = 1.0 / (1.0 + np.exp(-theta[g]))
        if rho < 1.0:
            value, slope = log_det(rho, model.design.shape[0], model.node, model.node_weight)
            moved[k] += tie[k] * value
            tied[k] = tie[k] * slope
    return moved, tied


@compiled()
def structured_share(hyper):
    """rho_k* of each logit, (K,)."""
    count = hyper.sigma.size
    share = np.zeros(count)
    for k in range(count):
        for j in range(k + 1):
            share[k] += hyper.lower[k, j] ** 2 * hyper.rho[0 if hyper.rho.size == 1 else j]
    return share


@compiled()
def _parts(sigma, share):
    return np.array([sigma * sigma * (1.0 - share), sigma * sigma * share])


@compiled()
def centred_log_posterior(point, table, gradient):
    """Log posterior of (zeta, other hyperparameters, z_1, ..., z_K); fills its gradient."""
    model = _unpack_model(table)
    count, rhos, dispersions = model.switches[1], model.switches[2], model.switches[4]
    h, n = model.prior_kind.size, model.design.shape[0]
    tie, most = np.empty(count), 0
    for k in range(count):
        c = unpack_centring(table, _FIRST + k * _CENTRING)
        tie[k], most = c.choice[2], max(most, c.basis.shape[0])
    theta, tied = untie(point[:h], tie, model)
    hyper = unpack(theta, model)
    gradient[:] = 0.0
    if not hyper.inside:
        return -np.inf
    share = structured_share(hyper)
    eta, scale, by_log_scale = np.empty((count, n)), np.empty((count, n)), np.empty((count, n))
    along = np.empty((count, most))
    total = 0.0
    for k in range(count):
        c = unpack_centring(table, _FIRST + k * _CENTRING)
        tau = hyper.dispersion ** c.choice[1]
        z = point[h + k * n : h + (k + 1) * n]
        total += to_eta(
            z, hyper.sigma[k], tau, _parts(hyper.sigma[k], share[k]), c, eta[k], scale[k], along[k],
            by_log_scale[k],
        )  # fmt: skip
    value, by_eta, by_log_sigma, by_rho, by_lower, by_dispersion = log_density(eta, hyper, model)
    for k in range(count):
        c = unpack_centring(table, _FIRST + k * _CENTRING)
        tau = hyper.dispersion ** c.choice[1]
        z = point[h + k * n : h + (k + 1) * n]
        part, by_log_part = _parts(hyper.sigma[k], share[k]), np.empty(2)
        by_own, by_log_tau = pull_back(
            by_eta[k], z, hyper.sigma[k], tau, part, c, scale[k], along[k], by_log_scale[k], by_log_part
        )
        by_log_sigma[k] += by_own + 2.0 * (by_log_part[0] + by_log_part[1])
        by_share = by_log_part[1] / share[k] - by_log_part[0] / (1.0 - share[k])
        for j in range(k + 1):
            g = 0 if hyper.rho.size == 1 else j
            by_rho[g] += by_share * hyper.lower[k, j] ** 2
            by_lower[k, j] += by_share * 2.0 * hyper.lower[k, j] * hyper.rho[g]
        if dispersions:
            by_dispersion += by_log_tau * c.choice[1] / hyper.dispersion
        for i in range(n):
            gradient[h + k * n + i] = by_eta[k, i]
    total += value + hyper_gradient(
        theta, hyper, by_log_sigma, by_rho, by_lower, by_dispersion, model, gradient[:h]
    )
    if rhos:
        for k in range(count):
            g = count + (0 if rhos == 1 else k)
            gradient[g] += tied[k] * hyper.chain[g] * gradient[k]
    return total


@cfunc(DENSITY, cache=True, error_model="numpy")
def _density(length, point_, gradient_, value_, address):
    logits = carray(address, (1, 3), np.int64)
    # The first array holds the switches, of which the second is the number of logits.
    count = integers(logits, 0)[1]
    table = carray(address, (_FIRST + _CENTRING * count, 3), np.int64)
    gradient = carray(gradient_, (length,))
    value = centred_log_posterior(carray(point_, (length,)), table, gradient)
    finite = np.isfinite(value)
    for i in range(length):
        finite = finite and np.isfinite(gradient[i])
    carray(value_, (1,))[0] = value
    return 0 if finite else RECOVERABLE


@compiled()
def draws_of_theta(points, tie, model):
    """Hyperparameters in the coordinates of the density, (draws, h), at points of the sampler."""
    h = model.prior_kind.size
    theta = np.empty((points.shape[0], h))
    for s in range(points.shape[0]):
        theta[s] = untie(points[s, :h], tie, model)[0]
    return theta


@compiled()
def draws_of_eta(points, theta, k, model, c):
    """Logits of party k, shape (draws, n), at points of the sampler; theta from `draws_of_theta`."""
    n, h = model.design.shape[0], model.prior_kind.size
    eta = np.empty((points.shape[0], n))
    scale, along, slope = np.empty(n), np.empty(c.basis.shape[0]), np.empty(n)
    for s in range(points.shape[0]):
        hyper = unpack(theta[s], model)
        part = _parts(hyper.sigma[k], structured_share(hyper)[k])
        z = points[s, h + k * n : h + (k + 1) * n].copy()
        to_eta(z, hyper.sigma[k], hyper.dispersion ** c.choice[1], part, c, eta[s], scale, along, slope)
    return eta
