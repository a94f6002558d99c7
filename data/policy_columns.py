"""Scores of policy as columns beside countries or districts, so that a model can take them as moderators."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.policy import PolicyScores
from spatialvote.data.policy_areas import AREAS, country_code

#: Name of the column with the mean of all eight areas.
OVERALL_COLUMN = "policy_overall"


def column_of(area: str) -> str:
    """Name of an area's column.

    Examples
    --------
    >>> column_of("anti-discrimination")
    'policy_anti_discrimination'
    """
    return "policy_" + area.replace(" ", "_").replace("-", "_")


def policy_columns(
    scores: PolicyScores,
    countries: Sequence[str],
    years: int | Sequence[int] | None = None,
    *,
    gaps: str = "refuse",
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Scores for each row of a table of districts, elections or countries.

    A row gets the latest edition that is not after its year: policy of the future moderates nothing.

    Parameters
    ----------
    scores
        Scores.
    countries
        Country of each row, by name or code, shape (n,).
    years
        Year of each row, or one for all; None: the latest edition.
    gaps
        ``"refuse"`` or ``"name"``: scores that are missing become NaN, and are named.

    Returns
    -------
    table
        Index ``countries`` as given; a column for each of the eight areas (`column_of`), `OVERALL_COLUMN`,
        their mean (NaN where one is missing), and ``policy_edition``.
    notes
        How many countries there are, how old editions are, and what is missing.

    Raises
    ------
    DataError
        If a country is unknown or has no scores, a year precedes all editions, or scores are missing.

    Examples
    --------
    >>> from spatialvote.data.policy_simulate import simulate_policy
    >>> table, notes = policy_columns(simulate_policy(1), ["Denmark", "SWE"], 2017)
    >>> list(table["policy_edition"]), notes[0]
    ([2014, 2014], '2 countries: no more can be learnt from their policy than 2 points tell')
    """
    if gaps not in ("refuse", "name"):
        raise DataError(Problem(f"gaps is '{gaps}'", "choose 'refuse' or 'name'"))
    given = [years] * len(countries) if years is None or isinstance(years, int) else list(years)
    if len(given) != len(countries):
        raise DataError(
            Problem(
                f"{len(given)} years for {len(countries)} countries", "give one for each row, or one for all"
            )
        )
    codes = {one: country_code(one) for one in dict.fromkeys(countries)}
    unknown = [one for one, code in codes.items() if code is None]
    early = sorted({year for year in given if year is not None and year < scores.years[0]})
    problems = []
    if unknown:
        problems.append(
            Problem(f"{name_some(unknown)} is no country of the index", "give names or ISO alpha-3 codes")
        )
    if early:
        problems.append(
            Problem(
                f"no edition is as old as {name_some(map(str, early))}",
                f"the first is of {scores.years[0]}: leave earlier rows out",
            )
        )
    if problems:
        raise DataError(problems)
    editions = {year: scores.edition(year) for year in scores.years}
    # The latest edition of None is the latest of all.
    used = [max(one for one in scores.years if year is None or one <= year) for year in given]
    lines = []
    for country, edition in zip(countries, used, strict=True):
        table = editions[edition]
        code = codes[country]
        lines.append(table.loc[code].to_numpy() if code in table.index else np.full(len(AREAS), np.nan))
    values = np.array(lines).reshape(len(countries), len(AREAS))
    made = pd.DataFrame(values, index=pd.Index(countries), columns=[column_of(area) for area in AREAS])
    made[OVERALL_COLUMN] = values.mean(axis=1)
    made["policy_edition"] = used
    missing = list(
        dict.fromkeys(
            f"{countries[row]} {used[row]}: {AREAS[area]}" for row, area in np.argwhere(np.isnan(values))
        )
    )
    if missing and gaps == "refuse":
        raise DataError(
            Problem(
                f"{len(missing)} scores are missing ({name_some(missing)})",
                "leave these countries out, or say gaps='name'",
            )
        )
    number = len(set(codes.values()))
    notes = [f"{number} countries: no more can be learnt from their policy than {number} points tell"]
    ages = [year - edition for year, edition in zip(given, used, strict=True) if year is not None]
    if any(ages):
        notes.append(f"editions are up to {max(ages)} years older than what they stand beside")
    if missing:
        notes.append(f"{len(missing)} scores are missing ({name_some(missing)})")
    return made, tuple(notes)
