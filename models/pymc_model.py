"""The same model in PyMC, coefficients sampled: to be read, extended, and compared with our density."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.bym2 import BYM2
from spatialvote.models.correlated import SD, correlation_factor, partial_priors
from spatialvote.models.design import Design
from spatialvote.models.families import FAMILIES
from spatialvote.models.groups import Effect, Group, blocks_of
from spatialvote.models.posterior import SIGMA_SLOPE, SLOPE, Posterior
from spatialvote.models.priors import BetaRho, HalfNormal, PCOverdispersion, PCRho, PCSigma
from spatialvote.models.sparse_field import SparseField
from spatialvote.models.unknowns.bind import bind_unknowns

if TYPE_CHECKING:
    from spatialvote.models.vote_share import VoteShareModel


def build_pymc(model: VoteShareModel, districts: Districts) -> pm.Model:
    """Write a `VoteShareModel` for some districts as a `pymc.Model`.

    Variables: ``intercept``, ``beta`` [coefficient], ``effect_<group>`` [level_<group>], the hyperparameters,
    ``slope`` and ``eta`` [district] and the observed ``votes``, named as in a `Fit`. The votes have the
    districts where the party stood, in their order.
    """
    posterior, design = model.posterior(districts)
    if bind_unknowns(districts, posterior, design) is not None:
        raise ModelError(
            Problem(
                "covariates of the formula have values that are not known exactly, and the model in PyMC "
                "takes them as known",
                "leave these covariates out, or fit with engine 'nuts'",
            )
        )
    coords = {
        "district": list(districts.ids),
        "coefficient": list(design.names),
        **{f"level_{group.name}": list(group.levels) for group in design.groups},
    }
    fixed = posterior.column_group == 0
    with pm.Model(coords=coords) as built:
        intercept = pm.Normal("intercept", posterior.prior_mean[0], posterior.prior_sd[0])
        beta = pm.Normal("beta", 0.0, posterior.prior_sd[fixed][1:], dims="coefficient")
        mu = intercept + pt.dot(posterior.design[:, fixed][:, 1:], beta)
        for block in blocks_of(posterior.effects):
            for group, effect in zip(_bound(design, block), _level_effects(posterior, block), strict=True):
                mu = mu + effect[group.index] * design.group_columns(group).sum(axis=1)
        if posterior.varying is not None:
            mu = mu + _local_slope(posterior) * posterior.varying
        eta = _add_effects(posterior, mu)
        _observe(posterior, eta)
    return built


def _bound(design: Design, block: tuple[Effect, ...]) -> list[Group]:
    """The groups of a block's effects."""
    return [next(group for group in design.groups if group.effect == one) for one in block]


def _level_effects(posterior: Posterior, block: tuple[Effect, ...]) -> list:
    """Effects of a block, correlated where they are several, inside a model's context."""
    sds = [_positive(SD + one.name, posterior.priors.group) for one in block]
    if len(block) == 1:
        return [pm.Normal(f"effect_{block[0].name}", 0.0, sds[0], dims=f"level_{block[0].name}")]
    priors = partial_priors(block, posterior.priors.correlation)
    factor = correlation_factor([pm.Beta(name, prior.a, prior.b) for name, prior in priors.items()])
    white = [pm.Normal(f"white_{one.name}", 0.0, 1.0, dims=f"level_{one.name}") for one in block]
    return [
        pm.Deterministic(
            f"effect_{one.name}",
            sds[i] * sum(part * noise for part, noise in zip(factor[i], white, strict=False)),
            dims=f"level_{one.name}",
        )
        for i, one in enumerate(block)
    ]


