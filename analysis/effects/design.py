"""The design behind a fit, evaluated on changed tables."""

import numpy as np
import pandas as pd

from spatialvote.data.districts import Districts
from spatialvote.data.errors import FitError, ModelError, Problem, name_some
from spatialvote.models.design import Design, build_design
from spatialvote.models.fit import Fit
from spatialvote.models.parties.fit import PartySharesFit


def design_of(fit: Fit | PartySharesFit, districts: Districts) -> Design:
    """The design behind a fit, built again from the districts so that it can be evaluated elsewhere.

    Raises
    ------
    FitError
        If the covariates of these districts are not those of the fit.
    """
    if isinstance(fit, PartySharesFit):
        design = fit.model.design(districts)
    else:
        design = build_design(fit.model.formula, districts, fit.model.standardise)
    stored = fit.constant("design")
    if design.names != fit.coefficients or not np.allclose(design.matrix, stored, rtol=1e-9, atol=1e-12):
        raise FitError(
            Problem(
                "the covariates of these districts are not those of the fit",
                "give the districts that the fit was made from; a review says where they differ",
            )
        )
    return design


def shifted_design(design: Design, districts: Districts, column: str, change: float) -> np.ndarray:
    """The design with one column changed in every district, shape (n, p)."""
    table = pd.DataFrame(districts.table.drop(columns=districts.table.geometry.name))
    table[column] = table[column].astype(np.float64) + change
    # A logarithm of a negative share has no value; it is named below instead of warned of.
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix = design.evaluate(table)
    lost = districts.ids[~np.isfinite(matrix).all(axis=1)]
    if len(lost):
        raise ModelError(
            Problem(
                f"with '{column}' changed by {change:g}, a term of the formula has no value in {len(lost)} "
                f"districts ({name_some(lost)})",
                "ask for a smaller change",
            )
        )
    return matrix
