"""What every reader of tables promises alike: that the file is there, and has the columns that are wanted."""

from collections.abc import Iterable
from pathlib import Path

from spatialvote.data.errors import DataError, Problem, name_some


def require_file(path: Path) -> None:
    """Refuse a file that is not there.

    Raises
    ------
    DataError
        Where there is nothing, or a folder.
    """
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise DataError(
            Problem(f"file '{path}' {what}", "check the path; relative ones start at the current folder")
        )


def lacking_columns(table: str, there: Iterable[object], wanted: Iterable[str]) -> list[Problem]:
    """A problem that names the columns which a table lacks, if it lacks any.

    Parameters
    ----------
    table
        What a reader calls it: "file 'cells.csv'", "the table".

    Examples
    --------
    >>> [str(one.what) for one in lacking_columns("file 'a.csv'", ["id", "votes"], ["id", "valid"])]
    ["file 'a.csv' has no column 'valid'"]
    """
    columns = [str(one) for one in there]
    lacking = [one for one in wanted if one not in columns]
    if not lacking:
        return []
    what = "column" if len(lacking) == 1 else "columns"
    return [
        Problem(
            f"{table} has no {what} {name_some(lacking, limit=10)}",
            f"choose from {name_some(columns, limit=20)}",
        )
    ]
