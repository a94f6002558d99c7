r"""Draws of the district effects before any votes are seen: e ~ N(0, sigma^2 [(1 - rho) I + rho R^-]).

phi ~ N(0, R^-) is drawn as L'^-1 z with L L' = R + eps I, centred within components. In the eigenbasis of R
this has variance 1 / (lambda + eps) in place of 1 / lambda: with eps = 1e-11 the error is below 1e-7 of the
variance even for the smoothest eigenvector of a hundred thousand districts, and the null vectors, of
variance 1 / eps, are removed by the centring.
"""

import numpy as np

from spatialvote.models.cholesky import factorise, solve_transposed_in_place
from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import centre_in_place
from spatialvote.models.scaled_graph import ScaledGraph

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
    """District effects for each pair of sigma and rho, shape (draws, n)."""
    size = len(sigma)
    theta = rng.standard_normal((size, graph.n))
    phi = draw_phi(graph, rng, size)
    unstructured, structured = np.sqrt(1 - rho)[:, None], np.sqrt(rho)[:, None]
    return sigma[:, None] * (unstructured * theta + structured * phi)


@compiled()
def _draw(factor, white, component, sizes, pattern):
    """Overwrite white noise (n, m) with draws of phi in the districts' order."""
    order = pattern[0]
    solve_transposed_in_place(factor, pattern, white)
    permuted = white.copy()
    for r in range(order.size):
        white[order[r], :] = permuted[r, :]
    centre_in_place(white, component, sizes)
