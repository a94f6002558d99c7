"""The parts a report is laid out from: pictures with caption and alternative text, and tables."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from spatialvote.analysis.figures.layer import Layer, layer_of
from spatialvote.analysis.figures.style import to_png

DPI = 200  # of the picture; shown at 96, it is sharp on dense screens and in print
#: Of a column: short text, long text, a number, something to be copied, a verdict of the review.
KINDS = ("text", "long", "number", "code", "verdict")


@dataclass(frozen=True)
class Picture:
    """A figure as it stands in the page.

    Attributes
    ----------
    source
        The PNG as a data URI: nothing is fetched.
    alt
        What is seen, for who does not see it.
    caption
        What it shows, what a good one looks like where that means anything, and how this one is.
    width, height
        Pixels of the page (CSS).
    layer
        Of a map, what it shows of each district, and where.
    """

    source: str
    alt: str
    caption: str
    width: int
    height: int
    layer: Layer | None = None


def picture(figure: Figure, alt: str, caption: str) -> Picture:
    """Embed a matplotlib figure."""
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    source = "data:image/png;base64," + b64encode(to_png(figure, DPI)).decode()
    # The places of axes are final once the figure was drawn.
    return Picture(source, alt, caption, width, height, layer_of(figure))


@dataclass(frozen=True)
class Table:
    """A table; the first column names the row.

    Attributes
    ----------
    caption
        What it holds, with units.
    columns
        Heading and kind of each column, the kind one of `KINDS`.
    rows
        Texts, as many a row as there are columns.
    """

    caption: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]


def table(caption: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> Table:
    """Make a table from any sequences."""
    return Table(caption, tuple(columns), tuple(tuple(row) for row in rows))


@dataclass(frozen=True)
class Part:
    """A part of the evidence in a report: one question, in words, pictures and tables.

    Attributes
    ----------
    anchor
        Name of the part in links ("confounding").
    heading
        The question as a reader would ask it.
    words
        Paragraphs.
    pictures, tables
        In the order in which they are shown.
    checks
        Names of the checks of the review that it is the evidence of: the page shows them beside the figures,
        under the question that they ask. Left out: all checks that ask `heading`, if any does.
    """

    anchor: str
    heading: str
    words: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    checks: tuple[str, ...] = ()
