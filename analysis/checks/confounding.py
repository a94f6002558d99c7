r"""Does the effect depend on how space is modelled?

The fitted model and its variants (`spatialvote.analysis.variants`) are fitted to the same districts, and the
effect of one column, the migrants' where the formula has it, is compared. All fits are by the Laplace engine,
the fitted model's too, so that engines are not confounded with models; where k-hat does not vouch for its
draws (above 0.7), a map of fewer than 1,000 districts is fitted by the sampler instead, and on a larger one
the variant is shown but not judged.

The estimate of another model differs by chance alone, and because no smooth is taken out completely. By how
much, if the fitted model is true, is known from the linear model that it nearly is
(`spatialvote.analysis.working_model`): the change of the coefficient has a mean and a standard deviation, to
which comes the Monte Carlo error of both estimates. It is beyond chance where it is further from that mean
than the farthest of all judged variants is in one of twenty fits (Bonferroni). The verdict is a warning where
for some variant

- the change is beyond chance, and the variant's 95 % interval leaves out the fitted model's estimate, or its
  estimate has the other sign, or its interval holds zero and the fitted model's does not; or
- both intervals leave out zero, on different sides.

It never fails: the models are all defensible, and which one holds is not for these data alone to tell. Where
the effect is confounded with something as smooth as the whole covariate, every variant is biased alike, and
no comparison shows it.

The coefficient is that of the linear predictor: its average change over the districts when the column rises.
"""

import math
from typing import Any

import numpy as np
from scipy.stats import norm

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.effects.change import average_changes
from spatialvote.analysis.effects.design import shifted_design
from spatialvote.analysis.refit import Refit, refit
from spatialvote.analysis.report.focus import compared_columns, points_of
from spatialvote.analysis.report.numbers import digits_for, fixed
from spatialvote.analysis.report.words import listed
from spatialvote.analysis.smoothness import describe_columns
from spatialvote.analysis.variants import make_variants
from spatialvote.data.errors import FitError, ModelError
from spatialvote.models.scaled_graph import scale_graph

QUESTION = "Is the effect confounded with space?"
LEVEL = 0.05
POINTS = 10.0


def run(case: Case) -> tuple[Check, ...]:
    """The effect of the first compared column under every variant."""
    columns = compared_columns(case.fit.model.formula, case.districts)
    if not columns:
        return ()
    column, districts = columns[0], case.districts
    _, design = case.rebuilt
    points = points_of(column, districts, POINTS)
    change = float(districts.table[column].std(ddof=0))
    if points is not None:
        change = districts.roles.points(column, points)
    # On the standardised columns, of which the variants are made.
    shift = (shifted_design(design, districts, column, change) - design.matrix) / design.scale
    variants = make_variants(case.fit, districts, design, scale_graph(districts.n, *districts.edges))
    refits, missing = _fit_all(case, variants.all)
    compared = _compare(refits, shift)
    others = compared[1:]
    judged = [one for one in others if one["judged"]]
    limit = float(norm.isf(LEVEL / 2 / max(len(judged), 1)))
    for one in compared:
        one["depends"] = one["judged"] and one is not compared[0] and _depends(one, compared[0], limit)
    farthest = max((abs(one["beyond"]) for one in judged), default=math.nan)
    telling = [one for one in others if one["depends"]]
    unit = "percentage points" if case.fit.model.family != "poisson" else "percent"
    return (
        Check(
            "confounding",
            QUESTION,
            f"largest change of the coefficient of ‘{column}’ among models of space, in standard deviations "
            "of the change by chance",
            farthest,
            f"at most {limit:.2f}, or an estimate and a direction that stay",
            "warn" if telling or not refits[0].vouched else "pass",
            _advice(column, telling, compared, unit, limit),
            {
                "column": column,
                "points": points,
                "change": change,
                "unit": unit,
                "limit": limit,
                "variants": compared,
                "missing": missing,
                "around": _around(refits, shift),
                "columns": describe_columns(case, design, variants.patterns, variants.left),
            },
        ),
    )


def _fit_all(case: Case, variants: tuple) -> tuple[list[Refit], dict[str, str]]:
    """Fits of all variants, the fitted model first, and why some could not be fitted."""
    seeds = case.rng.integers(2**31, size=len(variants))
    refits, missing = [], {}
    for number, (variant, seed) in enumerate(zip(variants, seeds, strict=True)):
        if case.common.progress is not None:
            case.common.progress(f"Fitting with {variant.label}", number, len(variants))
        try:
            refits.append(refit(variant, int(seed), case.fit.held_out))
        except (ModelError, FitError) as error:
            # Columns that determine each other, or levels that hold a column fixed, are a finding.
            if number == 0:
                raise
            missing[variant.label] = str(error)
    return refits, missing


