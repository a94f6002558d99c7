"""Districts as points: migrants against the vote, the size of a point by its valid votes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spatialvote.analysis.figures import style
from spatialvote.data.errors import DataError, Problem

PLOT_HEIGHT, LEFT = 3.5, 0.42
LARGEST, NAMED = 120.0, 8  # area of the largest point (points squared); names to try


@style.styled
def plot_scatter_share(
    migrants: np.ndarray,
    share: np.ndarray,
    valid: np.ndarray | None = None,
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
    names: Sequence[str] | None = None,
    curve: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None = None,
    counted: str = "",
    simulated: bool = False,
) -> Figure:
    """Plot the vote share of districts against their share of migrants.

    Parameters
    ----------
    migrants, share
        Coordinates, each shape (n,); districts where either is NaN are left out and counted in a note.
    valid
        Valid votes, shape (n,): the area of a point is proportional to them.
    xlabel, ylabel
        The two quantities with their units.
    title
        Title of the figure.
    names
        Names of the districts, shape (n,); those of the largest and of the extreme ones are written where
        there is room.
    curve
        A fitted relation: its x, mean, and lower and upper end, each shape (m,).
    counted
        Who is counted as a migrant (`Roles.counted`), printed at the foot.
    simulated
        Say at its foot that the data are simulated.

    Raises
    ------
    DataError
        If the arrays are not of one length, or no district has both values.
    """
    x, y = np.asarray(migrants, dtype=np.float64), np.asarray(share, dtype=np.float64)
    weight = np.ones_like(x) if valid is None else np.asarray(valid, dtype=np.float64)
    lengths = {len(x), len(y), len(weight), len(names) if names is not None else len(x)}
    present = np.isfinite(x) & np.isfinite(y) if len(lengths) == 1 else np.zeros(0, dtype=bool)
    if not present.any():
        raise DataError(
            Problem(
                f"a plot of shares needs districts with both values (lengths {sorted(lengths)} came)",
                "give arrays in the order of districts.ids",
            )
        )
    room = style.WIDTH - 2 * style.MARGIN
    title_lines = style.wrap(title, room, style.TITLE_SIZE, "bold") if title else []
    y_lines = [f"↑ {style.wrap(ylabel, room - 0.2)[0]}", *style.wrap(ylabel, room - 0.2)[1:]]
    x_lines = style.wrap(f"{xlabel} →", room - LEFT)
    note = " ".join([_notes(int((~present).sum()), valid is not None, curve is not None), counted]).strip()
    note_lines = style.wrap(note, room, style.SMALL_SIZE) if note else []
    head = style.lines_height(len(title_lines), style.TITLE_SIZE) + 0.06
    head += style.lines_height(len(y_lines), style.TEXT_SIZE) + 0.08
    mark = style.lines_height(1, style.SMALL_SIZE) if simulated else 0.0
    foot = 0.26 + mark + style.lines_height(len(x_lines), style.TEXT_SIZE)
    foot += style.lines_height(len(note_lines), style.SMALL_SIZE) + 0.06
    figure = style.new_figure(2 * style.MARGIN + head + PLOT_HEIGHT + foot)
    top, bottom = figure.get_size_inches()[1] - style.MARGIN, style.MARGIN + foot
    look = {"fontsize": style.TITLE_SIZE, "fontweight": "bold"}
    style.write(figure, style.MARGIN, top, "\n".join(title_lines), **look)
    style.write(figure, style.MARGIN, bottom + PLOT_HEIGHT + 0.08, "\n".join(y_lines), va="bottom")
    style.write(figure, style.WIDTH - style.MARGIN, bottom - 0.26, "\n".join(x_lines), ha="right")
    note_top = style.MARGIN + mark + style.lines_height(len(note_lines), style.SMALL_SIZE)
    look = {"fontsize": style.SMALL_SIZE, "color": style.SOFT_INK}
    style.write(figure, style.MARGIN, note_top, "\n".join(note_lines), **look)
    if simulated:
        style.write_simulated(figure)

    rect = style.inch_rect(figure, style.MARGIN + LEFT, bottom, room - LEFT, PLOT_HEIGHT)
    axes = figure.add_axes(rect, gid="shares")
    x, y, weight = x[present], y[present], weight[present]
    if valid is None:
        area = np.full(len(x), 14.0)
    else:
        area = np.maximum(LARGEST * weight / (weight.max() or 1.0), 1.5)
    order = np.argsort(-area)  # small points on top of large ones
    axes.scatter(
        x[order],
        y[order],
        s=area[order],
        facecolor=style.SERIES[2],
        alpha=0.55 if len(x) < 800 else 0.35,
        edgecolor=style.SERIES[0],
        linewidth=0.3,
        gid="districts",
    )
    if curve is not None:
        at, mean, low, high = (np.asarray(one, dtype=np.float64) for one in curve)
        axes.fill_between(at, low, high, color=style.VOTE, alpha=0.3, linewidth=0)
        axes.plot(at, mean, color=style.VOTE, linewidth=1.8)
    axes.grid(color=style.FAINT)
    axes.margins(0.05)
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    if names is not None:
        kept = [name for name, keep in zip(names, present, strict=True) if keep]
        _write_names(axes, x, y, area, kept, (room - LEFT, PLOT_HEIGHT))
    return figure


def _notes(absent: int, weighted: bool, fitted: bool) -> str:
    parts = ["One point is one district."]
    if weighted:
        parts = ["One point is one district, its area by its valid votes."]
    if fitted:
        parts.append("Line and band: the fitted relation with its interval.")
    if absent:
        parts.append(f"{absent:,} districts without a value are left out.")
    return " ".join(parts)


def _write_names(
    axes: Axes, x: np.ndarray, y: np.ndarray, area: np.ndarray, names: list[str], size: tuple[float, float]
) -> None:
    """Write the names of notable districts, each only where it covers no other name and stays inside."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    across, up = (x - west) / (east - west) * size[0], (y - south) / (north - south) * size[1]
    notable = [*np.argsort(-area)[:4], np.argmax(x), np.argmax(y), np.argmin(y), np.argmin(x)][:NAMED]
    taken: list[tuple[float, float, float, float]] = []
    height = style.lines_height(1, style.SMALL_SIZE)
    for at in dict.fromkeys(int(one) for one in notable):
        text = style.shorten(names[at], 1.6)
        width, radius = style.text_width(text, style.SMALL_SIZE), np.sqrt(area[at] / np.pi) / 72 + 0.03
        for left in (across[at] + radius, across[at] - radius - width):
            box = (left, up[at] - height / 2, left + width, up[at] + height / 2)
            inside = box[0] >= 0 and box[2] <= size[0] and box[1] >= 0 and box[3] <= size[1]
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                axes.annotate(
                    text,
                    (left / size[0], up[at] / size[1]),
                    xycoords="axes fraction",
                    va="center",
                    fontsize=style.SMALL_SIZE,
                    bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5},
                )
                break


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
