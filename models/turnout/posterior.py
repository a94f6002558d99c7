r"""The posterior of a turnout model's hyperparameters, with everything else integrated out.

With x the values of all terms, A the matrix that picks a cell's values, and each cell's own effect
integrated out by quadrature (`models.laplace.district`),

    p(theta | y)  ~  p(theta) * integral of prod_i Z_i(m_i) N(x; 0, Q(theta)^-1) dx,     m = offset + A x,

and the integral is taken by Laplace's method at the mode x(theta), found by Newton's method:

    log p = log p(theta) + sum_i log Z_i(m_i) - x'Qx / 2 + (log|Q| - log|Q + A'HA|) / 2,   H = -log Z''.

Given theta, x is Normal(x(theta), (Q + A'HA)^-1) in this approximation. The values of the terms are a few
hundred at most, each seen by many persons, so that the integrand is close to a Gaussian; what is left, the
draws are weighed for (`fitting`).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from spatialvote.data.turnout import TurnoutCells
from spatialvote.models.families.binomial import CODE
from spatialvote.models.laplace.district import ROWS, collapse_all
from spatialvote.models.turnout.elimination import Factor, factorise, gradient
from spatialvote.models.turnout.model import TurnoutModel
from spatialvote.models.turnout.terms import Hyper, Term, make_terms

_MOST_STEPS = 100
#: Newton's method ends where half the squared length of a step, in posterior standard deviations, is less.
_CONVERGED = 1e-8
#: Standard deviations, in logits, and distances of rho from 0 and 1 below which nothing changes.
SMALLEST = 1e-4
#: A cell's own standard deviation below this, a thousandth of a logit, is taken for none.
SMALLEST_CELL = 1e-3


@dataclass(frozen=True, eq=False)
class Prior:
    """Q at one value of the hyperparameters: the kept terms, and the eliminated one, whose Q is diagonal.

    Attributes
    ----------
    kept
        Shape (k, k).
    own
        Shape (e,).
    log_det
        log|Q|.
    """

    kept: np.ndarray
    own: np.ndarray
    log_det: float

    def times(self, x: np.ndarray) -> np.ndarray:
        """Q x, shape (k + e,)."""
        k = len(self.kept)
        return np.concatenate([self.kept @ x[:k], self.own * x[k:]])


@dataclass(frozen=True, eq=False)
class Point:
    """The integral at one value of the hyperparameters.

    Attributes
    ----------
    value
        log p(theta | y) up to a constant.
    mode
        x(theta), shape (values,).
    factor
        Factor of Q + A'HA.
    prior
        Q.
    cells
        What `collapse_all` gives at the mode, shape (`ROWS`, cells).
    """

    value: float
    mode: np.ndarray
    factor: Factor
    prior: Prior
    cells: np.ndarray


@dataclass(frozen=True, eq=False)
class TurnoutPosterior:
    """A model with cells.

    Attributes
    ----------
    terms, hypers
        The parts of the linear predictor, and its hyperparameters. The largest term of independent values
        is the last, and eliminated (`elimination`).
    offset
        Logit of the overall turnout, around which the shared level lies.
    index, scale
        Position of each cell's values among those of all terms, and the factors they come with, shape
        (cells, terms).
    voted, entitled
        Persons of each cell, shape (cells,).
    """

    terms: tuple[Term, ...]
    hypers: tuple[Hyper, ...]
    offset: float
    index: np.ndarray
    scale: np.ndarray
    voted: np.ndarray
    entitled: np.ndarray

    @classmethod
    def of(cls, model: TurnoutModel, cells: TurnoutCells) -> "TurnoutPosterior":
        """The posterior of a model for some cells."""
        terms, hypers = make_terms(model, cells)
        independent = [term for term in terms if term.vectors is None]
        if independent:
            largest = max(independent, key=lambda term: term.size)
            terms = [*(term for term in terms if term is not largest), largest]
        starts = np.cumsum([0, *(term.size for term in terms)])[:-1]
        index = np.column_stack([start + term.index for start, term in zip(starts, terms, strict=True)])
        ones = np.ones(cells.voted.size)
        scale = np.column_stack([ones if term.scale is None else term.scale for term in terms])
        # Half a person is added, so that a turnout of 0 or 100 % has a logit.
        overall = (cells.voted.sum() + 0.5) / (cells.entitled.sum() + 1)
        return cls(
            tuple(terms),
            tuple(hypers),
            float(logit(overall)),
            np.ascontiguousarray(index, dtype=np.int64),
            np.ascontiguousarray(scale),
            cells.voted,
            cells.entitled,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the hyperparameters."""
        return tuple(hyper.name for hyper in self.hypers)

    @property
    def size(self) -> int:
        """Values of all terms."""
        return sum(term.size for term in self.terms)

    def values(self, theta: np.ndarray) -> dict[str, float]:
        """Hyperparameters on their own scales; theta are their scores (`Hyper`).

        Within `SMALLEST` of their limits they are held there: densities do not change any more, and
        precisions would differ by more than a factor can hold.
        """
        values = {}
        for hyper, score in zip(self.hypers, theta, strict=True):
            highest = 1 - SMALLEST if hyper.name == "rho" else np.inf
            values[hyper.name] = float(np.clip(hyper.value(score), SMALLEST, highest))
        return values

    def log_prior(self, theta: np.ndarray) -> float:
        """log p(theta): scores are standard Normal."""
        return float(-0.5 * theta @ theta - 0.5 * theta.size * np.log(2 * np.pi))

    def precision(self, values: dict[str, float]) -> Prior:
        """Q and its determinant."""
        eliminated = self.terms[-1].vectors is None
        kept = self.terms[:-1] if eliminated else self.terms
        size = sum(term.size for term in kept)
        full, own = np.zeros((size, size)), np.empty(0)
        log_det, start = 0.0, 0
        for term in kept:
            inverse = 1 / term.variances(values)
            log_det += term.copies * np.log(inverse).sum()
            # Copies have the same precision: it is made once.
            block = np.diag(inverse) if term.vectors is None else (term.vectors * inverse) @ term.vectors.T
            for _ in range(term.copies):
                full[start : start + term.nodes, start : start + term.nodes] = block
                start += term.nodes
        if eliminated:
            own = 1 / self.terms[-1].variances(values)
            log_det += np.log(own).sum()
        return Prior(full, own, float(log_det))

    def predictor(self, x: np.ndarray) -> np.ndarray:
        """m = offset + A x of values (..., size), shape (..., cells)."""
        return self.offset + np.einsum("...ij,ij->...i", x[..., self.index], self.scale)

    def height(self, x: np.ndarray, prior: Prior, t: float, start: np.ndarray, out: np.ndarray) -> float:
        """sum_i log Z_i(m_i) - x'Qx / 2; fills `out` with the cells' derivatives."""
        collapse_all(CODE, self.predictor(x), t, self.voted, self.entitled, 0.0, start, out)
        return float(out[0].sum() - 0.5 * x @ prior.times(x))

    def point(self, theta: np.ndarray, start: np.ndarray | None = None) -> Point:
        """The integral at theta; Newton's method begins at `start`."""
        values = self.values(theta)
        prior, t = self.precision(values), cell_precision(values)
        x = np.zeros(self.size) if start is None else start
        out, other = np.empty((ROWS, self.voted.size)), np.empty((ROWS, self.voted.size))
        top = self.height(x, prior, t, np.full(self.voted.size, self.offset), out)
        for _ in range(_MOST_STEPS):
            slope = -prior.times(x)
            gradient(self.index, self.scale, out[1], slope)
            factor = factorise(self.index, self.scale, out[2], prior.kept, prior.own)
            step = factor.solve(slope)
            decrement = 0.5 * float(slope @ step)
            if decrement < _CONVERGED:
                break
            shrink = 1.0
            # log Z is concave, so that a step fails only by being too long.
            while (new := self.height(x + shrink * step, prior, t, out[8], other)) < top - 1e-9 * abs(
                top
            ) and shrink > 1e-4:
                shrink /= 2
            x, top = x + shrink * step, new
            out, other = other, out
        value = self.log_prior(theta) + top + 0.5 * prior.log_det - factor.half_log_det
        return Point(value, x, factor, prior, out)


def cell_precision(values: dict[str, float]) -> float:
    """1 / sigma_cell^2; infinite below `SMALLEST_CELL`, where t - t^2 V would cancel to nothing."""
    sigma = values.get("sigma_cell", 0.0)
    return 1 / sigma**2 if sigma > SMALLEST_CELL else np.inf
