"""From a specification and districts to a `Fit`: sample, recover, predict, record."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from spatialvote.data.districts import Districts
from spatialvote.models.design import Design
from spatialvote.models.draw_field import draw_effects
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit
from spatialvote.models.nuts import NutsSettings, Progress, sample, suited_acceptance
from spatialvote.models.posterior import Posterior
from spatialvote.models.progress import progress_bar
from spatialvote.models.recover import recover
from spatialvote.models.vote_share import VoteShareModel

_RECORDED = ("spatialvote", "nutpie", "arviz", "numba", "numpy", "scipy", "xarray", "libpysal", "geopandas")
#: Draws of the prior and its predictive distribution.
_PRIOR_DRAWS = 1000


def fit_nuts(
    model: VoteShareModel, districts: Districts, settings: NutsSettings, seed: int, progress: Progress | bool
) -> Fit:
    """Fit by the No-U-Turn sampler; see `VoteShareModel.fit`."""
    rng = np.random.default_rng(seed)
    timings: dict[str, float] = {}
    with _timed(timings, "prepare"):
        posterior, design = model.posterior(districts)
        if settings.target_accept is None:
            settings = replace(settings, target_accept=suited_acceptance(posterior))
    with _timed(timings, "sample"):
        if progress is True:
            with progress_bar(f"Sampling {model.formula}") as watch:
                draws, statistics = sample(posterior, settings, rng, watch)
        else:
            draws, statistics = sample(posterior, settings, rng, progress or None)
    with _timed(timings, "coefficients"):
        variables = _posterior_variables(posterior, draws, rng)
    with _timed(timings, "predict"):
        groups = _groups(posterior, design, districts, variables, rng)
    groups["sample_stats"] = statistics.drop_vars(set(statistics.coords))
    return Fit(_tree(groups, design, districts), model, _record(districts, settings, seed, timings))


def _posterior_variables(
    posterior: Posterior, draws: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """All posterior variables, (chain, draw, ...): coefficients and phi drawn given what was sampled."""
    if "coefficients" in draws:
        coefficients = draws["coefficients"]
        eta = coefficients @ posterior.design.T
        return {"intercept": coefficients[..., 0], "beta": coefficients[..., 1:], "eta": eta}
    shape = draws["sigma"].shape
    n = posterior.design.shape[0]
    rho = draws.get("rho", np.full(shape, 0.5))
    coefficients, phi = recover(
        posterior, draws["sigma"].ravel(), rho.ravel(), draws["eta"].reshape(-1, n), rng
    )
    coefficients = coefficients.reshape(*shape, -1)
    variables = {"intercept": coefficients[..., 0], "beta": coefficients[..., 1:], **draws}
    if "rho" in draws:
        variables["phi"] = phi.reshape(*shape, n)
    return variables


def _groups(
    posterior: Posterior,
    design: Design,
    districts: Districts,
    variables: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, xr.Dataset]:
    """Datasets of every group but the sample statistics."""
    family = FAMILIES[posterior.family]
    votes, size = posterior.votes, posterior.size
    counts = votes.astype(np.int64)
    trials = size.astype(np.int64) if posterior.family == "binomial" else size
    # Single precision for what has a value per draw and district: its rounding, 1e-7, is far below any
    # posterior's spread, and it halves the file.
    variables["eta"] = variables["eta"].astype(np.float32)
    if "phi" in variables:
        variables["phi"] = variables["phi"].astype(np.float32)
    eta = variables["eta"].astype(np.float64)
    log_likelihood = family.log_likelihood(eta, votes, size).astype(np.float32)
    prior = draw_prior(posterior, _PRIOR_DRAWS, rng)
    prior_votes = family.draw(rng, prior["eta"], trials)
    i, j, weight = districts.edges
    design_row = ("district", "coefficient")
    return {
        "posterior": _dataset(variables),
        "log_likelihood": _dataset({"votes": log_likelihood}),
        "posterior_predictive": _dataset({"votes": _narrow(family.draw(rng, eta, trials))}),
        "prior": _dataset({name: one[None].astype(np.float32) for name, one in prior.items()}),
        "prior_predictive": _dataset({"votes": _narrow(prior_votes)[None]}),
        "observed_data": xr.Dataset({"votes": ("district", counts)}),
        "constant_data": xr.Dataset(
            {
                "trials" if posterior.family == "binomial" else "exposure": ("district", trials),
                "design": (design_row, design.matrix),
                "center": ("coefficient", design.center),
                "scale": ("coefficient", design.scale),
                "prior_mean": ("column", posterior.prior_mean),
                "prior_sd": ("column", posterior.prior_sd),
                "edge_i": ("edge", i),
                "edge_j": ("edge", j),
                "edge_weight": ("edge", weight),
            }
        ),
    }


def draw_prior(posterior: Posterior, size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draws of every unknown from the prior, shape (size, ...)."""
    p = posterior.design.shape[1]
    coefficients = posterior.prior_mean + posterior.prior_sd * rng.standard_normal((size, p))
    drawn = {"intercept": coefficients[:, 0], "beta": coefficients[:, 1:]}
    eta = coefficients @ posterior.design.T
    if posterior.n_hyper:
        drawn["sigma"] = posterior.priors.sigma.draw(rng, size)
        rho = np.full(size, 0.5)
        if posterior.n_hyper == 2:
            rho = posterior.priors.rho.draw(rng, size, posterior.field.nodes)
            drawn["rho"] = rho
        eta = eta + draw_effects(posterior.field.graph, drawn["sigma"], rho, rng)
    drawn["eta"] = eta
    return drawn


