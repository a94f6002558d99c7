r"""Do votes vary as much as the model says, and in large and small districts alike?

z_i = Phi^-1(u_i), with u_i the place of a district's votes in what is expected of it before they are seen
(`spatialvote.analysis.pit`), are iid N(0, 1) at every posterior draw under a true model. So at each draw

- ``dispersion``: their sum of squares is chi-squared(n). Without district effects votes vary too much where
  anything beyond the covariates moves them; the spread of the shares alone would not tell, because covariates
  can stretch to it. District effects take up what varies too much, but no sigma makes votes vary less than
  their family says: Poisson counts that are shares of a whole do.
- ``dispersion_by_size``: |z_i| does not hang together with the size N_i (valid votes or exposure). Under
  district effects on the logit scale a share's spread beyond counting is the same in small and large
  districts. Where votes come in clusters (families, stations that were mixed up, too few people behind a
  share) it falls with N_i, and one sigma is too small for some and too large for the others.
- ``dispersion_by_share``: |z_i| does not hang together with p_i (1 - p_i), p_i the expected share (with the
  expected rate, for counts with exposure). Beta-binomial votes have a logit whose variance is delta /
  (p_i (1 - p_i)): larger where the party is weak. Another link, or effects on another scale, show here too.

The last two are Spearman's rank correlations, whose distribution under a true model does not depend on the
sizes. Two-sided p-values, averaged over the draws; twice that is a valid p-value, however the draws depend on
each other (Vovk & Wang 2020): below 0.025 a warning (5 % at most under a true model), below 0.005 a failure
(1 %).

References
----------
Vovk, V., Wang, R. (2020). Combining p-values via averaging. Biometrika 107.
"""

import numpy as np
from scipy.special import expit, ndtri
from scipy.stats import chi2, norm, rankdata

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check, grade
from spatialvote.analysis.pit import transforms
from spatialvote.analysis.residuals import FARTHEST

QUESTION = "Could the data have come from this model?"
LEVEL, SERIOUS = 0.025, 0.005
#: Fewer districts tell nothing about how spread hangs together with anything.
FEWEST = 20
#: What makes votes vary under a family; the others' count alone.
EXPECTED = {"beta_binomial": "the estimated overdispersion", "gaussian": "the estimated noise"}


def run(case: Case) -> tuple[Check, ...]:
    """Sum of squares of the places of votes as normal scores, and their ranks against size and share."""
    posterior, _ = case.rebuilt
    at, before = case.before
    told = posterior.size > 0
    part = case.rng.random(before.mean.shape)
    u = transforms(posterior, before, case.fit.dispersion(at), part, case.rng)[:, told]
    z = np.clip(ndtri(u), -FARTHEST, FARTHEST)
    family = case.fit.model.family
    checks = [_dispersion(z, family, case.fit.model.structure)]
    if z.shape[1] < FEWEST:
        return tuple(checks)
    size = _sizes(case)
    if size is not None and np.ptp(size[told]) > 0:
        checks.append(_by_size(np.abs(z), size[told]))
    mean = before.mean[:, told]
    expected = expit(mean) * expit(-mean) if family != "poisson" else mean
    if np.ptp(mean, axis=1).min() > 0:
        checks.append(_by_share(np.abs(z), expected, family))
    return tuple(checks)


def _sizes(case: Case) -> np.ndarray | None:
    """Valid votes or exposure; for shares the valid votes that they were computed from, where known."""
    if case.fit.model.family != "gaussian":
        return case.rebuilt[0].size
    return None if case.districts.roles.valid is None else case.districts.valid.astype(np.float64)


