"""A first guess of values that are not known, from the district's other covariates: where a model starts.

On the scale of the covariate, z = g(x) of the districts with a value (or a bounded interval, of which the
middle) is regressed on the covariates that are known exactly; a guess is the fitted value, moved into the
interval. Guesses stand in the table in place of unknown values, so that everything that needs a number has
one; no fit takes them for known.
"""

import numpy as np
import pandas as pd

from spatialvote.data.roles import SHARE_UNITS, Roles
from spatialvote.data.scales import from_line, open_range, to_line
from spatialvote.data.unknown_values import UnknownValues

#: How far from the ends of the range a guess stays, as a share of the known values' standard deviation.
_INSIDE = 0.05


def exact_covariates(roles: Roles, unknown: UnknownValues) -> tuple[str, ...]:
    """Migrants and covariates without an unknown value, in the order of their roles."""
    named = [roles.migrants, *roles.covariates]
    return tuple(one for one in dict.fromkeys(named) if one is not None and one not in unknown.columns)


def guess_unknown(table: pd.DataFrame, roles: Roles, unknown: UnknownValues) -> pd.DataFrame:
    """The table with a first guess in place of every unknown value.

    Parameters
    ----------
    table
        Indexed by district; cells of unknown values may be NaN.
    roles, unknown
        What the columns are, and which values are unknown.
    """
    filled = table.copy()
    others = filled[list(exact_covariates(roles, unknown))].to_numpy(dtype=np.float64)
    # What does not vary explains nothing.
    others = others[:, np.ptp(others, axis=0) > 0] if others.size else others
    columns = np.column_stack([np.ones(len(filled)), (others - others.mean(axis=0)) / others.std(axis=0)])
    for column in unknown.columns:
        rows = unknown.of(column)
        at = filled.index.get_indexer(pd.Index(rows["district"]))
        low, high, estimate = (rows[one].to_numpy(dtype=np.float64) for one in ("low", "high", "value"))
        values = filled[column].to_numpy(dtype=np.float64).copy()
        told = values[at]
        # A middle of the whole range says nothing of the district.
        whole = SHARE_UNITS.get(roles.units.get(column, ""), np.inf)
        bounded = np.isnan(told) & (high - low < whole)
        told[bounded] = (low[bounded] + high[bounded]) / 2
        values[at] = np.where(np.isnan(estimate), told, estimate)
        scale = roles.uncertain[column].scale_for(roles.units.get(column))
        filled[column] = _fill(values, at, low, high, scale, whole, columns)
    return filled


def _fill(
    values: np.ndarray,
    at: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    scale: str,
    whole: float,
    columns: np.ndarray,
) -> np.ndarray:
    """Values of all districts, those at some positions guessed and inside their intervals."""
    least, most = open_range(scale, whole)
    inside = np.isfinite(values) & (values > least) & (values < most)
    z = to_line(scale, whole, np.where(inside, values, np.nan))
    weights = np.linalg.lstsq(columns[inside], z[inside])[0]
    margin = _INSIDE * z[inside].std()
    # On the line an interval may have one end or none; a guess keeps clear of those it has.
    lower, upper = to_line(scale, whole, low), to_line(scale, whole, high)
    gap = np.minimum(margin, (upper - lower) / 4)
    guess = np.where(inside[at], z[at], columns[at] @ weights)
    z[at] = np.clip(guess, lower + gap, upper - gap)
    filled = values.copy()
    filled[at] = from_line(scale, whole, z[at])
    return filled
