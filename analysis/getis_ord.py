r"""Getis and Ord's G of many vectors at once, on the districts' graph.

    G = sum_ij w_ij x_i x_j / sum_{i != j} x_i x_j,     w_ij = 1 for neighbours, else 0,

of values x >= 0 with a true zero, such as shares. With z = x - mean(x) and d_i the number of neighbours the
numerator is z'Wz + 2 mean(x) d'z + S_0 mean(x)^2: beyond what Moran's I says of z'Wz, G is above its
expectation S_0 / (n (n - 1)) where high values have many neighbours and below it where they have few. So it
tells high values that lie together from low ones as far as the graph is denser where they lie; on a graph in
which all have equally many neighbours it says no more than I. It means nothing for values of both signs, so
residuals have none; their local form, with a mean and a variance, is in `spatialvote.analysis.local`.

References
----------
Getis, A., Ord, J. K. (1992). The analysis of spatial association by use of distance statistics. Geographical
Analysis 24.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from spatialvote.analysis.graph_statistic import GraphStatistic


@dataclass(frozen=True, eq=False)
class GetisOrd(GraphStatistic):
    """Getis and Ord's G on one graph.

    Examples
    --------
    >>> chain = GetisOrd.from_edges(4, np.array([0, 1, 2]), np.array([1, 2, 3]))
    >>> chain(np.array([1.0, 2.0, 3.0, 4.0])).round(4)
    array([0.5714])
    """

    KEY, NAME, ALIKE = "getis_ord", "G", 1

    @staticmethod
    def standardise(links: csr_array) -> csr_array:
        """One for every link, whatever its weight."""
        return csr_array((np.ones(links.nnz), links.indices, links.indptr), shape=links.shape)

    @property
    def expected(self) -> float:
        """G of values whose order is arbitrary."""
        n = self.weights.shape[0]
        return self.weights.nnz / (n * (n - 1))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """G of each row of values (m, n) or of one vector (n,), shape (m,).

        Raises
        ------
        ValueError
            For negative values.
        """
        x = np.atleast_2d(values)
        if (x < 0).any():
            raise ValueError("G needs values of zero or more")
        pairs = x.sum(axis=1) ** 2 - (x * x).sum(axis=1)
        return (x * (self.weights @ x.T).T).sum(axis=1) / pairs
