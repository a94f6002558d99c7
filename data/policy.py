"""`PolicyScores`: a validated table of MIPEX scores by country, year and policy area."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.policy_areas import AREAS, COUNTRIES, EU27, country_code

KEYS = ("country", "year", "area")


@dataclass(frozen=True, eq=False)
class PolicyScores:
    """Scores of countries in MIPEX's eight policy areas, one edition or several.

    Attributes
    ----------
    table
        Columns ``country`` (ISO alpha-3), ``year`` (whole), ``area`` (one of `AREAS`), ``score`` (0-100);
        each combination at most once, sorted.
    source
        Where the scores come from.
    simulated
        True where the scores are invented.
    allow_gaps
        Whether scores may be missing for members of the EU-27; they are named wherever a result is shown.
    notes
        What was done while reading that a reader should know.

    Raises
    ------
    DataError
        With every problem: unknown countries or areas, scores out of 0-100 or on 0-1, repeated rows, and,
        unless `allow_gaps`, missing scores of the EU-27.
    """

    table: pd.DataFrame
    source: str = ""
    simulated: bool = False
    allow_gaps: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = _problems(self.table)
        if not problems and not self.allow_gaps:
            problems = [_gap_problem(year, self.gaps(year)) for year in self.years if self.gaps(year)]
        if problems:
            raise DataError(problems)
        ordered = self.table[[*KEYS, "score"]].astype({"year": np.int64, "score": np.float64})
        place = ordered["area"].map(AREAS.index)
        ordered = ordered.assign(place=place).sort_values(["year", "country", "place"])
        object.__setattr__(self, "table", ordered.drop(columns="place").reset_index(drop=True))

    def __repr__(self) -> str:
        years = ", ".join(map(str, self.years))
        gaps = sum(len(self.gaps(year)) for year in self.years)
        invented = ", simulated" if self.simulated else ""
        return (
            f"PolicyScores({self.table['country'].nunique()} countries, {years}: {len(self.table)} scores, "
            f"{gaps} missing of the EU-27{invented})"
        )

    @property
    def years(self) -> tuple[int, ...]:
        """Editions, ascending."""
        return tuple(sorted(int(year) for year in self.table["year"].unique()))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the table."""
        return hashlib.sha256(self.table.to_csv(index=False).encode()).hexdigest()

    def edition(self, year: int | None = None) -> pd.DataFrame:
        """Scores of one edition (default: the latest), index country, columns `AREAS`, NaN where missing.

        Raises
        ------
        DataError
            If there is no such edition.
        """
        year = self.years[-1] if year is None else year
        if year not in self.years:
            raise DataError(
                Problem(f"there are no scores of {year}", f"choose from {', '.join(map(str, self.years))}")
            )
        rows = self.table[self.table["year"] == year]
        return rows.pivot(index="country", columns="area", values="score").reindex(columns=list(AREAS))

    def gaps(self, year: int) -> tuple[tuple[str, str], ...]:
        """Pairs of country and area of the EU-27 without a score in an edition."""
        rows = self.table[self.table["year"] == year]
        there = set(zip(rows["country"], rows["area"], strict=True))
        return tuple((country, area) for country in EU27 for area in AREAS if (country, area) not in there)

    def code(self, country: str) -> str:
        """Code of a country given by code or name.

        Raises
        ------
        DataError
            If the index has no such country, or these scores do not.
        """
        code = country_code(country)
        if code is None or code not in set(self.table["country"]):
            known = sorted(COUNTRIES[one] for one in self.table["country"].unique())
            raise DataError(Problem(f"there are no scores of '{country}'", f"choose from {', '.join(known)}"))
        return code


def _problems(table: pd.DataFrame) -> list[Problem]:
    lacking = [column for column in (*KEYS, "score") if column not in table.columns]
    if lacking:
        return [Problem(f"scores have no column {name_some(lacking)}", "give country, year, area and score")]
    if table.empty:
        return [Problem("there are no scores", "give at least one edition")]
    problems = []
    unknown = sorted({str(one) for one in table["country"]} - set(COUNTRIES))
    if unknown:
        problems.append(
            Problem(
                f"scores are given for what is no country of the index ({name_some(unknown)})",
                "use ISO alpha-3 codes",
            )
        )
    areas = sorted({str(one) for one in table["area"]} - set(AREAS))
    if areas:
        problems.append(
            Problem(
                f"scores are given for what is no policy area ({name_some(areas)})",
                f"the areas are {', '.join(AREAS)}",
            )
        )
    years = pd.to_numeric(table["year"], errors="coerce")
    if not years.between(1990, 2100).all() or (years % 1 != 0).any():
        odd = table.loc[~years.between(1990, 2100) | (years % 1 != 0), "year"]
        problems.append(Problem(f"year is {name_some(odd)}", "give the year of the edition, such as 2019"))
    twice = table[table.duplicated(list(KEYS))]
    if len(twice):
        names = [f"{one.country} {one.year:g} {one.area}" for one in twice.itertuples()]
        problems.append(
            Problem(
                f"{len(twice)} scores are given more than once ({name_some(names)})",
                "keep one row for each country, year and area",
            )
        )
    return problems + _score_problems(table)


def _score_problems(table: pd.DataFrame) -> list[Problem]:
    score = pd.to_numeric(table["score"], errors="coerce").to_numpy(dtype=np.float64)
    names = [f"{one.country} {one.year:g} {one.area}" for one in table.itertuples()]
    wrong = [
        f"{name}: {value:g}"
        for name, value in zip(names, score, strict=True)
        if not 0 <= value <= 100  # which a NaN is not either
    ]
    problems = []
    if wrong:
        problems.append(
            Problem(
                f"{len(wrong)} scores are not between 0 and 100 ({name_some(wrong)})",
                "scores are points of the index, 0 to 100",
            )
        )
    for year in pd.unique(table["year"]):
        of_year = score[(table["year"] == year).to_numpy()]
        # Of a whole edition: a single score of 1, or all of them 0, is possible.
        if len(of_year) > 1 and of_year.max() <= 1 and ((of_year > 0) & (of_year < 1)).any():
            problems.append(
                Problem(
                    f"all {len(of_year)} scores of {year:g} lie between 0 and 1 (largest {of_year.max():g})",
                    "the index runs from 0 to 100: multiply by 100 if these are fractions",
                )
            )
    return problems


def _gap_problem(year: int, gaps: tuple[tuple[str, str], ...]) -> Problem:
    """Say which scores of the EU-27 an edition lacks, whole areas and countries first."""
    areas = [area for area in AREAS if sum(gap[1] == area for gap in gaps) == len(EU27)]
    countries = [code for code in EU27 if sum(gap[0] == code for gap in gaps) == len(AREAS)]
    single = [
        f"{EU27[country]} {area}" for country, area in gaps if area not in areas and country not in countries
    ]
    parts = []
    if areas:
        parts.append(f"the area {name_some(areas, 8)} altogether")
    if countries:
        parts.append(
            f"the countr{'ies' if len(countries) > 1 else 'y'} "
            f"{name_some([EU27[code] for code in countries], 27)} altogether"
        )
    if single:
        parts.append(name_some(single, 8))
    return Problem(
        f"the edition of {year} lacks {len(gaps)} scores of the EU-27: {'; '.join(parts)}",
        "complete it, or allow gaps, which are then named beside every result",
    )
