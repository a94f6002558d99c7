r"""Do single districts decide?

How much the posterior would change without the votes of one district shows in the importance weights that
leave it out: their Pareto shape k (`spatialvote.analysis.loo`). A k above 0.7 marks a district whose votes
move the others' estimates more than weights can follow. It is asked of the weights with the district's own
effect integrated out; the ordinary weights, unreliable for most districts of a model with one effect each,
are told beside them.

An influential district is no fault of a model. Up to 5 % of the districts the check passes and names them;
above that it warns that leave-one-out comparisons are not to be relied on. That limit is a convention and not
the level of a test: how often sound models exceed it has not been calibrated, and it depends on how much
neighbours say of a district. It judges comparisons, not the model, and never fails. Which conclusions such
districts decide, a refit without them tells (`spatialvote.analysis.checks.without_worst`).
"""

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.loo import FEWEST, UNRELIABLE, loo
from spatialvote.data.errors import name_some

QUESTION = "Do single districts decide?"
#: Share of the districts up to which influential ones are named and no more.
FEW = 0.05
#: How many of the most influential are told of, in order.
WORST = 10


def run(case: Case) -> tuple[Check, ...]:
    """Share of districts with a Pareto k above 0.7, and the worst of them."""
    sizes = case.fit.tree["posterior"].sizes
    if sizes["chain"] * sizes["draw"] < FEWEST:
        # Convergence says so already.
        return ()
    posterior, _ = case.rebuilt
    found = loo(case.fit, posterior)
    told = posterior.size > 0
    share = float((found.k[told] > UNRELIABLE).mean())
    before = float((found.conditional_k[told] > UNRELIABLE).mean())
    # Districts where the party did not stand have no k and come last.
    order = np.argsort(-np.nan_to_num(found.k, nan=-np.inf), kind="stable")[: min(WORST, int(told.sum()))]
    ids = np.array(case.districts.ids, dtype=np.str_)
    influential = [str(one) for one in ids[order] if one in set(ids[told & (found.k > UNRELIABLE)])]
    count = round(share * told.sum())
    verb = "is" if count == 1 else "are"
    if count == 0:
        advice = "No district's votes move the estimates of the others by much."
    elif share <= FEW:
        advice = (
            f"{count} of {told.sum()} districts {verb} influential ({name_some(influential, limit=5)}): look "
            "at their votes and covariates, and see what a review with refits says without them."
        )
    else:
        advice = (
            f"{count} of {told.sum()} districts {verb} influential (most of all "
            f"{name_some(influential, limit=5)}): leave-one-out comparisons of this fit are not reliable; "
            "compare by blocks, and look for a missing covariate or a family that allows for outliers."
        )
    return (
        Check(
            "pareto_k",
            QUESTION,
            f"share of districts with a Pareto k above {UNRELIABLE}, own effects integrated out",
            share,
            f"at most {100 * FEW:.0f} %",
            "pass" if share <= FEW else "warn",
            advice,
            {
                "worst": [str(one) for one in ids[order]],
                "influential": count,
                "before": before,
                "elpd": round(found.total, 6),
                "standard_error": round(found.standard_error, 6),
                "p_loo": round(found.p_loo, 6),
                "draws": found.draws,
                "k": np.round(found.k, 2),
                "conditional_k": np.round(found.conditional_k, 2),
                "worst_elpd": np.round(found.elpd[order], 1),
            },
        ),
    )
