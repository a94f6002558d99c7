"""Choropleth maps: any value by district, and the ones that a report shows."""

from typing import Literal

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.basemap import GAP, check_values, draw_map
from spatialvote.analysis.figures.colour_scale import (
    BAR_HEIGHT,
    BAR_WIDTH,
    HISTOGRAM_HEIGHT,
    TICKS_HEIGHT,
    colour_limits,
    draw_colour_scale,
    tail_note,
)
from spatialvote.analysis.figures.layer import tell
from spatialvote.data.districts import Districts
from spatialvote.data.errors import DataError, Problem
from spatialvote.data.roles import SHARE_UNITS

#: Part of a colour's distance from white that is left of it in a district that is little known.
_FAINT = 0.4
#: What the key says of districts where the party did not stand.
NOT_STOOD = "did not stand"


@style.styled
def map_values(
    districts: Districts,
    values: object,
    *,
    title: str,
    label: str,
    kind: Literal["sequential", "diverging"] = "sequential",
    centre: float = 0.0,
    ramp: str | None = None,
    missing: np.ndarray | None = None,
    why: str = "no value",
    counted: str = "",
    faint: np.ndarray | None = None,
    faint_words: str = "",
) -> Figure:
    """Map one value per district.

    Parameters
    ----------
    districts
        Districts with geometry.
    values
        One value per district in their order, or a Series indexed by id; NaN where there is none.
    title
        What the map shows.
    label
        The quantity with its unit ("PVV, % of valid votes"), written over the colour bar.
    kind
        "sequential" (more is darker) or "diverging" (two hues on the sides of `centre`).
    centre
        Middle of a diverging scale.
    ramp
        Name of one of `style.RAMPS`; by default that of the kind.
    missing
        Districts whose value is not to be shown though there is one, shape (n,).
    why
        What the key says of districts without a value.
    counted
        Who is counted in what is mapped (`Roles.counted`), printed at the foot.
    faint, faint_words
        Districts that are drawn lighter, because their value is little known, shape (n,), and what the key
        says of them.

    Returns
    -------
    Figure
        Map with legend, scale bar (where the coordinates are in a projection) and footer. Districts
        without a value are hatched, those without a neighbour outlined, those too small to see circled.

    Raises
    ------
    DataError
        If districts lack geometry, or values do not fit them.
    """
    array = check_values(districts, values, "the value to be mapped").copy()
    if missing is not None:
        array[np.asarray(missing, dtype=bool)] = np.nan
    absent = np.isnan(array)
    cmap = style.RAMPS[ramp or kind]
    label_lines = style.wrap(label, BAR_WIDTH)
    if absent.all():
        limits, norm, notes = None, Normalize(0, 1), []
    else:
        limits = colour_limits(array[~absent], centre if kind == "diverging" else None)
        norm = Normalize(limits.low, limits.high)
        notes = style.wrap(tail_note(array[~absent], limits), BAR_WIDTH, style.SMALL_SIZE)
    label_height = style.lines_height(len(label_lines), style.TEXT_SIZE)
    scale_top = label_height + HISTOGRAM_HEIGHT + 0.04
    height = scale_top + BAR_HEIGHT + TICKS_HEIGHT + style.lines_height(len(notes), style.SMALL_SIZE)

    colors = cmap(norm(np.nan_to_num(array)))
    pale = np.zeros(len(array), dtype=bool) if faint is None else np.asarray(faint, dtype=bool) & ~absent
    colors[pale, :3] = 1 - (1 - colors[pale, :3]) * _FAINT
    sheet = draw_map(districts, colors, absent, title=title, legend_height=height, why=why, counted=counted)
    sheet.write(0, 0, "\n".join(label_lines), fontsize=style.TEXT_SIZE)
    if limits is not None:
        draw_colour_scale(sheet, scale_top, array[~absent], limits, cmap)
        if notes:
            note_top = scale_top + BAR_HEIGHT + TICKS_HEIGHT
            look = {"fontsize": style.SMALL_SIZE, "color": style.SOFT_INK}
            sheet.write(0, note_top, "\n".join(notes), **look)
    if pale.any():
        red, green, blue = (1 - (1 - part) * _FAINT for part in cmap(0.7)[:3])
        swatch = Patch(facecolor=(red, green, blue), edgecolor="none")
        sheet.key.append((swatch, f"{faint_words} ({pale.sum():,})"))
    sheet.draw_key(BAR_WIDTH + 2.5 * GAP, 0)
    tell(sheet.figure, label, array, why)
    return sheet.figure


