r"""Local Moran's I and Getis and Ord's G_i*: where on the map neighbours are alike, or differ.

With z_i the values about their mean, w_ij the row-standardised weights and d_i the number of neighbours,

    I_i = (n - 1) z_i sum_j w_ij z_j / sum_j z_j^2            (Anselin 1995)
    G_i* = (x_i + sum of x_j over neighbours j) / sum_j x_j    (Getis & Ord 1992; Ord & Getis 1995)

A class says on which side of the mean a district and its neighbours lie, where chance does not explain it:

- of I_i: high-high and low-low (a cluster), high-low and low-high (a district unlike its neighbours);
- of G_i*: high-high and low-low, a district and its neighbours taken together ("hot" and "cold").

What chance means depends on the values:

`of_raw`
    Raw values: any order of them is as likely. For I_i the district keeps its value and the others are
    shuffled (conditional permutation); for G_i* all are, so that its reference depends on d_i alone.
`of_field`
    Draws of a field, which is no raw value but has no noise of its own either: the mean and variance of the
    neighbours' part under the same shuffling (Sokal, Oden & Thomson 1998), and the normal distribution.
`of_noise`
    Draws of residuals that are iid N(0, 1) under a true model, with known mean and variance:
    sum_j w_ij r_j / sqrt(sum_j w_ij^2), given r_i, and (r_i + sum_j r_j) / sqrt(d_i + 1) are N(0, 1) exactly.

All p-values are two-sided. Over the districts of one map they are adjusted by Benjamini & Hochberg (1995): of
the districts that are called something, a share of 5 % at most is expected to be so by chance. Their
procedure is made for independent tests, and neighbours share neighbours; simulations (and the tests) find
that it holds here all the same. An island has no neighbours, no p-value and a class of its own.

References
----------
Anselin, L. (1995). Local indicators of spatial association: LISA. Geographical Analysis 27.
Benjamini, Y., Hochberg, Y. (1995). Controlling the false discovery rate. J. Royal Statistical Society B 57.
Getis, A., Ord, J. K. (1992). The analysis of spatial association by use of distance statistics. Geographical
Analysis 24.
Ord, J. K., Getis, A. (1995). Local spatial autocorrelation statistics. Geographical Analysis 27.
Sokal, R. R., Oden, N. L., Thomson, B. A. (1998). Local spatial autocorrelation in a biological model.
Geographical Analysis 30.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtr
from scipy.stats import false_discovery_control

from spatialvote.analysis.getis_ord import GetisOrd
from spatialvote.analysis.moran import Moran
from spatialvote.data.districts import Districts

#: Codes of classes, in this order; -1 is an island or a district without a value.
CLASSES = ("not significant", "high-high", "low-low", "high-low", "low-high")
NONE, HIGH_HIGH, LOW_LOW, HIGH_LOW, LOW_HIGH = range(5)
NO_CLASS = -1
LEVEL = 0.05
#: Of which `of_raw` draws as many as take this many numbers, so that the smallest p-value can survive the
#: adjustment for thousands of districts.
_MOST_NUMBERS, _MOST_SHUFFLES, _FEWEST_SHUFFLES = 300_000_000, 9_999, 999
_SHUFFLES_OF_ALL = 99_999


@dataclass(frozen=True, eq=False)
class Local:
    """A local statistic of one or many maps of values.

    Attributes
    ----------
    value
        I_i, or the standardised G_i*, shape (m, n).
    p_value
        Two-sided, not adjusted; NaN for islands, shape (m, n).
    side
        Class of each district if chance does not explain it, else the same, shape (m, n).
    """

    value: np.ndarray
    p_value: np.ndarray
    side: np.ndarray

    def classes(self, level: float = LEVEL) -> np.ndarray:
        """Codes of classes where the false-discovery rate of the map is at most `level`, shape (m, n)."""
        return classify(self.p_value, self.side, level)


def classify(p_value: np.ndarray, side: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """Codes of classes from two-sided p-values and sides (m, n), adjusted map by map."""
    classes = np.full(side.shape, NO_CLASS)
    linked = ~np.isnan(p_value).any(axis=0)
    if linked.any():
        found = false_discovery_control(p_value[:, linked], axis=1) <= level
        classes[:, linked] = np.where(found, side[:, linked], NONE)
    return classes


@dataclass(frozen=True, eq=False)
class LocalStatistics:
    """Local statistics on one graph.

    Attributes
    ----------
    weights
        Row-standardised, shape (n, n).
    links
        One for every link, shape (n, n).
    """

    weights: csr_array
    links: csr_array

    @classmethod
    def from_edges(
        cls, n: int, i: np.ndarray, j: np.ndarray, weight: np.ndarray | None = None
    ) -> "LocalStatistics":
        """On undirected links, each given once by positions."""
        moran, getis_ord = Moran.from_edges(n, i, j, weight), GetisOrd.from_edges(n, i, j, weight)
        return cls(moran.weights, getis_ord.weights)

    @classmethod
    def of(cls, districts: Districts, among: np.ndarray | None = None) -> "LocalStatistics":
        """On the districts' neighbour graph, or on the links among some of them."""
        return cls(Moran.of(districts, among).weights, GetisOrd.of(districts, among).weights)

    @property
    def degree(self) -> np.ndarray:
        """Number of neighbours, shape (n,)."""
        return np.diff(self.links.indptr)

    def of_raw(self, values: np.ndarray, rng: np.random.Generator) -> tuple[Local, Local]:
        """Local I and G* of a vector (n,) under shuffling."""
        z = values - values.mean()
        lag = self.weights @ z
        local = (len(z) - 1) * z * lag / (z @ z)
        moran = Local(local[None], self._shuffled_others(z, lag, rng)[None], _side(z, lag)[None])
        total = z + self.links @ z
        star = self._star(z[None], total[None])
        both = _side(total, total)
        return moran, Local(star, self._shuffled_all(z, total, rng)[None], both[None])

    def of_field(self, values: np.ndarray) -> tuple[Local, Local]:
        """Local I and G* of draws of a field (m, n), by the moments of shuffling."""
        z = values - values.mean(axis=1, keepdims=True)
        n = z.shape[1]
        lag = (self.weights @ z.T).T
        square = (z * z).sum(axis=1, keepdims=True)
        # Of all values but the district's own: mean, variance, and those of a weighted sum of some of them.
        mean = -z / (n - 1)
        variance = (square - z * z) / (n - 1) - mean**2
        linked = self.degree > 0
        of_squares = np.asarray(self.weights.multiply(self.weights).sum(axis=1)).ravel()
        spread = np.where(linked, ((n - 1) * of_squares - 1) / (n - 2), np.nan)
        # Where every other district is a neighbour, shuffling changes nothing.
        spread = np.where(spread > 0, spread, np.nan)
        with np.errstate(invalid="ignore"):
            score = (lag - mean * linked) / np.sqrt(variance * spread)
        moran = Local((n - 1) * z * lag / square, _two_sided(score), _side(z, lag))
        total = z + (self.links @ z.T).T
        star = self._star(z, total)
        return moran, Local(star, _two_sided(np.where(linked, star, np.nan)), _side(total, total))

    def of_noise(self, residuals: np.ndarray) -> tuple[Local, Local]:
        """Local I and G* of draws of residuals (m, n) that are iid N(0, 1) under a true model."""
        lag = (self.weights @ residuals.T).T
        sd = np.sqrt(np.asarray(self.weights.multiply(self.weights).sum(axis=1)).ravel())
        linked = self.degree > 0
        score = lag / np.where(linked, sd, np.nan)
        moran = Local(residuals * lag, _two_sided(score), _side(residuals, lag))
        total = residuals + (self.links @ residuals.T).T
        star = total / np.sqrt(self.degree + 1)
        return moran, Local(star, _two_sided(np.where(linked, star, np.nan)), _side(total, total))

    def _star(self, z: np.ndarray, total: np.ndarray) -> np.ndarray:
        """Standardised G*: the sum over district and neighbours (m, n) over its standard deviation."""
        n, taken = z.shape[1], self.degree + 1
        variance = (z * z).mean(axis=1, keepdims=True) * (taken * (n - taken)) / (n - 1)
        return total / np.sqrt(np.where(variance > 0, variance, np.nan))

    def _shuffled_others(self, z: np.ndarray, lag: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """p of each lag where the district keeps its value and all others are shuffled, shape (n,)."""
        n, degree = len(z), self.degree
        shuffles = int(np.clip(_MOST_NUMBERS // max(degree.sum(), 1), _FEWEST_SHUFFLES, _MOST_SHUFFLES))
        # One set of shuffles of the n - 1 others serves all districts, as in esda.
        first = _first_of_shuffles(n - 1, int(degree.max()), shuffles, rng)
        p = np.full(n, np.nan)
        for at in np.flatnonzero(degree):
            span = slice(self.weights.indptr[at], self.weights.indptr[at + 1])
            drawn = np.delete(z, at)[first[:, : degree[at]]] @ self.weights.data[span]
            p[at] = _monte_carlo(lag[at], drawn)
        return p

    def _shuffled_all(self, z: np.ndarray, total: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """p of each sum over district and neighbours where all values are shuffled, shape (n,)."""
        degree = self.degree
        p = np.full(len(z), np.nan)
        first = _first_of_shuffles(len(z), int(degree.max()) + 1, _SHUFFLES_OF_ALL, rng)
        sums = np.zeros(_SHUFFLES_OF_ALL)
        for taken in range(int(degree.max()) + 1):
            sums += z[first[:, taken]]
            here = np.flatnonzero((degree == taken) & (degree > 0))
            if here.size:
                p[here] = _monte_carlo(total[here], np.sort(sums))
        return p


def _first_of_shuffles(n: int, count: int, shuffles: int, rng: np.random.Generator) -> np.ndarray:
    """The first entries of shuffles of 0, ..., n - 1, shape (shuffles, count)."""
    if count**2 > 8 * n:
        # Many of few. In blocks, so that memory stays small.
        sizes = [len(one) for one in np.array_split(np.arange(shuffles), -(-shuffles * n // 1_000_000))]
        blocks = [rng.permuted(np.tile(np.arange(n), (size, 1)), axis=1)[:, :count] for size in sizes]
        return np.concatenate(blocks)
    drawn = rng.integers(n, size=(shuffles, count))
    # With replacement, and again where something came twice: uniform over distinct entries.
    while True:
        ordered = np.sort(drawn, axis=1)
        twice = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
        if not twice.any():
            return drawn
        drawn[twice] = rng.integers(n, size=(int(twice.sum()), count))


def _monte_carlo(value: np.ndarray | float, reference: np.ndarray) -> np.ndarray:
    """Two-sided Monte Carlo p-values, never zero."""
    order = np.sort(reference)
    # What is equal but for rounding counts as equal.
    slack = 1e-9 * np.abs(order).max(initial=0.0)
    below = np.searchsorted(order, value + slack, side="right")
    above = len(order) - np.searchsorted(order, value - slack, side="left")
    return np.minimum(2 * (1 + np.minimum(below, above)) / (1 + len(order)), 1.0)


def _two_sided(score: np.ndarray) -> np.ndarray:
    return 2 * ndtr(-np.abs(score))


def _side(own: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Class by the signs of a district's value and of its neighbours'."""
    high = np.where(around > 0, HIGH_HIGH, HIGH_LOW)
    return np.where(own > 0, high, np.where(around > 0, LOW_HIGH, LOW_LOW))
