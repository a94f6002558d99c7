"""`read_stations`: polling stations with their votes, as points, from a table."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError

from spatialvote.data.big_table import read_columns
from spatialvote.data.errors import DataError, Problem, name_some


def read_stations(
    path: str | Path,
    *,
    id: str,
    x: str,
    y: str,
    crs: str | int,
    columns: Sequence[str],
    text: Sequence[str] = (),
) -> gpd.GeoDataFrame:
    """Read polling stations.

    Parameters
    ----------
    path
        CSV with one row per station.
    id, x, y, crs
        Columns with a station's id (text) and its coordinates, and their coordinate system.
    columns, text
        Columns with counts, and with text, that are wanted.

    Raises
    ------
    DataError
        Where the file lacks a column, ids repeat, a station has no place, or a count is no number.
    """
    path = Path(path)
    try:
        system = CRS.from_user_input(crs)
    except CRSError as error:
        raise DataError(
            Problem(f"the coordinate system '{crs}' is unknown", "give one such as 'EPSG:4326'")
        ) from error
    wanted = list(dict.fromkeys([id, x, y, *columns, *text]))
    raw = read_columns(path, wanted, list(dict.fromkeys([id, *text])))
    problems = []
    ids = raw[id].str.strip()
    twice = ids[ids.duplicated() | ids.isna()].unique()
    if len(twice):
        problems.append(
            Problem(f"stations share ids, or have none ({name_some(twice)})", "give every station its own id")
        )
    numbers = raw[[x, y, *columns]].apply(pd.to_numeric, errors="coerce")
    for column in numbers:
        values = numbers[column].to_numpy(np.float64)
        bad = ~np.isfinite(values) if column in (x, y) else ~(np.isfinite(values) & (values >= 0))
        if bad.any():
            problems.append(
                Problem(
                    f"'{column}' of file '{path.name}' is no {'place' if column in (x, y) else 'count'} at "
                    f"{int(bad.sum())} stations ({name_some(ids[bad])})",
                    "mend these rows, or leave the stations out",
                )
            )
    if problems:
        raise DataError(problems)
    table = (
        numbers[list(columns)]
        .assign(**{name: raw[name] for name in text})
        .set_axis(pd.Index(ids, name=id), axis=0)
    )
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(numbers[x], numbers[y]), crs=system)
