r"""The marginal likelihood of a model, from the weights of its draws.

The weights that correct the Laplace approximation estimate its normalising constant as well: with points
theta_q drawn from a proposal g, F the approximate log posterior and r_s what a draw at the point corrects,

    log p(y) = log mean_q  exp(F(theta_q) - log g(theta_q)) mean_{s at q} exp(r_s)  +  constant.

The constant belongs to votes, family, structure and graph: it cancels between models that differ in their
covariates or priors alone, and their difference is a log Bayes factor. Like every marginal likelihood it
depends on the priors of what the models do not share: a covariate with a prior much wider than its effect
is punished for that width.

Reference: Kass, R. E., Raftery, A. E. (1995). Bayes factors. Journal of the American Statistical
Association 90.
"""

import numpy as np
from scipy.special import logsumexp

from spatialvote.data.errors import FitError, Problem
from spatialvote.models.fit import Fit


def log_evidence(fit: Fit) -> float:
    """Log marginal likelihood of a fit by the Laplace engine, up to the constant above.

    Raises
    ------
    FitError
        Where the fit is by another engine, which has no such weights.
    """
    if fit.engine != "laplace":
        raise FitError(
            Problem(
                f"a fit by engine '{fit.engine}' has no marginal likelihood",
                "fit again with engine 'laplace'",
            )
        )
    statistics = fit.tree["sample_stats"]
    log_point = statistics["log_point"].to_numpy().astype(np.float64)
    log_ratio = statistics["log_ratio"].to_numpy().ravel().astype(np.float64)
    point = statistics["point"].to_numpy().ravel().astype(np.int64)
    top = log_ratio.max()
    drawn = np.bincount(point, minlength=len(log_point))
    # A point without draws is worth its approximation, corrected as all others are on average.
    sums = np.bincount(point, np.exp(log_ratio - top), minlength=len(log_point))
    means = np.where(drawn > 0, sums / np.maximum(drawn, 1), np.exp(log_ratio - top).mean())
    with np.errstate(divide="ignore"):
        return float(logsumexp(log_point + np.log(means)) + top - np.log(len(log_point)))