def _dataset(variables: dict[str, np.ndarray]) -> xr.Dataset:
    """Name the dimensions of draws: chain, draw, then district or coefficient."""
    last = {"beta": "coefficient", "eta": "district", "phi": "district", "votes": "district"}
    return xr.Dataset(
        {
            name: (("chain", "draw", last[name]) if name in last else ("chain", "draw"), values)
            for name, values in variables.items()
        }
    )


def _narrow(votes: np.ndarray) -> np.ndarray:
    """Counts in 32 bits where they fit."""
    return votes.astype(np.int32) if votes.max() < 2**31 else votes


def _tree(groups: dict[str, xr.Dataset], design: Design, districts: Districts) -> xr.DataTree:
    """Give every group its coordinates: chains, draws, district ids, coefficient names."""
    labels = {
        "district": np.array(districts.ids, dtype=np.str_),
        "coefficient": np.array(design.names, dtype=np.str_),
    }
    for name, dataset in groups.items():
        coords = {dim: labels.get(str(dim), np.arange(size)) for dim, size in dataset.sizes.items()}
        groups[name] = dataset.assign_coords(coords)
    return xr.DataTree.from_dict(groups)


def _record(
    districts: Districts, settings: NutsSettings, seed: int, timings: dict[str, float]
) -> dict[str, Any]:
    """What a reviewer needs to know about how the fit came about, as plain values."""
    roles = districts.roles
    return {
        "engine": "nuts",
        "settings": asdict(settings),
        "seed": seed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _RECORDED}},
        "timings": {name: round(seconds, 2) for name, seconds in timings.items()},
        "fingerprints": dict(districts.fingerprint),
        "about": asdict(districts.about),
        "roles": {
            **{name: getattr(roles, name) for name in ("id", "valid", "exposure", "electorate", "migrants")},
            "votes": dict(roles.votes),
            "covariates": list(roles.covariates),
            "groups": list(roles.groups),
            "units": dict(roles.units),
        },
        "graph": asdict(districts.graph_report),
        "read": {
            "files": dict(districts.record.files),
            "dropped": dict(districts.record.dropped),
            "repaired": list(districts.record.repaired),
            "notes": list(districts.record.notes),
        },
    }


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[name] = time.perf_counter() - start
