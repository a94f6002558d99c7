r"""`LatentPosterior`: votes, covariates, latent terms and the effect of each row, with their priors.

    y_i ~ family(eta_i, size_i),    eta = X b + sum_k A_k z_k + e,    e_i ~ N(0, s^2(theta)),
    b ~ N(b0, diag(sd^2)),          z_k ~ N(0, Q_k(theta)^-).

theta holds the hyperparameters on their unconstrained scales, each once, in the order in which `own`, the
family and the terms name them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit

from spatialvote.models.density import log_prior
from spatialvote.models.families import FAMILIES
from spatialvote.models.latent.layout import Layout, lay_out
from spatialvote.models.latent.term import Hyper, Term, Values
from spatialvote.models.priors import Priors

#: Complex step: derivatives are exact to rounding as long as its square vanishes beside one.
_STEP = 1e-30


class Scales(NamedTuple):
    """What the hyperparameters make of the model, with derivatives in theta (first axis, h).

    Attributes
    ----------
    weights, weights_slope
        w_m of all terms, shape (m,) and (h, m).
    log_det, log_det_slope
        Sum of log |Q_k|, and its derivatives (h,).
    log_t, log_t_slope
        Log precision of e, and its derivatives (h,).
    """

    weights: np.ndarray
    weights_slope: np.ndarray
    log_det: float
    log_det_slope: np.ndarray
    log_t: float
    log_t_slope: np.ndarray


@dataclass(frozen=True, eq=False)
class LatentPosterior:
    """A model for some rows.

    Attributes
    ----------
    family
        Name of the family.
    votes, size
        As in `spatialvote.models.posterior.Posterior`, shape (rows,); a row of size 0 has no likelihood.
    design
        Intercept column and standardised covariates, shape (rows, p).
    prior_mean, prior_sd
        Of the coefficients, shape (p,).
    terms
        Latent terms, one or more.
    own
        Hyperparameters of e.
    variance
        s^2 of values, an analytic formula as `spatialvote.models.latent.term` says.
    priors
        For the family's dispersion.
    """

    family: str
    votes: np.ndarray
    size: np.ndarray
    design: np.ndarray
    prior_mean: np.ndarray
    prior_sd: np.ndarray
    terms: tuple[Term, ...]
    own: tuple[Hyper, ...]
    variance: Callable[[Values], np.ndarray]
    priors: Priors

    @cached_property
    def hypers(self) -> tuple[Hyper, ...]:
        """All hyperparameters, each once."""
        family = FAMILIES[self.family].HYPER
        starts = {"overdispersion": -5.0, "noise": -2.0}
        of_family = [Hyper(name, getattr(self.priors, name), start=starts[name]) for name in family]
        named = {}
        for hyper in (*self.own, *of_family, *(one for term in self.terms for one in term.hypers)):
            named.setdefault(hyper.name, hyper)
        return tuple(named.values())

    @cached_property
    def hyperparameters(self) -> tuple[str, ...]:
        """Their names, in the order of theta."""
        return tuple(hyper.name for hyper in self.hypers)

    @cached_property
    def layout(self) -> Layout:
        """All terms in one sparse system."""
        return lay_out(self.terms, self.size > 0)

    @property
    def typical_dispersion(self) -> float:
        """The prior median of the family's dispersion; 0 for a family without one."""
        own = FAMILIES[self.family].HYPER
        return getattr(self.priors, own[0]).median() if own else 0.0

    @cached_property
    def _codes(self) -> tuple[tuple[int, float, float], ...]:
        return tuple(hyper.code() for hyper in self.hypers)

    @cached_property
    def _positive(self) -> tuple[bool, ...]:
        return tuple(hyper.positive for hyper in self.hypers)

    def constrain(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """Hyperparameters by name on their own scales, from theta (..., h), which may be complex."""
        values = {}
        for q, (name, positive) in enumerate(zip(self.hyperparameters, self._positive, strict=True)):
            # expit takes no complex numbers; within the limits of theta this cannot overflow.
            one = theta[..., q]
            values[name] = np.exp(one) if positive else 1 / (1 + np.exp(-one))
        return values

    def unconstrain(self, values: dict[str, np.ndarray], size: int) -> np.ndarray:
        """The inverse of `constrain`: theta, shape (size, h), from values (size,) by name."""
        theta = np.empty((size, len(self.hypers)))
        for q, (name, positive) in enumerate(zip(self.hyperparameters, self._positive, strict=True)):
            theta[:, q] = np.log(values[name]) if positive else logit(values[name])
        return theta

    def dispersion(self, theta: np.ndarray) -> float:
        """The family's dispersion at theta; 0 for a family without one."""
        own = FAMILIES[self.family].HYPER
        if not own:
            return 0.0
        q = self.hyperparameters.index(own[0])
        return float(np.exp(theta[q]) if self._positive[q] else expit(theta[q]))

    def log_prior(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Log prior density of theta, Jacobians included, and its gradient, shape (h,)."""
        total, gradient = 0.0, np.empty(len(self.hypers))
        values = self.constrain(theta).values()
        for q, (value, code, hyper) in enumerate(zip(values, self._codes, self.hypers, strict=True)):
            one, gradient[q] = log_prior(float(value), *code, *hyper.nodes)
            total += one
        return total, gradient

    def draw_prior(self, rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
        """Draws of the hyperparameters from their priors, each (size,)."""
        return {hyper.name: hyper.draw(rng, size) for hyper in self.hypers}

    def scales(self, theta: np.ndarray) -> Scales:
        """The model's scales at theta, with their derivatives."""
        count = len(self.hypers)
        at = np.tile(theta.astype(np.complex128), (count + 1, 1))
        at[np.arange(count), np.arange(count)] += 1j * _STEP
        values = self.constrain(at)
        weights = np.array(
            [np.broadcast_to(one, count + 1) for term in self.terms for one in term.weights(values)]
        )
        zero = np.zeros(count + 1, dtype=np.complex128)
        log_det = sum((term.log_det(values) for term in self.terms), zero)
        log_t = zero - np.log(self.variance(values))
        return Scales(
            np.ascontiguousarray(np.real(weights[:, -1])),
            np.imag(weights[:, :-1].T) / _STEP,
            float(np.real(log_det[-1])),
            np.imag(log_det[:-1]) / _STEP,
            float(np.real(log_t[-1])),
            np.imag(log_t[:-1]) / _STEP,
        )
