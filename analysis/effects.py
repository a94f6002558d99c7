r"""What a change of one covariate would mean for the vote, in percentage points.

For every posterior draw and district, with the other covariates and the district's own effect held:

    eta_i' = eta_i + (x_i' - x_i)'b,     change_i = 100 (p(eta_i') - p(eta_i))   percentage points,

where x_i' is row i of the design evaluated again on the changed table, so that curves, interactions and
transformations follow. For Poisson counts the change is that of the rate, 100 (exp(eta_i' - eta_i) - 1),
in percent. It describes districts, not persons: that districts with more migrants vote otherwise does not
say that anybody in them does.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.belonging import require_same_districts
from spatialvote.data.districts import Districts
from spatialvote.data.errors import FitError, ModelError, Problem, name_some
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.models.design import Design, build_design
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit

#: How districts are weighed in the average: equally, or by valid votes (exposure, for counts).
WEIGHTINGS = ("districts", "voters")
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class Effect:
    """The change in vote share when one covariate changes, others held.

    Attributes
    ----------
    column
        The covariate.
    points
        Its change in percentage points; None where it changes by one standard deviation.
    change
        The same in the column's own unit.
    weighting
        One of `WEIGHTINGS`.
    unit
        Of the effect: "percentage points" of the vote share; "percent" of the rate for Poisson counts.
    draws
        Average change over the districts at each posterior draw, shape (samples,).
    by_district
        Posterior mean, and ends of the 95 % interval, of each district's change: columns mean, low, high.
    outside_bounds
        Districts whose share would leave 0..100 %; nothing is clipped. Empty for a column without share unit.
    outside_range
        Districts whose value would leave the observed range.
    note
        What a reader must know beside the numbers; empty if nothing.
    """

    column: str
    points: float | None
    change: float
    weighting: str
    unit: str
    draws: np.ndarray
    by_district: pd.DataFrame
    outside_bounds: tuple[str, ...]
    outside_range: tuple[str, ...]
    note: str

    @property
    def mean(self) -> float:
        """Posterior mean of the average change."""
        return float(self.draws.mean())

    @property
    def low(self) -> float:
        """Lower end of the equal-tailed 95 % interval of the average change."""
        return float(np.quantile(self.draws, 0.025))

    @property
    def high(self) -> float:
        """Upper end of the equal-tailed 95 % interval of the average change."""
        return float(np.quantile(self.draws, 0.975))

    @property
    def probability_positive(self) -> float:
        """Posterior probability that the average change is above zero."""
        return float((self.draws > 0).mean())

    def __repr__(self) -> str:
        by = f"{self.points:+g} points" if self.points is not None else f"{self.change:+.3g} (one sd)"
        return (
            f"Effect({self.column} {by}: {self.mean:+.2f} {self.unit}, 95 % {self.low:+.2f} to "
            f"{self.high:+.2f}; average over {self.weighting})"
        )


def effect(
    fit: Fit,
    districts: Districts,
    column: str | None = None,
    points: float | None = 10.0,
    weighting: str = "districts",
) -> Effect:
    """Change in vote share when a covariate changes in every district, others held.

    Parameters
    ----------
    fit, districts
        A fit and the districts it was made from.
    column
        A numeric covariate of the formula; None: the migrants' column.
    points
        Percentage points by which a share changes, whatever the unit it is stored in; None for a change of
        one standard deviation (population, over districts), for a column that is no share.
    weighting
        ``districts``: every district counts the same. ``voters``: by valid votes.

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
    problems = problems_of_change(districts, asked, points, weighting)
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
    bounds, observed = leaving(districts, column, values, change)
    curved = not np.allclose(
        shift, 2 * (shifted_design(design, districts, column, change / 2) - design.matrix)
    )
    average, by_district = average_changes(fit, shift, weighting)
    return Effect(
        column=column,
        points=points,
        change=change,
        weighting=weighting,
        unit="percentage points" if fit.model.family != "poisson" else "percent",
        draws=average,
        by_district=by_district.set_index(districts.ids),
        outside_bounds=bounds,
        outside_range=observed,
        note=_note(districts.n, bounds, observed, curved),
    )


def problems_of_change(
    districts: Districts, column: str | None, points: float | None, weighting: str
) -> list[Problem]:
    """Everything that is wrong with the arguments."""
    problems = []
    if weighting not in WEIGHTINGS:
        problems.append(Problem(f"weighting '{weighting}' is unknown", f"use one of {name_some(WEIGHTINGS)}"))
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


def design_of(fit: Fit, districts: Districts) -> Design:
    """The design behind a fit, built again from the districts so that it can be evaluated elsewhere."""
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


def _note(n: int, bounds: tuple[str, ...], observed: tuple[str, ...], curved: bool) -> str:
    parts = []
    if bounds:
        parts.append(f"in {len(bounds)} of {n} districts the share would leave 0 to 100 %")
    if curved and observed:
        parts.append(
            f"in {len(observed)} of {n} districts the curve is read outside the observed range: that is "
            "extrapolation, and depends on the curve's form"
        )
    elif len(observed) > n / 2:
        parts.append(f"in {len(observed)} of {n} districts the change leads beyond every observed value")
    return "; ".join(parts)


def average_changes(fit: Fit, shift: np.ndarray, weighting: str) -> tuple[np.ndarray, pd.DataFrame]:
    """Average change at each draw, and mean and 95 % interval of each district's.

    The change is that of a design which moves by `shift` (n, p), on its original scale.
    """
    change = _CHANGE[fit.model.family]
    slope = fit.draws("beta") / fit.constant("scale")
    n = len(shift)
    weight = np.ones(n) if weighting == "districts" else fit.size.astype(np.float64)
    weight = weight / weight.sum()
    eta = fit.tree["posterior"]["eta"].to_numpy().reshape(-1, n)
    average = np.zeros(len(eta))
    rows = []
    # In blocks of districts, so that memory stays small for many of them.
    for start in range(0, n, _BLOCK):
        here = slice(start, start + _BLOCK)
        one = change(eta[:, here].astype(np.float64), slope @ shift[here].T)
        average += one @ weight[here]
        low, high = np.quantile(one, [0.025, 0.975], axis=0)
        rows.append(np.column_stack([one.mean(axis=0), low, high]))
    return average, pd.DataFrame(np.concatenate(rows), columns=["mean", "low", "high"])


def _share_change(eta: np.ndarray, by: np.ndarray) -> np.ndarray:
    mean = FAMILIES["binomial"].mean
    return 100 * (mean(eta + by) - mean(eta))


def _rate_change(eta: np.ndarray, by: np.ndarray) -> np.ndarray:
    return 100 * np.expm1(by)


#: Family to the change of a district's outcome when eta changes.
_CHANGE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "binomial": _share_change,
    "beta_binomial": _share_change,
    "gaussian": _share_change,
    "poisson": _rate_change,
}
