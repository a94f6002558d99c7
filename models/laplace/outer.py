r"""The posterior of the hyperparameters: its mode, and points around it whose weights are even.

Quadrature over the hyperparameters is by importance sampling with quasi-random points, in any dimension up to
eight: a scrambled Sobol sequence mapped through a proposal, each point weighted by exp F(theta) / proposal.
Against a grid of Gauss-Hermite nodes this has continuous draws of sigma and rho with exact weights, and needs
no switch of method between three hyperparameters and eight.

1. BFGS with the analytic gradient finds the mode; differences of gradients give the Hessian there.
2. The first proposal is a product of Student-t densities in the eigenbasis of the Hessian, with its own scale
   on each side of the mode along each axis (Martins et al. 2013 correct a Gaussian for skewness in the same
   way). A Gaussian's tails would be too light: the posterior of log sigma and logit rho falls off
   exponentially.
3. Where its weights are uneven, the points and their weights make a mixture of Student-t kernels, from which
   new points are drawn (adaptive importance sampling).

References
----------
Martins, T. G., Simpson, D., Lindgren, F., Rue, H. (2013). Bayesian computing with INLA: new features.
Computational Statistics and Data Analysis 67.

Veach, E., Guibas, L. J. (1995). Optimally combining sampling techniques for Monte Carlo rendering. SIGGRAPH.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from spatialvote.models.laplace.proposals import (
    Defended,
    Mixture,
    Prior,
    Proposal,
    SplitT,
    Vague,
    sequence,
)
from spatialvote.models.laplace.tail import smooth
from spatialvote.models.laplace.target import Start
from spatialvote.models.laplace.weigh import judge

#: Unconstrained hyperparameters are sought within these limits: rho from 1e-4 to 1 - 1e-4.
_LIMIT = 9.0
#: Distances from the mode, in standard deviations, at which the proposal's scale is measured on each side:
#: the larger scale is taken, because a proposal with too light a tail spoils the weights.
_PROBES = (1.5, 3.0, 5.0)
#: Limits of the measured scale relative to the Hessian's.
_NARROWEST, _WIDEST = 0.4, 4.0
#: The proposal is adapted until this fraction of its points is effective and their k-hat is no larger than
#: this, or counts for nothing, in so many rounds at most.
_EVEN_ENOUGH, _LARGEST_K_HAT, _ROUNDS = 0.85, 0.5, 5
#: A proposal is tried on so many points before more are asked of it.
_TRIAL = 512
#: From so many hyperparameters on, two of them may describe the same variance (sigma and a dispersion or a
#: group's standard deviation), and the posterior may have a second region that no look around its mode finds:
#: the prior then takes the part of the defence.
_MANY = 3

Map = Callable[[Callable, Sequence], list]


class Found(Protocol):
    """The Gaussian approximation at given hyperparameters: what the exploration needs of it."""

    @property
    def theta(self) -> np.ndarray:
        """The hyperparameters, shape (d,)."""
        ...

    @property
    def value(self) -> float:
        """F there."""
        ...

    @property
    def start(self) -> Start:
        """The inner mode, as the place to begin for another nearby."""
        ...


class Explorable(Protocol):
    """An approximate log posterior F of hyperparameters that can be explored."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the hyperparameters."""
        ...

    @property
    def posterior(self) -> Prior:
        """Their prior."""
        ...

    def cold(self) -> Start:
        """Where the inner mode is sought when nothing is known."""
        ...

    def mode(self, theta: np.ndarray, begin: Start) -> Found | None:
        """The approximation at theta; None where there is none."""
        ...

    def slope(self, mode) -> np.ndarray:
        """Gradient of F at a mode."""
        ...


