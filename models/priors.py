r"""Priors: what the model believes before it sees votes, each an object that prints itself.

Coefficients are Normal on standardised covariates, the intercept Normal around the overall share. For the
scale sigma and the spatial fraction rho the defaults penalise complexity (Simpson et al. 2017): the simpler
model, sigma = 0 or rho = 0, is preferred at a constant rate in the distance

    sigma:  d = sigma,                       so sigma ~ Exponential
    rho:    d(rho) = sqrt(2 KLD(rho)),  2 KLD = sum_i [rho (g_i - 1) - log(1 + rho (g_i - 1))],

where g_i are the nonzero eigenvalues of the scaled R^-. The distance to the purely spatial model, d(1), is
then finite, and rho has a truncated exponential density in d. Riebler et al. also count the null vectors
(g = 0), for which d(1) is infinite and grows only as sqrt(-log(1 - rho)): on a lattice of 20 districts 0.4 %
of their prior lies above 1 - 1e-15, beyond what a computer can tell from 1. The means of components, which
these vectors describe, are what the intercept is for, so they are left out here.

The families' own hyperparameters are treated alike. The overdispersion delta of a beta-binomial moves it
away from the binomial by a distance that grows as sqrt(delta), for the standard deviation of a district's
share is sqrt(p (1 - p) delta); so sqrt(delta) is exponential, truncated to (0, 1). The noise of Gaussian
logits and the standard deviations of group-level terms are standard deviations like sigma, with exponential
priors of their own.

References
----------
Simpson, D., Rue, H., Riebler, A., Martins, T. G., Sorbye, S. H. (2017). Penalising model component
complexity. Statistical Science 32.
Riebler, A., Sorbye, S. H., Simpson, D., Rue, H. (2016). An intuitive Bayesian spatial model for disease
mapping that accounts for scaling. Statistical Methods in Medical Research 25.
"""

from dataclasses import dataclass, field, replace
from math import lgamma

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, ndtri

from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.compiled import compiled
from spatialvote.models.spectrum import Spectrum

#: Codes under which the compiled density knows the priors.
EXPONENTIAL, HALF_NORMAL, BETA, PC_RHO, PC_OVERDISPERSION = 0, 1, 2, 3, 4


def _positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise ModelError(Problem(f"{name} must be positive, got {value}", "give a positive number"))


