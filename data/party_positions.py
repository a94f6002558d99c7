"""Where parties stand on immigration, as experts see them, and which ones are listed as populist.

The Chapel Hill Expert Survey asks experts to place the parties of their country. Two of its items serve here:

======================  =======================================================================
``immigrate_policy``    0: strongly favours a liberal policy on immigration; 10: strongly
                        favours a restrictive one
``immigrate_salience``  0: not important at all to the party; 10: extremely important
======================  =======================================================================

References
----------
Jolly, S., Bakker, R., Hooghe, L., Marks, G., Polk, J., Rovny, J., Steenbergen, M., Vachudova, M. A. (2022).
Chapel Hill Expert Survey trend file, 1999-2019. Electoral Studies 75.
Rooduijn, M., et al. (2023). The PopuList: a database of populist, far-left, and far-right parties using
expert-informed qualitative comparative classification (EiQCC). British Journal of Political Science.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from spatialvote.data.big_table import read_columns
from spatialvote.data.errors import DataError, Problem, name_some

#: Ends of the survey's scales.
LOWEST, HIGHEST = 0.0, 10.0


@dataclass(frozen=True, eq=False)
class PartyPositions:
    """Positions of parties as experts see them.

    Attributes
    ----------
    table
        One row per country, party and year; columns `country`, `party`, `year`, `position` and `salience`
        (0 to 10), and `spread` (standard deviation of the experts' answers, NaN where it was not
        published).
    source
        What to cite.
    """

    table: pd.DataFrame
    source: str

    def __repr__(self) -> str:
        years = sorted(self.table["year"].unique())
        return (
            f"PartyPositions({len(self.table)} parties of {self.table['country'].nunique()} countries, "
            f"{', '.join(map(str, years))})"
        )


def read_chapel_hill(
    path: str | Path,
    *,
    year: int | None = None,
    countries: str | Path | None = None,
    source: str = "Chapel Hill Expert Survey",
) -> PartyPositions:
    """Read the Chapel Hill Expert Survey.

    Parameters
    ----------
    path
        CSV of one wave (without a column of years) or of the trend file (with `year`).
    year
        Of a file of one wave.
    countries
        CSV with `CountryID` and `CountryAbbr` that names the survey's country numbers; None where the file
        names countries itself.
    source
        What to cite.

    Raises
    ------
    DataError
        Where a column is missing, a position lies outside 0 to 10, a country number has no name, or a party
        comes twice.
    """
    path = Path(path)
    raw = read_columns(
        path,
        ["country", "party", "immigrate_policy", "immigrate_salience"],
        text=["country", "party"],
        optional=["year", "immigrate_policy_sd"],
    )
    if "year" not in raw:
        if year is None:
            raise DataError(
                Problem(f"file '{path.name}' does not say of which year it is", "name it: year=2019, say")
            )
        raw["year"] = year
    if countries is not None:
        names = read_columns(Path(countries), ["CountryID", "CountryAbbr"], ["CountryID", "CountryAbbr"])
        called = names.set_index("CountryID")["CountryAbbr"]
        unknown = raw.loc[~raw["country"].isin(called.index), "country"].unique()
        if len(unknown):
            raise DataError(
                Problem(
                    f"country numbers {name_some(unknown)} have no name", "add them to the list of countries"
                )
            )
        raw["country"] = raw["country"].map(called)
    table = pd.DataFrame(
        {
            "country": raw["country"].str.strip(),
            "party": raw["party"].str.strip(),
            "year": raw["year"].astype("int64"),
            "position": _numbers(raw, "immigrate_policy"),
            "salience": _numbers(raw, "immigrate_salience"),
            "spread": _numbers(raw, "immigrate_policy_sd") if "immigrate_policy_sd" in raw else np.nan,
        }
    )
    _require_sound(path, table)
    return PartyPositions(table, source)


def read_populist(
    path: str | Path, *, country: str = "country_name", party: str = "party_name_short"
) -> pd.DataFrame:
    """Read the parties that The PopuList lists: columns `country` and `party`, each pair once."""
    raw = read_columns(Path(path), [country, party], [country, party]).dropna()
    table = raw.rename(columns={country: "country", party: "party"}).drop_duplicates()
    return table.reset_index(drop=True)


def listed_parties(path: str | Path, country: str) -> tuple[str, ...]:
    """Names of one country's parties that The PopuList lists.

    Raises
    ------
    DataError
        Where the file is missing or lacks a column, or has no party of the country.
    """
    table = read_populist(path)
    found = table.loc[table["country"] == country, "party"]
    if found.empty:
        raise DataError(
            Problem(
                f"file '{Path(path).name}' lists no party of '{country}'",
                f"name the country as it does: {name_some(sorted(table['country'].unique()), limit=40)}",
            )
        )
    return tuple(found)


def _numbers(raw: pd.DataFrame, column: str) -> pd.Series:
    return pd.to_numeric(raw[column], errors="coerce")


def _require_sound(path: Path, table: pd.DataFrame) -> None:
    problems = []
    named = table["country"] + " " + table["party"]
    for column in ("position", "salience"):
        off = (table[column] < LOWEST) | (table[column] > HIGHEST)
        if off.any():
            problems.append(
                Problem(
                    f"the {column} of {int(off.sum())} parties lies outside 0 to 10 "
                    f"({name_some(named[off])})",
                    "use the survey's own scale; codes for missing answers are no positions",
                )
            )
    twice = table.duplicated(["country", "party", "year"])
    if twice.any():
        problems.append(
            Problem(
                f"{int(twice.sum())} parties come twice in a year ({name_some(named[twice])})",
                "give one row per party and year",
            )
        )
    if table["position"].isna().all():
        problems.append(
            Problem(
                f"file '{path.name}' has no positions on immigration", "give the survey's party-level file"
            )
        )
    if problems:
        raise DataError(problems)
