r"""Draws of the hyperparameters: from their mode, by adaptive multiple importance sampling.

The Laplace marginal of theta is maximised and probed on both sides of its mode along the axes of its
curvature there; the first proposals come from a Student-t that is split accordingly
(`models.laplace.proposals`). Further rounds propose from a mixture around what the weights so far say, a
tenth of it from the prior. theta are scores that the prior makes standard Normal (`terms.Hyper`), so that no
tail is heavier than that of the proposals. All points are weighed against the mixture of all rounds
(Cornuet et al. 2012), each without the kernel that later rounds put around itself
(`Mixture.log_density_without_own`), and the weights smoothed by a generalised Pareto tail, whose shape k
tells whether they can be trusted (Vehtari et al. 2024: below 0.7).

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

from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.laplace.proposals import HELD, Mixture, SplitT, Vague, log_density_of_rounds, propose
from spatialvote.models.laplace.tail import smooth
from spatialvote.models.turnout.posterior import TurnoutPosterior

#: Proposals of each round: so many for each hyperparameter, and at least, as a power of two (Sobol points).
_PER_HYPER, _LEAST = 36, 128
#: Rounds go on, two at least, until the weights can be trusted and enough points are effective: in number and
#: as a part of all.
_MOST_ROUNDS, _TRUSTED_K, _ENOUGH, _PART = 6, 0.5, 200, 0.3
#: Scores beyond which nothing is believed, 1e-10 of the prior.
_LIMIT = 6.5
_DIFFERENCE, _MOST_FALL = 0.1, 2.0  # step of the second differences, of a score; fall that is too much
_FLATTEST = 0.5  # least curvature of the first proposal; the prior's is one
#: Distances from the mode at which the proposal's scale is measured, and its limits, as in `laplace.outer`.
_PROBES, _NARROW, _WIDE = (1.5, 3.0, 5.0), 0.4, 4.0


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


@dataclass(eq=False)
class _Search:
    """The marginal of theta near its mode, how often it was asked for, and where x(theta) is to be sought."""

    posterior: TurnoutPosterior
    near: np.ndarray
    centre: np.ndarray | None = None
    trend: np.ndarray | None = None
    count: int = 0

    def negative(self, theta: np.ndarray) -> float:
        """Minus log p(theta | y); the next search of x begins where this one ended."""
        value, self.near = self.at(theta, self.near)
        return -value

    def at(self, theta: np.ndarray, start: np.ndarray) -> tuple[float, np.ndarray]:
        """log p(theta | y) and x(theta)."""
        self.count += 1
        point = self.posterior.point(theta, start)
        return point.value, point.mode

    def look(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The same, x being sought from its trend around the mode."""
        if self.centre is None or self.trend is None:
            raise TypeError("the mode was not looked for")
        # Far out a line is worse than a constant.
        return self.at(theta, self.near + np.clip(theta - self.centre, -1, 1) @ self.trend)


def explore(posterior: TurnoutPosterior, rng: np.random.Generator) -> Explored:
    """Find the mode, propose, weigh.

    Raises
    ------
    ModelError
        Where no mode is found.
    """
    size = len(posterior.hypers)
    search = _Search(posterior, np.zeros(posterior.size))
    if size == 0:
        _, mode = search.at(np.zeros(0), search.near)
        return Explored(np.zeros((1, 0)), mode[None], np.ones(1), -np.inf, 1)
    found = minimize(
        search.negative, np.zeros(size), method="L-BFGS-B", bounds=[(-_LIMIT, _LIMIT)] * size,
        options={"eps": 1e-4, "ftol": 1e-8, "gtol": 1e-2},
    )  # fmt: skip
    if not np.isfinite(found.fun):
        raise ModelError(Problem("the hyperparameters have no mode", "look for cells without any votes"))
    first = _split_t(search, found.x)
    defence = Vague(posterior.log_prior, rng.standard_normal((HELD, size)))
    count = max(_LEAST, 2 ** round(np.log2(_PER_HYPER * size)))
    mixtures: list[Mixture] = []
    thetas, values, modes, drawn = np.empty((0, size)), np.empty(0), [], []
    while True:
        batch = propose(mixtures[-1] if mixtures else first, count, rng)
        # What lies outside has no density: it is left out, and the weights need no constant.
        batch = batch[(np.abs(batch) < _LIMIT).all(axis=1)]
        looked = [search.look(theta) for theta in batch]
        thetas, values = np.concatenate([thetas, batch]), np.append(values, [one[0] for one in looked])
        modes += [one[1] for one in looked]
        drawn.append(count)
        mixture = log_density_of_rounds(thetas, first, mixtures, drawn)
        smoothed, k = smooth(values - mixture)
        weight = np.exp(smoothed - logsumexp(smoothed))
        explored = Explored(thetas, np.array(modes), weight, float(k), search.count)
        good = k < _TRUSTED_K and explored.effective >= max(_ENOUGH, _PART * len(weight))
        if mixtures and (good or len(mixtures) + 1 == _MOST_ROUNDS):
            return explored
        mixtures.append(Mixture.around(thetas, weight, defence))


def _split_t(search: _Search, mode: np.ndarray) -> SplitT:
    """The first proposal; also finds the trend of x(theta) around the mode of theta."""
    top, search.near = search.at(mode, search.near)
    curvature, search.trend = _differences(search, mode, top)
    search.centre = mode
    values, vectors = np.linalg.eigh(curvature)
    axes = vectors / np.sqrt(np.maximum(values, _FLATTEST))
    sides = np.concatenate([axes.T, -axes.T])
    reached = np.array(
        [[search.look(np.clip(mode + far * side, -_LIMIT, _LIMIT))[0] for side in sides] for far in _PROBES]
    )
    drop = np.maximum(top - reached, 1e-3)
    scale = np.clip((np.array(_PROBES)[:, None] / np.sqrt(2 * drop)).max(axis=0), _NARROW, _WIDE)
    return SplitT(mode, axes, scale[: mode.size], scale[mode.size :])


def _differences(search: _Search, mode: np.ndarray, top: float) -> tuple[np.ndarray, np.ndarray]:
    """Minus the Hessian of the log marginal at its mode, and the trend of x(theta), shape (d, values)."""
    size = mode.size
    sides, steps = [], np.empty(size)
    for i, axis in enumerate(np.eye(size)):
        h = _DIFFERENCE
        while True:
            ahead, behind = (search.at(mode + sign * h * axis, search.near) for sign in (1, -1))
            fall = top - (ahead[0] + behind[0]) / 2
            # Beyond two standard deviations a difference tells nothing of the curvature at the mode.
            if fall < _MOST_FALL or h < _DIFFERENCE / 1000:
                break
            h *= max(0.1, np.sqrt(0.5 / fall))
        sides.append((ahead, behind))
        steps[i] = h
    trend = np.array([(a[1] - b[1]) / (2 * h) for (a, b), h in zip(sides, steps, strict=True)])
    hessian = np.diag([(2 * top - a[0] - b[0]) / h**2 for (a, b), h in zip(sides, steps, strict=True)])
    for i in range(size):
        for j in range(i):
            moved = np.zeros(size)
            moved[[i, j]] = steps[[i, j]]
            both, _ = search.at(mode + moved, search.near + moved @ trend)
            alone = sides[i][0][0] + sides[j][0][0]
            hessian[i, j] = hessian[j, i] = (alone - top - both) / (steps[i] * steps[j])
    return hessian, trend
