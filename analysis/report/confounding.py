"""Spatial confounding in a report: one effect under every model of space, and why it moves."""

from typing import Any

import numpy as np

from spatialvote.analysis.checks import confounding
from spatialvote.analysis.figures.confounding import plot_variants
from spatialvote.analysis.report.focus import column_words
from spatialvote.analysis.report.numbers import digits_for, fixed, interval, percent, significant
from spatialvote.analysis.report.parts import Part, Picture, Table, picture, table
from spatialvote.analysis.report.words import listed, points_step
from spatialvote.analysis.review import Check, Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit


def confounding_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """The effect under every variant; None where the review made no refits."""
    check = next((one for one in review.checks if one.name == "confounding"), None)
    if check is None:
        return None
    return Part(
        "confounding",
        confounding.QUESTION,
        words=_words(check, districts),
        pictures=(_picture(check, fit, districts),),
        tables=(_variant_table(check), _column_table(check, districts)),
        checks=("confounding",),
    )


def _words(check: Check, districts: Districts) -> tuple[str, ...]:
    """What goes with space, what each model makes of the effect, and what none of them can see."""
    details = dict(check.details)
    called = column_words(details["column"], districts)
    rows = {one["key"]: one for one in details["variants"]}
    main = details["variants"][0]
    return (
        " ".join([*_smoothness(details, called), *_correlation(details, called)]),
        " ".join(_path(rows, main, details, called, districts)),
        f"{check.advice} All of these compare districts, not persons. What varies across the map just as "
        f"{called} does, at every scale, no model of space can tell from it.",
    )


def _smoothness(details: dict[str, Any], called: str) -> list[str]:
    one = details["columns"].get(details["column"])
    if one is None:
        # The column enters by a curve or an interaction, which have columns of their own.
        return []
    told = []
    if one.get("smooth") is not None:
        told.append(
            f"Of the variance of {called} between districts, {percent(one['smooth'])} lies in the smoothest "
            f"{percent(one['smooth_expected'])} of the patterns that this map has"
            + (
                ": where it is high, it is high over whole regions, and so its effect is hard to tell from "
                "that of anything else that differs between regions."
                if one["smooth"] > 3 * one["smooth_expected"]
                else ": it hardly follows the map, so that little of its effect can be space's."
            )
        )
    between = {group: share for group, share in one["between"].items() if share is not None}
    told += [
        f"{percent(share)} of it lies between the levels of ‘{group}’." for group, share in between.items()
    ]
    return told


def _correlation(details: dict[str, Any], called: str) -> list[str]:
    one = details["columns"].get(details["column"], {})
    if "correlation" not in one:
        return []
    mean, low, high = one["correlation"]
    least, most = one["chance"]
    verdict = "no more than" if least <= mean <= most else "more than"
    return [
        f"The structured effects of the districts correlate with {called} at {fixed(mean, 2)} "
        f"({interval(low, high, 2)} over the draws): {verdict} effects that know nothing of it would "
        f"({interval(least, most, 2)})."
    ]


def _path(
    rows: dict[str, Any], main: dict[str, Any], details: dict[str, Any], called: str, districts: Districts
) -> list[str]:
    """The effect from the model without space to those that compare near districts only."""
    unit = details["unit"]
    digits = digits_for(main["effect_low"], main["effect_high"])

    def told(key: str) -> str:
        one = rows[key]
        return f"{fixed(one['effect'], digits)} ({interval(one['effect_low'], one['effect_high'], digits)})"

    step = (
        points_step(details["points"])
        if details["points"] is not None
        else f"one standard deviation ({significant(details['change'], 2)})"
    )
    text = [
        f"Where ‘{called}’ is {step} higher, other columns held fixed, this model has the outcome differ by "
        f"{told(main['key'])} {unit}."
    ]
    if "iid" in rows and main["key"] not in ("iid", "none"):
        moved = main["effect"] - rows["iid"]["effect"]
        text.append(
            f"With effects of districts that know no neighbours it would be {told('iid')}: letting "
            f"neighbours resemble each other moves it by {fixed(moved, digits)}"
            f"{_chance(rows['iid'], details)}."
        )
    plus = [key for key in rows if key.startswith("spatial_plus")]
    if plus:
        left = details["columns"].get(details["column"], {}).get("left") or ()
        kept = f", which leaves {listed([percent(one) for one in left])} of its variance" if left else ""
        text.append(
            f"With its smooth taken out (spatial+{kept}) it is {listed([told(key) for key in plus])}"
            f"{_chance(rows[plus[-1]], details)}."
        )
    if "neighbours" in rows and details["around"]:
        around = details["around"]
        text.append(
            f"With the neighbours' values added it is {told('neighbours')}"
            f"{_chance(rows['neighbours'], details)}; the same rise among the neighbours goes with "
            f"{fixed(around['effect'], digits)} "
            f"({interval(around['effect_low'], around['effect_high'], digits)})."
        )
    for key in (key for key in rows if key.startswith("within_")):
        group = column_words(key.removeprefix("within_"), districts)
        text.append(
            f"Comparing districts of the same {group} only, it is {told(key)}{_chance(rows[key], details)}."
        )
    return text


