r"""The model without district effects, at its posterior mode: what space has to account for.

Mode of the coefficients b in y_i ~ Binomial(N_i, logit^-1(x_i'b)) or Poisson(E_i exp(x_i'b)) under the same
Normal priors, by Newton's method (iteratively reweighted least squares; the log posterior is concave, and a
step is halved until it climbs). With v_i the Fisher information of eta_i at the mode, the working residual
(y_i - mean_i) / v_i has, to first order, mean zero and variance 1 / v_i + tau^2, where tau^2 is the variance
between districts that the covariates leave. It is found by the method of moments (Williams 1982, his model
III), and the residuals are scaled by it. Without it the largest districts, where every small departure
counts many votes, would decide any statistic of the residuals. A family's dispersion is taken at its prior
median; a district where the party did not stand has no residual (0).

References
----------
Williams, D. A. (1982). Extra-binomial variation in logistic linear models. Applied Statistics 31.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import root_scalar

from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.families import FAMILIES

_MOST_STEPS = 100
_MOST_HALVINGS = 40


class Regression(Protocol):
    """What is needed of a posterior: attributes as in `spatialvote.models.posterior.Posterior`."""

    @property
    def family(self) -> str:
        """Name of the family."""
        ...

    @property
    def votes(self) -> np.ndarray:
        """Counts, shape (n,)."""
        ...

    @property
    def size(self) -> np.ndarray:
        """Valid votes or exposure, shape (n,)."""
        ...

    @property
    def design(self) -> np.ndarray:
        """Intercept column and covariates, shape (n, p)."""
        ...

    @property
    def prior_mean(self) -> np.ndarray:
        """Of the coefficients, shape (p,)."""
        ...

    @property
    def prior_sd(self) -> np.ndarray:
        """Of the coefficients, shape (p,)."""
        ...

    @property
    def typical_dispersion(self) -> float:
        """The prior median of the family's dispersion."""
        ...


@dataclass(frozen=True, eq=False)
class NonSpatial:
    """A regression without district effects.

    Attributes
    ----------
    coefficients
        Posterior mode, intercept first, on standardised columns, shape (p,).
    eta
        Linear predictor at the mode, shape (n,).
    extra_variance
        tau^2, on the link scale; 0 where counts vary no more than the family says.
    residuals
        Working residuals over their standard deviation, shape (n,).
    """

    coefficients: np.ndarray
    eta: np.ndarray
    extra_variance: float
    residuals: np.ndarray
    _design: np.ndarray
    _hat: np.ndarray
    _sd: np.ndarray
    _stood: np.ndarray

    def reference(self, white: np.ndarray) -> np.ndarray:
        """Residuals that white noise (m, n) would leave after the same regression, shape (m, n).

        Estimating b takes part of the noise away: with errors e = sd * white the working residuals are
        e - X (X'VX + P)^-1 X'V e, P the prior precision.
        """
        errors = white * self._sd
        reference = (errors - (errors @ self._hat.T) @ self._design.T) / self._sd
        return np.where(self._stood, reference, 0.0)


def fit_without_effects(posterior: Regression) -> NonSpatial:
    """Fit a posterior's family and covariates without its district effects.

    Raises
    ------
    ModelError
        If Newton's method does not settle, which a proper prior of sensible width prevents.
    """
    family = FAMILIES[posterior.family]
    votes, size, design = posterior.votes, posterior.size, posterior.design
    dispersion = posterior.typical_dispersion
    prior_precision = posterior.prior_sd**-2.0
    b = posterior.prior_mean.copy()

    def value(b: np.ndarray) -> float:
        eta = design @ b
        prior = 0.5 * (prior_precision * (b - posterior.prior_mean) ** 2).sum()
        # A first step can overshoot so far that a rate overflows; it is then halved.
        with np.errstate(over="ignore"):
            return float(family.log_likelihood(eta, votes, size, dispersion).sum() - prior)

    now = value(b)
    for _ in range(_MOST_STEPS):
        eta = design @ b
        score = family.score(eta, votes, size, dispersion)
        slope = design.T @ score - prior_precision * (b - posterior.prior_mean)
        information = family.information(eta, size, dispersion)
        step = np.linalg.solve(_precision(design, information, prior_precision), slope)
        for _ in range(_MOST_HALVINGS):
            if (then := value(b + step)) >= now:
                break
            step = step / 2
        b, now = b + step, then
        if np.abs(step).max() < 1e-9:
            break
    else:
        raise ModelError(
            Problem(
                f"the regression without district effects did not settle in {_MOST_STEPS} steps",
                "look for covariates that separate districts with votes from districts without",
            )
        )
    eta = design @ b
    information = family.information(eta, size, dispersion)
    stood = information > 0
    told = np.where(stood, information, 1.0)
    working = family.score(eta, votes, size, dispersion) / told
    extra = _extra_variance(working[stood], information[stood], len(b))
    sd = np.sqrt(1 / told + extra)
    hat = np.linalg.solve(_precision(design, information, prior_precision), design.T * information)
    return NonSpatial(b, eta, extra, working / sd, design, hat, sd, stood)


def _precision(design: np.ndarray, information: np.ndarray, prior_precision: np.ndarray) -> np.ndarray:
    """X'VX + P, shape (p, p)."""
    return (design.T * information) @ design + np.diag(prior_precision)


def _extra_variance(working: np.ndarray, information: np.ndarray, columns: int) -> float:
    """tau^2 >= 0 at which the squared scaled residuals sum to their degrees of freedom."""
    freedom = len(working) - columns

    def excess(tau2: float) -> float:
        return float((working**2 / (1 / information + tau2)).sum() - freedom)

    if freedom <= 0 or excess(0.0) <= 0:
        return 0.0
    # Every term is below working^2 / tau2, so the sum is below the degrees of freedom here.
    most = float((working**2).sum()) / freedom
    return float(root_scalar(excess, bracket=(0.0, most), method="brentq").root)
