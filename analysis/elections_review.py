r"""Can a fit of elections over time be believed? Its draws, its predictions, and space at every election.

- **Draws.** The fast engine: Pareto k of the weights (below 0.7; Vehtari et al. 2024) and how many points of
  the hyperparameters share them. The exact one: rank-normalised R-hat (below 1.01) and effective sample size
  (above 400; Vehtari et al. 2021) of hyperparameters, intercepts and the effect's path.
- **Predictions.** Votes are drawn anew with new independent effects of district-elections, and
  D = sum (y - N p)^2 / (N p (1 - p)), p = logit^-1(eta - e), is compared with that of the replicates,
  election by election.
- **Space.** At the true parameters e_it / sigma_own is iid N(0, 1), so at a posterior draw too (Yuan and
  Johnson 2012): Moran's I of each election's is compared with that of white noise, draw by draw. Twice a mean
  of p-values is a valid one (Vovk and Wang 2020).

With T elections tested, each is judged at the T-th part of the level (Bonferroni).

References
----------
Vehtari, A., Gelman, A., Simpson, D., Carpenter, B., Burkner, P.-C. (2021). Rank-normalization, folding, and
localization: an improved R-hat. Bayesian Analysis 16.
Yuan, Y., Johnson, V. E. (2012). Goodness-of-fit diagnostics for Bayesian hierarchical models. Biometrics 68.
Vovk, V., Wang, R. (2020). Combining p-values via averaging. Biometrika 107.
"""

import numpy as np
from arviz_stats.base import array_stats
from scipy.special import expit

from spatialvote.analysis.checks.check import Check, grade
from spatialvote.analysis.elections_answers import without_own
from spatialvote.analysis.moran import Moran
from spatialvote.data.elections import Elections
from spatialvote.models.elections.fit import ElectionsFit

_COMPUTED = "Was the posterior computed well?"
_FITS = "Could the votes have come from the model?"
_SPACE = "Is space accounted for at every election?"
K_HAT, POINTS, R_HAT, ESS = 0.7, 100, 1.01, 400
LEVEL, SERIOUS = 0.05, 0.01
_MOST_DRAWS = 400


def elections_review(fit: ElectionsFit, elections: Elections, seed: int = 0) -> tuple[Check, ...]:
    """Every check of a fit.

    Parameters
    ----------
    fit, elections
        A fit and its elections.
    seed
        For replicated votes and white noise.

    Raises
    ------
    FitError
        If the fit is of other elections.
    """
    fit.require(elections)
    rng = np.random.default_rng(seed)
    computed = _weights(fit) if fit.record["engine"] == "laplace" else _chains(fit)
    return (*computed, *_predictions(fit, elections, rng), _space(fit, elections, rng))


def _weights(fit: ElectionsFit) -> list[Check]:
    told = fit.record["drawn"]
    k, points = told["k_hat"], told["effective_points"]
    return [
        Check(
            "elections_k_hat", _COMPUTED, "Pareto k of the weights", k, f"below {K_HAT:g}",
            grade(k < K_HAT, k >= 1),
            "The approximation covers the posterior, and the weights correct it." if k < K_HAT else
            "Few draws carry the posterior: use engine 'metropolis', or leave out a term that the votes do "
            "not inform.",
        ),
        Check(
            "elections_points", _COMPUTED, "points of the hyperparameters that share the weight", points,
            f"at least {POINTS}", grade(points >= POINTS, points < POINTS / 4),
            "Draws stand on enough different hyperparameters." if points >= POINTS else
            "Too few different hyperparameters stand behind the draws: use engine 'metropolis'.",
        ),
    ]  # fmt: skip


