"""`simulate_elections`: invented elections on a grid of districts, and the truth behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.special import expit, logit

from spatialvote.data.aside import written_aside
from spatialvote.data.districts import About, ReadRecord
from spatialvote.data.elections import Elections
from spatialvote.data.errors import DataError, Problem
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.roles import Roles
from spatialvote.data.simulate_field import draw_scaled_icar

#: Metres along the side of a district, and from the grid to an island.
_SIDE, _AWAY = 1000.0, 2500.0


@dataclass(frozen=True)
class ElectionsTruth:
    """What simulated elections are drawn from; see `simulate_elections`.

    Attributes
    ----------
    level
        Share of the party at average covariates, one for each election.
    slopes
        Change in log-odds per standard deviation of the migrant share, one for each election.
    education
        The same for education, equal at all elections.
    sigma, rho
        Of the persistent district effects: sd of a typical one, and its structured part.
    sigma_change
        Sd of a typical structured departure of a district at an election (type IV).
    sigma_own
        Sd of the independent effect of each district-election (type I).
    sigma_slope
        Sd of a typical district's departure from the slope.
    """

    level: tuple[float, ...] = (0.12, 0.13, 0.14, 0.12, 0.21)
    slopes: tuple[float, ...] = (-0.10, -0.15, -0.20, -0.25, -0.30)
    education: float = -0.25
    sigma: float = 0.3
    rho: float = 0.6
    sigma_change: float = 0.15
    sigma_own: float = 0.08
    sigma_slope: float = 0.1

    def __post_init__(self) -> None:
        problems = []
        if len(self.level) != len(self.slopes) or len(self.level) < 2:
            problems.append(
                Problem(
                    f"{len(self.level)} levels and {len(self.slopes)} slopes came",
                    "give one of each for every election, two at least",
                )
            )
        if not all(0 < one < 1 for one in (*self.level, self.rho)):
            problems.append(Problem("a level or rho is no fraction", "give numbers between 0 and 1"))
        sds = (self.sigma, self.sigma_change, self.sigma_own, self.sigma_slope)
        if min(sds) < 0:
            problems.append(Problem("a standard deviation is negative", "give 0 or more"))
        if problems:
            raise DataError(problems)

    def parameters(self) -> Mapping[str, float]:
        """Hyperparameters by the names that a fit has."""
        names = ("sigma", "rho", "sigma_change", "sigma_own", "sigma_slope")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, eq=False)
class SimulatedElections:
    """Elections, and what they were drawn from.

    Attributes
    ----------
    elections
        What a researcher would see.
    truth
        Parameters.
    eta
        Linear predictor of each row, shape (rows,).
    slope
        Each district's slope at each election, log-odds per standard deviation, shape (elections, n).
    """

    elections: Elections
    truth: ElectionsTruth
    eta: np.ndarray
    slope: np.ndarray


def change_factors(count: int) -> np.ndarray:
    """Loadings B of a random walk over time that sums to zero, shape (count, count - 1).

    B B' is the Moore-Penrose inverse of the walk's structure matrix, scaled so that the geometric mean of its
    diagonal is 1.
    """
    differences = np.diff(np.eye(count), axis=0)
    values, vectors = np.linalg.eigh(differences.T @ differences)
    loadings = vectors[:, 1:] / np.sqrt(values[1:])
    return loadings / np.sqrt(np.exp(np.log((loadings**2).sum(axis=1)).mean()))


def simulate_elections(
    seed: int = 2026,
    n_districts: int = 100,
    truth: ElectionsTruth | None = None,
    *,
    islands: int = 0,
    valid: tuple[int, int] = (300, 3000),
) -> SimulatedElections:
    """Invent elections on a grid of districts.

    With z_it the standardised migrant share of district i at election t, which moves a little from one
    election to the next, and w_i standardised education,

        y_it ~ Binomial(N_it, logit^-1(eta_it))
        eta_it = logit(level_t) + slopes_t z_it + education w_i + u_i + psi_it + delta_i z_it + e_it,

    u BYM2 (sigma, rho), psi a random walk over the elections times an intrinsic CAR over the map (type IV of
    Knorr-Held 2000; sums to zero over time, and over the districts of a component), delta an intrinsic CAR,
    all scaled so that their sd is that of a typical district, and e independent.

    Parameters
    ----------
    seed
        The same arguments give the same elections.
    n_districts
        All districts; the grid has as many rows as columns, or a few more.
    truth
        Parameters.
    islands
        How many of the districts have no neighbour.
    valid
        Fewest and most valid votes of a district.

    Raises
    ------
    DataError
        Where there are fewer than nine districts on the grid.

    Examples
    --------
    >>> simulate_elections(1, 30, islands=1).elections
    Elections(Simulated elections: 5 elections 2001 to 2017, 30 x district (simulated), 150 of 150 \
district-elections, 2 components, 1 islands)
    """
    truth = truth or ElectionsTruth()
    if n_districts - islands < 9 or islands < 0:
        raise DataError(
            Problem(f"{n_districts} districts with {islands} islands are too few", "ask for more districts")
        )
    rng = np.random.default_rng(seed)
    count, n = len(truth.level), n_districts
    column, row = _grid(n - islands, islands)
    i, j = np.nonzero(np.triu(np.abs(column[:, None] - column) + np.abs(row[:, None] - row) == 1))
    main, slope_field, migrants, education, *changes = draw_scaled_icar(rng, n, i, j, 4 + count - 1)
    share = expit(
        -1.8 + 0.7 * migrants + 0.4 * rng.normal(size=n) + 0.08 * rng.normal(size=(count, n)).cumsum(axis=0)
    )
    educated = expit(-0.8 + 0.3 * education + 0.3 * rng.normal(size=n))
    z = (share - share.mean()) / share.std()
    persistent = truth.sigma * (np.sqrt(1 - truth.rho) * rng.normal(size=n) + np.sqrt(truth.rho) * main)
    slope = np.array(truth.slopes)[:, None] + truth.sigma_slope * slope_field
    eta = (
        logit(np.array(truth.level))[:, None]
        + slope * z
        + truth.education * (educated - educated.mean()) / educated.std()
        + persistent
        + truth.sigma_change * change_factors(count) @ np.array(changes)
        + truth.sigma_own * rng.normal(size=(count, n))
    )
    size = np.exp(rng.uniform(*np.log(valid), size=n))
    ballots = np.maximum(rng.poisson(size * rng.uniform(0.95, 1.05, size=(count, 1)), (count, n)), 1)
    votes = rng.binomial(ballots, expit(eta))
    table = pd.DataFrame(
        {
            "district": np.tile(np.arange(n), count),
            "election": np.repeat(np.arange(count), n),
            "party": votes.ravel(),
            "valid": ballots.ravel(),
            "migrant_share": 100 * share.ravel(),
            "education": np.tile(100 * educated, count),
        }
    )
    digits = len(str(n))
    ids = pd.Index([f"D{one + 1:0{digits}d}" for one in range(n)], name="district", dtype="str")
    west, south = _SIDE * column, _SIDE * row
    shapes = gpd.GeoSeries(shapely.box(west, south, west + _SIDE, south + _SIDE), index=ids, crs="EPSG:3035")
    graph = graph_from_edges(list(ids), i, j)
    years = [2001 + 4 * one for one in range(count)]
    elections = Elections(
        table=table,
        places=gpd.GeoDataFrame(geometry=shapes),
        labels=tuple(map(str, years)),
        times=tuple(map(float, years)),
        roles=Roles(
            id="district",
            votes={"party": "party"},
            valid="valid",
            migrants="migrant_share",
            covariates=("education",),
            units={"migrant_share": "percent", "education": "percent"},
            names={"party": "the party", "migrant_share": "migrants"},
        ),
        graph=graph,
        graph_report=report_graph(graph, "rook contiguity"),
        about=About(
            "Simulated elections", "district (simulated)", source="simulate_elections", simulated=True
        ),
        record=ReadRecord(notes=("places, people and votes are invented, drawn from known parameters",)),
    )
    return SimulatedElections(elections, truth, eta.ravel(), slope)


def _grid(joined: int, islands: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows of the districts: a grid, and islands west of it that touch nothing."""
    width = int(np.ceil(np.sqrt(joined)))
    place = np.arange(joined)
    away = _AWAY / _SIDE
    column = np.r_[place % width, np.full(islands, -away)]
    return column, np.r_[place // width, 2 * away * np.arange(islands)]


def write_elections(elections: Elections, folder: str | Path) -> Path:
    """Write elections as a long table ``elections.csv``, ``links.csv`` and ``districts.geojson``.

    Columns of the table: ``district`` (id), ``election``, and every column with a role; `read_elections`
    reads them with ``election="election"``.
    """
    folder = Path(folder)
    named = elections.table.assign(
        district=elections.ids.to_numpy()[elections.district],
        election=np.array(elections.labels)[elections.election],
    )
    with written_aside(folder / "elections.csv") as aside:
        named.to_csv(aside, index=False)
    i, j, _ = elections.edges
    with written_aside(folder / "links.csv") as aside:
        pd.DataFrame({"a": elections.ids[i], "b": elections.ids[j]}).to_csv(aside, index=False)
    with written_aside(folder / "districts.geojson") as aside:
        elections.places.reset_index().to_file(aside, driver="GeoJSON")
    return folder / "elections.csv"
