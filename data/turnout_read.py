"""Read turnout: cell tables of registers, or individual answers of surveys with weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from spatialvote.data.edge_list import read_edges
from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.files import file_hashes
from spatialvote.data.origin_groups import OriginGroup, find_groups
from spatialvote.data.table_files import lacking_columns
from spatialvote.data.text_table import numbers, read_text_table, rows_named
from spatialvote.data.turnout import FACTORS, Survey, TurnoutAbout, TurnoutCells
from spatialvote.data.turnout_ages import AgeBand, read_ages

#: By how much a sum of weights may miss what it should be, for rounding in the table.
WEIGHT_TOLERANCE = 0.005


@dataclass(frozen=True)
class TurnoutColumns:
    """Which columns divide the cells, and how ages are to be read.

    Attributes
    ----------
    group, age, sex, area, election
        Columns; None where the table does not have the factor.
    own_groups
        Definitions of origin groups that the package does not know.
    bands
        First age of each band into which single years are gathered.
    generations
        Name of a generation to its first and last birth year, where ages are given so.
    """

    group: str | None = None
    age: str | None = None
    sex: str | None = None
    area: str | None = None
    election: str | None = None
    own_groups: tuple[OriginGroup, ...] = ()
    bands: tuple[int, ...] = ()
    generations: Mapping[str, tuple[int, int]] | None = None

    def given(self) -> dict[str, str]:
        """Factor to column, of those that are given."""
        return {name: column for name in FACTORS if (column := getattr(self, name)) is not None}


def read_turnout(
    path: str | Path,
    columns: TurnoutColumns,
    *,
    entitled: str,
    voted: str,
    edges: str | Path | None = None,
    about: TurnoutAbout,
    sheet: str | None = None,
) -> TurnoutCells:
    """Read a register's cells: one row for each combination of its factors.

    Parameters
    ----------
    path
        CSV or Excel file.
    columns
        The factors' columns.
    entitled, voted
        Columns with entitled and voting persons.
    edges
        CSV file of links between areas, for a spatial model.
    about
        What the cells are.
    sheet
        Sheet of a workbook that has several.

    Raises
    ------
    DataError, GraphError
        With every problem found: columns, numbers, turnout above 100 %, unknown or mixed origin groups,
        ages, repeated cells, links.
    """
    frame = _open(path, columns, (entitled, voted), sheet)
    file = Path(path).name
    problems = []
    counts = {}
    for name, column in (("entitled", entitled), ("voted", voted)):
        counts[name], wrong = numbers(frame, column, file)
        problems += wrong
        empty = np.flatnonzero(frame[column].str.strip() == "")
        if empty.size:
            problems.append(
                Problem(
                    f"column '{column}' of '{file}' is empty in {rows_named(empty)}",
                    "give a count, or leave out the rows of cells that are kept secret",
                )
            )
    more = np.flatnonzero(counts["voted"] > counts["entitled"])
    if more.size:
        problems.append(
            Problem(
                f"turnout is above 100 % in {rows_named(more)} of '{file}': "
                f"{counts['voted'][more[0]]:g} voted of {counts['entitled'][more[0]]:g} entitled",
                "check that the columns are not exchanged",
            )
        )
    given = list(columns.given().values())
    twice = np.flatnonzero(frame.duplicated(given))
    if twice.size:
        problems.append(
            Problem(
                f"{rows_named(twice)} of '{file}' repeat a combination of {name_some(given, 5)}",
                "add them up, or name the column that tells them apart",
            )
        )
    if problems:
        raise DataError(problems)
    table = frame.assign(entitled=counts["entitled"], voted=counts["voted"])
    notes = ()
    if (table[["entitled", "voted"]] % 1 != 0).any(axis=None):
        notes = ("counts are fractional in part, as of areas whose borders were changed",)
    return _cells(table, columns, path, edges, about, None, notes)


def read_turnout_survey(
    path: str | Path,
    columns: TurnoutColumns,
    *,
    voted: str,
    weight: str | None = None,
    weights_sum: float | None = None,
    edges: str | Path | None = None,
    about: TurnoutAbout,
    sheet: str | None = None,
) -> TurnoutCells:
    """Read individual answers and gather them to cells of effective persons (see `Survey`).

    Parameters
    ----------
    voted
        Column with 1 for voters and 0 for others.
    weight
        Column with weights; None: all the same.
    weights_sum
        What the weights should add up to; None: the number of individuals, or what they add up to where it
        is said to be a population's size. They may miss it by 0.5 %.

    Raises
    ------
    DataError, GraphError
        As `read_turnout`; and if a weight is not positive or they do not add up.
    """
    wanted = (voted,) if weight is None else (voted, weight)
    frame = _open(path, columns, wanted, sheet)
    file = Path(path).name
    answer, problems = numbers(frame, voted, file)
    odd = np.flatnonzero(~np.isin(answer, (0.0, 1.0)))
    if odd.size and not problems:
        problems.append(
            Problem(
                f"column '{voted}' of '{file}' is neither 0 nor 1 in {rows_named(odd)}",
                "write 1 for who voted and 0 for who did not, and leave out who gave no answer",
            )
        )
    weights = np.ones(len(frame))
    if weight is not None:
        weights, wrong = numbers(frame, weight, file)
        problems += wrong or _weight_problems(weights, weight, weights_sum, file)
    if problems:
        raise DataError(problems)
    keys = list(columns.given().values())
    parts = frame[keys].assign(w=weights, w2=weights**2, wy=weights * answer)
    cells = parts.groupby(keys, sort=False, as_index=False)[["w", "w2", "wy"]].sum()
    effective = cells["w"] ** 2 / cells["w2"]
    table = cells[keys].assign(entitled=effective, voted=effective * cells["wy"] / cells["w"])
    survey = Survey(len(frame), float(weights.sum() ** 2 / (weights**2).sum()), float(weights.sum()))
    note = (
        f"{survey.individuals:,} answers count as {table['entitled'].sum():,.0f} persons in their cells "
        f"(Kish's effective size; design effect of the weights over all {survey.design_effect:.2f})"
    )
    return _cells(table, columns, path, edges, about, survey, (note,))


def _weight_problems(weights: np.ndarray, column: str, weights_sum: float | None, file: str) -> list[Problem]:
    wrong = np.flatnonzero(~(weights > 0))
    if wrong.size:
        return [
            Problem(
                f"column '{column}' of '{file}' holds no positive weight in {rows_named(wrong)}",
                "leave out persons without a weight",
            )
        ]
    wanted = float(len(weights)) if weights_sum is None else weights_sum
    if abs(weights.sum() - wanted) > WEIGHT_TOLERANCE * wanted:
        told = "the number of individuals" if weights_sum is None else "what was stated"
        return [
            Problem(
                f"the weights of '{file}' add up to {weights.sum():,.6g}, not to {wanted:,.6g} ({told})",
                "say with weights_sum what they add up to, or look for rows that are missing",
            )
        ]
    return []


def _open(path: str | Path, columns: TurnoutColumns, more: Sequence[str], sheet: str | None) -> pd.DataFrame:
    """The table, once it has every column and no empty factor."""
    given = columns.given()
    if not given:
        raise DataError(
            Problem("no column divides the cells", f"name a column for some of {', '.join(FACTORS)}")
        )
    frame = read_text_table(path, sheet)
    file = Path(path).name
    problems = lacking_columns(f"file '{file}'", frame.columns, [*given.values(), *more])
    for column in given.values():
        if column in frame.columns and (empty := np.flatnonzero(frame[column].str.strip() == "")).size:
            problems.append(
                Problem(f"column '{column}' of '{file}' is empty in {rows_named(empty)}", "fill these cells")
            )
    if problems:
        raise DataError(problems)
    return frame


def _cells(
    table: pd.DataFrame,
    columns: TurnoutColumns,
    path: str | Path,
    edges: str | Path | None,
    about: TurnoutAbout,
    survey: Survey | None,
    notes: tuple[str, ...],
) -> TurnoutCells:
    """Cells from rows whose numbers are right: levels found, single years gathered, links read."""
    given = columns.given()
    levels: dict[str, tuple[str, ...]] = {}
    coded: dict[str, np.ndarray] = {}
    groups: tuple[OriginGroup, ...] = ()
    ages: tuple[AgeBand, ...] = ()
    problems: list[Problem] = []
    for factor, column in given.items():
        texts = table[column].str.strip().tolist()
        names = tuple(dict.fromkeys(texts))
        try:
            if factor == "group":
                groups = find_groups(names, columns.own_groups)
                names = tuple(one.label for one in groups)
            if factor == "age":
                index, ages = read_ages(
                    texts, column, bands=columns.bands, generations=columns.generations, year=about.year
                )
                levels[factor], coded[factor] = tuple(one.label for one in ages), index
                continue
        except DataError as error:
            problems += error.problems
            continue
        if factor in ("sex", "election"):
            names = tuple(sorted(names))
        levels[factor] = names
        coded[factor] = pd.Index(names).get_indexer(pd.Index(texts))
    files = [Path(path)]
    links = np.empty((0, 2), dtype=np.int64)
    if edges is not None and "area" not in given:
        problems.append(Problem("links between areas are given, and no column of areas", "name the column"))
    if problems:
        raise DataError(problems)
    if edges is not None:
        i, j, _ = read_edges(edges, pd.Index(levels["area"]))
        low, high = np.minimum(i, j), np.maximum(i, j)
        links = np.unique(np.column_stack([low, high]), axis=0)
        files.append(Path(edges))
    whole = pd.DataFrame(coded).assign(entitled=table["entitled"].to_numpy(), voted=table["voted"].to_numpy())
    # Single years gathered into bands fall into one cell.
    gathered = whole.groupby(list(coded), sort=True, as_index=False)[["entitled", "voted"]].sum()
    return TurnoutCells(
        gathered, levels, groups, ages, links, about, survey, files=file_hashes(files), notes=notes
    )
