r"""Draws of the district effects before any votes are seen, from the distribution that a structure gives.

For ``bym2`` (and ``iid``), e ~ N(0, sigma^2 [(1 - rho) I + rho R^-]): phi ~ N(0, R^-) is drawn as L'^-1 z
with L L' = R + eps I, centred within components. In the eigenbasis of R this has variance 1 / (lambda + eps)
in place of 1 / lambda: with eps = 1e-11 the error is below 1e-7 of the variance even for the smoothest
eigenvector of a hundred thousand districts, and the null vectors, of variance 1 / eps, are removed by the
centring. For the structures with a sparse precision, e ~ N(0, Q^-1) is drawn as L'^-1 z with L L' = Q, one
factor for each pair of sigma and rho.
"""

import numpy as np

from spatialvote.models.cholesky import factorise, solve_transposed_in_place
from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import centre_in_place
from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.sparse_kernel import factorise_precision
from spatialvote.models.structures.field import Field
from spatialvote.models.structures.sparse_precision import SparsePrecision

_EPSILON = 1e-11


def draw_phi(graph: ScaledGraph, rng: np.random.Generator, size: int) -> np.ndarray:
    """Draws of the scaled intrinsic CAR, shape (size, n); iid N(0, 1) on islands."""
    factor = factorise(_EPSILON, tuple(graph.pattern))
    phi = np.empty((size, graph.n))
    # In blocks, so that the work array stays small for many draws on many districts.
    for start in range(0, size, 64):
        block = rng.standard_normal((graph.n, min(64, size - start)))
        _draw(factor, block, graph.component, graph.sizes, tuple(graph.pattern))
        phi[start : start + 64] = block.T
    return phi


def draw_effects(
    graph: ScaledGraph, sigma: np.ndarray, rho: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Effects under ``bym2`` for each pair of sigma and rho, shape (draws, n)."""
    size = len(sigma)
    effects = rng.standard_normal((size, graph.n))
    effects *= np.sqrt(1 - rho)[:, None]
    phi = draw_phi(graph, rng, size)
    # In place: many draws of many districts are large.
    phi *= np.sqrt(rho)[:, None]
    effects += phi
    effects *= sigma[:, None]
    return effects


def draw_sparse(
    precision: SparsePrecision, sigma: np.ndarray, rho: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Effects under a sparse precision for each pair of sigma and rho, shape (draws, n)."""
    terms = (precision.below_terms, precision.diagonal_terms, tuple(precision.pattern))
    effects = np.empty((len(sigma), precision.n))
    for s in range(len(sigma)):
        white = rng.standard_normal((precision.n, 1))
        _draw_one(white, float(sigma[s]), float(rho[s]), precision.code, precision.table, *terms)
        effects[s, precision.pattern[0]] = white[:, 0]
    return effects


def draw_structure(
    field: Field, sigma: np.ndarray, rho: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    """Effects under any structure with sigma, shape (draws, n); rho is None for ``iid``."""
    half = np.full(len(sigma), 0.5) if rho is None else rho
    if field.precision is None:
        return draw_effects(field.graph, sigma, half, rng)
    return draw_sparse(field.precision, sigma, half, rng)


@compiled()
def _draw(factor, white, component, sizes, pattern):
    """Overwrite white noise (n, m) with draws of phi in the districts' order."""
    order = pattern[0]
    solve_transposed_in_place(factor, pattern, white)
    permuted = white.copy()
    for r in range(order.size):
        white[order[r], :] = permuted[r, :]
    centre_in_place(white, component, sizes)


@compiled()
def _draw_one(white, sigma, rho, code, table, below_terms, diagonal_terms, pattern):
    """Overwrite white noise (n, 1) with a draw in the pattern's order."""
    factor = factorise_precision(sigma, rho, code, table, below_terms, diagonal_terms, pattern)
    solve_transposed_in_place(factor, pattern, white)
