"""From a specification and districts to a `Fit`: sample, recover, predict, record."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spatialvote.data.districts import Districts
from spatialvote.data.errors import FitError, ModelError, Problem
from spatialvote.models.centring import centre
from spatialvote.models.design import Design
from spatialvote.models.draw_store import DrawStore, Resume, open_store
from spatialvote.models.fit import Fit
from spatialvote.models.fit_groups import as_tree, by_term, fit_groups
from spatialvote.models.latent.exact import draw_exact
from spatialvote.models.latent.exact import suited as latent_suited
from spatialvote.models.latent.levels import as_latent
from spatialvote.models.latent.named import named_draws
from spatialvote.models.nuts import NutsSettings, Progress, sample, sample_stored, statistics_of, suited
from spatialvote.models.outcome import Outcome, absence_record, held_out_record
from spatialvote.models.posterior import Posterior
from spatialvote.models.progress import progress_bar
from spatialvote.models.record import make_record, timed
from spatialvote.models.recover import recover
from spatialvote.models.unknowns.alone import draw_alone
from spatialvote.models.unknowns.bind import Unknowns, bind_unknowns
from spatialvote.models.unknowns.groups import add_unknowns, unknowns_record
from spatialvote.models.vote_share import VoteShareModel


def fit_nuts(
    model: VoteShareModel,
    districts: Districts,
    settings: NutsSettings,
    seed: int,
    progress: Progress | bool,
    folder: Path | None = None,
    resume: Resume = False,
    held_out: Collection[str] = (),
) -> Fit:
    """Fit by the No-U-Turn sampler; see `VoteShareModel.fit`."""
    rng = np.random.default_rng(seed)
    timings: dict[str, float] = {}
    with timed(timings, "prepare"):
        posterior, design = model.posterior(districts, held_out)
        outcome = model.outcome(districts, held_out)
        unknowns = bind_unknowns(districts, posterior, design)
        if posterior.latent and unknowns is not None:
            raise ModelError(
                Problem(
                    "unknown values of covariates do not go with slopes that vary, or many levels",
                    "leave what varies out, or drop the districts whose values are not known",
                )
            )
        settings = latent_suited(settings) if posterior.latent else suited(settings, posterior, unknowns)
        belongs = _belongs(model, districts, outcome, settings, seed)
        store = None if folder is None else open_store(folder, belongs, resume)
        kept = store.kept() if store else []
    if posterior.latent:
        with timed(timings, "sample"):
            variables, statistics = _levels(model, posterior, design, settings, rng, progress, store, resume)
    else:
        with timed(timings, "sample"):
            draws, statistics = _sampled(model, posterior, settings, rng, progress, store, resume, unknowns)
        with timed(timings, "coefficients"):
            variables = posterior_variables(posterior, draws, rng, unknowns)
    with timed(timings, "predict"):
        groups = fit_groups(posterior, design, outcome, districts, variables, rng)
    if unknowns is not None:
        with timed(timings, "covariates alone"):
            alone = draw_alone(posterior, unknowns, settings.parallel, rng)
        add_unknowns(groups, unknowns, alone)
    groups["sample_stats"] = statistics.drop_vars(set(statistics.coords))
    record = make_record(districts, "nuts", asdict(settings), seed, timings)
    if posterior.has_field and not posterior.latent:
        record["parametrisation"] = centre(posterior, settings.parametrisation).record
    record["absent"] = absence_record(outcome, districts, model.party, model.absent)
    record["held_out"] = held_out_record(outcome, districts)
    if unknowns is not None:
        record["unknown"] = unknowns_record(unknowns, districts)
    if resume == "partial":
        record["interrupted"] = {"drawn": kept, **{f"{name}s": n for name, n in statistics.sizes.items()}}
    elif sum(kept):
        record["resumed"] = {"kept": kept, "added": [settings.draws - one for one in kept]}
    return Fit(as_tree(groups, design, districts), model, record)


def _sampled(
    model: VoteShareModel, posterior: Posterior, settings: NutsSettings, rng: np.random.Generator,
    progress: Progress | bool, store: DrawStore | None, resume: Resume, unknowns: Unknowns | None,
) -> tuple[dict[str, np.ndarray], xr.Dataset]:  # fmt: skip
    """Draws of what is sampled, or those that are stored, and the sampler's statistics."""
    if store and resume == "partial":
        return sample_stored(posterior, settings, store, unknowns)
    if progress is True:
        with progress_bar(f"Sampling {model.formula}") as watch:
            return sample(posterior, settings, rng, watch, store, unknowns=unknowns)
    return sample(posterior, settings, rng, progress or None, store, unknowns=unknowns)


