r"""The approximate log posterior of the hyperparameters, as a function of one vector.

theta holds the hyperparameters on their unconstrained scales, in the order of `Posterior.hyperparameters`. A
`Target` turns it into what `inner_mode` needs (scale a, precision t of the iid effects, field precision P,
prior precision of the coefficients) and sums up

    F(theta) = log p(mode) - log |H| / 2 + log |P| / 2 + log |B| / 2 + log prior(theta),

up to a constant that does not depend on theta. Districts are in the permuted order of the pattern throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from spatialvote.models.families import FAMILIES
from spatialvote.models.glm import NonSpatial, fit_without_effects
from spatialvote.models.laplace.district import collapse_all
from spatialvote.models.laplace.inner import inner_mode
from spatialvote.models.laplace.precision_slope import precision_slope
from spatialvote.models.laplace.slope import marginal_slope
from spatialvote.models.posterior import Posterior
from spatialvote.models.structures.dispatch import log_det, weights
from spatialvote.models.structures.sparse_precision import SparsePrecision

#: Step in the unconstrained dispersion with which its derivatives are differenced.
DISPERSION_STEP = 1e-4
#: Precision that grounds a component without votes, beside entries of R of about 1.
_GROUND = 1e-6


class Scales(NamedTuple):
    """What the hyperparameters make of the model: see `spatialvote.models.laplace.inner`."""

    sigma: float
    rho: float
    dispersion: float
    a: float
    t: float
    below: np.ndarray
    diagonal: np.ndarray
    log_det_prior: float
    c_precision: np.ndarray


class Start(NamedTuple):
    """Where Newton's method begins: field (n,), coefficients (p,), modes of eta (n,)."""

    x: np.ndarray
    c: np.ndarray
    eta: np.ndarray


class Mode(NamedTuple):
    """The Gaussian approximation at given hyperparameters; names as in `inner_mode`."""

    theta: np.ndarray
    scales: Scales
    value: float
    x: np.ndarray
    c: np.ndarray
    m: np.ndarray
    out: np.ndarray
    factor: np.ndarray
    v: np.ndarray
    null: np.ndarray
    null_sum: np.ndarray
    lower: np.ndarray

    @property
    def start(self) -> Start:
        """This mode as the place to begin for another nearby."""
        # A copy: a view of its last row would keep all of ``out`` in memory at every point.
        return Start(self.x, self.c, self.out[-1].copy())


