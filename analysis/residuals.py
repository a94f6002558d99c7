r"""Pivotal residuals: functions of data and parameters that are iid N(0, 1) at the true parameters.

=========  ====================================================================================
structure  residual of district i
=========  ====================================================================================
bym2       theta_i = (eta_i - mu_i - sigma sqrt(rho) phi_i) / (sigma sqrt(1 - rho))
iid        theta_i = (eta_i - mu_i) / sigma
none       Phi^-1(u_i), u_i uniform between P(Y_i < y_i | eta_i) and P(Y_i <= y_i | eta_i)
others     (L'(eta - mu))_i, with L L' = Q the precision of the effects (`spatialvote.models.whiten`)
=========  ====================================================================================

with mu = intercept + X beta + effects of groups. That of ``none`` is the randomised quantile residual of Dunn
& Smyth (1996). Where a sparse precision Q gives the effects no part that is independent between districts,
each effect is compared with what those after it in the factor's order would have it: what is left of it when
its neighbours are known, at its own place on the map, so that Moran's I still means what it says. A symmetric
square root of Q in place of L' would not depend on the order of the districts, but takes a dense matrix; on
grids with links gone or to wrong districts, and with rho held too low, both found as much.

Because a draw from the posterior has, jointly with the data, the same distribution as the true
parameters, a function that is iid N(0, 1) at the truth is iid N(0, 1) at any one posterior draw too, whatever
the model estimated from the same data (Johnson 2007; Yuan & Johnson 2012). Statistics of these residuals can
therefore be compared with the same statistics of white noise, draw by draw.

References
----------
Dunn, P. K., Smyth, G. K. (1996). Randomized quantile residuals. J. Computational and Graphical Statistics 5.
Johnson, V. E. (2007). Bayesian model assessment using pivotal quantities. Bayesian Analysis 2.
Yuan, Y., Johnson, V. E. (2012). Goodness-of-fit diagnostics for Bayesian hierarchical models. Biometrics 68.
"""

import numpy as np
from scipy.special import expit
from scipy.stats import betabinom, binom, norm, poisson

from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit
from spatialvote.models.structures.sparse_precision import SparsePrecision
from spatialvote.models.whiten import whiten

#: Beyond this a normal tail probability cannot be told from zero in double precision.
FARTHEST = 37.0


def thin(fit: Fit, most: int) -> np.ndarray:
    """Positions of at most `most` posterior draws, evenly spaced over the joined chains."""
    sizes = fit.tree["posterior"].sizes
    total = sizes["chain"] * sizes["draw"]
    return np.linspace(0, total - 1, min(most, total)).round().astype(np.int64)


def pivotal_residuals(
    fit: Fit, at: np.ndarray, rng: np.random.Generator, precision: SparsePrecision | None = None
) -> np.ndarray:
    """Residuals that are iid N(0, 1) at the true parameters, shape (len(at), n).

    Parameters
    ----------
    fit
        A fit.
    at
        Positions of draws.
    rng
        For what is random in quantile residuals.
    precision
        Of the effects, where the structure has one.
    """
    if fit.model.structure == "none":
        return _quantile_residuals(fit, fit.draws("eta", at), at, rng)
    effects, sigma = fit.district_effects(at), fit.draws("sigma", at)
    if fit.model.structure == "iid":
        return effects / sigma[:, None]
    rho = fit.draws("rho", at)
    if precision is not None:
        return whiten(precision, effects, sigma, rho)[0]
    structured = (sigma * np.sqrt(rho))[:, None] * fit.draws("phi", at)
    return (effects - structured) / (sigma * np.sqrt(1 - rho))[:, None]


def residuals_and_scores(
    fit: Fit, at: np.ndarray, columns: np.ndarray, precision: SparsePrecision | None
) -> tuple[np.ndarray, np.ndarray]:
    """Residuals of district effects (len(at), n), and N(0, 1) scores of columns (n, p) in them (len(at), p).

    A score says whether the effects lean towards a column more than chance; `none` has no effects.
    """
    if precision is not None:
        return whiten(
            precision, fit.district_effects(at), fit.draws("sigma", at), fit.draws("rho", at), columns
        )
    residuals = pivotal_residuals(fit, at, np.random.default_rng(0))
    return residuals, residuals @ (columns / np.linalg.norm(columns, axis=0))


def _quantile_residuals(fit: Fit, eta: np.ndarray, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Randomised quantile residuals of the votes given eta (m, n), each from its nearer tail.

    Where the party did not stand nothing was observed, and any value is as likely: a draw from N(0, 1).
    """
    family = fit.model.family
    dispersion = np.broadcast_to(fit.dispersion(at), len(at))[:, None]
    mean = FAMILIES[family].mean(eta)
    votes, part = fit.votes, rng.random(eta.shape)
    if family == "gaussian":
        return np.where(fit.stood, (votes - eta) / dispersion, norm.ppf(part))
    if family == "binomial":
        law, parameters = binom, (fit.size, mean)
    elif family == "beta_binomial":
        total = (1 - dispersion) / dispersion
        law, parameters = betabinom, (fit.size, mean * total, expit(-eta) * total)
    else:
        law, parameters = poisson, (fit.size * mean,)
    mass, below, above = (
        law.pmf(votes, *parameters),
        law.cdf(votes - 1, *parameters),
        law.sf(votes, *parameters),
    )
    left = norm.ppf(below + part * mass)
    right = norm.isf(above + (1 - part) * mass)
    residuals = np.where(below < above, left, right)
    return np.clip(np.where(fit.stood, residuals, norm.ppf(part)), -FARTHEST, FARTHEST)
