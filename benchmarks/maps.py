r"""Maps of the benchmark: simulated ones of any size, and real elections where their tables are at hand.

A simulated map has random points for districts, and as links their Delaunay triangulation without the long
edges along the hull: planar and connected, with about six neighbours a district. Votes are drawn from the
model that is fitted afterwards,

    y_i ~ Binomial(N_i, logit^-1(eta_i)),
    eta = -1.4 + X beta + sigma (sqrt(1 - rho) theta + sqrt(rho) phi),

with 300 to 3,000 valid votes N_i, three standardised covariates, sigma = 0.4 and rho = 0.7. phi is drawn
exactly from the scaled intrinsic CAR (`spatialvote.models.draw_field`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay
from scipy.special import expit

from spatialvote.data.districts import About, Districts
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.read import read_districts
from spatialvote.data.roles import Roles
from spatialvote.data.simulate import simulate_city
from spatialvote.models.draw_field import draw_effects
from spatialvote.models.scaled_graph import scale_graph

#: Tables of real elections, which lie beside the project and are no part of it.
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SEED = 2026
INTERCEPT = -1.4
SLOPES: Mapping[str, float] = MappingProxyType({"migrants": -0.3, "education": -0.2, "income": 0.1})
SIGMA, RHO = 0.4, 0.7


@dataclass(frozen=True)
class Truth:
    """What the votes of a simulated map were drawn from.

    Attributes
    ----------
    intercept, slopes
        On the logit scale, slopes by covariate and per standard deviation.
    sigma, rho
        Of the district effects.
    eta
        Linear predictor, shape (n,).
    """

    intercept: float
    slopes: Mapping[str, float]
    sigma: float
    rho: float
    eta: np.ndarray


def simulate_map(n: int, rng: np.random.Generator) -> tuple[Districts, Truth]:
    """Draw a connected map of ``n`` districts and the votes of one party, about a fifth of the valid ones."""
    i, j = random_contiguity(n, rng)
    table = pd.DataFrame(
        {
            "migrants": expit(rng.normal(-1.5, 0.8, n)),
            "education": expit(rng.normal(-0.8, 0.5, n)),
            "income": rng.normal(30.0, 6.0, n),
            "valid": rng.integers(300, 3001, n),
        },
        index=pd.Index([f"{q:06d}" for q in range(n)], name="district"),
    )
    raw = table[list(SLOPES)].to_numpy()
    standardised = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    effects = draw_effects(scale_graph(n, i, j), np.array([SIGMA]), np.array([RHO]), rng)[0]
    eta = INTERCEPT + standardised @ np.array(list(SLOPES.values())) + effects
    table["votes"] = rng.binomial(table["valid"].to_numpy(), expit(eta))
    graph = graph_from_edges(list(table.index), i, j)
    districts = Districts(
        gpd.GeoDataFrame(table, geometry=[None] * n),
        Roles(id="district", votes={"party": "votes"}, valid="valid", covariates=tuple(SLOPES)),
        graph,
        report_graph(graph, "Delaunay triangulation of random points without long edges"),
        About(f"Simulated map of {n:,} districts", "district", simulated=True),
    )
    return districts, Truth(INTERCEPT, SLOPES, SIGMA, RHO, eta)


def random_contiguity(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Links of ``n`` random points as positions i < j, each once: planar, connected, about 3 n of them.

    Raises
    ------
    RuntimeError
        Where leaving out long edges tears the map apart, of which the probability is below 1e-4.
    """
    points = rng.uniform(size=(n, 2))
    triangles = Delaunay(points).simplices
    ends = np.sort(triangles[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2).astype(np.int64), axis=1)
    i, j = np.divmod(np.unique(ends[:, 0] * n + ends[:, 1]), n)
    # A typical edge is 1 / sqrt(n) long; those above four times that join distant points of the hull.
    near = np.linalg.norm(points[i] - points[j], axis=1) < 4 / np.sqrt(n)
    i, j = i[near], j[near]
    parts, _ = connected_components(coo_array((np.ones(len(i)), (i, j)), shape=(n, n)), directed=False)
    if parts > 1:
        raise RuntimeError(f"the map of {n} random points has {parts} parts: draw it with another seed")
    return i, j


def _city() -> tuple[Districts, str]:
    return simulate_city().districts, "national_list ~ migrant_share + higher_education + income"


def _netherlands() -> tuple[Districts, str]:
    folder = SHARED / "nl_tk2023_gemeente"
    covariates = ("pct_migration_background_2021", "edu_appl_sci", "income_high")
    districts = read_districts(
        folder / "nl_tk2023_gemeente_joined.csv",
        id="gm",
        votes={"pvv": "pvv"},
        valid="valid",
        covariates=covariates,
        edges=folder / "adjacency_queen.csv",
        about=About("Netherlands, House of Representatives", "municipality", 2023),
    )
    return districts, f"pvv ~ {' + '.join(covariates)}"


def _counties() -> tuple[Districts, str]:
    folder = SHARED / "us_county_2020"
    covariates = ("pct_fb", "pct_bach", "median_income")
    districts = read_districts(
        folder / "us_county_2020_joined.csv",
        id="fips",
        votes={"gop": "votes_gop"},
        valid="total_votes",
        covariates=covariates,
        edges=folder / "adjacency_queen.csv",
        about=About("United States, presidential election", "county", 2020),
    )
    return districts, f"gop ~ {' + '.join(covariates)}"


@dataclass(frozen=True)
class Case:
    """Districts to measure on that are no map of n random points.

    Attributes
    ----------
    read
        Gives districts and formula.
    districts
        How many they are.
    folder
        Folder of the tables that it reads, if any.
    """

    read: Callable[[], tuple[Districts, str]]
    districts: int
    folder: str | None = None


CASES: Mapping[str, Case] = MappingProxyType(
    {
        "simulated city": Case(_city, 400),
        "Dutch municipalities, PVV 2023": Case(_netherlands, 342, "nl_tk2023_gemeente"),
        "US counties, GOP 2020": Case(_counties, 3_108, "us_county_2020"),
    }
)


def available_cases() -> dict[str, Case]:
    """The cases whose tables are at hand."""
    return {
        name: case for name, case in CASES.items() if case.folder is None or (SHARED / case.folder).is_dir()
    }


def map_named(name: str) -> tuple[Districts, str]:
    """Districts and formula of a case, or of the simulated map of as many districts as ``name`` says."""
    if name in CASES:
        return CASES[name].read()
    n = int(name)
    districts, _ = simulate_map(n, np.random.default_rng([SEED, n]))
    return districts, f"party ~ {' + '.join(SLOPES)}"
