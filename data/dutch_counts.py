"""The Dutch count file of a municipality as published (OSV4-3): votes of every list at every polling station.

The file is a table on its side, separated by semicolons: one column for each polling station, one row for
each count. Above the table stand election, date and municipality; then names, numbers and postcodes of the
stations; how many were summoned, admitted, and how many ballots were valid, blank and invalid; then for
each list a row with its votes, and below it one for each candidate. The fifth column has the sum over all
stations.

Everything that can be checked is: sums over stations, candidates of a list, lists of a station.
"""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.table_files import require_file

#: Rows of the file to columns of the table.
COUNTS = {
    "opgeroepenen": "electorate",
    "toegelaten kiezers": "admitted",
    "geldige stembiljetten": "valid",
    "blanco stembiljetten": "blank",
    "ongeldige stembiljetten": "invalid",
    "aangetroffen stembiljetten": "ballots",
}
_TOTAL, _FIRST = 4, 5


@dataclass(frozen=True, eq=False)
class CountFile:
    """Votes by polling station.

    Attributes
    ----------
    election, day, area
        As the file names them.
    stations
        One row per polling station, indexed by its number (text): `station` (name), `postcode`,
        `electorate` (persons assigned to the station, who may vote at any other of the municipality),
        `admitted` (persons), `valid`, `blank`, `invalid`, `ballots` (votes).
    votes
        Votes of each list, same index; columns are the lists' names.
    """

    election: str
    day: date
    area: str
    stations: pd.DataFrame
    votes: pd.DataFrame

    def __repr__(self) -> str:
        return (
            f"CountFile({self.election}, {self.area}: {len(self.stations)} polling stations, "
            f"{len(self.votes.columns)} lists, {self.stations['valid'].sum():,} valid votes)"
        )

    def table(self) -> pd.DataFrame:
        """Stations and votes side by side, to be written as CSV and read as districts."""
        return self.stations.join(self.votes)


def read_dutch_counts(path: str | Path) -> CountFile:
    """Read a count file.

    Raises
    ------
    DataError
        Where the file is missing or is no such file, a number is none, a station has no number or that of
        another one, or sums do not agree; everything at once.
    """
    path = Path(path)
    rows = _rows(path)
    about = {row[0]: row[2] for row in rows if len(row) == 3 and row[0]}
    named = {row[0] or row[1]: row for row in rows if len(row) > _FIRST and not row[2].isdecimal()}
    lacking = [one for one in ("Lijstnummer", "Gebiednummer", *COUNTS) if one not in named]
    lacking += [one for one in ("Verkiezing", "Datum", "Gebied") if one not in about]
    if lacking:
        raise DataError(
            Problem(
                f"file '{path.name}' has no rows {name_some(lacking, limit=9)}",
                "give the count file of a municipality (OSV4-3) as it was published",
            )
        )
    numbers = [one.strip() for one in named["Gebiednummer"][_FIRST:]]
    twice = sorted({one for one in numbers if numbers.count(one) > 1 or not one})
    if twice:
        raise DataError(
            Problem(
                f"polling stations share numbers, or have none ({name_some(twice)})",
                "give the file as it was published",
            )
        )
    problems: list[Problem] = []
    index = pd.Index(numbers, name="station_number")
    stations = pd.DataFrame(
        {
            "station": named["Lijstnummer"][_FIRST:],
            "postcode": named.get("Postcode", [""] * (_FIRST + len(numbers)))[_FIRST:],
            **{
                column: _numbers(path, named[row], row, len(numbers), problems)
                for row, column in COUNTS.items()
            },
        },
        index=index,
    )
    votes = _votes(path, rows, index, problems)
    if not problems:
        problems += _sums(stations, votes)
    if problems:
        raise DataError(problems)
    return CountFile(about["Verkiezing"], _day(path, about["Datum"]), about["Gebied"], stations, votes)


def _rows(path: Path) -> list[list[str]]:
    require_file(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return [row for row in csv.reader(lines, delimiter=";") if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            Problem(f"file '{path.name}' cannot be read ({error})", "give it in UTF-8, as it was published")
        ) from error


def _day(path: Path, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise DataError(
            Problem(f"file '{path.name}' gives '{text}' as its day", "write it as 2023-11-22")
        ) from error


def _numbers(path: Path, row: list[str], what: str, count: int, problems: list[Problem]) -> np.ndarray:
    """Counts at the stations; their sum must be the one that the file gives."""
    cells = row[_FIRST:]
    bad = [k for k, cell in enumerate(cells) if not cell.strip().isdecimal()]
    if len(cells) != count or bad or not row[_TOTAL].strip().isdecimal():
        problems.append(
            Problem(
                f"row '{what}' of file '{path.name}' has {len(cells)} cells for {count} polling stations"
                if len(cells) != count
                else f"row '{what}' of file '{path.name}' holds no whole number in {len(bad) or 1} columns",
                "give the file as it was published",
            )
        )
        return np.zeros(count, dtype=np.int64)
    values = np.array([int(cell) for cell in cells], dtype=np.int64)
    if values.sum() != int(row[_TOTAL]):
        problems.append(
            Problem(
                f"row '{what}' sums to {values.sum()}, and the file says {row[_TOTAL]}",
                "a count was changed, or a polling station is missing",
            )
        )
    return values


def _votes(path: Path, rows: list[list[str]], index: pd.Index, problems: list[Problem]) -> pd.DataFrame:
    """Votes of each list, which must be the sum of those of its candidates."""
    votes: dict[str, np.ndarray] = {}
    candidates: dict[str, np.ndarray] = {}
    current = ""
    for row in rows:
        if len(row) <= _FIRST or row[0] == "Lijstnummer":
            continue
        if row[0].isdecimal():
            current = _unique(row[1].strip() or f"list {row[0]}", votes)
            votes[current] = _numbers(path, row, current, len(index), problems)
            candidates[current] = np.zeros(len(index), dtype=np.int64)
        elif current and row[2].isdecimal():
            candidates[current] += _numbers(path, row, f"{current}: {row[3]}", len(index), problems)
    if not votes:
        problems.append(Problem(f"file '{path.name}' has no list", "give the file as it was published"))
    if not problems:
        problems += [
            Problem(
                f"votes of '{name}' and of its candidates differ at {int((own != candidates[name]).sum())} "
                f"polling stations ({name_some(index[own != candidates[name]])})",
                "a count was changed",
            )
            for name, own in votes.items()
            if (own != candidates[name]).any()
        ]
    return pd.DataFrame(votes, index=index)


def _unique(name: str, taken: dict[str, np.ndarray]) -> str:
    """A list's name; lists without a name of their own share one."""
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name} ({number})", number + 1
    return unique


def _sums(stations: pd.DataFrame, votes: pd.DataFrame) -> list[Problem]:
    problems = []
    for what, left, right in (
        ("valid votes and the sum of all lists", stations["valid"], votes.sum(axis=1)),
        (
            "ballots found and the sum of valid, blank and invalid ones",
            stations["ballots"],
            stations[["valid", "blank", "invalid"]].sum(axis=1),
        ),
    ):
        differ = left != right
        if differ.any():
            problems.append(
                Problem(
                    f"{what} differ at {int(differ.sum())} polling stations "
                    f"({name_some(stations.index[differ])})",
                    "a count was changed, or a list is missing",
                )
            )
    return problems