@dataclass(frozen=True, eq=False)
class Target:
    """A `Posterior` as the Laplace engine sees it.

    Attributes
    ----------
    posterior
        The model for some districts.
    pattern
        Of P and of S, as a plain tuple.
    votes, size, design, component
        In the permuted order.
    sizes
        Districts in each component whose field sums to zero.
    """

    posterior: Posterior
    pattern: tuple[np.ndarray, ...]
    votes: np.ndarray
    size: np.ndarray
    design: np.ndarray
    component: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, posterior: Posterior) -> Target:
        """Permute a posterior's arrays into the order of its pattern."""
        field = posterior.field
        pattern = tuple(field.graph.pattern if field.precision is None else field.precision.pattern)
        order = pattern[0]
        constrained = field.structure == "bym2"
        component = field.graph.component[order] if constrained else np.full(len(order), -1)
        return cls(
            posterior,
            pattern,
            posterior.votes[order],
            posterior.size[order],
            np.ascontiguousarray(posterior.design[order]),
            component,
            field.graph.sizes if constrained else np.zeros(0, dtype=np.int64),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the hyperparameters."""
        return self.posterior.hyperparameters

    @cached_property
    def simple(self) -> NonSpatial:
        """The regression without effects, from which the search begins."""
        return fit_without_effects(self.posterior)

    @cached_property
    def grounded(self) -> np.ndarray:
        """Diagonal of R, with next to nothing added once in each component in which nobody voted.

        There the sum-to-zero constraint alone fixes the level of the field: S = R + a^2 D would be singular,
        and the constraint takes out again what is added.
        """
        diagonal = self.pattern[4].copy()
        for component in range(len(self.sizes)):
            members = np.flatnonzero(self.component == component)
            if not (self.size[members] > 0).any():
                diagonal[members[0]] += _GROUND
        return diagonal

    def scales(self, theta: np.ndarray) -> Scales:
        """The model's scales at theta."""
        at = dict(zip(self.names, theta, strict=True))
        posterior, precision = self.posterior, self.posterior.field.precision
        sigma = float(np.exp(at.get("sigma", 0.0)))
        rho = float(expit(at["rho"])) if "rho" in at else 0.5
        a, t, log_det_prior = 0.0, np.inf, 0.0
        below, diagonal = self.pattern[3], self.grounded
        structure = posterior.field.structure
        if structure == "bym2":
            a, t = sigma * np.sqrt(rho), 1 / (sigma**2 * expit(-at["rho"]))
        elif structure == "iid":
            t = 1 / sigma**2
        elif precision is not None:
            a = 1.0
            c, _ = weights(precision.code, rho, precision.table)
            below = c @ precision.below_terms / sigma**2
            diagonal = c @ precision.diagonal_terms / sigma**2
            nodes = precision.nodes
            value, _ = log_det(precision.code, rho, nodes.value, nodes.weight, precision.constants)
            log_det_prior = value - 2 * len(diagonal) * np.log(sigma)
        return Scales(
            sigma, rho, posterior.dispersion(theta), a, t, below, diagonal, log_det_prior,
            posterior.coefficient_sd(theta) ** -2.0,
        )  # fmt: skip

    def cold(self) -> Start:
        """Where to begin when nothing is known: no field, the regression without it, crude linear predictors.

        From the prior means Newton's method would begin far from the votes, where a beta-binomial is not
        log-concave and a Poisson mean may overflow.
        """
        stood = self.size > 0
        coefficients = self.simple.coefficients
        level = np.full(len(self.votes), coefficients[0])
        level[stood] = FAMILIES[self.posterior.family].crude(self.votes[stood], self.size[stood])
        return Start(np.zeros(len(level)), coefficients, level)

    def mode(self, theta: np.ndarray, begin: Start) -> Mode | None:
        """The Gaussian approximation at theta (d,); None where Newton's method does not converge."""
        scales, mean = self.scales(theta), self.posterior.prior_mean
        prior, _ = self.posterior.log_prior(theta)
        found, objective, log_det_h, *state = inner_mode(
            FAMILIES[self.posterior.family].CODE, scales.dispersion, scales.a, scales.t, scales.below,
            scales.diagonal, mean, scales.c_precision, self.design, self.votes, self.size, self.component,
            self.sizes, self.pattern, *begin,
        )  # fmt: skip
        if not found:
            return None
        prior += 0.5 * (scales.log_det_prior + np.log(scales.c_precision).sum())
        return Mode(theta, scales, objective - 0.5 * log_det_h + prior, *state)

    def slope(self, mode: Mode) -> np.ndarray:
        """Gradient of F at a mode, shape (d,)."""
        scales = mode.scales
        by_log_a, by_log_t, by_log_sd, spread, half, z_x, z_c = marginal_slope(
            scales.a, mode.x, mode.c, mode.out, mode.factor, mode.v, mode.null, mode.null_sum, mode.lower,
            self.design, self.posterior.prior_mean, scales.c_precision, self.component, self.pattern,
        )  # fmt: skip
        _, gradient = self.posterior.log_prior(mode.theta)
        precision = self.posterior.field.precision
        for q, name in enumerate(self.names):
            if name == "sigma":
                gradient[q] += by_log_a - 2 * by_log_t if scales.t < np.inf else self._by_log_sigma(mode, z_x)
            elif name == "rho" and precision is not None:
                gradient[q] += self._by_rho(precision, mode, z_x) * scales.rho * (1 - scales.rho)
            elif name == "rho":
                gradient[q] += 0.5 * (1 - scales.rho) * by_log_a + scales.rho * by_log_t
            elif name in ("overdispersion", "noise"):
                gradient[q] += self._by_dispersion(mode, q, spread, half, z_x, z_c)
            else:
                gradient[q] += by_log_sd[
                    self.posterior.column_group == self.posterior.group_number(name)
                ].sum()
        return gradient

    def _by_log_sigma(self, mode: Mode, z_x: np.ndarray) -> float:
        """d F / d log sigma where P is proportional to 1 / sigma^2."""
        scales = mode.scales
        moved = precision_slope(
            -2 * scales.below,
            -2 * scales.diagonal,
            mode.x,
            mode.factor,
            mode.v,
            mode.lower,
            z_x,
            self.pattern,
        )
        return moved - len(mode.x)

    def _by_rho(self, precision: SparsePrecision, mode: Mode, z_x: np.ndarray) -> float:
        """d F / d rho of a sparse precision."""
        scales = mode.scales
        _, slope = weights(precision.code, scales.rho, precision.table)
        nodes = precision.nodes
        _, by_log_det = log_det(precision.code, scales.rho, nodes.value, nodes.weight, precision.constants)
        below = slope @ precision.below_terms / scales.sigma**2
        diagonal = slope @ precision.diagonal_terms / scales.sigma**2
        moved = precision_slope(below, diagonal, mode.x, mode.factor, mode.v, mode.lower, z_x, self.pattern)
        return moved + 0.5 * by_log_det

    def _by_dispersion(self, mode: Mode, q: int, spread, half, z_x, z_c) -> float:
        """d F / d theta_q of the family's dispersion; log Z, g and h are differenced, all else is exact."""
        outs = []
        for sign in (1, -1):
            moved = mode.theta.copy()
            moved[q] += sign * DISPERSION_STEP
            out = np.empty_like(mode.out)
            collapse_all(
                FAMILIES[self.posterior.family].CODE, mode.m, mode.scales.t, self.votes, self.size,
                self.posterior.dispersion(moved), mode.out[-1], out,
            )  # fmt: skip
            outs.append(out[:3])
        by_value, by_g, by_h = (outs[0] - outs[1]) / (2 * DISPERSION_STEP)
        shift = mode.scales.a * z_x + self.design @ z_c
        # log Z''' enters only through the mode's shift, which ``half`` and the adjoint hold already.
        return float(by_value.sum() - 0.5 * (spread * by_h).sum() - (shift * by_g).sum())