def _chance(row: dict[str, Any], details: dict[str, Any]) -> str:
    """Whether a change is more than chance makes of it, if the fitted model is true."""
    if not row["judged"]:
        return " (not judged: the fast engine cannot vouch for this fit)"
    beyond = abs(row["beyond"]) > details["limit"]
    return ", a change beyond chance" if beyond else ", a change within chance"


def _picture(check: Check, fit: Fit, districts: Districts) -> Picture:
    details = check.details
    rows = details["variants"]
    called = column_words(details["column"], districts)
    outcome = "vote share" if fit.model.family != "poisson" else "rate"
    step = points_step(details["points"]) if details["points"] is not None else "one standard deviation"
    departing = [one["label"] for one in rows[1:] if one["depends"]]
    unvouched = [one["label"] for one in rows if not one["judged"]]
    looks = ["departs" if one["depends"] else "told" if one["judged"] else "not vouched" for one in rows]
    how = (
        f"Here {listed(departing)} (in colour) depart from it by more than chance."
        if departing
        else "Here no model departs from it in a way that changes what it says."
    )
    grey = f" In grey, not judged: {listed(unvouched)}." if unvouched else ""
    return picture(
        plot_variants(
            [f"this model ({rows[0]['label']})", *(one["label"] for one in rows[1:])],
            np.array([one["effect"] for one in rows]),
            np.array([one["effect_low"] for one in rows]),
            np.array([one["effect_high"] for one in rows]),
            looks,
            xlabel=f"Change of the {outcome}, {details['unit']}, where {called} is {step} higher",
            title="The same effect under other models of space",
            simulated=districts.about.simulated,
        ),
        f"Points with intervals: the effect of {called} under {len(rows)} models of space.",
        f"The effect of {called} under {len(rows)} models of space; band: the interval of this model. An "
        f"effect that does not hang on how space is modelled stays within the band. {how}{grey} The interval "
        "without district effects is far too narrow where votes vary more than counting alone.",
    )


def _variant_table(check: Check) -> Table:
    rows = []
    for one in check.details["variants"]:
        digits = digits_for(one["effect_low"], one["effect_high"], least=2)
        finer = digits_for(one["coefficient_low"], one["coefficient_high"], least=2)
        rows.append(
            (
                one["label"],
                fixed(one["effect"], digits),
                interval(one["effect_low"], one["effect_high"], digits),
                fixed(one["coefficient"], finer),
                interval(one["coefficient_low"], one["coefficient_high"], finer),
                fixed(one["beyond"], 1) if "beyond" in one else "–",
                one["engine"] if one["k_hat"] is None else f"k-hat {fixed(one['k_hat'], 2)}",
            )
        )
    unit = check.details["unit"]
    return table(
        f"The effect of ‘{check.details['column']}’ under each model of space, the fitted model first",
        [
            ("model", "text"),
            (f"effect, {unit}", "number"),
            ("95 % interval", "number"),
            ("coefficient, link scale", "number"),
            ("95 % interval of it", "number"),
            ("change, in sd of chance", "number"),
            ("fitted by", "text"),
        ],
        rows,
    )


def _column_table(check: Check, districts: Districts) -> Table:
    described = check.details["columns"]
    groups = districts.roles.groups
    numeric = districts.roles.numeric_columns()
    rows = []
    for name, one in described.items():
        mean, low, high = one.get("correlation") or (np.nan, np.nan, np.nan)
        least, most = one.get("chance") or (np.nan, np.nan)
        rows.append(
            (
                column_words(name, districts) if name in numeric else name,
                percent(one["smooth"]) if one.get("smooth") is not None else "–",
                listed([percent(part) for part in one["left"]]) if one.get("left") else "–",
                *(percent(one["between"][group]) for group in groups),
                fixed(mean, 2),
                interval(low, high, 2),
                interval(least, most, 2),
            )
        )
    part = next((one["smooth_expected"] for one in described.values() if "smooth_expected" in one), np.nan)
    return table(
        "How far each column goes with space",
        [
            ("column", "text"),
            (f"variance in the smoothest {percent(part)} of patterns", "number"),
            ("variance left by spatial+", "number"),
            *((f"variance between levels of ‘{group}’", "number") for group in groups),
            ("correlation with the structured effects", "number"),
            ("over the draws", "number"),
            ("by chance", "number"),
        ],
        rows,
    )