def find_mode(target: Explorable, start: np.ndarray) -> Found:
    """The mode of F, by BFGS.

    Raises
    ------
    ArithmeticError
        Where no Gaussian approximation exists at the start.
    """
    last = target.mode(start, target.cold())
    if last is None:
        raise ArithmeticError("no Gaussian approximation at the starting hyperparameters")
    if not len(start):
        return last
    best = [last]

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        mode = target.mode(theta, best[0].start) if np.abs(theta).max() < _LIMIT else None
        if mode is None:
            # A line search then shortens its step.
            return 1e10, np.zeros_like(theta)
        slope = target.slope(mode)
        if mode.value >= best[0].value:
            best[0] = mode
        return -mode.value, -slope

    # The proposal's weights make up for a mode that is a little off: 0.01 of a nat is close enough.
    minimize(loss, start, jac=True, method="BFGS", options={"gtol": 0.05, "maxiter": 60})
    return best[0]


@dataclass(frozen=True, eq=False)
class Around:
    """What is known around the mode of F.

    Attributes
    ----------
    mode
        The mode.
    curvature
        Minus the Hessian of F there, made positive definite, shape (d, d).
    trend, bend
        First and second derivatives of the inner mode (field, coefficients, modes of eta) along each
        hyperparameter.
    """

    mode: Found
    curvature: np.ndarray
    trend: tuple[Start, ...]
    bend: tuple[Start, ...]

    def start(self, theta: np.ndarray) -> Start:
        """A guess of the inner mode at theta, good to third order along each axis."""
        guess = self.mode.start
        for off, trend, bend in zip(theta - self.mode.theta, self.trend, self.bend, strict=True):
            # Far out a parabola is worse than a line, and a line worse than none.
            off = np.clip(off, -1.0, 1.0)
            guess = Start(
                *(a + off * (b + 0.5 * off * c) for a, b, c in zip(guess, trend, bend, strict=True))
            )
        return guess


def look_around(target: Explorable, mode: Found, map_: Map, step: float = 0.05) -> Around:
    """Difference gradients and modes on both sides of the mode of F along each hyperparameter."""
    d = len(mode.theta)

    def side(which: tuple[int, int]) -> tuple[np.ndarray, Start]:
        theta = mode.theta.copy()
        theta[which[0]] += which[1] * step
        moved = target.mode(theta, mode.start)
        return (target.slope(mode), mode.start) if moved is None else (target.slope(moved), moved.start)

    sides = map_(side, [(q, sign) for q in range(d) for sign in (1, -1)])
    curve, trend, bend = np.zeros((d, d)), [], []
    for q in range(d):
        (slope_up, up), (slope_down, down) = sides[2 * q], sides[2 * q + 1]
        curve[q] = -(slope_up - slope_down) / (2 * step)
        trend.append(Start(*((a - b) / (2 * step) for a, b in zip(up, down, strict=True))))
        bend.append(Start(*((a - 2 * o + b) / step**2 for a, o, b in zip(up, mode.start, down, strict=True))))
    values, vectors = np.linalg.eigh((curve + curve.T) / 2)
    # A flat or saddle direction gets the width of a vague prior.
    curvature = vectors @ np.diag(np.maximum(values, 0.05)) @ vectors.T
    return Around(mode, curvature, tuple(trend), tuple(bend))


def split_t(target: Explorable, around: Around, map_: Map) -> SplitT:
    """The first proposal: probe F on both sides of its mode along each axis of the Hessian."""
    mode = around.mode
    values, vectors = np.linalg.eigh(around.curvature)
    axes = vectors / np.sqrt(values)
    d = len(values)
    sides = [sign * axes[:, q] for sign in (1, -1) for q in range(d)]
    probes = [mode.theta + far * side for far in _PROBES for side in sides]
    looked = map_(lambda theta: look(target, around, theta), probes)
    reached = np.array([value for value, _ in looked]).reshape(len(_PROBES), 2 * d)
    drop = np.maximum(mode.value - reached, 1e-3)
    scale = np.clip((np.array(_PROBES)[:, None] / np.sqrt(2 * drop)).max(axis=0), _NARROWEST, _WIDEST)
    return SplitT(mode.theta, axes, scale[:d], scale[d:])


