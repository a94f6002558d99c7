r"""Do the conclusions stand without the most influential districts?

The model is fitted again without the votes of the five districts whose Pareto k is highest
(`spatialvote.analysis.checks.influence`). They keep their covariates and their place in the graph, so that
coefficients and hyperparameters mean the same. Both fits are by the Laplace engine, whatever engine made the
fit under review, so that engines are not confounded with districts.

Of each quantity q (the effect of the first compared column, the migrants' where the formula has it; sigma;
rho) it is told how far its posterior mean moves, in posterior standard deviations of the full fit,

    ( E[q without the five] - E[q] ) / sd[q].

Five of n districts drawn at random would move it by about sqrt(5 / n) standard deviations; these are the
worst. A move beyond one standard deviation is a warning: the conclusion depends on these districts, and
whether they belong to it is for those who know them to say.
"""

from typing import Any

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.checks.influence import QUESTION
from spatialvote.analysis.effects.design import shifted_design
from spatialvote.analysis.loo import FEWEST, loo
from spatialvote.analysis.report.focus import compared_columns
from spatialvote.data.errors import FitError, ModelError, name_some
from spatialvote.models.fit import Fit

#: Districts that are left out, and how far a conclusion may move, in standard deviations.
LEFT_OUT, MOVED = 5, 1.0


def run(case: Case) -> tuple[Check, ...]:
    """What moves when the five most influential districts are left out."""
    sizes = case.fit.tree["posterior"].sizes
    if sizes["chain"] * sizes["draw"] < FEWEST:
        return ()
    posterior, design = case.rebuilt
    k = np.nan_to_num(loo(case.fit, posterior).k, nan=-np.inf)
    worst = [str(one) for one in case.districts.ids[np.argsort(-k, kind="stable")[:LEFT_OUT]]]
    seeds = case.rng.integers(2**31, size=2)
    fits = []
    try:
        for number, (held_out, seed) in enumerate(zip(((), worst), seeds, strict=True)):
            if case.common.progress is not None:
                case.common.progress("Fitting without influential districts", number, 2)
            fits.append(
                case.fit.model.fit(
                    case.districts, "laplace", seed=int(seed), held_out=held_out, progress=False
                )
            )
    except (FitError, ModelError) as error:
        return (_check(np.nan, "warn", f"The fits could not be made: {error}", {"districts": worst}),)
    columns = compared_columns(case.fit.model.formula, case.districts)
    shift = None
    if columns:
        change = float(case.districts.table[columns[0]].std(ddof=0))
        shifted = shifted_design(design, case.districts, columns[0], change)
        shift = ((shifted - design.matrix) / design.scale).mean(axis=0)
    moves = _moves(fits[0], fits[1], columns[0] if columns else "", shift)
    farthest = max((abs(one["moved"]) for one in moves), default=0.0)
    far = [one["name"] for one in moves if abs(one["moved"]) > MOVED]
    if not moves:
        advice = "The model has neither an effect nor a hyperparameter that could move."
    elif far:
        advice = (
            f"Without {name_some(worst, limit=LEFT_OUT)} the estimate of {name_some(far)} is another: say so "
            "beside the result, and ask whether these districts belong to the question."
        )
    else:
        advice = f"Without {name_some(worst, limit=LEFT_OUT)} the estimates stay where they were."
    return (_check(farthest, "warn" if far else "pass", advice, {"districts": worst, "moves": moves}),)


def _check(value: float, verdict: str, advice: str, details: dict[str, Any]) -> Check:
    return Check(
        "without_worst",
        QUESTION,
        f"farthest move of the compared effect, sigma and rho without the {LEFT_OUT} most influential "
        "districts, in standard deviations",
        value,
        f"at most {MOVED:g}",
        verdict,
        advice,
        details,
    )


def _moves(full: Fit, without: Fit, column: str, shift: np.ndarray | None) -> list[dict[str, Any]]:
    """Means of both fits, the standard deviation of the first, and how far the mean moved."""
    pairs = []
    if shift is not None:
        pairs.append((f"effect of {column}", *(fit.draws("beta") @ shift for fit in (full, without))))
    for name in ("sigma", "rho"):
        if name in full.hyperparameters:
            pairs.append((name, full.draws(name), without.draws(name)))
    return [
        {
            "name": name,
            "full": float(before.mean()),
            "without": float(after.mean()),
            "sd": float(before.std()),
            "moved": float((after.mean() - before.mean()) / before.std()),
        }
        for name, before, after in pairs
    ]
