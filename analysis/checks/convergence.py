"""Do the chains agree, and do they hold enough effective draws?

Rank-normalised split R-hat, bulk and tail effective sample size (Vehtari et al. 2021) of the intercept, every
coefficient, every hyperparameter, the effects of groups, and eta (and a varying slope) of every district; the
worst decides. An
R-hat of 1.01 and more means chains that have not forgotten where they began; 1.05 and more, chains that
disagree. Of thousands of districts the largest R-hat is above 1.01 by chance alone: with m split chains and
ESS effective draws, R-hat^2 - 1 is about chi-squared(m - 1) / (m - 1) times m / ESS where chains agree. So
eta of a district is counted only where its R-hat is above 1.01 and above what one in a hundred maps of so
many districts would show; with fewer than 400 effective draws 1.01 stands. Below 400 effective draws the
diagnostics themselves are uncertain; below 100, so are means and standard deviations. Draws of the Laplace
engine are no chain: `spatialvote.analysis.checks.approximation` looks at
those.

References
----------
Vehtari, A., Gelman, A., Simpson, D., Carpenter, B., Bürkner, P.-C. (2021). Rank-normalization, folding, and
localization: an improved R-hat for assessing convergence of MCMC. Bayesian Analysis 16.
"""

from collections.abc import Mapping

import numpy as np
from arviz_stats.base.array import array_stats
from scipy.stats import chi2

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check, grade
from spatialvote.data.errors import name_some
from spatialvote.models.fit import Fit
from spatialvote.models.posterior import SLOPE

QUESTION = "Did the sampler converge?"
R_HAT, R_HAT_SERIOUS = 1.01, 1.05
ESS, ESS_SERIOUS = 400, 100
#: Each tail is judged at the 5 % point.
TAIL = 0.05
#: How often the largest R-hat of all districts may be called too large where all chains agree.
CHANCE = 0.01
_NAMED = 10
_DISTRICT = ("eta['", "slope['")


def run(case: Case) -> tuple[Check, ...]:
    """R-hat and effective sample sizes of everything that was sampled."""
    fit = case.fit
    if fit.engine != "nuts":
        return ()
    effects = (f"effect_{name}" for name in fit.groups)
    slope = () if fit.model.varying is None else (SLOPE,)
    found = diagnose(fit, ("intercept", "beta", *fit.hyperparameters, *effects, *slope, "eta"))
    sizes = case.fit.tree["posterior"].sizes
    of_parameters = {one: r for one, r in found["r_hat"].items() if not one.startswith(_DISTRICT)}
    r_hat = _r_hat(of_parameters, fit, sizes["chain"])
    districts = _r_hat_districts(found, sizes["chain"])
    agree = r_hat.verdict == districts.verdict == "pass"
    return (
        r_hat,
        districts,
        _ess("ess_bulk", "bulk", found["ess_bulk"], sizes["draw"], agree),
        _ess("ess_tail", "tail", found["ess_tail"], sizes["draw"], agree),
    )