def party_share(districts: Districts, party: str) -> tuple[np.ndarray, str]:
    """Share of a party in percent of the valid votes, shape (n,), and its label with unit.

    For Poisson counts it is cases over exposure, as a ratio.

    Raises
    ------
    DataError
        If the party is not one of the districts'.
    """
    if party not in districts.roles.votes:
        known = ", ".join(f"'{one}'" for one in districts.roles.votes)
        raise DataError(
            Problem(f"no votes for '{party}' in these districts", f"choose one of the parties {known}")
        )
    called = _capital(districts.roles.party_called(party))
    if districts.roles.shares_only:
        return 100 * districts.share(party), f"{called}, % of votes"
    if districts.roles.valid is None:
        exposure = districts.roles.called(districts.roles.exposure or "")
        return districts.share(party), f"{called}, count over {exposure}"
    return 100 * districts.share(party), f"{called}, % of valid votes"


def outcome_words(districts: Districts) -> tuple[str, str]:
    """What is mapped of a party, long and short: the vote for it, or, of Poisson counts, its rate."""
    counts = districts.roles.valid is None and not districts.roles.shares_only
    return ("the rate of", "rate") if counts else ("the vote for", "vote")


def map_vote_share(districts: Districts, party: str, *, stood: np.ndarray | None = None) -> Figure:
    """Map a party's share of the valid votes in percent; for Poisson counts, cases over exposure.

    Parameters
    ----------
    districts, party
        Districts with geometry, and one of their parties.
    stood
        Where the party stood, shape (n,); elsewhere districts are hatched. None: everywhere.

    Raises
    ------
    DataError
        If the party is not one of the districts', or districts lack geometry.
    """
    share, label = party_share(districts, party)
    words, _ = outcome_words(districts)
    title = f"{words.removeprefix('the ').capitalize()} {districts.roles.party_called(party)}"
    missing = None if stood is None else ~np.asarray(stood, dtype=bool)
    return map_values(districts, share, title=title, label=label, ramp="vote", missing=missing, why=NOT_STOOD)


def migrant_percent(districts: Districts) -> np.ndarray:
    """Concentration of migrants in percent, shape (n,), whatever the unit of its column.

    Raises
    ------
    DataError
        If the districts have no column of migrants, or its unit is not one of `SHARE_UNITS`.
    """
    column = districts.roles.migrants
    if column is None:
        raise DataError(
            Problem(
                "these districts have no column of migrants", "name it: read_districts(migrants=<column>)"
            )
        )
    unit = districts.roles.units.get(column, "")
    if unit not in SHARE_UNITS:
        raise DataError(
            Problem(
                f"the unit of '{column}' must be one of {', '.join(SHARE_UNITS)}, and {unit or 'none'} came",
                f"read_districts(units={{'{column}': 'percent'}}) or what it is",
            )
        )
    return 100 / SHARE_UNITS[unit] * districts.table[column].to_numpy(dtype=np.float64)


def migrant_label(districts: Districts) -> str:
    """What the column of migrants is called, with the unit in which figures show it."""
    roles, column = districts.roles, districts.roles.migrants or ""
    if column in roles.names:
        return f"{_capital(roles.called(column))}, %"
    return f"{column} (%)" if roles.units.get(column) == "percent" else f"{column}, shown as %"


def _capital(name: str) -> str:
    """A name as a label begins; a column's or party's own spelling, such as 'pvv', is kept."""
    return name[:1].upper() + name[1:] if " " in name else name


def map_migrants(districts: Districts) -> Figure:
    """Map the concentration of migrants, in percent whatever the unit of its column.

    Raises
    ------
    DataError
        If the districts have no column of migrants with a known unit, or lack geometry.
    """
    return map_values(
        districts,
        migrant_percent(districts),
        title="Migrants",
        label=migrant_label(districts),
        ramp="migrants",
        counted=districts.roles.counted(districts.roles.migrants),
    )


def map_residuals(
    districts: Districts,
    residuals: object,
    *,
    label: str = "observed minus fitted vote share, percentage points",
) -> Figure:
    """Map what the model leaves unexplained; zero is in the middle of the colours."""
    return map_values(
        districts, residuals, title="What the model leaves unexplained", label=label, kind="diverging"
    )


def map_structured(
    districts: Districts,
    effect: object,
    *,
    title: str = "What neighbouring districts share",
    label: str = "spatially structured effect, log-odds",
) -> Figure:
    """Map the spatial part of the model; zero is in the middle of the colours."""
    return map_values(districts, effect, title=title, label=label, kind="diverging")


def map_uncertainty(
    districts: Districts, width: object, *, label: str = "width of the 90 % interval, percentage points"
) -> Figure:
    """Map how uncertain each district's value is (width of an interval, or standard deviation)."""
    return map_values(districts, width, title="Uncertainty", label=label, ramp="uncertainty")
