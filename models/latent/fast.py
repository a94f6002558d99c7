r"""The fast engine: weighted joint draws of (theta, z, b, eta), as `models.laplace.engine` makes them.

Points of the hyperparameters come from the same exploration; at each the Gaussian approximation gives a few
draws of (z, b), each with its exact weight, and eta_i is drawn exactly given m_i and the votes. At last theta
takes some Metropolis-Hastings steps given z and e, which leave the exact posterior as it is and give every
draw values of its own: given these, the density of theta needs only the sums z'T_m z and e'e,

    log p(theta | z, e) = sum_k log |Q_k| / 2 - sum_m w_m z'T_m z / 2 + (n log t - t e'e) / 2 + log prior.
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spatialvote.models.chains import Progress
from spatialvote.models.families import FAMILIES
from spatialvote.models.laplace.draws import log_ratio
from spatialvote.models.laplace.engine import points_for
from spatialvote.models.laplace.eta import draw_all
from spatialvote.models.laplace.outer import Points, choose_points, find_mode, look_around
from spatialvote.models.laplace.target import Start
from spatialvote.models.laplace.weigh import allot, weigh
from spatialvote.models.latent.posterior import LatentPosterior
from spatialvote.models.latent.system import draw_system, forms, multiply_rows
from spatialvote.models.latent.target import LatentMode, LatentTarget

#: How points are chosen: of target, surroundings of the mode, how many, randomness and a map.
Choose = Callable[..., Points]
#: Metropolis-Hastings steps of each draw's hyperparameters.
_STEPS = 5
#: Log weight, below the largest, of draws and points that do not count.
_NEGLIGIBLE = 12.0


@dataclass(eq=False)
class Drawn:
    """Equally weighted draws of everything.

    Attributes
    ----------
    theta, b, z, eta
        Shapes (draws, h), (draws, p), (draws, N) in the terms' own order, (draws, rows).
    report
        k_hat and more, plain numbers; empty for the exact engine.
    log_point, log_ratio, point
        Parts of the log weights before smoothing and resampling, as in `spatialvote.models.laplace.engine`.
    """

    theta: np.ndarray
    b: np.ndarray
    z: np.ndarray
    eta: np.ndarray
    report: dict[str, Any] = field(default_factory=dict)
    log_point: np.ndarray = field(default_factory=lambda: np.zeros(0))
    log_ratio: np.ndarray = field(default_factory=lambda: np.zeros(0))
    point: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def draw_fast(
    posterior: LatentPosterior, draws: int, rng: np.random.Generator, cores: int | None = None,
    progress: Progress | None = None, choose: Choose = choose_points,
) -> Drawn:  # fmt: skip
    """Draw from a posterior.

    Parameters
    ----------
    posterior
        The model for some rows.
    draws
        Joint draws, 100 or more.
    rng
        Source of randomness.
    cores
        Threads; None: as many as the machine has cores.
    progress
        Called with draws done and in total, 0 divergences, and seconds.
    choose
        Chooses the points, in place of `spatialvote.models.laplace.outer.choose_points`.

    Raises
    ------
    ArithmeticError
        Where no Gaussian approximation exists near the start.
    """
    target, began = LatentTarget(posterior), time.perf_counter()
    rows, size = len(posterior.votes), posterior.layout.pattern[4].size
    with ThreadPoolExecutor(cores or os.cpu_count()) as pool:

        def map_(function: Callable, items: Sequence) -> list:
            return list(pool.map(function, items))

        mode = find_mode(target, target.begin())
        around = look_around(target, mode, map_)
        points = choose(target, around, points_for(rows, len(target.names), draws), rng, map_)
        count = len(points.theta)
        drawn = Drawn(
            np.empty((draws, len(target.names))),
            np.zeros((draws, len(posterior.prior_mean))),
            np.zeros((draws, size), dtype=np.float32),
            np.zeros((draws, rows), dtype=np.float32),
            log_point=np.full(count, -np.inf),
            log_ratio=np.zeros(draws),
            point=np.empty(draws, dtype=np.int64),
        )
        sums = np.ones((draws, posterior.layout.base_start.size))
        slots, sources = allot(points.log_weight, draws, rng), rng.spawn(count)
        done = 0

        def fill(q: int) -> None:
            nonlocal done
            drawn.theta[slots[q]], drawn.point[slots[q]] = points.theta[q], q
            fill_point(target, points.theta[q], points.starts[q], q, slots[q], sources[q], drawn, sums)
            drawn.log_point[q] -= points.log_proposal[q]
            done += len(slots[q])
            if progress is not None:
                progress(done, draws, 0, time.perf_counter() - began)

        map_(fill, range(count))
    _pass_over(drawn)
    ancestor, report = weigh(drawn.log_point, drawn.log_ratio, drawn.point, rng)
    for array in (drawn.theta, drawn.b, drawn.z, drawn.eta, sums):
        array[:] = array[ancestor]
    moved = refresh(posterior, drawn.theta, sums, rng)
    drawn.report = report | {"points": count, "rounds": points.rounds, "refreshed": moved}
    return drawn


def _pass_over(drawn: Drawn) -> None:
    """Give draws that no weight can bring back the ratio of an exact one.

    Some points come from the prior, as a defence, where the approximation is bad and does not matter; the
    shape of the ratios' tail would be theirs. A draw is passed over where its point and the draw itself both
    weigh less than e^-12 of the largest.
    """
    of_point = drawn.log_point[drawn.point]
    whole = of_point + drawn.log_ratio
    idle = (of_point < of_point.max() - _NEGLIGIBLE) & (whole < whole.max() - _NEGLIGIBLE)
    drawn.log_ratio[idle] = 0.0


def fill_point(
    target: LatentTarget, theta: np.ndarray, begin: Start, point: int, slots: np.ndarray,
    rng: np.random.Generator, drawn: Drawn, sums: np.ndarray,
) -> None:  # fmt: skip
    """Draw at one point of the hyperparameters and weigh; without an approximation it keeps weight zero."""
    mode = target.mode(theta, begin)
    if mode is None:
        return
    posterior = target.posterior
    layout = posterior.layout
    z = rng.standard_normal((len(mode.z), len(slots)))
    b = rng.standard_normal((len(mode.b), len(slots)))
    moved, drawn.log_ratio[slots] = from_noise(posterior, mode, z, b)
    drawn.log_point[point] = mode.value
    eta = draw_eta(posterior, mode, moved, rng)
    drawn.b[slots], drawn.eta[slots] = b.T, eta.T
    for q, slot in enumerate(slots):
        drawn.z[slot, layout.pattern[0]] = z[:, q]
        column = np.ascontiguousarray(z[:, q])
        sums[slot] = np.r_[forms(layout, column, column), ((eta[:, q] - moved[:, q]) ** 2).sum()]


def from_noise(
    posterior: LatentPosterior, mode: LatentMode, z: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draws of terms and coefficients at a mode, in place of white noise (N, k) and (p, k).

    Returns
    -------
    moved, log_ratio
        Predictors without e, shape (rows, k), and the exact log ratio of each draw's density to that of the
        Gaussian approximation, shape (k,).
    """
    layout = posterior.layout
    draw_system(layout, mode.system, z, b)
    z += mode.z[:, None]
    b += mode.b[:, None]
    moved = posterior.design @ b + np.column_stack([multiply_rows(layout, one) for one in z.T])
    return moved, log_ratio(
        FAMILIES[posterior.family].CODE, posterior.dispersion(mode.theta), float(np.exp(mode.scales.log_t)),
        moved, mode.m, mode.out, posterior.votes, posterior.size,
    )  # fmt: skip


