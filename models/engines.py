"""Which engine computes a posterior, and with which settings.

=========  ======================================================  =======================================
engine     what it does                                            when ``auto`` takes it
=========  ======================================================  =======================================
nuts       the No-U-Turn sampler; exact up to Monte Carlo error    otherwise
laplace    weighted draws from a collapsed nested Laplace          more than 5,000 districts, and an
           approximation; k-hat tells how good it is               iid part that can be integrated out
=========  ======================================================  =======================================
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.design import split_formula
from spatialvote.models.draw_store import Resume

if TYPE_CHECKING:
    from spatialvote.models.chains import Progress
    from spatialvote.models.fit import Fit
    from spatialvote.models.vote_share import VoteShareModel

ENGINES = ("nuts", "laplace", "auto")
#: Settings that each engine knows.
_SETTINGS = {
    "nuts": ("draws", "tune", "chains", "cores", "target_accept", "parametrisation"),
    "laplace": ("draws", "cores"),
}
#: Structures in which each district's own effect can be integrated out before the approximation.
_COLLAPSING = ("bym2", "iid", "none")
#: ``auto`` takes the sampler up to here: it then needs a few minutes at most.
_MOST_FOR_NUTS = 5000


def fit(
    model: VoteShareModel,
    districts: Districts,
    engine: str,
    given: Mapping[str, Any],
    seed: int,
    progress: Progress | bool,
    folder: Path | None,
    resume: Resume,
    held_out: Collection[str] = (),
) -> Fit:
    """Fit by an engine; see `VoteShareModel.fit`. ``given`` holds the settings that the user named."""
    if engine not in ENGINES:
        raise ModelError(
            Problem(f"engine '{engine}' is unknown", f"use one of {name_some(ENGINES, limit=10)}")
        )
    if resume and folder is None:
        raise ModelError(Problem("no store is given to go on with", "pass store=, the folder of its draws"))
    chosen, reason = engine, ""
    if engine == "auto":
        chosen, reason = choose(model.structure, districts.n, unknown=bool(_unknown(model, districts)))
    strange = [name for name in given if name not in _SETTINGS[chosen]]
    if strange:
        raise ModelError(
            Problem(
                f"engine '{chosen}' has no {name_some(strange)}",
                f"leave them out: it has {name_some(_SETTINGS[chosen], limit=10)}",
            )
        )
    if chosen == "nuts":
        from spatialvote.models.fitting import fit_nuts
        from spatialvote.models.nuts import NutsSettings

        fitted = fit_nuts(model, districts, NutsSettings(**given), seed, progress, folder, resume, held_out)
    else:
        from spatialvote.models.laplace.fitting import LaplaceSettings, fit_laplace

        _refuse_unknown(model, districts)
        if resume:
            raise ModelError(
                Problem(
                    "engine 'laplace' keeps no draws of an interrupted fit, so there is none to go on with",
                    "fit again without resume: it takes seconds",
                )
            )
        fitted = fit_laplace(model, districts, LaplaceSettings(**given), seed, progress, held_out)
    if engine == "auto":
        fitted.record["engine_choice"] = {"asked": "auto", "chosen": chosen, "reason": reason}
    return fitted


def _unknown(model: VoteShareModel, districts: Districts) -> list[str]:
    """Covariates of the formula with values that are not known exactly."""
    if not len(districts.unknown):
        return []
    named = set(re.findall(r"[A-Za-z_]\w*", split_formula(model.formula)[1]))
    return [
        column for column in districts.unknown.columns if column in named or f"`{column}`" in model.formula
    ]


def _refuse_unknown(model: VoteShareModel, districts: Districts) -> None:
    if unknown := _unknown(model, districts):
        raise ModelError(
            Problem(
                f"{name_some(unknown, limit=10)} have values that are not known exactly, and engine "
                "'laplace' approximates models whose covariates are known",
                "choose engine 'nuts', or leave these covariates out",
            )
        )


def choose(structure: str, n: int, *, unknown: bool = False) -> tuple[str, str]:
    """The engine that ``auto`` takes for n districts, and why, in words."""
    if unknown:
        return "nuts", "covariates have values that are not known exactly, which the sampler alone can draw"
    if structure not in _COLLAPSING:
        return "nuts", (
            f"structure '{structure}' has no independent part that could be integrated out: the sampler "
            "needs no factorisation for it, and engine 'laplace' has to correct every draw"
        )
    if n <= _MOST_FOR_NUTS:
        return "nuts", f"with {n:,} districts (up to {_MOST_FOR_NUTS:,}) the sampler takes minutes at most"
    return "laplace", f"with {n:,} districts (more than {_MOST_FOR_NUTS:,}) the sampler would take long"
