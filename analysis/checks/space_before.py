"""What space has to account for: Moran's I of the raw shares, and of a model without district effects.

Both are for the record and judge nothing: clustering of the raw shares is what a spatial model is for, and
what the covariates explain of it is seen by comparing the two.

- Raw shares, of the districts where the party stood: against the same shares shuffled over these districts,
  which is a valid test of no spatial arrangement.
- Residuals of a regression without district effects (`spatialvote.models.glm`): against residuals that white
  noise leaves after the same regression. Shuffling them would not be valid, because estimated coefficients
  have correlated them.
"""

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.moran import Moran
from spatialvote.models.glm import fit_without_effects

QUESTION = "How much clustering is there to account for?"
LEVEL = 0.05
REFERENCES = 999


def run(case: Case) -> tuple[Check, ...]:
    """Moran's I before the model: of the shares, and of what covariates alone leave."""
    if case.moran.n_linked == 0:
        return ()
    return tuple(check for check in (_raw(case), _nonspatial(case)) if check is not None)


def _among(case: Case, stood: np.ndarray) -> Moran:
    """Moran's I on the links between districts where the party stood."""
    i, j, weight = case.districts.edges
    both = stood[i] & stood[j]
    position = np.cumsum(stood) - 1
    return Moran.from_edges(int(stood.sum()), position[i[both]], position[j[both]], weight[both])


def _raw(case: Case) -> Check | None:
    stood = case.fit.stood
    moran = case.moran if stood.all() else _among(case, stood)
    if moran.n_linked == 0:
        return None
    shares = case.fit.share[stood]
    value = float(moran(shares)[0])
    reference = moran.permute(shares, case.rng, REFERENCES)
    p = _p_value(value, reference)
    advice = (
        f"Neighbouring districts have shares that are alike (p = {p:.3g})."
        if p < LEVEL
        else f"Neighbouring districts are no more alike than any two (p = {p:.3g}): a spatial "
        "part may not be needed."
    )
    return Check(
        "moran_raw",
        QUESTION,
        "Moran's I of the raw shares",
        value,
        "none: for the record",
        "info",
        advice,
        {"p_value": p, "expected": -1 / (stood.sum() - 1), "reference": reference.round(6)},
    )


def _nonspatial(case: Case) -> Check:
    posterior, _ = case.rebuilt
    fitted = fit_without_effects(posterior)
    value = float(case.moran(fitted.residuals)[0])
    reference = np.concatenate(
        [
            case.moran(
                fitted.reference(case.rng.standard_normal((min(50, REFERENCES - start), case.districts.n)))
            )
            for start in range(0, REFERENCES, 50)
        ]
    )
    p = _p_value(value, reference)
    advice = (
        f"What the covariates alone leave is alike among neighbours (p = {p:.3g}): a regression that takes "
        "districts for independent would overstate its certainty."
        if p < LEVEL
        else f"What the covariates alone leave shows no clustering (p = {p:.3g})."
    )
    return Check(
        "moran_nonspatial",
        QUESTION,
        "Moran's I of the residuals of a model without district effects",
        value,
        "none: for the record",
        "info",
        advice,
        {
            "p_value": p,
            "expected": float(reference.mean()),
            "reference": reference.round(6),
            "residuals": fitted.residuals.round(6),
            "coefficients": fitted.coefficients,
            "extra_sd": np.sqrt(fitted.extra_variance),
        },
    )


def _p_value(value: float, reference: np.ndarray) -> float:
    """One-sided Monte Carlo p-value, never zero."""
    return float((1 + (reference >= value).sum()) / (1 + len(reference)))
