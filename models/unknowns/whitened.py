r"""Coordinates of a covariate that was estimated, whitened by what estimates and field say of it together.

Where standard errors are about as large as what varies between districts, how far a value may lie from its
estimate depends on the hyperparameters: as tau falls, or as lambda nears 1 and with it the part of the field
that is a district's own vanishes, values are drawn to their mean and to their neighbours. In coordinates of a
fixed scale that is a funnel. Given tau and lambda, and without the votes, the values are normal, and in a
basis in which the field and the errors are both diagonal their mean and standard deviation are known.

Let G hold the information 1 / se^2 of each value, e the estimates, m a rough fit of the regression on the
other covariates, and y = G^(1/2) (z - m), so that errors have variance 1. The basis is V = (B, E): B spans
what the coefficients of the regression move, and E are eigenvectors of the field's covariance at
lambda = 1/2, with B projected out. With r = V' G^(1/2) (e - m) and

    pi_j = w_j + tau^2 ((1 - lambda) a_j + lambda c_j),
    a_j  = V_j' G V_j,      c_j = V_j' G^(1/2) R^- G^(1/2) V_j,

w_j the variance that coefficients give to B_j and 0 along E, r_j and pi_j say of y along V_j what estimates
and field do. The votes say something too, the more the smaller sigma is: with b_i a rough d eta / d z, d_i
what the votes of a district say of eta less its rough value at m, and h_i their information,

    t_j   = b_j^2 / (sigma^2 ((1 - rho) a_j + rho c_j) + n_j),      b_j^2 = sum_i V_ij^2 b_i^2  (0 along B),
    n_j   = sum_i V_ij^2 G_i / h_i,      s_j = V_j' G^(1/2) (b d) / b_j^2.

Three independent normals together have precision P and mean y0,

    P_j = 1 + 1 / pi_j + t_j,      y0_j = (r_j + t_j s_j) / P_j.

But how steeply votes depend on z is not known: all values along y0 may be larger and the slope smaller. With
a slope of b (1 + u), u ~ N(0, 1), integrated out along y0, the votes' part of the precision is T - c c',

    c = T y0 (1 + y0' T y0)^(-1/2),      h = r + T s - c c's,      kappa = c' P^(-1) c,
    mu = P^(-1) (h + c c'P^(-1) h / (1 - kappa)),

and the sampler moves in v:

    z = m + G^(-1/2) V (mu + P^(-1/2) (I + ((1 - kappa)^(-1/2) - 1) / kappa P^(-1/2) c c' P^(-1/2)) v),
    log |dz / dv| = -(sum log P + sum log G + log(1 - kappa)) / 2.

Where all errors are alike, the whole covariate was estimated and its regression has an intercept alone, v is
standard normal before the votes are seen, whatever tau and lambda are. Values of the covariate that are
missing have next to no information of their own: field and votes place them.

A basis costs memory and two products with a square matrix at every gradient. Above `LARGEST` values V is I,
which leaves the funnel in tau mended and that in lambda as it was. One is left in any case: as sigma falls
below what votes leave open of eta, eta and slope times z become one.

Papaspiliopoulos, O., Roberts, G. O., Skold, M. (2007). A general framework for the parametrization of
hierarchical models. Statistical Science 22.
"""

from dataclasses import dataclass, replace

import numpy as np

from spatialvote.models.field_kernel import SMALLEST_K, smooth
from spatialvote.models.scaled_graph import ScaledGraph
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

#: More values than this are whitened one by one: the basis would take 18 MB and more.
LARGEST = 1500
#: Information of a missing value, as a share of the median of the estimated ones.
_LEAST_INFORMATION = 1e-6
#: Squared slopes below this tell nothing.
_NO_SLOPE = 1e-12


