r"""Moran's I of many vectors at once, on the districts' graph.

    I = (n / S_0) (z' W z) / (z' z),     z = x - mean(x),   S_0 = sum of all weights,

with W row-standardised: every district with neighbours gives weight 1, shared among them in proportion to
the links' weights. An island has no neighbours: it counts in the mean and in z'z, as in esda, and adds
nothing to z'Wz. I is near 1 where neighbours are alike, near -1 / (n - 1) where they are no more alike than
any two districts, and negative where they differ.

References
----------
Moran, P. A. P. (1950). Notes on continuous stochastic phenomena. Biometrika 37.
"""

from dataclasses import dataclass

import numpy as np

from spatialvote.analysis.graph_statistic import GraphStatistic


@dataclass(frozen=True, eq=False)
class Moran(GraphStatistic):
    """Moran's I on one graph.

    Examples
    --------
    >>> chain = Moran.from_edges(4, np.array([0, 1, 2]), np.array([1, 2, 3]))
    >>> chain(np.array([1.0, 2.0, 3.0, 4.0])).round(4)
    array([0.4])
    """

    KEY, NAME, ALIKE = "moran", "Moran's I", 1

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """I of each row of values (m, n) or of one vector (n,), shape (m,)."""
        z = np.atleast_2d(values)
        z = z - z.mean(axis=1, keepdims=True)
        lagged = (self.weights @ z.T).T
        return z.shape[1] / self.n_linked * (z * lagged).sum(axis=1) / (z * z).sum(axis=1)
