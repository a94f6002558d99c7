"""Declare covariates as uncertain after districts were read: computed ones, or to try what it changes."""

from collections.abc import Mapping
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd

from spatialvote.data.districts import Districts
from spatialvote.data.errors import DataError, Problem
from spatialvote.data.findings import in_districts
from spatialvote.data.first_guess import guess_unknown
from spatialvote.data.uncertain import Uncertain
from spatialvote.data.unknown_values import excused_gaps, unknown_problems, unknown_values
from spatialvote.data.validate_roles import role_problems
from spatialvote.data.validate_table import gap_problems


def declare_uncertain(
    districts: Districts, uncertain: Mapping[str, Uncertain], columns: pd.DataFrame | None = None
) -> Districts:
    """The same districts with some covariates not known exactly.

    Parameters
    ----------
    districts
        As read, with every value known.
    uncertain
        Column of migrants or covariates to how its values are not known exactly.
    columns
        Indexed by district id, a row for each: values that take the place of those in the table (NaN where
        there is none), and the columns that the declarations name.

    Raises
    ------
    DataError
        Where a declaration contradicts the roles or the values, or a district has no row.

    Examples
    --------
    >>> from spatialvote.data.simulate import simulate_city
    >>> districts = simulate_city(seed=1, n_districts=30).districts
    >>> income = districts.table[["income"]].copy()
    >>> income.iloc[:2] = np.nan
    >>> blanked = declare_uncertain(districts, {"income": Uncertain(missing=True)}, income)
    >>> list(blanked.unknown.frame["district"]) == list(districts.ids[:2])
    True
    """
    table = pd.DataFrame(districts.table.drop(columns=districts.table.geometry.name))
    if columns is not None:
        lacking = districts.ids.difference(columns.index)
        if len(lacking):
            raise DataError(
                Problem(f"the columns have no row {in_districts(lacking)}", "give one row for every district")
            )
        given = columns.loc[list(districts.ids)]
        table = table.assign(**{str(name): given[name].astype(np.float64) for name in given})
    roles = replace(districts.roles, uncertain={**districts.roles.uncertain, **uncertain})
    problems = role_problems(roles)
    absent = [column for column in roles.numeric_columns() if column not in table]
    problems += [Problem(f"there is no column '{one}'", "give it among the columns") for one in absent]
    if problems:
        raise DataError(problems)
    numbers = table[list(roles.numeric_columns())].astype(np.float64)
    names = districts.ids.to_numpy(dtype=object)
    excused = excused_gaps(numbers, roles)
    problems = gap_problems(numbers.isna() & ~excused, names) + unknown_problems(numbers, roles, names)
    if problems:
        raise DataError(problems)
    unknown = unknown_values(numbers, roles, names)
    return replace(
        districts,
        table=gpd.GeoDataFrame(guess_unknown(table, roles, unknown), geometry=districts.table.geometry),
        roles=roles,
        unknown=unknown,
    )