@dataclass(frozen=True)
class Block:
    """The values of one covariate that move together.

    Attributes
    ----------
    place
        m, G^(-1/2), r, w, a, c, b^2, n and s, shape (k, 9).
    basis
        V, shape (k, k); without rows where V is I.
    tau
        Rough standard deviation of the field.
    """

    place: np.ndarray
    basis: np.ndarray
    tau: float

    def told(self, slope: np.ndarray, apart: np.ndarray, noise: np.ndarray) -> "Block":
        """The same where votes have a say.

        Parameters
        ----------
        slope
            Rough d eta / d z of each value, shape (k,).
        apart
            What votes say of eta, less its rough fitted value at m, shape (k,).
        noise
            Variance of the former given eta, shape (k,).
        """
        place, root = self.place.copy(), 1 / self.place[:, UNIT]
        columns = (slope**2, root**2 * noise, root * slope * apart)
        told, noises, answer = columns
        if self.basis.size:
            square = (self.basis**2).T
            told, noises, answer = square @ told, square @ noises, self.basis.T @ answer
        # Coefficients of the votes are as free as those of the covariate.
        told = np.where((place[:, WIDE] > 0) | (told < _NO_SLOPE), 0.0, told)
        place[:, TOLD], place[:, NOISE] = told, noises
        place[:, ANSWER] = np.divide(answer, told, out=np.zeros_like(told), where=told > 0)
        return replace(self, place=place)


def no_block() -> Block:
    """No values move together."""
    return Block(np.zeros((0, 9)), np.zeros((0, 0)), 0.0)


def whiten_block(
    graph: ScaledGraph,
    at: np.ndarray,
    response: np.ndarray,
    se: np.ndarray,
    standardised: np.ndarray,
    others: np.ndarray,
    prior_sd: np.ndarray,
) -> Block:
    """Coordinates of the values of one covariate that are estimated or missing.

    Parameters
    ----------
    graph
        Of all districts.
    at
        Positions of the districts with such values, shape (k,).
    response, se
        Estimates on the standardised scale and their standard errors, NaN where missing, shape (k,).
    standardised
        The covariate, first guesses among its values, shape (n,).
    others
        Columns of its regression, shape (n, q).
    prior_sd
        Of their coefficients, shape (q,).
    """
    told = np.isfinite(se)
    information = np.full(len(at), np.nan)
    information[told] = se[told] ** -2.0
    information[~told] = _LEAST_INFORMATION * np.median(information[told])
    noise = np.zeros(len(standardised))
    noise[at] = np.where(told, se, 0.0) ** 2
    spread = others @ np.linalg.lstsq(others, standardised)[0] - standardised
    # What varies between districts, without the errors; a fifth of it at least.
    tau = np.sqrt(max(spread.var() - noise.mean(), 0.04 * spread.var(), 1e-6))
    present = np.ones(len(standardised), dtype=bool)
    present[at[~told]] = False
    weight = present / (tau**2 + noise)
    precision = (others.T * weight) @ others + np.diag(prior_sd**-2.0)
    level = (others @ np.linalg.solve(precision, others.T @ (weight * standardised)))[at]
    root = np.sqrt(information)
    apart = root * np.where(told, response - level, 0.0)

    place = np.zeros((len(at), 9))
    place[:, LEVEL], place[:, UNIT], place[:, NOISE] = level, 1 / root, 1.0
    if len(at) > LARGEST:
        place[:, RESPONSE], place[:, OWN] = apart, information
        place[:, STRUCTURED] = information * graph.marginal_variance[at]
        return Block(place, np.zeros((0, 0)), tau)
    chosen = np.zeros((graph.n, len(at)))
    chosen[at, np.arange(len(at))] = root
    smoothed, centred, _ = smooth(chosen, SMALLEST_K, graph.component, graph.sizes, tuple(graph.pattern))
    structured = centred.T @ smoothed
    # What the values that are known leave open of the coefficients.
    exact = np.ones(len(standardised), dtype=bool)
    exact[at] = False
    open_ = np.linalg.inv((others[exact].T @ others[exact]) / tau**2 + np.diag(prior_sd**-2.0))
    loaded = root[:, None] * (others[at] @ np.linalg.cholesky(open_))
    turned, singular, _ = np.linalg.svd(loaded)
    wide = singular[singular > 1e-6 * singular[0]] ** 2
    spanned, rest = np.split(turned, [len(wide)], axis=1)
    _, vectors = np.linalg.eigh(rest.T @ (0.5 * (np.diag(information) + structured)) @ rest)
    basis = np.column_stack([spanned, rest @ vectors])
    place[: len(wide), WIDE] = wide
    place[:, RESPONSE] = basis.T @ apart
    place[:, OWN] = ((basis**2).T * information).sum(axis=1)
    place[:, STRUCTURED] = np.einsum("ij,ik,kj->j", basis, structured, basis, optimize=True)
    return Block(place, np.ascontiguousarray(basis), tau)
