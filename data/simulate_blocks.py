"""Blocks of a simulated city: the cells of a Voronoi diagram that follows coast, outlines and river.

Blocks are small where people live densely. Two blocks mirrored in a line share a border that lies on it, so
outlines and banks come out smooth without cutting polygons, and every border is shared to the last digit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree, Voronoi

from spatialvote.data.simulate_outline import Terrain

#: Size of blocks (metres) at points, shape (k, 2).
type Spacing = Callable[[np.ndarray], np.ndarray]
_BLOCKS_PER_DISTRICT = 11
_CANDIDATES_PER_BLOCK = 6
#: Metres of shared border from which two blocks are neighbours.
_SHORTEST_BORDER = 5.0


@dataclass(frozen=True, eq=False)
class Blocks:
    """All cells of the diagram: land, river, and what lies around.

    Attributes
    ----------
    diagram
        Its points are the centres of the blocks, metres from the city's centre, shape (b, 2).
    mass
        People per block, on any scale, shape (b,).
    water
        Whether a block is river, shape (b,).
    part
        Piece of land: 0 north bank, 1 south bank, then garden town (if any) and islands; -1 none.
    pairs, length
        Blocks that share a border, shape (m, 2), and its length in metres, shape (m,).
    """

    diagram: Voronoi
    mass: np.ndarray
    water: np.ndarray
    part: np.ndarray
    pairs: np.ndarray
    length: np.ndarray


def cell_centres(bounds: tuple[float, float, float, float]) -> np.ndarray:
    """Centres of the hundred-metre cells that cover bounds (metres), row by row from the south-west."""
    west, south, east, north = np.floor(np.array(bounds) / 100) * 100
    x, y = np.meshgrid(np.arange(west, east + 100, 100), np.arange(south, north + 100, 100))
    return np.column_stack([x.ravel(), y.ravel()]) + 50


def lay_blocks(rng: np.random.Generator, terrain: Terrain, n_districts: int) -> Blocks:
    """Divide a terrain into blocks, about a dozen for each district."""
    seeds, water, mass = _block_seeds(rng, terrain, n_districts)
    diagram = Voronoi(seeds)
    pairs, length = _borders(diagram)
    return Blocks(diagram, mass, water, _parts(terrain, seeds, water, pairs), pairs, length)


def adjacency(pairs: np.ndarray, weight: np.ndarray, size: int) -> csr_array:
    """Symmetric sparse matrix of weights over pairs of positions."""
    i, j = np.concatenate([pairs, pairs[:, ::-1]]).T
    return csr_array((np.tile(weight, 2), (i, j)), shape=(size, size))


def _block_seeds(
    rng: np.random.Generator, terrain: Terrain, n_districts: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place block centres: mirrored along outlines and river, by density elsewhere.

    Returns
    -------
    seeds, water, mass
        Centres, shape (b, 2); whether a block is river, shape (b,); its people, on any scale, shape (b,).
    """
    land = shapely.union_all(terrain.outlines)
    shapely.prepare(land)
    cells = cell_centres(land.bounds)
    cells = cells[shapely.contains_xy(land, cells)]
    density = terrain.density(cells)
    per_block = density.sum() / (_BLOCKS_PER_DISTRICT * n_districts)

    def spacing(xy: np.ndarray) -> np.ndarray:
        return 100 * np.sqrt(per_block / terrain.density(xy))

    centre, *banks = _along_river(terrain, spacing)
    # Two blocks mirrored in an outline share a border that lies on it.
    rims = [_along_outline(outline, spacing) for outline in terrain.outlines]
    rim = np.vstack(rims)
    rim = rim[KDTree(centre).query(rim)[0] > 2 * terrain.width]
    # An island may be too small for a block by density.
    middles = np.array([outline.representative_point().coords[0] for outline in terrain.outlines[1:]])
    frame = 4 * np.abs(land.bounds).max() * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    fixed = np.vstack([centre, *banks, rim, middles.reshape(-1, 2), frame])

    count = _BLOCKS_PER_DISTRICT * n_districts - int(shapely.contains_xy(land, fixed).sum())
    count = max(count, 4 * n_districts)
    chosen = rng.choice(len(cells), size=_CANDIDATES_PER_BLOCK * count, p=density / density.sum())
    residents = cells[chosen] + rng.uniform(-50, 50, size=(len(chosen), 2))
    # Free blocks keep off the outlines and the banks, or their corners would poke through.
    clear = KDTree(fixed).query(residents)[0] > 0.45 * spacing(residents)
    clear &= KDTree(centre).query(residents)[0] > 1.2 * terrain.width
    candidates = residents[shapely.contains_xy(land, residents) & clear]
    free = candidates[:count].copy()
    for _ in range(4):
        nearest = np.asarray(KDTree(np.vstack([free, fixed])).query(candidates)[1])
        own = nearest < count
        size = np.bincount(nearest[own], minlength=count)
        moved = np.column_stack(
            [np.bincount(nearest[own], weights=candidates[own, k], minlength=count) for k in (0, 1)]
        )
        free[size > 0] = moved[size > 0] / size[size > 0, None]
    seeds = np.vstack([fixed, free])
    mass = np.bincount(KDTree(seeds).query(residents)[1], minlength=len(seeds)) + 0.1
    return seeds, np.arange(len(seeds)) < len(centre), mass


