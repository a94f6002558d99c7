"""Two shares in one map: where migrants live and where the party is voted for, three classes of each.

Both shares are cut at their terciles, and a district takes the colour of its pair. Blue districts have many
migrants and few votes for the party, orange ones few migrants and many votes; both are what the contact
thesis expects. Grey to black are the districts where the two go together.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.basemap import MapSheet, check_values, draw_map
from spatialvote.analysis.figures.layer import tell
from spatialvote.analysis.figures.maps import (
    NOT_STOOD,
    migrant_label,
    migrant_percent,
    outcome_words,
    party_share,
)
from spatialvote.data.districts import Districts

SIDE, SQUARE_LEFT, TICKS = 1.2, 0.52, 0.22
KEY_LEFT, PATCH, PATCH_GAP = 2.7, 0.156, 0.067
TOLERANCE = 0.02  # of the districts, which may change class for a round break value

#: Positions in the palette's three steps, by how many classes a variable has.
_STEPS = {1: (0,), 2: (0, 2), 3: (0, 1, 2)}


@dataclass(frozen=True)
class Classes:
    """A variable cut into at most three classes of nearly equal size.

    Attributes
    ----------
    codes
        Class of each value, from 0; -1 where the value is missing. Shape (n,).
    breaks
        Upper end (inclusive) of every class but the last; fewer than two where ties leave fewer classes.
    low, high
        Range of the values.
    """

    codes: np.ndarray
    breaks: tuple[float, ...]
    low: float
    high: float


def classify(values: np.ndarray) -> Classes:
    """Cut values into terciles; equal values stay together, so classes can be unequal or fewer.

    Where a value is so frequent that it fills a class alone, what remains is halved: with seven zeros among
    ten, the classes are the zeros, and the lower and the upper half of the rest.

    Parameters
    ----------
    values
        Shape (n,), NaN where missing.

    Returns
    -------
    Classes
        Break values are rounded as far as at most two in a hundred districts change class by it.

    Examples
    --------
    >>> classify(np.array([0.0, 0, 0, 0, 0, 0, 0, 1, 2, 3])).codes
    array([0, 0, 0, 0, 0, 0, 0, 1, 2, 2])
    """
    present = values[~np.isnan(values)]
    distinct, counts = np.unique(present, return_counts=True)
    n, below = len(present), np.cumsum(counts)[:-1]  # districts under each possible cut
    if not len(below):
        cuts = []
    else:
        first = int(np.argmin(np.abs(below - n / 3)))
        if first + 1 < len(below):
            above = below[first + 1 :]
            cuts = [first, first + 1 + int(np.argmin(np.abs(above - (below[first] + n) / 2)))]
        elif first > 0:
            cuts = [int(np.argmin(np.abs(below[:first] - below[first] / 2))), first]
        else:
            cuts = [first]
    breaks: list[float] = []
    for cut in cuts:
        breaks.append(_round_break(present, distinct[cut], distinct[cut + 1], breaks[-1:]))
    codes = np.where(np.isnan(values), -1, np.searchsorted(breaks, values, side="left"))
    low, high = (float(distinct[0]), float(distinct[-1])) if n else (np.nan, np.nan)
    return Classes(codes, tuple(breaks), low, high)


def _round_break(values: np.ndarray, low: float, high: float, before: list[float]) -> float:
    """Find the break with fewest decimals that parts nearly the same values as one from `low` to `high`."""
    ideal = np.sum(values <= low)
    fewest = np.sum(values <= before[0]) if before else 0
    for digits in range(12):
        candidate = round(float(low + high) / 2, digits)
        parted = np.sum(values <= candidate)
        if fewest < parted < len(values) and abs(parted - ideal) <= TOLERANCE * len(values):
            return candidate
    return float(low)


@style.styled
def map_bivariate(districts: Districts, party: str, *, stood: np.ndarray | None = None) -> Figure:
    """Map migrants and the vote for a party together, nine colours for three by three classes.

    Of Poisson counts it is the rate, cases over exposure.

    Parameters
    ----------
    districts
        Districts with geometry and a column of migrants.
    party
        One of the parties.
    stood
        Where the party stood, shape (n,); elsewhere districts are hatched. None: everywhere.

    Returns
    -------
    Figure
        The map with a square legend that gives break values in percent and the districts of each class.

    Raises
    ------
    DataError
        If the party is unknown, there is no column of migrants with a known unit, or no geometry.
    """
    share, vote_label = party_share(districts, party)
    if stood is not None:
        share = np.where(stood, share, np.nan)
    long, short = outcome_words(districts)
    migrants = classify(check_values(districts, migrant_percent(districts), "the share of migrants"))
    votes = classify(check_values(districts, share, f"the share of {party}"))
    missing = (migrants.codes < 0) | (votes.codes < 0)
    palette = to_rgba_array([colour for row in style.BIVARIATE for colour in row]).reshape(3, 3, 4)
    palette = palette[np.ix_(_STEPS[len(votes.breaks) + 1], _STEPS[len(migrants.breaks) + 1])]
    counts = np.zeros(palette.shape[:2], dtype=int)
    np.add.at(counts, (votes.codes[~missing], migrants.codes[~missing]), 1)

    vote_lines = _arrow_lines("↑ ", vote_label, "", KEY_LEFT - 0.1)
    migrant_lines = _arrow_lines("", migrant_label(districts), " →", KEY_LEFT - SQUARE_LEFT - 0.1)
    square_top = style.lines_height(len(vote_lines), style.SMALL_SIZE) + 0.12
    height = square_top + SIDE + TICKS + style.lines_height(len(migrant_lines), style.SMALL_SIZE)
    why = "no value" if stood is None else NOT_STOOD
    sheet = draw_map(
        districts,
        palette[votes.codes, migrants.codes],
        missing,
        title=f"Where migrants live, and {long} {districts.roles.party_called(party)}",
        legend_height=height,
        why=why,
        counted=districts.roles.counted(districts.roles.migrants),
    )
    bold = {"fontsize": style.SMALL_SIZE, "fontweight": "bold"}
    sheet.write(0, 0, "\n".join(vote_lines), color=style.VOTE, **bold)
    sheet.write(SQUARE_LEFT, square_top + SIDE + TICKS, "\n".join(migrant_lines), color=style.MIGRANT, **bold)
    _draw_square(sheet, square_top, palette, counts)
    _label_breaks(sheet, square_top, migrants, votes)
    sheet.draw_key(KEY_LEFT, _name_corners(sheet, square_top, palette, counts, short))
    tell(sheet.figure, migrant_label(districts), migrant_percent(districts))
    tell(sheet.figure, vote_label, share, why)
    return sheet.figure


def _arrow_lines(before: str, label: str, after: str, width: float) -> list[str]:
    """Break an axis label into lines, the arrow kept with its text."""
    room = width - style.text_width(before + after, style.SMALL_SIZE, "bold")
    lines = style.wrap(label, room, style.SMALL_SIZE, "bold")
    lines[0] = before + lines[0]
    lines[-1] += after
    return lines


def _draw_square(sheet: MapSheet, top: float, palette: np.ndarray, counts: np.ndarray) -> None:
    """Draw the classes as cells with the number of districts in each."""
    rows, columns = counts.shape
    axes = sheet.add_axes(SQUARE_LEFT, top, SIDE, SIDE)
    axes.set_gid("legend square")
    axes.set(xlim=(0, columns), ylim=(0, rows))
    axes.set_axis_off()
    for row in range(rows):
        for column in range(columns):
            colour = palette[row, column]
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="white", linewidth=1))
            axes.text(
                column + 0.5,
                row + 0.5,
                f"{counts[row, column]:,}",
                ha="center",
                va="center",
                fontsize=style.SMALL_SIZE,
                color=_readable_on(colour),
            )


def _readable_on(colour: np.ndarray) -> str:
    """Black or white, whichever contrasts more (WCAG relative luminance)."""
    channels = colour[:3]
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "black" if linear @ [0.2126, 0.7152, 0.0722] > 0.179 else "white"


def _label_breaks(sheet: MapSheet, top: float, migrants: Classes, votes: Classes) -> None:
    """Write break values at the cell boundaries, and the range at the ends."""
    look = {"fontsize": style.SMALL_SIZE, "color": style.SOFT_INK}
    for classes, across in ((migrants, True), (votes, False)):
        texts = _tick_texts(classes)
        for offset, text in zip(np.linspace(0, SIDE, len(texts)), texts, strict=True):
            if across:
                sheet.write(SQUARE_LEFT + offset, top + SIDE + 0.05, text, ha="center", **look)
            else:
                sheet.write(SQUARE_LEFT - 0.06, top + SIDE - offset, text, ha="right", va="center", **look)


def _tick_texts(classes: Classes) -> list[str]:
    """Ends of the classes as text: breaks exactly, the range to the same number of decimals."""
    shown = [f"{one:.15g}" for one in classes.breaks]
    digits = max((len(text.partition(".")[2]) for text in shown), default=1)
    ends = [classes.low, *classes.breaks, classes.high]
    return [style.number(end, 10.0 ** -min(digits, 3)) for end in ends]


def _name_corners(
    sheet: MapSheet, top: float, palette: np.ndarray, counts: np.ndarray, outcome: str
) -> float:
    """Say in words what the four corners are; return the inches from the top after them."""
    if min(counts.shape) < 2:
        return top
    corners = (
        (-1, 0, f"few migrants, high {outcome}"),
        (0, -1, f"many migrants, low {outcome}"),
        (-1, -1, "both high"),
        (0, 0, "both low"),
    )
    row_height = style.lines_height(1, style.SMALL_SIZE) + 0.04
    for row, column, text in corners:
        patch = sheet.add_axes(KEY_LEFT, top, PATCH, 0.11)
        patch.set_axis_off()
        patch.add_patch(Rectangle((0, 0), 1, 1, facecolor=palette[row, column], edgecolor=style.RULE, lw=0.5))
        text = f"{text} ({counts[row, column]:,})"
        sheet.write(KEY_LEFT + PATCH + PATCH_GAP, top - 0.02, text, fontsize=style.SMALL_SIZE)
        top += row_height
    return top
