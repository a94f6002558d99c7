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

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
