"""The vote along the concentration of migrants, own and around, in a report: curves and where they turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spatialvote.analysis.curve import Curve, Turn, curve
from spatialvote.analysis.figures.curve import plot_curve
from spatialvote.analysis.report.focus import formula_columns, name_and_column
from spatialvote.analysis.report.numbers import NBSP, digits_for, fixed, interval, probability
from spatialvote.analysis.report.parts import Part, Picture, picture, table
from spatialvote.analysis.terms import columns_of, split_terms
from spatialvote.data.errors import ModelError
from spatialvote.models.design import split_formula

if TYPE_CHECKING:
    from spatialvote.data.districts import Districts
    from spatialvote.models.fit import Fit

ECOLOGICAL = (
    "All of this describes districts: that districts with more migrants in them or around them vote "
    "otherwise does not say that anybody in them does."
)


def curves_part(fit: Fit, districts: Districts) -> Part | None:
    """The vote along each curved or measured column, and where it turns."""
    made = districts.record.measured
    terms = split_terms(split_formula(fit.model.formula)[1])
    around = [] if made is None else [one.column for one in made.measures]
    wanted = [districts.roles.migrants, *around]
    asked = []
    for column in formula_columns(fit.model.formula, districts):
        curved = any(column in columns_of(term) and term.strip("`") != column for term in terms)
        if column in wanted and (curved or column in around):
            asked.append(column)
    found: list[Curve] = []
    left = []
    for column in asked:
        try:
            found.append(curve(fit, districts, column))
        except ModelError:
            # A column that interacts has no single curve; its effect is told elsewhere.
            left.append(column)
    if not found:
        return None
    pictures = [_curve_picture(fit, districts, one) for one in found]
    rows = [row for one in found for row in _turn_rows(districts, one)]
    caption = (
        "Turning points within the middle 95 % of the districts: their probability, and where they are if "
        f"they are. {districts.roles.counted(*(one.column for one in found))}"
    )
    columns = [("column", "text"), ("turn", "text"), ("probability", "number"), ("at", "number")]
    columns += [("95 % interval", "number"), ("sought from", "number"), ("to", "number")]
    words = [
        "A peak means that the vote rises with concentration and then falls; a straight line has neither "
        "peak nor trough, and an end of the range is no turn. van Wijk, Bolt & Tolsma (2020) report a peak "
        f"of radical right support at about 25{NBSP}% of residents with a migration background. "
        f"{ECOLOGICAL}"
    ]
    if left:
        words.append(f"{', '.join(left)} interacts with another column and has no single curve.")
    return Part(
        "curves",
        "At which concentration does the vote turn?",
        tuple(words),
        tuple(pictures),
        (table(caption.strip(), columns, rows),),
    )


def _curve_picture(fit: Fit, districts: Districts, one: Curve) -> Picture:
    roles = districts.roles
    poisson = fit.model.family == "poisson"
    called = roles.called(one.column)
    figure = plot_curve(
        one,
        name=called,
        unit=roles.units.get(one.column, "percent"),
        outcome="rate" if poisson else "vote share",
        title=f"{'The rate' if poisson else 'The vote'} along {called}",
        counted=roles.counted(one.column),
        simulated=districts.about.simulated,
    )
    return picture(
        figure,
        f"Curve of the outcome along {called} with its 95 % band, over a histogram of the districts.",
        f"What all districts together would vote at each value of {called}, everything else as it is. Where "
        "the histogram is empty the curve rests on the model alone. Peak within the data: probability "
        f"{probability(one.peak.probability)}; trough: {probability(one.trough.probability)}.",
    )


def _turn_rows(districts: Districts, one: Curve) -> list[tuple[str, ...]]:
    low, high = one.searched
    digits = digits_for(low, high, least=1)
    return [
        (
            name_and_column(one.column, districts),
            name,
            probability(turn.probability),
            *_place(turn, digits),
            fixed(low, digits),
            fixed(high, digits),
        )
        for name, turn in (("peak", one.peak), ("trough", one.trough))
    ]


def _place(turn: Turn, digits: int) -> tuple[str, str]:
    if not len(turn.location):
        return "–", "–"
    return fixed(turn.median, digits), interval(*turn.interval, digits)
