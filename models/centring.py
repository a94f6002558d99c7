r"""The coordinates in which eta is sampled: centred where votes inform it, non-centred where they do not.

Where the data pin eta it must be sampled as it is; where they do not, eta - X b scales with sigma, and a
sampler in eta runs into a funnel as sigma falls below the noise of the votes. Both are ends of one line
(partial centring, Papaspiliopoulos, Roberts and Skold 2007), and how far along it a district stands is known.
With Fisher information h_i, working response y_i = c_i + score_i / h_i at a rough estimate c_i, and the
fitted value m_i of the regression without effects, write v = sqrt(h) (eta - m), q = sqrt(h) (y - m) and

    u_i = 1 / (1 + h_i sigma^2),    t_i = q_i (1 - u_i),    s_i = sigma sqrt(h_i u_i):

t_i and s_i are mean and standard deviation of v_i where eta_i ~ N(m_i, sigma^2) and y_i ~ N(eta_i, 1 / h_i).

Some directions do not scale with sigma. The columns of X carry coefficients whose uncertainty stays as sigma
falls; the mean of a component has prior variance sigma^2 (1 - rho) / n_c, which falls to zero as rho -> 1. So
an orthonormal basis B of sqrt(h) X and of the indicators of all components but the largest is split off:

    v = B (a^2 B'q + a B'z) + (I - B B') (t + s z),     a_j = 1 for the columns of X,
    a_j^2 = pi_j / (1 + pi_j),  pi_j = w_j' Sigma w_j,  w_j = sqrt(h) B_j          for what components add,

and z is close to standard normal whatever sigma and rho are. By Jacobi's identity for complementary minors

    log |d v / d z| = sum log s + sum log a + log |K|,    K = B' diag(1 / s) B.

Papaspiliopoulos, O., Roberts, G. O., Skold, M. (2007). A general framework for the parametrization of
hierarchical models. Statistical Science 22.
"""

from dataclasses import dataclass

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.families import FAMILIES
from spatialvote.models.field_kernel import SMALLEST_K, small_cholesky, small_solve, smooth
from spatialvote.models.glm import fit_without_effects
from spatialvote.models.posterior import Posterior


