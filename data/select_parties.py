"""Choose the parties against immigration by a rule, not by taste.

A party is chosen where its position on immigration, and if asked for its salience, is at least a threshold on
the survey's scale (`spatialvote.data.party_positions`). The threshold is the analyst's choice, so what one
higher or lower would choose is told with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.party_positions import HIGHEST, LOWEST, PartyPositions

#: How far above and below the threshold other choices are told.
NEARBY = 1.0


@dataclass(frozen=True, eq=False)
class PartyChoice:
    """Parties chosen by a rule.

    Attributes
    ----------
    country, year, threshold, salience
        What was asked for; `salience` None where it was not.
    parties
        Those chosen, the most restrictive first.
    table
        Every party of the country and year, most restrictive first: `position`, `salience`, `spread`,
        `chosen`, and `listed` where a list was given.
    source
        What to cite.
    """

    country: str
    year: int
    threshold: float
    salience: float | None
    parties: tuple[str, ...]
    table: pd.DataFrame
    source: str

    def at(self, threshold: float) -> tuple[str, ...]:
        """The parties that another threshold would choose."""
        return _chosen(self.table, threshold, self.salience)

    @property
    def words(self) -> str:
        """The rule, what it chose, and what thresholds one higher and one lower would choose."""
        rule = f"position on immigration at least {self.threshold:g} of {HIGHEST:g}"
        if self.salience is not None:
            rule += f" and salience at least {self.salience:g}"
        told = [
            f"{party} ({row['position']:.1f}{_spread(row['spread'])})"
            for party, row in self.table.loc[list(self.parties)].iterrows()
        ]
        others = [
            f"{at:g} would {_difference(self.parties, self.at(at))}"
            for at in (self.threshold - NEARBY, self.threshold + NEARBY)
            if LOWEST <= at <= HIGHEST
        ]
        return (
            f"Chosen by {rule} ({self.country}, {self.year}): {', '.join(told)}. A threshold of "
            f"{'; of '.join(others)}.{self._listed_words}"
        )

    @property
    def _listed_words(self) -> str:
        """Which of the parties The PopuList has, where it was asked."""
        if "listed" not in self.table:
            return ""
        on = self.table.index[self.table["listed"]]
        here = [str(one) for one in on if one in self.parties]
        others = [str(one) for one in on if one not in self.parties]
        return (
            f" Of the parties chosen The PopuList (populist, far-left and far-right parties) has "
            f"{', '.join(here) or 'none'}; of the others {', '.join(others) or 'none'}."
        )


def select_parties(
    positions: PartyPositions,
    country: str,
    year: int | None = None,
    threshold: float = 8.0,
    *,
    salience: float | None = None,
    listed: Sequence[str] | None = None,
) -> PartyChoice:
    """Choose the parties against immigration by a rule.

    Parameters
    ----------
    positions
        Of parties.
    country
        As the positions name it.
    year
        Of the survey; None: the last one of the country.
    threshold
        Least position (0 to 10).
    salience
        Least salience (0 to 10); None: any.
    listed
        Names of the country's parties that The PopuList has, told beside the positions, whether in capitals
        or not; the list chooses nothing.

    Raises
    ------
    DataError
        For an unknown country or year, a threshold off the scale, or where no party is chosen.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"country": "X", "party": ["A", "B", "C"], "year": 2019, "position": [9.5, 7.8, 2.0],
    ...      "salience": 8.0, "spread": float("nan")}
    ... )
    >>> choice = select_parties(PartyPositions(table, "invented"), "X", threshold=8)
    >>> choice.parties, choice.at(7)
    (('A',), ('A', 'B'))
    """
    problems = [
        Problem(f"{what} {value:g} is off the scale", f"give a number from {LOWEST:g} to {HIGHEST:g}")
        for what, value in (("threshold", threshold), ("salience", salience))
        if value is not None and not LOWEST <= value <= HIGHEST
    ]
    here = positions.table[positions.table["country"] == country]
    if here.empty:
        known = sorted(positions.table["country"].unique())
        problems.append(
            Problem(f"there is no country '{country}'", f"use one of {name_some(known, limit=40)}")
        )
    elif year is not None and year not in set(here["year"]):
        years = sorted(here["year"].unique())
        problems.append(
            Problem(f"'{country}' was not surveyed in {year}", f"choose from {name_some(years, limit=12)}")
        )
    if problems:
        raise DataError(problems)
    chosen_year = int(here["year"].max()) if year is None else year
    table = here[here["year"] == chosen_year].set_index("party").sort_values("position", ascending=False)
    table = table[["position", "salience", "spread"]]
    parties = _chosen(table, threshold, salience)
    if not parties:
        top = table.index[0]
        raise DataError(
            Problem(
                f"no party of '{country}' in {chosen_year} is chosen: the most restrictive is '{top}' "
                f"({table['position'].iloc[0]:.1f}, salience {table['salience'].iloc[0]:.1f})",
                "lower threshold or salience, and say so",
            )
        )
    table = table.assign(chosen=table.index.isin(parties))
    if listed is not None:
        names = {one.casefold() for one in listed}
        table["listed"] = [party.casefold() in names for party in table.index]
    return PartyChoice(country, chosen_year, threshold, salience, parties, table, positions.source)


def votes_of(choice: PartyChoice, columns: Mapping[str, str]) -> tuple[str, ...]:
    """Columns with the votes of the chosen parties.

    Parameters
    ----------
    columns
        Party, as the survey names it, to the column with its votes; a party that did not stand may be left
        out by mapping it to ``""``.

    Raises
    ------
    DataError
        Naming chosen parties that are not mapped, and where none of them stood.
    """
    lacking = [one for one in choice.parties if one not in columns]
    if lacking:
        raise DataError(
            Problem(
                f"no column is named for the chosen parties {name_some(lacking)}",
                "name the column with each party's votes, or '' where it did not stand",
            )
        )
    found = tuple(columns[one] for one in choice.parties if columns[one])
    if not found:
        raise DataError(Problem("none of the chosen parties stood", "choose another election or rule"))
    return found


def _chosen(table: pd.DataFrame, threshold: float, salience: float | None) -> tuple[str, ...]:
    chosen = table["position"] >= threshold
    if salience is not None:
        chosen &= table["salience"] >= salience
    return tuple(map(str, table.index[chosen]))


def _spread(value: float) -> str:
    return "" if np.isnan(value) else f", experts' sd {value:.1f}"


def _difference(these: Sequence[str], those: Sequence[str]) -> str:
    added = [one for one in those if one not in these]
    gone = [one for one in these if one not in those]
    if not added and not gone:
        return "choose the same"
    parts = [f"add {', '.join(added)}"] if added else []
    parts += [f"leave out {', '.join(gone)}"] if gone else []
    return " and ".join(parts)
