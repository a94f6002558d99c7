r"""What a change of one covariate would mean for the vote, in percentage points.

For every posterior draw and district, with the other covariates and the district's own effect held:

    eta_i' = eta_i + (x_i' - x_i)'b,     change_i = 100 (p(eta_i') - p(eta_i))   percentage points,

where x_i' is row i of the design evaluated again on the changed table, so that curves, interactions and
transformations follow, and b has the slopes of the district's own levels in it. For Poisson
counts the change is that of the rate, 100 (exp(eta_i' - eta_i) - 1), in percent.
It describes districts, not persons: that districts with more migrants vote otherwise does not say that
anybody in them does.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.effects.change import average_changes
from spatialvote.analysis.effects.covariate import change_of, leaving
from spatialvote.analysis.effects.design import shifted_design
from spatialvote.analysis.effects.weighting import district_weights
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit


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
        See `spatialvote.analysis.effects.weighting`.
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
        ``districts``: every district counts the same. ``voters``: by valid votes. Or the name of a column
        that counts persons in each district.

    Raises
    ------
    ModelError
        For a column that is not in the formula or holds no numbers, points for a column that is no share, or
        a change that a term of the formula has no value for.
    FitError
        If the fit is of other districts, or of other values of the covariates.
    """
    column, values, change, design, shift = change_of(fit, districts, column, points, weighting)
    bounds, observed = leaving(districts, column, values, change)
    curved = not np.allclose(
        shift, 2 * (shifted_design(design, districts, column, change / 2) - design.matrix)
    )
    average, by_district = average_changes(fit, shift, district_weights(fit, districts, weighting))
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
