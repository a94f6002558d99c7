"""Irregular districts of a simulated city: blocks of a Voronoi diagram, gathered along the streets.

A district is a connected set of blocks, grown from its centre over shared block borders, so it is in one
piece and has the ragged outline of a real polling district. Blocks are small where people live densely.

The river is not part of any district. Its strip is cut out, so districts on different banks do not touch
and are not neighbours, except at the bridges: a bridge is a stretch of the strip that belongs to a district
on the north bank, which therefore touches the southern bank. Queen contiguity of the polygons
then is the neighbour graph, no link has to be added by hand, and the city is one component.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree, Voronoi

from spatialvote.data.simulate_blocks import Blocks, adjacency, lay_blocks
from spatialvote.data.simulate_outline import Terrain

#: Where the city's centre lies on the map, EPSG:3035 metres: open sea in the Bay of Biscay.
ORIGIN = np.array([2_900_000.0, 2_600_000.0])
_ROUNDS = 12
_COMPASS = ("North", "North-East", "East", "South-East", "South", "South-West", "West", "North-West")


@dataclass(frozen=True, eq=False)
class Places:
    """Districts as sets of blocks.

    Attributes
    ----------
    polygons
        One per district, EPSG:3035 metres, shape (n,).
    quarter
        Name of the part of the city, shape (n,), text.
    seeds
        Centres of all blocks, metres from the city's centre, shape (b, 2).
    district
        District of each block, -1 where the block is water or countryside, shape (b,).
    """

    polygons: np.ndarray
    quarter: np.ndarray
    seeds: np.ndarray
    district: np.ndarray

    def locate(self, xy: np.ndarray) -> np.ndarray:
        """District in which points lie (metres from the centre), -1 outside of all, shape (k,)."""
        return self.district[KDTree(self.seeds).query(xy)[1]]


def lay_out(rng: np.random.Generator, terrain: Terrain, n_districts: int) -> Places:
    """Divide the land of a terrain into districts, ordered by quarter: centre first, islands last."""
    blocks = lay_blocks(rng, terrain, n_districts)
    district = _grow(rng, terrain, blocks, n_districts)
    polygons = _polygons(blocks.diagram, _with_bridges(blocks, district), n_districts)
    part_of = np.empty(n_districts, dtype=np.int64)
    part_of[district[district >= 0]] = blocks.part[district >= 0]
    quarter, order = _quarters(terrain, polygons, part_of)
    rank = np.empty(n_districts + 1, dtype=np.int64)
    rank[order] = np.arange(n_districts)
    rank[-1] = -1
    return Places(polygons[order], quarter[order], blocks.diagram.points, rank[district])


def _grow(rng: np.random.Generator, terrain: Terrain, blocks: Blocks, n_districts: int) -> np.ndarray:
    """Grow districts over the blocks of each piece of land; district of each block, -1 for none.

    Each round gives every block to the centre that is nearest along block borders, then moves each centre
    to the middle of its district (Lloyd's method on a graph). Lengths are in units of the local block
    size, with random detours, so districts hold similar numbers of people and are not quite round.
    """
    seeds, part = blocks.diagram.points, blocks.part
    pairs = blocks.pairs
    pairs = pairs[(part[pairs[:, 0]] == part[pairs[:, 1]]) & (part[pairs[:, 0]] >= 0)]
    one, other = seeds[pairs[:, 0]], seeds[pairs[:, 1]]
    weight = np.hypot(*(one - other).T) * np.sqrt(terrain.density((one + other) / 2))
    graph = adjacency(pairs, weight * rng.uniform(0.8, 1.25, size=len(pairs)), len(seeds))

    of_part = [np.flatnonzero(part == number) for number in range(part.max() + 1)]
    counts = _shares(np.array([blocks.mass[own].sum() for own in of_part]), terrain, n_districts)
    centres = np.concatenate(
        [
            rng.choice(own, size=count, replace=False, p=blocks.mass[own] / blocks.mass[own].sum())
            for own, count in zip(of_part, counts, strict=True)
        ]
    )
    land = np.flatnonzero(part >= 0)
    mass = blocks.mass[land]
    for round_number in range(_ROUNDS):
        _, _, source = dijkstra(graph, indices=centres, min_only=True, return_predecessors=True)
        by_position = np.argsort(centres)
        district = by_position[np.searchsorted(centres[by_position], source[land])]
        total = np.bincount(district, mass, n_districts)
        moment = mass[:, None] * seeds[land]
        mean = np.column_stack([np.bincount(district, moment[:, k], n_districts) / total for k in (0, 1)])
        away = np.hypot(*(seeds[land] - mean[district]).T)
        order = np.lexsort((away, district))
        first = np.concatenate([[0], np.flatnonzero(np.diff(district[order])) + 1])
        centres = land[order[first]]
        if round_number < _ROUNDS - 4:
            _resettle(rng, centres, total, part, land, district)
    result = np.full(len(seeds), -1)
    result[land] = district
    return result


def _resettle(
    rng: np.random.Generator,
    centres: np.ndarray,
    total: np.ndarray,
    part: np.ndarray,
    land: np.ndarray,
    district: np.ndarray,
) -> None:
    """Move the centre of each far too small district into one of the largest on the same piece of land.

    Districts hardly grow once hemmed in, and one of a block or two may hold no grid cell at all.
    """
    part_of = part[centres]
    for number in range(part.max() + 1):
        members = np.flatnonzero(part_of == number)
        members = members[np.argsort(total[members], kind="stable")]
        small = members[total[members] < 0.5 * total[members].mean()]
        for poor, rich in zip(small, members[::-1], strict=False):
            inside = land[district == rich]
            inside = inside[inside != centres[rich]]
            if total[rich] > 1.2 * total[members].mean() and len(inside):
                centres[poor] = rng.choice(inside)


def _shares(mass: np.ndarray, terrain: Terrain, n_districts: int) -> np.ndarray:
    """Districts per piece of land: one an island, the rest by people (largest remainder)."""
    counts = np.ones(len(mass), dtype=np.int64)
    main = len(mass) - len(terrain.islands)
    left = n_districts - len(mass)
    exact = left * mass[:main] / mass[:main].sum()
    counts[:main] += np.floor(exact).astype(np.int64)
    short = left - np.floor(exact).sum().astype(int)
    counts[np.argsort(np.floor(exact) - exact, kind="stable")[:short]] += 1
    return counts


def _with_bridges(blocks: Blocks, district: np.ndarray) -> np.ndarray:
    """Give evenly spaced stretches of the river to the district on their north bank."""
    water, part, ridges, length = blocks.water, blocks.part, blocks.pairs, blocks.length
    touch = np.zeros((2, water.sum()))
    owner = np.full(water.sum(), -1)
    for bank in (0, 1):
        for one, other in ((0, 1), (1, 0)):
            on = water[ridges[:, one]] & (part[ridges[:, other]] == bank)
            order = np.flatnonzero(on)[np.argsort(length[on], kind="stable")]
            touch[bank, ridges[order, one]] = np.maximum(touch[bank, ridges[order, one]], length[order])
            if bank == 0:
                owner[ridges[order, one]] = district[ridges[order, other]]
    shortest = np.minimum(*touch)
    possible = np.flatnonzero(shortest > 0.4 * np.median(shortest[shortest > 0]))
    wanted = max(3, round(0.45 * np.sqrt(district.max() + 1)))
    place = np.linspace(0, len(possible), wanted + 1)
    bridges = np.unique(possible[((place[:-1] + place[1:]) / 2).astype(int)])
    result = district.copy()
    result[bridges] = owner[bridges]
    return result


def _polygons(diagram: Voronoi, district: np.ndarray, n_districts: int) -> np.ndarray:
    """Merge blocks into district polygons; coordinates are rounded alike in all, so borders fit exactly."""
    vertices = np.round(diagram.vertices + ORIGIN, 1)
    members = np.flatnonzero(district >= 0)
    members = members[np.argsort(district[members], kind="stable")]
    regions = [diagram.regions[diagram.point_region[block]] for block in members]
    corners = np.concatenate([vertices[[*region, region[0]]] for region in regions])
    ring = np.repeat(np.arange(len(regions)), [len(region) + 1 for region in regions])
    cells = shapely.polygons(shapely.linearrings(corners, indices=ring))
    cells = np.asarray(shapely.remove_repeated_points(cells))
    starts = np.searchsorted(district[members], np.arange(n_districts + 1))
    merged = [shapely.coverage_union_all(cells[a:b]) for a, b in itertools.pairwise(starts)]
    return shapely.normalize(np.array(merged, dtype=object))


def _quarters(terrain: Terrain, polygons: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Name the quarter of each district by ring and compass, and order districts by quarter and bearing."""
    x, y = (shapely.get_coordinates(shapely.centroid(polygons)) - ORIGIN).T
    bearing = np.arctan2(x, y) % (2 * np.pi)
    ring = np.digitize(np.hypot(x, y) / terrain.radius, [0.2, 0.55])
    sector = np.round(bearing / (np.pi / 4)).astype(np.int64) % 8
    number = np.where(ring == 0, 0, 1 + sector + 8 * (ring - 1))
    first_island = 2 + (terrain.town is not None)
    number[(part >= 2) & (part < first_island)] = 17
    number[part >= first_island] = 18
    names = ["Centre", *(f"Inner {c}" for c in _COMPASS), *(f"Outer {c}" for c in _COMPASS)]
    quarter = np.array([*names, "Garden Town", "Islands"], dtype=object)[number]
    return quarter, np.lexsort((bearing, number))
