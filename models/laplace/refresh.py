r"""A step of sigma and rho that leaves the posterior as it is: every draw gets values of its own.

Draws share a few dozen values of the hyperparameters, those at which the approximation was made. Given eta, c
and phi the density of the BYM2's parameters depends on three sums only: with u = eta - X c, a = sigma
sqrt(rho) and s^2 = sigma^2 (1 - rho),

    log p(u | a, s) = -n/2 log s^2 - (u'u - 2 a u'phi + a^2 phi'phi) / (2 s^2),

which under flat priors of a and s^2 is a Gaussian of a times an inverse gamma of s^2. That is drawn as a
proposal and accepted with the ratio of the priors (independence Metropolis-Hastings); the weights of the
draws stay right because the step leaves the exact posterior invariant. For ``iid`` it is the same with a = 0.
A structure without an iid part has n log sigma and a quadratic form e'Q(rho) e instead, a sum over its terms
T_m; there rho takes random-walk steps with sigma^2 drawn from its inverse gamma.
"""

import numpy as np
from scipy.special import expit

from spatialvote.models.laplace.target import Target
from spatialvote.models.structures.dispatch import log_det, weights
from spatialvote.models.structures.sparse_precision import SparsePrecision

#: Steps of rho where it takes a random walk.
_STEPS = 5


def refresh(
    target: Target, theta: np.ndarray, moments: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Move sigma and rho of each draw.

    Parameters
    ----------
    theta
        Hyperparameters of each draw, shape (draws, d).
    moments
        For BYM2 u'u, u'phi, phi'phi; for ``iid`` u'u; for a sparse precision e'T_m e of each term; (draws,
        ...).

    Returns
    -------
    theta, moved
        Shape (draws, d), and the fraction of proposals that were accepted.
    """
    structure = target.posterior.field.structure
    if structure == "none" or len(target.votes) < 10:
        return theta, 0.0
    precision = target.posterior.field.precision
    if precision is not None:
        return _walk(target, precision, theta, moments, rng)
    return _independent(target, theta, moments, rng)


def _log_prior(target: Target, theta: np.ndarray) -> np.ndarray:
    return np.array([target.posterior.log_prior(one)[0] for one in theta])


def _independent(target: Target, theta: np.ndarray, moments: np.ndarray, rng: np.random.Generator):
    """The step of BYM2 and ``iid``."""
    n, draws = len(target.votes), len(theta)
    place = target.names.index("sigma")
    spatial = "rho" in target.names
    proposed = theta.copy()
    if spatial:
        square, cross, length = moments.T
        s2 = (square - cross**2 / length) / 2 / rng.gamma((n - 3) / 2, size=draws)
        a = cross / length + np.sqrt(s2 / length) * rng.standard_normal(draws)
        possible = a > 0
        a = np.where(possible, a, 1.0)
        proposed[:, place] = 0.5 * np.log(a**2 + s2)
        proposed[:, target.names.index("rho")] = np.log(a**2 / s2)
        rho = expit(theta[:, target.names.index("rho")])
        old_a = np.exp(theta[:, place]) * np.sqrt(rho)
        old_s2 = np.exp(2 * theta[:, place]) * (1 - rho)
        # From (log sigma, logit rho) to (a, s^2) the Jacobian is 1 / (a s^2).
        ratio = np.log(old_a * old_s2) - np.log(a * s2)
    else:
        s2 = moments[:, 0] / 2 / rng.gamma(n / 2 - 1, size=draws)
        possible = np.ones(draws, dtype=bool)
        proposed[:, place] = 0.5 * np.log(s2)
        ratio = 2 * theta[:, place] - np.log(s2)
    ratio += _log_prior(target, proposed) - _log_prior(target, theta)
    accepted = possible & (np.log(rng.random(draws)) < ratio)
    return np.where(accepted[:, None], proposed, theta), float(accepted.mean())


def _walk(
    target: Target,
    precision: SparsePrecision,
    theta: np.ndarray,
    moments: np.ndarray,
    rng: np.random.Generator,
):
    """The step of structures with a sparse precision."""
    nodes = precision.nodes
    n, draws = len(target.votes), len(theta)
    place, other = target.names.index("sigma"), target.names.index("rho")
    width = theta[:, other].std() * 0.7
    theta, moved = theta.copy(), 0.0

    def of_rho(logit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """e'Q e at sigma = 1, and log |Q| there, for each draw."""
        form, half = np.empty(draws), np.empty(draws)
        for q, rho in enumerate(expit(logit)):
            form[q] = weights(precision.code, rho, precision.table)[0] @ moments[q]
            half[q] = log_det(precision.code, rho, nodes.value, nodes.weight, precision.constants)[0]
        return form, half

    form, determinant = of_rho(theta[:, other])
    prior = _log_prior(target, theta)
    for _ in range(_STEPS):
        proposed = theta.copy()
        s2 = form / 2 / rng.gamma(n / 2 - 1, size=draws)
        proposed[:, place] = 0.5 * np.log(s2)
        then = _log_prior(target, proposed)
        accepted = np.log(rng.random(draws)) < then - prior + 2 * theta[:, place] - np.log(s2)
        theta, prior = np.where(accepted[:, None], proposed, theta), np.where(accepted, then, prior)
        proposed = theta.copy()
        proposed[:, other] += width * rng.standard_normal(draws)
        form_then, determinant_then = of_rho(proposed[:, other])
        then = _log_prior(target, proposed)
        gain = 0.5 * (determinant_then - determinant)
        gain -= (form_then - form) / 2 * np.exp(-2 * theta[:, place])
        accepted = np.log(rng.random(draws)) < gain + then - prior
        theta, prior = np.where(accepted[:, None], proposed, theta), np.where(accepted, then, prior)
        form, determinant = (
            np.where(accepted, form_then, form),
            np.where(accepted, determinant_then, determinant),
        )
        moved += accepted.mean() / _STEPS
    return theta, moved
