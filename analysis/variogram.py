r"""Semivariograms of many vectors at once, by distance bands or by steps on the neighbour graph.

    gamma(band) = 1 / (2 |P|) sum over pairs (i, j) of P of (r_i - r_j)^2,   P the pairs in that band,

low for near pairs and rising with distance where near districts are alike. Bands grow with the square of
their number, fine where neighbours are and coarse far away, up to a third of the map's extent; in each so
many pairs at most are taken, drawn at random. Where districts have no shapes, the distance is the number of
steps on the graph.

References
----------
Matheron, G. (1963). Principles of geostatistics. Economic Geology 58.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array, eye_array, triu
from scipy.spatial.distance import pdist

from spatialvote.analysis.other_graphs import centroids
from spatialvote.data.districts import Districts

BANDS = 10
STEPS = 8
#: Fewer pairs say nothing of a band, and it is joined with the next; more are not needed.
FEWEST, MOST = 30, 50_000
#: Districts among which distances are measured; among more it would take the square of their number.
_DISTRICTS = 3_000
_PART = 1 / 3


@dataclass(frozen=True, eq=False)
class Variogram:
    """Pairs of districts by how far they are apart.

    Attributes
    ----------
    pairs
        Positions (i, j) of the pairs of each band, shape (2, pairs).
    distance
        Mean distance in each band, in `unit`.
    unit
        "km", "steps on the neighbour graph", or "units of the map".
    """

    pairs: tuple[np.ndarray, ...]
    distance: np.ndarray
    unit: str

    @classmethod
    def of(cls, districts: Districts, among: np.ndarray, rng: np.random.Generator) -> "Variogram":
        """Pairs among some of the districts, `among` of shape (n,); bands may be none."""
        drawn = districts.drawable
        if not drawn[among].all():
            i, j, step = _steps(districts, among)
            return cls._gather(i, j, step, step - 1, STEPS, "steps on the neighbour graph", rng)
        chosen = np.flatnonzero(among)
        if len(chosen) > _DISTRICTS:
            chosen = np.sort(rng.choice(chosen, _DISTRICTS, replace=False))
        i, j = np.triu_indices(len(chosen), 1)
        points, metres = centroids(districts)
        place = np.cumsum(drawn) - 1
        far = pdist(points[place[chosen]])
        far = far if metres is None else far * metres / 1000
        edges = _PART * far.max(initial=0.0) * (np.arange(BANDS + 1) / BANDS) ** 2
        # Two districts on one spot are as near as can be.
        band = np.maximum(np.searchsorted(edges, far, side="left") - 1, 0)
        unit = "units of the map" if metres is None else "km"
        return cls._gather(chosen[i], chosen[j], far, band, BANDS, unit, rng)

    @classmethod
    def _gather(
        cls,
        i: np.ndarray,
        j: np.ndarray,
        far: np.ndarray,
        band: np.ndarray,
        count: int,
        unit: str,
        rng: np.random.Generator,
    ) -> "Variogram":
        pairs, distance, waiting = [], [], np.zeros(0, dtype=np.int64)
        for number in range(count):
            waiting = np.concatenate([waiting, np.flatnonzero(band == number)])
            if len(waiting) < FEWEST:
                continue
            taken = rng.choice(waiting, MOST, replace=False) if len(waiting) > MOST else waiting
            pairs.append(np.stack([i[taken], j[taken]]))
            distance.append(far[taken].mean())
            waiting = np.zeros(0, dtype=np.int64)
        return cls(tuple(pairs), np.array(distance), unit)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Semivariance of each row of values (m, n) in each band, shape (m, bands)."""
        across = np.ascontiguousarray(values.T)
        return np.stack([((across[i] - across[j]) ** 2).mean(axis=0) / 2 for i, j in self.pairs], axis=1)


def _steps(districts: Districts, among: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs among some of the districts, and the number of links between them, up to `STEPS`."""
    i, j, _ = districts.edges
    ones = np.ones(2 * len(i), dtype=np.float32)
    links = csr_array((ones, (np.r_[i, j], np.r_[j, i])), shape=(districts.n, districts.n))
    reached = front = csr_array(eye_array(districts.n, dtype=np.float32))
    found = []
    for step in range(1, STEPS + 1):
        front = csr_array((front @ links).sign())
        front = csr_array(front - front.multiply(reached))
        front.eliminate_zeros()
        reached = reached + front
        upper = coo_array(triu(front, 1))
        kept = among[upper.row] & among[upper.col]
        found.append((upper.row[kept], upper.col[kept], np.full(int(kept.sum()), step)))
    starts, ends, steps = zip(*found, strict=True)
    return np.concatenate(starts), np.concatenate(ends), np.concatenate(steps)
