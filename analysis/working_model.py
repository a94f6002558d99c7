r"""The linear model that a fitted model nearly is: what other estimators of a coefficient would make of it.

Near the posterior's mode the votes of district i say about eta_i what a normal observation with the precision
v_i, their Fisher information, would: y = X b + e + noise, with variance

    V = Cov(e) + diag(1 / v),

Cov(e) that of the district effects at the posterior means of sigma and rho, with that of a slope that varies
over the map times its covariate. Under a normal prior with
precision P the coefficients are estimated at A y, with A = (X'V^-1 X + P)^-1 X'V^-1. A variant, with other
columns or another covariance, has an A of its own. If the fitted model is true, one coefficient changes
between two variants by a' y, with a the difference of two rows: on average by a'X b, with variance a'V a.
That is the comparison of a less efficient with an efficient estimator (Hausman 1978; for spatial errors Pace
& LeSage 2008): a change well beyond it says that a covariate goes with what the district effects stand for.

References
----------
Hausman, J. A. (1978). Specification tests in econometrics. Econometrica 46.
Pace, R. K., LeSage, J. P. (2008). A spatial Hausman test. Economics Letters 101.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.sparse import block_diag, coo_array, csc_array, diags_array, eye_array, hstack
from scipy.sparse.linalg import splu

from spatialvote.models.correlated import PARTIAL, SD
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit
from spatialvote.models.latent.terms import grounded
from spatialvote.models.posterior import SIGMA_SLOPE, Posterior
from spatialvote.models.structures.dispatch import weights
from spatialvote.models.structures.sparse_precision import SparsePrecision

#: Added to R where it is singular: the columns solved for have no part in its null space.
_EPSILON = 1e-9


@dataclass(frozen=True, eq=False)
class WorkingModel:
    """A posterior's columns, priors and covariance at fixed hyperparameters.

    Attributes
    ----------
    posterior
        Columns, prior and structure.
    information
        Fisher information of each eta; 0 where no votes are told, shape (n,).
    sigma, rho
        Hyperparameters of the district effects; not looked at where the structure has none.
    groups
        Hyperparameters of the group-level terms.
    slope
        Standard deviation of the slope that varies over the map.
    """

    posterior: Posterior
    information: np.ndarray
    sigma: float = 0.0
    rho: float = 0.5
    groups: Mapping[str, float] = field(default_factory=dict)
    slope: float = 0.0

    @cached_property
    def prior_covariance(self) -> np.ndarray:
        """Of the columns' coefficients, shape (p, p)."""
        return self.posterior.coefficient_covariance(dict(self.groups))

    def estimator(self, contrast: np.ndarray) -> np.ndarray:
        """Row a with a'y the estimate of contrast'b, shape (n,)."""
        design = self.posterior.design
        weighted = self.solve(design)
        inner = design.T @ weighted + np.linalg.inv(self.prior_covariance)
        return weighted @ np.linalg.solve(inner, contrast)

    def precision(self) -> np.ndarray:
        """X'V^-1 X + P, whose inverse is the posterior's covariance of the coefficients, shape (p, p)."""
        design = self.posterior.design
        return design.T @ self.solve(design) + np.linalg.inv(self.prior_covariance)

    def variance(self, row: np.ndarray) -> float:
        """a'Va, levels of groups counted as random, of a row that is 0 where no votes are told."""
        told = self.information > 0
        total = float((row[told] ** 2 / self.information[told]).sum() + row @ self._effects(row))
        random = self.posterior.column_group > 0
        by_level = row @ self.posterior.design[:, random]
        return total + float(by_level @ self.prior_covariance[np.ix_(random, random)] @ by_level)

    def solve(self, columns: np.ndarray) -> np.ndarray:
        """V^-1 times columns (n, p); rows where no votes are told are 0."""
        field, v = self.posterior.field, self.information
        if not self.posterior.has_field:
            return v[:, None] * columns
        if field.precision is not None:
            inner = splu(csc_array(_precision(field.precision, self.sigma, self.rho) + diags_array(v)))
            weighted = v[:, None] * columns
            return weighted - v[:, None] * inner.solve(weighted)
        # The part without neighbours joins the noise: only a^2 R^- is left beside a diagonal.
        own = self.sigma**2 * (1 - self._fraction)
        d = v / (1 + v * own)
        scale = self.sigma**2 * self._fraction
        if scale == 0:
            return d[:, None] * columns
        weighted = d[:, None] * columns
        # Fields z with A z in the linear predictor: phi, and the slope's.
        along, precision, constant = eye_array(len(v)), field.graph.matrix / scale, self._components
        if self.posterior.varying is not None:
            along = hstack([along, diags_array(self.posterior.varying)])
            precision = block_diag([precision, grounded(field.graph).matrix / self.slope**2])
            constant = np.kron(np.eye(2), constant)
        inner = splu(csc_array(precision + along.T @ diags_array(d) @ along))
        solved = inner.solve(along.T @ weighted)
        if constant.shape[1]:
            # Fields sum to zero in each component.
            spread = inner.solve(constant)
            solved -= spread @ np.linalg.solve(constant.T @ spread, constant.T @ solved)
        return weighted - d[:, None] * (along @ solved)

    def _effects(self, row: np.ndarray) -> np.ndarray:
        """Cov(e) times a row."""
        field = self.posterior.field
        if not self.posterior.has_field:
            return np.zeros_like(row)
        if field.precision is not None:
            return splu(_precision(field.precision, self.sigma, self.rho)).solve(row)
        own = self.sigma**2 * (1 - self._fraction) * row
        if self._fraction == 0:
            return own
        shifted = csc_array(field.graph.matrix + _EPSILON * eye_array(field.graph.n, format="csc"))
        phi = splu(shifted)
        total = own + self.sigma**2 * self._fraction * phi.solve(self._within(row))
        if (x := self.posterior.varying) is not None:
            total += self.slope**2 * x * phi.solve(self._within(x * row))
        return total

    def _within(self, row: np.ndarray) -> np.ndarray:
        """A row without its means over components."""
        constant = self._components
        return row - constant @ ((constant.T @ row) / self.posterior.field.graph.sizes)

    @property
    def _fraction(self) -> float:
        """rho; 0 for ``iid``, whose graph has no links."""
        return self.rho if self.posterior.field.graph.sizes.size else 0.0

    @property
    def _components(self) -> np.ndarray:
        """Which district belongs to which component, as 0 and 1, islands to none, shape (n, components)."""
        graph = self.posterior.field.graph
        return (graph.component[:, None] == np.arange(graph.sizes.size)).astype(np.float64)


