r"""Spatial blocks: contiguous folds of districts, grown on the neighbour graph, with a buffer around each.

Folds are grown one after another by breadth-first search, so each is connected where the graph is. A fold
starts at the district that is farthest, in links, from what is already in folds (of the first component: from
its middle), and takes its nearest neighbours that are in no fold yet until it has its share of what is left.
What is cut off by it and smaller than half a fold joins a neighbouring fold. A component that is smaller than
half a fold, an island among them, cannot be split or reach another: such components are dealt whole to the
folds with the fewest districts, so that a fold is contiguous within each component.

The buffer of b rings around a fold is every district that can be reached from it within b links. Its votes
are left out of what the fold is predicted from, and it is not scored with the fold: neighbours so near tell
nearly as much as a district's own votes, and a prediction that may use them says little about places farther
off (Roberts et al. 2017).

References
----------
Roberts, D. R., et al. (2017). Cross-validation strategies for data with temporal, spatial, hierarchical, or
phylogenetic structure. Ecography 40.
"""

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem


def grow_folds(districts: Districts, count: int) -> np.ndarray:
    """Fold of every district, shape (n,), numbered from 0.

    Parameters
    ----------
    districts
        Districts with their graph.
    count
        How many folds; as many as there are districts gives each a fold of its own.

    Raises
    ------
    ModelError
        Where `count` is not between 2 and the number of districts.
    """
    n = districts.n
    if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= n:
        raise ModelError(
            Problem(
                f"the number of blocks must be a whole number from 2 to {n}, the districts, got {count!r}",
                "choose about 10",
            )
        )
    if count == n:
        return np.arange(n)
    links = links_of(districts)
    _, component = connected_components(links, directed=False)
    sizes = np.bincount(component)
    share = n / count
    large = np.flatnonzero(sizes >= share / 2)
    large = large[np.argsort(-sizes[large], kind="stable")][:count]
    parts = _parts(sizes[large], count)
    fold = np.full(n, -1)
    first = 0
    for one, many in zip(large, parts, strict=True):
        members = np.flatnonzero(component == one)
        fold[members] = first + _grow(csr_array(links[members, :][:, members]), int(many))
        first += int(many)
    # Small components whole, the largest first, each to the smallest fold.
    held = np.bincount(fold[fold >= 0], minlength=count)
    rest = [one for one in np.argsort(-sizes, kind="stable") if one not in set(large)]
    for one in rest:
        smallest = int(np.argmin(held))
        fold[component == one] = smallest
        held[smallest] += sizes[one]
    return fold


def buffer_of(districts: Districts, members: np.ndarray, rings: int) -> np.ndarray:
    """Which districts lie within so many links of a fold without belonging to it, shape (n,).

    Parameters
    ----------
    members
        Which districts are the fold, shape (n,), bool.
    rings
        b, zero or more.
    """
    links = links_of(districts)
    reached = members.astype(np.float64)
    for _ in range(rings):
        reached = np.minimum(1.0, reached + links @ reached)
    return (reached > 0) & ~members


def links_of(districts: Districts) -> csr_array:
    """The graph without its weights, symmetric."""
    i, j, _ = districts.edges
    ones = np.ones(2 * len(i))
    return csr_array(coo_array((ones, (np.r_[i, j], np.r_[j, i])), shape=(districts.n, districts.n)))


def _parts(sizes: np.ndarray, count: int) -> np.ndarray:
    """Number of folds in each large component, at least one each and `count` in all."""
    parts = np.ones(len(sizes), dtype=np.int64)
    for _ in range(count - len(sizes)):
        # The next fold goes where folds are largest now; none may be empty.
        parts[np.argmax(np.where(parts < sizes, sizes / parts, 0.0))] += 1
    return parts


def _grow(links: csr_array, count: int) -> np.ndarray:
    """Folds of one connected component, shape (m,)."""
    m = links.shape[0]
    fold = np.full(m, -1)
    for number in range(count):
        free = np.flatnonzero(fold < 0)
        if number == count - 1:
            fold[free] = number
            break
        wanted = max(1, round(len(free) / (count - number)))
        inner = csr_array(links[free, :][:, free])
        # Corners first, so that what is left stays in one piece as often as can be.
        start = _corner(inner)
        hops = dijkstra(inner, indices=start, unweighted=True)
        fold[free[np.argsort(hops, kind="stable")[:wanted]]] = number
        fold = _join_cut_off(links, fold, number, count)
    return _join_scattered(links, fold)


def _corner(links: csr_array) -> int:
    """A district at the edge of the largest piece: as far as can be from its farthest one."""
    _, piece = connected_components(links, directed=False)
    inside = np.flatnonzero(piece == np.argmax(np.bincount(piece)))
    hops = dijkstra(links, indices=int(inside[0]), unweighted=True)
    return int(inside[np.argmax(hops[inside])])


def _join_cut_off(links: csr_array, fold: np.ndarray, number: int, count: int) -> np.ndarray:
    """Give free pieces too small for a fold of their own to the fold that cut them off."""
    free = np.flatnonzero(fold < 0)
    pieces, piece = connected_components(csr_array(links[free, :][:, free]), directed=False)
    if pieces < 2:
        return fold
    sizes = np.bincount(piece)
    fold = fold.copy()
    for one in range(pieces):
        if one != np.argmax(sizes) and len(free) - sizes[one] >= count - number - 1:
            fold[free[piece == one]] = number
            free_left = np.flatnonzero(fold < 0)
            if len(free_left) < count - number - 1:
                break
    return fold


def _join_scattered(links: csr_array, fold: np.ndarray) -> np.ndarray:
    """Give pieces apart from the bulk of their fold to a fold that they touch."""
    fold = fold.copy()
    while True:
        same = links.tocoo()
        keep = fold[same.row] == fold[same.col]
        inner = csr_array(coo_array((same.data[keep], (same.row[keep], same.col[keep])), shape=links.shape))
        pieces, piece = connected_components(inner, directed=False)
        if pieces == len(np.unique(fold)):
            return fold
        sizes = np.bincount(piece)
        of_fold = fold[np.unique(piece, return_index=True)[1]]
        # The smallest piece that is not the largest of its fold.
        bulk = {int(one): int(np.argmax(np.where(of_fold == one, sizes, 0))) for one in np.unique(fold)}
        apart = [q for q in range(pieces) if bulk[int(of_fold[q])] != q]
        q = min(apart, key=lambda one: sizes[one])
        members = np.flatnonzero(piece == q)
        around = fold[np.unique(links[members, :].indices)]
        around = around[around != of_fold[q]]
        # To the smallest of the folds around, for balance.
        fold[members] = min(np.unique(around), key=lambda one: int((fold == one).sum()))
