"""A country against the EU-27 in every policy area: dots on ranges, ordered by gap, in one figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from spatialvote.analysis.figures import style
from spatialvote.analysis.policy import PolicyProfile, rank_words
from spatialvote.data.policy_areas import CLASSES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAME, _GAP, _ROW, _AXIS, _HEAD, _KEY = 1.42, 0.12, 0.40, 0.24, 0.36, 0.44
_COLUMN = {"score": 0.44, "gap": 0.46, "rank": 0.48, "change": 0.46}
_BAR, _EARLIER = "#c4c4c4", "#8a8a8a"
_LOW, _HIGH = "†", "‡"
#: Written under a profile of invented scores.
SIMULATED = "Simulated data: the countries are real, their scores are invented."


@style.styled
def plot_policy_profile(profile: PolicyProfile) -> Figure:
    """Plot a profile.

    One row per area, the largest gap above the mean first. A thin line runs from the lowest to the highest
    member, a bar from the lower to the upper quartile, a stroke stands at the mean; the dot is the country,
    filled where it is above the mean and open where it is below. Vertical lines divide MIPEX's classes, so
    that a country which only looks good because others are low is seen to be low itself. A small diamond is
    its score in the earlier edition.
    """
    table, dated = profile.table, profile.earlier is not None
    columns = {name: width for name, width in _COLUMN.items() if dated or name != "change"}
    room = style.WIDTH - 2 * style.MARGIN
    title = style.wrap(
        f"{profile.name} against the EU-27: integration policy {profile.year}",
        room, style.TITLE_SIZE, "bold",
    )  # fmt: skip
    notes = [line for note in _notes(profile) for line in style.wrap(note, room, style.SMALL_SIZE)]
    title_height = style.lines_height(len(title), style.TITLE_SIZE) + 0.08
    foot = style.lines_height(len(notes), style.SMALL_SIZE) + 0.06
    if profile.simulated:
        foot += style.lines_height(1, style.SMALL_SIZE) + 0.04
    plot_height = _ROW * len(table)
    height = 2 * style.MARGIN + title_height + _HEAD + plot_height + _AXIS + _KEY + foot
    figure = style.new_figure(height)
    top = height - style.MARGIN
    bottom = style.MARGIN + foot + _KEY + _AXIS
    left = style.MARGIN + _NAME + _GAP
    width = room - _NAME - 2 * _GAP - sum(columns.values())
    style.write(figure, style.MARGIN, top, "\n".join(title), fontsize=style.TITLE_SIZE, fontweight="bold")
    _write_columns(figure, profile, columns, left + width + _GAP, bottom, plot_height)
    axes = figure.add_axes(style.inch_rect(figure, left, bottom, width, plot_height), gid="profile")
    for edge in (20.5, 40.5, 59.5, 79.5):
        axes.axvline(edge, color=style.RULE, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
    rows = np.arange(len(table))
    axes.hlines(rows, table["minimum"], table["maximum"], color=style.SOFT_INK, linewidth=0.9, zorder=1)
    for end in ("minimum", "maximum"):
        axes.plot(table[end], rows, "|", color=style.SOFT_INK, markersize=5, zorder=1)
    axes.hlines(rows, table["lower_quartile"], table["upper_quartile"], color=_BAR, linewidth=7, zorder=2)
    axes.plot(
        table["mean"], rows, "|", color=style.INK, markersize=15, markeredgewidth=1.8, zorder=3, gid="mean"
    )
    if dated:
        earlier = table["score"] - table["change"]
        axes.hlines(rows, earlier, table["score"], color=style.VOTE, linewidth=1.2, zorder=4)
        axes.plot(
            earlier, rows, "D", color=_EARLIER, markeredgecolor="white", markersize=5, zorder=4, gid="earlier"
        )
    filled = np.where(table["gap"] >= 0, style.VOTE, "white")
    axes.scatter(
        table["score"], rows, s=62, c=filled, edgecolors=style.VOTE, linewidths=1.8, zorder=5, gid="country",
        clip_on=False,
    )  # fmt: skip
    axes.set_xlim(-2, 102)
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_xticks([0, 20, 40, 60, 80, 100])
    axes.spines["left"].set_visible(False)
    _legend(figure, profile, style.MARGIN + foot)
    write_from = style.MARGIN + foot - 0.04
    style.write(figure, style.MARGIN, write_from, "\n".join(notes), fontsize=style.SMALL_SIZE,
                color=style.SOFT_INK)  # fmt: skip
    if profile.simulated:
        foot_top = style.MARGIN + style.lines_height(1, style.SMALL_SIZE)
        style.write(figure, style.MARGIN, foot_top, SIMULATED, fontsize=style.SMALL_SIZE, fontweight="bold")
    return figure


def _write_columns(
    figure: Figure, profile: PolicyProfile, columns: dict[str, float], x: float, bottom: float, height: float
) -> None:
    """Names and classes at the left; scores, gaps, ranks and changes in numbers at the right."""
    ranked = int(profile.table["ranked"].max())
    headings = {
        "score": "\nscore",
        "gap": "gap to\nmean",
        "rank": f"rank of\n{ranked}",
        "change": f"since\n{profile.earlier}",
    }
    ends = np.cumsum(list(columns.values())) + x
    look = {"fontsize": style.SMALL_SIZE, "ha": "right"}
    for name, end in zip(columns, ends, strict=True):
        style.write(figure, end, bottom + height + _HEAD, headings[name], color=style.SOFT_INK, **look)
    for number, (area, row) in enumerate(profile.table.iterrows()):
        y = bottom + height - (number + 0.5) * _ROW
        style.write(figure, style.MARGIN, y + 0.01, str(area), va="bottom", fontsize=style.TEXT_SIZE)
        style.write(figure, style.MARGIN, y - 0.01, row["class_name"], fontsize=style.SMALL_SIZE,
                    color=style.SOFT_INK)  # fmt: skip
        mark = {"others are low": _LOW, "others are high": _HIGH}.get(row["drive"], "")
        texts = {
            "score": style.number(row["score"], 1),
            "gap": _signed(row["gap"]) + mark,
            "rank": rank_words(row),
            "change": _signed(row["change"]) if np.isfinite(row["change"]) else "–",
        }
        for name, end in zip(columns, ends, strict=True):
            weight = "bold" if name == "score" else "normal"
            style.write(figure, end, y, texts[name], va="center", fontweight=weight, **look)


def _signed(value: float) -> str:
    text = style.number(value, 1)
    return text if text == "0" or text.startswith("−") else f"+{text}"


def _notes(profile: PolicyProfile) -> list[str]:
    classes = "; ".join(
        f"{one.low}–{one.high} {one.name}" if one.high > one.low else f"{one.low} {one.name}"
        for one in CLASSES
    )
    notes = [f"Classes of the index (dotted lines): {classes}. Gap: points above (+) or below (−) the mean."]
    drives = set(profile.table["drive"])
    if "others are low" in drives:
        notes.append(f"{_LOW} Above the mean, yet unfavourable itself: the others are low.")
    if "others are high" in drives:
        notes.append(f"{_HIGH} Below the mean, yet favourable itself: the others are high.")
    if profile.missing:
        notes.append(
            f"{len(profile.missing)} scores of members are missing, {profile.missing[0]} among them."
        )
    return notes


def _legend(figure: Figure, profile: PolicyProfile, bottom: float) -> None:
    dot = {"marker": "o", "linestyle": "", "markersize": 7.5, "markeredgecolor": style.VOTE,
           "markeredgewidth": 1.8}  # fmt: skip
    handles = [
        (Line2D([], [], markerfacecolor=style.VOTE, **dot), f"{profile.name}, above the mean"),
        (Line2D([], [], markerfacecolor="white", **dot), "below the mean"),
        (Line2D([], [], color=style.INK, marker="|", linestyle="", markersize=11, markeredgewidth=1.8),
         "EU-27: mean"),
        (Patch(color=_BAR), "middle half"),
        (Line2D([], [], color=style.SOFT_INK, marker="|", markersize=5, linewidth=0.9), "lowest to highest"),
    ]  # fmt: skip
    if profile.earlier is not None:
        handles.insert(
            2,
            (Line2D([], [], color=_EARLIER, marker="D", linestyle="", markersize=5), f"in {profile.earlier}"),
        )
    rows = (handles[: len(handles) - 3], handles[-3:])
    for number, row in enumerate(rows):
        y = (bottom + 0.02 + (1 - number) * 0.2) / figure.get_size_inches()[1]
        figure.legend(
            [one for one, _ in row], [text for _, text in row], loc="lower left", bbox_to_anchor=(0.008, y),
            ncols=len(row), columnspacing=1.2, handlelength=1.6, borderpad=0.1,
        )  # fmt: skip
