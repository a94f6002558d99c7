"""Ids, numbers, gaps and counts of a district table: everything wrong in it, found at once."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from spatialvote.data.errors import Problem, name_some
from spatialvote.data.findings import in_districts
from spatialvote.data.ids import as_text
from spatialvote.data.roles import SHARE_UNITS, Roles

#: How far published shares, each rounded, may sum above one whole.
_ROUNDING = 0.01

#: Cells of a text file that hold no value, in lower case.
_NO_VALUE = frozenset({"", "na", "n/a", "nan", "null", "none", "#n/a", "<na>"})


def id_problems(ids: pd.Series, what: str) -> list[Problem]:
    """Say which rows have no id and which ids come more than once; `what` names column and file."""
    problems = []
    absent = np.flatnonzero(ids.isna())
    if absent.size:
        problems.append(
            Problem(
                f"{what} is empty in rows {name_some(absent + 1)}",
                "give every row an id, or delete the row",
            )
        )
    present = ids.dropna()
    twice = list(present[present.duplicated()].unique())
    if twice:
        problems.append(
            Problem(
                f"{what} repeats ids ({name_some(twice)})",
                "give one row per district: sum what belongs together",
            )
        )
    return problems


def row_names(ids: pd.Series) -> np.ndarray:
    """Ids to name rows by in messages; a row without an id is named by its number, counted from 1."""
    numbers = pd.Series([f"row {k + 1}" for k in range(len(ids))], dtype="str")
    return ids.reset_index(drop=True).fillna(numbers).to_numpy(dtype=object)


def read_numbers(frame: pd.DataFrame, roles: Roles, names: np.ndarray) -> tuple[pd.DataFrame, list[Problem]]:
    """Turn the columns that must hold numbers into float64; say where they hold text or infinity.

    Returns
    -------
    numbers
        One column per numeric role that the frame has; missing (and useless) cells are NaN.
    problems
        Cells that hold text, infinite values, columns of another type.
    """
    numbers: dict[str, np.ndarray] = {}
    problems: list[Problem] = []
    for column in roles.numeric_columns():
        if column not in frame:
            continue
        values = frame[column]
        if pd.api.types.is_bool_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
            problems.append(
                Problem(
                    f"column '{column}' holds {values.dtype} values, not numbers", "name a column of numbers"
                )
            )
            numbers[column] = np.full(len(frame), np.nan)
            continue
        parsed, text = _parse(values)
        if text.any():
            first = values.to_numpy(dtype=object)[text][0]
            problems.append(
                Problem(
                    f"column '{column}' holds text that is no number {in_districts(names[text])}, "
                    f"first '{str(first)[:40]}'",
                    "write numbers with a decimal point and no thousands separator, and leave cells without "
                    "a value empty",
                )
            )
        endless = np.isinf(parsed)
        if endless.any():
            problems.append(
                Problem(
                    f"column '{column}' is infinite {in_districts(names[endless])}",
                    "look for a division by zero where it was computed",
                )
            )
        # A cell already reported is no number any more, so that later checks do not report it again.
        numbers[column] = np.where(endless, np.nan, parsed)
    return pd.DataFrame(numbers, index=pd.RangeIndex(len(frame))), problems


def _parse(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of a column (NaN where there is none), and where a cell holds something else."""
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=np.float64, na_value=np.nan), np.zeros(len(values), dtype=bool)
    cells = pd.Series([None if pd.isna(one) else str(one).strip() for one in values], dtype="str")
    cells = cells.mask(cells.str.lower().isin(_NO_VALUE))
    parsed = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return parsed, (cells.notna().to_numpy() & np.isnan(parsed))


def gaps(frame: pd.DataFrame, numbers: pd.DataFrame, roles: Roles, excused: pd.DataFrame) -> pd.DataFrame:
    """Where columns with a role have no value; cells that hold text or infinity are no gaps.

    A label may be missing: the id stands in for it. So may cells that are excused, because what is known of
    them was declared.
    """
    empty = {column: _empty(frame[column]) & ~excused[column].to_numpy() for column in numbers}
    empty |= {column: as_text(frame[column]).isna().to_numpy() for column in roles.groups if column in frame}
    return pd.DataFrame(empty, index=pd.RangeIndex(len(frame)))


def _empty(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values):
        return values.isna().to_numpy()
    return np.array([pd.isna(one) or str(one).strip().lower() in _NO_VALUE for one in values], dtype=bool)


