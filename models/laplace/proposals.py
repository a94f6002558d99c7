r"""Proposals for the hyperparameters: densities that can be drawn from quasi-randomly.

Each has ``draw``, from uniforms to points, and ``log_density``. `SplitT` is the first, around the mode;
`Defended` is the same with a part of its points from a wider one; `Vague` is the prior; `Mixture` is made of
weighted points and keeps a part of one of the others as defence.

References
----------
Hesterberg, T. (1995). Weighted average importance sampling and defensive mixture distributions.
Technometrics 37.

West, M. (1993). Approximating posterior distributions by mixtures. JRSS B 55.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.special import gammaincinv, gammaln, logsumexp, ndtri, stdtrit
from scipy.stats import qmc

#: Fraction of a mixture's points that come from its defence.
_DEFENCE = 0.1
#: Degrees of freedom of the first proposal and of the mixture's kernels.
_FREEDOM_SPLIT, _FREEDOM = 12.0, 6.0
#: Of the first proposal's points so many come from one so many times as wide, with tails so much heavier.
_WIDE_PART, _WIDER, _FREEDOM_WIDE = 1 / 16, 3.0, 4.0
#: Draws of the prior that are held.
HELD = 4096


class Prior(Protocol):
    """What a proposal needs of a posterior: the prior of its hyperparameters."""

    def log_prior(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Log prior density of theta (d,), Jacobians included, and its gradient."""
        ...

    def draw_prior(self, rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
        """Draws of the hyperparameters by name, each (size,)."""
        ...

    def unconstrain(self, values: dict[str, np.ndarray], size: int) -> np.ndarray:
        """From values by name to theta, shape (size, d)."""
        ...


@dataclass(frozen=True, eq=False)
class SplitT:
    """theta = centre + axes @ (z_q scale_q(sign of z_q)), z independent Student-t.

    Attributes
    ----------
    centre
        Shape (d,).
    axes
        Eigenvectors times standard deviations, shape (d, d).
    above, below
        Scale of each axis on either side, shape (d,).
    freedom
        Degrees of freedom of t.
    """

    centre: np.ndarray
    axes: np.ndarray
    above: np.ndarray
    below: np.ndarray
    freedom: float = _FREEDOM_SPLIT

    @property
    def dimension(self) -> int:
        """Uniforms of a point."""
        return len(self.centre)

    def wider(self) -> "SplitT":
        """The same, wider and with heavier tails."""
        return replace(self, above=_WIDER * self.above, below=_WIDER * self.below, freedom=_FREEDOM_WIDE)

    def draw(self, uniform: np.ndarray) -> np.ndarray:
        """Points for uniforms (k, d), shape (k, d)."""
        # A split density is to the right of its mode with probability above / (above + below).
        left = self.below / (self.above + self.below)
        lower = uniform < left
        part = np.where(lower, uniform / (2 * left), 0.5 + (uniform - left) / (2 * (1 - left)))
        z = stdtrit(self.freedom, np.clip(part, 1e-12, 1 - 1e-12)) * np.where(lower, self.below, self.above)
        return self.centre + z @ self.axes.T

    def log_density(self, theta: np.ndarray) -> np.ndarray:
        """Log density at points (k, d), shape (k,)."""
        z = np.linalg.solve(self.axes, (theta - self.centre).T).T
        scaled = z / np.where(z < 0, self.below, self.above)
        nu = self.freedom
        norm = (
            gammaln((nu + 1) / 2)
            - gammaln(nu / 2)
            - 0.5 * np.log(nu * np.pi)
            - np.log((self.above + self.below) / 2)
        )
        return (norm - 0.5 * (nu + 1) * np.log1p(scaled**2 / nu)).sum(axis=1) - np.linalg.slogdet(self.axes)[
            1
        ]


@dataclass(frozen=True, eq=False)
class Defended:
    """A proposal, and the fraction `_WIDE_PART` of its points from the same one made wider.

    Where the proposal is too narrow its weights are not bounded by what a few of its points show. Against the
    two together no weight is larger than 1 / `_WIDE_PART` times that against the wider one alone (Hesterberg
    1995), and mass in the proposal's own tails is met by more than the rare points that it sends there.
    """

    near: SplitT
    far: SplitT

    @classmethod
    def of(cls, near: SplitT) -> "Defended":
        """A proposal and its wider form."""
        return cls(near, near.wider())

    @property
    def dimension(self) -> int:
        """Uniforms of a point: which of both, and those of either."""
        return self.near.dimension + 1

    def draw(self, uniform: np.ndarray) -> np.ndarray:
        """Points for uniforms (k, d + 1), shape (k, d)."""
        far = uniform[:, :1] < _WIDE_PART
        return np.where(far, self.far.draw(uniform[:, 1:]), self.near.draw(uniform[:, 1:]))

    def log_density(self, theta: np.ndarray) -> np.ndarray:
        """Log density at points (k, d), shape (k,)."""
        near, far = self.near.log_density(theta), self.far.log_density(theta)
        return np.logaddexp(near + np.log1p(-_WIDE_PART), far + np.log(_WIDE_PART))


@dataclass(frozen=True, eq=False)
class Vague:
    """The prior as a proposal: its log density at a point, and draws from it, shape (held, d)."""

    log_prior: Callable[[np.ndarray], float]
    drawn: np.ndarray
    dimension = 1

    @classmethod
    def of(cls, posterior: Prior, rng: np.random.Generator) -> "Vague":
        """The prior of a posterior's hyperparameters."""
        drawn = posterior.unconstrain(posterior.draw_prior(rng, HELD), HELD)
        return cls(lambda theta: posterior.log_prior(theta)[0], drawn)

    def draw(self, uniform: np.ndarray) -> np.ndarray:
        """Points for uniforms (k, d), of which the first column is used, shape (k, d)."""
        return self.drawn[(uniform[:, 0] * len(self.drawn)).astype(int)]

    def log_density(self, theta: np.ndarray) -> np.ndarray:
        """Log density at points (k, d), shape (k,)."""
        return np.array([self.log_prior(point) for point in theta])


@dataclass(frozen=True, eq=False)
class Mixture:
    """Student-t kernels around weighted points, and a part of a proposal whose tails are wider.

    Attributes
    ----------
    centres
        Shape (k, d).
    weights
        Sum to one, shape (k,).
    root
        Lower factor of the kernels' scale matrix, shape (d, d).
    defence
        The first proposal or the prior, from which the fraction `_DEFENCE` of the points is drawn: no region
        that it reaches gets unbounded weights (Hesterberg 1995).
    """

    centres: np.ndarray
    weights: np.ndarray
    root: np.ndarray
    defence: SplitT | Vague

    @property
    def dimension(self) -> int:
        """Uniforms of a point."""
        return self.centres.shape[1] + 2

    @classmethod
    def around(cls, points: np.ndarray, weights: np.ndarray, defence: SplitT | Vague) -> "Mixture":
        """Kernels of Silverman's width; centres shrunk towards the mean, so that the variance stays."""
        d = points.shape[1]
        mean = weights @ points
        covariance = (points - mean).T @ ((points - mean) * weights[:, None])
        effective = 1 / (weights**2).sum()
        width = min(0.9, (4 / ((d + 2) * effective)) ** (1 / (d + 4)))
        root = np.linalg.cholesky(covariance + 1e-9 * np.eye(d)) * width
        return cls(mean + np.sqrt(1 - width**2) * (points - mean), weights, root, defence)

    def draw(self, uniform: np.ndarray) -> np.ndarray:
        """Points for uniforms (k, d + 2): which kernel, its deviation, its spread; shape (k, d)."""
        d = self.centres.shape[1]
        defended = uniform[:, 0] < _DEFENCE
        part = np.clip((uniform[:, 0] - _DEFENCE) / (1 - _DEFENCE), 0.0, 1.0)
        at = np.minimum(np.searchsorted(np.cumsum(self.weights), part), len(self.weights) - 1)
        z = ndtri(np.clip(uniform[:, 1 : d + 1], 1e-12, 1 - 1e-12))
        chi = 2 * gammaincinv(_FREEDOM / 2, np.clip(uniform[:, d + 1], 1e-12, 1 - 1e-12))
        points = self.centres[at] + (z * np.sqrt(_FREEDOM / chi)[:, None]) @ self.root.T
        return np.where(defended[:, None], self.defence.draw(uniform[:, 1 : d + 1]), points)

    def log_density(self, theta: np.ndarray) -> np.ndarray:
        """Log density at points (k, d), shape (k,)."""
        return self._defended(logsumexp(self._kernels(theta), axis=1), theta)

    def log_density_without_own(self, theta: np.ndarray) -> np.ndarray:
        """The same, each point's own kernel left out; the first points (k, d) are those of the centres.

        A point that is weighed against a mixture of which it is itself a centre is weighed the less the more
        it has drawn proposals to itself: points in the tails, of which there are few and whose weights are
        large, lose most, and with them the tails of what is estimated. Without its own kernel the mixture is
        about the one that would have been made had the point not been there.
        """
        kernel, own = self._kernels(theta), np.arange(len(self.centres))
        kernel[own, own] = -np.inf
        near = logsumexp(kernel, axis=1)
        # A mixture of one kernel alone leaves its centre to the defence.
        near[own] -= np.log1p(-np.minimum(self.weights, 1 - 1e-9))
        return self._defended(near, theta)

    def _kernels(self, theta: np.ndarray) -> np.ndarray:
        """Log density of each weighted kernel at points (k, d), shape (k, centres)."""
        d = theta.shape[1]
        off = np.linalg.solve(self.root, (theta[:, None, :] - self.centres).reshape(-1, d).T)
        square = (off**2).sum(axis=0).reshape(len(theta), -1)
        norm = gammaln((_FREEDOM + d) / 2) - gammaln(_FREEDOM / 2) - 0.5 * d * np.log(_FREEDOM * np.pi)
        norm -= np.log(np.diag(self.root)).sum()
        kernel = norm - 0.5 * (_FREEDOM + d) * np.log1p(square / _FREEDOM)
        # Weights within the exponent: a point nearest to a centre of weight 1e-310 would overflow beside it.
        with np.errstate(divide="ignore"):
            return kernel + np.log(self.weights)

    def _defended(self, near: np.ndarray, theta: np.ndarray) -> np.ndarray:
        return np.logaddexp(near + np.log1p(-_DEFENCE), self.defence.log_density(theta) + np.log(_DEFENCE))


Proposal = SplitT | Defended | Vague | Mixture


def propose(proposal: Proposal, count: int, rng: np.random.Generator) -> np.ndarray:
    """Quasi-random points from a proposal, shape (count, d)."""
    return proposal.draw(sequence(proposal, rng).random(count))


def sequence(proposal: Proposal, rng: np.random.Generator) -> qmc.Sobol:
    """The scrambled Sobol sequence whose uniforms a proposal turns into points."""
    return qmc.Sobol(proposal.dimension, rng=rng)


def log_density_of_rounds(
    points: np.ndarray, first: SplitT, mixtures: Sequence[Mixture], counts: Sequence[int] | None = None
) -> np.ndarray:
    """Log of the summed densities of the proposals that made points of all rounds (the balance heuristic).

    Parameters
    ----------
    points
        Of all rounds, in the order in which they were made, shape (k, d).
    first, mixtures
        The first round's proposal, and those of the others: each made of all points before it, whose own
        kernels are left out (`Mixture.log_density_without_own`).
    counts
        How many points were asked of each proposal; None where it is as many of each.
    """
    densities = [first.log_density(points), *(one.log_density_without_own(points) for one in mixtures)]
    return logsumexp(densities, axis=0, b=None if counts is None else np.array(counts)[:, None])
