"""`read_official`: an official table as it is published, read as its `Layout` says."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.layout import Layout
from spatialvote.data.table_files import lacking_columns, require_file

_NO_VALUE = ("", "NA", "NaN", "nan")


def read_official(path: str | Path, layout: Layout) -> pd.DataFrame:
    """Read an official table as its layout says.

    Returns
    -------
    DataFrame
        One row per area, indexed by `id` (text); the columns that the layout names, as numbers where every
        cell that holds a value is one; of a long table one column for each party, NaN where an area has no
        row for it. Missing and suppressed cells are NaN: they are never zero.

    Raises
    ------
    DataError
        Where the file is missing or cannot be read, lacks a column, has no row to keep, or repeats ids.
    """
    path = Path(path)
    table = _text(path, layout)
    if layout.split:
        table = _split(path, table, layout.split)
    wanted = [*layout.columns.values(), *layout.keep, *(one for one in (layout.party, layout.votes) if one)]
    problems = []
    if "id" not in layout.columns:
        problems.append(
            Problem(f"layout '{layout.name}' does not say which column has ids", "add id to [columns]")
        )
    problems += lacking_columns(f"file '{path.name}'", table.columns, wanted)
    if problems:
        raise DataError(problems)
    for column, values in layout.keep.items():
        table = table[table[column].isin(values)]
        if table.empty:
            raise DataError(
                Problem(
                    f"no row of '{path.name}' has {name_some(values)} in column '{column}'",
                    "look at the column's values and mend [keep]",
                )
            )
    index = pd.Index(table[layout.columns["id"]], name="id", dtype="str")
    own = {ours: theirs for ours, theirs in layout.columns.items() if ours != "id"}
    if layout.party:
        return _wide(path, table, index, own, layout)
    _refuse_repeats(path, index)
    return pd.DataFrame(
        {ours: _numbers(table[theirs].to_numpy(dtype=object), layout) for ours, theirs in own.items()},
        index=index,
    )


def _text(path: Path, layout: Layout) -> pd.DataFrame:
    """All cells as text, blanks around them removed, gaps as missing."""
    require_file(path)
    try:
        table = pd.read_csv(
            path,
            sep=layout.separator,
            encoding=layout.encoding,
            skiprows=layout.skip,
            dtype="str",
            keep_default_na=False,
        )
    except (ValueError, UnicodeError, LookupError, OSError) as error:
        raise DataError(
            Problem(
                f"file '{path.name}' cannot be read as its layout says ({str(error).splitlines()[0]})",
                "check separator, encoding and how many lines stand before the header",
            )
        ) from error
    table.columns = [str(one).strip() for one in table.columns]
    return table.apply(lambda column: column.str.strip())


def _split(path: Path, table: pd.DataFrame, separator: str) -> pd.DataFrame:
    """The first column in its parts; what follows a backslash in its name is that of the other columns."""
    first = table.columns[0]
    names = [one.strip() for one in first.split("\\")[0].split(separator)]
    parts = table[first].str.split(separator, expand=True)
    if parts.shape[1] != len(names) or parts.isna().any(axis=None):
        raise DataError(
            Problem(
                f"the first column of '{path.name}' does not have everywhere the {len(names)} parts "
                "of its name",
                "check the separator in [split]",
            )
        )
    return pd.concat([parts.set_axis(names, axis=1), table.drop(columns=first)], axis=1)


def _wide(
    path: Path, table: pd.DataFrame, index: pd.Index, own: dict[str, str], layout: Layout
) -> pd.DataFrame:
    """One row per area of a table that has one per area and party."""
    pairs = pd.MultiIndex.from_arrays([index, table[layout.party]])
    if pairs.has_duplicates:
        twice = pairs[pairs.duplicated()]
        raise DataError(
            Problem(
                f"file '{path.name}' has {len(twice)} rows more for the same area and party "
                f"({name_some([' '.join(map(str, one)) for one in twice])})",
                "keep one year, one kind of count and one level of areas with [keep]",
            )
        )
    votes = pd.Series(_numbers(table[layout.votes].to_numpy(dtype=object), layout), index=pairs).unstack()
    votes.columns.name = None
    rest = pd.DataFrame({ours: table[theirs].to_numpy() for ours, theirs in own.items()}, index=index)
    changing = [one for one in own if (rest.groupby(level=0)[one].nunique(dropna=False) > 1).any()]
    if changing:
        raise DataError(
            Problem(
                f"columns {name_some(changing)} differ between the rows of one area",
                "name columns of the area in [columns], not of the party",
            )
        )
    rest = rest[~rest.index.duplicated()]
    for column in rest:
        rest[column] = _numbers(rest[column].to_numpy(dtype=object), layout)
    return rest.join(votes)


def _refuse_repeats(path: Path, index: pd.Index) -> None:
    twice = index[index.duplicated()].unique()
    if len(twice):
        raise DataError(
            Problem(
                f"file '{path.name}' repeats ids ({name_some(twice)})",
                "keep one year, one kind of count and one level of areas with [keep]",
            )
        )


def _numbers(cells: np.ndarray, layout: Layout) -> np.ndarray:
    """Numbers where every cell that holds a value is one; else the text as it stands."""
    text = pd.Series(cells, dtype="str")
    gap = text.isna() | text.isin([*_NO_VALUE, *layout.missing])
    plain = text.mask(gap)
    if layout.flags:
        plain = plain.str.replace(rf"\s*[{re.escape(layout.flags)}]+$", "", regex=True).str.strip()
        plain = plain.mask(plain.isin([*_NO_VALUE, *layout.missing]))
    if layout.thousands:
        plain = plain.str.replace(layout.thousands, "", regex=False)
    if layout.decimal != ".":
        plain = plain.str.replace(layout.decimal, ".", regex=False)
    numbers = pd.to_numeric(plain, errors="coerce")
    if (numbers.isna() & plain.notna()).any():
        return text.mask(gap).to_numpy(dtype=object)
    return numbers.to_numpy(np.float64)
