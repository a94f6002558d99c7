r"""Geary's C of many vectors at once, on the districts' graph.

    C = (n - 1) / (2 S_0) sum_ij w_ij (x_i - x_j)^2 / sum_i (x_i - mean(x))^2,   S_0 = sum of all weights,

with W row-standardised as for Moran's I. C looks at the differences between neighbours, where I looks at
their common distance from the mean: it is more sensitive to single districts that differ from all around
them. C is near 0 where neighbours are alike, near 1 where they are no more alike than any two districts, and
larger where they differ. An island counts in the mean and the sum of squares, as in esda.

References
----------
Geary, R. C. (1954). The contiguity ratio and statistical mapping. The Incorporated Statistician 5.
"""

from dataclasses import dataclass

import numpy as np

from spatialvote.analysis.graph_statistic import GraphStatistic


@dataclass(frozen=True, eq=False)
class Geary(GraphStatistic):
    """Geary's C on one graph.

    Examples
    --------
    >>> chain = Geary.from_edges(4, np.array([0, 1, 2]), np.array([1, 2, 3]))
    >>> chain(np.array([1.0, 2.0, 3.0, 4.0])).round(4)
    array([0.3])
    """

    KEY, NAME, ALIKE = "geary", "Geary's C", -1

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """C of each row of values (m, n) or of one vector (n,), shape (m,)."""
        z = np.atleast_2d(values)
        # Differences do not see the mean; without it their squares lose no digits.
        z = z - z.mean(axis=1, keepdims=True)
        squares = z * z
        ends = np.asarray(self.weights.sum(axis=0)).ravel() + np.asarray(self.weights.sum(axis=1)).ravel()
        differences = squares @ ends - 2 * (z * (self.weights @ z.T).T).sum(axis=1)
        return (z.shape[1] - 1) / (2 * self.n_linked) * differences / squares.sum(axis=1)
