"""What the global statistics of spatial autocorrelation share: one graph, many vectors, and shuffling.

`spatialvote.analysis.moran`, `spatialvote.analysis.geary` and `spatialvote.analysis.getis_ord` have one file
each and the same face, so that any of them can be compared with any reference.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.sparse import coo_array, csr_array

from spatialvote.analysis.row_weights import row_standardised
from spatialvote.data.districts import Districts

#: Vectors that are worked on at once: memory stays at a few megabytes for any number of them.
BLOCK = 50


@dataclass(frozen=True, eq=False)
class GraphStatistic(ABC):
    """A statistic of values on one graph.

    Attributes
    ----------
    weights
        Weights as the statistic uses them, shape (n, n); rows of islands are empty.
    """

    #: In names of checks, and in words.
    KEY: ClassVar[str]
    NAME: ClassVar[str]
    #: 1 where the statistic is larger the more alike neighbours are, -1 where it is smaller.
    ALIKE: ClassVar[int]

    weights: csr_array

    @classmethod
    def from_edges(cls, n: int, i: np.ndarray, j: np.ndarray, weight: np.ndarray | None = None) -> Self:
        """On undirected links, each given once by positions."""
        weight = np.ones(len(i)) if weight is None else weight
        both = coo_array((np.r_[weight, weight], (np.r_[i, j], np.r_[j, i])), shape=(n, n)).tocsr()
        return cls(cls.standardise(both))

    @classmethod
    def of(cls, districts: Districts, among: np.ndarray | None = None) -> Self:
        """On the districts' neighbour graph, or on the links among some of them, `among` of shape (n,).

        The statistic is then of the values of these districts alone.
        """
        i, j, weight = districts.edges
        if among is None or among.all():
            return cls.from_edges(districts.n, i, j, weight)
        both = among[i] & among[j]
        position = np.cumsum(among) - 1
        return cls.from_edges(int(among.sum()), position[i[both]], position[j[both]], weight[both])

    @property
    def n_linked(self) -> int:
        """Districts with at least one neighbour; a statistic is defined where there are any."""
        return int((np.diff(self.weights.indptr) > 0).sum())

    def permute(self, values: np.ndarray, rng: np.random.Generator, permutations: int = 999) -> np.ndarray:
        """The statistic of a vector (n,) after shuffling it over the districts, shape (permutations,).

        A valid reference for raw values under the hypothesis that their order is arbitrary; not for
        residuals of a model, which are correlated because parameters were estimated from them.
        """
        blocks = []
        for start in range(0, permutations, BLOCK):
            copies = np.tile(values, (min(BLOCK, permutations - start), 1))
            blocks.append(self(rng.permuted(copies, axis=1)))
        return np.concatenate(blocks)

    def of_noise(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """The statistic of white noise, shape (size,)."""
        n = self.weights.shape[0]
        blocks = [self(rng.standard_normal((min(BLOCK, size - start), n))) for start in range(0, size, BLOCK)]
        return np.concatenate(blocks)

    @classmethod
    def likeness(cls, values: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Share of a reference (r,) in which neighbours are at least as alike as each value (m,) says."""
        order = np.sort(cls.ALIKE * reference)
        return 1 - np.searchsorted(order, cls.ALIKE * values, side="left") / len(order)

    @staticmethod
    def standardise(links: csr_array) -> csr_array:
        """Weights that the statistic uses of symmetric ones of links (n, n): each row over its sum."""
        return row_standardised(links)

    @abstractmethod
    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The statistic of each row of values (m, n), or of one vector (n,), shape (m,)."""
