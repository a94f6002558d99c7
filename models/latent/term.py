r"""What a latent term is: a sparse matrix, a precision as a weighted sum of fixed matrices, constraints.

A term contributes A z to the linear predictor, with

    z ~ N(0, Q(theta)^-),    Q(theta) = sum_m w_m(theta) T_m,    C z = 0,

the T_m sparse, symmetric and fixed, the weights w_m and log |Q| (on C z = 0) functions of the
hyperparameters. This holds scaled fields (one T, w = 1 / sigma^2), correlated effects of groups (T_m for each
entry of a K x K precision) and Kronecker products over time. The null space of Q must be that of the
constraints, or be told by the rows.

`Weights` and `LogDet` are called with **complex** numbers too: gradients are by complex step, exact to
rounding (Squire and Trapp 1998), so they must be analytic formulas (powers, exp, log, sums), without abs, max
or conjugates.

Squire, W., Trapp, G. (1998). Using complex variables to estimate derivatives of real functions. SIAM Review
40.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from spatialvote.models.priors import (
    EXPONENTIAL,
    HALF_NORMAL,
    BetaRho,
    HalfNormal,
    PCOverdispersion,
    PCRho,
    PCSigma,
)
from spatialvote.models.spectrum import Spectrum

#: Hyperparameters by name, on their own scales: numbers, or arrays of draws.
Values = Mapping[str, np.ndarray]
#: From values (arrays of complex numbers) to the weights w_m, m arrays of their shape.
Weights = Callable[[Values], Sequence[np.ndarray]]
#: From values (arrays of complex numbers) to log |Q| up to a constant, of their shape.
LogDet = Callable[[Values], np.ndarray]
#: From draws of z (draws, size) and of the hyperparameters (draws,) to named arrays (draws, ...).
Report = Callable[[np.ndarray, Values], dict[str, np.ndarray]]

_NO_GRAPH = Spectrum(np.ones(1), np.ones(1))


@dataclass(frozen=True, eq=False)
class Hyper:
    """One hyperparameter.

    Attributes
    ----------
    name
        Its name in a fit.
    prior
        An object of `spatialvote.models.priors`. With a prior of a standard deviation the unconstrained scale
        is the logarithm, with one of a fraction the logit.
    nodes
        Compressed eigenvalues on which a penalised-complexity prior of rho depends.
    start
        Where the search begins, on the unconstrained scale; None: a standard deviation at what covariates
        leave, a fraction at one half.
    """

    name: str
    prior: PCSigma | HalfNormal | PCRho | BetaRho | PCOverdispersion
    nodes: Spectrum = _NO_GRAPH
    start: float | None = None

    def code(self) -> tuple[int, float, float]:
        """Code and parameters of the prior, for the compiled density."""
        return self.prior.code(self.nodes) if isinstance(self.prior, PCRho | BetaRho) else self.prior.code()

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draws from the prior, shape (size,)."""
        if isinstance(self.prior, PCRho | BetaRho):
            return self.prior.draw(rng, size, self.nodes)
        return self.prior.draw(rng, size)

    @property
    def positive(self) -> bool:
        """Whether it is any positive number, rather than a fraction."""
        return self.code()[0] in (EXPONENTIAL, HALF_NORMAL)


@dataclass(frozen=True, eq=False)
class Term:
    """A latent term.

    Attributes
    ----------
    name
        What messages call it.
    matrix
        A, shape (rows, size).
    hypers
        Its hyperparameters. Terms that name the same one share it.
    bases
        T_m, sparse symmetric, each (size, size).
    weights
        w_m of values.
    log_det
        log |Q| of values, up to a constant.
    constraints
        C, sparse, shape (constraints, size). Keep them few (hundreds are slow): a sum to zero over time is
        better expressed by contrasts in A.
    report
        What a fit keeps of the draws of z.
    """

    name: str
    matrix: csr_array
    hypers: tuple[Hyper, ...]
    bases: tuple[csr_array, ...]
    weights: Weights
    log_det: LogDet
    report: Report
    constraints: csr_array | None = None

    @property
    def size(self) -> int:
        """Length of z."""
        return self.matrix.shape[1]

    def precision(self, values: Values) -> csr_array:
        """Q at given values, shape (size, size)."""
        parts = zip(self.weights(values), self.bases, strict=True)
        return csr_array(sum(weight * base for weight, base in parts))

    def draw(self, values: Values, rng: np.random.Generator) -> np.ndarray:
        """One draw of z from its prior at given values, shape (size,), by dense algebra.

        Directions in which Q is zero are left out, and the draw meets the constraints.
        """
        precision = self.precision(values).toarray()
        if self.constraints is not None:
            # On C z = 0 nothing changes, and the constrained directions leave the null space.
            constraints = self.constraints.toarray()
            basis = np.linalg.qr(constraints.T, mode="complete")[0][:, len(constraints) :]
            lower = np.linalg.cholesky(basis.T @ precision @ basis)
            return basis @ np.linalg.solve(lower.T, rng.standard_normal(basis.shape[1]))
        lower = np.linalg.cholesky(precision)
        return np.linalg.solve(lower.T, rng.standard_normal(self.size))