def working_model(fit: Fit, posterior: Posterior, eta: np.ndarray) -> WorkingModel:
    """The linear model that a fit nearly is, at its mean hyperparameters and a linear predictor (n,)."""
    family, known = FAMILIES[posterior.family], fit.hyperparameters
    return WorkingModel(
        posterior,
        family.information(eta, posterior.size, float(np.mean(fit.dispersion()))),
        sigma=float(fit.draws("sigma").mean()) if "sigma" in known else 0.0,
        rho=float(fit.draws("rho").mean()) if "rho" in known else 0.0,
        groups={
            name: float(fit.draws(name).mean())
            for name in posterior.hyperparameters
            if name.startswith((SD, PARTIAL))
        },
        slope=float(fit.draws(SIGMA_SLOPE).mean()) if SIGMA_SLOPE in known else 0.0,
    )


def working_response(fit: Fit, posterior: Posterior, eta: np.ndarray) -> np.ndarray:
    """What stands for the votes in that model: eta + score / information, and 0 where none are told."""
    family, dispersion = FAMILIES[posterior.family], float(np.mean(fit.dispersion()))
    information = family.information(eta, posterior.size, dispersion)
    told = information > 0
    score = family.score(eta, posterior.votes, posterior.size, dispersion)
    return np.where(told, eta + score / np.where(told, information, 1.0), 0.0)


def _precision(precision: SparsePrecision, sigma: float, rho: float) -> csc_array:
    """Q of a structure at sigma and rho, in the districts' order."""
    share, _ = weights(precision.code, rho, precision.table)
    order, start, index = precision.pattern[:3]
    rows = np.repeat(np.arange(precision.n), np.diff(start))
    below, diagonal = share @ precision.below_terms, share @ precision.diagonal_terms
    row, column = (
        order[np.r_[rows, index, np.arange(precision.n)]],
        order[np.r_[index, rows, np.arange(precision.n)]],
    )
    values = np.r_[below, below, diagonal] / sigma**2
    return csc_array(coo_array((values, (row, column)), shape=(precision.n, precision.n)))
