r"""Moran's I of many vectors at once, on the districts' graph.

    I = (n / S_0) (z' W z) / (z' z),     z = x - mean(x),   S_0 = sum of all weights,

with W row-standardised: every district with neighbours gives weight 1, shared among them in proportion to
the links' weights. An island has no neighbours: it counts in the mean and in z'z, as in esda, and adds
nothing to z'Wz. I is near 1 where neighbours are alike, near -1 / (n - 1) where they are no more alike than
any two districts, and negative where they differ.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array, diags_array

from spatialvote.data.districts import Districts


@dataclass(frozen=True, eq=False)
class Moran:
    """Moran's I on one graph.

    Attributes
    ----------
    weights
        Row-standardised weights, shape (n, n); rows of islands are empty.

    Examples
    --------
    >>> chain = Moran.from_edges(4, np.array([0, 1, 2]), np.array([1, 2, 3]))
    >>> chain(np.array([1.0, 2.0, 3.0, 4.0])).round(4)
    array([0.4])
    """

    weights: csr_array

    @classmethod
    def from_edges(cls, n: int, i: np.ndarray, j: np.ndarray, weight: np.ndarray | None = None) -> "Moran":
        """Row-standardise undirected links, each given once by positions."""
        weight = np.ones(len(i)) if weight is None else weight
        both = coo_array((np.r_[weight, weight], (np.r_[i, j], np.r_[j, i])), shape=(n, n)).tocsr()
        total = np.asarray(both.sum(axis=1)).ravel()
        return cls(csr_array(diags_array(1 / np.where(total > 0, total, 1.0)) @ both))

    @classmethod
    def of(cls, districts: Districts) -> "Moran":
        """Moran's I on the districts' neighbour graph."""
        return cls.from_edges(districts.n, *districts.edges)

    @property
    def n_linked(self) -> int:
        """Districts with at least one neighbour; I is defined where there are any."""
        return int((np.diff(self.weights.indptr) > 0).sum())

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """I of each row of values (m, n) or of one vector (n,), shape (m,)."""
        z = np.atleast_2d(values)
        z = z - z.mean(axis=1, keepdims=True)
        lagged = (self.weights @ z.T).T
        return z.shape[1] / self.n_linked * (z * lagged).sum(axis=1) / (z * z).sum(axis=1)

    def permute(self, values: np.ndarray, rng: np.random.Generator, permutations: int = 999) -> np.ndarray:
        """I of a vector (n,) after shuffling it over the districts, shape (permutations,).

        A valid reference for raw values under the hypothesis that their order is arbitrary; not for
        residuals of a model, which are correlated because parameters were estimated from them.
        """
        # In blocks, so that memory stays at a few megabytes for any number of districts.
        blocks = []
        for start in range(0, permutations, 50):
            copies = np.tile(values, (min(50, permutations - start), 1))
            blocks.append(self(rng.permuted(copies, axis=1)))
        return np.concatenate(blocks)
