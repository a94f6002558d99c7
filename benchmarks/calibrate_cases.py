"""What is calibrated: the cases, the map under them, and one fit of data drawn from the model itself.

A fit draws the unknowns from the prior and votes from the model, fits them, and ranks each true value among
99 posterior draws. Where the party got no vote anywhere, or all, unknowns and votes are drawn anew, because a
model of such votes is refused before it is fitted. Which votes are fitted then depends on the votes alone, so
that given the votes the unknowns still have the posterior that is checked, and ranks stay uniform.
"""

import time
from dataclasses import dataclass, replace
from functools import cache
from zlib import crc32

import geopandas as gpd
import numpy as np
import pandas as pd
from arviz_stats.base import array_stats

from spatialvote.data.districts import About, Districts
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.roles import Roles
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit_groups import draw_prior
from spatialvote.models.laplace.engine import laplace
from spatialvote.models.nuts import NutsSettings, sample
from spatialvote.models.outcome import DENOMINATORS
from spatialvote.models.posterior import Posterior
from spatialvote.models.priors import Priors
from spatialvote.models.recover import recover
from spatialvote.models.vote_share import VoteShareModel

SEED = 2026
SIDE = 10
#: Possible ranks: one more than the draws that are kept of each fit.
RANKS = 100
ENGINES = ("laplace", "nuts")
LAPLACE_DRAWS = 1000
#: One chain; six times as many draws as are kept, so that thinned ones are nearly independent. A dispersion
#: and sigma describe the same variance and mix slower.
NUTS = NutsSettings(draws=600, tune=300, chains=1, cores=1)
NUTS_WITH_DISPERSION = replace(NUTS, draws=1500)


@dataclass(frozen=True)
class Case:
    """A model to calibrate, with a typical number of valid votes or expected cases."""

    family: str
    structure: str
    typical: float = 1000.0
    grouped: bool = False

    @property
    def name(self) -> str:
        """For the command line, the results, tables and figures."""
        size = f" {self.typical:g}" if self.family == "poisson" else ""
        return f"{self.structure} {self.family}{size}{' grouped' if self.grouped else ''}"

    @property
    def model(self) -> VoteShareModel:
        """The specification. With the intercept around logit(0.27) few simulated maps are all or none."""
        formula = "party ~ x + z" + (" + (1 | region)" if self.grouped else "")
        return VoteShareModel(formula, self.family, self.structure, Priors(intercept_mean=-1.0))


CASES = (
    Case("binomial", "bym2"),
    Case("binomial", "iid"),
    Case("binomial", "none"),
    Case("binomial", "leroux"),
    Case("binomial", "proper_car"),
    Case("binomial", "sar"),
    Case("binomial", "dagar"),
    Case("beta_binomial", "bym2"),
    Case("gaussian", "bym2"),
    Case("poisson", "bym2", 10.0),
    Case("poisson", "bym2", 1000.0),
    Case("binomial", "bym2", grouped=True),
)


@dataclass(frozen=True)
class Outcome:
    """What one fit gave: the rank of each true value, what the engine says of itself, and its seconds."""

    ranks: dict[str, int]
    diagnostics: dict[str, float]


def lattice(typical: float) -> Districts:
    """A hundred districts: two lattices (two components) and two islands, two covariates, eight regions."""
    rng = np.random.default_rng(SEED)
    n = SIDE * SIDE
    index = np.arange(n - 2).reshape(-1, 7)
    # One row of links is left out, so that the map has two components.
    above, below = np.delete(index[:-1], 8, axis=0), np.delete(index[1:], 8, axis=0)
    i = np.r_[index[:, 1:].ravel(), above.ravel()]
    j = np.r_[index[:, :-1].ravel(), below.ravel()]
    ids = [f"{q:03d}" for q in range(n)]
    graph = graph_from_edges(ids, i, j)
    table = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "z": rng.normal(size=n),
            "size": np.ceil(rng.gamma(4.0, typical / 4, n)) + 1,
            "votes": np.ones(n),
            "region": [f"region {q}" for q in rng.permutation(np.arange(n) % 8)],
        },
        index=pd.Index(ids, name="district"),
    )
    roles = Roles(
        "id",
        {"party": "votes"},
        valid="size",
        exposure="size",
        covariates=("x", "z"),
        groups=("region",),
    )
    frame = gpd.GeoDataFrame(table, geometry=[None] * n)
    return Districts(
        frame, roles, graph, report_graph(graph, "lattice"), About("lattice", "cell", simulated=True)
    )


