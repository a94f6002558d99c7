r"""Parts of the density of votes and of covariates with unknown values, and its gradient, compiled.

They come together in `spatialvote.models.unknowns.native`. What needs a Cholesky factor is compiled there and
nowhere else, because every unit that contains one takes seconds to compile.

The point is (point of the votes' posterior, theta, v). v are coordinates of the unknown values, theta the log
standard deviation and the logit spatial fraction of each uncertain covariate c. With
z_c = (g(x_c) - centre) / sd, which for known values is data,

    z_c ~ BYM2(mean W g_c + sum_(b < c) d_cb z_b,  tau_c, lambda_c),     g_c, d_cb ~ Normal(0, S),
    log p = log p(votes | X(x)) + sum_c log p(z_c | z_1, ..., z_(c-1))
            + sum of log p(estimate | x) + log |dz / dv|,

coefficients integrated out in both levels (`spatialvote.models.field_kernel`). Both levels are Gaussian
fields e ~ N(X b, Q^-1) whose columns X depend on unknown values. With b^ and M^-1 mean and covariance of b
given e and r = e - X b^,

    d log p / d X = (Q r) b^' - Q X M^-1:

the first term is what the field asks of its mean, the second the slope of -log |M| / 2.
"""

import numpy as np

from spatialvote.models.centring import to_eta, untie, variances
from spatialvote.models.compiled import compiled
from spatialvote.models.density import (
    NO_FIELD,
    add_likelihood,
    column_sd,
    constrain,
    hyperparameters,
    log_prior,
)
from spatialvote.models.field_kernel import (
    SMALLEST_K,
    coefficient_posterior,
    field_density,
    small_solve,
    smooth,
)
from spatialvote.models.unknowns.arrays import ABOVE, BELOW, FREE, NOT_ESTIMATED, ON_SCALE, TOGETHER
from spatialvote.models.unknowns.together import gather_block, spread_block


@compiled(inline="always")
def slope_in_columns(eta, design, prior_sd, sigma, rho, component, sizes, pattern):
    """d log p / d X of a BYM2 field with columns X and coefficients integrated out, shape (n, p)."""
    n, p = design.shape
    k = max(rho / (1.0 - rho), SMALLEST_K)
    t = 1.0 / (sigma * sigma * (1.0 - rho))
    columns = np.empty((n, p + 1))
    columns[:, 0] = eta
    columns[:, 1:] = design
    x, centred, _ = smooth(columns, k, component, sizes, pattern)
    mean, lower, _ = coefficient_posterior(columns, x, centred, prior_sd, t, k)
    inverse = small_solve(lower, np.eye(p))
    slope = np.empty((n, p))
    weighted = np.empty(p + 1)
    for i in range(n):
        for q in range(p + 1):
            weighted[q] = t * (columns[i, q] - k * x[i, q])
        residual = weighted[0]
        for q in range(p):
            residual -= weighted[q + 1] * mean[q]
        for q in range(p):
            slope[i, q] = residual * mean[q]
            for r in range(p):
                slope[i, q] -= weighted[r + 1] * inverse[r, q]
    return slope


@compiled()
def _block(theta, sigma, rho, u, c):
    """tau, lambda, sigma and rho (4,), places and basis of one covariate's values that move together."""
    scales = np.array([np.exp(theta[2 * c]), 1.0 / (1.0 + np.exp(-theta[2 * c + 1])), sigma, rho])
    place, basis = (
        u.block_place[u.block[c] : u.block[c + 1]],
        u.basis[u.basis_first[c] : u.basis_first[c + 1]],
    )
    return scales, place, basis


@compiled()
def to_values(theta, v, sigma, rho, u):
    """Values on the standardised scale (m,) and in their units (m,), d z / d v, d x / d z, the log Jacobian
    and its slope in v; d z / d v is 1, and the slope 0, where values move together: see `to_coordinates`.
    sigma and rho are those of the votes' field."""
    m = v.size
    z, x, by_v, by_z, slope = np.empty(m), np.empty(m), np.ones(m), np.empty(m), np.zeros(m)
    jacobian = 0.0
    for c in range(u.block.size - 1):
        own = u.together[u.block[c] : u.block[c + 1]]
        if own.size:
            scales, place, basis = _block(theta, sigma, rho, u, c)
            there = np.empty(own.size)
            jacobian += spread_block(v[own], scales, place, basis, there)
            z[own] = there
    for e in range(m):
        first, second, unit = u.place[e, 0], u.place[e, 1], u.place[e, 2]
        if u.kind[e] == TOGETHER:
            pass
        elif u.kind[e] == FREE:
            z[e], by_v[e] = first + second * v[e], second
        elif u.kind[e] == ABOVE:
            by_v[e] = unit * np.exp(v[e])
            z[e], slope[e] = first + by_v[e], 1.0
        elif u.kind[e] == BELOW:
            by_v[e] = -unit * np.exp(v[e])
            z[e], slope[e] = second + by_v[e], 1.0
        else:
            share = 1.0 / (1.0 + np.exp(-v[e]))
            z[e] = first + (second - first) * share
            by_v[e] = (second - first) * share * (1.0 - share)
            slope[e] = 1.0 - 2.0 * share
        jacobian += np.log(abs(by_v[e]))
        centre, sd, whole = u.constants[u.owner[e], 0], u.constants[u.owner[e], 1], u.constants[u.owner[e], 2]
        line = centre + sd * z[e]
        scale = u.scale[u.owner[e]]
        if scale == 0:
            x[e], by_z[e] = line, sd
        elif scale == 1:
            x[e] = np.exp(line)
            by_z[e] = sd * x[e]
        else:
            share = 1.0 / (1.0 + np.exp(-line))
            x[e] = whole * share
            by_z[e] = sd * x[e] * (1.0 - share)
    return z, x, by_v, by_z, jacobian, slope


