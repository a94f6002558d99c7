"""The tables of elections, long, wide or several, as one frame of numbers for each election."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from spatialvote.data.errors import Problem, name_some
from spatialvote.data.files import Source
from spatialvote.data.findings import Findings
from spatialvote.data.ids import as_text
from spatialvote.data.roles import Roles
from spatialvote.data.rows import Rows, read_rows
from spatialvote.data.validate_covariates import share_notes, share_problems
from spatialvote.data.validate_roles import missing_columns
from spatialvote.data.validate_table import count_problems

#: Stands for an election's name in the columns of a wide table.
PLACE = "{election}"
#: What to do with counts that are no whole numbers.
FRACTIONS = ("refuse", "round")


@dataclass(frozen=True, eq=False)
class OneElection:
    """One election's rows.

    Attributes
    ----------
    ids, numbers
        Id and numbers of each row; columns by their final names.
    known
        Rows where nothing is missing and somebody voted, shape (rows,).
    lacking
        Id to reason of the others.
    notes
        What a reviewer should know.
    """

    ids: np.ndarray
    numbers: pd.DataFrame
    known: np.ndarray
    lacking: Mapping[str, str]
    notes: tuple[str, ...]
    valid: str

    def valid_by_id(self) -> pd.Series:
        """Valid votes of the known rows."""
        return pd.Series(self.numbers[self.valid].to_numpy()[self.known], index=self.ids[self.known])


def split_tables(
    sources: Mapping[str, Source],
    given: Roles,
    election: str | None,
    elections: tuple[str, ...],
    fractions: str,
    findings: Findings,
) -> tuple[tuple[str, ...], tuple[float, ...], Roles, list[OneElection]]:
    """Labels and times of the elections, the roles of their columns, and each one's rows.

    Problems are kept in `findings`; one that every election has is told once.
    """
    templates = [one for one in _columns(given) if PLACE in one]
    roles = _renamed(given)
    forms = [election is not None, bool(templates), "" not in sources]
    if sum(forms) != 1:
        findings.add(
            [
                Problem(
                    "the elections' form is not told, or told twice",
                    f"name the column election= of a long table, or write {PLACE} in the columns of a wide "
                    "one, or give a file for each election",
                )
            ]
        )
        return (), (), roles, []
    if "" not in sources:
        labels = elections or tuple(sources)
        parts = {one: sources[one] for one in labels if one in sources}
        wrong = sorted(set(labels) ^ set(sources))
        if wrong:
            findings.add([Problem(f"elections {name_some(wrong)} have no file, or no name", "give both")])
    elif templates:
        labels, parts = elections, _wide(sources[""], given, roles, elections, findings)
    else:
        labels, parts = _long(sources[""], given, str(election), elections, findings)
    if len(findings):
        return labels, (), roles, []
    found: dict[Problem, list[str]] = {}
    each = []
    for label in labels:
        own = Findings()
        one = _one(label, parts[label], roles, fractions, own)
        if len(own):
            for problem in own.error().problems:
                found.setdefault(problem, []).append(label)
        else:
            each.append(one)
    for problem, where in found.items():
        prefix = "" if len(where) == len(labels) > 1 else f"election {', '.join(where)}: "
        findings.add([Problem(prefix + problem.what, problem.advice)])
    return labels, _times(labels), roles, each


def _columns(roles: Roles) -> list[str]:
    return [one for one in (*roles.numeric_columns(), roles.label) if one]


def _final(column: str) -> str:
    """What a column of a wide table is called once its election is told apart.

    Examples
    --------
    >>> _final("df_{election}")
    'df'
    """
    if PLACE not in column:
        return column
    return re.sub(r"[_\-. ]+", "_", column.replace(PLACE, "_")).strip("_-. ")


def _renamed(given: Roles) -> Roles:
    return replace(
        given,
        votes={party: _final(column) for party, column in given.votes.items()},
        valid=_final(given.valid or ""),
        electorate=given.electorate and _final(given.electorate),
        migrants=given.migrants and _final(given.migrants),
        covariates=tuple(_final(one) for one in given.covariates),
        units={_final(column): unit for column, unit in given.units.items()},
        names={_final(column): name for column, name in given.names.items()},
    )


def _wide(
    source: Source, given: Roles, roles: Roles, labels: tuple[str, ...], findings: Findings
) -> dict[str, Source]:
    old, new = _columns(given), _columns(roles)
    twice = sorted({one for one in new if new.count(one) > 1})
    if twice or "" in new:
        findings.add(
            [
                Problem(
                    f"without {PLACE} columns are called alike or nothing ({name_some(twice or [PLACE])})",
                    "give them names that differ by more than the election",
                )
            ]
        )
    if not labels:
        findings.add([Problem("a wide table came without elections=", "name them in the order of time")])
    parts = {}
    for label in labels:
        columns = {one.replace(PLACE, label): final for one, final in zip(old, new, strict=True)}
        wanted = [roles.id, *columns]
        there = [one for one in wanted if one in source.frame]
        if len(there) < len(wanted):
            absent = [one for one in wanted if one not in there]
            findings.add(
                [
                    Problem(
                        f"election {label}: '{source.path.name}' has no column {name_some(absent)}",
                        "name columns that it has, and the elections that it holds",
                    )
                ]
            )
            continue
        frame = source.frame[there].rename(columns=columns)
        parts[label] = Source(source.path, frame, None, source.notes)
    return parts


def _long(
    source: Source, given: Roles, election: str, elections: tuple[str, ...], findings: Findings
) -> tuple[tuple[str, ...], dict[str, Source]]:
    if election not in source.frame:
        findings.add(
            [Problem(f"'{source.path.name}' has no column '{election}'", "name the column with the election")]
        )
    findings.add(missing_columns(given, source.frame.columns, source.path.name))
    if len(findings):
        return (), {}
    names = as_text(source.frame[election])
    present = tuple(names.dropna().unique())
    if names.isna().any():
        findings.add(
            [Problem(f"column '{election}' is empty in {int(names.isna().sum())} rows", "name the election")]
        )
    if not elections and not all(_number(one) for one in present):
        findings.add(
            [
                Problem(
                    f"elections {name_some(present)} are no numbers, so that their order is not known",
                    "pass elections= in the order of time",
                )
            ]
        )
        return (), {}
    labels = elections or tuple(sorted(present, key=float))
    absent = [one for one in labels if one not in present]
    if absent:
        findings.add(
            [Problem(f"elections {name_some(absent)} have no row", f"the table has {name_some(present, 12)}")]
        )
    parts = {
        one: Source(
            source.path, source.frame[(names == one).to_numpy()].reset_index(drop=True), None, source.notes
        )
        for one in labels
    }
    return labels, parts


def _one(label: str, source: Source, roles: Roles, fractions: str, findings: Findings) -> OneElection:
    """Read and check one election."""
    rows = read_rows(source, roles, findings)
    notes = list(source.notes)
    if fractions == "round":
        rows, rounded = _round(rows)
        if rounded:
            notes.append(f"counts of {label} were rounded to whole votes in {rounded} districts")
    if not len(findings):
        lacking = _lacking(rows)
        known = np.array([name not in lacking for name in rows.names])
        numbers = rows.numbers[known].reset_index(drop=True)
        findings.add(count_problems(numbers, roles, rows.names[known]))
        findings.add(share_problems(numbers, roles, rows.names[known]))
        notes += share_notes(numbers, roles)
        return OneElection(
            rows.names.astype(str), rows.numbers, known, lacking, tuple(notes), str(roles.valid)
        )
    nothing = np.zeros(len(rows.names), dtype=bool)
    return OneElection(rows.names.astype(str), rows.numbers, nothing, {}, tuple(notes), str(roles.valid))


def _lacking(rows: Rows) -> dict[str, str]:
    reasons: dict[str, list[str]] = {}
    for frame, words in ((rows.empty, "no value in"), (rows.zero, "zero in")):
        for column, mask in frame.items():
            for name in rows.names[mask.to_numpy()]:
                reasons.setdefault(str(name), []).append(f"{words} '{column}'")
    return {name: "; ".join(why) for name, why in reasons.items()}


def _round(rows: Rows) -> tuple[Rows, int]:
    """Counts as whole numbers, and in how many rows one changed. Rounding keeps what is less or equal so."""
    roles = rows.roles
    counts = [one for one in (*roles.votes.values(), roles.valid, roles.electorate) if one in rows.numbers]
    whole = rows.numbers[counts].round()
    changed = (whole - rows.numbers[counts]).abs().gt(0).any(axis=1)
    return replace(rows, numbers=rows.numbers.assign(**whole)), int(changed.sum())


def _number(label: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", label) is not None


def _times(labels: Sequence[str]) -> tuple[float, ...]:
    """Labels as numbers, or 1, 2, ... where they are none."""
    if all(_number(one) for one in labels):
        return tuple(float(one) for one in labels)
    return tuple(float(one + 1) for one in range(len(labels)))
