r"""What each district's vote would be if some of its columns had other values, all else held.

    change_i = 100 (p(eta_i + (x_i' - x_i)'b) - p(eta_i))     percentage points, draw by draw

with x_i' row i of the design evaluated again on the changed table; Poisson counts change in percent. With a
halo set to zero, for instance, it is the vote that a district would have if its surroundings were as itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.belonging import require_same_districts
from spatialvote.analysis.effects.change import average_changes
from spatialvote.analysis.effects.design import design_of
from spatialvote.analysis.effects.weighting import district_weights, weighting_problems
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.data.findings import in_districts
from spatialvote.models.fit import Fit


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """Changes of the vote under other values of some columns.

    Attributes
    ----------
    columns
        Those that were changed.
    weighting
        See `spatialvote.analysis.effects.weighting`.
    unit
        "percentage points"; "percent" for Poisson counts.
    draws
        Average change over the districts at each posterior draw, shape (samples,).
    by_district
        Posterior mean and 95 % interval of each district's change, and the probability that it is above zero:
        columns mean, low, high, probability_positive.
    """

    columns: tuple[str, ...]
    weighting: str
    unit: str
    draws: np.ndarray
    by_district: pd.DataFrame

    @property
    def mean(self) -> float:
        """Posterior mean of the average change."""
        return float(self.draws.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Equal-tailed 95 % interval of the average change."""
        low, high = np.quantile(self.draws, [0.025, 0.975])
        return float(low), float(high)

    def __repr__(self) -> str:
        low, high = self.interval
        return (
            f"Counterfactual({', '.join(self.columns)}: {self.mean:+.2f} {self.unit}, 95 % {low:+.2f} to "
            f"{high:+.2f}; average over {self.weighting})"
        )


def counterfactual(
    fit: Fit,
    districts: Districts,
    values: Mapping[str, float | np.ndarray | pd.Series],
    *,
    weighting: str = "districts",
) -> Counterfactual:
    """Change the values of some columns, and see how the vote would change.

    Parameters
    ----------
    fit, districts
        A fit and the districts it was made from.
    values
        Column to its value in every district, or to one value a district, in their order.
    weighting
        How districts are averaged.

    Raises
    ------
    ModelError
        For columns that the formula has not, values that are not finite or too few, or values that change
        nothing.
    FitError
        If the fit is of other districts.
    """
    require_same_districts(fit, districts)
    problems = weighting_problems(districts, weighting)
    lacking = [one for one in values if one not in districts.table]
    if lacking or not values:
        problems.append(
            Problem(
                f"columns {name_some(lacking)} are not in the table" if lacking else "no column is changed",
                f"use one of {name_some(districts.roles.numeric_columns(), limit=12)}",
            )
        )
    given = {}
    for column, value in values.items():
        numbers = np.asarray(value, dtype=np.float64)
        if numbers.shape not in ((), (districts.n,)):
            problems.append(
                Problem(
                    f"'{column}' has {numbers.shape} values for {districts.n} districts",
                    "give one number, or one for each district",
                )
            )
            continue
        given[column] = np.broadcast_to(numbers, districts.n)
        bad = ~np.isfinite(given[column])
        if bad.any():
            problems.append(
                Problem(
                    f"'{column}' is given no finite value {in_districts(districts.ids[bad])}", "give numbers"
                )
            )
    if problems:
        raise ModelError(problems)
    design = design_of(fit, districts)
    table = pd.DataFrame(districts.table.drop(columns=districts.table.geometry.name)).assign(**given)
    # A term without a value there (the logarithm of a negative number) is named below.
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = design.evaluate(table) - design.matrix
    lost = districts.ids[~np.isfinite(shift).all(axis=1)]
    if len(lost):
        raise ModelError(
            Problem(
                f"a term of the formula has no value {in_districts(lost)} with these values",
                "give values that every term is defined for",
            )
        )
    if not shift.any():
        raise ModelError(
            Problem(
                f"{name_some(values)} with these values change nothing in formula '{fit.model.formula}'",
                "name columns of the formula, and values that differ from the districts' own",
            )
        )
    draws, by_district = average_changes(fit, shift, district_weights(fit, districts, weighting))
    # The change has the sign of (x' - x)'b, since p is increasing.
    by_district["probability_positive"] = (fit.change(shift) > 0).mean(axis=0)
    return Counterfactual(
        tuple(values),
        weighting,
        "percent" if fit.model.family == "poisson" else "percentage points",
        draws,
        by_district.set_index(districts.ids),
    )
