"""Districts with known effects on a grid, and fits of them that all tests of this folder share."""

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest

from spatialvote.data.districts import About, Districts
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.roles import Roles
from spatialvote.models.draw_field import draw_effects
from spatialvote.models.fit import Fit
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.vote_share import VoteShareModel

SIDE = 12
ISLANDS = 2
FORMULA = "pvv ~ migrants + income"
INTERCEPT, BY_MIGRANTS, BY_INCOME, SIGMA, RHO = -1.2, -0.03, 0.05, 0.5, 0.9


def grid_edges(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Rook links of a square grid, as positions i < j."""
    at = np.arange(side * side).reshape(side, side)
    i = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()])
    j = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()])
    return i, j


def bind_districts(table: gpd.GeoDataFrame, i: np.ndarray, j: np.ndarray, **roles: object) -> Districts:
    """Districts of a table that needs no geometry, with links by position."""
    graph = graph_from_edges(list(table.index), i, j)
    units = {"migrants": "percent", "income": "1000 EUR"}
    given = {"valid": "valid", "migrants": "migrants", "covariates": ("income",), "units": units, **roles}
    return Districts(
        table=table,
        roles=Roles(id="district", votes={"pvv": "pvv"}, **given),
        graph=graph,
        graph_report=report_graph(graph, "rook contiguity"),
        about=About("Grid", "square", simulated=True),
    )


@pytest.fixture(scope="session")
def districts() -> Districts:
    """146 districts: a grid of 144 and two islands; district effects mostly structured (rho = 0.9)."""
    rng = np.random.default_rng(11)
    n = SIDE * SIDE + ISLANDS
    i, j = grid_edges(SIDE)
    migrants, income = rng.uniform(2, 40, n), rng.normal(25, 4, n)
    effects = draw_effects(scale_graph(n, i, j), np.array([SIGMA]), np.array([RHO]), rng)[0]
    mu = INTERCEPT + BY_MIGRANTS * (migrants - migrants.mean()) + BY_INCOME * (income - income.mean())
    valid = rng.integers(400, 3000, n)
    table = gpd.GeoDataFrame(
        {
            "pvv": rng.binomial(valid, 1 / (1 + np.exp(-(mu + effects)))),
            "valid": valid,
            "migrants": migrants,
            "income": income,
        },
        geometry=gpd.GeoSeries([None] * n, crs="EPSG:3035"),
    )
    table.index = [f"D{k:03d}" for k in range(n)]
    table.index.name = "district"
    return bind_districts(table, i, j)


@pytest.fixture(scope="session")
def fits(districts: Districts) -> Callable[[str], Fit]:
    """A fit of each structure, made when it is first asked for."""
    made: dict[str, Fit] = {}

    def fit(structure: str) -> Fit:
        if structure not in made:
            model = VoteShareModel(FORMULA, structure=structure)
            made[structure] = model.fit(districts, seed=9, draws=1500, tune=500, progress=False)
        return made[structure]

    return fit


@pytest.fixture(scope="session")
def counts() -> Districts:
    """100 districts on a grid with Poisson counts: exposure 20 to 200, rate ratio 1.02 per point."""
    rng = np.random.default_rng(3)
    i, j = grid_edges(10)
    migrants, exposure = rng.uniform(2, 40, 100), rng.uniform(20, 200, 100)
    effects = draw_effects(scale_graph(100, i, j), np.array([0.4]), np.array([0.7]), rng)[0]
    cases = rng.poisson(exposure * np.exp(0.02 * (migrants - 20) + effects))
    table = gpd.GeoDataFrame(
        {"pvv": cases, "exposure": exposure, "migrants": migrants, "income": rng.normal(25, 4, 100)},
        geometry=gpd.GeoSeries([None] * 100, crs="EPSG:3035"),
    )
    table.index = [f"K{k:03d}" for k in range(100)]
    table.index.name = "district"
    return bind_districts(table, i, j, valid=None, exposure="exposure")


@pytest.fixture(scope="session")
def tampered() -> Callable[..., Fit]:
    """Copy a fit with one array changed: ``tampered(fit, "posterior", "eta", change)``."""

    def copy(fit: Fit, group: str, name: str, change: Callable[[np.ndarray], None]) -> Fit:
        # Loaded, because what is computed when it is asked for cannot be changed.
        tree = fit.tree.copy(deep=True).load()
        change(tree[group][name].to_numpy())
        return Fit(tree, fit.model, fit.record)

    return copy


@pytest.fixture(scope="session")
def altered(districts: Districts) -> Callable[..., Districts]:
    """Copy the districts with a changed table, or with some links left out."""

    def copy(change: Callable[[gpd.GeoDataFrame], object] | None = None, leave_out: int = 0) -> Districts:
        table = districts.table.copy()
        if change is not None:
            change(table)
        i, j, _ = districts.edges
        return bind_districts(table, i[leave_out:], j[leave_out:])

    return copy
