"""Did the sampler's trajectories behave?

Divergences: places where the Hamiltonian trajectory broke off, so that a part of the posterior may be
missing; none is acceptable without a look, and 1 % of the draws or more are a failure. E-BFMI
(Betancourt 2016): whether resampling the momentum explores the energy; below 0.3 is suspect, below 0.2 the
tails were not explored. Tree depth: trajectories cut short at the greatest depth are slow, not wrong.

References
----------
Betancourt, M. (2016). Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo. arXiv
1604.00695.
"""

import numpy as np
from arviz_stats.base.array import array_stats

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check, grade
from spatialvote.analysis.checks.convergence import QUESTION

DIVERGENCES_SERIOUS = 0.01
E_BFMI, E_BFMI_SERIOUS = 0.3, 0.2
SATURATION = 0.05


def run(case: Case) -> tuple[Check, ...]:
    """Divergences, E-BFMI and tree depth from the sample statistics."""
    if case.fit.engine != "nuts":
        return ()
    statistics = case.fit.tree["sample_stats"]
    return (
        _divergences(statistics["diverging"].to_numpy()),
        _e_bfmi(statistics["energy"].to_numpy()),
        _tree_depth(statistics["maxdepth_reached"].to_numpy(), statistics["depth"].to_numpy()),
    )


def _divergences(diverging: np.ndarray) -> Check:
    count = int(diverging.sum())
    verdict = grade(count == 0, count >= DIVERGENCES_SERIOUS * diverging.size)
    advice = {
        "pass": "No trajectory broke off.",
        "warn": "A few trajectories broke off: fit again with target_accept=0.95 and compare.",
        "fail": "Many trajectories broke off, so a part of the posterior may be missing: fit again "
        "with target_accept=0.95, and check the priors and the covariates.",
    }[verdict]
    return Check(
        "divergences",
        QUESTION,
        f"divergent transitions among {diverging.size} draws",
        count,
        "0",
        verdict,
        advice,
        {"by_chain": diverging.sum(axis=1)},
    )


def _e_bfmi(energy: np.ndarray) -> Check:
    # Energies that never change (a stuck chain) have no variance; their NaN is judged as a failure.
    with np.errstate(divide="ignore", invalid="ignore"):
        by_chain = np.array([float(one) for one in array_stats.bfmi(energy)])
    value = float(by_chain.min())
    verdict = grade(value > E_BFMI, not value > E_BFMI_SERIOUS)
    advice = {
        "pass": "Every chain explored the energy.",
        "warn": "A chain explored the energy slowly: fit again with more warm-up (tune).",
        "fail": "A chain hardly explored the energy, so the tails may be missing: fit again with more "
        "warm-up (tune), and compare another structure or narrower priors.",
    }[verdict]
    return Check(
        "e_bfmi",
        QUESTION,
        "smallest E-BFMI of a chain",
        value,
        f"above {E_BFMI}",
        verdict,
        advice,
        {"by_chain": by_chain},
    )


def _tree_depth(reached: np.ndarray, depth: np.ndarray) -> Check:
    share = float(reached.mean())
    passes = share <= SATURATION
    advice = (
        "Trajectories ended by themselves."
        if passes
        else "Many trajectories were cut short: the results are not wrong for it, but effective draws are "
        "dear; fit again with more warm-up (tune)."
    )
    return Check(
        "tree_depth",
        QUESTION,
        "share of draws whose trajectory was cut short at the greatest depth",
        share,
        f"at most {SATURATION}",
        "pass" if passes else "warn",
        advice,
        {"deepest": depth.max()},
    )
