"""The same model in PyMC, coefficients sampled: to be read, extended, and compared with our density."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from spatialvote.data.districts import Districts
from spatialvote.models.bym2 import BYM2
from spatialvote.models.families import FAMILIES
from spatialvote.models.posterior import Posterior
from spatialvote.models.priors import BetaRho, HalfNormal, PCRho, PCSigma

if TYPE_CHECKING:
    from spatialvote.models.vote_share import VoteShareModel


def build_pymc(model: VoteShareModel, districts: Districts) -> pm.Model:
    """Write a `VoteShareModel` for some districts as a `pymc.Model`.

    Variables: ``intercept``, ``beta`` [coefficient], ``sigma``, ``rho``, ``eta`` [district] and the observed
    ``votes`` [district], named as in a `Fit`.
    """
    posterior, design = model.posterior(districts)
    family = FAMILIES[model.family]
    coords = {"district": list(districts.ids), "coefficient": list(design.names)}
    with pm.Model(coords=coords) as built:
        intercept = pm.Normal("intercept", posterior.prior_mean[0], posterior.prior_sd[0])
        beta = pm.Normal("beta", 0.0, posterior.prior_sd[1:], dims="coefficient")
        mu = intercept + pt.dot(posterior.design[:, 1:], beta)
        eta = _add_effects(posterior, mu, family.crude(posterior.votes, posterior.size))
        observed = {"observed": posterior.votes.astype(np.int64), "dims": "district"}
        if model.family == "binomial":
            pm.Binomial("votes", n=posterior.size.astype(np.int64), logit_p=eta, **observed)
        else:
            pm.Poisson("votes", mu=posterior.size * pt.exp(eta), **observed)
    return built


def _add_effects(posterior: Posterior, mu, start: np.ndarray):
    """The linear predictor with the structure's effects, inside a model's context."""
    field = posterior.field
    if field.structure == "none":
        return pm.Deterministic("eta", mu, dims="district")
    sigma = _sigma(posterior.priors.sigma)
    if field.structure == "iid":
        return pm.Normal("eta", mu, sigma, dims="district", initval=start)
    rho = _rho(posterior)
    return BYM2("eta", mu, sigma, rho, field.graph, dims="district", initval=start)


def _sigma(prior: PCSigma | HalfNormal):
    """The prior of sigma as a PyMC distribution."""
    if isinstance(prior, PCSigma):
        return pm.Exponential("sigma", prior.code()[1])
    return pm.HalfNormal("sigma", prior.scale)


def _rho(posterior: Posterior):
    """The prior of rho as a PyMC distribution; the PC prior from its equations, written out in PyTensor."""
    prior, nodes = posterior.priors.rho, posterior.field.nodes
    if isinstance(prior, BetaRho):
        return pm.Beta("rho", prior.a, prior.b)
    _, rate, log_mass = prior.code(nodes)
    excess, weight = 1 / nodes.value - 1, nodes.weight

    def logp(value):
        safe = pt.clip(value, 1e-8, 1 - 1e-15)
        twice_kld = pt.sum(weight * (safe * excess - pt.log1p(safe * excess)))
        slope = pt.sum(weight * safe * excess**2 / (1 + safe * excess))
        distance = pt.sqrt(twice_kld)
        inside = np.log(rate) - rate * distance + pt.log(slope / (2 * distance)) - log_mass
        return pt.switch(pt.and_(value > 0, value < 1), inside, -np.inf)

    def random(rng: Any = None, size=None):
        count = int(np.prod(size or ()))
        return PCRho(prior.upper, prior.mass).draw(rng, count, nodes).reshape(size or ())

    return pm.CustomDist(
        "rho",
        logp=logp,
        random=random,
        signature="->()",
        dtype="float64",
        transform=pm.distributions.transforms.logodds,
        initval=0.5,
    )
