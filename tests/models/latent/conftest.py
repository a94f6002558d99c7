"""A posterior with two fields and correlated levels, small enough for dense algebra."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array, diags_array, eye_array

from spatialvote.models.families import binomial
from spatialvote.models.groups import Effect
from spatialvote.models.latent.posterior import LatentPosterior
from spatialvote.models.latent.term import Hyper
from spatialvote.models.latent.terms import correlated_levels, icar
from spatialvote.models.priors import BetaRho, PCSigma, Priors
from spatialvote.models.scaled_graph import ScaledGraph, scale_graph


@pytest.fixture(scope="session")
def split_graph() -> ScaledGraph:
    """A ring of eight, a path of three and two islands, with weights."""
    i = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    j = np.array([1, 2, 3, 4, 5, 6, 7, 0, 9, 10])
    return scale_graph(13, i, j, np.linspace(0.5, 2.0, 10))


@pytest.fixture(scope="session")
def make_latent(split_graph) -> Callable[..., LatentPosterior]:
    """A maker of posteriors: BYM2, a field of slopes, and K correlated effects of four levels."""

    def make(effects: int = 2, family: str = "binomial", silent: bool = False) -> LatentPosterior:
        rng = np.random.default_rng(3)
        n = split_graph.n
        x = rng.normal(size=(n, 2))
        size = rng.integers(200, 900, n).astype(np.float64)
        if silent:
            # Nobody voted in the component of three.
            size[8:11] = 0.0
        votes = rng.binomial(size.astype(int), 0.2).astype(np.float64)
        sigma, rho = Hyper("sigma", PCSigma()), Hyper("rho", BetaRho())
        slope = Hyper("sigma_slope", PCSigma(0.5, 0.05))
        names = tuple(Effect(("city",), covariate, 0) for covariate in ("", "x", "w"))[:effects]
        terms = (
            icar(
                "phi", split_graph, csr_array(eye_array(n)), (sigma, rho),
                lambda values: values["sigma"] * values["rho"] ** 0.5,
            ),
            icar("psi", split_graph, csr_array(diags_array(x[:, 0])), (slope,), lambda v: v["sigma_slope"]),
            correlated_levels(
                names, ("a", "b", "c", "d"), np.arange(n) % 4, np.column_stack([np.ones(n), x])[:, :effects],
                PCSigma(), 2.0,
            ),
        )  # fmt: skip
        posterior = LatentPosterior(
            "binomial", votes, size, np.column_stack([np.ones(n), x]), np.array([-1.3, 0.0, 0.0]),
            np.array([1.5, 1.0, 1.0]), terms, (sigma, rho),
            lambda v: v["sigma"] ** 2 * (1 - v["rho"]), Priors(),
        )  # fmt: skip
        if family == "gaussian":
            crude = binomial.crude(np.where(size > 0, votes, 40.0), np.where(size > 0, size, 200.0))
            return replace(posterior, family=family, votes=crude, size=np.ones(n))
        return replace(posterior, family=family)

    return make
