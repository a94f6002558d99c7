r"""The exact engine: NUTS on (theta, eta), with the terms z and the coefficients b integrated out.

Given eta all else is Gaussian: with r = eta, H = t I and the system of `spatialvote.models.latent.system`,

    log p(eta | theta) = [n log t + sum_k log |Q_k| - log |H|] / 2
                         - [t |eta - m^|^2 + z^'Q z^ + (b^ - b0)'B (b^ - b0)] / 2,     m^ = A z^ + X b^,

z^ and b^ the posterior means given eta. Its derivatives are

    in eta:    -t (eta - m^)
    in w_m:    -z^'T_m z^ / 2 - tr(T_m Cov(z)) / 2     (and that of log |Q_k| / 2)
    in log t:  [n - t |eta - m^|^2 - t sum Var(m_i)] / 2,

traces and variances from the selected inverse: one factor an evaluation. z and b are drawn afterwards.

Sampled are coordinates in which the posterior is nearly spherical, made from the Gaussian approximation at
the mode of theta: theta = mode + L omega, with L L' its covariance there; and eta partially centred,

    eta_i = c_i + (1 - u_i) (w_i - c_i) + s sqrt(u_i) x_i,     u_i = 1 / (1 + f_i s^2),

c_i the approximation's mean of m_i, f_i the Fisher information of eta_i, w_i the working response. Where
votes say much this is eta up to shift and scale; where they say little it is the non-centred form. Both maps
are exact whatever c, w, f and L are: these decide how fast the sampler moves.
"""

from dataclasses import dataclass, replace

import numpy as np
from nutpie.compiled_pyfunc import PyFuncModel, from_pyfunc

from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.chains import Progress
from spatialvote.models.compiled import compiled
from spatialvote.models.density import add_likelihood
from spatialvote.models.draw_store import DrawStore
from spatialvote.models.families import FAMILIES
from spatialvote.models.laplace.outer import find_mode, look_around
from spatialvote.models.latent.fast import Drawn
from spatialvote.models.latent.posterior import LatentPosterior
from spatialvote.models.latent.system import (
    System,
    combine_bases,
    covariances,
    draw_system,
    forms,
    log_det_system,
    make_system,
    multiply_columns,
    multiply_rows,
    solve_system,
    traces,
)
from spatialvote.models.latent.target import LatentTarget
from spatialvote.models.nuts import NutsSettings, Start, draw_chains, stored_chains
from spatialvote.models.sparse_kernel import multiply
from spatialvote.models.stored_draws import Draws

#: Chains start from theta with this many times the standard deviations of its approximation.
_OVERDISPERSED = 2.0


@compiled()
def given_eta(eta, t, precision, design, b_mean, b_precision, layout):
    """Means of z and b given eta, and the system that has their covariance."""
    system = make_system(precision, np.full(eta.size, t), design, b_precision, layout)
    off = t * (eta - design @ b_mean)
    z, b = solve_system(layout, system, multiply_columns(layout, off), design.T @ off)
    return z, b_mean + b, system


@compiled()
def field_density(eta, t, precision, design, b_mean, b_precision, layout):
    """Log density of eta without sum log |Q_k| / 2, and its derivatives.

    Returns
    -------
    value, by_eta, by_weight, by_log_t
        NaN where the system is not positive definite.
    """
    z, b, system = given_eta(eta, t, precision, design, b_mean, b_precision, layout)
    if np.isnan(system.factor[0]):
        return np.nan, eta, eta, np.nan
    rows, below = eta.size, layout.pattern[2].size
    left = eta - multiply_rows(layout, z) - design @ b
    prior_z = multiply(
        layout.pattern[1], layout.pattern[2], precision[:below].copy(), precision[below:].copy(), z
    )
    off = b - b_mean
    square = t * np.dot(left, left)
    value = 0.5 * (rows * np.log(t) - log_det_system(layout, system) - square - np.dot(z, prior_z))
    value -= 0.5 * np.sum(b_precision * off * off)
    covariance, spread = covariances(layout, system, design)
    by_weight = -0.5 * forms(layout, z, z) - 0.5 * traces(layout, covariance)
    return value, -t * left, by_weight, 0.5 * (rows - square - t * np.sum(spread))


