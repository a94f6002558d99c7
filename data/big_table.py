"""Tables of millions of rows: CSV with any separator, or Parquet, only the columns that are needed."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow.parquet as parquet
from pyarrow import ArrowException

from spatialvote.data.errors import DataError, Problem
from spatialvote.data.table_files import lacking_columns, require_file

_SEPARATORS = (",", ";", "\t", "|")


def read_columns(
    path: Path, columns: Iterable[str], text: Iterable[str] = (), optional: Iterable[str] = ()
) -> pd.DataFrame:
    """Read some columns of a CSV or Parquet file.

    Parameters
    ----------
    path
        A .parquet file, or text with a header. The separator of text (comma, semicolon, tab
        or bar) is the one that its header has most of.
    columns
        What to read, each once.
    text
        Columns to be read as text, so that no leading zero is lost.
    optional
        What to read where the file has it.

    Raises
    ------
    DataError
        Where the file is missing, cannot be read, or lacks a column.
    """
    require_file(path)
    wanted, as_text = list(dict.fromkeys(columns)), set(text)
    try:
        parquet_file = path.suffix.lower() == ".parquet"
        how = {} if parquet_file else {"sep": _separator(path), "encoding": "utf-8-sig"}
        there = parquet.read_schema(path).names if parquet_file else list(pd.read_csv(path, nrows=0, **how))
        if lacking := lacking_columns(f"file '{path.name}'", there, wanted):
            raise DataError(lacking)
        wanted += [one for one in optional if one in there]
        kinds: Mapping[str, str] = dict.fromkeys((one for one in wanted if one in as_text), "str")
        if parquet_file:
            return pd.read_parquet(path, columns=wanted).astype(kinds)
        return pd.read_csv(path, usecols=wanted, dtype=kinds, **how)[wanted]
    except (ArrowException, OSError, UnicodeError, ValueError) as error:
        reason = str(error).strip().split("\n")[0]
        raise DataError(
            Problem(
                f"file '{path.name}' cannot be read as a table ({reason})",
                "give CSV in UTF-8 with a header, or Parquet",
            )
        ) from error


def _separator(path: Path) -> str:
    with path.open(encoding="utf-8-sig") as lines:
        header = lines.readline()
    return max(_SEPARATORS, key=header.count)
