r"""Is the Laplace approximation near enough to the posterior for its weights to correct it?

The Laplace engine draws from an approximation and weighs every draw by the posterior's density over the
approximation's. k-hat, the shape of a generalised Pareto distribution fitted to the largest weights, tells
how heavy their tail is (Vehtari et al. 2024). Below 0.5 their variance is finite, and means converge as those
of independent draws do; up to 0.7 they are dependable still, with more draws; beyond, a few draws may decide
the result, and the weights do not mend the approximation. Where k-hat is above 0.7 the engine compares its
marginals with a short run of the sampler; those that agree can be used.

The points of the hyperparameters have a k-hat of their own. It does not count where the points are even and
their tail, whatever its shape, can hide no more than one per cent of the weight
(`spatialvote.models.laplace.tail`).

Both parts of the log weights are in the file, so k-hat and the number of effective draws are computed again.
Below 400 effective draws the ends of intervals are uncertain, below 100 means are too.

References
----------
Vehtari, A., Simpson, D., Gelman, A., Yao, Y., Gabry, J. (2024). Pareto smoothed importance sampling. JMLR 25.
"""

import math

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check, grade
from spatialvote.data.errors import name_some
from spatialvote.models.laplace.engine import weigh

QUESTION = "Can the approximation be trusted?"
K_HAT, K_HAT_SERIOUS = 0.5, 0.7
ESS, ESS_SERIOUS = 400, 100
#: What is computed from the weights and recorded; relative, because libraries may sum in another order.
RECORDED = ("k_hat", "k_hat_points", "k_hat_draws", "hidden", "importance_ess")
TOLERANCE = 1e-6
_NAMED = 6


def run(case: Case) -> tuple[Check, ...]:
    """k-hat, effective draws, and whether both follow from the weights in the file."""
    if case.fit.engine != "laplace":
        return ()
    again = recompute(case)
    report = case.fit.record["laplace"]
    draws = case.fit.tree["posterior"].sizes["draw"]
    return (
        _k_hat(again, _named(report, case.fit.coefficients)),
        _ess(again["importance_ess"], draws),
        _recorded(again, report),
    )


def recompute(case: Case) -> dict[str, float]:
    """k-hat and effective draws from the weights in the file; NaN where these are no weights."""
    statistics = case.fit.tree["sample_stats"]
    log_point = statistics["log_point"].to_numpy().ravel().astype(np.float64)
    log_ratio = statistics["log_ratio"].to_numpy().ravel().astype(np.float64)
    point = statistics["point"].to_numpy().ravel().astype(np.int64)
    outside = ((point < 0) | (point >= len(log_point))).any()
    if outside or not (np.isfinite(log_point).any() and np.isfinite(log_ratio).any()):
        return dict.fromkeys(RECORDED, math.nan)
    # Weights that cannot be smoothed leave NaN: no k-hat vouches for them.
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        _, found = weigh(log_point, log_ratio, point, case.rng)
    return {name: float(found[name]) for name in RECORDED}


def _named(report: dict, coefficients: tuple[str, ...]) -> dict:
    """The comparison with the short run, coefficients by name in place of their position."""
    if "short_run" not in report:
        return {}
    called = {f"beta[{k}]": f"beta['{name}']" for k, name in enumerate(coefficients)}
    return {called.get(name, name): one for name, one in report["short_run"]["compared"].items()}


def _k_hat(again: dict[str, float], compared: dict) -> Check:
    # Weights that are all equal have no tail: their k-hat is minus infinity.
    k_hat = again["k_hat"]
    sound = [name for name, one in compared.items() if one["sound"]]
    unsound = [name for name, one in compared.items() if not one["sound"]]
    verdict = grade(k_hat < K_HAT, not k_hat < K_HAT_SERIOUS)
    if verdict == "fail" and sound and not math.isnan(k_hat):
        verdict = "warn"
    if verdict == "pass":
        advice = "The weights of the draws are even: they correct what the approximation leaves out."
    elif math.isnan(k_hat):
        advice = "The weights are too few or no numbers, so nothing vouches for these draws: fit again."
    elif k_hat < K_HAT_SERIOUS:
        advice = (
            "The weights are uneven, and the results still dependable: for the last digits fit again with "
            "more draws, or with engine 'nuts'."
        )
    elif sound:
        but = f", and not on {_some(unsound)}: do not use these" if unsound else ""
        advice = (
            "The weights do not correct the approximation. A short run of the sampler agrees on "
            f"{_some(sound)}{but}; fit with engine 'nuts' to be sure."
        )
    else:
        against = f"; a short run of the sampler differs in {_some(unsound)}" if unsound else ""
        advice = (
            "A few draws hold most of the weight, so the approximation is not corrected"
            f"{against}: do not use these results, fit with engine 'nuts'."
        )
    return Check(
        "k_hat",
        QUESTION,
        "Pareto k-hat of the importance weights",
        k_hat,
        f"below {K_HAT}",
        verdict,
        advice,
        {
            "points": again["k_hat_points"],
            "draws": again["k_hat_draws"],
            "hidden": again["hidden"],
            "short_run": compared,
        },
    )


def _ess(value: float, draws: int) -> Check:
    verdict = grade(value >= ESS, not value >= ESS_SERIOUS)
    if verdict == "pass":
        advice = "There are enough effective draws for means, standard deviations and 95 % intervals."
    elif math.isnan(value):
        advice = "The weights in the file are no numbers: fit again, and ask how this file was made."
    else:
        enough = int(np.ceil(1.2 * draws * ESS / value / 100) * 100)
        advice = f"Too few draws carry weight: about {enough:,} draws would do."
    return Check(
        "importance_ess",
        QUESTION,
        f"effective number of {draws:,} weighted draws",
        value,
        f"at least {ESS}",
        verdict,
        advice,
    )


def _recorded(again: dict[str, float], report: dict) -> Check:
    differing = [name for name in RECORDED if not _same(report.get(name), again[name])]
    return Check(
        "k_hat_record",
        "Is the file what it says?",
        "recorded diagnostics of the weights that do not follow from the weights in the file",
        len(differing),
        "0",
        "fail" if differing else "pass",
        f"The weights in the file give other values of {name_some(differing)} than its record: one of them "
        "was changed after the fit; do not use it."
        if differing
        else "k-hat and the number of effective draws follow from the weights in the file.",
        {"recorded": {name: report.get(name) for name in RECORDED}, "recomputed": again},
    )


def _same(recorded: object, again: float) -> bool:
    if not isinstance(recorded, int | float):
        return False
    return bool(np.isclose(float(recorded), again, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