def _chains(fit: ElectionsFit) -> list[Check]:
    posterior, told = fit.tree["posterior"], fit.record["drawn"]
    r_hat, ess = {}, {}
    for name in (*fit.hyperparameters, "intercept", "effect"):
        values = posterior[name].to_numpy().astype(np.float64)
        columns = values.reshape(*values.shape[:2], -1)
        for q in range(columns.shape[2]):
            key = name if values.ndim == 2 else f"{name}[{fit.labels[q]}]"
            r_hat[key] = float(np.asarray(array_stats.rhat(columns[:, :, q])))
            ess[key] = float(np.asarray(array_stats.ess(columns[:, :, q], method="bulk")))
    worst, least = max(r_hat, key=lambda one: r_hat[one]), min(ess, key=lambda one: ess[one])
    return [
        Check(
            "elections_r_hat", _COMPUTED, f"largest R-hat ({worst})", r_hat[worst], f"below {R_HAT:g}",
            grade(r_hat[worst] < R_HAT, r_hat[worst] > 1.05),
            "Chains agree." if r_hat[worst] < R_HAT else "Chains disagree: ask for more draws.",
            {"r_hat": r_hat},
        ),
        Check(
            "elections_ess", _COMPUTED, f"smallest effective sample size ({least})", ess[least],
            f"above {ESS}", grade(ess[least] > ESS, ess[least] < ESS / 4),
            "There are enough independent draws." if ess[least] > ESS else
            "Draws are few or alike: ask for more.",
            {"ess": ess},
        ),
        Check(
            "elections_accepted", _COMPUTED, "share of moves of the fields accepted", told["accepted_fields"],
            "no judgement", "info",
            f"Of the hyperparameters' moves {100 * told['accepted_jumps']:.0f} % of jumps and "
            f"{100 * told['accepted_walks']:.0f} % of walks were accepted.",
        ),
    ]  # fmt: skip


def _thin(fit: ElectionsFit) -> np.ndarray:
    total = len(fit.draws("sigma"))
    return np.linspace(0, total - 1, min(_MOST_DRAWS, total)).round().astype(np.int64)


def _predictions(fit: ElectionsFit, elections: Elections, rng: np.random.Generator) -> list[Check]:
    at = _thin(fit)
    mean = without_own(fit, elections)[at]
    n, y = elections.valid, elections.votes(fit.model.party)
    p = expit(mean)
    own = fit.draws("sigma_own")[at, None] * rng.normal(size=mean.shape)
    replicated = rng.binomial(n, expit(mean + own))
    spread = n * p * (1 - p)
    tails = {}
    for t, label in enumerate(elections.labels):
        rows = elections.election == t
        observed = ((y - n * p)[:, rows] ** 2 / spread[:, rows]).sum(axis=1)
        imitated = ((replicated - n * p)[:, rows] ** 2 / spread[:, rows]).sum(axis=1)
        tails[label] = float((imitated >= observed).mean())
    extreme = min(tails, key=lambda one: min(tails[one], 1 - tails[one]))
    tail = min(tails[extreme], 1 - tails[extreme])
    level = LEVEL / 2 / len(tails)
    fine = tail > level
    return [
        Check(
            "elections_spread", _FITS,
            f"share of replicates that scatter as the votes of {extreme}, smaller tail", tail,
            f"above {level:.2g}", grade(fine, serious=False),
            "Votes scatter around the model as much as it lets them, at every election." if fine else
            f"Votes of {extreme} scatter otherwise than the model has it: its own effects may differ between "
            "elections.",
            {"tails": tails},
        )
    ]  # fmt: skip


def _space(fit: ElectionsFit, elections: Elections, rng: np.random.Generator) -> Check:
    at = _thin(fit)
    left = (fit.draws("eta") - without_own(fit, elections))[at] / fit.draws("sigma_own")[at, None]
    p = {}
    for t, label in enumerate(elections.labels):
        moran = Moran.of(elections.at(label))
        if moran.n_linked == 0:
            continue
        rows = elections.election == t
        white = rng.standard_normal((len(at), int(rows.sum())))
        p[label] = 2 * float((moran(white) >= moran(left[:, rows])).mean())
    worst = min(p, key=lambda one: p[one])
    valid = min(1.0, p[worst] * len(p))
    fine = valid > LEVEL
    return Check(
        "elections_moran", _SPACE, f"Moran's I of what {worst} leaves, p-value times elections", valid,
        f"above {LEVEL:g}", grade(fine, valid < SERIOUS),
        "Neighbours are no more alike than chance has it, once the model is taken out." if fine else
        f"Neighbours remain alike in {worst}: add covariates, or let change be structured.",
        {"p": p},
    )  # fmt: skip
