"""The neighbour graph as the spatial structures see it: a Laplacian scaled within each component.

For a connected component with weighted adjacency W and D = diag(W 1), the intrinsic CAR has precision
L = D - W. Its marginal variances, diag(L^-), depend on the graph; multiplying L by the geometric mean of
diag(L^-), the **scaling factor**, makes their geometric mean one, so that sigma means the same on every map.
A district without neighbours gets R = 1: an iid N(0, 1) effect in place of the structured one.

References
----------
Sorbye, S. H., Rue, H. (2014). Scaling intrinsic Gaussian Markov random field priors. Spatial Statistics 8.
Freni-Sterrantino, A., Ventrucci, M., Rue, H. (2018). A note on intrinsic conditional autoregressive models
for disconnected graphs. Spatial and Spatio-temporal Epidemiology 26.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csc_array, diags_array
from scipy.sparse.csgraph import connected_components

from spatialvote.models.cholesky import Pattern, analyse, factorise, inverse_diagonal, solve_in_place


@dataclass(frozen=True)
class ScaledGraph:
    """Scaled graph Laplacian R, its components, and the symbolic analysis of R + k I.

    Attributes
    ----------
    n
        Number of districts.
    matrix
        R, sparse, shape (n, n).
    component
        Component of each district, shape (n,), numbered by first appearance; -1 for an island.
    sizes
        Districts in each component, shape (n_components,), islands not counted.
    scaling
        Scaling factor of each component, shape (n_components,).
    marginal_variance
        Diagonal of R^- (1 for an island), shape (n,).
    pattern
        Fill-reducing order and factor pattern of R + k I.
    """

    n: int
    matrix: csc_array
    component: np.ndarray
    sizes: np.ndarray
    scaling: np.ndarray
    marginal_variance: np.ndarray
    pattern: Pattern

    @property
    def islands(self) -> np.ndarray:
        """Positions of the districts without a neighbour."""
        return np.flatnonzero(self.component < 0)


def scale_graph(n: int, i: np.ndarray, j: np.ndarray, weight: np.ndarray | None = None) -> ScaledGraph:
    """Scale the Laplacian of an undirected graph within each of its components.

    Parameters
    ----------
    n
        Number of districts.
    i, j
        Ends of each link, positions in 0..n-1, each link once, shape (n_edges,).
    weight
        Positive weights, shape (n_edges,); ones if None.

    Examples
    --------
    >>> pair = scale_graph(3, np.array([0]), np.array([1]))
    >>> pair.scaling, pair.islands
    (array([0.25]), array([2]))
    """
    weight = np.ones(len(i)) if weight is None else np.asarray(weight, dtype=np.float64)
    adjacency = coo_array((np.r_[weight, weight], (np.r_[i, j], np.r_[j, i])), shape=(n, n)).tocsc()
    degree = np.asarray(adjacency.sum(axis=0)).ravel()
    laplacian = csc_array(diags_array(degree) - adjacency)
    _, label = connected_components(adjacency, directed=False)
    island = degree == 0
    component = np.full(n, -1, dtype=np.int64)
    _, first, renumbered = np.unique(label[~island], return_index=True, return_inverse=True)
    # Number by first appearance, so that the numbers do not depend on how the search went.
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    component[~island] = rank[renumbered]
    sizes = np.bincount(component[~island], minlength=first.size)
    variance = np.ones(n)
    scaling = np.empty(sizes.size)
    for c in range(sizes.size):
        members = np.flatnonzero(component == c)
        raw = _marginal_variance(csc_array(laplacian[members, :][:, members]))
        scaling[c] = np.exp(np.mean(np.log(raw)))
        variance[members] = raw / scaling[c]
    factor = np.where(island, 1.0, scaling[component] if sizes.size else 1.0)
    scaled = csc_array(diags_array(np.where(island, 1.0, degree * factor)) - diags_array(factor) @ adjacency)
    return ScaledGraph(n, scaled, component, sizes, scaling, variance, analyse(scaled))


def _marginal_variance(laplacian: csc_array) -> np.ndarray:
    """Diagonal of the Moore-Penrose inverse of a connected graph's Laplacian, exactly.

    With the last node grounded, G = [L without it]^-1 padded by zeros, and C = I - 11'/m the centring:
    L^- = C G C, so diag(L^-)_i = G_ii - 2 (G 1)_i / m + 1'G1 / m^2.
    """
    m = laplacian.shape[0]
    pattern = analyse(csc_array(laplacian[: m - 1, :][:, : m - 1]))
    factor = factorise(0.0, tuple(pattern))
    diagonal, row_sum = np.zeros(m), np.zeros(m)
    diagonal[pattern.order] = inverse_diagonal(factor, tuple(pattern))
    ones = np.ones((m - 1, 1))
    solve_in_place(factor, tuple(pattern), ones)
    row_sum[pattern.order] = ones[:, 0]
    return diagonal - 2 * row_sum / m + row_sum.sum() / m**2
