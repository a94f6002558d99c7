"""The rows of a table as districts: ids, numbers, gaps, and the columns that are kept."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.data.files import Source
from spatialvote.data.findings import Findings
from spatialvote.data.ids import as_text
from spatialvote.data.roles import Roles
from spatialvote.data.unknown_values import excused_gaps
from spatialvote.data.validate_roles import missing_columns
from spatialvote.data.validate_table import gaps, id_problems, no_denominator, read_numbers, row_names


@dataclass(frozen=True)
class Rows:
    """A table read with its roles; every array and frame has one entry per row, in the table's order.

    Attributes
    ----------
    source, roles
        Where the rows come from, and what their columns are.
    ids
        Ids as text, missing where the table has none.
    names
        What a row is called in messages: its id, or its number.
    numbers
        Columns that hold numbers, float64, NaN where there is none.
    empty, zero
        Where a column has no value and none was declared as unknown; where a denominator is zero.
    """

    source: Source
    roles: Roles
    ids: pd.Series
    names: np.ndarray
    numbers: pd.DataFrame
    empty: pd.DataFrame
    zero: pd.DataFrame

    def columns(self) -> pd.DataFrame:
        """Columns with a role but the id, once all of them have been found right.

        Counts of votes are int64, shares and other numbers float64, groups and label text.
        """
        roles, frame = self.roles, self.source.frame
        counts = {*(() if roles.shares_only else roles.votes.values()), roles.valid, roles.electorate}
        columns: dict[str, pd.Series] = {}
        for column in self.numbers:
            # Rows to be dropped may hold no value; what stays is whole.
            values = self.numbers[column]
            columns[column] = values.fillna(0).astype(np.int64) if column in counts else values
        for column in roles.groups:
            columns[column] = as_text(frame[column])
        if roles.label is not None and roles.label not in columns:
            columns[roles.label] = as_text(frame[roles.label]).fillna(self.ids)
        return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))


def read_rows(source: Source, roles: Roles, findings: Findings) -> Rows:
    """Read ids and numbers from a table; keep what is wrong with columns, ids and cells in `findings`."""
    frame = source.frame
    file = source.path.name
    findings.add(missing_columns(roles, frame.columns, file))
    if roles.id in frame:
        ids = as_text(frame[roles.id])
        findings.add(id_problems(ids, f"id column '{roles.id}' of '{file}'"))
    else:
        ids = pd.Series(pd.NA, index=frame.index, dtype="str")
    names = row_names(ids)
    numbers, problems = read_numbers(frame, roles, names)
    findings.add(problems)
    return Rows(
        source=source,
        roles=roles,
        ids=ids,
        names=names,
        numbers=numbers,
        empty=gaps(frame, numbers, roles, excused_gaps(numbers, roles)),
        zero=no_denominator(numbers, roles),
    )
