"""Other graphs of the same districts: would another notion of a neighbour change what is said of space?

Contiguity in both forms, the 4 and the 8 nearest, and all within a distance. Distances are between centroids:
in the plane of the map, or, where coordinates are degrees, straight through the Earth, which ranks pairs as
the great circle does. Districts without a shape have no links in any of them.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import cKDTree

from spatialvote.data.districts import Districts
from spatialvote.data.links import Links, band_links, nearest_links, queen_links, rook_links

NEAREST = (4, 8)
#: A band that leaves nobody alone may give others neighbours by the hundred: with more than this on average
#: the band is the median distance of the fourth neighbour instead.
MOST_NEIGHBOURS = 30
_EARTH = 6_371_008.8  # metres, mean radius


@dataclass(frozen=True, eq=False)
class OtherGraph:
    """Links of the districts under one definition.

    Attributes
    ----------
    key, words
        The definition, short and in full.
    links
        Positions i < j, each once.
    """

    key: str
    words: str
    links: Links


def other_graphs(districts: Districts) -> list[OtherGraph]:
    """Every definition that the districts' shapes allow; none where fewer than ten have one."""
    drawn = np.flatnonzero(districts.drawable)
    if len(drawn) <= max(NEAREST) + 1:
        return []
    shapes = districts.table.geometry.to_numpy()[drawn]
    graphs = []
    if np.isin(shapely.get_type_id(shapes), (3, 6)).all():
        graphs += [
            OtherGraph("queen", "queen contiguity: a common point of the boundaries", queen_links(shapes)),
            OtherGraph("rook", "rook contiguity: a common stretch of the boundaries", rook_links(shapes)),
        ]
    points, metres = _points(districts, shapes)
    graphs += [
        OtherGraph(f"{k} nearest", f"the {k} nearest centroids, either way", nearest_links(points, k))
        for k in NEAREST
    ]
    graphs.append(_band(points, metres))
    # Boundaries drawn apart from each other leave contiguity without a link.
    return [
        OtherGraph(one.key, one.words, (drawn[one.links[0]], drawn[one.links[1]]))
        for one in graphs
        if len(one.links[0])
    ]


def centroids(districts: Districts) -> tuple[np.ndarray, float | None]:
    """Centroids of the districts that have a shape, and metres per unit of their distances.

    None where the coordinates have no known unit.
    """
    return _points(districts, districts.table.geometry.to_numpy()[districts.drawable])


def _points(districts: Districts, shapes: np.ndarray) -> tuple[np.ndarray, float | None]:
    crs = districts.table.crs
    points = shapely.get_coordinates(shapely.centroid(shapes))
    if crs is None:
        return points, None
    if crs.is_geographic:
        east, north = np.radians(points).T
        on_sphere = (np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north))
        return _EARTH * np.stack(on_sphere, axis=1), 1.0
    return points, float(crs.axis_info[0].unit_conversion_factor)


def _band(points: np.ndarray, metres: float | None) -> OtherGraph:
    """The smallest distance at which nobody is alone, or the median of the fourth neighbour's."""
    tree = cKDTree(points)
    near = tree.query(points, k=5)[0]
    reach, why = near[:, 1].max(), "the smallest distance at which nobody is alone"
    if tree.count_neighbors(tree, reach) / len(points) - 1 > MOST_NEIGHBOURS:
        reach = np.median(near[:, 4])
        why = (
            "the median distance of the fourth neighbour; one at which nobody is alone would give more than "
            f"{MOST_NEIGHBOURS} neighbours on average"
        )
    length = distance_words(float(reach), metres)
    return OtherGraph(
        f"within {length}", f"centroids within {length}: {why}", band_links(points, reach * (1 + 1e-9))
    )


def distance_words(distance: float, metres: float | None) -> str:
    """A distance with its unit.

    Examples
    --------
    >>> distance_words(1234.0, 1.0), distance_words(0.5, 1000.0), distance_words(0.5, None)
    ('1.23 km', '500 m', '0.5 units')
    """
    if metres is None:
        return f"{distance:.3g} units"
    far = distance * metres
    return f"{far / 1000:.3g} km" if far >= 1000 else f"{far:.3g} m"