def _along_river(terrain: Terrain, spacing: Spacing) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stations on the river and their mirrors on both banks, so that block borders follow the banks."""
    line = terrain.river
    # Wider steps than the river is wide would let the blocks behind reach the water.
    step = np.clip(spacing(line), 0.5 * terrain.width, 1.2 * terrain.width)
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T) / step[1:])])
    at = np.arange(along[-1])
    stations = np.column_stack([np.interp(at, along, line[:, k]) for k in (0, 1)])
    normal = _normals(stations)
    return stations, stations + terrain.width * normal, stations - terrain.width * normal


def _along_outline(outline: shapely.Polygon, spacing: Spacing) -> np.ndarray:
    """Pairs of points on both sides of an outline, as dense as blocks are there."""
    ring = shapely.get_coordinates(shapely.segmentize(outline.exterior, outline.length / 600))
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(ring, axis=0).T) / (0.7 * spacing(ring)[1:]))])
    count = max(10, round(along[-1]))
    at = np.arange(count) * along[-1] / count
    points = np.column_stack([np.interp(at, along, ring[:, k]) for k in (0, 1)])
    closed = np.vstack([points[-1], points, points[0]])
    offset = 0.35 * np.minimum(spacing(points), 1.5 * outline.length / count)[:, None]
    normal = _normals(closed)[1:-1]
    return np.vstack([points + offset * normal, points - offset * normal])


def _normals(line: np.ndarray) -> np.ndarray:
    """Unit normals of a line of points, shape (k, 2)."""
    tangent = np.gradient(line, axis=0)
    return np.column_stack([-tangent[:, 1], tangent[:, 0]]) / np.hypot(*tangent.T)[:, None]


def _borders(diagram: Voronoi) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of blocks that share a border of some length, shape (m, 2), and that length, metres.

    Blocks that meet in little more than a corner do not count: a district must not hang on a point.
    """
    ends = np.array(diagram.ridge_vertices)
    span = diagram.vertices[ends[:, 0]] - diagram.vertices[ends[:, 1]]
    length = np.hypot(*span.T)
    keep = (ends >= 0).all(axis=1) & (length > _SHORTEST_BORDER)
    return diagram.ridge_points[keep], length[keep]


def _parts(terrain: Terrain, seeds: np.ndarray, water: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Which piece of land a block belongs to: 0 north bank, 1 south bank, 2... town, islands; -1 none.

    Blocks that are cut off from the bulk of their piece (a spit at the river's mouth) are none.
    """
    north = terrain.north_of_river(seeds)
    inside = [shapely.contains_xy(outline, seeds) & ~water for outline in terrain.outlines]
    part = np.full(len(seeds), -1)
    for number, members in enumerate([inside[0] & north, inside[0] & ~north, *inside[1:]]):
        part[members] = number
    same = part[pairs[:, 0]] == part[pairs[:, 1]]
    _, component = connected_components(adjacency(pairs[same], np.ones(same.sum()), len(seeds)))
    for number in range(part.max() + 1):
        members = np.flatnonzero(part == number)
        bulk = np.bincount(component[members]).argmax()
        part[members[component[members] != bulk]] = -1
    return part