def _probability(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ModelError(
            Problem(f"{name} must be a probability between 0 and 1, got {value}", "give one inside")
        )


@dataclass(frozen=True)
class PCSigma:
    """Penalised-complexity prior of a standard deviation: P(sigma > upper) = tail, an exponential.

    It serves sigma, the noise of Gaussian logits and the standard deviations of group-level terms.
    """

    upper: float = 1.0
    tail: float = 0.01

    def __post_init__(self) -> None:
        _positive("upper of the prior of a standard deviation", self.upper)
        _probability("tail of the prior of a standard deviation", self.tail)

    def __str__(self) -> str:
        return f"PC: P(sigma > {self.upper:g}) = {self.tail:g}"

    def code(self) -> tuple[int, float, float]:
        """Code and parameters for the compiled density."""
        return EXPONENTIAL, -np.log(self.tail) / self.upper, 0.0

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draws of sigma, shape (size,)."""
        return rng.exponential(-self.upper / np.log(self.tail), size)

    def median(self) -> float:
        """Half of the prior lies below it."""
        return float(np.log(0.5) / np.log(self.tail) * self.upper)


@dataclass(frozen=True)
class HalfNormal:
    """Half-normal prior of a standard deviation, sigma = |N(0, scale)|."""

    scale: float = 1.0

    def __post_init__(self) -> None:
        _positive("scale of the prior of a standard deviation", self.scale)

    def __str__(self) -> str:
        return f"half-normal with scale {self.scale:g}"

    def code(self) -> tuple[int, float, float]:
        """Code and parameters for the compiled density."""
        return HALF_NORMAL, self.scale, 0.0

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draws of sigma, shape (size,)."""
        return np.abs(rng.normal(0, self.scale, size))

    def median(self) -> float:
        """Half of the prior lies below it."""
        return float(self.scale * ndtri(0.75))


@dataclass(frozen=True)
class PCRho:
    """Penalised-complexity prior of the spatial fraction: P(rho < upper) = mass (Riebler et al. 2016)."""

    upper: float = 0.5
    mass: float = 2 / 3

    def __post_init__(self) -> None:
        _probability("upper of the prior of rho", self.upper)
        _probability("mass of the prior of rho", self.mass)

    def __str__(self) -> str:
        return f"PC: P(rho < {self.upper:g}) = {self.mass:.3g}"

    def code(self, nodes: Spectrum) -> tuple[int, float, float]:
        """Code, rate per unit of distance, and log of the mass within the largest distance.

        Raises
        ------
        ModelError
            Where even the flattest exponential puts more than ``mass`` below ``upper``.
        """
        inner = rho_distance(self.upper, nodes.value, nodes.weight)[0]
        outer = rho_distance(1.0, nodes.value, nodes.weight)[0]
        if inner / outer >= self.mass:
            raise ModelError(
                Problem(
                    f"the PC prior cannot have P(rho < {self.upper:g}) = {self.mass:.3g} on this graph",
                    f"choose a mass above {inner / outer:.3g}, or a smaller upper",
                )
            )

        def excess(rate: float) -> float:
            return np.expm1(-rate * inner) / np.expm1(-rate * outer) - self.mass

        # The rate is at most that of the untruncated exponential, and positive by the check above.
        rate = float(brentq(excess, 1e-9 / outer, -np.log1p(-self.mass) / inner * (1 + 1e-9)))
        return PC_RHO, rate, float(np.log(-np.expm1(-rate * outer)))

    def draw(self, rng: np.random.Generator, size: int, nodes: Spectrum) -> np.ndarray:
        """Draws of rho, shape (size,), by inverting the distance."""
        _, rate, log_mass = self.code(nodes)
        logit = np.linspace(-20, 20, 4001)
        distance = [rho_distance(one, nodes.value, nodes.weight)[0] for one in expit(logit)]
        drawn = -np.log1p(-rng.uniform(size=size) * np.exp(log_mass)) / rate
        return expit(np.interp(drawn, distance, logit))


@dataclass(frozen=True)
class BetaRho:
    """Beta prior of the spatial fraction; Beta(1, 1) is uniform."""

    a: float = 1.0
    b: float = 1.0

    def __post_init__(self) -> None:
        _positive("a of the prior of rho", self.a)
        _positive("b of the prior of rho", self.b)

    def __str__(self) -> str:
        return "uniform on (0, 1)" if self.a == self.b == 1 else f"Beta({self.a:g}, {self.b:g})"

    def code(self, nodes: Spectrum) -> tuple[int, float, float]:
        """Code and parameters for the compiled density; the graph does not matter."""
        return BETA, self.a, self.b

    def draw(self, rng: np.random.Generator, size: int, nodes: Spectrum) -> np.ndarray:
        """Draws of rho, shape (size,)."""
        return rng.beta(self.a, self.b, size)


@dataclass(frozen=True)
class PCOverdispersion:
    """Penalised-complexity prior of a beta-binomial's overdispersion: P(delta > upper) = tail.

    sqrt(delta) is exponential, truncated to (0, 1): with x = sqrt(delta) and a rate r,

        p(delta) = r exp(-r x) / [2 x (1 - exp(-r))].

    Raises
    ------
    ModelError
        Where even the flattest such prior, a uniform sqrt(delta), has less than ``tail`` above ``upper``.
    """

    upper: float = 0.1
    tail: float = 0.01

    def __post_init__(self) -> None:
        _probability("upper of the prior of the overdispersion", self.upper)
        _probability("tail of the prior of the overdispersion", self.tail)
        most = 1 - np.sqrt(self.upper)
        if self.tail >= most:
            raise ModelError(
                Problem(
                    f"the PC prior cannot have P(overdispersion > {self.upper:g}) = {self.tail:.3g}",
                    f"choose a tail below {most:.3g}, or a smaller upper",
                )
            )

    def __str__(self) -> str:
        return f"PC: P(overdispersion > {self.upper:g}) = {self.tail:g}"

    @property
    def rate(self) -> float:
        """The rate r."""
        root = np.sqrt(self.upper)

        def excess(rate: float) -> float:
            return np.exp(-rate * root) * np.expm1(-rate * (1 - root)) / np.expm1(-rate) - self.tail

        # Without truncation the rate would be higher, for truncation cuts the tail.
        return float(brentq(excess, 1e-9, -np.log(self.tail) / root * (1 + 1e-9), xtol=1e-12))

    def code(self) -> tuple[int, float, float]:
        """Code, rate and log of the mass that truncation leaves, for the compiled density."""
        rate = self.rate
        return PC_OVERDISPERSION, rate, float(np.log(-np.expm1(-rate)))

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draws of the overdispersion, shape (size,)."""
        return self._quantile(rng.uniform(size=size))

    def median(self) -> float:
        """Half of the prior lies below it."""
        return float(self._quantile(np.array(0.5)))

    def _quantile(self, mass: np.ndarray) -> np.ndarray:
        rate = self.rate
        return (np.log1p(mass * np.expm1(-rate)) / rate) ** 2


@dataclass(frozen=True)
class Priors:
    """All priors of a `VoteShareModel`.

    Attributes
    ----------
    intercept_mean
        Mean of the intercept at average covariates, on the link scale; None: logit (log) of the overall
        share (rate).
    intercept_sd
        Its standard deviation.
    coefficient_sd
        Standard deviation of every coefficient, mean zero, on standardised covariates.
    sigma, rho
        Priors of the standard deviation of the district effects and of their spatial fraction. None for rho
        leaves the choice to the structure: penalised complexity for ``bym2``, uniform for those in which rho
        is no fraction of variance (`resolved`).
    overdispersion
        Prior of the overdispersion of a beta-binomial.
    noise
        Prior of the standard deviation of Gaussian logits around their linear predictor.
    group
        Prior of the standard deviation of each group-level term, intercepts and slopes.
    correlation
        eta of the LKJ prior of the correlations of effects that vary together: 1 is uniform over correlation
        matrices, more favours independence.
    slope
        Prior of the standard deviation of a slope that varies over the map (`VoteShareModel.varying`).
    """

    intercept_mean: float | None = None
    intercept_sd: float = 1.5
    coefficient_sd: float = 1.0
    sigma: PCSigma | HalfNormal = field(default_factory=PCSigma)
    rho: PCRho | BetaRho | None = None
    overdispersion: PCOverdispersion = field(default_factory=PCOverdispersion)
    noise: PCSigma | HalfNormal = field(default_factory=lambda: PCSigma(0.3, 0.01))
    group: PCSigma | HalfNormal = field(default_factory=PCSigma)
    correlation: float = 2.0
    slope: PCSigma | HalfNormal = field(default_factory=lambda: PCSigma(0.2, 0.01))

    def __post_init__(self) -> None:
        _positive("intercept_sd", self.intercept_sd)
        _positive("coefficient_sd", self.coefficient_sd)
        _positive("correlation (eta of the LKJ prior)", self.correlation)

    def of(self, name: str) -> "PCSigma | HalfNormal | PCRho | BetaRho | PCOverdispersion | None":
        """The prior of a hyperparameter by its name in fits; levels have `group` and `correlation`."""
        return self.slope if name == "sigma_slope" else getattr(self, name)

    def resolved(self, structure: str, hyperparameters: tuple[str, ...]) -> "Priors":
        """The same priors, with that of rho chosen where it was left to the structure.

        Parameters
        ----------
        structure
            Name of the structure.
        hyperparameters
            Its hyperparameters; without ``rho`` among them nothing is to be chosen.

        Raises
        ------
        ModelError
            For `PCRho` with a structure other than ``bym2``: its distance is that of BYM2.
        """
        if "rho" not in hyperparameters:
            return self
        if structure != "bym2" and isinstance(self.rho, PCRho):
            raise ModelError(
                Problem(
                    f"the PC prior of rho is made for structure 'bym2', not for '{structure}'",
                    "leave the prior of rho out (uniform), or give BetaRho(a, b)",
                )
            )
        if self.rho is not None:
            return self
        return replace(self, rho=PCRho() if structure == "bym2" else BetaRho())


@compiled()
def rho_distance(rho, node, weight):
    """d(rho) and the first two derivatives of d^2 = 2 KLD."""
    total, slope, curve = 0.0, 0.0, 0.0
    for q in range(node.size):
        excess = 1.0 / node[q] - 1.0
        x = rho * excess
        # x - log(1 + x) cancels near zero; its series does not.
        total += weight[q] * (x * x * (0.5 - x / 3.0 + x * x / 4.0) if abs(x) < 1e-4 else x - np.log1p(x))
        slope += weight[q] * rho * excess * excess / (1.0 + x)
        curve += weight[q] * (excess / (1.0 + x)) ** 2
    return np.sqrt(total), slope, curve


@compiled()
def log_prior_sigma(sigma, kind, first):
    """Log density of log sigma (Jacobian included) and its derivative in log sigma."""
    if kind == EXPONENTIAL:
        return np.log(first * sigma) - first * sigma, 1.0 - first * sigma
    scaled = sigma / first
    return 0.5 * np.log(2.0 / np.pi) + np.log(scaled) - 0.5 * scaled**2, 1.0 - scaled**2


@compiled()
def log_prior_overdispersion(delta, rate, log_mass):
    """Log density of logit delta (Jacobian included) and its derivative in logit delta."""
    root = np.sqrt(delta)
    value = np.log(0.5 * rate * root) + np.log1p(-delta) - rate * root - log_mass
    return value, 0.5 * (1.0 - delta) * (1.0 - rate * root) - delta


@compiled()
def log_prior_rho(rho, kind, first, second, node, weight):
    """Log density of logit rho (Jacobian included) and its derivative in logit rho."""
    jacobian = rho * (1.0 - rho)
    if kind == BETA:
        log_beta = lgamma(first) + lgamma(second) - lgamma(first + second)
        value = first * np.log(rho) + second * np.log1p(-rho) - log_beta
        return value, first * (1.0 - rho) - second * rho
    distance, slope, curve = rho_distance(rho, node, weight)
    # p(rho) = rate exp(-rate d) d' / mass,  d' = (d^2)' / (2 d).
    by_rho = slope / (2.0 * distance)
    value = np.log(first * by_rho * jacobian) - first * distance - second
    derivative = -first * by_rho + curve / slope - by_rho / distance
    return value, derivative * jacobian + 1.0 - 2.0 * rho
