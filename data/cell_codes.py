"""Codes of grid cells: both spellings of INSPIRE, read and written.

==================================  =============================================================
``CRS3035RES100mN2951500E4507500``  coordinate system, side, lower left corner in metres
``100mN29515E45075``                side, corner without as many final digits as the side has zeros
==================================  =============================================================

N and E are northing and easting of the lower left corner. The short spelling names no coordinate system: it
is that of the European grid, EPSG:3035.

Source: INSPIRE data specification on geographical grid systems, D2.8.I.2, 3.1 (2014).
"""

import re

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some

_CODE = re.compile(
    r"^(?:CRS(?P<crs>\d{4,5})RES)?(?P<side>\d+)(?P<unit>k?m)(?P<ns>[NS])(?P<y>\d+)(?P<ew>[EW])(?P<x>\d+)$"
)
#: Of the short spelling.
EUROPEAN = 3035


def parse_codes(codes: pd.Series) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Corners (m), side (m) and EPSG number of cells from their codes.

    Parameters
    ----------
    codes
        INSPIRE codes, all of one spelling, side and coordinate system.

    Returns
    -------
    x, y
        Easting and northing of the lower left corners, int64, shape (n,).
    side, epsg
        Of all cells.

    Raises
    ------
    DataError
        Naming codes that cannot be read, and where sides or coordinate systems are mixed.

    Examples
    --------
    >>> parse_codes(pd.Series(["CRS3035RES100mN2951500E4507500"]))[:2]
    (array([4507500]), array([2951500]))
    >>> x, y, side, epsg = parse_codes(pd.Series(["100mN29515E45075"]))
    >>> int(x[0]), int(y[0]), side, epsg
    (4507500, 2951500, 100, 3035)
    """
    text = codes.astype("str").str.strip()
    parts = text.str.extract(_CODE)
    bad = parts["side"].isna()
    if bad.any():
        raise DataError(
            Problem(
                f"{int(bad.sum())} cell codes cannot be read ({name_some(text[bad])})",
                "give INSPIRE codes such as 'CRS3035RES100mN2951500E4507500' or '100mN29515E45075', or name "
                "columns with coordinates as x and y",
            )
        )
    side = parts["side"].astype("int64") * np.where(parts["unit"] == "km", 1000, 1)
    epsg = parts["crs"].fillna(str(EUROPEAN)).astype("int64")
    problems = [
        Problem(
            f"cells of different {what} are mixed ({name_some(sorted(found.unique()))})",
            "give one file for each, and read them one by one",
        )
        for what, found in (("sides", side), ("coordinate systems", epsg))
        if found.nunique() > 1
    ]
    if problems:
        raise DataError(problems)
    one = int(side.iloc[0])
    # Only a code that names its coordinate system has its corner in metres.
    unit = np.where(parts["crs"].isna(), 10 ** _final_zeros(one), 1)
    x = parts["x"].astype("int64") * unit * np.where(parts["ew"] == "W", -1, 1)
    y = parts["y"].astype("int64") * unit * np.where(parts["ns"] == "S", -1, 1)
    return x.to_numpy(np.int64), y.to_numpy(np.int64), one, int(epsg.iloc[0])


def cell_codes(x: np.ndarray, y: np.ndarray, side: int, epsg: int) -> pd.Index:
    """Long INSPIRE codes of cells with these lower left corners (m).

    Examples
    --------
    >>> list(cell_codes(np.array([4507500]), np.array([2951500]), 100, 3035))
    ['CRS3035RES100mN2951500E4507500']
    """
    east, north = pd.Series(x), pd.Series(y)
    text = (
        f"CRS{epsg}RES{side}m"
        + pd.Series(np.where(y < 0, "S", "N"))
        + north.abs().astype("str")
        + pd.Series(np.where(x < 0, "W", "E"))
        + east.abs().astype("str")
    )
    return pd.Index(text)


def _final_zeros(side: int) -> int:
    return len(str(side)) - len(str(side).rstrip("0"))
