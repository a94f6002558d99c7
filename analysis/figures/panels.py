"""Small multiples on one sheet: a title, panels in rows and columns, and notes below."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spatialvote.analysis.figures import style

SIDE_GAP, ROW_GAP, AXIS_HEIGHT, HEAD_HEIGHT = 0.35, 0.16, 0.26, 0.40
INDENT = 0.10


@dataclass(frozen=True)
class Panels:
    """A figure and its panels, row by row, each with room for a name and a line of note above it."""

    figure: Figure
    axes: list[Axes]
    name_lines: int

    def head(self, panel: int, name: str, note: str = "", *, width: float | None = None) -> None:
        """Write a panel's name, wrapped where the sheet has the lines for it, and a note under it."""
        axes = self.axes[panel]
        box = axes.get_position()
        total_width, total_height = self.figure.get_size_inches()
        left, top = box.x0 * total_width, box.y1 * total_height + _head_height(1)
        room = width or box.width * total_width
        look = {"fontsize": style.SMALL_SIZE}
        lines = style.wrap(name, room, style.SMALL_SIZE, "bold")
        if len(lines) > self.name_lines:
            lines = [style.shorten(name, room, weight="bold")]
        # The last line stands close to the panel, however many there are.
        at = top + style.lines_height(len(lines) - 1, style.SMALL_SIZE)
        style.write(self.figure, left, at, "\n".join(lines), fontweight="bold", **look)
        note = style.shorten(note, room)
        top -= style.lines_height(1, style.SMALL_SIZE) + 0.01
        style.write(self.figure, left, top, note, color=style.SOFT_INK, **look)


def _head_height(name_lines: int) -> float:
    return HEAD_HEIGHT + style.lines_height(name_lines - 1, style.SMALL_SIZE)


def lay_panels(
    count: int,
    columns: int,
    *,
    panel_height: float,
    title: str = "",
    notes: Sequence[str] = (),
    names: Sequence[str] = (),
    xlabel: str = "",
    simulated: bool = False,
) -> Panels:
    """Lay out empty panels of equal size.

    Parameters
    ----------
    count, columns
        How many panels, and how many side by side.
    panel_height
        Height of one panel in inches.
    title
        Title of the sheet, wrapped.
    notes
        Paragraphs below the panels, wrapped.
    names
        Names of the panels that shall be wrapped; without them `Panels.head` shortens to one line.
    xlabel
        Label below the horizontal axis of a single panel, which then has no name above it.
    simulated
        Say below the notes that the data are simulated.
    """
    room = style.WIDTH - 2 * style.MARGIN
    title_lines = style.wrap(title, room, style.TITLE_SIZE, "bold") if title else []
    note_lines = [line for note in notes for line in style.wrap(note, room, style.SMALL_SIZE)]
    title_height = style.lines_height(len(title_lines), style.TITLE_SIZE) + 0.1 * bool(title_lines)
    note_height = style.lines_height(len(note_lines), style.SMALL_SIZE) + 0.08 * bool(note_lines)
    label_lines = style.wrap(xlabel, room) if xlabel else []
    label_height = style.lines_height(len(label_lines), style.TEXT_SIZE)
    mark_height = style.lines_height(1, style.SMALL_SIZE) if simulated else 0.0
    width = (room - INDENT - (columns - 1) * SIDE_GAP) / columns
    named = [len(style.wrap(one, width, style.SMALL_SIZE, "bold")) for one in names]
    name_lines = max(named, default=0 if xlabel else 1)
    head_height = _head_height(name_lines)
    rows = -(-count // columns)
    row_height = head_height + panel_height + AXIS_HEIGHT
    below = style.MARGIN + mark_height + note_height + label_height
    height = below + rows * row_height + (rows - 1) * ROW_GAP + title_height + style.MARGIN
    figure = style.new_figure(height)
    if title_lines:
        look = {"fontsize": style.TITLE_SIZE, "fontweight": "bold"}
        style.write(figure, style.MARGIN, height - style.MARGIN, "\n".join(title_lines), **look)
    if note_lines:
        top = style.MARGIN + mark_height + style.lines_height(len(note_lines), style.SMALL_SIZE)
        look = {"fontsize": style.SMALL_SIZE, "color": style.SOFT_INK}
        style.write(figure, style.MARGIN, top, "\n".join(note_lines), **look)
    if simulated:
        style.write_simulated(figure)
    if label_lines:
        style.write(figure, style.MARGIN + INDENT / 2, below, "\n".join(label_lines))
    axes = []
    for panel in range(count):
        row, column = divmod(panel, columns)
        left = style.MARGIN + INDENT / 2 + column * (width + SIDE_GAP)
        top = height - style.MARGIN - title_height - row * (row_height + ROW_GAP) - head_height
        axes.append(figure.add_axes(style.inch_rect(figure, left, top - panel_height, width, panel_height)))
    return Panels(figure, axes, name_lines)