@dataclass(frozen=True)
class Centring:
    """The arrays of the transformation.

    Attributes
    ----------
    level
        Fitted values m of the regression without district effects, shape (n,).
    root
        sqrt(h), shape (n,).
    response
        q, shape (n,).
    basis
        B, shape (n, P).
    spread
        w_j'w_j and w_j' R^- w_j, so that pi_j = sigma^2 ((1 - rho) spread_j0 + rho spread_j1), for what
        components add; zeros for the columns of X. Shape (P, 2).
    """

    level: np.ndarray
    root: np.ndarray
    response: np.ndarray
    basis: np.ndarray
    spread: np.ndarray

    def eta(self, sigma: np.ndarray, rho: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Linear predictors, shape (draws, n), at sigma and rho (draws,) and z (draws, n)."""
        sigma, rho = np.asarray(sigma)[:, None], np.asarray(rho)[:, None]
        u = 1 / (1 + (self.root * sigma) ** 2)
        apart = self.response * (1 - u) + sigma * self.root * np.sqrt(u) * z
        pi = sigma**2 * ((1 - rho) * self.spread[:, 0] + rho * self.spread[:, 1])
        a = np.where(self.spread[:, 0] > 0, np.sqrt(pi / (1 + pi)), 1.0)
        along = a**2 * (self.response @ self.basis) + a * (z @ self.basis) - apart @ self.basis
        return self.level + (apart + along @ self.basis.T) / self.root


def centre(posterior: Posterior) -> Centring:
    """Coordinates for a posterior with a field."""
    family = FAMILIES[posterior.family]
    votes, size, graph = posterior.votes, posterior.size, posterior.field.graph
    level = fit_without_effects(posterior).eta
    crude = family.crude(votes, size)
    # Crude values of small districts are noise: shrink them, by a unit prior, towards the regression.
    weight = family.information(crude, size)
    rough = level + (crude - level) * weight / (weight + 1)
    information = family.information(rough, size)
    root = np.sqrt(information)
    response = root * (rough + (votes - size * family.mean(rough)) / information - level)

    columns = posterior.design.shape[1]
    # The largest component's mean is the intercept's direction; only what sets others apart is left.
    others = np.delete(np.arange(graph.sizes.size), np.argmax(graph.sizes) if graph.sizes.size else [])
    members = graph.component[:, None] == others
    spanned = root[:, None] * np.hstack([posterior.design, members])
    basis, triangle = np.linalg.qr(spanned / np.linalg.norm(spanned, axis=0))
    # A covariate may tell a component apart by itself: such a direction is dropped.
    keep = np.abs(np.diag(triangle)) > 1e-8
    basis = np.ascontiguousarray(basis[:, keep])
    loaded = np.ascontiguousarray(root[:, None] * basis)
    smoothed, centred, _ = smooth(loaded, SMALLEST_K, graph.component, graph.sizes, tuple(graph.pattern))
    spread = np.column_stack([(loaded**2).sum(axis=0), (centred * smoothed).sum(axis=0)])
    spread[: int(keep[:columns].sum())] = 0.0
    return Centring(level, root, response, basis, spread)


@compiled()
def prior_variance(sigma, rho, spread):
    """pi_j and its derivative in logit rho relative to itself."""
    pi = sigma * sigma * ((1.0 - rho) * spread[0] + rho * spread[1])
    return pi, sigma * sigma * rho * (1.0 - rho) * (spread[1] - spread[0]) / pi


@compiled()
def to_eta(z, sigma, rho, level, root, response, basis, spread, eta, scale, along):
    """Fill eta (n,), s (n,) and a (P,); return the log Jacobian and its slopes in log sigma, logit rho."""
    n, columns = basis.shape
    apart, weighted, moved = np.empty(n), np.empty((n, columns)), np.empty((n, columns))
    jacobian, by_sigma, by_rho = 0.0, 0.0, 0.0
    for i in range(n):
        u = 1.0 / (1.0 + (root[i] * sigma) ** 2)
        scale[i] = sigma * root[i] * np.sqrt(u)
        apart[i] = response[i] * (1.0 - u) + scale[i] * z[i]
        jacobian += np.log(scale[i] / root[i])
        by_sigma += u
        share = 1.0 / scale[i]
        for j in range(columns):
            weighted[i, j] = basis[i, j] * share
            moved[i, j] = -u * weighted[i, j]
    inverse, slope = weighted.T @ basis, moved.T @ basis
    lower = small_cholesky(inverse)
    solved = small_solve(lower, slope)
    shift = np.zeros(columns)
    for j in range(columns):
        jacobian += 2.0 * np.log(lower[j, j])
        by_sigma += solved[j, j]
        along[j] = 1.0
        if spread[j, 0] > 0.0:
            pi, pi_slope = prior_variance(sigma, rho, spread[j])
            along[j] = np.sqrt(pi / (1.0 + pi))
            jacobian += np.log(along[j])
            by_sigma += 1.0 / (1.0 + pi)
            by_rho += 0.5 * pi_slope / (1.0 + pi)
        for i in range(n):
            b = basis[i, j]
            shift[j] += b * (along[j] ** 2 * response[i] + along[j] * z[i] - apart[i])
    for i in range(n):
        v = apart[i]
        for j in range(columns):
            v += basis[i, j] * shift[j]
        eta[i] = level[i] + v / root[i]
    return jacobian, by_sigma, by_rho


@compiled()
def pull_back(by_eta, z, sigma, rho, root, response, basis, spread, scale, along):
    """Turn a gradient in eta into one in z, in place; return what it adds in log sigma and logit rho."""
    n, columns = basis.shape
    by_v = by_eta / root
    inside, mixed_q, mixed_z = np.zeros(columns), np.zeros(columns), np.zeros(columns)
    for i in range(n):
        for j in range(columns):
            inside[j] += basis[i, j] * by_v[i]
            mixed_q[j] += basis[i, j] * response[i]
            mixed_z[j] += basis[i, j] * z[i]
    by_sigma, by_rho = 0.0, 0.0
    for j in range(columns):
        if spread[j, 0] > 0.0:
            pi, pi_slope = prior_variance(sigma, rho, spread[j])
            moved = (2.0 * along[j] ** 2 * mixed_q[j] + along[j] * mixed_z[j]) / (1.0 + pi) * inside[j]
            by_sigma += moved
            by_rho += 0.5 * pi_slope * moved
    for i in range(n):
        left = by_v[i]
        by_z = 0.0
        for j in range(columns):
            left -= basis[i, j] * inside[j]
            by_z += basis[i, j] * along[j] * inside[j]
        u = 1.0 / (1.0 + (root[i] * sigma) ** 2)
        by_sigma += left * (2.0 * response[i] * u * (1.0 - u) + scale[i] * u * z[i])
        by_eta[i] = by_z + scale[i] * left
    return by_sigma, by_rho
