r"""The fast engine: weighted joint draws from a collapsed nested Laplace approximation.

Points of the hyperparameters are drawn from a proposal near their posterior (`outer`); at each the Gaussian
approximation of field and coefficients (`inner`) gives a few joint draws, each with its exact weight

    log w = F(theta) - log proposal(theta) + r,

with r what the approximation leaves out (`draws`; where effects have no iid part the draws themselves are
corrected, `sites` and `in_turn`). The weights are Pareto-smoothed (Vehtari et al. 2024):
their shape k-hat tells whether the approximation can be trusted (below 0.7) and their effective number how
much is lost. Draws are then resampled to equal weights, eta is drawn exactly given field and votes, and sigma
and rho take one step that leaves the posterior as it is (`refresh`).

References
----------
Rue, H., Martino, S., Chopin, N. (2009). Approximate Bayesian inference for latent Gaussian models by using
integrated nested Laplace approximations. JRSS B 71.
Vehtari, A., Simpson, D., Gelman, A., Yao, Y., Gabry, J. (2024). Pareto smoothed importance sampling. JMLR 25.
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatialvote.models.chains import Progress
from spatialvote.models.laplace.joint import COMPARED, Joint
from spatialvote.models.laplace.outer import choose_points, find_mode, look_around
from spatialvote.models.laplace.refresh import refresh
from spatialvote.models.laplace.target import Target
from spatialvote.models.laplace.weigh import weigh
from spatialvote.models.posterior import Posterior


@dataclass(frozen=True)
class Drawn:
    """Equally weighted draws, and what is known about their quality.

    Attributes
    ----------
    theta
        Hyperparameters on their unconstrained scales, shape (draws, d).
    coefficients
        Shape (draws, p).
    phi, eta
        Field and linear predictors in the districts' order, shape (draws, n), single precision.
    log_point, log_ratio, point
        Both parts of the log weights before smoothing and resampling: of the points of the hyperparameters,
        shape (points,), and of the draws, shape (draws,); and which point a draw belongs to.
    report
        k_hat, importance_ess and more, plain numbers.
    """

    theta: np.ndarray
    coefficients: np.ndarray
    phi: np.ndarray
    eta: np.ndarray
    log_point: np.ndarray
    log_ratio: np.ndarray
    point: np.ndarray
    report: dict[str, Any]


def points_for(n: int, d: int, draws: int) -> int:
    """How many points of d hyperparameters: as many as there is time for, a power of two.

    Beyond 1,000 draws they grow as the root of these: quasi-random points integrate ever better than as many
    random ones, and a point costs as much as dozens of draws.
    """
    share = (8 if n <= 15_000 or n > 100_000 else 16) * max(draws / 1000, 1.0) ** 0.5
    if d > 2:
        # Weakly determined dispersions have long, curved posteriors.
        share /= 2
    return 2 ** round(np.log2(max(draws / share, 32)))


def laplace(
    posterior: Posterior, draws: int, rng: np.random.Generator, cores: int | None = None,
    progress: Progress | None = None,
) -> Drawn:  # fmt: skip
    """Draw from a posterior.

    Parameters
    ----------
    posterior
        The model for some districts.
    draws
        Joint draws.
    rng
        Source of randomness.
    cores
        Threads; None: as many as the machine has cores.
    progress
        Called with draws done and in total, 0 divergences, and seconds.

    Raises
    ------
    ArithmeticError
        Where no Gaussian approximation exists near the start.
    """
    target, began = Target.of(posterior), time.perf_counter()
    with ThreadPoolExecutor(cores or os.cpu_count()) as pool:

        def map_(function: Callable, items: Sequence) -> list:
            return list(pool.map(function, items))

        mode = find_mode(target, start(target))
        around = look_around(target, mode, map_)
        count = points_for(len(target.votes), len(target.names), draws)
        points = choose_points(target, around, count, rng, map_)
        count = len(points.theta)
        joint = Joint.empty(target, draws, points.log_weight, rng)
        done = 0

        def fill(q: int) -> None:
            nonlocal done
            # Each start is the last use of an array of n, and leaves memory as draws of as many fill it.
            joint.fill(q, points.theta[q], points.log_proposal[q], points.starts.pop(q))
            done += len(joint.slots[q])
            if progress is not None:
                progress(done, draws, 0, time.perf_counter() - began)

        # The first points decide by which means the others are weighed: they come before, always the same.
        map_(fill, range(COMPARED))
        map_(fill, range(COMPARED, count))
    point = np.empty(draws, dtype=np.int64)
    for q, slots in enumerate(joint.slots):
        point[slots] = q
    ancestor, report = weigh(joint.log_point, joint.log_ratio, point, rng)
    joint.keep(ancestor)
    theta, refreshed = refresh(target, joint.theta, joint.moments, rng)
    report |= {
        "points": count,
        "rounds": points.rounds,
        "by_series": joint.series_serves,
        "refreshed": refreshed,
    }
    return Drawn(
        theta, joint.coefficients, joint.phi, joint.eta, joint.log_point, joint.log_ratio, point, report
    )  # fmt: skip


def start(target: Target) -> np.ndarray:
    """Hyperparameters to begin with: sigma from what covariates leave, the rest in the middle of their
    range."""
    middle = {"rho": 0.0, "overdispersion": -5.0, "noise": -2.0}
    spread = np.sqrt(np.clip(target.simple.extra_variance, 1e-4, 4.0))
    return np.array([middle.get(name, np.log(spread)) for name in target.names])
