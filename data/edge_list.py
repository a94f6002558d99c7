"""Edge lists: a CSV file with two columns of ids, and optionally a column called weight."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from spatialvote.data.errors import GraphError, Problem, name_some
from spatialvote.data.files import read_csv
from spatialvote.data.ids import as_text, zeros_hint
from spatialvote.data.neighbours import link_problems


def read_edges(
    path: str | Path, ids: pd.Index, left_out: Collection[str] = ()
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read links by id and give them as positions.

    Parameters
    ----------
    path
        CSV file: two columns of ids, in any order and under any name, and optionally ``weight``. A link may
        come once, repeatedly or in both directions, as long as its weight is the same.
    ids
        District ids, in the order that positions refer to.
    left_out
        Ids that may occur and whose links are left out (districts that were dropped).

    Returns
    -------
    i, j, w
        Positions of the linked districts and weights (one where the file has none), each shape (m,).

    Raises
    ------
    DataError
        If the file cannot be read.
    GraphError
        With every problem: columns, unknown or missing ids, self-loops, weights that are no positive
        numbers or differ between repetitions of a link.
    """
    path = Path(path)
    if path.suffix.lower() != ".csv" or not path.is_file():
        what = "does not exist" if path.suffix.lower() == ".csv" else "is no CSV file"
        raise GraphError(
            Problem(f"edge list '{path.name}' {what}", "give a .csv file with two columns of ids")
        )
    frame = read_csv(path)
    weight_columns = [column for column in frame if column.lower() == "weight"]
    ends = [column for column in frame if column not in weight_columns]
    if len(ends) != 2:
        raise GraphError(
            Problem(
                f"edge list '{path.name}' has {len(ends)} columns besides 'weight' ({name_some(ends, 8)})",
                "keep two columns of ids, and optionally one called 'weight'",
            )
        )
    problems = []
    if set(ends) <= set(ids):
        problems.append(
            Problem(
                f"the first line of edge list '{path.name}' is a link ({ends[0]}-{ends[1]}), no header",
                "put a line with column names on top, such as a,b",
            )
        )
    if frame.empty:
        problems.append(Problem(f"edge list '{path.name}' holds no links", "give at least one link"))

    start, end = as_text(frame[ends[0]]), as_text(frame[ends[1]])
    absent = (start.isna() | end.isna()).to_numpy()
    if absent.any():
        problems.append(
            Problem(
                f"edge list '{path.name}' lacks an id in rows {name_some(np.flatnonzero(absent) + 1)}",
                "name both districts of a link, or delete the row",
            )
        )
    named = pd.unique(pd.concat([start, end]).dropna())
    known = {*ids, *left_out}
    unknown = [one for one in named if one not in known]
    if unknown:
        problems.append(
            Problem(
                f"edge list '{path.name}' names unknown ids ({name_some(unknown)})"
                + zeros_hint(unknown, ids),
                "use the ids of the table, as text",
            )
        )
    w, text = np.ones(len(frame)), np.zeros(len(frame), dtype=bool)
    if weight_columns:
        w = pd.to_numeric(frame[weight_columns[0]], errors="coerce").to_numpy(
            dtype=np.float64, na_value=np.nan
        )
        text = np.isnan(w)
    if text.any():
        problems.append(
            Problem(
                f"edge list '{path.name}' has weights that are no numbers in rows "
                f"{name_some(np.flatnonzero(text) + 1)}",
                "give every link a number as its weight",
            )
        )
    i, j = ids.get_indexer(start), ids.get_indexer(end)
    usable = (i >= 0) & (j >= 0) & ~text & ~absent
    i, j, w = i[usable], j[usable], w[usable]
    problems += link_problems(ids, i, j, w)
    if problems:
        raise GraphError(problems)
    return i.astype(np.int64), j.astype(np.int64), w
