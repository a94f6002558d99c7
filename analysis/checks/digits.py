"""Do the draws bear the digits that are shown?

The effect that the report opens with (the first covariate of the formula, the migrants' where it has one) is
written with as many decimals as its interval deserves. Its mean and the ends of its interval are computed
from draws, so they have a Monte Carlo standard error of their own (Vehtari et al. 2021; for weighted draws
that of as many independent ones as their weights are worth). Above half a unit of the last digit, that digit
would be another one in a run with another seed. For the record: such a digit misleads nobody about the
interval, which is wider by far.

References
----------
Vehtari, A., Gelman, A., Simpson, D., Carpenter, B., Bürkner, P.-C. (2021). Rank-normalization, folding, and
localization: an improved R-hat for assessing convergence of MCMC. Bayesian Analysis 16.
"""

import math

import numpy as np
from arviz_stats.base.array import array_stats

from spatialvote.analysis.checks import convergence
from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.effects.effect import Effect, effect
from spatialvote.analysis.report.focus import compared_columns, points_of
from spatialvote.analysis.report.numbers import digits_for, fixed
from spatialvote.data.errors import FitError, ModelError
from spatialvote.models.fit import Fit

QUESTION = convergence.QUESTION
#: Of the last digit shown.
MOST = 0.5
POINTS = 10.0


def run(case: Case) -> tuple[Check, ...]:
    """Monte Carlo error of the first effect, in units of its last digit."""
    columns = compared_columns(case.fit.model.formula, case.districts)
    if not columns:
        return ()
    try:
        one = effect(case.fit, case.districts, columns[0], points_of(columns[0], case.districts, POINTS))
    except (FitError, ModelError):
        # Of districts that are not the fitted ones there is no effect; `stored_data` tells.
        return ()
    errors = monte_carlo_errors(case.fit, one)
    digits = digits_for(one.low, one.high)
    largest = max(errors.values())
    units = largest * 10**digits
    draws = case.fit.tree["posterior"].sizes["draw"]
    told = f"{fixed(one.mean, digits)} {one.unit}"
    if units <= MOST:
        advice = (
            f"The effect of '{one.column}', {told}, is borne to its last digit: the Monte Carlo error of its "
            f"mean is {fixed(errors['mean'], 4)}, of the ends of its interval "
            f"{fixed(max(errors['low'], errors['high']), 4)}."
        )
    else:
        # The error falls with the square root of the draws.
        needed = math.ceil(draws * (units / MOST) ** 2 / 100) * 100
        advice = (
            f"The last digit of the effect of '{one.column}', {told}, depends on the seed (Monte Carlo error "
            f"{fixed(largest, digits + 1)} {one.unit}): read it with one digit fewer, or fit with about "
            f"{fixed(needed)} draws{' a chain' if case.fit.engine == 'nuts' else ''}."
        )
    return (
        Check(
            "effect_digits",
            QUESTION,
            f"largest Monte Carlo error of the effect of '{one.column}' and its interval, in units of the "
            "last digit shown",
            units,
            "none: for the record",
            "info",
            advice,
            {
                "column": one.column,
                "unit": one.unit,
                "digits": digits,
                **{f"error_{name}": float(f"{value:.3g}") for name, value in errors.items()},
            },
        ),
    )


def monte_carlo_errors(fit: Fit, one: Effect) -> dict[str, float]:
    """Monte Carlo standard errors of an effect's mean and of the ends of its 95 % interval."""
    sizes = fit.tree["posterior"].sizes
    chains = one.draws.reshape(sizes["chain"], sizes["draw"])
    # Draws that do not move have no error to estimate; the checks of convergence tell.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = [array_stats.mcse(chains, method="mean")]
        found += [array_stats.mcse(chains, method="quantile", prob=one) for one in (0.025, 0.975)]
    errors = dict(zip(("mean", "low", "high"), np.array(found, dtype=np.float64).tolist(), strict=True))
    if fit.engine == "laplace":
        worth = one.draws.size / float(fit.record["laplace"]["importance_ess"])
        errors = {name: value * math.sqrt(max(worth, 1.0)) for name, value in errors.items()}
    return {name: value if math.isfinite(value) else 0.0 for name, value in errors.items()}