def _levels(
    model: VoteShareModel, posterior: Posterior, design: Design, settings: NutsSettings,
    rng: np.random.Generator, progress: Progress | bool, store: DrawStore | None, resume: Resume,
) -> tuple[dict[str, np.ndarray], xr.Dataset]:  # fmt: skip
    """All posterior variables of a model with latent terms, (chain, draw, ...), and the statistics."""
    latent, held = as_latent(posterior, design), resume == "partial"
    try:
        if progress is True:
            with progress_bar(f"Sampling {model.formula}") as watch:
                drawn, chains = draw_exact(latent, settings, rng, watch, store, held)
        else:
            drawn, chains = draw_exact(latent, settings, rng, progress or None, store, held)
    except ArithmeticError as error:
        raise FitError(
            Problem(
                f"this posterior has no Gaussian approximation to begin from ({error})",
                "look for levels or covariates that determine the votes",
            )
        ) from error
    variables = {
        name: values.reshape(len(chains), -1, *values.shape[1:])
        for name, values in named_draws(latent, drawn).items()
    }
    return variables, statistics_of(chains)


def _belongs(
    model: VoteShareModel, districts: Districts, outcome: Outcome, settings: NutsSettings, seed: int
) -> dict[str, Any]:
    """What stored draws belong to: draws of other data, another model or another sampler are no use."""
    return {
        "model": model.to_dict(),
        **districts.fingerprint,
        "held_out": held_out_record(outcome, districts),
        "settings": {name: value for name, value in asdict(settings).items() if name != "cores"},
        "seed": seed,
        "versions": {name: version(name) for name in ("spatialvote", "nutpie", "numba")},
    }


def posterior_variables(
    posterior: Posterior,
    draws: dict[str, np.ndarray],
    rng: np.random.Generator,
    unknowns: Unknowns | None = None,
) -> dict[str, np.ndarray]:
    """All posterior variables, (chain, draw, ...): coefficients and phi drawn given what was sampled."""
    if "coefficients" in draws:
        coefficients = draws["coefficients"]
        eta = coefficients @ posterior.design.T
        if unknowns is not None:
            flat, values = coefficients.reshape(-1, coefficients.shape[-1]), draws["unknown"]
            moved = [
                unknowns.design(one) @ b for one, b in zip(values.reshape(len(flat), -1), flat, strict=True)
            ]
            eta = np.reshape(moved, eta.shape)
        kept = {name: values for name, values in draws.items() if name != "coefficients"}
        return {**by_term(posterior, coefficients), **kept, "eta": eta}
    shape, n = draws["sigma"].shape, posterior.design.shape[0]
    hyper = {name: draws[name].ravel() for name in posterior.hyperparameters}
    designs = None
    if unknowns is not None:
        designs = map(unknowns.design, draws["unknown"].reshape(shape[0] * shape[1], -1))
    coefficients, phi = recover(posterior, hyper, draws["eta"].reshape(-1, n), rng, designs)
    variables = {**by_term(posterior, coefficients.reshape(*shape, -1)), **draws}
    if phi is not None:
        variables["phi"] = phi.reshape(*shape, n)
    return variables
