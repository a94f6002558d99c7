"""From a specification and districts to a `Fit`: sample, recover, predict, record."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from spatialvote.data.districts import Districts
from spatialvote.models.centring import centre
from spatialvote.models.draw_store import Resume, open_store
from spatialvote.models.fit import Fit
from spatialvote.models.fit_groups import as_tree, by_term, fit_groups
from spatialvote.models.nuts import NutsSettings, Progress, sample, sample_stored, suited
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
        settings = suited(settings, posterior, unknowns)
        belongs = _belongs(model, districts, outcome, settings, seed)
        store = None if folder is None else open_store(folder, belongs, resume)
        kept = store.kept() if store else []
    with timed(timings, "sample"):
        if store and resume == "partial":
            draws, statistics = sample_stored(posterior, settings, store, unknowns)
        elif progress is True:
            with progress_bar(f"Sampling {model.formula}") as watch:
                draws, statistics = sample(posterior, settings, rng, watch, store, unknowns=unknowns)
        else:
            draws, statistics = sample(posterior, settings, rng, progress or None, store, unknowns=unknowns)
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
    if posterior.has_field:
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
