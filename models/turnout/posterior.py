r"""The posterior of a turnout model's hyperparameters, with everything else integrated out.

With x the values of all terms, A the matrix that picks a cell's values, and each cell's own effect
integrated out by quadrature (`models.laplace.district`),

    p(theta | y)  ~  p(theta) * integral of prod_i Z_i(m_i) N(x; 0, Q(theta)^-1) dx,     m = offset + A x,

and the integral is taken by Laplace's method at the mode x(theta), found by Newton's method:

    log p = log p(theta) + sum_i log Z_i(m_i) - x'Qx / 2 + (log|Q| - log|Q + A'HA|) / 2,   H = -log Z''.

Given theta, x is Normal(x(theta), (Q + A'HA)^-1) in this approximation. The values of the terms are a few
hundred at most, each seen by many persons, so that the integrand is close to a Gaussian; how close is
measured by calibration (docs/turnout.md).
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import cho_solve, cholesky
from scipy.special import expit, logit

from spatialvote.data.turnout import TurnoutCells
from spatialvote.models.compiled import compiled
from spatialvote.models.families.binomial import CODE
from spatialvote.models.laplace.district import ROWS, collapse_all
from spatialvote.models.priors import log_prior_rho, log_prior_sigma
from spatialvote.models.turnout.model import TurnoutModel
from spatialvote.models.turnout.terms import Hyper, Term, make_terms

_MOST_STEPS = 100
#: Newton's method ends where half the squared length of a step, in posterior standard deviations, is less.
_CONVERGED = 1e-8
#: A cell's own standard deviation below this, a thousandth of a logit, is taken for none.
SMALLEST_CELL = 1e-3


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
        Upper Cholesky factor of Q + A'HA.
    cells
        What `collapse_all` gives at the mode, shape (`ROWS`, cells).
    """

    value: float
    mode: np.ndarray
    factor: np.ndarray
    cells: np.ndarray


@dataclass(frozen=True, eq=False)
class TurnoutPosterior:
    """A model with cells.

    Attributes
    ----------
    terms, hypers
        The parts of the linear predictor, and its hyperparameters.
    offset
        Logit of the overall turnout, around which the shared level lies.
    index
        Position of each cell's values among those of all terms, shape (cells, terms).
    voted, entitled
        Persons of each cell, shape (cells,).
    """

    terms: tuple[Term, ...]
    hypers: tuple[Hyper, ...]
    offset: float
    index: np.ndarray
    voted: np.ndarray
    entitled: np.ndarray
    _priors: tuple = field(default=(), repr=False)

    @classmethod
    def of(cls, model: TurnoutModel, cells: TurnoutCells) -> "TurnoutPosterior":
        """The posterior of a model for some cells."""
        terms, hypers = make_terms(model, cells)
        starts = np.cumsum([0, *(term.size for term in terms)])[:-1]
        index = np.column_stack([start + term.index for start, term in zip(starts, terms, strict=True)])
        # Half a person is added, so that a turnout of 0 or 100 % has a logit.
        overall = (cells.voted.sum() + 0.5) / (cells.entitled.sum() + 1)
        priors = tuple(hyper.code() for hyper in hypers)
        return cls(
            tuple(terms),
            tuple(hypers),
            float(logit(overall)),
            np.ascontiguousarray(index, dtype=np.int64),
            cells.voted,
            cells.entitled,
            priors,
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
        """Hyperparameters on their own scales: theta is log sigma, or logit rho."""
        return {
            hyper.name: float(expit(one) if hyper.name == "rho" else np.exp(one))
            for hyper, one in zip(self.hypers, theta, strict=True)
        }

    def start(self) -> np.ndarray:
        """A starting point: each standard deviation 0.3 (of a cell 0.1), rho a half."""
        start = {"rho": 0.0, "sigma_cell": np.log(0.1)}
        return np.array([start.get(name, np.log(0.3)) for name in self.names])

    def log_prior(self, theta: np.ndarray) -> float:
        """log p(theta), Jacobian included."""
        total = 0.0
        for hyper, code, one in zip(self.hypers, self._priors, theta, strict=True):
            if hyper.name == "rho":
                total += log_prior_rho(expit(one), *code)[0]
            else:
                total += log_prior_sigma(np.exp(one), *code)[0]
        return total

    def precision(self, values: dict[str, float]) -> tuple[np.ndarray, float]:
        """Q, shape (values, values), and log|Q|."""
        full = np.zeros((self.size, self.size))
        log_det, start = 0.0, 0
        for term in self.terms:
            inverse = 1 / term.variances(values)
            log_det += term.copies * np.log(inverse).sum()
            for _ in range(term.copies):
                at = slice(start, start + term.nodes)
                if term.vectors is None:
                    full[np.arange(at.start, at.stop), np.arange(at.start, at.stop)] = inverse
                else:
                    full[at, at] = (term.vectors * inverse) @ term.vectors.T
                start += term.nodes
        return full, log_det

    def point(self, theta: np.ndarray, start: np.ndarray | None = None) -> Point:
        """The integral at theta; Newton's method begins at `start`."""
        values = self.values(theta)
        prior, log_det = self.precision(values)
        t = cell_precision(values)
        x = np.zeros(self.size) if start is None else start.copy()
        out = np.empty((ROWS, self.voted.size))
        modes = np.full(self.voted.size, self.offset)

        def height(x: np.ndarray) -> float:
            m = self.offset + x[self.index].sum(axis=1)
            collapse_all(CODE, m, t, self.voted, self.entitled, 0.0, modes, out)
            modes[:] = out[8]
            return float(out[0].sum() - 0.5 * x @ prior @ x)

        top = height(x)
        for _ in range(_MOST_STEPS):
            gram = prior.copy()
            slope = -prior @ x
            _accumulate(self.index, out[1], out[2], slope, gram)
            factor = cholesky(gram, check_finite=False)
            step = cho_solve((factor, False), slope, check_finite=False)
            decrement = 0.5 * float(slope @ step)
            if decrement < _CONVERGED:
                break
            shrink = 1.0
            # log Z is concave, so that a step fails only by being too long.
            while (new := height(x + shrink * step)) < top - 1e-9 * abs(top) and shrink > 1e-4:
                shrink /= 2
            x, top = x + shrink * step, new
        value = self.log_prior(theta) + top + 0.5 * log_det - np.log(np.diag(factor)).sum()
        return Point(value, x, factor, out)


def cell_precision(values: dict[str, float]) -> float:
    """1 / sigma_cell^2; infinite below `SMALLEST_CELL`, where t - t^2 V would cancel to nothing."""
    sigma = values.get("sigma_cell", 0.0)
    return 1 / sigma**2 if sigma > SMALLEST_CELL else np.inf


@compiled()
def _accumulate(index, slope_of, curve_of, slope, gram):
    """Add A'g to `slope` and A'HA to `gram`, cell by cell; each row of A has one 1 for each term."""
    for i in range(index.shape[0]):
        for a in range(index.shape[1]):
            slope[index[i, a]] += slope_of[i]
            for b in range(index.shape[1]):
                gram[index[i, a], index[i, b]] += curve_of[i]
