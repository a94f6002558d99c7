"""A table of text cells from CSV or Excel, and numbers out of its columns with every wrong cell named."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.files import read_csv
from spatialvote.data.table_files import require_file

#: File endings of such tables.
ENDINGS = (".csv", ".xlsx")


def read_text_table(path: str | Path, sheet: str | None = None) -> pd.DataFrame:
    """Read a CSV file or one sheet of an Excel workbook; every cell is text, an empty one "".

    Parameters
    ----------
    path
        A ``.csv`` (commas, UTF-8) or ``.xlsx`` file with a header in its first row.
    sheet
        Sheet of a workbook that has several.

    Raises
    ------
    DataError
        If the file is missing, has another ending or cannot be read; if openpyxl is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise DataError(
            Problem(
                f"file '{path.name}' has an ending that is not known ('{path.suffix}')",
                f"give one of {', '.join(ENDINGS)}",
            )
        )
    require_file(path)
    frame = read_csv(path) if path.suffix.lower() == ".csv" else _read_excel(path, sheet)
    if frame.empty:
        raise DataError(Problem(f"file '{path.name}' has a header and no rows", "give a table with rows"))
    return frame


def _read_excel(path: Path, sheet: str | None) -> pd.DataFrame:
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            names = [str(name) for name in book.sheet_names]
            if sheet is None and len(names) == 1:
                sheet = names[0]
            if sheet not in names:
                what = "no sheet was named" if sheet is None else f"it has no sheet '{sheet}'"
                raise DataError(
                    Problem(
                        f"workbook '{path.name}' has {len(names)} sheets and {what}",
                        f"choose from {name_some(names, 20)}",
                    )
                )
            frame = pd.read_excel(book, sheet_name=sheet, dtype=object, keep_default_na=False)
    except ImportError as error:
        raise DataError(
            Problem(
                f"file '{path.name}' is an Excel workbook, and openpyxl is not installed",
                "install spatialvote[excel], or save the sheet as CSV",
            )
        ) from error
    except (BadZipFile, ValueError, KeyError, OSError) as error:
        raise DataError(
            Problem(
                f"file '{path.name}' cannot be read as an Excel workbook ({error})",
                "open it and save it anew as .xlsx, or as CSV",
            )
        ) from error
    cells = {str(name).strip(): [_cell(value) for value in frame[name]] for name in frame.columns}
    table = pd.DataFrame(cells, dtype="str")
    return table[(table != "").any(axis=1)].reset_index(drop=True)


def _cell(value: object) -> str:
    """Text of a cell; Excel keeps whole numbers as floats at times."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def numbers(frame: pd.DataFrame, column: str, file: str) -> tuple[np.ndarray, list[Problem]]:
    """Numbers of a column, NaN where a cell is empty, and a problem for cells that are no numbers."""
    texts = frame[column].astype("str").str.strip()
    values = pd.to_numeric(texts.where(texts != ""), errors="coerce").to_numpy(dtype=np.float64)
    wrong = np.flatnonzero((texts != "").to_numpy() & ~np.isfinite(values))
    problems = []
    if wrong.size:
        problems.append(
            Problem(
                f"column '{column}' of '{file}' holds what is no number in {rows_named(wrong)}: "
                f"{name_some(texts.iloc[wrong])}",
                "write numbers with a decimal point and no thousands separator; leave unknown cells empty",
            )
        )
    return values, problems


def rows_named(positions: np.ndarray) -> str:
    """Rows of a table by their number, the first below the header being 1: ``2 rows (1, 4)``."""
    shown = ", ".join(str(position + 1) for position in positions[:3])
    more = f" and {len(positions) - 3} more" if len(positions) > 3 else ""
    return f"{len(positions)} row{'s' if len(positions) > 1 else ''} ({shown}{more})"
