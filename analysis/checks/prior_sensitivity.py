r"""Do the priors decide?

Three things are computed.

- **Power scaling** (`spatialvote.analysis.power_scaling`): how far intercept, coefficients, hyperparameters
  and the effect of the first compared column change when all priors are made a little stronger or weaker, and
  how far when the votes are. Above 0.05 for the prior is a warning: with votes above 0.05 too, prior and
  votes disagree; with votes below it, the votes say little and the prior decides.
- **Contraction**: the posterior's standard deviation over the prior's.
- **The effect without its prior**: the coefficient that the linear model which the fit nearly is
  (`spatialvote.analysis.working_model`) estimates at the same hyperparameters where the priors of intercept
  and coefficients are flat.

It fails only where the prior decides the direction of the effect: the effect is sensitive, and without its
prior it has the other sign, or a 95 % interval that leaves out zero where the posterior's does not, or the
other way round.

References
----------
Kallioinen, N., Paananen, T., Bürkner, P.-C., Vehtari, A. (2024). Detecting and diagnosing prior and
likelihood sensitivity with power-scaling. Statistics and Computing 34.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.effects.design import shifted_design
from spatialvote.analysis.effects.effect import Effect, effect
from spatialvote.analysis.power_scaling import THRESHOLD, Sensitivity, sensitivities
from spatialvote.analysis.report.focus import compared_columns, points_of
from spatialvote.analysis.report.words import listed
from spatialvote.analysis.residuals import thin
from spatialvote.analysis.working_model import working_model, working_response
from spatialvote.data.errors import FitError, name_some
from spatialvote.models.latent.levels import as_latent

QUESTION = "Do the priors decide?"
POINTS = 10.0
EFFECT = "effect"
_DRAWS = 1000
_PRIOR_DRAWS = 4000
#: A prior so many times wider is as good as none.
_FLAT = 1e4


def run(case: Case) -> tuple[Check, ...]:
    """Sensitivity of every parameter and of the effect to the priors."""
    fit = case.fit
    posterior, design = case.rebuilt
    at = thin(fit, _DRAWS)
    quantities = {"intercept": fit.draws("intercept", at)}
    slopes = fit.draws("beta", at)
    quantities |= {f"beta: {name}": slopes[:, k] for k, name in enumerate(fit.coefficients)}
    quantities |= {name: fit.draws(name, at) for name in fit.hyperparameters}
    column = next(iter(compared_columns(fit.model.formula, case.districts)), None)
    without = None
    told = _effect(case, column)
    if told is not None:
        quantities[EFFECT] = told.draws[at]
        moved = shifted_design(design, case.districts, told.column, told.change) - design.matrix
        without = _without_prior(case, (moved / design.scale).mean(axis=0))
    latent = as_latent(posterior, design) if posterior.latent else None
    found = sensitivities(fit, posterior, at, quantities, latent)
    worst = max(found, key=lambda name: found[name].prior)
    sensitive = {name: one for name, one in found.items() if one.diagnosis}
    decided = EFFECT in sensitive and without is not None and without["decided"]
    return (
        Check(
            "prior_sensitivity",
            QUESTION,
            f"largest power-scaling sensitivity to the priors ({_called(worst, column)})",
            found[worst].prior,
            f"below {THRESHOLD}",
            "fail" if decided else "warn" if sensitive else "pass",
            _advice(sensitive, found, worst, column, without if decided else None),
            {
                "column": column,
                "parameters": {
                    name: {
                        "prior": one.prior,
                        "likelihood": one.likelihood,
                        "by_prior": one.by_prior,
                        "diagnosis": one.diagnosis,
                    }
                    for name, one in found.items()
                },
                "contraction": _contraction(case),
                "without_prior": without,
            },
        ),
    )


def _contraction(case: Case) -> dict[str, float]:
    """Standard deviation of each parameter's posterior over that of its prior."""
    fit = case.fit
    posterior, _ = case.rebuilt
    fixed = posterior.column_group == 0
    drawn = posterior.draw_prior(case.rng, _PRIOR_DRAWS)
    prior = [*posterior.prior_sd[fixed], *(drawn[name].std() for name in fit.hyperparameters)]
    draws = np.column_stack(
        [fit.draws("intercept"), fit.draws("beta"), *(fit.draws(name) for name in fit.hyperparameters)]
    )
    names = ["intercept", *(f"beta: {name}" for name in fit.coefficients), *fit.hyperparameters]
    return dict(zip(names, (draws.std(axis=0) / np.array(prior)).tolist(), strict=True))