def log_density(
    posterior: LatentPosterior, theta: np.ndarray, eta: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray, float]:
    """Log posterior of (theta, eta) up to a constant; its gradients (h,) and (rows,); and log t.

    Minus infinity where it cannot be computed.
    """
    scales, family = posterior.scales(theta), FAMILIES[posterior.family]
    value, by_eta, by_weight, by_log_t = field_density(
        eta, np.exp(scales.log_t), combine_bases(scales.weights, posterior.layout), posterior.design,
        posterior.prior_mean, posterior.prior_sd**-2.0, posterior.layout,
    )  # fmt: skip
    if not np.isfinite(value):
        return -np.inf, np.zeros(len(theta)), np.zeros(len(eta)), scales.log_t
    prior, gradient = posterior.log_prior(theta)
    likelihood, by_dispersion = add_likelihood(
        family.CODE, eta, posterior.votes, posterior.size, posterior.dispersion(theta), by_eta
    )
    gradient = gradient + scales.weights_slope @ by_weight
    gradient += 0.5 * scales.log_det_slope + by_log_t * scales.log_t_slope
    for name in family.HYPER:
        q = posterior.hyperparameters.index(name)
        own = posterior.dispersion(theta)
        gradient[q] += by_dispersion * (own if posterior.hypers[q].positive else own * (1 - own))
    return value + 0.5 * scales.log_det + prior + likelihood, gradient, by_eta, scales.log_t


@dataclass(frozen=True, eq=False)
class Coordinates:
    """The map from (omega, x) to (theta, eta); see the module.

    Attributes
    ----------
    centre, root
        Mode of theta (h,) and L (h, h).
    level, toward, information
        c, w - c and f, shape (rows,).
    """

    centre: np.ndarray
    root: np.ndarray
    level: np.ndarray
    toward: np.ndarray
    information: np.ndarray

    @classmethod
    def of(cls, posterior: LatentPosterior) -> "Coordinates":
        """Coordinates from the Gaussian approximation at the mode of theta.

        Raises
        ------
        ArithmeticError
            Where no Gaussian approximation exists near the start.
        """
        target = LatentTarget(posterior)
        mode = find_mode(target, target.begin())
        around = look_around(target, mode, lambda function, items: list(map(function, items)))
        found = target.mode(mode.theta, mode.start)
        if found is None:
            raise ArithmeticError("the Gaussian approximation at the mode of the hyperparameters was lost")
        t = np.exp(found.scales.log_t)
        # h = f t / (f + t) where the likelihood is Gaussian.
        share = np.clip(found.out[2] / t, 0.0, 1 - 1e-9)
        told = np.maximum(found.out[2], 1e-3 * np.median(found.out[2]) + 1e-12)
        return cls(
            mode.theta,
            np.linalg.cholesky(np.linalg.inv(around.curvature)),
            found.m,
            found.out[1] / told,
            t * share / (1 - share),
        )

    def expand(self, point: np.ndarray, variance: np.ndarray | float) -> np.ndarray:
        """eta (..., rows) of points (..., h + rows), given s^2."""
        u = 1 / (1 + self.information * variance)
        x = point[..., len(self.centre) :]
        return self.level + (1 - u) * self.toward + np.sqrt(variance * u) * x

    def theta(self, point: np.ndarray) -> np.ndarray:
        """Theta (..., h) of points (..., h + rows)."""
        return self.centre + point[..., : len(self.centre)] @ self.root.T


def sampled_density(
    posterior: LatentPosterior, coordinates: Coordinates, point: np.ndarray
) -> tuple[float, np.ndarray]:
    """Log density of a point (omega, x), Jacobians included, and its gradient, shape (h + rows,)."""
    theta = coordinates.theta(point)
    x = point[len(theta) :]
    # Beyond these limits exp would overflow; the sampler takes the point for a divergence.
    if not np.abs(theta).max(initial=0.0) < 30.0:
        return -np.inf, np.zeros(len(point))
    variance = float(np.real(posterior.variance(posterior.constrain(theta))))
    u = 1 / (1 + coordinates.information * variance)
    scale = np.sqrt(variance * u)
    eta = coordinates.expand(point, variance)
    value, by_theta, by_eta, _ = log_density(posterior, theta, eta)
    # In log s = -log t / 2.
    moved = 2 * u * (1 - u) * coordinates.toward + scale * u * x
    by_log_s = by_eta @ moved + u.sum()
    by_theta = by_theta - 0.5 * by_log_s * posterior.scales(theta).log_t_slope
    return value + np.log(scale).sum(), np.r_[by_theta @ coordinates.root, by_eta * scale]


