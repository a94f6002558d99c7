r"""The log posterior that the engines see: one compiled function of one vector.

The point begins with the hyperparameters, each on a scale without bounds: the logarithm of a standard
deviation, the logit of what lies between 0 and 1. With a field it goes on with eta_1, ..., eta_n; the
coefficients are integrated out (`field_kernel`, `sparse_kernel`) and drawn afterwards (`recover`). Without a
field (`none`) it goes on with the coefficients themselves. The density is that of the PyMC model in
`spatialvote.models.pymc_model`, to which the tests compare it; sampling it directly saves
compiling a PyMC model for every fit (docs/speed.md has the seconds).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import expit, logit

from spatialvote.models.correlated import SD, block_root, correlations, partial_priors
from spatialvote.models.density import (
    COLLAPSED,
    NO_FIELD,
    SPARSE,
    ModelArrays,
    log_posterior,
    log_prior,
)
from spatialvote.models.families import FAMILIES
from spatialvote.models.groups import Effect, blocks_of
from spatialvote.models.priors import EXPONENTIAL, HALF_NORMAL, BetaRho, Priors
from spatialvote.models.structures import Field

#: Structures whose independent part can be integrated out by itself.
COLLAPSING = ("bym2", "iid")
#: So many levels of intercepts are columns at most.
MOST_COLUMNS = 50
#: Standard deviation of the slope that varies over the map, and its departures by district.
SIGMA_SLOPE, SLOPE = "sigma_slope", "slope"


@dataclass(frozen=True)
class Posterior:
    """Everything the density needs, as arrays.

    Attributes
    ----------
    family
        Name of the family.
    votes, size
        Counts and valid votes (or exposure), shape (n,), float64; logits of shares and ones for ``gaussian``.
        The size is 0 where the party did not stand; such a district has no likelihood.
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
    effects
        Effects that vary between levels of groups, in the order of their columns.
    column_group
        Which group a column belongs to, counted from 1; 0 for the intercept and the covariates. Shape (p,).
    varying
        Standardised column whose slope varies over the map, shape (n,); None where no slope does.
    """

    family: str
    votes: np.ndarray
    size: np.ndarray
    design: np.ndarray
    prior_mean: np.ndarray
    prior_sd: np.ndarray
    field: Field
    priors: Priors
    effects: tuple[Effect, ...] = ()
    column_group: np.ndarray = dataclass_field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    varying: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not self.effects:
            object.__setattr__(self, "column_group", np.zeros(self.design.shape[1], dtype=np.int64))

    @property
    def offset(self) -> np.ndarray:
        """Prior mean of the linear predictor, shape (n,)."""
        return self.design @ self.prior_mean

    @cached_property
    def hyperparameters(self) -> tuple[str, ...]:
        """Names of the hyperparameters, in the order of the point."""
        groups = tuple(SD + name for name in self.groups)
        own = () if self.varying is None else (SIGMA_SLOPE,)
        return self.field.hyperparameters + FAMILIES[self.family].HYPER + groups + tuple(self._partial) + own

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the effects that vary between levels."""
        return tuple(effect.name for effect in self.effects)

    @property
    def latent(self) -> bool:
        """Whether levels are no dense columns of the density but latent terms (`spatialvote.models.latent`).

        Slopes always are, by level or over the map. Intercepts of few levels are cheaper as columns, and
        structures without an independent part have no other way.
        """
        slopes = self.varying is not None or any(effect.covariate for effect in self.effects)
        many = (self.column_group > 0).sum() > MOST_COLUMNS
        return slopes or bool(many and self.field.structure in COLLAPSING)

    @cached_property
    def _partial(self) -> dict[str, BetaRho]:
        """Priors of the partial correlations of effects that vary together."""
        found = {}
        for block in blocks_of(self.effects):
            found |= partial_priors(block, self.priors.correlation)
        return found

    def coefficient_covariance(self, values: dict[str, np.ndarray | float]) -> np.ndarray:
        """Prior covariance of all columns' coefficients at values of the hyperparameters, shape (p, p)."""
        covariance = np.diag(self.prior_sd**2)
        for block in blocks_of(self.effects):
            root = block_root(block, {name: np.asarray(one) for name, one in values.items()})[0]
            at = [np.flatnonzero(self.column_group == self.group_number(SD + one.name)) for one in block]
            for i, rows in enumerate(at):
                for j, columns in enumerate(at):
                    covariance[rows, columns] = root[i] @ root[j]
        return covariance

    @property
    def n_hyper(self) -> int:
        """Number of hyperparameters, in front of eta or the coefficients."""
        return len(self.hyperparameters)

    @property
    def has_field(self) -> bool:
        """Whether eta is sampled, rather than coefficients."""
        return self.field.structure != "none"

    @property
    def typical_dispersion(self) -> float:
        """The prior median of the family's dispersion; 0 for a family without one."""
        own = FAMILIES[self.family].HYPER
        return getattr(self.priors, own[0]).median() if own else 0.0

    def without_groups(self) -> Posterior:
        """The same model without its group-level terms."""
        fixed = self.column_group == 0
        return replace(
            self,
            design=self.design[:, fixed],
            prior_mean=self.prior_mean[fixed],
            prior_sd=self.prior_sd[fixed],
            effects=(),
        )

    @property
    def n_dim(self) -> int:
        """Length of the point."""
        return self.n_hyper + self.design.shape[0 if self.has_field else 1]

    def group_number(self, name: str) -> int:
        """Number, in `column_group`, of the group-level term whose standard deviation is called ``name``."""
        return 1 + self.groups.index(name.removeprefix(SD))

    @cached_property
    def prior_codes(self) -> tuple[tuple[int, float, float], ...]:
        """Code and two parameters of the prior of each hyperparameter, for compiled code."""
        nodes = self.field.nodes
        return tuple(
            self._prior(name).code(nodes)
            if name == "rho" or name in self._partial
            else self._prior(name).code()
            for name in self.hyperparameters
        )

    def _prior(self, name: str) -> Any:
        """The prior of a hyperparameter, by its name."""
        if name.startswith(SD):
            return self.priors.group
        if name in self._partial:
            return self._partial[name]
        if name == SIGMA_SLOPE:
            return self.priors.slope
        return getattr(self.priors.resolved(self.field.structure, self.field.hyperparameters), name)

    def constrain(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """Hyperparameters by name on their own scales; theta (..., h) may hold more behind them."""
        return {
            name: np.exp(theta[..., q]) if code[0] in (EXPONENTIAL, HALF_NORMAL) else expit(theta[..., q])
            for q, (name, code) in enumerate(zip(self.hyperparameters, self.prior_codes, strict=True))
        }

    def unconstrain(self, values: dict[str, np.ndarray], size: int) -> np.ndarray:
        """The inverse of `constrain`: theta, shape (size, h), from values (size,) by name."""
        theta = np.empty((size, self.n_hyper))
        for q, (name, code) in enumerate(zip(self.hyperparameters, self.prior_codes, strict=True)):
            positive = code[0] in (EXPONENTIAL, HALF_NORMAL)
            theta[:, q] = np.log(values[name]) if positive else logit(values[name])
        return theta

    def dispersion(self, theta: np.ndarray) -> float:
        """The family's dispersion at theta; 0 for a family without one."""
        own = FAMILIES[self.family].HYPER
        return float(self.constrain(theta)[own[0]]) if own else 0.0

    def coefficient_sd(self, theta: np.ndarray) -> np.ndarray:
        """Prior standard deviation of each column at theta, shape (p,)."""
        at = self.constrain(theta)
        scale = np.array([1.0] + [float(at[SD + name]) for name in self.groups])
        return self.prior_sd * scale[self.column_group]

    def log_prior(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Log prior density of theta, Jacobians included, and its gradient, shape (h,)."""
        total, gradient = 0.0, np.empty(self.n_hyper)
        nodes = self.field.nodes
        values = self.constrain(theta).values()
        for q, (value, code) in enumerate(zip(values, self.prior_codes, strict=True)):
            one, gradient[q] = log_prior(float(value), *code, nodes.value, nodes.weight)
            total += one
        return total, gradient

    def draw_prior(self, rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
        """Draws of the hyperparameters from their priors, and of the correlations they make, each (size,)."""
        graph = dict.fromkeys(("rho", *self._partial), (self.field.nodes,))
        values = {
            name: self._prior(name).draw(rng, size, *graph.get(name, ())) for name in self.hyperparameters
        }
        return values | correlations(self.effects, values)

    @cached_property
    def arrays(self) -> ModelArrays:
        """What compiled code needs."""
        field, p = self.field, self.design.shape[1]
        precision = field.precision
        kind = NO_FIELD if not self.has_field else COLLAPSED if precision is None else SPARSE
        own = field.hyperparameters
        switches = (
            kind,
            FAMILIES[self.family].CODE,
            0 if precision is None else precision.code,
            "sigma" in own,
            "rho" in own,
            len(FAMILIES[self.family].HYPER),
            len(self.groups),
        )
        if precision is None:
            pattern = field.graph.pattern
            sparse = (np.zeros(0), np.zeros(0), np.zeros((0, 0)), np.zeros((0, 0)), np.zeros((0, 0)))
        else:
            pattern = precision.pattern
            sparse = (
                precision.table,
                precision.constants,
                precision.below_terms,
                precision.diagonal_terms,
                precision.products(self.design).reshape(-1, p * p),
            )
        codes = np.array(self.prior_codes, dtype=np.float64).reshape(-1, 3)
        return ModelArrays(
            np.array(switches, dtype=np.int64),
            codes[:, 0].astype(np.int64),
            np.ascontiguousarray(codes[:, 1:]),
            self.votes,
            self.size,
            self.offset,
            np.ascontiguousarray(self.design),
            self.prior_mean,
            self.prior_sd,
            self.column_group,
            field.nodes.value,
            field.nodes.weight,
            field.graph.component,
            field.graph.sizes,
            *sparse,
            tuple(pattern),
        )

    def function(self):
        """The density as ``f(point) -> (value, gradient)``; the point and gradient have shape (n_dim,)."""
        arrays = self.arrays

        def density(point):
            return log_posterior(point, arrays)

        return density
