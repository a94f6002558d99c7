r"""Do coefficients, sigma and rho belong to the district effects in the same file?

The log likelihood sees eta alone; a coefficient could be changed in the file without it. Without district
effects eta = intercept + X beta exactly. With them the pivotal residuals r (`spatialvote.analysis.residuals`)
are iid N(0, 1) at every honest draw, and so

    z_k = x_k'r / |x_k| ~ N(0, 1)  for the intercept and each column,      r'r ~ chi-squared(n),

whatever the data; where r = L'e, the columns are whitened alike, x_k'Q e / sqrt(x_k'Q x_k). Effects of a
group over their sd, squared and summed, are chi-squared too, and so is d'R d of a varying slope's departures
d over theirs. The p-values of the draws depend on each other; twice their median is still a valid p-value
(Rüger 1978; see Vovk & Wang 2020), here also multiplied by the number of quantities. Below 0.01 the draws do
not belong together: by chance so low a value comes once in a hundred fits at most.

References
----------
Rüger, B. (1978). Das maximale Signifikanzniveau des Tests "Lehne H0 ab, wenn k unter n gegebenen Tests zur
Ablehnung führen". Metrika 25.
Vovk, V., Wang, R. (2020). Combining p-values via averaging. Biometrika 107.
"""

import numpy as np
from scipy.stats import chi2, norm

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.residuals import residuals_and_scores, thin
from spatialvote.data.errors import name_some
from spatialvote.models.posterior import SIGMA_SLOPE

QUESTION = "Is the file what it says?"
LEVEL = 0.01
MOST_DRAWS = 1000
#: eta is kept in single precision.
TOLERANCE = 4 * float(np.finfo(np.float32).eps)


def run(case: Case) -> tuple[Check, ...]:
    """Coefficients and hyperparameters against eta."""
    at = thin(case.fit, MOST_DRAWS)
    return (_exact(case, at) if case.fit.model.structure == "none" else _pivotal(case, at),)


def _exact(case: Case, at: np.ndarray) -> Check:
    mu = case.fit.fixed_part(at)
    difference = float((np.abs(case.fit.draws("eta", at) - mu) / np.maximum(1, np.abs(mu))).max())
    passes = difference <= TOLERANCE
    return Check(
        "draws_agree",
        QUESTION,
        "largest relative difference of eta and intercept + X beta",
        difference,
        f"at most {TOLERANCE:.1g}",
        "pass" if passes else "fail",
        "Coefficients and linear predictor belong together."
        if passes
        else "The linear predictor is not that of the coefficients: the draws were changed after the fit; "
        "do not use it.",
    )


def _pivotal(case: Case, at: np.ndarray) -> Check:
    fit = case.fit
    _, design = case.rebuilt
    columns = np.column_stack([np.ones(case.districts.n), design.matrix - design.matrix.mean(axis=0)])
    residuals, z = residuals_and_scores(fit, at, columns, case.precision)
    squares = (residuals**2).sum(axis=1)
    p = {
        name: float(2 * np.median(norm.sf(np.abs(one))))
        for name, one in zip(("intercept", *design.names), z.T, strict=True)
    }
    p["spread (sigma, rho)"] = _spread(squares, case.districts.n)
    for name in fit.groups:
        effects = fit.draws(f"effect_{name}", at) / fit.draws(f"sd_{name}", at)[:, None]
        p[f"spread of '{name}'"] = _spread((effects**2).sum(axis=1), effects.shape[1])
    if fit.model.varying is not None:
        graph = case.rebuilt[0].field.graph
        slope = fit.local_slope(at) / fit.draws(SIGMA_SLOPE, at)[:, None]
        squares = (slope * (graph.matrix @ slope.T).T).sum(axis=1)
        p[f"spread of the slope of '{fit.model.varying}'"] = _spread(squares, graph.n - graph.sizes.size)
    combined = min(1.0, 2 * len(p) * min(p.values()))
    passes = combined >= LEVEL
    suspects = [name for name, one in p.items() if 2 * len(p) * one < LEVEL]
    return Check(
        "draws_agree",
        QUESTION,
        "p-value that coefficients, sigma and rho belong to the district effects",
        combined,
        f"at least {LEVEL}",
        "pass" if passes else "fail",
        "Coefficients, sigma and rho belong to the district effects in the file."
        if passes
        else f"Draws of {name_some(suspects)} do not belong to the district effects: they were changed after "
        "the fit, or the sampler did not converge; do not use them.",
        {"p_values": p},
    )


def _spread(squares: np.ndarray, n: int) -> float:
    """Two-sided p-value of sums of n squares, the median over draws doubled."""
    below = chi2.cdf(squares, n)
    return float(2 * np.median(np.minimum(below, 1 - below)))
