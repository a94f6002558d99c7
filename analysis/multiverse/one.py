"""One specification fitted: the job that other processes do, and what comes back."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from hashlib import sha256
from math import nan

import numpy as np

from spatialvote.analysis.effects.effect import effect
from spatialvote.analysis.loo import UNRELIABLE, loo
from spatialvote.data.districts import Districts
from spatialvote.data.errors import SpatialvoteError
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel


@dataclass(frozen=True, eq=False)
class Job:
    """What is needed to fit one specification.

    Attributes
    ----------
    name
        For errors.
    model, districts
        What is fitted; the districts need no shapes.
    column, points, weighting
        Of the effect, see `spatialvote.analysis.effects.effect.effect`.
    draws, seed
        Of the Laplace engine.
    """

    name: str
    model: VoteShareModel
    districts: Districts
    column: str
    points: float
    weighting: str
    draws: int
    seed: int


@dataclass(frozen=True)
class Estimate:
    """What one specification says; numbers are NaN where it has none.

    Attributes
    ----------
    effect, effect_sd, effect_low, effect_high, effect_positive
        Posterior mean, standard deviation, ends of the 95 % interval and probability to be above zero of the
        average change in percentage points of the vote share (Poisson: percent of the rate).
    coefficient, coefficient_sd, coefficient_low, coefficient_high
        The same change on the link scale, where the measure enters the formula as it is.
    sigma, rho
        Posterior means.
    elpd, elpd_se, elpd_unreliable
        Integrated leave-one-out, its standard error, and in how many districts its weights cannot be relied
        on (Pareto k above 0.7).
    k_hat, importance_ess
        How good the engine's approximation is, and how many independent draws its draws are worth.
    districts
        With a likelihood: those where the party stood.
    seconds
        That the job took.
    fingerprint
        SHA-256 of model, data, graph, seed and number of draws.
    failure
        Why it could not be fitted; empty if it was.
    """

    effect: float = nan
    effect_sd: float = nan
    effect_low: float = nan
    effect_high: float = nan
    effect_positive: float = nan
    coefficient: float = nan
    coefficient_sd: float = nan
    coefficient_low: float = nan
    coefficient_high: float = nan
    sigma: float = nan
    rho: float = nan
    elpd: float = nan
    elpd_se: float = nan
    elpd_unreliable: int = 0
    k_hat: float = nan
    importance_ess: float = nan
    districts: int = 0
    seconds: float = nan
    fingerprint: str = ""
    failure: str = ""


def estimate(job: Job) -> Estimate:
    """Fit one specification by the Laplace engine with one thread; what cannot be fitted says why."""
    began = time.perf_counter()
    fingerprint = _fingerprint(job)
    try:
        fit = job.model.fit(job.districts, "laplace", seed=job.seed, draws=job.draws, cores=1, progress=False)
        change = effect(fit, job.districts, job.column, job.points, job.weighting)
        left_out = loo(fit, job.model.posterior(job.districts)[0])
    except SpatialvoteError as error:
        return Estimate(
            seconds=time.perf_counter() - began,
            fingerprint=fingerprint,
            failure="; ".join(one.what for one in error.problems),
        )
    told = ~np.isnan(left_out.elpd)
    coefficient = _coefficient(fit, job.column, change.change)
    return Estimate(
        effect=change.mean,
        effect_sd=float(change.draws.std()),
        effect_low=change.low,
        effect_high=change.high,
        effect_positive=change.probability_positive,
        coefficient=float(coefficient.mean()),
        coefficient_sd=float(coefficient.std()),
        coefficient_low=float(np.quantile(coefficient, 0.025)),
        coefficient_high=float(np.quantile(coefficient, 0.975)),
        sigma=_mean(fit, "sigma"),
        rho=_mean(fit, "rho"),
        # Sums of thousands of terms: their last digits depend on where in memory these lie.
        elpd=round(left_out.total, 6),
        elpd_se=round(left_out.standard_error, 6),
        elpd_unreliable=int((left_out.k[told] > UNRELIABLE).sum()),
        k_hat=float(fit.record["laplace"]["k_hat"]),
        importance_ess=float(fit.record["laplace"]["importance_ess"]),
        districts=int(told.sum()),
        seconds=time.perf_counter() - began,
        fingerprint=fingerprint,
    )


def _mean(fit: Fit, name: str) -> float:
    """Posterior mean of a hyperparameter; NaN where the model has none."""
    return float(fit.draws(name).mean()) if name in fit.hyperparameters else nan


def _coefficient(fit: Fit, column: str, change: float) -> np.ndarray:
    """Draws of the change on the link scale; NaN where the column stands only within other terms."""
    if column not in fit.coefficients:
        return np.array([nan])
    at = fit.coefficients.index(column)
    return fit.draws("beta")[:, at] / fit.constant("scale")[at] * change


def _fingerprint(job: Job) -> str:
    """Same fingerprint, same numbers."""
    said = {
        "model": job.model.to_dict(),
        **job.districts.fingerprint,
        "effect": [job.column, job.points, job.weighting],
        "draws": job.draws,
        "seed": job.seed,
    }
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


#: Names of what an estimate holds, in order.
FIELDS = tuple(asdict(Estimate()))
