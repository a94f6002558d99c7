"""From a specification and districts to a `Fit` by the Laplace engine."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import cast

import numpy as np
import xarray as xr

from spatialvote.data.districts import Districts
from spatialvote.data.errors import FitError, ModelError, Problem
from spatialvote.models.chains import Progress
from spatialvote.models.fit import Fit
from spatialvote.models.fit_groups import as_tree, by_term, fit_groups
from spatialvote.models.laplace.engine import Drawn, laplace
from spatialvote.models.latent.fast import Drawn as LatentDrawn
from spatialvote.models.latent.fast import draw_fast
from spatialvote.models.latent.levels import as_latent
from spatialvote.models.latent.named import named_draws
from spatialvote.models.latent.posterior import LatentPosterior
from spatialvote.models.outcome import absence_record, held_out_record
from spatialvote.models.posterior import Posterior
from spatialvote.models.progress import progress_bar
from spatialvote.models.record import make_record, timed
from spatialvote.models.vote_share import VoteShareModel

#: Above this k-hat the weights cannot be trusted (Vehtari et al. 2024), and a short NUTS run checks the
#: marginals.
UNRELIABLE = 0.7


@dataclass(frozen=True)
class LaplaceSettings:
    """Settings of the engine.

    Attributes
    ----------
    draws
        Joint draws, at least 100: k-hat is estimated from the largest weights.
    cores
        Threads; None: as many as the machine has cores.
    """

    draws: int = 1000
    cores: int | None = None

    def __post_init__(self) -> None:
        problems = []
        if not isinstance(self.draws, int) or self.draws < 100:
            problems.append(
                Problem(f"draws must be a whole number, 100 or more, got {self.draws!r}", "raise it")
            )
        if self.cores is not None and (not isinstance(self.cores, int) or self.cores < 1):
            problems.append(
                Problem(f"cores must be a whole number above zero, got {self.cores!r}", "raise it")
            )
        if problems:
            raise ModelError(problems)


def fit_laplace(
    model: VoteShareModel,
    districts: Districts,
    settings: LaplaceSettings,
    seed: int,
    progress: Progress | bool,
    held_out: Collection[str] = (),
) -> Fit:
    """Fit by the Laplace engine; see `VoteShareModel.fit`.

    Raises
    ------
    FitError
        Where the posterior has no Gaussian approximation near a reasonable start.
    """
    rng = np.random.default_rng(seed)
    timings: dict[str, float] = {}
    with timed(timings, "prepare"):
        posterior, design = model.posterior(districts, held_out)
    latent = as_latent(posterior, design) if posterior.latent else None

    def draw(watch: Progress | None) -> Drawn | LatentDrawn:
        if latent is not None:
            return draw_fast(latent, settings.draws, rng, settings.cores, watch)
        return laplace(posterior, settings.draws, rng, settings.cores, watch)

    try:
        with timed(timings, "sample"):
            if progress is True:
                with progress_bar(f"Approximating {model.formula}") as watch:
                    drawn = draw(watch)
            else:
                drawn = draw(progress or None)
    except ArithmeticError as error:
        raise FitError(
            Problem(f"engine 'laplace' cannot approximate this posterior ({error})", "use engine 'nuts'")
        ) from error
    report = dict(drawn.report)
    if isinstance(drawn, Drawn):
        variables = _variables(posterior, drawn)
    else:
        variables = {
            name: one[None] for name, one in named_draws(cast(LatentPosterior, latent), drawn).items()
        }
    if isinstance(drawn, Drawn) and not report["k_hat"] <= UNRELIABLE:
        # Brings nutpie and ArviZ, which few fits need.
        from spatialvote.models.laplace.short_run import short_run

        with timed(timings, "short run"):
            report["short_run"] = short_run(posterior, drawn.theta, variables, rng)
    with timed(timings, "predict"):
        outcome = model.outcome(districts, held_out)
        groups = fit_groups(posterior, design, outcome, districts, variables, rng)
    groups["sample_stats"] = xr.Dataset(
        {
            "log_ratio": (("chain", "draw"), drawn.log_ratio[None]),
            "point": (("chain", "draw"), drawn.point[None]),
            "log_point": ("hyper_point", drawn.log_point),
        }
    )
    record = make_record(districts, "laplace", asdict(settings), seed, timings)
    record["laplace"] = report
    record["absent"] = absence_record(outcome, districts, model.party, model.absent)
    record["held_out"] = held_out_record(outcome, districts)
    return Fit(as_tree(groups, design, districts), model, record)


def _variables(posterior: Posterior, drawn: Drawn) -> dict[str, np.ndarray]:
    """Posterior variables by name, (1, draw, ...)."""
    variables = {
        **by_term(posterior, drawn.coefficients),
        **posterior.constrain(drawn.theta),
        "eta": drawn.eta,
    }
    if posterior.field.structure == "bym2":
        variables["phi"] = drawn.phi
    return {name: values[None] for name, values in variables.items()}
