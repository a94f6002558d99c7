r"""Probability integral transforms of the votes, with each district's own effect integrated out.

Given the parameters, the linear predictor of district i is eta_i ~ N(m_i, s_i^2) before its votes are seen:

=========  ==========================================  ===================================================
structure  m_i                                         s_i
=========  ==========================================  ===================================================
bym2       mu_i + sigma sqrt(rho) phi_i                sigma sqrt(1 - rho)
iid        mu_i                                        sigma
none       eta_i                                       0
others     mu_i + mean of its effect given the         standard deviation of its effect given these:
           effects after it in the factor's order      1 / L_ii, with L L' = Q the precision of the effects
=========  ==========================================  ===================================================

and u_i = P(Y < y_i) + v_i P(Y = y_i), v_i ~ U(0, 1), is the place of its votes in their distribution under
these two, the integral of p(y | eta) N(eta; m_i, s_i^2) d eta. At the true parameters the u_i are iid
U(0, 1): given m_i the votes depend on nothing else (for the last row: one district after another, against
the order). So they are at any one draw from the posterior, whatever was estimated from the same votes
(Johnson 2007); see `spatialvote.analysis.residuals`, whose residuals look at the effects where these look at
the votes.

The integral takes no quadrature over eta. P(Y <= y | eta) falls in eta as a distribution function rises: for
a binomial it is P(logit B > eta) with B ~ Beta(y + 1, N - y), for Poisson counts P(log G > eta + log E) with
G ~ Gamma(y + 1). With x_k the quantiles of logit B (log G - log E) at Gauss-Legendre nodes, w_k the weights,

    P(Y <= y) = E[Phi((logit B - m) / s)] = sum_k w_k Phi((x_k - m) / s),

and the x_k are the same at every draw. Where s is below the spread of the x_k, Gauss-Hermite quadrature over
eta is exact instead. Logits of shares (Gaussian) are normal with variance s^2 + noise^2. Beta-binomial votes
have no such form: there u_i is the place of y_i among replicates, ties and the room between places at random,
which is as uniform, but not told beyond the last of them.

References
----------
Johnson, V. E. (2007). Bayesian model assessment using pivotal quantities. Bayesian Analysis 2.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, betaincinv, expit, gammainccinv, logit, ndtr, pdtr

from spatialvote.analysis.loo import smooth
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit
from spatialvote.models.given_others import given_others
from spatialvote.models.integrated import log_integrated
from spatialvote.models.posterior import Posterior
from spatialvote.models.sparse_kernel import factorise_precision
from spatialvote.models.structures.sparse_precision import SparsePrecision
from spatialvote.models.symbolic import COLUMNS, FIELDS, FIRST, PANEL_AT, ROWS
from spatialvote.models.whiten import whiten

#: Of the quadrature over votes; of that over eta, where it is narrow.
_NODES, _ETA_NODES = 20, 12
#: Replicates among which beta-binomial votes find their place.
_REPLICATES = 199


@dataclass(frozen=True, eq=False)
class Before:
    """Mean and standard deviation of eta_i before the votes of district i are seen, each (draws, n)."""

    mean: np.ndarray
    sd: np.ndarray


def before_votes(fit: Fit, at: np.ndarray, precision: SparsePrecision | None) -> Before:
    """m and s at some draws.

    Parameters
    ----------
    fit
        A fit.
    at
        Positions of draws.
    precision
        Of the effects, where the structure has one.
    """
    if fit.model.structure == "none":
        eta = fit.draws("eta", at)
        return Before(eta, np.zeros_like(eta))
    mu, sigma = fit.fixed_part(at), fit.draws("sigma", at)
    if fit.model.structure == "iid":
        return Before(mu, np.broadcast_to(sigma[:, None], mu.shape))
    rho = fit.draws("rho", at)
    if precision is None:
        structured = (sigma * np.sqrt(rho))[:, None] * fit.draws("phi", at)
        own = (sigma * np.sqrt(1 - rho))[:, None]
        return Before(mu + structured, np.broadcast_to(own, mu.shape))
    eta = fit.draws("eta", at)
    sd = _own_sd(precision, sigma, rho)
    return Before(eta - sd * whiten(precision, eta - mu, sigma, rho)[0], sd)


def _own_sd(precision: SparsePrecision, sigma: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """1 / L_ii at the districts' places, shape (draws, n)."""
    pattern = tuple(precision.pattern)
    # The columns of a supernode lie one after another in its panel, each with its diagonal one further down.
    blocks = precision.pattern.nodes[:-FIELDS].reshape(-1, FIELDS)
    column = np.concatenate([np.arange(one[COLUMNS]) for one in blocks])
    block = np.repeat(blocks, blocks[:, COLUMNS], axis=0)
    place = np.empty(precision.n, dtype=np.int64)
    place[precision.pattern.order[block[:, FIRST] + column]] = block[:, PANEL_AT] + column * (
        block[:, ROWS] + 1
    )
    terms = (precision.code, precision.table, precision.below_terms, precision.diagonal_terms, pattern)
    return np.stack(
        [1 / factorise_precision(float(a), float(b), *terms)[place] for a, b in zip(sigma, rho, strict=True)]
    )


