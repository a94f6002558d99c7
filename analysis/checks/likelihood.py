"""Does the stored log likelihood follow from the stored draws and the given votes?

log p(y_i | eta_i) is computed again for every draw and district. The file keeps it in single precision, so
a difference of a few units in its last place, 6e-8 of the value, is rounding; anything else means that
draws, votes or likelihood were changed after the fit.
"""

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.data.errors import name_some
from spatialvote.models.families import FAMILIES

QUESTION = "Is the file what it says?"
#: In units of max(1, |log likelihood|): four roundings to single precision.
TOLERANCE = 4 * float(np.finfo(np.float32).eps)
_BLOCK = 200


def run(case: Case) -> tuple[Check, ...]:
    """Recomputed against stored log likelihood, every draw."""
    fit = case.fit
    posterior, _ = case.rebuilt
    family = FAMILIES[fit.model.family]
    n = case.districts.n
    eta = fit.tree["posterior"]["eta"].to_numpy().reshape(-1, n)
    stored = fit.tree["log_likelihood"]["votes"].to_numpy().reshape(-1, n)
    dispersion = np.broadcast_to(fit.dispersion(), len(eta))
    worst = np.zeros(n)
    draws = 0
    # In blocks of draws, so that memory stays small for many districts.
    for start in range(0, len(eta), _BLOCK):
        here = slice(start, start + _BLOCK)
        again = family.log_likelihood(
            eta[here].astype(np.float64), posterior.votes, posterior.size, dispersion[here]
        )
        difference = np.abs(again - stored[here]) / np.maximum(1.0, np.abs(again))
        # A stored value that is not a number differs from everything.
        difference = np.where(np.isnan(difference), np.inf, difference)
        worst = np.maximum(worst, difference.max(axis=0))
        draws += int((difference.max(axis=1) > TOLERANCE).sum())
    where = [str(one) for one in case.districts.ids[worst > TOLERANCE]]
    if not where:
        advice = f"It was computed again for all {len(eta)} draws and every district, and agrees."
    else:
        advice = (
            f"It does not follow from draws and votes in {len(where)} districts ({name_some(where)}) and "
            f"{draws} of {len(eta)} draws: draws, votes or likelihood were changed after the fit; "
            "do not use it."
        )
    return (
        Check(
            "log_likelihood",
            QUESTION,
            "largest difference of stored and recomputed log likelihood, relative",
            worst.max(),
            f"at most {TOLERANCE:.1g}",
            "fail" if where else "pass",
            advice,
            {"districts": where, "draws": draws},
        ),
    )
