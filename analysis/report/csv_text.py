"""Tables as CSV: numbers that a program can read, and no text that a spreadsheet would run as a formula."""

import csv
import re
from base64 import b64encode
from io import StringIO

from spatialvote.analysis.report.numbers import NBSP
from spatialvote.analysis.report.parts import Table

#: A number as `numbers` writes it: true minus sign, commas between thousands.
_NUMBER = re.compile(r"[-−]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?(e[-+]\d+)?")
#: What makes a spreadsheet take a cell for a formula, also in full width; a tab or line break hides one.
_FORMULA = tuple("=+-@＝＋－＠\t\r\n")
_EMPTY = ("–", "")


def csv_text(content: Table) -> str:
    """Write a table as CSV (RFC 4180): a header, then a row a line.

    Numbers lose the commas between thousands and get an ASCII minus sign; intervals ("1.2 to 3.4") become two
    columns; a dash for what there is not becomes empty. Text that a spreadsheet would take for a formula is
    preceded by an apostrophe, which spreadsheets take for "this is text".

    Examples
    --------
    >>> from spatialvote.analysis.report.parts import table
    >>> columns = [("name", "text"), ("share", "number"), ("95 % interval", "number")]
    >>> print(csv_text(table("", columns, [("=1+1", "−1,234.5", "−2.0 to 3.1")])), end="")
    name,share,"95 % interval, low","95 % interval, high"
    '=1+1,-1234.5,-2.0,3.1
    """
    columns = [
        part
        for (name, kind), cells in zip(content.columns, _columns(content), strict=True)
        for part in (_number_columns(name, cells) if kind == "number" else [[name, *cells]])
    ]
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        [_safe(cell) for cell in row] for row in zip(*columns, strict=True)
    )
    return out.getvalue()


def csv_source(content: Table) -> str:
    """The CSV as a data URI, with the mark by which spreadsheets know UTF-8."""
    return "data:text/csv;charset=utf-8;base64," + b64encode(csv_text(content).encode("utf-8-sig")).decode()


def csv_name(content: Table) -> str:
    """A file name from a table's caption.

    Examples
    --------
    >>> from spatialvote.analysis.report.parts import table
    >>> csv_name(table("Moran's I: how alike neighbouring districts are (0: no more than)", [], []))
    'moran-s-i-how-alike-neighbouring-districts.csv'
    """
    words = re.findall(r"[a-z0-9]+", content.caption.lower().encode("ascii", "ignore").decode())
    return f"{'-'.join(words[:7]) or 'table'}.csv"


def _columns(content: Table) -> list[tuple[str, ...]]:
    return list(zip(*content.rows, strict=True)) if content.rows else [() for _ in content.columns]


def _number_columns(name: str, cells: tuple[str, ...]) -> list[list[str]]:
    """One column of numbers; two where its cells are intervals."""
    ends = [cell.split(" to ") for cell in cells]
    if any(len(pair) == 2 for pair in ends) and all(
        (len(pair) == 2 and all(map(_NUMBER.fullmatch, pair))) or pair[0] in _EMPTY for pair in ends
    ):
        return [
            [f"{name}, {end}", *(_plain(pair[k]) if len(pair) == 2 else "" for pair in ends)]
            for k, end in enumerate(("low", "high"))
        ]
    return [[name, *map(_plain, cells)]]


def _plain(cell: str) -> str:
    if cell in _EMPTY:
        return ""
    return cell.replace("−", "-").replace(",", "") if _NUMBER.fullmatch(cell) else cell


def _safe(cell: str) -> str:
    cell = cell.replace(NBSP, " ")
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) and not _NUMBER.fullmatch(cell) else cell