def _local_slope(posterior: Posterior):
    """Departures of the slope that varies over the map, from white noise, inside a model's context.

    By dense algebra: the map's patterns over the square roots of their eigenvalues, null vectors left out.
    """
    values, vectors = np.linalg.eigh(posterior.field.graph.matrix.toarray())
    null = posterior.field.graph.sizes.size
    root = vectors[:, null:] / np.sqrt(values[null:])
    white = pm.Normal("white_slope", 0.0, 1.0, shape=root.shape[1])
    sigma = _positive(SIGMA_SLOPE, posterior.priors.slope)
    return pm.Deterministic(SLOPE, sigma * pt.dot(root, white), dims="district")


def _observe(posterior: Posterior, eta) -> None:
    """The votes of the districts where the party stood, inside a model's context."""
    stood = posterior.size > 0
    votes, size, dims = posterior.votes[stood], posterior.size[stood], None
    if stood.all():
        dims = "district"
    else:
        eta = eta[np.flatnonzero(stood)]
    if posterior.family == "gaussian":
        noise = _positive("noise", posterior.priors.noise)
        pm.Normal("votes", eta, noise, observed=votes, dims=dims)
        return
    observed = {"observed": votes.astype(np.int64), "dims": dims}
    if posterior.family == "poisson":
        pm.Poisson("votes", mu=size * pt.exp(eta), **observed)
    elif posterior.family == "binomial":
        pm.Binomial("votes", n=size.astype(np.int64), logit_p=eta, **observed)
    else:
        delta = _overdispersion(posterior.priors.overdispersion)
        total, share = (1 - delta) / delta, pt.sigmoid(eta)
        pm.BetaBinomial(
            "votes", n=size.astype(np.int64), alpha=share * total, beta=(1 - share) * total, **observed
        )


def _add_effects(posterior: Posterior, mu):
    """The linear predictor with the structure's effects, inside a model's context."""
    field = posterior.field
    if not posterior.has_field:
        return pm.Deterministic("eta", mu, dims="district")
    crude = FAMILIES[posterior.family].crude(posterior.votes, posterior.size)
    start = np.where(posterior.size > 0, crude, posterior.prior_mean[0])
    sigma = _positive("sigma", posterior.priors.sigma)
    if "rho" not in field.hyperparameters:
        return pm.Normal("eta", mu, sigma, dims="district", initval=start)
    rho = _rho(posterior)
    if field.precision is None:
        return BYM2("eta", mu, sigma, rho, field.graph, dims="district", initval=start)
    return SparseField("eta", mu, sigma, rho, field.precision, dims="district", initval=start)


def _positive(name: str, prior: PCSigma | HalfNormal):
    """The prior of a standard deviation as a PyMC distribution."""
    if isinstance(prior, PCSigma):
        return pm.Exponential(name, prior.code()[1])
    return pm.HalfNormal(name, prior.scale)


def _overdispersion(prior: PCOverdispersion):
    """The PC prior of the overdispersion: its square root is a truncated exponential."""
    _, rate, log_mass = prior.code()

    def logp(value):
        root = pt.sqrt(pt.clip(value, 1e-300, 1.0))
        inside = np.log(rate / 2) - pt.log(root) - rate * root - log_mass
        return pt.switch(pt.and_(value > 0, value < 1), inside, -np.inf)

    def random(rng: Any = None, size=None):
        return prior.draw(rng, int(np.prod(size or ()))).reshape(size or ())

    return _between_0_and_1("overdispersion", logp, random, prior.median())


def _rho(posterior: Posterior):
    """The prior of rho as a PyMC distribution; the PC prior from its equations, written out in PyTensor."""
    prior, nodes = posterior.priors.rho, posterior.field.nodes
    if not isinstance(prior, PCRho):
        prior = prior or BetaRho()
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

    return _between_0_and_1("rho", logp, random, 0.5)


def _between_0_and_1(name: str, logp, random, start: float):
    """A variable with a density of our own, sampled on the logit scale."""
    return pm.CustomDist(
        name,
        logp=logp,
        random=random,
        signature="->()",
        dtype="float64",
        transform=pm.distributions.transforms.logodds,
        initval=start,
    )
