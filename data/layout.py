"""Official tables as they are published: a description in TOML in place of code for every office.

    name = "Kommunal election, statistical office of X"
    source = "..."
    [file]                  # separator, decimal, thousands, encoding, skip, missing, flags
    separator = ";"
    decimal = ","
    missing = ["..", "x"]
    [columns]               # column of ours = column of the file
    id = "Code"
    valid = "Valid votes"
    [long]                  # only where each area has one row per party
    party = "List"
    votes = "Votes"
    [keep]                  # only rows with one of these values
    Year = ["2023"]
    [split]                 # only where the first column holds several, as Eurostat's does
    separator = ","

`like` names another description whose values hold where this one has none: ``like = "cbs_statline"`` takes
those that are part of this package (`KNOWN`).
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some

_HERE = Path(__file__).resolve().parent / "layouts"
#: Descriptions that are part of this package.
KNOWN = tuple(sorted(one.stem for one in _HERE.glob("*.toml")))
_SECTIONS = {
    "file": {"separator", "decimal", "thousands", "encoding", "skip", "missing", "flags"},
    "columns": None,
    "long": {"party", "votes"},
    "keep": None,
    "split": {"separator"},
}
_NO_VALUE = ("", "NA", "NaN", "nan")


@dataclass(frozen=True)
class Layout:
    """How a table is laid out; see the module's description.

    Attributes
    ----------
    name, source
        What the table is, and what to cite.
    separator, decimal, thousands, encoding
        Of the text.
    skip
        Lines before the header.
    missing
        Cells without a value, blanks around them removed.
    flags
        Letters that may follow a number, after a blank or not.
    columns
        Column of ours to column of the file.
    party, votes
        Of a table with one row per area and party: the columns that name the party and hold its votes.
    keep
        Column of the file to the values of the rows that are wanted.
    split
        Separator within the first column, where it holds several.
    """

    name: str
    source: str = ""
    separator: str = ","
    decimal: str = "."
    thousands: str = ""
    encoding: str = "utf-8-sig"
    skip: int = 0
    missing: tuple[str, ...] = ()
    flags: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    party: str = ""
    votes: str = ""
    keep: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    split: str = ""


def read_layout(path: str | Path) -> Layout:
    """Read a description.

    Parameters
    ----------
    path
        A TOML file, or one of `KNOWN`.

    Raises
    ------
    DataError
        Where the file is missing or no TOML, or has keys or values that mean nothing.
    """
    values = _load(path)
    problems = [
        Problem(
            f"layout '{path}' has an unknown section or key '{key}'", f"use {name_some(_SECTIONS, limit=9)}"
        )
        for key in values
        if key not in (*_SECTIONS, "name", "source")
    ]
    for section, allowed in _SECTIONS.items():
        given = values.get(section, {})
        strange = [] if allowed is None else [key for key in given if key not in allowed]
        if strange:
            problems.append(
                Problem(
                    f"section [{section}] of layout '{path}' has unknown keys {name_some(strange)}",
                    f"use {name_some(sorted(allowed or ()), limit=9)}",
                )
            )
    if not str(values.get("name", "")).strip():
        problems.append(Problem(f"layout '{path}' has no name", "say what the table is"))
    long = values.get("long", {})
    if long and set(long) != {"party", "votes"}:
        problems.append(Problem(f"section [long] of layout '{path}' is incomplete", "give party and votes"))
    if problems:
        raise DataError(problems)
    file = dict(values.get("file", {}))
    return Layout(
        name=values["name"],
        source=values.get("source", ""),
        **{**file, "missing": tuple(file.get("missing", ()))},
        columns=dict(values.get("columns", {})),
        party=long.get("party", ""),
        votes=long.get("votes", ""),
        keep={key: tuple(map(str, one)) for key, one in values.get("keep", {}).items()},
        split=values.get("split", {}).get("separator", ""),
    )


def read_official(path: str | Path, layout: Layout) -> pd.DataFrame:
    """Read an official table as its layout says.

    Returns
    -------
    DataFrame
        One row per area, indexed by `id` (text); the columns that the layout names, as numbers where every
        cell that holds a value is one; of a long table one column for each party, NaN where an area has no
        row for it. Missing and suppressed cells are NaN: they are never zero.

    Raises
    ------
    DataError
        Where the file is missing or cannot be read, lacks a column, has no row to keep, or repeats ids.
    """
    path = Path(path)
    table = _text(path, layout)
    if layout.split:
        table = _split(path, table, layout.split)
    wanted = [*layout.columns.values(), *layout.keep, *(one for one in (layout.party, layout.votes) if one)]
    problems = []
    if "id" not in layout.columns:
        problems.append(
            Problem(f"layout '{layout.name}' does not say which column has ids", "add id to [columns]")
        )
    lacking = [one for one in wanted if one not in table]
    if lacking:
        problems.append(
            Problem(
                f"file '{path.name}' has no columns {name_some(lacking)}",
                f"choose from {name_some(table.columns, limit=20)}",
            )
        )
    if problems:
        raise DataError(problems)
    for column, values in layout.keep.items():
        table = table[table[column].isin(values)]
        if table.empty:
            raise DataError(
                Problem(
                    f"no row of '{path.name}' has {name_some(values)} in column '{column}'",
                    "look at the column's values and mend [keep]",
                )
            )
    index = pd.Index(table[layout.columns["id"]], name="id", dtype="str")
    own = {ours: theirs for ours, theirs in layout.columns.items() if ours != "id"}
    if layout.party:
        return _wide(path, table, index, own, layout)
    _refuse_repeats(path, index)
    return pd.DataFrame(
        {ours: _numbers(table[theirs].to_numpy(dtype=object), layout) for ours, theirs in own.items()},
        index=index,
    )


def _load(path: str | Path) -> dict[str, Any]:
    file = _HERE / f"{path}.toml" if str(path) in KNOWN else Path(path)
    if not file.is_file():
        raise DataError(
            Problem(
                f"there is no layout '{path}'", f"give a TOML file, or one of {name_some(KNOWN, limit=9)}"
            )
        )
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(Problem(f"layout '{path}' is no TOML ({error})", "mend the file")) from error
    like = values.pop("like", None)
    if like is None:
        return values
    if str(like) not in KNOWN:
        raise DataError(
            Problem(
                f"layout '{path}' is like '{like}', which is unknown",
                f"use one of {name_some(KNOWN, limit=9)}",
            )
        )
    base = _load(str(like))
    merged = {**base, **values}
    for section in _SECTIONS:
        if section in base and section in values:
            merged[section] = {**base[section], **values[section]}
    return merged


def _text(path: Path, layout: Layout) -> pd.DataFrame:
    """All cells as text, blanks around them removed, gaps as missing."""
    if not path.is_file():
        raise DataError(Problem(f"there is no file '{path}'", "check the path"))
    try:
        table = pd.read_csv(
            path,
            sep=layout.separator,
            encoding=layout.encoding,
            skiprows=layout.skip,
            dtype="str",
            keep_default_na=False,
        )
    except (ValueError, UnicodeError, LookupError, OSError) as error:
        raise DataError(
            Problem(
                f"file '{path.name}' cannot be read as its layout says ({str(error).splitlines()[0]})",
                "check separator, encoding and how many lines stand before the header",
            )
        ) from error
    table.columns = [str(one).strip() for one in table.columns]
    return table.apply(lambda column: column.str.strip())


def _split(path: Path, table: pd.DataFrame, separator: str) -> pd.DataFrame:
    """The first column in its parts; what follows a backslash in its name is that of the other columns."""
    first = table.columns[0]
    names = [one.strip() for one in first.split("\\")[0].split(separator)]
    parts = table[first].str.split(separator, expand=True)
    if parts.shape[1] != len(names) or parts.isna().any(axis=None):
        raise DataError(
            Problem(
                f"the first column of '{path.name}' does not have everywhere the {len(names)} parts "
                "of its name",
                "check the separator in [split]",
            )
        )
    return pd.concat([parts.set_axis(names, axis=1), table.drop(columns=first)], axis=1)


def _wide(
    path: Path, table: pd.DataFrame, index: pd.Index, own: dict[str, str], layout: Layout
) -> pd.DataFrame:
    """One row per area of a table that has one per area and party."""
    pairs = pd.MultiIndex.from_arrays([index, table[layout.party]])
    if pairs.has_duplicates:
        twice = pairs[pairs.duplicated()]
        raise DataError(
            Problem(
                f"file '{path.name}' has {len(twice)} rows more for the same area and party "
                f"({name_some([' '.join(map(str, one)) for one in twice])})",
                "keep one year, one kind of count and one level of areas with [keep]",
            )
        )
    votes = pd.Series(_numbers(table[layout.votes].to_numpy(dtype=object), layout), index=pairs).unstack()
    votes.columns.name = None
    rest = pd.DataFrame({ours: table[theirs].to_numpy() for ours, theirs in own.items()}, index=index)
    changing = [one for one in own if (rest.groupby(level=0)[one].nunique(dropna=False) > 1).any()]
    if changing:
        raise DataError(
            Problem(
                f"columns {name_some(changing)} differ between the rows of one area",
                "name columns of the area in [columns], not of the party",
            )
        )
    rest = rest[~rest.index.duplicated()]
    for column in rest:
        rest[column] = _numbers(rest[column].to_numpy(dtype=object), layout)
    return rest.join(votes)


def _refuse_repeats(path: Path, index: pd.Index) -> None:
    twice = index[index.duplicated()].unique()
    if len(twice):
        raise DataError(
            Problem(
                f"file '{path.name}' repeats ids ({name_some(twice)})",
                "keep one year, one kind of count and one level of areas with [keep]",
            )
        )


def _numbers(cells: np.ndarray, layout: Layout) -> np.ndarray:
    """Numbers where every cell that holds a value is one; else the text as it stands."""
    text = pd.Series(cells, dtype="str")
    gap = text.isna() | text.isin([*_NO_VALUE, *layout.missing])
    plain = text.mask(gap)
    if layout.flags:
        plain = plain.str.replace(rf"\s*[{re.escape(layout.flags)}]+$", "", regex=True).str.strip()
        plain = plain.mask(plain.isin([*_NO_VALUE, *layout.missing]))
    if layout.thousands:
        plain = plain.str.replace(layout.thousands, "", regex=False)
    if layout.decimal != ".":
        plain = plain.str.replace(layout.decimal, ".", regex=False)
    numbers = pd.to_numeric(plain, errors="coerce")
    if (numbers.isna() & plain.notna()).any():
        return text.mask(gap).to_numpy(dtype=object)
    return numbers.to_numpy(np.float64)