def _effect(case: Case, column: str | None) -> Effect | None:
    """Effect of a column; None without one, and for districts with other covariates than the fit's."""
    if column is None:
        return None
    try:
        return effect(case.fit, case.districts, column, points=points_of(column, case.districts, POINTS))
    except FitError:
        # The review goes on: `stored_data` tells what differs.
        return None


def _without_prior(case: Case, average: np.ndarray) -> dict[str, Any]:
    """The effect's coefficient with and without the normal priors; link scale, averaged over districts."""
    fit = case.fit
    posterior, _ = case.rebuilt
    fixed = posterior.column_group == 0
    contrast = np.zeros(len(fixed))
    contrast[np.flatnonzero(fixed)[1:]] = average
    draws = fit.draws("beta") @ average
    eta = fit.tree["posterior"]["eta"].mean(("chain", "draw"), dtype=np.float64).to_numpy()
    flat = replace(posterior, prior_sd=np.where(fixed, _FLAT * posterior.prior_sd, posterior.prior_sd))
    alone = working_model(fit, flat, eta)
    told: dict[str, Any] = {
        "mean": float(draws.mean()),
        "sd": float(draws.std()),
        "mean_without": float(alone.estimator(contrast) @ working_response(fit, posterior, eta)),
        "sd_without": math.sqrt(contrast @ np.linalg.solve(alone.precision(), contrast)),
    }
    settled, settled_without = (
        abs(told[f"mean{which}"]) > 1.96 * told[f"sd{which}"] for which in ("", "_without")
    )
    other_sign = told["mean"] * told["mean_without"] < 0
    told["decided"] = settled != settled_without or (other_sign and (settled or settled_without))
    return told


def _called(name: str, column: str | None) -> str:
    return f"effect of ‘{column}’" if name == EFFECT else name.removeprefix("beta: ")


def _advice(
    sensitive: dict[str, Sensitivity],
    found: dict[str, Sensitivity],
    worst: str,
    column: str | None,
    decided: dict[str, Any] | None,
) -> str:
    if decided is not None:
        return (
            f"The prior decides the direction of the effect of ‘{column}’: its coefficient is "
            f"{_interval(decided, '')} with it and about {_interval(decided, '_without')} without it; widen "
            "coefficient_sd, or say why so narrow a prior is held."
        )
    if not sensitive:
        return (
            "No estimate changes noticeably when the priors are made a little stronger or weaker "
            f"(most: {_called(worst, column)}, {found[worst].prior:.3f})."
        )
    blocks = sorted({max(one.by_prior, key=lambda b: one.by_prior[b]) for one in sensitive.values()})
    conflicting = any(one.diagnosis == "conflict" for one in sensitive.values())
    why = "prior and votes disagree there" if conflicting else "the votes say little there"
    names = name_some([_called(name, column) for name in sensitive])
    return (
        f"Estimates depend on the priors ({names}; most on the prior of {listed(blocks)}): {why}, so fit "
        "again with a wider prior and report both."
    )


def _interval(told: dict[str, Any], which: str) -> str:
    mean, half = told[f"mean{which}"], 1.96 * told[f"sd{which}"]
    return f"{mean:.2g} ({mean - half:.2g} to {mean + half:.2g})"
