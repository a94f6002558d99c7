"""Read the index's published tables, long or wide, CSV or Excel, with a mapping file for their names."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.policy import PolicyScores
from spatialvote.data.policy_areas import AREAS, COUNTRIES, OVERALL, area_name, country_code
from spatialvote.data.table_files import lacking_columns
from spatialvote.data.text_table import numbers, read_text_table, rows_named

LAYOUTS = ("long", "wide")
_COLUMNS = ("country", "year", "area", "score")


@dataclass(frozen=True)
class PolicyMapping:
    """What a table calls its columns, areas and countries.

    Attributes
    ----------
    layout
        ``"long"``: one row for each country, year and area; ``"wide"``: one for each country and year, with a
        column for each area; None: wide where columns are named as areas are, else long.
    columns
        ``country``, ``year``, ``area``, ``score`` to the table's column; by default columns of these names.
        Without a column ``year`` the year must be given when reading.
    areas
        The table's name of an area (a value, or a column of a wide table) to one of `AREAS`.
    countries
        The table's name of a country to a code or name of the index.
    """

    layout: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    areas: Mapping[str, str] = field(default_factory=dict)
    countries: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = []
        if self.layout is not None and self.layout not in LAYOUTS:
            problems.append(Problem(f"layout of a mapping is '{self.layout}'", "it must be 'long' or 'wide'"))
        for key in self.columns:
            if key not in _COLUMNS:
                problems.append(
                    Problem(f"a mapping's [columns] has no key '{key}'", f"choose from {', '.join(_COLUMNS)}")
                )
        problems += [
            Problem(f"the mapping calls '{name}' the area '{area}'", f"choose from {', '.join(AREAS)}")
            for name, area in self.areas.items()
            if area not in AREAS
        ]
        problems += [
            Problem(f"the mapping calls '{name}' the country '{country}'", _near(country))
            for name, country in self.countries.items()
            if country_code(country) is None
        ]
        if problems:
            raise DataError(problems)


def read_policy_mapping(path: str | Path) -> PolicyMapping:
    """Read a mapping from a TOML file with ``layout`` and tables ``[columns]``, ``[areas]``, ``[countries]``.

    Raises
    ------
    DataError
        If the file is missing, no TOML, or has other keys.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(Problem(f"there is no mapping file '{path}'", "check the path"))
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(
            Problem(f"mapping file '{path.name}' is no TOML ({error})", "mend the line that is named")
        ) from error
    allowed = {"layout": str, "columns": dict, "areas": dict, "countries": dict}
    problems = [
        Problem(f"mapping file '{path.name}' has a key '{key}'", f"choose from {', '.join(allowed)}")
        for key in raw
        if key not in allowed
    ]
    for key, kind in allowed.items():
        value = raw.get(key)
        texts = not isinstance(value, dict) or all(isinstance(one, str) for one in value.values())
        if value is not None and not (isinstance(value, kind) and texts):
            wanted = "text" if kind is str else "table of texts"
            example = 'layout = "long"' if kind is str else "name in the table = name of the index"
            problems.append(
                Problem(f"{key} of mapping file '{path.name}' is no {wanted}", f"write {example}")
            )
    if problems:
        raise DataError(problems)
    return PolicyMapping(**raw)