def _compare(refits: list[Refit], shift: np.ndarray) -> list[dict[str, Any]]:
    """What each fit makes of the effect, and how far its coefficient is from what chance makes of it."""
    main = refits[0]
    average = shift.mean(axis=0)
    eta = main.fit.tree["posterior"]["eta"].mean(("chain", "draw"), dtype=np.float64).to_numpy()
    true = main.working(eta)
    mean = np.r_[main.fit.draws("intercept").mean(), main.fit.draws("beta").mean(axis=0)]
    effects = [main.fit.draws(f"effect_{name}").mean(axis=0) for name in main.fit.groups]
    expected_eta = true.posterior.design @ np.concatenate([mean, *effects])
    own = true.estimator(_contrast(true.posterior.design.shape[1], average))
    rows = []
    first = main.fit.draws("beta") @ average
    for one in refits:
        coefficient = one.fit.draws("beta")[:, : len(average)] @ average
        padded = np.column_stack([shift, np.zeros((len(shift), one.variant.added))])
        effect, _ = average_changes(one.fit, padded, np.ones(len(padded)))
        low, high = np.quantile(coefficient, [0.025, 0.975])
        effect_low, effect_high = np.quantile(effect, [0.025, 0.975])
        row: dict[str, Any] = {
            "key": one.variant.key,
            "label": one.variant.label,
            "engine": one.fit.engine,
            "k_hat": one.k_hat,
            "judged": one.vouched and main.vouched,
            "effect": float(effect.mean()),
            "effect_low": float(effect_low),
            "effect_high": float(effect_high),
            "coefficient": float(coefficient.mean()),
            "coefficient_low": float(low),
            "coefficient_high": float(high),
        }
        if one is not main:
            working = one.working(eta)
            estimator = working.estimator(_contrast(working.posterior.design.shape[1], average))
            difference = estimator - own
            # Means of draws have a Monte Carlo error of their own.
            error = main.mean_variance(first) + one.mean_variance(coefficient)
            sd = math.sqrt(true.variance(difference) + error)
            change = row["coefficient"] - rows[0]["coefficient"]
            row |= {
                "change": change,
                "expected_change": float(difference @ expected_eta),
                "chance_sd": sd,
                "beyond": (change - float(difference @ expected_eta)) / sd,
            }
        rows.append(row)
    return rows


def _contrast(columns: int, average: np.ndarray) -> np.ndarray:
    """The average change of the linear predictor as a contrast of all coefficients, intercept first."""
    contrast = np.zeros(columns)
    contrast[1 : 1 + len(average)] = average
    return contrast


def _depends(one: dict[str, Any], main: dict[str, Any], limit: float) -> bool:
    """Whether a variant says that the effect depends on how space is modelled."""
    low, high = one["coefficient_low"], one["coefficient_high"]
    estimate, settled = main["coefficient"], main["coefficient_low"] * main["coefficient_high"] > 0
    opposite = settled and low * high > 0 and low * estimate < 0
    moved = not low <= estimate <= high or one["coefficient"] * estimate < 0
    return opposite or (abs(one["beyond"]) > limit and (moved or (settled and low * high <= 0)))


def _around(refits: list[Refit], shift: np.ndarray) -> dict[str, float] | None:
    """Effect of the column among the neighbours, its own value held; None where that was not fitted."""
    added = next((one for one in refits if one.variant.key == "neighbours"), None)
    if added is None:
        return None
    padded = np.column_stack([np.zeros_like(shift), shift])
    effect, _ = average_changes(added.fit, padded, np.ones(len(padded)))
    low, high = np.quantile(effect, [0.025, 0.975])
    return {"effect": float(effect.mean()), "effect_low": float(low), "effect_high": float(high)}


def _advice(
    column: str, telling: list[dict[str, Any]], compared: list[dict[str, Any]], unit: str, limit: float
) -> str:
    main, judged = compared[0], [one for one in compared[1:] if one["judged"]]
    digits = digits_for(main["effect_low"], main["effect_high"])
    here = fixed(main["effect"], digits)
    if not judged:
        return (
            f"No other model of space could be fitted dependably beside this one ({here} {unit}): nothing is "
            "compared, so fit structure 'bym2'."
        )
    if telling:
        told = ", ".join(f"{fixed(one['effect'], digits)} ({one['label']})" for one in telling)
        return (
            f"The effect of ‘{column}’ depends on how space is modelled: {here} {unit} here, {told}; report "
            "the range, and look for what else varies with it across the map."
        )
    least, most = (pick(one["effect"] for one in judged) for pick in (min, max))
    told = (
        f"Other models of space put the effect of ‘{column}’ between {fixed(least, digits)} and "
        f"{fixed(most, digits)} {unit} ({here} here); "
    )
    if beyond := [one["label"] for one in judged if abs(one["beyond"]) > limit]:
        return (
            f"{told}under {listed(beyond)} it moves by more than chance, but within the interval, and the "
            "direction stays."
        )
    return f"{told}none changes what this model says by more than chance."
