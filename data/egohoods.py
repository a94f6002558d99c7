r"""Egohoods: who lives within a distance of each populated cell.

Around the centre of each cell that anybody lives in, all residents and those of each group are summed over
the cells whose centres lie within the radius r (its own included). With k nearest residents the radius grows
ring by ring, each a cell's side wide, until at least k live within it; of the last ring so large a part is
taken, of every group alike, that exactly k do.

A disc is a stack of rows of cells. Residents of a row are summed once from west to east; a run of cells
within it is a difference of two of these sums, found by bisection. The work is (number of cells) x (rows of
the disc), and no dense array of the map is made, so that a country needs no more memory than its populated
cells.

The grid must reach beyond the districts by the largest radius: where it ends nobody lives, as far as it
knows.

References
----------
Hipp, J. R., Boessen, A. (2013). Egohoods as waves washing across the city: a new measure of "neighborhoods".
Criminology 51.
van Wijk, D., Bolt, G., Tolsma, J. (2020). Where does ethnic concentration matter for populist radical right
support? An analysis of geographical scale and the halo effect. Political Geography 77.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from spatialvote.data.cells import Cells
from spatialvote.data.errors import DataError, Problem, name_some

#: Radii (m) at which the literature looks.
RADII = (200, 500, 1_000, 2_500, 5_000)
#: How far the k nearest residents are sought (m).
FARTHEST = 10_000


@dataclass(frozen=True, eq=False)
class Egohoods:
    """Residents around each populated cell.

    Attributes
    ----------
    cells
        The cells.
    within
        Radius (m) to residents within it: shape (cells, 1 + groups), all residents first, then the groups in
        their order; NaN at cells in which nobody lives.
    nearest
        k to the residents of each kind among the k nearest, alike; NaN also where fewer than k live within
        `FARTHEST`.
    reach
        k to the radius (m) at which k residents are reached, shape (cells,).
    """

    cells: Cells
    within: Mapping[int, np.ndarray]
    nearest: Mapping[int, np.ndarray]
    reach: Mapping[int, np.ndarray]

    def share(self, group: str, radius: int) -> np.ndarray:
        """Share (0 to 1) of a group among the residents within a radius of each cell, shape (cells,)."""
        return self._part(group, self._at(radius))

    def share_of_nearest(self, group: str, k: int) -> np.ndarray:
        """Share (0 to 1) of a group among the k residents nearest to each cell, shape (cells,)."""
        if k not in self.nearest:
            raise DataError(
                Problem(
                    f"the {k} nearest were not counted", f"name it in nearest; there are {list(self.nearest)}"
                )
            )
        return self._part(group, self.nearest[k])

    def share_of_ring(self, group: str, inner: int, outer: int) -> np.ndarray:
        """Share (0 to 1) of a group among those who live farther than `inner` and within `outer` (m).

        NaN where nobody lives in the ring; with 0 as the inner radius it is the whole disc.
        """
        if not inner < outer:
            raise DataError(
                Problem(f"a ring from {inner} to {outer} m is empty", "give the smaller radius first")
            )
        within = self._at(outer)
        return self._part(group, within if inner == 0 else within - self._at(inner))

    def _at(self, radius: int) -> np.ndarray:
        if radius not in self.within:
            raise DataError(
                Problem(
                    f"radius {radius} was not counted", f"name it in radii; there are {list(self.within)}"
                )
            )
        return self.within[radius]

    def _part(self, group: str, residents: np.ndarray) -> np.ndarray:
        self.cells.of(group)
        every = residents[:, 0]
        some = residents[:, 1 + self.cells.groups.index(group)]
        return np.divide(some, every, out=np.full(len(every), np.nan), where=every > 0)


def count_egohoods(
    cells: Cells, radii: Iterable[int] = RADII, nearest: Iterable[int] = (), farthest: int = FARTHEST
) -> Egohoods:
    """Count residents around each populated cell.

    Parameters
    ----------
    cells
        Grid cells; they should reach beyond the districts by the largest radius.
    radii
        Distances (m) between centres of cells, each at least half a cell's side.
    nearest
        Numbers of nearest residents.
    farthest
        How far these are sought (m).

    Raises
    ------
    DataError
        For radii or numbers that are not positive, or radii that reach no other cell.
    """
    radii, nearest = tuple(dict.fromkeys(radii)), tuple(dict.fromkeys(nearest))
    problems = [
        Problem(f"{what} {name_some(bad)} are not whole numbers above 0", advice)
        for what, bad, advice in (
            ("radii", [one for one in radii if not _whole(one)], "give metres, such as 500"),
            ("numbers of nearest residents", [one for one in nearest if not _whole(one)], "give 1000, say"),
        )
        if bad
    ]
    short = [one for one in radii if _whole(one) and one < cells.side]
    if short:
        problems.append(
            Problem(
                f"radii {name_some(short)} are less than a cell's side ({cells.side} m), so they hold no "
                "other cell",
                "give larger radii",
            )
        )
    if problems:
        raise DataError(problems)
    rows = _Rows(cells)
    within = {radius: rows.spread(rows.disc(radius / cells.side, rows.everybody)) for radius in radii}
    found = {k: rows.nearest(k, farthest // cells.side) for k in nearest}
    return Egohoods(
        cells,
        within,
        {k: rows.spread(residents) for k, (residents, _) in found.items()},
        {k: rows.spread(reach * cells.side) for k, (_, reach) in found.items()},
    )


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


class _Rows:
    """Populated cells in rows from south to north, each from west to east, with running sums of residents."""

    def __init__(self, cells: Cells):
        column = (cells.x - cells.x.min()) // cells.side
        row = (cells.y - cells.y.min()) // cells.side
        populated = np.flatnonzero(cells.residents > 0)
        # With a margin as wide as the map on both sides a run never reaches into the next row.
        self._stride = 3 * (int(column.max()) + 1)
        key = row * self._stride + column
        self._order = populated[np.argsort(key[populated])]
        self._key = key[self._order]
        self._widest = int(column.max()) + 1
        people = cells.persons[[cells.total, *cells.groups]].to_numpy(np.float64)[self._order]
        self._sums = np.vstack([np.zeros(people.shape[1]), people.cumsum(axis=0)])
        self._n = cells.n
        self.everybody = np.arange(len(self._order))

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values of the populated cells in the order of all cells, NaN elsewhere."""
        spread = np.full((self._n, *values.shape[1:]), np.nan)
        spread[self._order] = values
        return spread

    def disc(self, radius: float, which: np.ndarray) -> np.ndarray:
        """Residents within a radius (sides of a cell) of some of the populated cells."""
        key, found = self._key[which], np.zeros((len(which), self._sums.shape[1]))
        reach = int(np.floor(radius))
        for up in range(-reach, reach + 1):
            # A hair more, so that a centre at exactly the radius is within it.
            half = min(int(np.floor(np.sqrt(radius**2 - up**2) + 1e-9)), self._widest)
            middle = key + up * self._stride
            last = np.searchsorted(self._key, middle + half, side="right")
            first = np.searchsorted(self._key, middle - half, side="left")
            found += self._sums[last] - self._sums[first]
        return found

    def nearest(self, k: int, farthest: int) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest residents of each kind, and the radius (sides of a cell) that holds them."""
        count, kinds = len(self._order), self._sums.shape[1]
        residents, reach = np.full((count, kinds), np.nan), np.full(count, np.nan)
        waiting, before = self.everybody, np.zeros((count, kinds))
        for radius in range(farthest + 1):
            here = self.disc(radius, waiting)
            enough = here[:, 0] >= k
            done, last = waiting[enough], here[enough] - before[enough]
            part = (k - before[enough, 0]) / last[:, 0]
            residents[done] = before[enough] + part[:, None] * last
            reach[done] = radius
            waiting, before = waiting[~enough], here[~enough]
            if not len(waiting):
                break
        return residents, reach
