r"""Do districts resemble each other as far, and as much, as the model says?

The semivariogram of residuals on the link scale, r_i = link(share_i) - mu_i with mu = intercept + X beta +
effects of groups at a draw, is compared with that of votes replicated at the same draw with district effects
drawn anew (a mixed predictive check, `spatialvote.analysis.checks.predictive`). Moran's I asks of neighbours;
this asks of all distances at once: a field that is too rough or too smooth, or reaches too far, shows here.

Whether the observed curve leaves the replicated ones is judged over all bands together: D = the largest
distance from the replicates' mean, in their standard deviations, on a log scale, and p = P(D of a replicate
>= D of the data). Such a p-value uses the data twice and is conservative; levels are those of the other
predictive checks. The envelope of the figure is simultaneous in the same sense (Myllymaki et al. 2017): 95 %
of the replicates lie wholly within.

A share of 0 or 1 has no logit: half a vote is added on both sides, of the data and of the replicates alike.

References
----------
Gelman, A., Meng, X.-L., Stern, H. (1996). Posterior predictive assessment of model fitness.
Statistica Sinica 6.
Myllymaki, M., Mrkvicka, T., Grabarnik, P., Seijo, H., Hahn, U. (2017). Global envelope tests for spatial
processes. J. Royal Statistical Society B 79.
"""

import numpy as np

from spatialvote.analysis.checks import predictive
from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check, grade
from spatialvote.analysis.residuals import thin
from spatialvote.analysis.variogram import Variogram

QUESTION = "Is space accounted for?"
MOST_DRAWS = 250


def run(case: Case) -> tuple[Check, ...]:
    """Semivariogram of link-scale residuals among those of replicated votes."""
    stood = case.fit.stood
    variogram = Variogram.of(case.districts, stood, case.rng)
    if len(variogram.pairs) < 2:
        return ()
    at = thin(case.fit, MOST_DRAWS)
    mu = case.fit.fixed_part(at)
    observed = np.log(variogram(_on_link_scale(case, case.rebuilt[0].votes[None]) - mu))
    replicated = np.log(variogram(_on_link_scale(case, predictive.replicate(case, at)) - mu))
    mean, sd = replicated.mean(axis=0), replicated.std(axis=0)
    far = np.abs(replicated - mean) / sd
    beyond = np.abs(observed - mean) / sd
    p = float(np.mean(far.max(axis=1) >= beyond.max(axis=1)))
    verdict = grade(p >= predictive.LEVEL, p <= predictive.SERIOUS)
    worst = int(np.argmax(beyond.mean(axis=0)))
    if verdict == "pass":
        advice = "Districts at any distance differ as much as the model would have it."
    else:
        how = "more" if observed[:, worst].mean() > mean[worst] else "less"
        advice = (
            f"Districts {variogram.distance[worst]:.3g} {variogram.unit} apart differ {how} than the model "
            "expects: compare structures, and look for a covariate that varies over such distances."
        )
    width = np.quantile(far.max(axis=1), 0.95)
    return (
        Check(
            "variogram",
            QUESTION,
            "predictive p-value of the semivariogram, all distances together",
            p,
            f"at least {predictive.LEVEL}",
            verdict,
            advice,
            {
                "distance": variogram.distance.round(4),
                "unit": variogram.unit,
                "pairs": [one.shape[1] for one in variogram.pairs],
                "observed": np.exp(observed.mean(axis=0)).round(6),
                "expected": np.exp(mean).round(6),
                "low": np.exp(mean - width * sd).round(6),
                "high": np.exp(mean + width * sd).round(6),
            },
        ),
    )


def _on_link_scale(case: Case, votes: np.ndarray) -> np.ndarray:
    """Votes (m, n) as logits or log rates, half a vote added on each side."""
    family = case.fit.model.family
    # Those of the districts, not of the file: votes may have been changed since.
    size = case.rebuilt[0].size
    if family == "gaussian":
        return votes
    if family == "poisson":
        return np.log((votes + 0.5) / np.where(size > 0, size, 1.0))
    return np.log(votes + 0.5) - np.log(size - votes + 0.5)
