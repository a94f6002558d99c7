r"""How smooth a column is over the map: its smoothest patterns, its spatial smooth, and what is left of it.

The eigenvectors v_j of the scaled graph Laplacian R are the map's patterns, from the smoothest (one end high,
the other low) to the roughest (every district unlike its neighbours); the structured field of BYM2 gives
pattern j the variance 1 / lambda_j, its eigenvalue. A column about the means of its components, u, is taken
apart with the smoothest q of them, the low-rank version of that field:

    u = sum_{j <= q} a_j v_j + noise,   a_j ~ N(0, k s^2 / lambda_j),   noise ~ N(0, s^2 I).

With z_j = v_j'u the smooth is f = sum_j z_j k / (lambda_j + k) v_j, and the ratio k maximises the restricted
likelihood, in which the means of components are free: with m = (linked districts) - (components),

    2 l(k) = - m log[u'u - sum_j z_j^2 k / (lambda_j + k)] - sum_j log(1 + k / lambda_j).

A thin plate regression spline is made in the same way, of the first eigenvectors of its penalty (Wood 2003).
The rank must be low: with all patterns, a smooth column is its own smooth, and nothing of it is left.

Differences between components and islands, which are no part of a pattern, stay in what is left.

References
----------
Wood, S. N. (2003). Thin plate regression splines. JRSS B 65.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import minimize_scalar
from scipy.sparse import csc_array
from scipy.sparse.linalg import eigsh

from spatialvote.models.scaled_graph import ScaledGraph

#: Patterns computed at most: beyond, they take minutes and describe the map at the scale of its districts.
MOST = 300
#: From so many linked districts on, only the smoothest patterns are computed.
_DENSE = 700
#: Ends of the search for log k: beyond them the smooth is nothing, or all that the patterns hold.
_SMALLEST, _LARGEST, _GRID = -12.0, 14.0, 53


@dataclass(frozen=True, eq=False)
class Patterns:
    """The smoothest patterns of a map, those that are constant within components left out.

    Attributes
    ----------
    graph
        The scaled graph.
    vectors
        Orthonormal, smoothest first, 0 on islands, shape (n, q).
    values
        Their eigenvalues of R, shape (q,).
    """

    graph: ScaledGraph
    vectors: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, graph: ScaledGraph, part: float) -> Self:
        """The smoothest part of all patterns, at least one and at most `MOST`.

        Raises
        ------
        ValueError
            For a graph without links.
        """
        linked, components = np.flatnonzero(graph.component >= 0), graph.sizes.size
        if not components:
            raise ValueError("a graph without links has no patterns")
        matrix = csc_array(graph.matrix[linked][:, linked])
        count = components + min(max(round(part * (len(linked) - components)), 1), MOST)
        if len(linked) <= _DENSE:
            values, inner = eigh(matrix.toarray(), subset_by_index=(0, count - 1))
        else:
            # With a start of its own choice the last digits would differ from run to run.
            start = np.cos(np.arange(len(linked)))
            values, inner = eigsh(matrix, k=count, sigma=-0.01, v0=start)
            order = np.argsort(values)
            values, inner = values[order], inner[:, order]
        vectors = np.zeros((graph.n, count - components))
        vectors[linked] = inner[:, components:]
        return cls(graph, vectors, values[components:])

    @property
    def part(self) -> float:
        """How many of all patterns these are, 0 to 1."""
        graph = self.graph
        return len(self.values) / (graph.n - len(graph.islands) - graph.sizes.size)

    def first(self, count: int) -> "Patterns":
        """The smoothest of these."""
        return Patterns(self.graph, self.vectors[:, :count], self.values[:count])

    def share(self, column: np.ndarray) -> float:
        """Share of a column's variance within components that these patterns hold.

        It is about `part` where the column is not spatial; NaN where it does not vary within components.
        """
        u = self._within(column)
        total = u @ u
        return float(((self.vectors.T @ u) ** 2).sum() / total) if total > 0 else np.nan

    def smooth(self, column: np.ndarray) -> "Smooth":
        """Take the spatial smooth out of a column (n,)."""
        u = self._within(column)
        z = self.vectors.T @ u
        freedom = self.graph.n - len(self.graph.islands) - self.graph.sizes.size

        def loss(log_k: float) -> float:
            ratio = np.exp(log_k) / self.values
            rest = u @ u - (z * z * ratio / (1 + ratio)).sum()
            return float(freedom * np.log(rest) + np.log1p(ratio).sum())

        grid = np.linspace(_SMALLEST, _LARGEST, _GRID)
        best = int(np.argmin([loss(one) for one in grid]))
        bounds = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
        k = float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))
        smooth = self.vectors @ (z * k / (self.values + k))
        residual = column - column.mean() - smooth
        return Smooth(k, smooth, residual, float(residual.var() / column.var()))

    def _within(self, column: np.ndarray) -> np.ndarray:
        """A column about the mean of its component; 0 on islands."""
        component, sizes = self.graph.component, self.graph.sizes
        linked = component >= 0
        means = np.bincount(component[linked], column[linked], minlength=sizes.size) / sizes
        within = np.zeros(len(column))
        within[linked] = column[linked] - means[component[linked]]
        return within


@dataclass(frozen=True, eq=False)
class Smooth:
    """A column taken apart: column = mean + smooth + residual.

    Attributes
    ----------
    ratio
        k, variance of the structured part over that of the noise.
    smooth, residual
        Shape (n,), in the column's unit.
    left
        Variance of the residual over that of the column.
    """

    ratio: float
    smooth: np.ndarray
    residual: np.ndarray
    left: float