def draw_eta(
    posterior: LatentPosterior, mode: LatentMode, moved: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Exact draws of eta given the predictors without e, shape (rows, k)."""
    eta = np.empty_like(moved)
    draw_all(
        FAMILIES[posterior.family].CODE, float(np.exp(mode.scales.log_t)), moved, mode.m, mode.out,
        posterior.votes, posterior.size, posterior.dispersion(mode.theta), rng, eta,
    )  # fmt: skip
    return eta


def refresh(
    posterior: LatentPosterior, theta: np.ndarray, sums: np.ndarray, rng: np.random.Generator
) -> float:
    """Move theta (draws, h) in place given z'T_m z and e'e, shape (draws, m + 1); the fraction that moved.

    Proposals are random walks whose directions and widths are those of the draws, ever shorter, because z and
    e leave theta less freedom than the votes do.
    """
    draws, count = theta.shape
    if count == 0:
        return 0.0
    rows, moved = len(posterior.votes), 0.0
    root = np.linalg.cholesky(np.atleast_2d(np.cov(theta.T)) + 1e-12 * np.eye(count))

    def density(at: np.ndarray) -> np.ndarray:
        values = posterior.constrain(at)
        weights = np.array(
            [np.broadcast_to(one, draws) for term in posterior.terms for one in term.weights(values)]
        )
        log_det = sum((term.log_det(values) for term in posterior.terms), np.zeros(draws))
        variance = posterior.variance(values)
        prior = np.array([posterior.log_prior(one)[0] for one in at])
        form = (weights.T * sums[:, :-1]).sum(axis=1) + sums[:, -1] / variance
        return prior + 0.5 * (log_det - rows * np.log(variance) - form)

    now = density(theta)
    for step in range(_STEPS):
        width = 0.5**step * 1.7 / np.sqrt(count)
        proposed = theta + width * rng.standard_normal(theta.shape) @ root.T
        then = density(proposed)
        accepted = np.log(rng.random(draws)) < then - now
        theta[accepted] = proposed[accepted]
        now = np.where(accepted, then, now)
        moved += accepted.mean() / _STEPS
    return float(moved)
