r"""The approximate log posterior of the hyperparameters, and its gradient by the adjoint method.

    F(theta) = log p(mode) - log |H| / 2 + sum_k log |Q_k| / 2 + log prior(theta),

with the Gaussian approximation of `spatialvote.models.latent.inner`. With v_i = Var(m_i), r = -v (log Z)''' /
2 and (y_z, y_b) = H^-1 J'r, the derivatives at the mode are

    in w_m:      -z'T_m z / 2 - tr(T_m Cov(z)) / 2 - y_z'(-T_m z)
    in log t:    sum (log Z)_t - v h_t / 2 - (J y)'g_t

(subscript t: derivative in log t at fixed m), and the chain rule through `Scales` gives those in theta. Only
derivatives in a dispersion of the family are differences, of log Z, g and h.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from spatialvote.models.families import FAMILIES
from spatialvote.models.glm import NonSpatial, fit_without_effects
from spatialvote.models.laplace.district import collapse_all
from spatialvote.models.laplace.target import DISPERSION_STEP, Start
from spatialvote.models.latent.inner import find_inner
from spatialvote.models.latent.posterior import LatentPosterior, Scales
from spatialvote.models.latent.system import (
    System,
    combine_bases,
    covariances,
    forms,
    log_det_system,
    multiply_columns,
    multiply_rows,
    solve_system,
    traces,
)


class LatentMode(NamedTuple):
    """The Gaussian approximation at given hyperparameters; names as in `find_inner`."""

    theta: np.ndarray
    scales: Scales
    value: float
    z: np.ndarray
    b: np.ndarray
    m: np.ndarray
    out: np.ndarray
    system: System

    @property
    def start(self) -> Start:
        """This mode as the place to begin for another nearby."""
        return Start(self.z, self.b, self.out[-1])


@dataclass(frozen=True, eq=False)
class LatentTarget:
    """A `LatentPosterior` as the exploration of hyperparameters sees it."""

    posterior: LatentPosterior

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the hyperparameters."""
        return self.posterior.hyperparameters

    @property
    def votes(self) -> np.ndarray:
        """Votes of each row."""
        return self.posterior.votes

    @cached_property
    def simple(self) -> NonSpatial:
        """The regression without effects, from which the search begins."""
        return fit_without_effects(self.posterior)

    def begin(self) -> np.ndarray:
        """Hyperparameters to begin with: the spread that covariates leave, shared out among the terms."""
        hypers = self.posterior.hypers
        sds = sum(hyper.positive and hyper.start is None for hyper in hypers)
        spread = np.log(np.sqrt(np.clip(self.simple.extra_variance, 1e-4, 4.0) / max(sds, 1)))
        middle = [spread if hyper.positive else 0.0 for hyper in hypers]
        return np.array(
            [one if hyper.start is None else hyper.start for hyper, one in zip(hypers, middle, strict=True)]
        )

    def cold(self) -> Start:
        """Where Newton's method begins when nothing is known; as `spatialvote.models.laplace.target` does."""
        posterior = self.posterior
        stood, coefficients = posterior.size > 0, self.simple.coefficients
        level = np.full(len(posterior.votes), coefficients[0])
        level[stood] = FAMILIES[posterior.family].crude(posterior.votes[stood], posterior.size[stood])
        return Start(np.zeros(posterior.layout.pattern[4].size), coefficients, level)

    def mode(self, theta: np.ndarray, begin: Start) -> LatentMode | None:
        """The Gaussian approximation at theta (h,); None where Newton's method does not converge."""
        posterior = self.posterior
        scales = posterior.scales(theta)
        found, objective, z, b, m, out, system = find_inner(
            FAMILIES[posterior.family].CODE, posterior.dispersion(theta), np.exp(scales.log_t),
            combine_bases(scales.weights, posterior.layout), posterior.prior_mean, posterior.prior_sd**-2.0,
            posterior.design, posterior.votes, posterior.size, posterior.layout, *begin,
        )  # fmt: skip
        if not found:
            return None
        system = System(*system)
        value = objective - 0.5 * log_det_system(posterior.layout, system) + 0.5 * scales.log_det
        return LatentMode(theta, scales, value + posterior.log_prior(theta)[0], z, b, m, out, system)

    def slope(self, mode: LatentMode) -> np.ndarray:
        """Gradient of F at a mode, shape (h,)."""
        posterior, scales, out = self.posterior, mode.scales, mode.out
        layout, design = posterior.layout, posterior.design
        covariance, spread = covariances(layout, mode.system, design)
        half = -0.5 * spread * out[3]
        y_z, y_b = solve_system(layout, mode.system, multiply_columns(layout, half), design.T @ half)
        shift = multiply_rows(layout, y_z) + design @ y_b
        by_weight = -0.5 * forms(layout, mode.z, mode.z) - 0.5 * traces(layout, covariance)
        by_weight += forms(layout, y_z, mode.z)
        by_log_t = np.sum(out[5] - 0.5 * spread * out[7]) - shift @ out[6]
        gradient = posterior.log_prior(mode.theta)[1] + scales.weights_slope @ by_weight
        gradient += 0.5 * scales.log_det_slope + scales.log_t_slope * by_log_t
        for name in FAMILIES[posterior.family].HYPER:
            q = self.names.index(name)
            by_value, by_g, by_h = self._by_dispersion(mode, q)
            gradient[q] += by_value.sum() - 0.5 * spread @ by_h - shift @ by_g
        return gradient

    def _by_dispersion(self, mode: LatentMode, q: int) -> np.ndarray:
        """Differences of log Z, g and h in theta_q, the family's dispersion, shape (3, rows)."""
        posterior, outs = self.posterior, []
        for sign in (1, -1):
            moved, out = mode.theta.copy(), np.empty_like(mode.out)
            moved[q] += sign * DISPERSION_STEP
            collapse_all(
                FAMILIES[posterior.family].CODE, mode.m, np.exp(mode.scales.log_t), posterior.votes,
                posterior.size, posterior.dispersion(moved), mode.out[-1], out,
            )  # fmt: skip
            outs.append(out[:3])
        return (outs[0] - outs[1]) / (2 * DISPERSION_STEP)
