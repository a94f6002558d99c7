"""Add columns to districts: measures from grids, sums of parties, lagged shares."""

from collections.abc import Mapping
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd

from spatialvote.data.districts import Districts
from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.findings import in_districts


def add_columns(
    districts: Districts,
    columns: pd.DataFrame,
    *,
    units: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    migrants: str | None = None,
    note: str = "",
) -> Districts:
    """The same districts with further covariates.

    Parameters
    ----------
    districts
        As read.
    columns
        Numbers, indexed by district id; rows are matched by id, in any order.
    units, names
        Of the new columns: unit ("percent", "percentage points"), and what it is called in words.
    migrants
        A new column that takes the role of migrants; its unit must be that of a share.
    note
        How the columns were made, for the record.

    Raises
    ------
    DataError
        Where a district has no row or no finite number, or a column is there already.

    Examples
    --------
    >>> from spatialvote.data.simulate import simulate_city
    >>> districts = simulate_city(seed=1, n_districts=20).districts
    >>> density = pd.DataFrame({"log_persons": np.log(districts.table["persons"])})
    >>> add_columns(districts, density).roles.covariates
    ('higher_education', 'income', 'log_persons')
    """
    rows = columns.set_axis(columns.index.astype("str"), axis=0)
    problems = []
    lacking = [one for one in districts.ids if one not in rows.index]
    if lacking:
        problems.append(
            Problem(
                f"the new columns have no row {in_districts(lacking)}",
                "index them by district id, with one row for every district",
            )
        )
    if not rows.index.is_unique:
        twice = rows.index[rows.index.duplicated()]
        problems.append(
            Problem(f"the new columns repeat ids ({name_some(twice)})", "give one row per district")
        )
    there = [one for one in columns if one in districts.table]
    if there:
        problems.append(
            Problem(f"columns {name_some(there)} are there already", "give the new ones other names")
        )
    if migrants is not None and migrants not in columns:
        problems.append(
            Problem(f"'{migrants}' is none of the new columns", f"use one of {name_some(columns, limit=10)}")
        )
    if problems:
        raise DataError(problems)
    rows = rows.loc[list(districts.ids)]
    for column in columns:
        numbers = pd.to_numeric(rows[column], errors="coerce").to_numpy(np.float64)
        bad = ~np.isfinite(numbers)
        if bad.any():
            problems.append(
                Problem(
                    f"'{column}' has no finite value {in_districts(districts.ids[bad])}",
                    "in districts where nobody lives no share is defined: leave these out when reading",
                )
            )
    if problems:
        raise DataError(problems)
    roles = districts.roles
    new = tuple(map(str, columns))
    table = districts.table.join(rows.astype("float64"))
    changed = replace(
        roles,
        migrants=migrants or roles.migrants,
        covariates=(
            *roles.covariates,
            *((roles.migrants,) if migrants and roles.migrants else ()),
            *(one for one in new if one != migrants),
        ),
        units={**roles.units, **(units or {})},
        names={**roles.names, **(names or {})},
    )
    record = districts.record
    if note:
        record = replace(record, notes=(*record.notes, note))
    return Districts(
        gpd.GeoDataFrame(table, geometry=districts.table.geometry),
        changed,
        districts.graph,
        districts.graph_report,
        districts.about,
        record,
        districts.unknown,
    )
