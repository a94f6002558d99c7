"""The people of a simulated city on a hundred-metre grid: numbers, origin, education, income.

Migrants live in clusters. Education is a surface of its own, higher in the centre and somewhat lower where
migrants live; income follows education and falls with migrants, with much of its own: the three are
correlated, as in real cities, but not collinear.
"""

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem
from spatialvote.data.findings import in_districts
from spatialvote.data.simulate_blocks import cell_centres
from spatialvote.data.simulate_field import SmoothField
from spatialvote.data.simulate_outline import PERSONS_PER_DISTRICT, Terrain
from spatialvote.data.simulate_places import ORIGIN, Places

#: Columns with persons by origin; they sum to `persons`.
ORIGINS = ("origin_native", "origin_eu", "origin_non_eu")
#: Fewest and most residents that a district is planned for, so that valid votes are about 300 to 3,000.
_PLANNED = (1000, 4300)
#: Most residents a hectare that a district is planned for.
_CROWDED = 350
_CLUSTERS = 7


def populate(rng: np.random.Generator, terrain: Terrain, places: Places, ids: pd.Index) -> pd.DataFrame:
    """Draw the residents of each inhabited hundred-metre cell.

    A cell belongs to the district in which its centre lies.

    Returns
    -------
    DataFrame
        One row per cell with at least one resident, from south-west to north-east: `cell` (INSPIRE code of
        the EPSG:3035 grid), `easting` and `northing` of its lower left corner (m), `district`, `persons`,
        the columns of `ORIGINS` (persons), `higher_education` (percent of residents), `income` (mean, 1000
        EUR a year a person).

    Raises
    ------
    DataError
        If a district is so small that no inhabited cell lies in it.
    """
    bounds = [outline.bounds for outline in terrain.outlines]
    west, south, east, north = np.transpose(bounds)
    xy = cell_centres((west.min(), south.min(), east.max(), north.max()))
    district = places.locate(xy)
    xy, district = xy[district >= 0], district[district >= 0]
    require_cells(district, ids, "grid cell")
    persons = _persons(rng, terrain, xy, district, len(ids))
    inhabited = persons > 0
    xy, district, persons = xy[inhabited], district[inhabited], persons[inhabited]
    require_cells(district, ids, "inhabited grid cell")

    non_eu, eu = _migrant_logits(rng, terrain, xy)
    odds = np.column_stack([np.ones(len(xy)), np.exp(eu), np.exp(non_eu)])
    origins = rng.multinomial(persons, odds / odds.sum(axis=1, keepdims=True))
    education, income = _status(rng, terrain, xy, _standardise(non_eu, persons), persons)

    corner = (xy - 50 + ORIGIN).astype(np.int64)
    return pd.DataFrame(
        {
            "cell": [f"CRS3035RES100mN{y}E{x}" for x, y in corner],
            "easting": corner[:, 0],
            "northing": corner[:, 1],
            "district": ids.to_numpy()[district],
            "persons": persons,
            **{name: origins[:, k] for k, name in enumerate(ORIGINS)},
            "higher_education": np.round(education, 1),
            "income": np.round(income, 1),
        }
    )


def require_cells(district: np.ndarray, ids: pd.Index, what: str) -> None:
    """Refuse a city in which a district holds no cell: shares of nobody have no value."""
    without = ids[np.bincount(district, minlength=len(ids)) == 0]
    if len(without):
        raise DataError(
            Problem(
                f"no {what} lies {in_districts(list(without))} of this simulated city",
                "choose another seed, or fewer districts",
            )
        )


def aggregate(grid: pd.DataFrame, ids: pd.Index) -> pd.DataFrame:
    """Sum the grid to districts; education and income are means weighted by persons.

    Returns
    -------
    DataFrame
        Indexed by `ids`: `persons`, the columns of `ORIGINS`, `migrant_share` (percent of residents whose
        origin is not native), `higher_education` (percent), `income` (1000 EUR), the last three rounded to
        two decimals.
    """
    position, n = ids.get_indexer(pd.Index(grid["district"])), len(ids)
    table = pd.DataFrame(index=ids)
    for name in ("persons", *ORIGINS):
        table[name] = np.bincount(position, grid[name], n).astype(np.int64)
    persons = table["persons"].to_numpy()
    table["migrant_share"] = np.round(100 * (persons - table["origin_native"].to_numpy()) / persons, 2)
    for name in ("higher_education", "income"):
        table[name] = np.round(np.bincount(position, grid[name] * grid["persons"], n) / persons, 2)
    return table