@compiled()
def to_coordinates(by_z, theta, v, sigma, rho, u, by_theta, by_v):
    """Slopes in the coordinates of values that move together, from those in the values (m,); adds to those in
    theta; returns those in log sigma and logit rho."""
    by_log_sigma, by_logit_rho, by_scales = 0.0, 0.0, np.empty(4)
    for c in range(u.block.size - 1):
        own = u.together[u.block[c] : u.block[c + 1]]
        if own.size:
            scales, place, basis = _block(theta, sigma, rho, u, c)
            slope = np.empty(own.size)
            gather_block(by_z[own], v[own], scales, place, basis, slope, by_scales)
            by_v[own] = slope
            by_theta[2 * c] += by_scales[0]
            by_theta[2 * c + 1] += by_scales[1]
            by_log_sigma += by_scales[2]
            by_logit_rho += by_scales[3]
    return by_log_sigma, by_logit_rho


@compiled()
def fill_design(x, u, design):
    """Write the standardised design at some values (m,) into an array that holds any other, (n, p)."""
    for i in range(design.shape[0]):
        for q in range(design.shape[1]):
            design[i, q] = u.design[i, q]
    for e in range(x.size):
        for q in range(design.shape[1]):
            design[u.district[e], q] += u.slope[e, q] * (x[e] - u.guess[e])


@compiled(inline="always")
def covariate_density(theta, z, u, by_theta, by_z):
    """Log density of the covariates' fields and their hyperparameters; adds to the slopes in theta and z."""
    count, n = u.standardised.shape
    own = u.others.shape[1]
    full = u.standardised.copy()
    for e in range(z.size):
        full[u.owner[e], u.district[e]] = z[e]
    total = 0.0
    for c in range(count):
        tau, tau_slope = constrain(theta[2 * c], u.prior_kind[0])
        share, share_slope = constrain(theta[2 * c + 1], u.prior_kind[1])
        if not (0.0 < tau < np.inf and tau_slope > 0.0 and 0.0 < share < 1.0 and share_slope > 0.0):
            return -np.inf
        design = np.empty((n, own + c))
        design[:, :own] = u.others
        for b in range(c):
            design[:, own + b] = full[b]
        sd = u.prior_sd[: own + c].copy()
        density, by_field, by_tau, by_share, _ = field_density(
            full[c], design, sd, tau, share, u.component, u.sizes, u.node, u.node_weight, u.pattern
        )
        total += density
        by_theta[2 * c] += by_tau * tau_slope
        by_theta[2 * c + 1] += by_share * share_slope
        for q in range(2):
            value = tau if q == 0 else share
            prior, slope = log_prior(
                value, u.prior_kind[q], u.prior_number[q, 0], u.prior_number[q, 1], u.node, u.node_weight
            )
            total += prior
            by_theta[2 * c + q] += slope
        by_columns = np.zeros((n, own + c))
        if c > 0:
            by_columns = slope_in_columns(full[c], design, sd, tau, share, u.component, u.sizes, u.pattern)
        for e in range(z.size):
            if u.owner[e] == c:
                by_z[e] += by_field[u.district[e]]
            elif u.owner[e] < c:
                by_z[e] += by_columns[u.district[e], own + u.owner[e]]
    return total


@compiled()
def add_estimates(z, x, u, by_z, by_x):
    """Log density of the estimates given the values; adds to the slopes in z and x."""
    total = 0.0
    for e in range(z.size):
        if u.estimated[e] == NOT_ESTIMATED:
            continue
        se = u.estimate[e, 1]
        scaled = (u.estimate[e, 0] - (z[e] if u.estimated[e] == ON_SCALE else x[e])) / se
        total -= 0.5 * scaled * scaled
        if u.estimated[e] == ON_SCALE:
            by_z[e] += scaled / se
        else:
            by_x[e] += scaled / se
    return total


@compiled()
def votes_field(point, model, c):
    """sigma and rho of the votes' field, zeros without one, and d log sigma / d logit rho."""
    if model.switches[0] == NO_FIELD:
        return 0.0, 0.0, 0.0
    moved, tied = untie(point, model, c)
    _, _, sigma, rho, _ = hyperparameters(moved, model)
    return sigma, rho, tied


@compiled(inline="always")
def votes_slope_in_columns(point, model, c):
    """d log p / d X of the votes' posterior at a point of the sampler, shape (n, p)."""
    first = model.prior_kind.size
    if model.switches[0] == NO_FIELD:
        _, _, _, _, own = hyperparameters(point, model)
        fitted = model.design @ point[first:]
        by_eta = np.zeros(fitted.size)
        add_likelihood(model.switches[1], fitted, model.votes, model.size, own, by_eta)
        return np.outer(by_eta, point[first:])
    moved, _ = untie(point, model, c)
    value, _, sigma, rho, dispersion = hyperparameters(moved, model)
    n = c.level.size
    eta, scale, along, slope = np.empty(n), np.empty(n), np.empty(c.basis.shape[0]), np.empty(n)
    part = variances(value, sigma, rho, model)
    to_eta(point[first:], sigma, dispersion ** c.choice[1], part, c, eta, scale, along, slope)
    sd = column_sd(value, model)
    return slope_in_columns(
        eta - model.offset, model.design, sd, sigma, rho, model.component, model.sizes, model.pattern
    )
