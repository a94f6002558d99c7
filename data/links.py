"""From geometry to links: contiguity, tolerance, nearest neighbours, distance bands, bridges between parts.

Every function takes arrays in the order of the districts and gives links as positions ``i < j``, each once,
sorted. Distances are in the units of the coordinates.
"""

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Links = tuple[np.ndarray, np.ndarray]


def _each_once(i: np.ndarray, j: np.ndarray) -> Links:
    different = i != j
    pairs = np.stack([np.minimum(i, j)[different], np.maximum(i, j)[different]], axis=1).astype(np.int64)
    pairs = np.unique(pairs, axis=0)
    return pairs[:, 0], pairs[:, 1]


def queen_links(shapes: np.ndarray) -> Links:
    """Polygons that share a point of their boundaries.

    Two polygons are linked if they touch exactly, or share a vertex. The second finds neighbours whose
    simplified boundaries overlap in slivers between common corners; the first finds those that meet at a
    vertex of only one of them. Polygons that overlap without a common vertex are not linked; `fuzzy_links`
    finds those.
    """
    i, j = shapely.STRtree(shapes).query(shapes, predicate="touches")
    vertex, owner = _vertices(shapes)
    common = _common(owner, vertex, len(shapes))
    return _each_once(np.concatenate([i, common[0]]), np.concatenate([j, common[1]]))


def rook_links(shapes: np.ndarray) -> Links:
    """Polygons that share a stretch of boundary: they touch along a line, or have a common segment."""
    i, j = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    along = np.zeros(len(i), dtype=bool)
    later = i < j
    # DE-9IM: interiors apart, boundaries meeting in a line.
    along[later] = shapely.relate_pattern(shapes[i[later]], shapes[j[later]], "F***1****")
    segment, owner = _segments(shapes)
    common = _common(owner, segment, len(shapes))
    return _each_once(np.concatenate([i[along], common[0]]), np.concatenate([j[along], common[1]]))


def _vertices(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of every vertex (equal coordinates, equal number), and the polygon it belongs to."""
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    return np.unique(points, axis=0, return_inverse=True)[1], owner


def _segments(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of every boundary segment whichever way it is drawn, and the polygon it belongs to."""
    parts, owner_of_part = shapely.get_parts(shapes, return_index=True)
    rings, owner_of_ring = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    vertex = np.unique(points, axis=0, return_inverse=True)[1]
    same_ring = ring[:-1] == ring[1:]
    start, end = vertex[:-1][same_ring], vertex[1:][same_ring]
    ends = np.stack([np.minimum(start, end), np.maximum(start, end)], axis=1)
    number = np.unique(ends, axis=0, return_inverse=True)[1]
    return number, owner_of_part[owner_of_ring[ring[:-1][same_ring]]]


def _common(owner: np.ndarray, piece: np.ndarray, n: int) -> Links:
    """Pairs of polygons that own a common piece (vertex or segment), through the incidence matrix."""
    incidence = csr_array((np.ones(len(owner)), (owner, piece)), shape=(n, int(piece.max(initial=-1)) + 1))
    shared = (incidence @ incidence.T).tocoo()
    return shared.row, shared.col


def fuzzy_links(shapes: np.ndarray, tolerance: float) -> Links:
    """Polygons that overlap, touch, or are at most `tolerance` apart."""
    return _each_once(*shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=tolerance))


def nearest_links(points: np.ndarray, k: int) -> Links:
    """Points of which one is among the k nearest of the other (union of both directions).

    All points at the distance of the k-th are taken in, so that the result does not depend on the order
    of the districts.
    """
    tree = cKDTree(points)
    reach = tree.query(points, k=k + 1)[0][:, -1] * (1 + 1e-9)
    near = tree.query_ball_point(points, reach)
    counts = [len(one) for one in near]
    return _each_once(np.repeat(np.arange(len(points)), counts), np.concatenate(near))