def _persons(
    rng: np.random.Generator, terrain: Terrain, xy: np.ndarray, district: np.ndarray, n_districts: int
) -> np.ndarray:
    """Residents of each cell: by density, with parks, so that districts hold a few thousand each."""
    weight = terrain.density(xy) * np.exp(rng.normal(0, 0.4, size=len(xy)))
    # Parks keep a lodge or two: a district that is all park still has residents.
    weight[SmoothField.draw(rng, 0.04 * terrain.radius)(xy) > 2] *= 0.01
    total = np.bincount(district, weights=weight, minlength=n_districts)
    planned = PERSONS_PER_DISTRICT * (total / total.mean()) ** 0.75
    planned *= np.exp(rng.normal(0, 0.2, size=n_districts))
    planned = np.minimum(planned, _CROWDED * np.bincount(district, minlength=n_districts))
    planned = np.clip(planned, *_PLANNED)
    return rng.poisson(weight * (planned / total)[district])


def _migrant_logits(
    rng: np.random.Generator, terrain: Terrain, xy: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds against the native-born of origin outside and inside the EU, per cell."""
    radius = terrain.radius
    non_eu = -2.1 + 0.45 * SmoothField.draw(rng, 0.16 * radius)(xy)
    # Bent coordinates, so that clusters are not round.
    bent = xy + 0.05 * radius * np.column_stack([SmoothField.draw(rng, 0.1 * radius)(xy) for _ in (0, 1)])
    cluster = np.zeros(len(xy))
    for home in _homes(rng, terrain, xy, bent):
        width, height = rng.uniform(0.07, 0.14), rng.uniform(1.8, 3.4)
        cluster += height * np.exp(-0.5 * (np.hypot(*(bent - home).T) / (width * radius)) ** 2)
    non_eu += 2.9 * np.tanh(cluster / 2.9) + rng.normal(0, 0.2, size=len(xy))
    centre = np.exp(-np.hypot(*xy.T) / (0.35 * radius))
    eu = -2.35 + 0.6 * centre + 0.35 * SmoothField.draw(rng, 0.14 * radius)(xy)
    return non_eu, eu + rng.normal(0, 0.2, size=len(xy))


def _homes(rng: np.random.Generator, terrain: Terrain, xy: np.ndarray, bent: np.ndarray) -> list[np.ndarray]:
    """Choose the middles of migrants' neighbourhoods, apart from each other, not all in the centre."""
    weight = np.sqrt(terrain.density(xy))
    homes: list[np.ndarray] = []
    for cell in rng.choice(len(xy), size=200, p=weight / weight.sum()):
        apart = all(np.hypot(*(bent[cell] - home)) > 0.35 * terrain.radius for home in homes)
        if apart and len(homes) < _CLUSTERS:
            homes.append(bent[cell])
    return homes


def _status(
    rng: np.random.Generator, terrain: Terrain, xy: np.ndarray, migrants: np.ndarray, persons: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Share with higher education (percent) and mean income (1000 EUR) per cell."""
    radius = terrain.radius
    centre = np.exp(-np.hypot(*xy.T) / (0.35 * radius))
    logit = -0.8 + 0.5 * SmoothField.draw(rng, 0.13 * radius)(xy) + 0.7 * centre - 0.35 * migrants
    logit += rng.normal(0, 0.15, size=len(xy))
    education = 100 / (1 + np.exp(-logit))
    own = SmoothField.draw(rng, 0.14 * radius)(xy)
    log_income = 0.16 * own + 0.1 * _standardise(logit, persons) - 0.08 * migrants
    return education, 31 * np.exp(log_income + rng.normal(0, 0.05, size=len(xy)))


def _standardise(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Centre and scale by the weighted mean and standard deviation."""
    centred = values - np.average(values, weights=weight)
    return centred / np.sqrt(np.average(centred**2, weights=weight))
