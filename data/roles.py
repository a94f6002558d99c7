"""What each column of a district table means: identifiers, votes, migrants, covariates, levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from spatialvote.data.origin_groups import OriginGroup, counted_words

if TYPE_CHECKING:
    from spatialvote.data.uncertain import Uncertain

#: How many column units make one whole share, for the units in which a share can be given.
SHARE_UNITS: Mapping[str, float] = MappingProxyType(
    {"fraction": 1.0, "percent": 100.0, "per thousand": 1e3, "per ten thousand": 1e4}
)


@dataclass(frozen=True)
class Roles:
    """The roles of a table's columns.

    Attributes
    ----------
    id
        Column that identifies a district; values are compared as text.
    votes
        Party name to the column with its votes (counts); for disease counts, outcome name to cases. Where
        neither valid votes nor an exposure is named, the columns hold shares (`shares_only`).
    valid
        Column with valid votes, the binomial denominator. None for Poisson counts and for shares.
    exposure
        Column with the expected count or the population at risk, for Poisson counts.
    electorate
        Column with the number of persons entitled to vote.
    migrants
        Column with the concentration of migrants; its unit must be one of `SHARE_UNITS`.
    covariates
        Further columns that may enter a formula (education, income, ...).
    groups
        Columns that name the level a district belongs to (municipality, state, country).
    label
        Column with a district's name, for people to read.
    units
        Column to unit: one of `SHARE_UNITS` for shares, else free text ("1000 EUR").
    names
        Column to what it is called in sentences, tables and maps ("residents with migration background");
        the name of a column of votes is that of its party.
    definitions
        Column to the origin groups whose members it counts, in the migrants' column and others like it; all
        of one scheme.
    uncertain
        Column of migrants or covariates to how its values are not known exactly.
    """

    id: str
    votes: Mapping[str, str]
    valid: str | None = None
    exposure: str | None = None
    electorate: str | None = None
    migrants: str | None = None
    covariates: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    label: str | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    definitions: Mapping[str, tuple[OriginGroup, ...]] = field(default_factory=dict)
    uncertain: Mapping[str, Uncertain] = field(default_factory=dict)

    @property
    def shares_only(self) -> bool:
        """Whether columns of votes hold shares, in one of `SHARE_UNITS`, and the counts are not known."""
        return self.valid is None and self.exposure is None

    def points(self, column: str, points: float) -> float:
        """Convert percentage points to the unit of a share column (10 points of a fraction: 0.1).

        Raises
        ------
        KeyError
            If the column's unit is not one of `SHARE_UNITS`.
        """
        return points / 100 * SHARE_UNITS[self.units[column]]

    def called(self, column: str) -> str:
        """What a column is called before people: its name, or the column itself where it has none."""
        return self.names.get(column, column)

    def party_called(self, party: str) -> str:
        """What a party is called before people: the name of its column, or the party itself."""
        return self.names.get(self.votes[party], party)

    def counted(self, *columns: str | None) -> str:
        """Who is counted in columns, as figures and tables print it; empty where none of them says."""
        asked = [self.definitions.get(one, ()) for one in columns if one is not None]
        return counted_words(dict.fromkeys(group for groups in asked for group in groups))

    def numeric_columns(self) -> tuple[str, ...]:
        """All columns that must hold numbers, in the order of their roles, each once."""
        single = (self.valid, self.exposure, self.electorate, self.migrants)
        further = [column for one in self.uncertain.values() for column in one.columns().values()]
        ordered = [*self.votes.values(), *(c for c in single if c), *self.covariates, *further]
        return tuple(dict.fromkeys(ordered))
