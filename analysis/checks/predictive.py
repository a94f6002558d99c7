r"""Could data like these have come from this model?

Each statistic T of the observed votes is compared with the same of replicated votes; p is the share of
replicates above it (ties count half). The overall share is compared with replicates at each district's own
effect, as stored in the fit. That comparison would flatter everything else: with one effect per district,
replicates repeat the districts they were fitted to. So the spread, the 5 % and 95 % points of the shares and
the share of districts without a vote are compared with replicates whose district effects are **drawn anew**
from sigma and rho (the mixed predictive distribution of Gelman, Meng & Stern 1996; Marshall & Spiegelhalter
2003): votes of another set of districts with these covariates on this map.

A p-value that uses the data twice is conservative: under a true model it crowds round one half, so a value
beyond 0.01 or 0.99 is rarer than one in fifty. That is a warning; with no more than one replicate in a
thousand on the far side the model is wrong in what the statistic measures, a failure.

Districts where the party did not stand are left out. Those without a vote are not counted where no votes mean
that it did not stand, nor for shares without counts, whose logits are never zero.

References
----------
Gelman, A., Meng, X.-L., Stern, H. (1996). Posterior predictive assessment of model fitness.
Statistica Sinica 6.
Marshall, E. C., Spiegelhalter, D. J. (2003). Approximate cross-validatory predictive checks in disease
mapping models. Statistics in Medicine 22.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check, grade
from spatialvote.analysis.residuals import thin
from spatialvote.models.draw_field import draw_structure
from spatialvote.models.families import FAMILIES

QUESTION = "Could the data have come from this model?"
LEVEL, SERIOUS = 0.01, 0.001
REPLICATES = 1000


@dataclass(frozen=True)
class Statistic:
    """What is computed from votes (m, n) and denominators (n,), and what a departure would mean.

    In the words ``{effects}`` and ``{space}`` stand for what the fitted structure leaves to try.
    """

    key: str
    words: str
    compute: Callable[[np.ndarray, np.ndarray], np.ndarray]
    above: str
    below: str


OVERALL = Statistic(
    "predictive_share",
    "overall share",
    lambda votes, size: votes.sum(axis=1) / size.sum(),
    "the votes are more than the fitted effects give: check that votes and denominators belong together",
    "the votes are fewer than the fitted effects give: check that votes and denominators belong together",
)
ZEROS = Statistic(
    "predictive_zeros",
    "share of districts without a vote",
    lambda votes, size: (votes == 0).mean(axis=1),
    "more districts without a vote than the model expects: ask whether the party stood everywhere; where no "
    'votes mean that it did not, fit with absent="zero votes"',
    "fewer districts without a vote than the model expects: ask whether small counts were suppressed",
)
ANEW = (
    Statistic(
        "predictive_spread",
        "standard deviation of the districts' shares",
        lambda votes, size: (votes / size).std(axis=1),
        "districts differ more than the model allows: {effects}, or look for a covariate that is missing",
        "districts differ less than the model says: look at the priors, and at districts that draw sigma up",
    ),
    Statistic(
        "predictive_low",
        "5 % point of the districts' shares",
        lambda votes, size: np.quantile(votes / size, 0.05, axis=1),
        "the lowest shares are higher than the model expects: the lower tail is not that of a normal on the "
        "link scale",
        "the lowest shares are lower than the model expects: look at the districts with the lowest shares, "
        "and for a covariate that sets them apart",
    ),
    Statistic(
        "predictive_high",
        "95 % point of the districts' shares",
        lambda votes, size: np.quantile(votes / size, 0.95, axis=1),
        "the highest shares are higher than the model expects: look at the districts with the highest "
        "shares, and for a covariate that sets them apart",
        "the highest shares are lower than the model expects: the upper tail is not that of a normal on the "
        "link scale",
    ),
    ZEROS,
)


def run(case: Case) -> tuple[Check, ...]:
    """Overall share at the districts' own effects; spread, tails and zeros at new ones."""
    at = thin(case.fit, REPLICATES)
    asked = ANEW if _counts_zeros(case) else [one for one in ANEW if one is not ZEROS]
    stored = case.fit.tree["posterior_predictive"]["votes"].to_numpy().reshape(-1, case.districts.n)[at]
    anew = replicate(case, at)
    return (
        compare(case, OVERALL, stored, "own"),
        *(compare(case, statistic, anew, "new") for statistic in asked),
    )


#: What a model that has district effects, and one that has neighbours in them, can still be given.
_LEVELS = "let parts of the map have levels of their own, as '(1 | region)' does"


def _effects(case: Case) -> str:
    none = case.fit.model.structure == "none"
    return "let it have district effects ('bym2')" if none else _LEVELS


def _space(case: Case) -> str:
    alone = case.fit.model.structure in ("none", "iid")
    return "fit a structure with neighbours ('bym2')" if alone else _LEVELS


def _counts_zeros(case: Case) -> bool:
    """Whether districts without a vote can be: not of logits, nor where no votes mean that nobody stood."""
    return case.fit.model.family != "gaussian" and case.fit.model.absent == "none"


def replicate(case: Case, at: np.ndarray) -> np.ndarray:
    """Votes with new district effects, drawn at some posterior draws, shape (len(at), n)."""
    fit = case.fit
    posterior, _ = case.rebuilt
    eta = fit.fixed_part(at)
    if posterior.has_field:
        rho = fit.draws("rho", at) if "rho" in posterior.field.hyperparameters else None
        eta = eta + draw_structure(posterior.field, fit.draws("sigma", at), rho, case.rng)
    # Numbers of trials are whole.
    size = posterior.size.astype(np.int64) if "binomial" in fit.model.family else posterior.size
    return FAMILIES[fit.model.family].draw(case.rng, eta, size, fit.dispersion(at))


def compare(case: Case, statistic: Statistic, replicates: np.ndarray, effects: str) -> Check:
    """The check that comes of one statistic of the votes among replicates, by "own" or "new" effects."""
    posterior, _ = case.rebuilt
    words = statistic.words
    if case.fit.model.family == "gaussian":
        words = words.replace("overall share", "mean share of the districts")
    elif case.fit.model.family == "poisson":
        words = words.replace("overall share", "overall rate").replace(
            "districts' shares", "districts' rates"
        )
    # Where the party did not stand there is nothing to compare.
    stood = posterior.size > 0
    votes, replicates, size = posterior.votes[stood], replicates[:, stood], posterior.size[stood]
    if case.fit.model.family == "gaussian":
        votes, replicates = expit(votes), expit(replicates)
    observed = float(statistic.compute(votes[None], size)[0])
    replicated = statistic.compute(replicates, size)
    p = float(np.mean(replicated > observed) + 0.5 * np.mean(replicated == observed))
    verdict = grade(LEVEL <= p <= 1 - LEVEL, min(p, 1 - p) <= SERIOUS)
    if verdict == "pass":
        advice = f"The observed {words} ({observed:.4g}) is among the replicated ones."
    else:
        low, high = np.quantile(replicated, [0.025, 0.975])
        meaning = statistic.above if p < 0.5 else statistic.below
        meaning = meaning.format(effects=_effects(case), space=_space(case))
        advice = f"Observed {observed:.4g}, replicated {low:.4g} to {high:.4g} (95 %): {meaning}."
    return Check(
        statistic.key,
        QUESTION,
        f"predictive p-value of the {words}",
        p,
        f"between {LEVEL} and {1 - LEVEL}",
        verdict,
        advice,
        {
            "statistic": words,
            "district_effects": effects,
            "observed": observed,
            "replicated": replicated.round(8),
        },
    )
