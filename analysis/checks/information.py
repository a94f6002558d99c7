"""How much do the votes of one district say about it?

The Fisher information of eta_i at its posterior mean: N_i p_i (1 - p_i) for votes (divided by 1 + (N_i - 1)
delta where they are overdispersed), the expected count for Poisson counts, 1 / noise^2 for logits of shares.
Below about 10 a district's own count says little, and its estimate is that of its covariates and neighbours.
For the record: small counts are no fault of a model. Districts where the party did not stand are left out.
"""

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.models.families import FAMILIES

QUESTION = "Do the districts have enough votes?"
LITTLE = 10


def run(case: Case) -> tuple[Check, ...]:
    """Share of districts whose own count says little."""
    posterior, _ = case.rebuilt
    eta = case.fit.tree["posterior"]["eta"].mean(("chain", "draw"), dtype=np.float64).to_numpy()
    family, dispersion = FAMILIES[case.fit.model.family], float(np.mean(case.fit.dispersion()))
    stood = posterior.size > 0
    information = family.information(eta, posterior.size, dispersion)[stood]
    share = float((information < LITTLE).mean())
    few = [str(one) for one in case.districts.ids[stood][information < LITTLE]]
    if share == 0:
        advice = "Every district has votes enough to speak for itself."
    elif share < 0.5:
        advice = (
            f"{len(few)} of {stood.sum()} districts have few votes: their maps show mostly their "
            "covariates and neighbours."
        )
    else:
        advice = (
            "Most districts have few votes: sigma and rho depend on the prior more than usual, and the map "
            "shows mostly covariates and neighbours."
        )
    return (
        Check(
            "information",
            QUESTION,
            f"share of districts with an information below {LITTLE}",
            share,
            "none: for the record",
            "info",
            advice,
            {"median": float(np.median(information)), "smallest": float(information.min()), "districts": few},
        ),
    )
