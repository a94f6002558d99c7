"""Joint draws of everything, point by point of the hyperparameters, with their weights."""

from dataclasses import dataclass, field

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.families import FAMILIES
from spatialvote.models.laplace.draws import draw_field, log_ratio, log_ratio_by_series
from spatialvote.models.laplace.eta import draw_all
from spatialvote.models.laplace.in_turn import draw_corrected
from spatialvote.models.laplace.sites import correct
from spatialvote.models.laplace.target import Mode, Start, Target
from spatialvote.models.laplace.weigh import allot

#: The series replaces quadrature in the weights where the two differ by less than this, in nats, on all draws
#: that are compared: one at each of the first points.
_SERIES_ERROR = 0.01
COMPARED = 8


@compiled()
def quadratic_forms(below_terms, diagonal_terms, x, pattern):
    """x'T_m x of each column of x (n, k) and each term, shape (k, M)."""
    below_start, below_index = pattern[1], pattern[2]
    n, k = x.shape
    terms = diagonal_terms.shape[0]
    form = np.zeros((k, terms))
    for i in range(n):
        for q in range(k):
            square = x[i, q] * x[i, q]
            for m in range(terms):
                form[q, m] += diagonal_terms[m, i] * square
        for e in range(below_start[i], below_start[i + 1]):
            j = below_index[e]
            for q in range(k):
                product = 2.0 * x[i, q] * x[j, q]
                for m in range(terms):
                    form[q, m] += below_terms[m, e] * product
    return form


@dataclass(eq=False)
class Joint:
    """Draws in the making; see `Drawn` for the arrays' meaning.

    Draws belong to points of the hyperparameters by a random assignment, so that their order says nothing.
    """

    target: Target
    theta: np.ndarray
    coefficients: np.ndarray
    phi: np.ndarray
    eta: np.ndarray
    moments: np.ndarray
    log_point: np.ndarray
    log_ratio: np.ndarray
    slots: list[np.ndarray]
    sources: list[np.random.Generator]
    differences: list[float] = field(default_factory=list)

    @classmethod
    def empty(cls, target: Target, draws: int, log_weight: np.ndarray, rng: np.random.Generator) -> "Joint":
        """Room for ``draws`` draws at points of these weights."""
        n, p = target.design.shape
        points = len(log_weight)
        precision = target.posterior.field.precision
        return cls(
            target,
            np.empty((draws, len(target.names))),
            np.empty((draws, p)),
            np.empty((draws, n), dtype=np.float32),
            np.empty((draws, n), dtype=np.float32),
            np.empty((draws, 3 if precision is None else len(precision.diagonal_terms))),
            np.full(points, -np.inf),
            np.zeros(draws),
            allot(log_weight, draws, rng),
            rng.spawn(points),
        )

    def fill(self, point: int, theta: np.ndarray, log_proposal: float, begin: Start) -> None:
        """Draw at one point of the hyperparameters, and weigh."""
        target, slots, rng = self.target, self.slots[point], self.sources[point]
        mode = target.mode(theta, begin)
        self.theta[slots] = theta
        if mode is None:
            # No approximation at this point: it keeps weight zero.
            self.coefficients[slots], self.phi[slots], self.eta[slots] = 0.0, 0.0, 0.0
            self.moments[slots] = 1.0
            return
        scales, family = mode.scales, FAMILIES[target.posterior.family].CODE
        n, p = target.design.shape
        self.log_point[point] = mode.value - log_proposal
        sites = None if target.posterior.field.precision is None else correct(target, mode)
        if sites is None:
            x, c = rng.standard_normal((n, len(slots))), rng.standard_normal((p, len(slots)))
            draw_field(
                scales.a, mode.x, mode.c, mode.factor, mode.v, mode.null, mode.null_sum, mode.lower,
                target.component, target.pattern, x, c,
            )  # fmt: skip
            fixed = target.design @ c
            moved = scales.a * x + fixed
            self.log_ratio[slots] = self._log_ratio(mode, family, moved)
        else:
            x, c, ratio = draw_corrected(target, scales.dispersion, sites, len(slots), rng)
            fixed = target.design @ c
            moved = x + fixed
            self.log_ratio[slots] = sites.log_z - mode.value + ratio
        if scales.t < np.inf:
            eta = np.empty_like(moved)
            draw_all(
                family, scales.t, moved, mode.m, mode.out, target.votes, target.size, scales.dispersion, rng,
                eta
            )  # fmt: skip
            u = eta - fixed
            self.moments[slots] = np.column_stack([(u * u).sum(0), (u * x).sum(0), (x * x).sum(0)])
        else:
            eta = moved
            precision = target.posterior.field.precision
            if precision is not None:
                self.moments[slots] = quadratic_forms(
                    precision.below_terms, precision.diagonal_terms, x, target.pattern
                )
        order = target.pattern[0]
        for q, slot in enumerate(slots):
            self.phi[slot, order] = x[:, q]
            self.eta[slot, order] = eta[:, q]
        self.coefficients[slots] = c.T

    def _log_ratio(self, mode: Mode, family: int, moved: np.ndarray) -> np.ndarray:
        """r of each draw, by quadrature or, where it is as good, by the series."""
        target, scales = self.target, mode.scales

        def exact(columns: np.ndarray) -> np.ndarray:
            return log_ratio(
                family, scales.dispersion, scales.t, np.ascontiguousarray(columns), mode.m, mode.out,
                target.votes, target.size,
            )  # fmt: skip

        if scales.t == np.inf:
            return exact(moved)
        if len(self.differences) >= COMPARED and self.series_serves:
            return log_ratio_by_series(moved, mode.m, mode.out)
        ratio = exact(moved)
        if len(self.differences) < COMPARED:
            series = log_ratio_by_series(moved, mode.m, mode.out)
            self.differences.append(float(np.abs(ratio - series).max()))
        return ratio

    @property
    def series_serves(self) -> bool:
        """Whether the series came close enough to quadrature on the draws where both were computed."""
        return bool(self.differences) and max(self.differences) < _SERIES_ERROR

    def keep(self, ancestor: np.ndarray) -> None:
        """Replace each draw by its ancestor; draws that survive must be their own ancestors."""
        copied = np.flatnonzero(ancestor != np.arange(len(ancestor)))
        for array in (self.theta, self.coefficients, self.phi, self.eta, self.moments):
            array[copied] = array[ancestor[copied]]