def look(target: Explorable, around: Around, theta: np.ndarray) -> tuple[float, Start]:
    """F(theta) and the inner mode there; minus infinity and that of the best theta where there is none."""
    mode = target.mode(theta, around.start(theta))
    return (-np.inf, around.mode.start) if mode is None else (mode.value, mode.start)


@dataclass(frozen=True, eq=False)
class Points:
    """Points of the hyperparameters.

    Attributes
    ----------
    theta
        Shape (k, d).
    log_proposal
        Log density of the proposal that they were drawn from, shape (k,).
    log_weight
        F less that, shape (k,).
    starts
        The inner mode at each point, by its position, so that it need not be searched again.
    rounds
        How many proposals were tried.
    """

    theta: np.ndarray
    log_proposal: np.ndarray
    log_weight: np.ndarray
    starts: dict[int, Start]
    rounds: int


def choose_points(
    target: Explorable, around: Around, count: int, rng: np.random.Generator, map_: Map
) -> Points:
    """Points whose weights are even enough, from a proposal that is adapted until they are.

    Every round draws ``count`` points from the latest proposal, twice as many once the first has failed; a
    proposal that fails on its first `_TRIAL` points is not asked for the rest. All points so far, weighted
    against the mixture of the proposals that made them (the balance heuristic; Veach and Guibas 1995), make
    the next one; the points of a round whose weights pass are kept, or those of the last round.
    """
    if not target.names:
        starts = dict.fromkeys(range(count), around.mode.start)
        return Points(np.zeros((count, 0)), np.zeros(count), np.zeros(count), starts, 0)

    def look_at(theta: np.ndarray) -> tuple[float, Start]:
        return look(target, around, theta)

    first = Defended.of(split_t(target, around, map_))
    d = first.near.dimension
    proposals: list[Proposal] = [first]
    defence: SplitT | Vague = first.far
    points, values = np.empty((0, d)), np.empty(0)
    if d >= _MANY:
        defence = Vague.of(target.posterior, rng)
        proposals.insert(0, defence)
        points = defence.drawn[:count]
        values = np.array([one[0] for one in map_(look_at, list(points))])
    drawn = [len(points)] * (d >= _MANY)
    while True:
        proposal, batch, looked = proposals[-1], np.empty((0, d)), []
        uniforms, enough, last = sequence(proposal, rng), False, len(proposals) > _ROUNDS
        # Weights around the mode are even also where another region is missed: a mixture must follow.
        complete = d < _MANY or isinstance(proposal, Mixture)
        while len(batch) < count and (last or enough or not len(batch)):
            more = min(_TRIAL, count) if not len(batch) else count - len(batch)
            fresh = proposal.draw(uniforms.random(more))
            batch, looked = np.vstack([batch, fresh]), looked + map_(look_at, list(fresh))
            log_proposal = proposal.log_density(batch)
            log_weight = np.array([one[0] for one in looked]) - log_proposal
            enough = complete and _even_enough(log_weight)
        if len(batch) == count and (enough or last):
            starts = {q: start for q, (_, start) in enumerate(looked)}
            return Points(batch, log_proposal, log_weight, starts, len(proposals))
        points, values = np.vstack([points, batch]), np.r_[values, [one[0] for one in looked]]
        drawn.append(len(batch))
        densities = np.array([one.log_density(points) for one in proposals])
        made = logsumexp(densities, axis=0, b=np.array(drawn)[:, None])
        weight = np.exp(values - made - logsumexp(values - made))
        if not isinstance(proposal, Mixture):
            # A posterior that is no Gaussian takes more points to be covered.
            count *= 2
        proposals.append(Mixture.around(points, weight, defence))


def _even_enough(log_weight: np.ndarray) -> bool:
    """Whether enough points are effective, and the tail of their weights is light or holds nothing."""
    weight = np.exp(log_weight - log_weight.max())
    if weight.sum() ** 2 < _EVEN_ENOUGH * len(weight) * (weight**2).sum():
        return False
    smoothed, k_hat = smooth(log_weight)
    return k_hat <= _LARGEST_K_HAT or judge(log_weight, smoothed, k_hat)[0]
