"""Who lives near, in a report: how it was measured, and which parties are meant; further parts beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spatialvote.analysis.report.near_curves import curves_part
from spatialvote.analysis.report.near_radius import as_within_part, radius_part
from spatialvote.analysis.report.numbers import digits_for, fixed, percent
from spatialvote.analysis.report.parts import Part, table
from spatialvote.data.origin_groups import definition_notes

if TYPE_CHECKING:
    from spatialvote.analysis.radii import Radii
    from spatialvote.data.districts import Districts
    from spatialvote.data.measured import Measured
    from spatialvote.data.select_parties import PartyChoice
    from spatialvote.models.fit import Fit


def near_parts(fit: Fit, districts: Districts, radii: Radii | None, choice: PartyChoice | None) -> list[Part]:
    """Everything a report says of surroundings; empty where nothing was measured, curved or chosen."""
    made = districts.record.measured
    parts = [
        None if made is None else _measures(districts, made),
        curves_part(fit, districts),
        None if radii is None else radius_part(districts, radii),
        None if made is None else as_within_part(fit, districts, made),
        None if choice is None else _parties(choice),
    ]
    return [one for one in parts if one is not None]


def _measures(districts: Districts, made: Measured) -> Part:
    """How the measures came about, and what became of the residents."""
    told = made.shared
    people = told["residents"] + told["residents_outside"]
    source = f" of ‘{made.source}’" if made.source else ""
    words = [
        f"{fixed(made.cells)} cells of {made.side} m{source} ({made.crs}): {fixed(told['cells_inside'])} lie "
        f"in one district, {fixed(told['cells_split'])} are cut by a border and shared by area, and "
        f"{fixed(told['cells_outside'])} lie outside every district. Of {fixed(people)} residents "
        f"{fixed(told['residents'])} ({percent(told['residents'] / people, 2)}) live in the districts; "
        f"these and the {fixed(told['residents_outside'])} outside add up to all but "
        f"{abs(told['residual']):.0e}.",
        "What is around a resident is summed over cells whose centres lie within the radius, and averaged "
        f"over the district's residents. {_reach_words(made)}",
        *made.notes,
    ]
    groups = districts.roles.definitions.get(made.measures[0].column, ())
    words += definition_notes(groups)
    rows = []
    for one in made.measures:
        values = districts.table[one.column].to_numpy(np.float64)
        low, middle, high = np.quantile(values, [0, 0.5, 1])
        digits = digits_for(low, high, least=1)
        numbers = [fixed(value, digits) for value in (low, middle, high)]
        rows.append((one.column, one.how, one.unit, *numbers))
    columns = [("column", "text"), ("what it is", "long"), ("unit", "text")]
    columns += [(name, "number") for name in ("lowest", "median", "highest")]
    caption = (
        f"Measures of the concentration of ‘{made.group}’. {districts.roles.counted(made.measures[0].column)}"
    )
    return Part(
        "measures",
        "How was it measured who lives near?",
        tuple(words),
        tables=(table(caption, columns, rows),),
    )


def _reach_words(made: Measured) -> str:
    if not made.farthest:
        return ""
    if made.reach >= made.farthest:
        return (
            f"The grid reaches at least {fixed(made.reach)} m beyond the districts, farther than the largest "
            f"radius ({fixed(made.farthest)} m)."
        )
    far = f"only {fixed(made.reach)} m" if made.reach > 0 else "nowhere"
    return (
        f"On one side the grid reaches {far} beyond the districts, and the largest radius is "
        f"{fixed(made.farthest)} m: at that edge nobody lives as far as it knows, and what is around is what "
        "is around on this side."
    )


def _parties(choice: PartyChoice) -> Part:
    """Which parties are meant, and how sure experts are."""
    rows = [
        (
            str(party),
            fixed(row["position"], 1),
            "–" if np.isnan(row["spread"]) else fixed(row["spread"], 1),
            fixed(row["salience"], 1),
            "yes" if row["chosen"] else "no",
            *(["yes" if row["listed"] else "no"] if "listed" in row else []),
        )
        for party, row in choice.table.iterrows()
    ]
    columns = [("party", "text"), ("position, 0 to 10", "number"), ("experts' sd", "number")]
    columns += [("salience, 0 to 10", "number"), ("chosen", "text")]
    columns += [("in The PopuList", "text")] if "listed" in choice.table else []
    caption = (
        f"Positions on immigration of parties ({choice.country}, {choice.year}; 10: restrictive). Source: "
        f"{choice.source}"
    )
    return Part(
        "chosen",
        "Which parties are against immigration, and who says so?",
        (choice.words,),
        tables=(table(caption, columns, rows),),
    )
