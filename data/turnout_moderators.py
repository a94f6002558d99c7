"""What is known of areas, such as policy or inclusion, joined to the cells of turnout."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.files import file_hashes
from spatialvote.data.table_files import lacking_columns
from spatialvote.data.text_table import numbers, read_text_table, rows_named
from spatialvote.data.turnout import TurnoutCells


def read_moderators(
    path: str | Path, cells: TurnoutCells, *, area: str, columns: Sequence[str], sheet: str | None = None
) -> TurnoutCells:
    """Read a table of areas and join its columns to the cells.

    Parameters
    ----------
    path
        CSV or Excel file, one row for each area; rows of other areas are left out.
    cells
        Cells divided by area.
    area
        Column with the areas' labels, as the cells have them.
    columns
        Columns with numbers.
    sheet
        Sheet of a workbook that has several.

    Raises
    ------
    DataError
        If columns are missing, areas come twice or lack a value, values are no numbers or all the same.
    """
    frame = read_text_table(path, sheet)
    file = Path(path).name
    if problems := lacking_columns(f"file '{file}'", frame.columns, [area, *columns]):
        raise DataError(problems)
    names = frame[area].str.strip()
    twice = np.flatnonzero(names.duplicated())
    if twice.size:
        problems.append(
            Problem(f"{rows_named(twice)} of '{file}' repeat an area", "leave one row for each area")
        )
    values = {}
    for column in columns:
        values[column], wrong = numbers(frame, column, file)
        problems += wrong
    if problems:
        raise DataError(problems)
    joined = join_moderators(cells, pd.DataFrame(values, index=pd.Index(names)))
    return replace(joined, files={**cells.files, **file_hashes([Path(path)])})


def join_moderators(cells: TurnoutCells, table: pd.DataFrame) -> TurnoutCells:
    """Cells with moderators from a table, its index the labels of areas, a column for each moderator.

    Scores of policy come so as well: `policy_columns` with the countries that are the areas.

    Raises
    ------
    DataError
        If the cells have no areas, or one of them is not in the table or lacks a value.

    Examples
    --------
    >>> from spatialvote.data.turnout_simulate import simulate_register
    >>> cells = simulate_register(1, electorate=5000, areas=4).cells
    >>> table = pd.DataFrame({"inclusion": [40.0, 55.0, 61.0, 48.0]}, index=list(cells.levels["area"]))
    >>> list(join_moderators(cells, table).moderators)
    ['inclusion']
    """
    areas = cells.levels.get("area", ())
    if not areas:
        raise DataError(Problem("the cells are not divided by area", "name their column of areas"))
    lacking = [one for one in areas if one not in table.index]
    if lacking:
        raise DataError(
            Problem(
                f"{len(lacking)} of {len(areas)} areas are not in the table of moderators "
                f"({name_some(lacking)})",
                "add their rows, with the labels that the cells have",
            )
        )
    chosen = table.loc[list(areas)]
    new = {str(name): chosen[name].to_numpy(dtype=np.float64) for name in table.columns}
    return replace(cells, moderators={**cells.moderators, **new})
