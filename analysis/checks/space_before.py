"""What space has to account for: autocorrelation of the raw shares, and of a model without district effects.

All are for the record and judge nothing: clustering of the raw shares is what a spatial model is for, and
what the covariates explain of it is seen by comparing the two.

- Raw shares, of the districts where the party stood: Moran's I, Geary's C and G against the same shares
  shuffled over these districts, which is a valid test of no spatial arrangement.
- Residuals of a regression without district effects (`spatialvote.models.glm`): I and C against residuals
  that white noise leaves after the same regression. Shuffling them would not be valid, because estimated
  coefficients have correlated them. G, which residuals of both signs do not have, is that of the shares
  against shares drawn from this regression, with the variance between districts that it leaves.
"""

import numpy as np
from scipy.special import expit

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.geary import Geary
from spatialvote.analysis.getis_ord import GetisOrd
from spatialvote.analysis.graph_statistic import BLOCK, GraphStatistic
from spatialvote.analysis.moran import Moran
from spatialvote.models.families import FAMILIES
from spatialvote.models.glm import NonSpatial, fit_without_effects
from spatialvote.models.outcome import DENOMINATORS

QUESTION = "How much clustering is there to account for?"
LEVEL = 0.05
REFERENCES = 999


def run(case: Case) -> tuple[Check, ...]:
    """Autocorrelation before the model: of the shares, and of what covariates alone leave."""
    if case.moran.n_linked == 0:
        return ()
    fitted = fit_without_effects(case.rebuilt[0])
    stood = case.fit.stood
    getis_ord = GetisOrd.of(case.districts, stood)
    raw = (Moran.of(case.districts, stood), Geary.of(case.districts, stood), getis_ord)
    checks = [_raw(case, one) for one in raw if one.n_linked]
    checks += [_nonspatial(case, kind.of(case.districts), fitted) for kind in (Moran, Geary)]
    if getis_ord.n_linked:
        checks.append(_replicated(case, getis_ord, fitted))
    return tuple(checks)


def _raw(case: Case, statistic: GraphStatistic) -> Check:
    shares = case.fit.share[case.fit.stood]
    reference = statistic.permute(shares, case.rng, REFERENCES)
    if isinstance(statistic, GetisOrd):
        p = _both_sides(statistic(shares)[0], reference)
        how = "more" if statistic(shares)[0] > np.median(reference) else "less"
        advice = (
            f"High shares lie beside high shares, or have many neighbours, {how} than chance (p = {p:.3g})."
            if p < LEVEL
            else f"High shares lie beside high shares, or have many neighbours, as by chance (p = {p:.3g})."
        )
    else:
        p = _p_value(statistic, shares, reference)
        advice = (
            f"Neighbouring districts have shares that are alike (p = {p:.3g})."
            if p < LEVEL
            else f"Neighbouring districts are no more alike than any two (p = {p:.3g}): a spatial "
            "part may not be needed."
        )
    name, words = f"{statistic.KEY}_raw", f"{statistic.NAME} of the raw shares"
    return _check(name, words, statistic, shares, reference, p, advice)


def _nonspatial(case: Case, statistic: GraphStatistic, fitted: NonSpatial) -> Check:
    n = case.districts.n
    reference = np.concatenate(
        [
            statistic(fitted.reference(case.rng.standard_normal((min(BLOCK, REFERENCES - start), n))))
            for start in range(0, REFERENCES, BLOCK)
        ]
    )
    p = _p_value(statistic, fitted.residuals, reference)
    advice = (
        f"What the covariates alone leave is alike among neighbours (p = {p:.3g}): a regression that takes "
        "districts for independent would overstate its certainty."
        if p < LEVEL
        else f"What the covariates alone leave shows no clustering (p = {p:.3g})."
    )
    own = (
        {
            "residuals": fitted.residuals.round(6),
            "coefficients": fitted.coefficients,
            "extra_sd": np.sqrt(fitted.extra_variance),
        }
        if isinstance(statistic, Moran)
        else {}
    )
    return _check(
        f"{statistic.KEY}_nonspatial",
        f"{statistic.NAME} of the residuals of a model without district effects",
        statistic,
        fitted.residuals,
        reference,
        p,
        advice,
        **own,
    )


def _replicated(case: Case, statistic: GetisOrd, fitted: NonSpatial) -> Check:
    """G of the shares against shares that covariates and independent effects would give."""
    posterior, stood = case.rebuilt[0], case.fit.stood
    whole = DENOMINATORS.get(posterior.family) == "valid"
    size = posterior.size.astype(np.int64) if whole else posterior.size
    reference = []
    for start in range(0, REFERENCES, BLOCK):
        white = case.rng.standard_normal((min(BLOCK, REFERENCES - start), case.districts.n))
        eta = fitted.eta + np.sqrt(fitted.extra_variance) * white
        votes = FAMILIES[posterior.family].draw(case.rng, eta, size, posterior.typical_dispersion)[:, stood]
        shares = expit(votes) if posterior.family == "gaussian" else votes / size[stood]
        reference.append(statistic(shares))
    reference = np.concatenate(reference)
    shares = case.fit.share[stood]
    p = _both_sides(statistic(shares)[0], reference)
    advice = (
        f"Where high shares lie is not what the covariates alone would give (p = {p:.3g})."
        if p < LEVEL
        else f"Covariates and independent districts would give as high a G (p = {p:.3g})."
    )
    return _check(
        "getis_ord_nonspatial",
        "G of the shares, compared with a model without district effects",
        statistic,
        shares,
        reference,
        p,
        advice,
    )


def _check(
    name: str,
    words: str,
    statistic: GraphStatistic,
    values: np.ndarray,
    reference: np.ndarray,
    p: float,
    advice: str,
    **own: object,
) -> Check:
    low, high = np.quantile(reference, [0.025, 0.975])
    details = {"p_value": p, "expected": float(reference.mean()), "interval": [low, high], **own}
    value = float(statistic(values)[0])
    return Check(name, QUESTION, words, value, "none: for the record", "info", advice, details)


def _p_value(statistic: GraphStatistic, values: np.ndarray, reference: np.ndarray) -> float:
    """One-sided Monte Carlo p-value of neighbours that are alike, never zero."""
    count = statistic.likeness(statistic(values), reference)[0] * len(reference)
    return float((1 + round(count)) / (1 + len(reference)))


def _both_sides(value: float, reference: np.ndarray) -> float:
    """Two-sided Monte Carlo p-value, never zero."""
    nearer = min((reference >= value).sum(), (reference <= value).sum())
    return float(min(2 * (1 + nearer) / (1 + len(reference)), 1.0))
