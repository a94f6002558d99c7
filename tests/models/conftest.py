"""Graphs and districts on which the models' tests stand."""

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from spatialvote.data.districts import About, Districts
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.roles import Roles
from spatialvote.models.scaled_graph import ScaledGraph, scale_graph

Links = tuple[int, np.ndarray, np.ndarray, np.ndarray]


def lattice(rows: int, columns: int, first: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rook links of a lattice whose districts are numbered from ``first``."""
    index = np.arange(rows * columns).reshape(rows, columns) + first
    return (
        np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()]),
        np.concatenate([index[:, 1:].ravel(), index[1:].ravel()]),
    )


def _links(kind: str) -> Links:
    """A connected lattice; two components and two islands; the same with weights."""
    i, j = lattice(4, 5)
    n = 20
    if kind != "connected":
        path = np.array([21, 22, 24])
        i, j, n = np.r_[i, path[:-1]], np.r_[j, path[1:]], 25
    weight = np.ones(len(i))
    if kind == "weighted":
        weight = np.random.default_rng(5).uniform(0.3, 3.0, len(i))
    return n, i, j, weight


@pytest.fixture(params=["connected", "components and islands", "weighted"])
def links(request) -> Links:
    """Number of districts, ends and weights of the links, for each kind of graph."""
    return _links(request.param)


@pytest.fixture
def graph(links: Links) -> ScaledGraph:
    """The scaled graph of `links`."""
    return scale_graph(*links)


@pytest.fixture(scope="session")
def make_districts() -> Callable[..., Districts]:
    """A maker of districts on a lattice with an island, with votes drawn from a known model."""

    def make(rows: int = 5, columns: int = 6, seed: int = 1, mean_votes: int = 800) -> Districts:
        rng = np.random.default_rng(seed)
        i, j = lattice(rows, columns)
        n = rows * columns + 1
        ids = [f"D{q:03d}" for q in range(n)]
        table = pd.DataFrame(
            {
                "migrants": rng.gamma(2.0, 6.0, n),
                "education": rng.normal(35.0, 8.0, n),
                "quarter": np.where(np.arange(n) % 3 == 0, "old", "new"),
                "valid": rng.integers(mean_votes // 2, 2 * mean_votes, n),
                "expected": rng.gamma(4.0, 3.0, n),
            },
            index=pd.Index(ids, name="district"),
        )
        standard = (table[["migrants", "education"]] - table[["migrants", "education"]].mean()).to_numpy()
        eta = -1.2 + standard @ np.array([-0.02, -0.02]) + rng.normal(0, 0.3, n)
        table["party"] = rng.binomial(table["valid"], 1 / (1 + np.exp(-eta)))
        table["cases"] = rng.poisson(table["expected"] * np.exp(eta + 1.2))
        roles = Roles(
            id="id",
            votes={"party": "party", "cases": "cases"},
            valid="valid",
            exposure="expected",
            migrants="migrants",
            covariates=("education",),
            groups=("quarter",),
            units={"migrants": "percent", "education": "percent"},
        )
        graph = graph_from_edges(ids, i, j)
        frame = gpd.GeoDataFrame(table, geometry=[None] * n)
        about = About("Lattice", "cell", 2026, simulated=True)
        return Districts(frame, roles, graph, report_graph(graph, "rook links of a lattice"), about)

    return make


@pytest.fixture(scope="session")
def dense() -> Callable[..., np.ndarray]:
    """The covariance of the field by dense algebra: sigma^2 [(1 - rho) I + rho R^-]."""

    def covariance(graph: ScaledGraph, sigma: float, rho: float) -> np.ndarray:
        inverse = np.linalg.pinv(graph.matrix.toarray(), rcond=1e-10, hermitian=True)
        return sigma**2 * ((1 - rho) * np.eye(graph.n) + rho * inverse)

    return covariance
