"""The votes of several parties and of the rest, where each stood, and what the whole is.

===============  =========================  ================================================
whole            shares of                  categories, the last one the logits' baseline
===============  =========================  ================================================
``valid``        valid votes                the parties; votes for all others
``electorate``   persons entitled to vote   the parties; no valid vote; votes for all others
===============  =========================  ================================================

"No valid vote" counts whoever stayed at home and whoever cast a blank or invalid ballot.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.data.findings import in_districts

WHOLES = ("valid", "electorate")
#: Names of the categories that are no party.
NO_VOTE, REST = "no valid vote", "rest"
#: How many ids of districts where a party did not stand the record of a fit names.
_NAMED = 200


@dataclass(frozen=True, eq=False)
class PartyCounts:
    """Counts of all categories.

    Attributes
    ----------
    logits
        Names of the K categories with a logit: the parties, and `NO_VOTE` where the electorate is the whole.
    counts
        Shape (n, K + 1), the rest last.
    stood
        Where each of the K can have votes, shape (n, K).
    absent
        The rule under which parties are taken not to have stood.
    """

    logits: tuple[str, ...]
    counts: np.ndarray
    stood: np.ndarray
    absent: str

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of all K + 1 categories."""
        return (*self.logits, REST)

    @property
    def size(self) -> np.ndarray:
        """Votes (or persons entitled to vote) of each district, shape (n,)."""
        return self.counts.sum(axis=1)


def read_counts(districts: Districts, parties: tuple[str, ...], whole: str, absent: str) -> PartyCounts:
    """Counts of parties and rest.

    Raises
    ------
    ModelError
        Where the districts lack counts or the electorate, where parties together have more votes than are
        valid, where valid votes exceed the electorate, where a party has no votes at all, or where nobody
        voted for anything else.
    """
    _require(districts, parties, whole)
    votes = np.column_stack([districts.votes(party) for party in parties]).astype(np.float64)
    valid, ids = districts.valid.astype(np.float64), districts.ids.to_numpy()
    problems = [
        Problem(f"party '{party}' has no votes everywhere", "leave it out of the formula")
        for party, column in zip(parties, votes.T, strict=True)
        if not column.any()
    ]
    rest = valid - votes.sum(axis=1)
    if (rest < 0).any():
        problems.append(
            Problem(
                f"the parties together have more votes than are valid {in_districts(ids[rest < 0])}",
                "check that no party is counted twice, and that 'valid' is the number of valid votes",
            )
        )
    elif not rest.any():
        problems.append(
            Problem(
                "the parties have all votes, so no rest is left to compare them with",
                "leave the largest party out of the formula: it then is the rest",
            )
        )
    columns, stood = [votes], votes > 0 if absent == "zero votes" else np.ones(votes.shape, dtype=bool)
    logits = parties
    if whole == "electorate":
        without = _electorate(districts) - valid
        if (without < 0).any():
            problems.append(
                Problem(
                    f"valid votes exceed the electorate {in_districts(ids[without < 0])}",
                    "people may vote there who are registered elsewhere (with a voter pass): leave these "
                    "districts out or join them with their neighbours, or use whole='valid'",
                )
            )
        elif not without.any():
            problems.append(
                Problem("everybody cast a valid vote", "use whole='valid': turnout leaves nothing to explain")
            )
        columns.append(without[:, None])
        stood = np.column_stack([stood, np.ones(districts.n, dtype=bool)])
        logits = (*parties, NO_VOTE)
    if problems:
        raise ModelError(problems)
    return PartyCounts(logits, np.column_stack([*columns, rest[:, None]]), stood, absent)


def _electorate(districts: Districts) -> np.ndarray:
    return districts.table[districts.roles.electorate].to_numpy(dtype=np.float64)


def _require(districts: Districts, parties: tuple[str, ...], whole: str) -> None:
    roles = districts.roles
    unknown = [party for party in parties if party not in roles.votes]
    problems = []
    if unknown:
        problems.append(
            Problem(
                f"the formula asks for {name_some(unknown)}, without votes in these districts",
                f"use some of {name_some(roles.votes, limit=10)}",
            )
        )
    if roles.valid is None:
        problems.append(
            Problem(
                "several parties need counts of votes and the role 'valid', which these districts lack",
                "name the column with valid votes when reading",
            )
        )
    if whole == "electorate" and roles.electorate is None:
        problems.append(
            Problem(
                "whole='electorate' needs the role 'electorate', which these districts lack",
                "name the column with persons entitled to vote when reading, or use whole='valid'",
            )
        )
    if problems:
        raise ModelError(problems)


def absence_record(counts: PartyCounts, districts: Districts) -> dict[str, Any]:
    """What the record of a fit says about districts where parties did not stand, as plain values."""
    gone = {
        name: list(districts.ids[~column])
        for name, column in zip(counts.logits, counts.stood.T, strict=True)
        if not column.all()
    }
    return {
        "rule": counts.absent,
        "parties": {name: {"count": len(ids), "ids": ids[:_NAMED]} for name, ids in gone.items()},
    }
