r"""The log posterior that the sampler sees: one compiled function of one vector.

With a field (`bym2`, `iid`) the point is (log sigma, [logit rho,] eta_1, ..., eta_n); the coefficients are
integrated out (see `spatialvote.models.field_kernel`) and drawn afterwards (`spatialvote.models.recover`).
Without a field (`none`) the point is the coefficients themselves. The density is that of the PyMC model in
`spatialvote.models.pymc_model`, to which the tests compare it; sampling it directly saves
compiling a PyMC model for every fit (docs/speed.md has the seconds).
"""

from dataclasses import dataclass
from dataclasses import field as dataclass_field

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.families import FAMILIES, beta_binomial, binomial, gaussian, poisson
from spatialvote.models.field_kernel import field_density
from spatialvote.models.priors import Priors, log_prior_rho, log_prior_sigma
from spatialvote.models.structures import Field

_BINOMIAL, _POISSON, _BETA_BINOMIAL = binomial.CODE, poisson.CODE, beta_binomial.CODE
_binomial_gradient, _poisson_gradient = binomial.add_gradient, poisson.add_gradient
_beta_binomial_gradient, _gaussian_gradient = beta_binomial.add_gradient, gaussian.add_gradient


@dataclass(frozen=True)
class Posterior:
    """Everything the density needs, as arrays.

    Attributes
    ----------
    family
        Name of the family.
    votes, size
        Counts and valid votes (or exposure), shape (n,), float64; logits of shares and ones for ``gaussian``.
        The size is 0 where the party did not stand.
    design
        Intercept column, standardised covariates, and a column for each level of each group-level term, shape
        (n, p).
    prior_mean, prior_sd
        Of the coefficients, shape (p,). For the levels of a group the standard deviation is in units of that
        group's own, a hyperparameter: 1.
    field
        The spatial structure.
    priors
        Priors of the hyperparameters.
    groups
        Names of the group-level terms.
    column_group
        Which group a column belongs to, counted from 1; 0 for the intercept and the covariates. Shape (p,).
    """

    family: str
    votes: np.ndarray
    size: np.ndarray
    design: np.ndarray
    prior_mean: np.ndarray
    prior_sd: np.ndarray
    field: Field
    priors: Priors
    groups: tuple[str, ...] = ()
    column_group: np.ndarray = dataclass_field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if not self.groups:
            object.__setattr__(self, "column_group", np.zeros(self.design.shape[1], dtype=np.int64))

    @property
    def offset(self) -> np.ndarray:
        """Prior mean of the linear predictor, shape (n,)."""
        return self.design @ self.prior_mean

    @property
    def n_hyper(self) -> int:
        """Number of hyperparameters in front of eta."""
        return len(self.field.hyperparameters)

    @property
    def n_dim(self) -> int:
        """Length of the sampled vector."""
        return self.n_hyper + self.design.shape[0] if self.n_hyper else self.design.shape[1]

    def prior_codes(self) -> tuple[tuple[int, float, float], tuple[int, float, float]]:
        """Codes and parameters of the priors of sigma and rho for the compiled density."""
        sigma = self.priors.sigma.code()
        rho = self.priors.rho.code(self.field.nodes) if self.n_hyper == 2 else (0, 1.0, 1.0)
        return sigma, rho

    def function(self):
        """The density as ``f(point) -> (value, gradient)``; the point and gradient have shape (n_dim,)."""
        code = FAMILIES[self.family].CODE
        votes, size = self.votes, self.size
        if self.n_hyper == 0:
            design, mean, sd = self.design, self.prior_mean, self.prior_sd

            def density(point):
                return log_posterior_plain(point, code, votes, size, design, mean, sd)

        else:
            sigma_prior, rho_prior = self.prior_codes()
            graph, nodes = self.field.graph, self.field.nodes
            fixed = (self.n_hyper, code, votes, size, self.offset, self.design, self.prior_sd)
            arrays = (graph.component, graph.sizes, nodes.value, nodes.weight, tuple(graph.pattern))

            def density(point):
                return log_posterior_field(point, *fixed, sigma_prior, rho_prior, *arrays)

        return density


@compiled()
def _add_likelihood(family, eta, votes, size, dispersion, gradient):
    if family == _BINOMIAL:
        return _binomial_gradient(eta, votes, size, dispersion, gradient)
    if family == _POISSON:
        return _poisson_gradient(eta, votes, size, dispersion, gradient)
    if family == _BETA_BINOMIAL:
        return _beta_binomial_gradient(eta, votes, size, dispersion, gradient)
    return _gaussian_gradient(eta, votes, size, dispersion, gradient)


@compiled()
def log_posterior_plain(point, family, votes, size, design, prior_mean, prior_sd):
    """Log density of the coefficients without district effects, and its gradient, both up to a constant."""
    n, p = design.shape
    eta = design @ point
    by_eta = np.zeros(n)
    total, _ = _add_likelihood(family, eta, votes, size, 0.0, by_eta)
    gradient = design.T @ by_eta
    for q in range(p):
        scaled = (point[q] - prior_mean[q]) / prior_sd[q]
        total -= 0.5 * scaled * scaled
        gradient[q] -= scaled / prior_sd[q]
    return total, gradient


@compiled()
def log_posterior_field(
    point,
    n_hyper,
    family,
    votes,
    size,
    offset,
    design,
    prior_sd,
    sigma_prior,
    rho_prior,
    component,
    sizes,
    node,
    node_weight,
    pattern,
):
    """Log density of (log sigma, [logit rho,] eta) with coefficients integrated out, and its gradient."""
    gradient = np.zeros(point.size)
    eta = point[n_hyper:]
    sigma = np.exp(point[0])
    rho = 1.0 / (1.0 + np.exp(-point[1])) if n_hyper == 2 else 0.5
    if not (0.0 < sigma < np.inf and 0.0 < rho < 1.0):
        return -np.inf, gradient
    density, by_eta, by_sigma, by_rho, _ = field_density(
        eta - offset, design, prior_sd, sigma, rho, component, sizes, node, node_weight, pattern
    )
    likelihood, _ = _add_likelihood(family, eta, votes, size, 0.0, by_eta)
    total = density + likelihood
    value, slope = log_prior_sigma(sigma, sigma_prior[0], sigma_prior[1])
    total += value
    gradient[0] = by_sigma * sigma + slope
    if n_hyper == 2:
        value, slope = log_prior_rho(rho, rho_prior[0], rho_prior[1], rho_prior[2], node, node_weight)
        total += value
        gradient[1] = by_rho * rho * (1.0 - rho) + slope
    gradient[n_hyper:] = by_eta
    return total, gradient
