"""Over what an effect is averaged: districts, voters, or persons counted in a column.

============  =============================================================================================
weighting     how much district i counts
============  =============================================================================================
districts     the same as any other
voters        its valid votes; its exposure for Poisson counts; the same for shares without counts
a column      the persons that the column counts there: residents, or those entitled to vote
============  =============================================================================================

These are different questions: districts differ in size, and where the effect differs with size, so do the
averages. None of them is an average of effects on persons.
"""

import numpy as np
import pandas as pd

from spatialvote.data.districts import Districts
from spatialvote.data.errors import Problem, name_some
from spatialvote.data.findings import in_districts
from spatialvote.models.fit import Fit
from spatialvote.models.parties.fit import PartySharesFit

#: The weightings that are no column.
WEIGHTINGS = ("districts", "voters")


def district_weights(fit: Fit | PartySharesFit, districts: Districts, weighting: str) -> np.ndarray:
    """How much each district counts, shape (n,), for a weighting without `weighting_problems`."""
    if weighting == "districts":
        return np.ones(districts.n)
    if weighting == "voters":
        return fit.size.astype(np.float64)
    return districts.table[weighting].to_numpy(dtype=np.float64)


def weighting_problems(districts: Districts, weighting: str) -> list[Problem]:
    """Why districts cannot be weighed so; empty if they can."""
    if weighting in WEIGHTINGS:
        return []
    table = districts.table
    if weighting not in table or not pd.api.types.is_numeric_dtype(table[weighting]):
        what = "is unknown" if weighting not in table else "is a column without numbers"
        return [
            Problem(
                f"weighting '{weighting}' {what}",
                f"use one of {name_some(WEIGHTINGS)}, or a column that counts persons "
                f"({name_some(districts.roles.numeric_columns(), limit=12)})",
            )
        ]
    values = table[weighting].to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        return [
            Problem(
                f"weighting '{weighting}' is no number of persons {in_districts(districts.ids[bad])}",
                "weigh by a column that is 0 or more in every district",
            )
        ]
    if not values.any():
        return [Problem(f"weighting '{weighting}' is 0 in every district", "weigh by a column with persons")]
    return []


def weighting_words(weighting: str, family: str) -> str:
    """Over what an effect is averaged."""
    if weighting == "districts":
        return "averaged over districts, each counting the same"
    if weighting not in WEIGHTINGS:
        return f"averaged over districts, each counting by the persons of column ‘{weighting}’"
    if family == "gaussian":
        return "averaged over districts, each counting the same, because their numbers of votes are not known"
    return f"averaged over {'the exposure' if family == 'poisson' else 'voters'}"