def band_links(points: np.ndarray, distance: float) -> Links:
    """Points at most `distance` apart."""
    pairs = cKDTree(points).query_pairs(distance, output_type="ndarray")
    return _each_once(pairs[:, 0], pairs[:, 1])


def bridging_links(shapes: np.ndarray, i: np.ndarray, j: np.ndarray, rank: np.ndarray) -> Links:
    """Links that join all components of the graph (i, j), each the shortest way to another component.

    Every component but the largest is joined to its nearest district elsewhere, and so on until one is
    left (Boruvka's minimum spanning tree over components). Distances are between shapes; of equally near
    pairs the one of the lowest `rank` (a permutation of 0..n-1) is taken.
    """
    n = len(shapes)
    added: list[tuple[int, int]] = []
    while True:
        ones = np.ones(len(i))
        count, label = connected_components(csr_array((ones, (i, j)), shape=(n, n)), directed=False)
        if count == 1:
            return _each_once(*np.array(added, dtype=np.int64).reshape(-1, 2).T)
        bridges = _nearest_elsewhere(shapes, label, rank)
        added += bridges
        start, end = np.array(bridges, dtype=np.int64).T
        i, j = np.concatenate([i, start]), np.concatenate([j, end])


def _nearest_elsewhere(shapes: np.ndarray, label: np.ndarray, rank: np.ndarray) -> list[tuple[int, int]]:
    """For every component but the largest, its shortest link to a district of another."""
    size = np.bincount(label)
    largest = size.argmax()
    big = [one for one in np.flatnonzero(size > _FEW) if one != largest]
    small = np.flatnonzero((size[label] <= _FEW) & (label != largest))
    found = [_search_among_others(shapes, label, int(component)) for component in big]
    found.append(_search_around(shapes, label, small))
    start = np.concatenate([one[0] for one in found])
    end = np.concatenate([one[1] for one in found])
    far = np.concatenate([one[2] for one in found])
    # One order of all pairs for every component keeps equally near ones from closing a ring.
    a, b = rank[start], rank[end]
    order = np.lexsort((np.maximum(a, b), np.minimum(a, b), far, label[start]))
    first = order[np.unique(label[start][order], return_index=True)[1]]
    return [(int(start[one]), int(end[one])) for one in first]


#: Components up to this size are searched around together; in larger ones most pairs that are near lie
#: inside, and looking through them would take the square of the size.
_FEW = 50

Candidates = tuple[np.ndarray, np.ndarray, np.ndarray]


def _search_among_others(shapes: np.ndarray, label: np.ndarray, component: int) -> Candidates:
    """Nearest district of other components for each district of one: starts, ends, distances."""
    inside, others = np.flatnonzero(label == component), np.flatnonzero(label != component)
    (start, end), far = shapely.STRtree(shapes[others]).query_nearest(shapes[inside], return_distance=True)
    return inside[start], others[end], far


def _search_around(shapes: np.ndarray, label: np.ndarray, left: np.ndarray) -> Candidates:
    """All districts elsewhere that lie about as near as the nearest: starts, ends, distances.

    The circle of search is doubled for those components that have found nothing; what lies within it is
    complete, so that its nearest is the nearest.
    """
    tree = shapely.STRtree(shapes)
    west, south, east, north = shapely.total_bounds(shapes)
    reach = np.hypot(east - west, north - south) / len(shapes) ** 0.5
    found = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))]
    while left.size:
        start, end = tree.query(shapes[left], predicate="dwithin", distance=reach)
        start = left[start]
        elsewhere = label[start] != label[end]
        start, end = start[elsewhere], end[elsewhere]
        found.append((start, end, shapely.distance(shapes[start], shapes[end])))
        left = left[~np.isin(label[left], label[start])]
        reach *= 2
    start, end, far = zip(*found, strict=True)
    return np.concatenate(start), np.concatenate(end), np.concatenate(far)