def transforms(
    posterior: Posterior,
    before: Before,
    dispersion: np.ndarray | float,
    part: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """u of every district at every draw, shape (draws, n); v where there is no likelihood.

    Parameters
    ----------
    posterior
        Family, votes and sizes.
    before
        m and s.
    dispersion
        Draws of the family's dispersion, shape (draws,).
    part
        v, of the shape (draws, n) or (n,).
    rng
        For replicates.
    """
    if posterior.family == "gaussian":
        spread = np.sqrt(before.sd**2 + np.asarray(dispersion)[..., None] ** 2)
        u = ndtr((posterior.votes - before.mean) / spread)
    elif posterior.family == "beta_binomial":
        u = _among_replicates(posterior, before, dispersion, part, rng)
    else:
        u = (1 - part) * _below(posterior, before, posterior.votes - 1) + part * _below(
            posterior, before, posterior.votes
        )
    return np.where(posterior.size > 0, u, part)


def places_left_out(
    fit: Fit, posterior: Posterior, at: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Place of each district's votes in what all others say of it, and Pareto k of its weights, each (n,).

    u as above, with m_i and s_i given the effects of all other districts, averaged over the posterior of the
    others by importance weights (`spatialvote.analysis.loo`); one v_i for all draws. Under a true model with
    the prior that was used each is U(0, 1), though not independent of the others.
    """
    mu = fit.fixed_part(at)
    values = {name: fit.draws(name, at) for name in posterior.field.hyperparameters}
    given = given_others(posterior.field, fit.draws("eta", at) - mu, values)
    before = Before(mu + given.mean, 1 / np.sqrt(given.precision))
    dispersion = fit.dispersion(at)
    u = transforms(posterior, before, dispersion, rng.random(len(posterior.votes)), rng)
    likelihood = log_integrated(
        posterior.family, posterior.votes, posterior.size, before.mean, given.precision, dispersion
    )
    weights, k = smooth(likelihood, 1.0)
    return (np.exp(weights.T) * u).sum(axis=0), k


def _below(posterior: Posterior, before: Before, votes: np.ndarray) -> np.ndarray:
    """P(Y <= votes), shape (draws, n); 0 where votes are negative."""
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    node, weight = (1 + node) / 2, weight / 2
    some = np.maximum(votes, 0)
    size = np.maximum(posterior.size, 1e-300)
    if posterior.family == "poisson":
        # Upper quantiles: P(Y <= y | eta) = P(log G - log E > eta).
        x = np.log(gammainccinv(some + 1, node[:, None])) - np.log(size)
    else:
        left = np.maximum(size - some, 1e-300)
        # From the nearer end, where a share is told from 0 and from 1 to the last digit.
        x = np.where(
            2 * some < size,
            logit(betaincinv(some + 1, left, node[:, None])),
            -logit(betaincinv(left, some + 1, node[::-1, None])),
        )
    # Where nobody could vote the quantiles are infinite and have no spread: those are not wide.
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(weight @ (x - weight @ x) ** 2)
        wide = before.sd > spread
    total = np.empty(before.mean.shape)
    _, district = np.nonzero(wide)
    mean, sd = before.mean[wide], before.sd[wide]
    total[wide] = sum(w * ndtr((one[district] - mean) / sd) for w, one in zip(weight, x, strict=True))
    _, district = np.nonzero(~wide)
    total[~wide] = _over_eta(
        posterior.family, before.mean[~wide], before.sd[~wide], some[district], posterior.size[district]
    )
    total = np.where(votes < 0, 0.0, total)
    return total if posterior.family == "poisson" else np.where(votes >= size, 1.0, total)


def _over_eta(
    family: str, mean: np.ndarray, sd: np.ndarray, votes: np.ndarray, size: np.ndarray
) -> np.ndarray:
    """P(Y <= votes) by Gauss-Hermite quadrature over eta, all of one shape; one node where sd is 0."""
    node, weight = np.polynomial.hermite_e.hermegauss(_ETA_NODES if sd.any() else 1)
    total = np.zeros(mean.shape)
    for z, w in zip(node, weight / weight.sum(), strict=True):
        eta = mean + sd * z
        if family == "poisson":
            total += w * pdtr(votes, size * np.exp(eta))
        else:
            total += w * bdtr(votes, size.astype(np.int64), expit(eta))
    return total


def _among_replicates(
    posterior: Posterior,
    before: Before,
    dispersion: np.ndarray | float,
    part: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Place of the votes among replicates, between 0 and 1."""
    family = FAMILIES[posterior.family]
    fewer, equal = np.zeros(before.mean.shape), np.zeros(before.mean.shape)
    size = posterior.size.astype(np.int64)
    for _ in range(_REPLICATES):
        eta = before.mean + before.sd * rng.standard_normal(before.mean.shape)
        votes = family.draw(rng, eta, size, dispersion)
        fewer += votes < posterior.votes
        equal += votes == posterior.votes
    return (fewer + part * (equal + 1)) / (_REPLICATES + 1)
