r"""Draws of the hyperparameters: from their mode, by adaptive multiple importance sampling.

The Laplace marginal of theta is maximised, its curvature there measured, and theta proposed from a
multivariate t with that shape; further sets are proposed from what the weights so far say of mean and
spread. All proposals are weighed against the mixture of all rounds (Cornuet et al. 2012), and the weights
smoothed by a generalised Pareto tail, whose shape k tells whether they can be trusted (Vehtari et al. 2024:
below 0.7).

References
----------
Cornuet, J.-M., Marin, J.-M., Mira, A., Robert, C. P. (2012). Adaptive multiple importance sampling.
Scandinavian Journal of Statistics 39. Vehtari, A., Simpson, D., Gelman, A., Yao, Y., Gabry, J. (2024).
Pareto smoothed importance sampling. JMLR 25.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp
from scipy.stats import multivariate_t

from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.laplace.weigh import smooth
from spatialvote.models.turnout.posterior import TurnoutPosterior

_FREEDOM = 5
#: Proposals of each round for each hyperparameter, and at least.
_PER_HYPER, _LEAST = 40, 150
#: Rounds go on, two at least, until the weights can be trusted.
_MOST_ROUNDS, TRUSTED_K = 4, 0.7
#: Logarithms of standard deviations (logits of rho) beyond which nothing is believed: 0.0003 and 55 logits.
LOWEST, HIGHEST = -8.0, 4.0
_DIFFERENCE = 0.1  # step of the second differences, of theta
_WIDEST = 1.5  # largest standard deviation of a proposal, of theta


@dataclass(frozen=True, eq=False)
class Explored:
    """Weighted points.

    Attributes
    ----------
    theta
        Shape (points, hyperparameters).
    modes
        x(theta) of each, shape (points, values).
    weight
        Smoothed weights, summing to one, shape (points,).
    k
        Shape of their Pareto tail.
    evaluations
        How often the integral was taken, search included.
    """

    theta: np.ndarray
    modes: np.ndarray
    weight: np.ndarray
    k: float
    evaluations: int

    @property
    def effective(self) -> float:
        """Effective number of points, 1 / sum of squared weights."""
        return float(1 / (self.weight**2).sum())


def explore(posterior: TurnoutPosterior, rng: np.random.Generator) -> Explored:
    """Find the mode, propose, weigh.

    Raises
    ------
    ModelError
        Where no mode is found.
    """
    count = 0
    near: np.ndarray | None = None

    def negative(theta: np.ndarray) -> float:
        nonlocal count, near
        point = posterior.point(theta, near)
        count, near = count + 1, point.mode
        return -point.value

    size = len(posterior.hypers)
    if size == 0:
        point = posterior.point(np.zeros(0))
        return Explored(np.zeros((1, 0)), point.mode[None], np.ones(1), -np.inf, 1)
    found = minimize(
        negative, posterior.start(), method="L-BFGS-B", bounds=[(LOWEST + 0.5, HIGHEST - 0.5)] * size,
        options={"eps": 1e-4, "ftol": 1e-8, "gtol": 1e-2},
    )  # fmt: skip
    if not np.isfinite(found.fun):
        raise ModelError(Problem("the hyperparameters have no mode", "look for cells without any votes"))
    at_mode = posterior.point(found.x, near).mode
    mean, spread = found.x, _curvature(negative, found.x, found.fun)
    rounds: list[tuple[np.ndarray, np.ndarray]] = []
    thetas = np.empty((0, size))
    targets: list[float] = []
    modes: list[np.ndarray] = []
    number = max(_LEAST, _PER_HYPER * size)
    for turn in range(_MOST_ROUNDS):
        rounds.append((mean, spread))
        proposed = multivariate_t(mean, spread, df=_FREEDOM).rvs(number, random_state=rng)
        proposed = np.asarray(proposed).reshape(number, size)
        inside = ((proposed > LOWEST) & (proposed < HIGHEST)).all(axis=1)
        for theta in proposed[inside]:
            point = posterior.point(theta, at_mode)
            targets.append(point.value)
            modes.append(point.mode)
        # What lies outside has no density: it is left out, and the weights need no constant.
        proposed = proposed[inside]
        count += len(proposed)
        thetas = np.concatenate([thetas, proposed])
        mixture = logsumexp(
            [multivariate_t(m, s, df=_FREEDOM).logpdf(thetas).reshape(-1) for m, s in rounds], axis=0
        )
        log_weight = np.array(targets) - mixture
        smoothed, k = smooth(log_weight)
        weight = np.exp(smoothed - logsumexp(smoothed))
        if turn and k < TRUSTED_K:
            break
        mean = weight @ thetas
        off = thetas - mean
        # A little wider than the weights say: what a proposal misses, no weight can restore.
        spread = 1.2 * (off.T * weight) @ off + 1e-4 * np.eye(size)
    return Explored(thetas, np.array(modes), weight, float(k), count)


def _curvature(negative, mode: np.ndarray, at_mode: float) -> np.ndarray:
    """Inverse of the second differences at the mode, kept positive and no wider than `_WIDEST`."""
    size, h = mode.size, _DIFFERENCE
    steps = h * np.eye(size)
    ahead = np.array([negative(mode + step) for step in steps])
    behind = np.array([negative(mode - step) for step in steps])
    hessian = np.diag((ahead + behind - 2 * at_mode) / h**2)
    for i in range(size):
        for j in range(i):
            both = negative(mode + steps[i] + steps[j])
            hessian[i, j] = hessian[j, i] = (both - ahead[i] - ahead[j] + at_mode) / h**2
    values, vectors = np.linalg.eigh(hessian)
    return (vectors / np.maximum(values, 1 / _WIDEST**2)) @ vectors.T
