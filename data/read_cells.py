"""`read_cells`: persons by origin on a grid, from CSV or Parquet as statistical offices publish them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError

from spatialvote.data.big_table import read_columns
from spatialvote.data.cell_codes import cell_codes, parse_codes
from spatialvote.data.cells import Cells
from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.table_files import lacking_columns

COORDINATES = ("corner", "centre")
#: Name of all residents among the groups.
TOTAL = "persons"


def read_cells(
    source: str | Path | pd.DataFrame,
    *,
    persons: Mapping[str, str],
    total: str = TOTAL,
    cell: str | None = None,
    x: str | None = None,
    y: str | None = None,
    coordinates: str = "corner",
    side: int | None = None,
    crs: str | int | None = None,
    origin: str | None = None,
    count: str | None = None,
    suppressed: float | None = None,
    keep: Iterable[str] | None = None,
    definitions: Mapping[str, str] | None = None,
) -> Cells:
    """Read grid cells.

    Parameters
    ----------
    source
        CSV or Parquet file, or a table.
    persons
        Group to the column with its residents; in a long file (`origin`, `count`) to the value of `origin`.
    total
        Which key of `persons` stands for all residents.
    cell
        Column with INSPIRE codes of either spelling; side, corner and coordinate system follow from them.
    x, y, coordinates, side, crs
        Without codes: columns with easting and northing (m) of each cell's lower left ``"corner"`` or
        ``"centre"``, the side (m) and the coordinate system.
    origin, count
        Of a long file, one row per cell and origin: the column that names the origin, and that with persons.
        A cell without a row for an origin has nobody of it.
    suppressed
        Persons to put where the office gives none (its threshold divided by two, say); None refuses gaps.
    keep
        Codes of the cells to keep, from `cells_within` for instance; None: all.
    definitions
        Group to its definition.

    Raises
    ------
    DataError
        With everything that is wrong with arguments or cells.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"GRD_ID": ["100mN29515E45075", "100mN29515E45076"], "all": [40, 25], "non_eu": [8, 0]}
    ... )
    >>> read_cells(table, cell="GRD_ID", persons={"persons": "all", "third country": "non_eu"})
    Cells(2 of 100 m, 65 residents, groups: third country)
    """
    _require_arguments(persons, total, cell, x, y, coordinates, side, crs, origin, count)
    places = [cell] if cell is not None else [str(x), str(y)]
    values = [str(origin), str(count)] if origin is not None else list(persons.values())
    text = [*([cell] if cell is not None else []), *([str(origin)] if origin is not None else [])]
    if isinstance(source, str | Path):
        table = read_columns(Path(source), [*places, *values], text)
    else:
        if lacking := lacking_columns("the table", source.columns, (*places, *values)):
            raise DataError(lacking)
        table = source[[*places, *values]].astype(dict.fromkeys(text, "str"))
    table = table.reset_index(drop=True)
    if origin is not None:
        table = _wide(table, places, str(origin), str(count), persons)
    if cell is not None:
        east, north, width, epsg = parse_codes(table[cell])
        system = CRS.from_epsg(epsg)
    else:
        width, system = int(side or 0), _crs(crs)
        east, north = _corners(table[str(x)], table[str(y)], width, coordinates)
        epsg = system.to_epsg() or 0
    ids = cell_codes(east, north, width, epsg)
    numbers, notes = _persons(table, persons, ids, suppressed)
    order = [total, *(one for one in persons if one != total)]
    numbers = numbers[order].set_index(ids.rename("cell"))
    if keep is not None:
        chosen = ids.isin(_as_codes(keep))
        if not chosen.any():
            raise DataError(
                Problem(
                    "no cell of the file is among those to keep", "check that both speak of the same cities"
                )
            )
        numbers, east, north = numbers[chosen], east[chosen], north[chosen]
        notes.append(f"{int(chosen.sum()):,} of {len(chosen):,} cells were kept")
    given = {"persons": dict(persons), "cell": cell, "x": x, "y": y, "side": side, "crs": crs}
    given |= {"origin": origin, "count": count, "suppressed": suppressed}
    given |= {"total": None if total == TOTAL else total}
    given |= {"coordinates": None if coordinates == "corner" else coordinates}
    read = {"source": Path(source).name} if isinstance(source, str | Path) else {}
    return Cells(
        numbers,
        total,
        tuple(order[1:]),
        east,
        north,
        width,
        system,
        dict(definitions or {}),
        tuple(notes),
        read | {name: one for name, one in given.items() if one is not None} if read and keep is None else {},
    )


def cells_within(relation: str | Path, cell: str, column: str, value: str) -> pd.Index:
    """Codes of the cells that a relation table puts in a unit (a city, a functional urban area, a region).

    Raises
    ------
    DataError
        Where the table is missing, lacks a column, or knows no such unit.
    """
    table = read_columns(Path(relation), [cell, column], [cell, column])
    chosen = table[cell][table[column].str.strip() == value]
    if chosen.empty:
        raise DataError(
            Problem(
                f"'{column}' of the relation table is nowhere '{value}'",
                f"choose from {name_some(sorted(table[column].dropna().unique()), limit=10)}",
            )
        )
    return _as_codes(chosen)


def _as_codes(codes: Iterable[str]) -> pd.Index:
    """The long spelling of codes of either spelling."""
    x, y, side, epsg = parse_codes(pd.Series(list(codes), dtype="str"))
    return cell_codes(x, y, side, epsg)


def _require_arguments(persons, total, cell, x, y, coordinates, side, crs, origin, count) -> None:
    problems = []
    if total not in persons:
        problems.append(
            Problem(
                f"persons does not say which column has all residents ('{total}')",
                f"add '{total}' to persons, or name another key as total",
            )
        )
    by_place = {"x": x, "y": y, "side": side, "crs": crs}
    if cell is None:
        lacking = [name for name, given in by_place.items() if given is None]
        if lacking:
            problems.append(
                Problem(
                    f"cells have neither codes nor {name_some(lacking, limit=4)}",
                    "name the column with codes as cell, or all of x, y, side and crs",
                )
            )
    elif given := [name for name, one in by_place.items() if one is not None]:
        problems.append(
            Problem(f"codes and {name_some(given, limit=4)} are both given", "codes say it all: leave it out")
        )
    if side is not None and (isinstance(side, bool) or not isinstance(side, int) or side < 1):
        problems.append(Problem(f"side must be whole metres above 0, got {side!r}", "give 100, say"))
    if coordinates not in COORDINATES:
        problems.append(Problem(f"coordinates '{coordinates}' are unknown", f"use {name_some(COORDINATES)}"))
    if (origin is None) != (count is None):
        problems.append(Problem("a long file needs both origin and count", "name both columns"))
    twice = [one for one in persons.values() if list(persons.values()).count(one) > 1]
    if twice:
        problems.append(
            Problem(f"column '{twice[0]}' stands for two groups", "give every group a column of its own")
        )
    if problems:
        raise DataError(problems)


def _crs(crs: str | int | None) -> CRS:
    try:
        return CRS.from_user_input(crs)
    except CRSError as error:
        raise DataError(
            Problem(f"the coordinate system '{crs}' is unknown", "give one such as 'EPSG:3035'")
        ) from error


def _corners(x: pd.Series, y: pd.Series, side: int, coordinates: str) -> tuple[np.ndarray, np.ndarray]:
    """Lower left corners in whole metres."""
    both = []
    for name, values in (("x", x), ("y", y)):
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
        bad = ~np.isfinite(numbers)
        if bad.any():
            raise DataError(
                Problem(
                    f"'{values.name}' has no number in {int(bad.sum())} rows "
                    f"({name_some(np.flatnonzero(bad) + 1)})",
                    f"give {name} in metres for every cell",
                )
            )
        both.append(numbers - (side / 2 if coordinates == "centre" else 0))
    east, north = both
    if len(east) and np.abs(np.r_[east, north]).max() <= 360:
        raise DataError(
            Problem(
                "the coordinates are degrees, not metres (none is above 360)",
                "project the cells to the grid's own coordinate system, EPSG:3035 for the European one",
            )
        )
    part = ((east % 1) != 0) | ((north % 1) != 0)
    if part.any():
        raise DataError(
            Problem(
                f"corners of {int(part.sum())} cells lie at fractions of a metre",
                f"say whether coordinates are corners or centres (now '{coordinates}'), and in which "
                "coordinate system: cells that were projected are no grid any more",
            )
        )
    return east.astype(np.int64), north.astype(np.int64)


def _wide(
    table: pd.DataFrame, places: list[str], origin: str, count: str, persons: Mapping[str, str]
) -> pd.DataFrame:
    """One row per cell of a long file, a column for each origin that is asked for."""
    there = table[origin].str.strip()
    lacking = [one for one in persons.values() if not (there == one).any()]
    if lacking:
        raise DataError(
            Problem(
                f"column '{origin}' has no {name_some(lacking)}",
                f"choose from {name_some(sorted(there.dropna().unique()), limit=20)}",
            )
        )
    asked = table[there.isin(list(persons.values()))].assign(**{origin: there})
    twice = asked.duplicated([*places, origin])
    if twice.any():
        named = asked.loc[twice, places[0]]
        raise DataError(
            Problem(
                f"{int(twice.sum())} rows repeat cell and origin ({name_some(named)})",
                "sum the rows of each cell and origin first, or filter the file by year, sex or age",
            )
        )
    # A gap in a row that is there is suppressed; a row that is not there is nobody.
    wide = asked.pivot(index=places, columns=origin, values=count)
    given = asked.assign(there=1).pivot(index=places, columns=origin, values="there")
    return wide.where(given.notna(), 0).reset_index()


def _persons(
    table: pd.DataFrame, persons: Mapping[str, str], ids: pd.Index, suppressed: float | None
) -> tuple[pd.DataFrame, list[str]]:
    """Persons as numbers by group; what an office suppressed as the user says."""
    numbers, problems, notes = {}, [], []
    for group, column in persons.items():
        values = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64, copy=True)
        text = np.isnan(values) & table[column].notna().to_numpy()
        if text.any() and suppressed is None:
            first = table[column].to_numpy(dtype=object)[text][0]
            problems.append(
                Problem(
                    f"'{column}' is no number in {int(text.sum())} cells, first '{first}' "
                    f"({name_some(ids[text])})",
                    "write numbers with a decimal point; where the office suppressed small counts, say what "
                    "to put there (suppressed=)",
                )
            )
        gaps = np.isnan(values)
        if suppressed is not None and gaps.any():
            values[gaps] = suppressed
            notes.append(f"'{group}': {int(gaps.sum()):,} suppressed cells taken as {suppressed:g} persons")
        numbers[group] = values
    if problems:
        raise DataError(problems)
    return pd.DataFrame(numbers), notes
