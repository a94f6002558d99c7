"""The covariate that is changed, by how much, and what that does to the design."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from spatialvote.analysis.belonging import require_same_districts
from spatialvote.analysis.effects.design import design_of, shifted_design
from spatialvote.analysis.effects.weighting import weighting_problems
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.models.design import Design
from spatialvote.models.fit import Fit
from spatialvote.models.parties.fit import PartySharesFit


class Change(NamedTuple):
    """A change of one covariate in every district.

    Attributes
    ----------
    column, values, change
        The covariate, its values, shape (n,), and what is added to each, in the column's own unit.
    design, shift
        The design behind the fit, and by how much its rows move, shape (n, p).
    """

    column: str
    values: np.ndarray
    change: float
    design: Design
    shift: np.ndarray


def change_of(
    fit: Fit | PartySharesFit,
    districts: Districts,
    column: str | None,
    points: float | None,
    weighting: str,
) -> Change:
    """The change that is asked for, checked.

    Parameters
    ----------
    fit, districts, column, points, weighting
        As in `spatialvote.analysis.effects.effect.effect`.

    Raises
    ------
    ModelError
        For a column that is not in the formula or holds no numbers, points for a column that is no share, or
        a change that a term of the formula has no value for.
    FitError
        If the fit is of other districts, or of other values of the covariates.
    """
    require_same_districts(fit, districts)
    asked = districts.roles.migrants if column is None else column
    problems = _problems(districts, asked, points, weighting)
    if problems:
        raise ModelError(problems)
    column = str(asked)
    design = design_of(fit, districts)
    values = districts.table[column].to_numpy(dtype=np.float64)
    change = float(values.std()) if points is None else districts.roles.points(column, points)
    shift = shifted_design(design, districts, column, change) - design.matrix
    if not shift.any():
        raise ModelError(
            Problem(
                f"column '{column}' is not in formula '{fit.model.formula}'",
                "name a column that is, or enter it in the formula",
            )
        )
    return Change(column, values, change, design, shift)


def _problems(
    districts: Districts, column: str | None, points: float | None, weighting: str
) -> list[Problem]:
    """Everything that is wrong with the arguments."""
    problems = weighting_problems(districts, weighting)
    if points is not None and not (np.isfinite(points) and points != 0):
        problems.append(Problem(f"points must be finite and not zero, got {points}", "give a change"))
    if column is None:
        problems.append(
            Problem("these districts have no migrants' column", "name the column whose effect is asked for")
        )
    elif column not in districts.table:
        problems.append(
            Problem(
                f"column '{column}' is not in the table",
                f"use one of {name_some(districts.roles.numeric_columns(), limit=12)}",
            )
        )
    elif not pd.api.types.is_numeric_dtype(districts.table[column]):
        problems.append(
            Problem(f"column '{column}' holds no numbers", "ask for the effect of a numeric column")
        )
    elif points is not None and districts.roles.units.get(column) not in SHARE_UNITS:
        problems.append(
            Problem(
                f"column '{column}' is not known to be a share, so it has no percentage points",
                f"give points=None for one standard deviation, or its unit ({', '.join(SHARE_UNITS)}) when "
                "reading",
            )
        )
    return problems


def leaving(
    districts: Districts, column: str, values: np.ndarray, change: float
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids of districts that the change takes out of 0..100 %, and out of the observed range."""
    after = values + change
    ids = districts.ids
    whole = SHARE_UNITS.get(districts.roles.units.get(column, ""), np.inf)
    # A share can reach its bound exactly; rounding must not count as leaving.
    slack = 1e-9 * np.abs(values).max()
    bounded = (after < -slack) | (after > whole + slack) if np.isfinite(whole) else np.zeros(len(ids), bool)
    observed = (after < values.min() - slack) | (after > values.max() + slack)
    return tuple(ids[bounded]), tuple(ids[observed])
