"""Small maps with several parties."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from spatialvote.data.districts import Districts
from spatialvote.models.parties.posterior import PartyPosterior, overall_logits
from spatialvote.models.parties.priors import PartyPriors
from spatialvote.models.scaled_graph import ScaledGraph, scale_graph
from spatialvote.models.structures import bind_graph


@pytest.fixture(scope="session")
def map_graph() -> ScaledGraph:
    """Two components (a cycle and a path) and an island."""
    return scale_graph(8, np.array([0, 1, 2, 3, 4, 5]), np.array([1, 2, 3, 0, 5, 6]))


@pytest.fixture(scope="session")
def make_posterior(map_graph) -> Callable[..., PartyPosterior]:
    """A maker of posteriors of three parties, the second of which did not stand in one district."""

    def make(
        fields: str = "separable", family: str = "multinomial", parties: int = 3, structure: str = "bym2"
    ) -> PartyPosterior:
        rng = np.random.default_rng(7)
        n = map_graph.n
        design = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
        counts = rng.integers(5, 300, (n, parties + 1)).astype(float)
        stood = np.ones((n, parties), dtype=bool)
        if parties > 1:
            stood[2, 1], counts[2, 1] = False, 0.0
        graph = map_graph if structure == "bym2" else scale_graph(n, *np.zeros((2, 0), dtype=np.int64))
        field, level = bind_graph(structure, graph), overall_logits(counts, stood)
        prior_sd = np.array([1.5, 1.0, 0.7])
        return PartyPosterior(family, counts, stood, design, level, prior_sd, field, fields, PartyPriors())

    return make


@pytest.fixture(scope="session")
def make_parties(make_districts) -> Callable[..., Districts]:
    """A maker of districts with two parties whose effects are opposite, and an electorate."""

    def make(rows: int = 5, columns: int = 6, seed: int = 1) -> Districts:
        districts = make_districts(rows, columns, seed)
        rng = np.random.default_rng(seed)
        table = districts.table.copy()
        x = (table["migrants"] - table["migrants"].mean()) / table["migrants"].std()
        common = rng.normal(0, 0.3, districts.n)
        logits = np.column_stack([-1.0 - 0.4 * x + common, -2.0 + 0.5 * x - common, np.zeros(districts.n)])
        weight = np.exp(logits)
        votes = rng.multinomial(table["valid"], weight / weight.sum(axis=1, keepdims=True))
        table["anti"], table["immigrant"] = votes[:, 0], votes[:, 1]
        table["entitled"] = table["valid"] + rng.binomial(table["valid"], 0.3)
        roles = replace(
            districts.roles,
            votes={"anti": "anti", "immigrant": "immigrant"},
            exposure=None,
            electorate="entitled",
        )
        return replace(districts, table=table, roles=roles)

    return make
