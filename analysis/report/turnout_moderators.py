"""The part of the page of turnout that tells whether gaps go with what is known of areas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spatialvote.analysis.figures.moderated import plot_moderated_gap
from spatialvote.analysis.report.numbers import digits_for, fixed, interval, probability
from spatialvote.analysis.report.parts import Part, picture, table

if TYPE_CHECKING:
    from spatialvote.analysis.turnout_moderators import ModeratedGap
    from spatialvote.models.turnout.fit import TurnoutFit

_CAVEAT = (
    "Areas differ in much beside this, and no model of so few units tells these apart: a slope is how gaps "
    "go together with it over areas, neither an effect of policy nor of persons."
)


def moderators_part(fit: TurnoutFit, moderated: Sequence[ModeratedGap]) -> Part:
    """Slopes with intervals, gaps at low and high values, and what so few areas can tell."""
    rows, words, pictures = [], [_CAVEAT], []
    for one in moderated:
        words.append(f"{one.moderator}, {one.first} against {one.second}: {' '.join(one.words())}")
        for quantity, row in one.table().iterrows():
            digits = 2 if "logits" in str(quantity) else digits_for(row["low"], row["high"])
            rows.append(
                (
                    f"{one.moderator}: {one.first} against {one.second}",
                    str(quantity),
                    fixed(row["mean"], digits),
                    interval(row["low"], row["high"], digits),
                    probability(row["probability_direction"]),
                )
            )
        pictures.append(
            picture(
                plot_moderated_gap(fit, one),
                f"Gap in turnout of each area by its {one.moderator}, with the line of the model",
                f"Gap of {one.first} to {one.second} by {one.moderator}: one dot for each of {one.units} "
                "areas (estimates, pulled to the line where few persons are behind them), 95 % intervals, "
                "and the model's line with its band.",
            )
        )
    columns = [
        ("comparison", "text"), ("quantity", "text"), ("estimate", "number"), ("95 % interval", "number"),
        ("probability of its direction", "number"),
    ]  # fmt: skip
    tables = [table("Gaps by what is known of areas", columns, rows)]
    for one in moderated:
        if len(one.without):
            told = [
                (str(area), fixed(row["mean"], 2), interval(row["low"], row["high"], 2))
                for area, row in one.without.iterrows()
            ]
            caption = f"Slope of {one.moderator} without each area: {one.first} against {one.second}"
            heads = [("without", "text"), ("slope", "number"), ("95 % interval", "number")]
            tables.append(table(caption, heads, told))
    return Part(
        "moderators", "Do gaps go with what is known of areas?", tuple(words), tuple(pictures), tuple(tables)
    )
