"""The BYM2 model as the PyMC gallery and the Stan case study write it, to be measured beside ours.

theta and phi are sampled and eta is built from them; phi has the pairwise-difference density of the intrinsic
CAR with a soft sum-to-zero constraint in every component, scaled by the component's factor; islands are iid.
"""

import time

import numpy as np
import nutpie
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from spatialvote.data.districts import Districts
from spatialvote.models.nuts import NutsSettings
from spatialvote.models.vote_share import VoteShareModel


def textbook_bym2(model: VoteShareModel, districts: Districts) -> pm.Model:
    """The same likelihood and priors (uniform rho, exponential sigma) as ``model``, textbook form."""
    posterior, design = model.posterior(districts)
    graph = posterior.field.graph
    i, j, _ = districts.edges
    component = graph.component
    scaling = np.where(component >= 0, graph.scaling[component], 1.0)
    with pm.Model(coords={"district": list(districts.ids), "coefficient": list(design.names)}) as built:
        intercept = pm.Normal("intercept", posterior.prior_mean[0], posterior.prior_sd[0])
        beta = pm.Normal("beta", 0.0, posterior.prior_sd[1:], dims="coefficient")
        sigma = pm.Exponential("sigma", posterior.priors.sigma.code()[1])
        rho = pm.Uniform("rho", 0.0, 1.0)
        theta = pm.Normal("theta", 0.0, 1.0, dims="district")
        phi = pm.Flat("phi", dims="district", initval=np.zeros(districts.n))
        pm.Potential("differences", -0.5 * pt.sum((phi[i] - phi[j]) ** 2))
        for c, size in enumerate(graph.sizes):
            members = np.flatnonzero(component == c)
            pm.Potential(f"zero_sum_{c}", pm.logp(pm.Normal.dist(0.0, 0.001 * size), pt.sum(phi[members])))
        if len(graph.islands):
            pm.Potential("islands", -0.5 * pt.sum(phi[graph.islands] ** 2))
        effect = sigma * (pt.sqrt(1 - rho) * theta + pt.sqrt(rho / scaling) * phi)
        eta = intercept + pt.dot(posterior.design[:, 1:], beta) + effect
        pm.Binomial("votes", n=posterior.size.astype(int), logit_p=eta, observed=posterior.votes.astype(int))
    return built


def fit_textbook(
    model: VoteShareModel, districts: Districts, settings: NutsSettings, seed: int
) -> tuple[xr.DataTree, float, float]:
    """Compile and sample with nutpie as it tunes by default; draws, seconds to prepare and to sample."""
    start = time.perf_counter()
    compiled = nutpie.compile_pymc_model(textbook_bym2(model, districts))
    prepared = time.perf_counter()
    tree = nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        seed=seed,
        progress_bar=False,
    )
    return tree, prepared - start, time.perf_counter() - prepared
