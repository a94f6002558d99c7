"""The page of turnout: rates by age and origin, gaps at equal ages, votes that were not cast, the review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from spatialvote.analysis.figures.intervals import plot_intervals
from spatialvote.analysis.figures.style import SIMULATED
from spatialvote.analysis.figures.turnout import plot_turnout_by_age, plot_turnout_panels
from spatialvote.analysis.figures.turnout_map import WIDE, map_turnout, map_turnout_change
from spatialvote.analysis.report.numbers import digits_for, fixed, interval, percent, probability
from spatialvote.analysis.report.parts import Part, Picture, Table, picture, table
from spatialvote.analysis.report.sheet import Sheet
from spatialvote.analysis.report.turnout_moderators import moderators_part
from spatialvote.analysis.turnout_rates import Rates, rates
from spatialvote.data.origin_groups import definition_notes

if TYPE_CHECKING:
    from spatialvote.analysis.checks.check import Check
    from spatialvote.analysis.turnout_gaps import Gap
    from spatialvote.analysis.turnout_moderators import ModeratedGap
    from spatialvote.analysis.turnout_votes import ExtraVotes, ResultChange, Tipping
    from spatialvote.data.districts import Districts
    from spatialvote.data.turnout import TurnoutCells
    from spatialvote.models.turnout.fit import TurnoutFit

_CAVEATS = (
    "An estimate is the probability of voting behind a cell, not the turnout that happened: the raw "
    "rate of a "
    "register is what happened.",
    "A gap that remains at equal ages is a difference between groups of the same ages. It is not the "
    "effect of "
    "origin: groups differ in education, income, years in the country and in which elections they may vote.",
    "Votes that were not cast are arithmetic under a stated comparison and a stated division; nothing "
    "here says "
    "that they would be cast, or for whom.",
    "Cells of few persons are pulled to what their group, age and area have in common; that is what their "
    "narrower intervals rest on.",
)
_ECOLOGICAL = (
    "Differences between areas are of areas: that turnout is low where many of a group live does not say "
    "that this group votes less, unless the cells are divided by group."
)
_AREAS = 15  # rows of a table of areas: the lowest and the highest turnout


def turnout_sheet(
    fit: TurnoutFit,
    checks: Sequence[Check],
    *,
    title: str,
    question: str | None = None,
    gaps: Sequence[Gap] = (),
    extra: ExtraVotes | None = None,
    change: ResultChange | None = None,
    tipping: Tipping | None = None,
    moderated: Sequence[ModeratedGap] = (),
    shapes: Districts | None = None,
) -> Sheet:
    """The page of a turnout fit.

    Parameters
    ----------
    fit, checks
        A fit and its review.
    title, question
        The heading, and the question in the reader's words.
    gaps
        Comparisons of groups.
    extra, change, tipping
        A counterfactual, what it would do to a result, and the division at which the result changes.
    moderated
        Gaps that go with what is known of areas.
    shapes
        Shapes of the areas, for maps.
    """
    cells = fit.cells
    about = cells.about
    parts = [_rates_part(fit)]
    if gaps:
        parts.append(_gaps_part(gaps, about.simulated))
    if extra is not None:
        parts.append(_votes_part(extra, change, tipping))
    if "area" in cells.factors:
        parts.append(_areas_part(fit, shapes))
    if moderated:
        parts.append(moderators_part(fit, moderated))
    parts.append(_spread_part(fit))
    year = f", {about.year}" if about.year is not None else ""
    return Sheet(
        title=title,
        setting=f"{about.name}{year} · source: {about.source or 'not told'} · {_size(cells)}",
        banner=SIMULATED if about.simulated else "",
        question=question or _question(cells),
        headline=_headline(fit, gaps),
        told=tuple(cells.notes),
        parts=tuple(parts),
        checks=tuple(checks),
        caveats=_CAVEATS + ((_ECOLOGICAL,) if "area" in cells.factors else ()),
        record=_record(fit),
    )


def _question(cells: TurnoutCells) -> str:
    called = {"group": "origin", "election": "from election to election", "area": cells.about.area_unit}
    names = [called.get(one, one) for one in cells.factors if one != "election"] or [called["election"]]
    by = " and ".join(names)
    return f"How does turnout differ {'' if by.startswith('from') else 'by '}{by}, and how sure is that?"


def _size(cells: TurnoutCells) -> str:
    kind = "effective persons" if cells.survey else "entitled persons"
    return f"{len(cells.table):,} cells, {cells.entitled.sum():,.0f} {kind}"


def _headline(fit: TurnoutFit, gaps: Sequence[Gap]) -> str:
    whole = rates(fit, ()).table.iloc[0]
    if not gaps:
        return f"Turnout is {_percent(whole)}."
    widest = max(gaps, key=lambda one: abs(one.draws.mean()))
    rows = widest.table()
    gap, equal = rows.loc["gap"], rows.loc["standardised gap"]
    way = "below" if gap["mean"] < 0 else "above"
    factors = " and ".join(widest.equal)
    return (
        f"Turnout of {widest.first} is {fixed(abs(gap['mean']), 1)} points {way} that of {widest.second}; at "
        f"equal {factors} structure the gap is {_points(equal)} points."
    )


def _percent(row: Mapping[str, float]) -> str:
    low, high = 100 * row["low"], 100 * row["high"]
    digits = digits_for(low, high)
    return f"{percent(row['mean'], digits)} ({interval(low, high, digits)})"


def _points(row: Mapping[str, float]) -> str:
    digits = digits_for(row["low"], row["high"])
    return f"{fixed(row['mean'], digits)} (95 % interval {interval(row['low'], row['high'], digits)})"


def _rates_part(fit: TurnoutFit) -> Part:
    cells = fit.cells
    pictures = []
    if {"group", "age"} <= set(cells.factors):
        few = int((rates(fit, ("group", "age")).table["entitled"] < 10).sum())
        pictures = [
            picture(
                plot_turnout_by_age(fit),
                "Lines of turnout by age, one for each origin group, with 95 % bands",
                "Turnout by age of each group. Where bands overlap, the groups are hardly told apart; "
                "lighter "
                "markers are ages at which little is known.",
            ),
            picture(
                plot_turnout_panels(fit),
                "One panel for each origin group: turnout by age with its band, raw rates as dots",
                "The same with the raw rates. Large dots should lie on the line; small dots scatter "
                "around it, "
                f"for they are few persons ({few} combinations of group and age hold fewer than ten).",
            ),
        ]
    # Areas have a part of their own.
    told = [one for one in ("group", "age", "sex", "election") if one in cells.factors]
    by = (told[0],) if told else cells.factors[:1]
    return Part(
        "rates",
        "Who votes?",
        definition_notes(cells.groups),
        tuple(pictures),
        (_rates_table(rates(fit, by), "Turnout, raw and estimated"),)
        + ((_rates_table(rates(fit, ("group", "age")), "Turnout by group and age"),) if pictures else ()),
    )


def _rates_table(found: Rates, caption: str) -> Table:
    columns = [(name, "text") for name in found.factors] + [
        ("entitled", "number"), ("voted", "number"), ("raw, %", "number"), ("estimate, %", "number"),
        ("95 % interval", "number"),
    ]  # fmt: skip
    rows = []
    for _, row in found.table.iterrows():
        low, high = 100 * row["low"], 100 * row["high"]
        digits = digits_for(low, high)
        rows.append(
            (
                *(str(row[name]) for name in found.factors),
                fixed(row["entitled"]),
                fixed(row["voted"]),
                fixed(100 * row["raw"], 1),
                fixed(100 * row["mean"], digits),
                interval(low, high, digits),
            )
        )
    return table(caption, columns, rows)


def _gaps_part(gaps: Sequence[Gap], simulated: bool) -> Part:
    names, values, rows, words = [], [], [], []
    for gap in gaps:
        told = gap.table()
        for quantity, row in told.iterrows():
            digits = digits_for(row["low"], row["high"])
            rows.append(
                (
                    f"{gap.first} against {gap.second}",
                    str(quantity),
                    fixed(row["raw"], 1),
                    fixed(row["mean"], digits),
                    interval(row["low"], row["high"], digits),
                    probability(row["probability_direction"]),
                )
            )
            if quantity != "part of structure":
                names.append(f"{gap.first}, {'as it is' if quantity == 'gap' else 'equalised'}")
                values.append([row["mean"], row["low"], row["high"]])
        if gap.empty:
            words.append(
                f"In {len(gap.empty)} strata one of {gap.first} and {gap.second} has nobody "
                f"({gap.empty[0]} among them): the rate there is the model's alone."
            )
    mean, low, high = np.array(values).T
    standard, equal = gaps[0].standard, " and ".join(gaps[0].equal)
    figure = plot_intervals(
        names, mean, low, high, xlabel=f"gap in turnout to {gaps[0].second}, percentage points",
        level="95 %", simulated=simulated,
    )  # fmt: skip
    columns = [
        ("comparison", "text"), ("quantity", "text"), ("raw, points", "number"),
        ("estimate, points", "number"),
        ("95 % interval", "number"), ("probability of its direction", "number"),
    ]  # fmt: skip
    return Part(
        "gaps",
        f"How large are the gaps, and at equal {equal}?",
        (
            f"Equalised: both groups are given the {equal} structure of the {standard}, every stratum "
            "with its "
            "own rate. What the gap loses by that is the part of structure.",
            *words,
        ),
        (
            picture(
                figure,
                "Intervals of each gap, as it is and at equal structure",
                "Each gap as it is and at equal structure, with 95 % intervals; an interval that crosses the "
                "dashed line leaves the direction open.",
            ),
        ),
        (table("Gaps in turnout, percentage points", columns, rows),),
    )


def _votes_part(extra: ExtraVotes, change: ResultChange | None, tipping: Tipping | None) -> Part:
    told = extra.summary()
    how = "age for age like" if extra.same_age else "like"
    words = [
        f"If the {fixed(extra.entitled)} entitled of {extra.group} turned out {how} {extra.like}, there "
        "would "
        f"be {fixed(told['mean'])} more votes (95 % interval {interval(told['low'], told['high'], 0)})."
    ]
    tables = []
    if change is not None:
        columns = [
            ("party", "text"), ("votes", "number"), ("share, %", "number"), ("gets of them, %", "number"),
            ("share then, %", "number"), ("95 % interval", "number"),
        ]  # fmt: skip
        rows = [
            (
                str(party), fixed(row["votes"]), fixed(100 * row["share"], 2),
                fixed(100 * row["division"], 1),
                fixed(100 * row["mean"], 2), interval(100 * row["low"], 100 * row["high"], 2),
            )
            for party, row in change.shares.iterrows()
        ]  # fmt: skip
        tables.append(table("Vote shares with these votes, under the stated division", columns, rows))
    if tipping is not None:
        words.append(_tipping_words(tipping))
    return Part("votes", "What are the votes that were not cast worth?", tuple(words), (), tuple(tables))


def _tipping_words(tipping: Tipping) -> str:
    told = tipping.summary()
    if told["probability_possible"] < 0.5:
        return (
            f"Hardly any division of them brings {tipping.party} past {tipping.rival}: the probability "
            "that one "
            f"does is {probability(told['probability_possible'])}."
        )
    high = "more than all" if told["high"] > 1 else percent(told["high"])
    return (
        f"{tipping.party} passes {tipping.rival} if it gets at least {percent(told['median'])} of them (95 % "
        f"interval {percent(told['low'])} to {high}), the rest dividing as the other parties do now."
    )


def _areas_part(fit: TurnoutFit, shapes: Districts | None) -> Part:
    found = rates(fit, ("area",))
    ordered = found.table.sort_values("mean", ascending=False)
    shown = ordered
    words = ()
    if len(ordered) > 2 * _AREAS:
        shown = ordered.iloc[[*range(_AREAS), *range(len(ordered) - _AREAS, len(ordered))]]
        words = (f"The {_AREAS} highest and the {_AREAS} lowest of {len(ordered)} areas.",)
    return Part(
        "areas",
        "Where do people vote?",
        words,
        () if shapes is None else _maps(fit, shapes),
        (_rates_table(Rates(found.factors, found.draws, shown), "Turnout by area"),),
    )


def _maps(fit: TurnoutFit, shapes: Districts) -> tuple[Picture, ...]:
    """Turnout by area in the last election, and its change since the first."""
    elections = fit.cells.levels.get("election", ())
    last = elections[-1] if elections else None
    unit = fit.cells.about.area_unit
    when = "" if last is None else f" in {last}"
    made = [
        picture(
            map_turnout(fit, shapes, election=last),
            f"Map of estimated turnout by {unit}{when}",
            f"Estimated turnout by {unit}{when}, of all who are entitled. Areas whose 95 % interval is wider "
            f"than {WIDE:g} points are drawn lighter.",
        )
    ]
    if len(elections) > 1:
        made.append(
            picture(
                map_turnout_change(fit, shapes, first=elections[0], last=elections[-1]),
                f"Map of the change of turnout from {elections[0]} to {elections[-1]}",
                f"Change of turnout by {unit} from {elections[0]} to {elections[-1]}; lighter where its "
                "direction is open.",
            )
        )
    return tuple(made)


def _spread_part(fit: TurnoutFit) -> Part:
    rows = []
    for name in fit.hyperparameters:
        draws = fit.draws(name)
        low, high = np.quantile(draws, [0.025, 0.975])
        rows.append((name, fixed(draws.mean(), 2), interval(low, high, 2)))
    columns = [("quantity", "text"), ("estimate", "number"), ("95 % interval", "number")]
    return Part(
        "model",
        "The model",
        (
            "Votes of a cell are binomial; its log-odds are a curve over age that all groups share, "
            "each group's "
            "own departure from it, effects of sex, election and area, interactions, and an effect of "
            "its own "
            f"(age: {fit.model.age}; interactions: "
            f"{', '.join(' x '.join(pair) for pair in fit.model.interactions) or 'none'}"
            + (f"; moderators of areas: {', '.join(fit.model.moderators)}" if fit.model.moderators else "")
            + ").",
        ),
        (),
        (table("Standard deviations of the terms on the logit scale, and rho", columns, rows),),
    )


def _record(fit: TurnoutFit) -> dict[str, str]:
    record = fit.record
    told = {
        "cells": repr(fit.cells),
        "fingerprint of the cells": record["fingerprints"]["cells"],
        "seed": str(record["seed"]),
        "draws": str(record["draws"]),
        "created": record["created"],
        "seconds": ", ".join(f"{name} {value:g}" for name, value in record["timings"].items()),
        "versions": ", ".join(f"{name} {value}" for name, value in record["versions"].items()),
    }
    return told | {f"SHA-256 of {name}": value for name, value in record["files"].items()}