def _dispersion(z: np.ndarray, family: str, structure: str) -> Check:
    squares = (z**2).sum(axis=1)
    n = z.shape[1]
    p = float(2 * np.minimum(chi2.cdf(squares, n), chi2.sf(squares, n)).mean())
    verdict = grade(p >= LEVEL, p < SERIOUS)
    ratio = float(squares.mean() / n)
    expected = EXPECTED.get(family, "counting alone")
    if verdict == "pass":
        advice = (
            f"Votes vary about the covariates' means as {expected} would have it."
            if structure == "none"
            else "Votes vary about what the model expects of each district as much as it says."
        )
    elif ratio > 1:
        advice = (
            f"Votes vary {ratio:.3g} times as much as {expected} would have it, so intervals are far too "
            "narrow: fit structure 'bym2'."
            if structure == "none"
            else f"Votes vary {ratio:.3g} times as much as the model expects of each district: draws or "
            "votes were changed, or the priors hold sigma down."
        )
    else:
        advice = (
            f"Votes vary {ratio:.3g} times as much as {expected} would have it, so intervals are too wide: "
            + (
                "counts that are parts of a whole vary less than Poisson counts, fit family 'binomial'."
                if family == "poisson"
                else "ask how the votes were counted, rounded or smoothed."
            )
        )
    return Check(
        "dispersion",
        QUESTION,
        "p-value of the sum of squares of the votes' places as normal scores, mean over draws",
        p,
        f"at least {LEVEL}",
        verdict,
        advice,
        {"ratio": ratio, "sums_of_squares": squares.round(4)},
    )


def _by_size(far: np.ndarray, size: np.ndarray) -> Check:
    correlation, p = _hang_together(far, size[None])
    verdict = grade(p >= LEVEL, p < SERIOUS)
    advice = {
        "pass": "Small and large districts are as far from what is expected of them as they should be.",
        "fewer": "Small districts vary more than their size explains: votes may come in clusters, or a share "
        "was taken of too few; compare family 'beta_binomial', or a fit without the smallest districts.",
        "more": "Large districts vary more than small ones: they may join unlike places; look for a "
        "covariate that sets them apart, or compare a fit without the largest.",
    }["pass" if verdict == "pass" else "fewer" if correlation < 0 else "more"]
    return _uneven("dispersion_by_size", "size", correlation, p, verdict, advice)


def _by_share(far: np.ndarray, expected: np.ndarray, family: str) -> Check:
    correlation, p = _hang_together(far, expected)
    verdict = grade(p >= LEVEL, p < SERIOUS)
    what = "rate" if family == "poisson" else "p (1 - p)"
    compared = {"binomial": "family 'beta_binomial'", "gaussian": "family 'binomial' where counts are known"}
    advice = {
        "pass": "Where the party is weak and where it is strong, votes vary as they should.",
        "fewer": "Votes vary more than the model says where few are expected, and less elsewhere: compare "
        f"{compared.get(family, 'another family')}, and look at the districts with the lowest shares.",
        "more": "Votes vary more than the model says where many are expected, and less elsewhere: look for a "
        "covariate that sets strongholds apart, and compare another family.",
    }["pass" if verdict == "pass" else "fewer" if correlation < 0 else "more"]
    return _uneven("dispersion_by_share", f"expected {what}", correlation, p, verdict, advice)


def _hang_together(far: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Rank correlation of |z| (draws, n) with other (draws or 1, n), and its p-value: means over draws."""
    ranks, others = (rankdata(one, axis=1) for one in (far, other))
    ranks -= ranks.mean(axis=1, keepdims=True)
    others -= others.mean(axis=1, keepdims=True)
    scale = np.sqrt((ranks**2).sum(axis=1) * (others**2).sum(axis=1))
    correlation = (ranks * others).sum(axis=1) / scale
    # Of n independent pairs it has mean 0 and variance 1 / (n - 1), and is near enough to normal.
    p = 2 * norm.sf(np.abs(correlation) * np.sqrt(far.shape[1] - 1))
    return float(correlation.mean()), float(p.mean())


def _uneven(key: str, what: str, correlation: float, p: float, verdict: str, advice: str) -> Check:
    return Check(
        key,
        QUESTION,
        f"p-value of the rank correlation of the districts' distance from expectation with {what}, mean over "
        "draws",
        p,
        f"at least {LEVEL}",
        verdict,
        advice,
        {"correlation": round(correlation, 4)},
    )