def read_policy(
    path: str | Path,
    *,
    mapping: PolicyMapping | None = None,
    year: int | None = None,
    sheet: str | None = None,
    gaps: str = "refuse",
    source: str = "",
    simulated: bool = False,
) -> PolicyScores:
    """Read policy scores from a table.

    Parameters
    ----------
    path
        CSV or Excel (``.xlsx``, which needs ``spatialvote[excel]``).
    mapping
        What the table calls things; see `PolicyMapping`.
    year
        Edition of a table without a column for it.
    sheet
        Sheet of a workbook that has several.
    gaps
        ``"refuse"``: all eight areas of all 27 members are needed in each edition; ``"name"``: what is
        missing is left out and named beside every result.
    source
        Where the table comes from; by default the file's name.
    simulated
        True where the scores are invented; a file with a column ``simulated`` that says true tells so itself.

    Raises
    ------
    DataError
        With every problem found.
    """
    if gaps not in ("refuse", "name"):
        raise DataError(Problem(f"gaps is '{gaps}'", "it must be 'refuse' or 'name'"))
    path = Path(path)
    mapping = mapping or PolicyMapping()
    frame = read_text_table(path, sheet)
    lower = {str(column).lower(): str(column) for column in frame.columns}
    columns = {key: mapping.columns.get(key, lower.get(key, key)) for key in _COLUMNS}
    area_columns = [c for c in frame.columns if c in mapping.areas or area_name(str(c)) is not None]
    wide = bool(area_columns) if mapping.layout is None else mapping.layout == "wide"
    wanted = [columns["country"], *([] if wide else [columns["area"], columns["score"]])]
    dated = columns["year"] in frame.columns
    if year is None or "year" in mapping.columns:
        wanted.append(columns["year"])
    problems = lacking_columns(f"file '{path.name}'", frame.columns, wanted)
    if wide and not area_columns:
        problems.append(
            Problem(
                f"'{path.name}' has no column of a policy area", "name the columns in [areas] of the mapping"
            )
        )
    if problems:
        raise DataError(problems)
    says = frame["simulated"].str.lower().eq("true").any() if "simulated" in frame.columns else False
    rows = frame.assign(_row=range(len(frame)))
    if not dated:
        rows[columns["year"]] = str(year)
    if wide:
        long = rows.melt(
            id_vars=["_row", columns["country"], columns["year"]],
            value_vars=area_columns,
            var_name="_area",
            value_name="_score",
        )
        columns |= {"area": "_area", "score": "_score"}
    else:
        long = rows
    table, notes, problems = _translate(long, columns, mapping, path.name)
    if problems:
        raise DataError(problems)
    return PolicyScores(
        table, source or path.name, simulated=bool(simulated or says), allow_gaps=gaps == "name", notes=notes
    )


def _translate(
    long: pd.DataFrame, columns: Mapping[str, str], mapping: PolicyMapping, file: str
) -> tuple[pd.DataFrame, tuple[str, ...], list[Problem]]:
    """The long table in the package's own words, remarks, and what is wrong with it."""
    notes = []
    area_texts = long[columns["area"]].astype("str")
    overall = area_texts.str.lower().str.strip().isin(OVERALL) & ~area_texts.isin(list(mapping.areas))
    if overall.any():
        notes.append(
            f"{int(overall.sum())} rows of overall scores were left out: they are means of the areas"
        )
        long = long[~overall]
    # An empty cell of a table is a score that is missing, which the object then names.
    empty = long[columns["score"]].astype("str").str.strip() == ""
    if empty.any():
        notes.append(f"{int(empty.sum())} cells without a score were left out")
        long = long[~empty]
    problems = []
    score, wrong = numbers(long, columns["score"], file)
    problems += wrong
    year, wrong = numbers(long, columns["year"], file)
    problems += wrong
    countries = {text: country_code(mapping.countries.get(text, text)) for text in long[columns["country"]]}
    areas = {text: mapping.areas.get(text) or area_name(text) for text in long[columns["area"]]}
    for kind, found, advice in (
        ("country", countries, _near),
        ("area", areas, lambda text: _nearest(text, AREAS, "areas")),
    ):
        for text in [text for text, code in found.items() if code is None][:5]:
            rows = np.unique(long.loc[long[columns[kind]] == text, "_row"].to_numpy())
            what = "country" if kind == "country" else "policy area"
            problems.append(
                Problem(f"'{text}' in {rows_named(rows)} of '{file}' is no {what} of the index", advice(text))
            )
    undated = pd.isna(year)
    if undated.any() and not problems:
        problems.append(
            Problem(
                f"year is empty in {rows_named(long['_row'].to_numpy()[undated])} of '{file}'",
                "give each row the year of its edition",
            )
        )
    table = pd.DataFrame(
        {
            "country": [countries[text] for text in long[columns["country"]]],
            "year": year,
            "area": [areas[text] for text in long[columns["area"]]],
            "score": score,
        }
    )
    return table, tuple(notes), problems


def _near(country: str) -> str:
    return _nearest(country, COUNTRIES.values(), "countries")


def _nearest(text: str, names, what: str) -> str:
    """Advice that names the nearest of some names, or where to say what is meant."""
    names = list(names)
    lower = {name.lower(): name for name in names}
    near = get_close_matches(str(text).lower(), list(lower), n=2, cutoff=0.6)
    where = f"say in [{what}] of the mapping which it is, or leave its rows out"
    return f"did you mean {name_some([lower[one] for one in near])}? {where}" if near else where
