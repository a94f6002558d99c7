r"""The spectrum of the scaled Laplacian R (or the normalised one), compressed to a few dozen nodes.

The densities need two functions of one number k = rho / (1 - rho),

    f(k) = sum over nonzero eigenvalues of log(1 + k / lambda),     f'(k) = sum of 1 / (lambda + k),

at every gradient, and the penalised-complexity prior needs more such sums. For thousands of districts the
eigenvalues cannot be had, but the sums can be written with few nodes: f at some sixty values of k follows
from one sparse factorisation each (log |R + k I| = f(k) + log |R|+ + n_components log k), and non-negative
least squares then finds weights on a fixed grid of log lambda that reproduce them. Unlike a polynomial in
log k, the result has the right limits for k -> 0 and k -> infinity, and it never cancels: every sum is one
of positive terms.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls
from scipy.sparse import csc_array, diags_array

from spatialvote.models.cholesky import Pattern, analyse, factorise, log_determinant
from spatialvote.models.scaled_graph import ScaledGraph


class Spectrum(NamedTuple):
    """Nodes and weights with sum_j weight_j g(value_j) = sum over nonzero eigenvalues of g(lambda).

    Attributes
    ----------
    value
        Nodes, positive, shape (m,).
    weight
        Positive weights that sum to n - n_components, shape (m,).
    """

    value: np.ndarray
    weight: np.ndarray


#: Distance of the nodes and of the fitted values in log lambda and log k: finer does not fit better.
_STEP = 0.25

#: Rounds in which the nodes are moved.
_ROUNDS = 24


def spectrum(graph: ScaledGraph) -> Spectrum:
    """Compress the nonzero eigenvalues of R; f(k) is then right to about 1e-9 for every k."""
    if graph.sizes.size == 0:
        return Spectrum(np.ones(1), np.array([float(graph.n)]))
    degree = graph.matrix.diagonal()[graph.component >= 0]
    # lambda_2 >= 4 / (n diameter) for a component's Laplacian with the smallest weight times the scaling.
    off_diagonal = -graph.matrix.data[graph.matrix.data < 0]
    lower = off_diagonal.min() * 4.0 / float(graph.sizes.max()) ** 2
    return compress(graph.pattern, graph.sizes.size, graph.islands.size, (lower, 2.0 * degree.max()))


def normalised_spectrum(graph: ScaledGraph) -> Spectrum:
    """Compress the nonzero eigenvalues of I - D^-1/2 W D^-1/2, which is 1 on islands.

    The scaling of R within components cancels: N = diag(R)^-1/2 R diag(R)^-1/2.
    """
    if graph.sizes.size == 0:
        return Spectrum(np.ones(1), np.array([float(graph.n)]))
    degree = graph.matrix.diagonal()
    root = diags_array(1.0 / np.sqrt(degree))
    pattern = analyse(csc_array(root @ graph.matrix @ root))
    # mu_2 >= 1 / (diameter volume) (Chung 1997, lemma 1.9), with the smallest weight in place of one.
    off_diagonal = -graph.matrix.data[graph.matrix.data < 0]
    volume = np.bincount(graph.component[graph.component >= 0], degree[graph.component >= 0]).max()
    lower = off_diagonal.min() / (volume * float(graph.sizes.max()))
    return compress(pattern, graph.sizes.size, graph.islands.size, (lower, 2.0))


def compress(pattern: Pattern, null: int, ones: int, bounds: tuple[float, float]) -> Spectrum:
    """Compress the nonzero eigenvalues of an analysed positive semidefinite matrix.

    Parameters
    ----------
    pattern
        Symbolic analysis of the matrix, with its values.
    null, ones
        Known multiplicity of the eigenvalue 0, and a number of eigenvalues known to be 1 (islands).
    bounds
        The other eigenvalues lie between these two.
    """
    arrays = tuple(pattern)
    grid = np.exp(np.arange(np.log(bounds[0]), np.log(bounds[1]) + _STEP, _STEP))
    k = np.exp(np.arange(np.log(bounds[0]) - 2, np.log(bounds[1]) + 3, _STEP))
    log_det = np.array([log_determinant(factorise(one, arrays), arrays) for one in k])
    # Ones are known exactly; the null vectors' k is divided out.
    target = log_det - ones * np.log1p(k) - null * np.log(k)
    value, weight = _fit(grid, k, target, pattern.order.size - ones - null)
    if ones:
        value, weight = np.r_[value, 1.0], np.r_[weight, float(ones)]
    return Spectrum(value, weight)


def _fit(grid: np.ndarray, k: np.ndarray, target: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights on the grid with sum w log(lambda + k) = target at every k and sum w = count.

    An eigenvalue between two nodes costs an error of up to step^2 / 32 in f; on a lattice these cancel, but
    a graph of cliques has many equal eigenvalues. So the nodes that carry weight are moved closer, by
    offering each of them neighbours at ever smaller distance.
    """
    value, step = grid, _STEP
    weight, error = _weights(value, k, target, count)
    for _ in range(_ROUNDS):
        active = value[weight > 0]
        moved = np.unique(np.concatenate([active * np.exp(shift * step) for shift in (-1, -0.5, 0, 0.5, 1)]))
        weight_moved, error_moved = _weights(moved, k, target, count)
        # Nodes may have far to go: the distance is halved only when this one no longer helps.
        if error_moved > 0.5 * error:
            step /= 2
        if error_moved <= error:
            value, weight, error = moved, weight_moved, error_moved
    keep = weight > 0
    return value[keep], weight[keep] * (count / weight[keep].sum())


def _weights(value: np.ndarray, k: np.ndarray, target: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """Non-negative least squares and its residual norm; the count enters as one heavily weighted row."""
    rows = np.vstack([np.log(value + k[:, None]), np.full((1, value.size), 1e3)])
    return nnls(rows, np.r_[target, 1e3 * count], maxiter=1000 * value.size)


def log_ratio(spectrum: Spectrum, k: np.ndarray) -> np.ndarray:
    """f(k) = sum over nonzero eigenvalues of log(1 + k / lambda), same shape as k."""
    return np.log1p(np.asarray(k)[..., None] / spectrum.value) @ spectrum.weight
