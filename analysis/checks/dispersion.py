r"""Do votes vary more than counting alone, where the model says they do not?

Structure ``none`` has no district effects, so votes must vary about their means as the family says. The sum
of squared randomised quantile residuals (`spatialvote.analysis.residuals`) is then chi-squared(n) at every
posterior draw. p = P(chi-squared(n) >= r'r), averaged over the draws; twice that is a valid p-value, however
the draws depend on each other (Vovk & Wang 2020): below 0.025 a warning, below 0.005 a failure. The spread
of the shares alone would not tell, because the covariates can stretch to it. With district effects sigma
takes up all such variation, so there is nothing to check. A family with an overdispersion or a noise of its
own estimates how much votes vary: it fails only where even that does not reach.
"""

import numpy as np
from scipy.stats import chi2

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check, grade
from spatialvote.analysis.residuals import pivotal_residuals, thin

QUESTION = "Could the data have come from this model?"
LEVEL, SERIOUS = 0.025, 0.005
MOST_DRAWS = 500
#: What makes votes vary under a family; the others' count alone.
EXPECTED = {"beta_binomial": "the estimated overdispersion", "gaussian": "the estimated noise"}
_BLOCK = 50


def run(case: Case) -> tuple[Check, ...]:
    """Sum of squared residuals against chi-squared, for a model without district effects."""
    if case.fit.model.structure != "none":
        return ()
    at = thin(case.fit, MOST_DRAWS)
    squares = np.concatenate(
        [
            (pivotal_residuals(case.fit, at[start : start + _BLOCK], case.rng) ** 2).sum(axis=1)
            for start in range(0, len(at), _BLOCK)
        ]
    )
    n = case.districts.n
    p = float(chi2.sf(squares, n).mean())
    verdict = grade(p >= LEVEL, p < SERIOUS)
    ratio = float(squares.mean() / n)
    expected = EXPECTED.get(case.fit.model.family, "counting alone")
    advice = (
        f"Votes vary about the covariates' means as {expected} would have it."
        if verdict == "pass"
        else f"Votes vary {ratio:.3g} times as much as {expected} would have it, so intervals are far too "
        "narrow: fit structure 'bym2'."
    )
    return (
        Check(
            "dispersion",
            QUESTION,
            "P(chi-squared >= sum of squared quantile residuals), mean over draws",
            p,
            f"at least {LEVEL}",
            verdict,
            advice,
            {"ratio": ratio, "sums_of_squares": squares.round(4)},
        ),
    )