def sampler_model(posterior: LatentPosterior, coordinates: Coordinates, start: Start) -> PyFuncModel:
    """A model that nutpie samples; its only variable is ``point``, shape (h + rows,).

    The density is a Python function around compiled ones: its terms may be anybody's, and the linear algebra
    takes many times the time of the call.
    """
    length = len(coordinates.centre) + len(posterior.votes)

    def make_density():
        def density(point):
            return sampled_density(posterior, coordinates, np.asarray(point))

        return density

    def make_expand(*_):
        def expand(point):
            return {"point": np.asarray(point, dtype=np.float64)}

        return expand

    return from_pyfunc(
        length, make_density, make_expand, [np.dtype(np.float64)], [(length,)], ["point"],
        dims={"point": ("coordinate",)}, coords={"coordinate": np.arange(length)},
        make_initial_point_fn=start,
    )  # fmt: skip


def suited(settings: NutsSettings) -> NutsSettings:
    """The settings with what was left open chosen: 400 draws of warm-up and an acceptance of 0.8.

    Raises
    ------
    ModelError
        For a parametrisation: the coordinates are made from the approximation.
    """
    if settings.parametrisation != "measured":
        raise ModelError(
            Problem(
                f"parametrisation '{settings.parametrisation}' does not go with effects that vary between "
                "levels or over the map",
                "leave it out",
            )
        )
    return replace(settings, tune=settings.tune or 400, target_accept=settings.target_accept or 0.8)


def draw_exact(
    posterior: LatentPosterior, settings: NutsSettings, rng: np.random.Generator,
    progress: Progress | None = None, store: DrawStore | None = None, partial: bool = False,
) -> tuple[Drawn, list[Draws]]:  # fmt: skip
    """Sample a posterior.

    Parameters
    ----------
    posterior
        The model for some rows.
    settings
        Of the sampler; see `suited`.
    rng
        Source of randomness.
    progress
        Called a few times a second.
    store
        Where draws are streamed to, and gone on from, as in `spatialvote.models.nuts.sample`.
    partial
        Whether to take what the store holds, without drawing more.

    Returns
    -------
    drawn, chains
        Draws of all chains joined; and the sampler's own, with their statistics, chain by chain.

    Raises
    ------
    ArithmeticError
        Where no Gaussian approximation exists near the start, from which the sampler takes its coordinates.
    """
    coordinates = Coordinates.of(posterior)
    # The first seeds the starting points, the second the chains.
    seeds = rng.integers(0, 2**63, size=2)

    def start(seed: int) -> np.ndarray:
        h, rows = len(coordinates.centre), len(posterior.votes)
        wide = np.r_[np.full(h, _OVERDISPERSED), np.ones(rows)]
        return wide * np.random.default_rng([int(seeds[0]), seed]).standard_normal(h + rows)

    def make_model(at: Start) -> PyFuncModel:
        return sampler_model(posterior, coordinates, at)

    if partial and store is not None:
        chains = stored_chains(store)
    else:
        key = int(seeds[1])
        chains = draw_chains(make_model, lambda _: start, suited(settings), key, progress, store)
    point = np.concatenate([one.point for one in chains])
    theta = coordinates.theta(point)
    variance = np.real(posterior.variance(posterior.constrain(theta)))
    eta = coordinates.expand(point, np.broadcast_to(variance, len(theta))[:, None])
    z, b = recover(posterior, theta, eta, rng)
    return Drawn(theta, b, z, eta.astype(np.float32)), chains


def recover(
    posterior: LatentPosterior, theta: np.ndarray, eta: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws of z (draws, N), in the terms' own order, and b (draws, p), given theta and eta."""
    layout, p = posterior.layout, len(posterior.prior_mean)
    size = layout.pattern[4].size
    z, b = np.empty((len(theta), size), dtype=np.float32), np.empty((len(theta), p))
    for s, (one, row) in enumerate(zip(theta, eta, strict=True)):
        scales = posterior.scales(one)
        mean, coefficients, system = given_eta(
            row, np.exp(scales.log_t), combine_bases(scales.weights, layout), posterior.design,
            posterior.prior_mean, posterior.prior_sd**-2.0, layout,
        )  # fmt: skip
        white_z, white_b = rng.standard_normal((size, 1)), rng.standard_normal((p, 1))
        draw_system(layout, System(*system), white_z, white_b)
        z[s, layout.pattern[0]] = mean + white_z[:, 0]
        b[s] = coefficients + white_b[:, 0]
    return z, b