@cache
def bound(case: Case) -> Posterior:
    """A case's posterior on the map; its votes are still to be drawn."""
    posterior, _ = case.model.posterior(lattice(case.typical))
    return posterior


def simulate(posterior: Posterior, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray, int]:
    """Unknowns drawn from the prior, votes from the model, and how often both were drawn anew."""
    own, counted = FAMILIES[posterior.family].HYPER, posterior.family in DENOMINATORS
    size = posterior.size
    whole = size.astype(np.int64) if DENOMINATORS.get(posterior.family) == "valid" else size
    redrawn = 0
    while True:
        truth = {name: values[0] for name, values in draw_prior(posterior, 1, rng).items()}
        dispersion = truth[own[0]] if own else 0.0
        votes = FAMILIES[posterior.family].draw(rng, truth["eta"], whole, dispersion).astype(np.float64)
        everybody = DENOMINATORS.get(posterior.family) == "valid" and bool((votes == size).all())
        if not counted or (votes.any() and not everybody):
            return truth, votes, redrawn
        redrawn += 1


def fit(case: Case, engine: str, number: int) -> Outcome:
    """Draw the data set of that number, the same for both engines, fit it and rank the truth."""
    key = [SEED, crc32(case.name.encode()), number]
    truth, votes, redrawn = simulate(bound(case), np.random.default_rng(key))
    posterior = replace(bound(case), votes=votes)
    rng = np.random.default_rng([*key, 1 + ENGINES.index(engine)])
    began = time.perf_counter()
    drawn, diagnostics = (by_laplace if engine == "laplace" else by_nuts)(posterior, rng)
    diagnostics |= {"redrawn": redrawn, "seconds": time.perf_counter() - began}
    quantities = {"intercept": (drawn["coefficients"][:, 0], truth["intercept"])}
    quantities |= {f"beta {q}": (drawn["coefficients"][:, q], truth["beta"][q - 1]) for q in (1, 2)}
    quantities |= {name: (drawn[name], truth[name]) for name in posterior.hyperparameters}
    quantities |= {f"eta {q}": (drawn["eta"][:, q], truth["eta"][q]) for q in (0, len(votes) - 1)}
    own = FAMILIES[posterior.family].HYPER
    likelihood = FAMILIES[posterior.family].log_likelihood
    quantities["log likelihood"] = tuple(
        likelihood(at["eta"], votes, posterior.size, at[own[0]] if own else 0.0).sum(axis=-1)
        for at in (drawn, truth)
    )
    return Outcome(
        {name: int((draws < value).sum()) for name, (draws, value) in quantities.items()}, diagnostics
    )


def by_laplace(
    posterior: Posterior, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """99 of the engine's draws, taken at random, and its k-hat and importance ESS."""
    drawn = laplace(posterior, LAPLACE_DRAWS, rng, cores=1)
    keep = rng.choice(LAPLACE_DRAWS, RANKS - 1, replace=False)
    # A likelihood of single precision would be rounded more than it differs between draws.
    values = {"coefficients": drawn.coefficients[keep], "eta": drawn.eta[keep].astype(np.float64)}
    diagnostics = {name: drawn.report[name] for name in ("k_hat", "importance_ess")}
    return {**values, **posterior.constrain(drawn.theta[keep])}, diagnostics


def by_nuts(posterior: Posterior, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """99 draws at equal distances, the divergent transitions, and the least ESS of a hyperparameter."""
    settings = NUTS_WITH_DISPERSION if FAMILIES[posterior.family].HYPER else NUTS
    sampled, statistics = sample(posterior, settings, rng)
    names = posterior.hyperparameters
    ess = [float(array_stats.ess(sampled[name], chain_axis=0, draw_axis=1)) for name in names]
    diagnostics = {
        "divergences": int(statistics["diverging"].sum()),
        "least_ess": min(ess, default=float(settings.draws)),
    }
    keep = np.linspace(0, settings.draws - 1, RANKS - 1).astype(int)
    drawn = {name: values[0, keep] for name, values in sampled.items()}
    if posterior.has_field:
        hyper = {name: drawn[name] for name in names}
        drawn["coefficients"], _ = recover(posterior, hyper, drawn["eta"], rng)
    else:
        drawn["eta"] = drawn["coefficients"] @ posterior.design.T
    return drawn, diagnostics
