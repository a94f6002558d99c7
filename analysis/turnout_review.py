"""Can a turnout fit be believed? Its weights, its approximation, and whether it reproduces the data."""

import numpy as np
import pandas as pd

from spatialvote.analysis.checks.check import Check, grade
from spatialvote.analysis.turnout_rates import combined_index
from spatialvote.models.turnout.fit import TurnoutFit

_COMPUTED = "Was the posterior computed well?"
_FITS = "Does the model reproduce the turnout that was observed?"
_INFORMED = "How much do the cells tell?"
#: Thresholds of the checks.
K_HAT, POINTS, DRAWS, TAIL, INSIDE = 0.7, 100, 100, 0.01, 0.9
_MOST_DRAWS = 500


def turnout_review(fit: TurnoutFit, seed: int = 0) -> tuple[Check, ...]:
    """Every check of a turnout fit.

    Parameters
    ----------
    fit
        A fit.
    seed
        For the replicated votes of the predictive checks.
    """
    rng = np.random.default_rng(seed)
    p = fit.probability
    p = p[:: max(1, len(p) // _MOST_DRAWS)]
    n, y = fit.cells.entitled, fit.cells.voted
    replicated = rng.binomial(np.rint(n).astype(np.int64), p)
    return (*_computed(fit), *_fits(fit, p, n, y, replicated), *_informed(fit))


def _computed(fit: TurnoutFit) -> list[Check]:
    told = fit.record["approximation"]
    k, points = told["k_hat"], told["effective_points"]
    draws_k, effective = told["k_hat_draws"], told["effective_draws"]
    return [
        Check(
            "turnout_k_hat", _COMPUTED, "Pareto k of the hyperparameters' weights", k, f"below {K_HAT:g}",
            grade(k < K_HAT, k >= 1),
            "The proposals cover the posterior of the hyperparameters." if k < K_HAT else
            "Few proposals carry the posterior of the hyperparameters: leave out a term that the data do not "
            "inform, or give tighter priors.",
        ),
        Check(
            "turnout_points", _COMPUTED, "effective number of hyperparameter points", points,
            f"at least {POINTS}", grade(points >= POINTS, points < POINTS / 4),
            "Draws stand on enough different hyperparameters." if points >= POINTS else
            "Too few different hyperparameters stand behind the draws: simplify the model.",
        ),
        Check(
            "turnout_gaussian", _COMPUTED, "Pareto k of the draws' weights", draws_k, f"below {K_HAT:g}",
            grade(draws_k < K_HAT, draws_k >= 1),
            "Given the hyperparameters the terms are near enough to Gaussian: weights make the draws exact."
            if draws_k < K_HAT else
            "The terms are less Gaussian than weights can mend: join levels that hold very few persons.",
        ),
        Check(
            "turnout_draws", _COMPUTED, "effective number of draws", effective, f"at least {DRAWS}",
            grade(effective >= DRAWS, effective < DRAWS / 4),
            "Enough different draws are left after weighing." if effective >= DRAWS else
            "Weighing leaves few different draws: take more, or join levels that hold very few persons.",
        ),
    ]  # fmt: skip


def _fits(
    fit: TurnoutFit, p: np.ndarray, n: np.ndarray, y: np.ndarray, replicated: np.ndarray
) -> list[Check]:
    there = n > 0
    spread = (n * p * (1 - p))[:, there]
    observed = (((y - n * p)[:, there]) ** 2 / spread).sum(axis=1)
    imitated = (((replicated - n * p)[:, there]) ** 2 / spread).sum(axis=1)
    tail = float((imitated >= observed).mean())
    fine = TAIL < tail < 1 - TAIL
    checks = [
        Check(
            "turnout_spread", _FITS, "share of replicates that scatter as much as the observed",
            tail, f"between {TAIL:g} and {1 - TAIL:g}", grade(fine, serious=False),
            "Cells scatter around the model as much as chance lets them." if fine else
            "Cells scatter otherwise than the model has it: let cells have an effect of their own, or add an "
            "interaction.",
        )
    ]  # fmt: skip
    factors = [name for name in fit.cells.factors if name in ("group", "age")] or list(fit.cells.factors[:1])
    key, _ = combined_index(fit.cells, factors)
    pick = pd.get_dummies(pd.Series(key), dtype=float).to_numpy()
    total, ours = y @ pick, replicated @ pick
    low, high = np.quantile(ours, [0.025, 0.975], axis=0)
    used = (n @ pick) > 0
    inside = float(((low <= total) & (total <= high))[used].mean())
    checks.append(
        Check(
            "turnout_margins", _FITS, f"share of totals by {' and '.join(factors)} inside 95 % prediction",
            inside, f"at least {INSIDE:g}", grade(inside >= INSIDE, inside < 0.5),
            "Turnout of whole groups is reproduced." if inside >= INSIDE else
            "Whole groups vote otherwise than the model predicts: the random walk or the pooling is too "
            "strong.",
        )
    )  # fmt: skip
    return checks


def _informed(fit: TurnoutFit) -> list[Check]:
    n = fit.cells.entitled
    few = float((n < 10).mean())
    checks = [
        Check(
            "turnout_small_cells", _INFORMED, "share of cells with fewer than ten persons", few,
            "no judgement", "info",
            "The rates of such cells come from their group, age and area; their raw rates say little.",
        )
    ]  # fmt: skip
    survey = fit.cells.survey
    if survey is not None:
        checks.append(
            Check(
                "turnout_design_effect", _INFORMED, "Kish's design effect of the weights",
                survey.design_effect,
                "no judgement", "info",
                "Weighted answers count as fewer persons; that surveys hold too many voters is not mended.",
            )
        )  # fmt: skip
    return checks