def diagnose(fit: Fit, variables: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """r_hat, ess_bulk and ess_tail of every scalar, under names such as ``sigma`` and ``eta['A12']``.

    NaN where a chain did not move at all, or where R-hat has only one chain.
    """
    names: list[str] = []
    arrays: list[np.ndarray] = []
    for variable in variables:
        values = fit.tree["posterior"][variable]
        if values.ndim == 2:
            names.append(variable)
        else:
            names += [f"{variable}['{one}']" for one in values.coords[values.dims[2]].to_numpy()]
        # Draws last: each scalar's chains then lie together in memory.
        arrays.append(np.atleast_3d(values.to_numpy()).transpose(2, 0, 1).astype(np.float64))
    draws = np.ascontiguousarray(np.concatenate(arrays))
    statistics = {
        "r_hat": lambda: array_stats.rhat(draws) if draws.shape[1] > 1 else np.full(len(draws), np.nan),
        "ess_bulk": lambda: array_stats.ess(draws, method="bulk"),
        "ess_tail": lambda: array_stats.ess(draws, method="tail", prob=TAIL),
    }
    # A chain that never moved has no variance to divide by; its NaN is judged as a failure.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {name: statistic() for name, statistic in statistics.items()}
    still = np.ptp(draws, axis=2).min(axis=1) == 0
    return {
        name: dict(zip(names, np.where(still, np.nan, values).tolist(), strict=True))
        for name, values in found.items()
    }


def means_by_chain(fit: Fit, name: str) -> list[dict[str, float]]:
    """Mean and standard deviation of a scalar, named as `diagnose` names it, in each chain.

    `apart` is its mean's distance from the median of the other chains' means, in a chain's standard
    deviations.
    """
    draws = scalar(fit, name)
    mean, sd = draws.mean(axis=1), draws.std(axis=1)
    # The median of the others: one chain that is apart does not set the others apart from each other.
    others = np.array([np.median(np.delete(mean, k)) if len(mean) > 1 else mean[k] for k in range(len(mean))])
    apart = (mean - others) / max(float(np.sqrt((sd**2).mean())), 1e-300)
    return [
        {"chain": k, "mean": float(mean[k]), "sd": float(sd[k]), "apart": float(apart[k])}
        for k in range(len(mean))
    ]


def scalar(fit: Fit, name: str) -> np.ndarray:
    """Draws (chain, draw) of a scalar, named as `diagnose` names it."""
    variable, _, label = name.partition("['")
    values = fit.tree["posterior"][variable]
    if label:
        values = values.sel({values.dims[2]: label.removesuffix("']")})
    return values.to_numpy().astype(np.float64)


def _r_hat_districts(found: Mapping[str, Mapping[str, float]], chains: int) -> Check:
    names = [one for one in found["r_hat"] if one.startswith(_DISTRICT)]
    r_hat, bulk, tail = (
        np.array([found[key][one] for one in names]) for key in ("r_hat", "ess_bulk", "ess_tail")
    )
    ess, split = np.minimum(bulk, tail), 2 * chains
    excess = chi2.isf(CHANCE / len(names), split - 1) / (split - 1)
    chance = np.sqrt(1 + excess * split / np.maximum(ess, ESS))
    limit = np.where(ess >= ESS, np.maximum(R_HAT, chance), R_HAT)
    # NaN is above every limit.
    above = {one: float(r) for one, r, most in zip(names, r_hat, limit, strict=True) if not r < most}
    verdict = grade(not above, any(not r < R_HAT_SERIOUS for r in above.values()))
    if verdict == "pass":
        advice = f"Chains agree about all {len(names)} districts, as far as chance lets them."
    elif chains < 2:
        advice = "One chain cannot be compared with others: fit again with at least four."
    else:
        more = "warm-up (tune) and draws, and do not use their estimates" if verdict == "fail" else "draws"
        advice = f"Chains disagree about {name_some(list(above))}: fit again with more {more}."
    return Check(
        "r_hat_districts",
        QUESTION,
        f"districts, of {len(names)}, whose R-hat is above {R_HAT} by more than chance",
        len(above),
        "0",
        verdict,
        advice,
        {
            "worst": _extreme(dict(zip(names, r_hat.tolist(), strict=True)), highest=True),
            "above": len(above),
            "quantities": len(names),
        },
    )


def _r_hat(found: Mapping[str, float], fit: Fit, chains: int) -> Check:
    name, value = _worst(found, highest=True)
    above = [one for one, r in found.items() if not r < R_HAT]
    verdict = grade(value < R_HAT, not value < R_HAT_SERIOUS)
    if verdict == "pass":
        advice = f"All {len(found)} parameters agree between chains."
    elif chains < 2:
        advice = "One chain cannot be compared with others: fit again with at least four."
    elif np.isnan(value):
        advice = f"A chain of {name_some(above)} never moved: fit again, and ask how this file was made."
    else:
        advice = (
            f"Chains disagree about {name_some(above)}: fit again with more warm-up (tune) and draws, and "
            "do not use these results."
            if verdict == "fail"
            else f"Chains still differ a little in {name_some(above)}: fit again with more draws."
        )
    return Check(
        "r_hat",
        QUESTION,
        f"largest rank-normalised R-hat ({name})",
        value,
        f"below {R_HAT}",
        verdict,
        advice,
        {
            "worst": _extreme(found, highest=True),
            "above": len(above),
            "quantities": len(found),
            "by_chain": {name: means_by_chain(fit, name)},
        },
    )


def _ess(key: str, part: str, found: Mapping[str, float], draws: int, agree: bool) -> Check:
    name, value = _worst(found, highest=False)
    below = [one for one, ess in found.items() if not ess >= ESS]
    verdict = grade(value >= ESS, not value >= ESS_SERIOUS)
    details = {"worst": _extreme(found, highest=False), "below": len(below), "quantities": len(found)}
    if verdict == "pass":
        advice = "There are enough effective draws for means, standard deviations and 95 % intervals."
    elif np.isnan(value):
        advice = f"A chain of {name_some(below)} never moved: fit again, and ask how this file was made."
    else:
        # Effective draws grow in proportion to draws; a fifth more, because ESS is itself an estimate.
        enough = int(np.ceil(1.2 * draws * ESS / value / 100) * 100)
        details["draws_needed"] = enough
        advice = f"Too few effective draws of {name_some(below)}: about {enough} draws a chain would do."
        if not agree:
            advice = f"Too few effective draws of {name_some(below)}: first make the chains agree (R-hat)."
    return Check(
        key,
        QUESTION,
        f"smallest effective sample size, {part} ({name})",
        value,
        f"at least {ESS}",
        verdict,
        advice,
        details,
    )


def _extreme(found: Mapping[str, float], highest: bool) -> dict[str, float]:
    """The worst few by name, NaN first."""
    names, values = list(found), np.array(list(found.values()))
    badness = np.where(np.isnan(values), np.inf, values if highest else -values)
    return {names[k]: float(values[k]) for k in np.argsort(-badness, kind="stable")[:_NAMED]}


def _worst(found: Mapping[str, float], highest: bool) -> tuple[str, float]:
    return next(iter(_extreme(found, highest).items()))