def no_denominator(numbers: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    """Where a district has no valid votes, or an exposure of zero, so that no share exists."""
    columns = [column for column in (roles.valid, roles.exposure) if column in numbers]
    return numbers[columns] == 0


def gap_problems(empty: pd.DataFrame, names: np.ndarray) -> list[Problem]:
    """One problem for each column without a value in some districts."""
    return [
        Problem(
            f"column '{column}' has no value {in_districts(names[mask.to_numpy()])}",
            "fill them in, leave the column out, or pass missing='drop' to leave these districts out",
        )
        for column, mask in empty.items()
        if mask.any()
    ]


def no_denominator_problems(zero: pd.DataFrame, roles: Roles, names: np.ndarray) -> list[Problem]:
    """One problem for each denominator that is zero somewhere."""
    words = {roles.exposure: "exposure", roles.valid: "valid votes"}
    return [
        Problem(
            f"column '{column}' ({words[column]}) is zero {in_districts(names[mask.to_numpy()])}",
            "merge them with a neighbour, or pass missing='drop' to leave them out",
        )
        for column, mask in zero.items()
        if mask.any()
    ]


def count_problems(numbers: pd.DataFrame, roles: Roles, names: np.ndarray) -> list[Problem]:
    """Say where counts cannot be counts, or exceed what they are part of."""
    problems: list[Problem] = []
    parties = {party: column for party, column in roles.votes.items() if column in numbers}
    denominators = {"valid votes": roles.valid, "electorate": roles.electorate}
    counts = (
        [] if roles.shares_only else [(f"votes of '{party}'", column) for party, column in parties.items()]
    )
    counts += [(words, column) for words, column in denominators.items() if column in numbers]
    for words, column in counts:
        value = numbers[column]
        problems += _where(value < 0, names, f"column '{column}' ({words}) is negative", "counts start at 0")
        problems += _where(
            (value - value.round()).abs() > 0,
            names,
            f"column '{column}' ({words}) is fractional",
            "give counts as they were counted, not shares or figures carried over from other boundaries",
        )
    if roles.exposure in numbers:
        problems += _where(
            numbers[roles.exposure] < 0,
            names,
            f"column '{roles.exposure}' (exposure) is negative",
            "give expected counts or the population at risk, above zero",
        )
    for party, column in parties.items():
        if not (numbers[column] > 0).any() and numbers[column].notna().any():
            problems.append(
                Problem(
                    f"column '{column}' (votes of '{party}') is zero in every district",
                    "leave the party out, or name the column that holds its votes",
                )
            )
    if roles.shares_only:
        return problems + _shares_above_one(numbers, roles, parties, names)
    return problems + _excess_problems(numbers, roles, parties, names)


def _shares_above_one(
    numbers: pd.DataFrame, roles: Roles, parties: Mapping[str, str], names: np.ndarray
) -> list[Problem]:
    """Shares of all parties above one whole, where no single one is."""
    columns = dict.fromkeys(parties.values())
    if len(columns) < 2 or not all(roles.units.get(column) in SHARE_UNITS for column in columns):
        return []
    shares = pd.DataFrame({column: numbers[column] / SHARE_UNITS[roles.units[column]] for column in columns})
    return _where(
        (shares.sum(axis=1) > 1 + _ROUNDING) & (shares <= 1).all(axis=1),
        names,
        f"shares of {name_some(parties)} together exceed one whole",
        "check that all are shares of the same votes, and that no list is counted under two parties",
    )


def below_valid(numbers: pd.DataFrame, roles: Roles) -> pd.Series:
    """Where fewer persons are entitled to vote than cast a valid vote, shape (rows,)."""
    if roles.electorate not in numbers or roles.valid not in numbers:
        return pd.Series(False, index=numbers.index)
    return numbers[roles.electorate] < numbers[roles.valid]


def _excess_problems(
    numbers: pd.DataFrame, roles: Roles, parties: Mapping[str, str], names: np.ndarray
) -> list[Problem]:
    """Votes above valid votes, parties together above valid votes, valid votes above the electorate."""
    problems: list[Problem] = []
    if roles.valid not in numbers:
        return problems
    valid = numbers[roles.valid]
    single = pd.Series(False, index=numbers.index)
    for party, column in parties.items():
        above = numbers[column] > valid
        single |= above
        problems += _where(
            above,
            names,
            f"column '{column}' (votes of '{party}') exceeds valid votes",
            f"check that '{roles.valid}' is the number of valid ballots, not of stations or percent",
        )
    if len(parties) > 1:
        together = numbers[list(dict.fromkeys(parties.values()))].sum(axis=1)
        problems += _where(
            (together > valid) & ~single,
            names,
            f"votes of {name_some(parties)} together exceed valid votes",
            "check that no list is counted under two parties",
        )
    problems += _where(
        below_valid(numbers, roles),
        names,
        f"column '{roles.electorate}' (electorate) is below valid votes",
        "leave the electorate out where people may vote outside the district they are registered in, or "
        "leave out these districts (missing='drop')",
    )
    return problems


def _where(mask: pd.Series, names: np.ndarray, what: str, advice: str) -> list[Problem]:
    """One problem naming the districts where `mask` holds, or none."""
    rows = mask.to_numpy()
    return [Problem(f"{what} {in_districts(names[rows])}", advice)] if rows.any() else []
