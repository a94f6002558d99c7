"""The ground of a simulated city: coast, outline, river, islands, garden town, and how densely people live.

Coordinates are metres from the city's centre; `simulate_places` moves them to the map. Everything scales
with the city's radius, which grows with the square root of the number of districts, so that densities stay
those of a European city whatever the number of districts.
"""

from dataclasses import dataclass

import numpy as np
import shapely

from spatialvote.data.simulate_field import SmoothField

#: Residents of an average district.
PERSONS_PER_DISTRICT = 2300
#: Part of the districts that lie in the garden town, where there is one.
TOWN_PART = 0.08
_ISLAND_RADIUS = 800.0
_ISLAND_DENSITY = 900.0


@dataclass(frozen=True, eq=False)
class Terrain:
    """Land, water and the density of people.

    Attributes
    ----------
    radius
        Typical distance from the centre to the edge of the city, metres.
    city, town, islands
        Outlines; `town` is None where no second component was asked for.
    river
        Centre line, from the sea eastwards, shape (k, 2), x increasing.
    width
        Width of the river, metres.
    subcentres
        Secondary centres, shape (k, 2).
    texture
        Log-density surface on top of the fall from the centre.
    """

    radius: float
    city: shapely.Polygon
    town: shapely.Polygon | None
    islands: tuple[shapely.Polygon, ...]
    river: np.ndarray
    width: float
    subcentres: np.ndarray
    texture: SmoothField

    @property
    def outlines(self) -> tuple[shapely.Polygon, ...]:
        """All pieces of land: the city, the garden town if there is one, the islands."""
        return (self.city, *((self.town,) if self.town is not None else ()), *self.islands)

    def north_of_river(self, xy: np.ndarray) -> np.ndarray:
        """Whether points lie north of the river's centre line, shape (k,)."""
        return xy[:, 1] > np.interp(xy[:, 0], self.river[:, 0], self.river[:, 1])

    def density(self, xy: np.ndarray) -> np.ndarray:
        """Residents per square kilometre at points on land, shape (k,)."""
        fall = 12000 * np.exp(-np.hypot(*xy.T) / (0.32 * self.radius)) + 800
        for centre in self.subcentres:
            fall += 3500 * np.exp(-((np.hypot(*(xy - centre).T) / (0.08 * self.radius)) ** 2))
        if self.town is not None:
            centre = np.array(self.town.centroid.coords[0])
            size = np.sqrt(self.town.area / np.pi)
            fall += 5000 * np.exp(-((np.hypot(*(xy - centre).T) / (0.55 * size)) ** 2))
        density = fall * np.exp(0.25 * self.texture(xy))
        for island in self.islands:
            shapely.prepare(island)
            density[shapely.contains_xy(island, xy)] = _ISLAND_DENSITY
        return density


def draw_terrain(rng: np.random.Generator, n_districts: int, islands: int, second_component: bool) -> Terrain:
    """Draw the ground for a number of districts, with so many islands and, on request, a garden town."""
    radius = 480 * np.sqrt(n_districts)
    city = _city(rng, radius)
    west, _, east, _ = city.bounds
    x = np.linspace(west - 0.5 * radius, east + 0.5 * radius, 800)
    # Long meanders only: a bend tighter than the river is wide would fold the banks over each other.
    y = -0.06 * radius + radius * sum(
        rng.uniform(0.5, 1.2) * 0.11 / k * np.sin(np.pi * k * x / (1.5 * radius) + rng.uniform(0, 2 * np.pi))
        for k in (1, 2, 3)
    )
    angle = rng.uniform(0, 2 * np.pi) + np.arange(4) * np.pi / 2 + rng.uniform(-0.5, 0.5, size=4)
    distance = radius * rng.uniform(0.45, 0.7, size=4)
    return Terrain(
        radius=radius,
        city=city,
        town=_town(rng, city, radius, n_districts) if second_component else None,
        islands=_islands(rng, city, islands),
        river=np.column_stack([x, y]),
        width=0.02 * radius,
        subcentres=np.column_stack([distance * np.cos(angle), distance * np.sin(angle)]),
        texture=SmoothField.draw(rng, 0.15 * radius),
    )


def _blob(rng: np.random.Generator, radius: float, roughness: float) -> shapely.Polygon:
    """Draw a round but irregular outline about the origin."""
    angle = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    wobble = sum(
        rng.normal() * roughness / k**0.7 * np.cos(k * angle + rng.uniform(0, 2 * np.pi)) for k in range(2, 9)
    )
    r = radius * np.clip(1 + wobble, 0.6, 1.5)
    return shapely.Polygon(np.column_stack([r * np.cos(angle), r * np.sin(angle)]))


def _city(rng: np.random.Generator, radius: float) -> shapely.Polygon:
    """Draw the city: an irregular outline, cut off by a coast in the west."""
    y = np.linspace(-2, 2, 200)
    x = -0.5 + sum(
        rng.normal() * 0.09 / k**0.7 * np.sin(np.pi * k * y + rng.uniform(0, 2 * np.pi)) for k in range(1, 7)
    )
    inland = shapely.Polygon(np.vstack([np.column_stack([x, y]), [[3, 2], [3, -2]]]) * radius)
    outline = _blob(rng, radius, 0.13).intersection(inland)
    bend = 0.06 * radius
    rounded = outline.buffer(-bend).buffer(2 * bend).buffer(-bend)
    return max(shapely.get_parts(rounded), key=shapely.area)


def _town(
    rng: np.random.Generator, city: shapely.Polygon, radius: float, n_districts: int
) -> shapely.Polygon:
    """Draw a garden town inland, beyond a green belt of at least a tenth of the city's radius."""
    persons = TOWN_PART * n_districts * PERSONS_PER_DISTRICT
    size = np.sqrt(persons / 2300 / np.pi) * 1000
    town = _blob(rng, size, 0.09)
    angle = rng.choice([-1, 1]) * rng.uniform(0.5, 0.9)
    step = 0.02 * radius * np.array([np.cos(angle), np.sin(angle)])
    while town.distance(city) < 0.1 * radius:
        town = shapely.affinity.translate(town, *step)
    return town


def _islands(rng: np.random.Generator, city: shapely.Polygon, count: int) -> tuple[shapely.Polygon, ...]:
    """Place islands off the coast, in columns from north to south, none touching another."""
    west, south, _, north = city.bounds
    pitch = 3.6 * _ISLAND_RADIUS
    span = 0.7 * (north - south)
    rows = max(1, min(count, int(span // pitch)))
    islands = []
    for k in range(count):
        column, row = divmod(k, rows)
        in_column = min(rows, count - column * rows)
        x = west - (2.2 + 3.6 * column + rng.uniform(-0.4, 0.4)) * _ISLAND_RADIUS
        y = (south + north) / 2 + span * ((row + 0.5) / in_column - 0.5)
        y += rng.uniform(-0.4, 0.4) * _ISLAND_RADIUS
        shape = _blob(rng, _ISLAND_RADIUS * rng.uniform(0.75, 1.05), 0.1)
        islands.append(shapely.affinity.translate(shape, x, y))
    return tuple(islands)
