"""The page of a multiverse: what all specifications say together, which choice moves them, and each."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from spatialvote.analysis.effects.weighting import weighting_words
from spatialvote.analysis.figures.multiverse import MANY, Curve, plot_curve
from spatialvote.analysis.multiverse.choices import DIMENSIONS
from spatialvote.analysis.multiverse.decomposition import by_choice, decompose
from spatialvote.analysis.multiverse.multiverse import Multiverse
from spatialvote.analysis.report.focus import column_words
from spatialvote.analysis.report.numbers import (
    NBSP,
    digits_for,
    fixed,
    interval,
    percent,
    probability,
    seconds,
    significant,
)
from spatialvote.analysis.report.page import render
from spatialvote.analysis.report.parts import Picture, Table, picture, table
from spatialvote.analysis.report.references import cited_keys, references, with_citations
from spatialvote.analysis.report.words import listed, points_step

if TYPE_CHECKING:
    import pandas as pd

    from spatialvote.data.districts import Districts

_KNOWN = (
    "A multiverse fits every combination of choices that could have been defended [@steegen2016], and a "
    "specification curve shows them side by side [@simonsohn2020]."
)
_NO_PROBABILITY = (
    "The share of specifications with one sign is not a probability. Specifications were listed by somebody, "
    "use the same votes, resemble each other, and need not be equally defensible: a list with more of one "
    "kind "
    "has another share. Read it as a range: what a reader who would have chosen otherwise could have found."
)
_ECOLOGICAL = (
    "Every specification compares districts, not persons. Where more migrants live, more of the voters are "
    "migrants, and that alone can move a share although nobody changed their vote. Nor does agreement of all "
    "specifications show what causes what: they can share an omission."
)


def multiverse_page(
    found: Multiverse,
    districts: Mapping[str, Districts],
    question: str | None = None,
    study_source: str | None = None,
) -> str:
    """Lay out the page as HTML; nothing in it is fetched.

    Parameters
    ----------
    found
        The estimates.
    districts
        Name of a graph to the districts with it.
    question
        The question in the reader's words.
    study_source
        Text of the study file, to be shown as it is.
    """
    first = next(iter(districts.values()))
    about = first.about
    method = _method(found)
    ways = len(found.fitted)
    return render(
        {
            "title": f"{ways} ways to ask about migrants and the vote for {_parties(found, first)}",
            "about": about,
            "question": question
            or f"Does the answer depend on how it was asked? ({_quantity(found, first)})",
            "headline": _headline(found, first),
            "told": _told(found, first),
            "warnings": [_NO_PROBABILITY, _ECOLOGICAL],
            "setting": _setting(found, districts),
            "curve": _curve_picture(found, first) if len(found.fitted) else None,
            "moves": _moves_words(found),
            "moves_table": _moves_table(found),
            "choice_table": _choice_table(found, first),
            "left_out": _left_out_table(found),
            "elpd_words": _elpd_words(found),
            "all_table": _all_table(found, first),
            "failures": _failure_table(found),
            "computed": _computed(found),
            "method": [with_citations(one) for one in method],
            "references": references(cited_keys(method)),
            "study_source": study_source,
        },
        "multiverse.html.j2",
    )


def _parties(found: Multiverse, districts: Districts) -> str:
    return listed([districts.roles.party_called(one) for one in found.grid.options["party"]])


def _measures(found: Multiverse, districts: Districts) -> str:
    return " or ".join(column_words(one, districts) for one in found.grid.options["migrants"])


def _outcome(found: Multiverse) -> str:
    return "rate" if found.unit == "percent" else "vote share"


def _quantity(found: Multiverse, districts: Districts) -> str:
    """The estimate with its unit, for axes and headings."""
    return (
        f"Difference in the {_outcome(found)} of {_parties(found, districts)} ({found.unit}) where the share "
        f"of migrants ({_measures(found, districts)}) is {points_step(found.points)} higher"
    )


def _digits(found: Multiverse) -> int:
    """Decimals of all estimates: those that the intervals of a typical specification deserve."""
    rows = found.fitted
    return digits_for(0.0, float((rows["effect_high"] - rows["effect_low"]).median())) if len(rows) else 1


def _headline(found: Multiverse, districts: Districts) -> str:
    rows = found.fitted
    what = f"the {_outcome(found)} of {_parties(found, districts)}"
    if not len(rows):
        return "No specification could be fitted."
    if found.clearly_above == 1 or found.clearly_below == 1:
        way = "higher" if found.clearly_above == 1 else "lower"
        return f"However it was asked, {what} is {way} where more migrants live."
    if found.above in (0, 1):
        way = "higher" if found.above == 1 else "lower"
        return f"Every specification puts {what} {way} where more migrants live, not each beyond doubt."
    if found.clearly_above and found.clearly_below:
        return (
            f"Whether {what} is higher or lower where more migrants live depends on how it is asked: some "
            "specifications clearly say the one, some the other."
        )
    return f"Whether {what} is higher or lower where more migrants live depends on how it is asked."


def _told(found: Multiverse, districts: Districts) -> str:
    rows, digits = found.fitted, _digits(found)
    if not len(rows):
        return ""
    n = len(rows)
    above = int((rows["effect"] > 0).sum())
    clear_above = int((rows["effect_low"] > 0).sum())
    clear_below = int((rows["effect_high"] < 0).sum())
    low, middle, high = np.quantile(rows["effect"], [0, 0.5, 1])
    main = found.main
    text = (
        f"Of {n} specifications, {above} ({percent(above / n)}) estimate a higher and {n - above} "
        f"({percent(1 - above / n)}) a lower {_outcome(found)} of {_parties(found, districts)} where the "
        "share "
        f"of migrants is {points_step(found.points)} higher. In {clear_above} the 95{NBSP}% interval lies "
        f"above zero, in {clear_below} below, and in {n - clear_above - clear_below} it holds zero. "
        "Estimates "
        f"reach from {fixed(low, digits)} to {fixed(high, digits)} {found.unit}, their median is "
        f"{fixed(middle, digits)}."
    )
    if main["failure"]:
        return f"{text} The study's own specification could not be fitted by the fast engine."
    rank = int((rows["effect"] < main["effect"]).sum())
    place = "" if main["in_grid"] else ", which is none of these combinations,"
    return (
        f"{text} The study's own specification{place} says {fixed(main['effect'], digits)} "
        f"({interval(main['effect_low'], main['effect_high'], digits)}): {rank} of {n} estimates lie below "
        "it."
    )


def _setting(found: Multiverse, districts: Mapping[str, Districts]) -> str:
    about = next(iter(districts.values())).about
    when = f", {about.year}" if about.year is not None else ""
    text = f"{about.name}{when}; unit: {about.unit}."
    counts = sorted(set(found.fitted["districts"]))
    if len(counts) == 1:
        text += f" All specifications are fitted to the votes of {fixed(counts[0])} districts"
        same = len({tuple(one.ids) for one in districts.values()}) == 1
        text += ", the same in all." if same else ", not the same with every neighbour graph."
    elif counts:
        text += (
            f" Specifications are fitted to the votes of {fixed(counts[0])} to {fixed(counts[-1])} "
            "districts: "
            "they do not use the same data, which the table of all specifications tells, so that part of "
            "what "
            "differs between them is which districts they are of."
        )
    dropped = {id_ for one in districts.values() for id_ in one.record.dropped}
    if dropped:
        text += (
            f" {fixed(len(dropped))} districts are left out of all, because a value is missing in a column "
            "that at least one specification may use."
        )
    return text


def _curve_picture(found: Multiverse, districts: Districts) -> Picture:
    rows = found.table[found.table["failure"] == ""].reset_index(drop=True)
    chosen = {one.number: one.choices for one in found.grid.specifications}
    numbers = rows["specification"]
    choices = {
        DIMENSIONS[name].capitalize(): {
            _called(name, option, districts): np.array([option in chosen[one][name] for one in numbers])
            for option in found.grid.options[name]
        }
        for name in found.grid.varied
    }
    reliable = rows["reliable"].to_numpy(dtype=bool)
    if not reliable.all():
        choices["Approximation"] = {"k-hat above 0.7": ~reliable}
    main = np.flatnonzero(rows["main"])
    curve = Curve(
        mean=rows["effect"].to_numpy(),
        low=rows["effect_low"].to_numpy(),
        high=rows["effect_high"].to_numpy(),
        reliable=reliable,
        choices=choices,
        main=int(main[0]) if len(main) else None,
    )
    figure = plot_curve(curve, ylabel=_quantity(found, districts), simulated=districts.about.simulated)
    drawn = "a band between the ends of intervals, with a line at" if len(rows) > MANY else "an interval with"
    clear = found.clearly_above + found.clearly_below
    caption = (
        f"Each of {len(rows)} specifications is one place from left to right, in the order of its estimate: "
        f"{drawn} the posterior mean above (95{NBSP}% intervals), and below it marks at the choices that it "
        "makes; several marks in one group where a choice makes no difference to it. The dashed line is the "
        "study's own. A robust answer is a flat curve on one side of zero, and colours spread evenly over "
        "each "
        "row; a choice that decides has its marks at one end. Here "
        f"{percent(max(found.above, 1 - found.above))} "
        f"lie on one side of zero and {percent(clear)} have an interval without it."
    )
    alt = f"Specification curve: {_told(found, districts)}"
    return picture(figure, alt, caption)


def _called(dimension: str, option: str, districts: Districts) -> str:
    """A choice for people to read."""
    if dimension == "party":
        return districts.roles.party_called(option)
    if dimension == "migrants":
        return districts.roles.called(option)
    return option.replace("_", " ") if dimension in ("family", "structure") else option


def _moves_words(found: Multiverse) -> str:
    if not len(found.fitted):
        return ""
    parts = decompose(found)
    if parts.spread == 0:
        return "All estimates are the same: no choice moves them."
    name, share = next(iter(parts.parts.items()))
    digits = max(_digits(found), 2)
    return (
        f"Estimates differ with a standard deviation of {fixed(parts.spread, digits)} {found.unit}. "
        f"Most of that goes with the choice of {DIMENSIONS[name]} ({percent(share)} of the variance), and "
        f"{percent(parts.together)} is due to choices in combination. This is the variance between the "
        "estimates of this grid, taken apart as in analysis of variance (eta squared: how much is no longer "
        "explained when the choice is not known). It says how far the listed choices lie apart, not which is "
        "right."
    )


def _moves_table(found: Multiverse) -> Table | None:
    if not len(found.fitted):
        return None
    parts = decompose(found)
    rows = [
        (DIMENSIONS[name].capitalize(), str(len(found.grid.options[name])), percent(share, 1))
        for name, share in parts.parts.items()
    ]
    rows.append(("In combination", "", percent(parts.together, 1)))
    if abs(parts.shared) >= 0.0005:
        rows.append(("Not to be told apart, for their choices go together", "", percent(parts.shared, 1)))
    return table(
        "Share of the variance between estimates that goes with each choice (eta squared)",
        (("Choice of", "text"), ("Choices", "number"), ("Share of variance", "number")),
        rows,
    )


def _choice_table(found: Multiverse, districts: Districts) -> Table | None:
    choices = by_choice(found)
    if not len(choices):
        return None
    digits = _digits(found)
    return table(
        f"Estimates by choice ({found.unit}); a specification to which a choice makes no difference counts "
        "for each",
        (
            ("Choice of", "text"),
            ("Choice", "text"),
            ("Specifications", "number"),
            ("Mean", "number"),
            ("Least", "number"),
            ("Greatest", "number"),
            ("Above zero", "number"),
            ("Interval without zero", "number"),
        ),
        [
            (
                DIMENSIONS[str(row.dimension)].capitalize(),
                _called(str(row.dimension), str(row.choice), districts),
                str(row.specifications),
                *(fixed(float(value), digits) for value in (row.mean, row.least, row.greatest)),
                percent(float(row.above)),
                percent(float(row.clear)),
            )
            for row in choices.itertuples()
        ],
    )


def _left_out_table(found: Multiverse) -> Table | None:
    if not found.grid.left_out:
        return None
    return table(
        f"Combinations left out, of {found.grid.combinations}",
        (("Why", "long"), ("Combinations", "number")),
        [(reason, str(count)) for reason, count in found.grid.left_out.items()],
    )


def _failure_table(found: Multiverse) -> Table | None:
    failed = found.table[found.table["failure"] != ""]
    if not len(failed):
        return None
    return table(
        "Specifications that could not be fitted",
        (("Specification", "text"), ("Formula", "code"), ("Why", "long")),
        [(str(row.specification), str(row.formula), str(row.failure)) for row in failed.itertuples()],
    )


def _elpd_words(found: Multiverse) -> str:
    """What elpd may be compared across."""
    rows = found.fitted
    shares = (rows["family"] == "gaussian").any() and (rows["family"] != "gaussian").any()
    reasons = []
    if shares:
        reasons.append("counts and logits of shares are different outcomes")
    if rows["party"].nunique() > 1:
        reasons.append("parties differ")
    if rows["districts"].nunique() > 1:
        reasons.append("districts differ")
    limit = f" Here only within one outcome, for {listed(reasons)}." if reasons else ""
    return (
        "Elpd tells how well a specification predicts each district's votes from all others (integrated "
        "leave-one-out; higher is better), and can be compared between specifications of the same outcome "
        "and "
        f"the same districts.{limit} That one predicts better does not make its estimate the right one."
    )


def _all_table(found: Multiverse, districts: Districts) -> Table:
    digits, varied = _digits(found), found.grid.varied
    rows = found.table.sort_values("effect", kind="stable")
    return table(
        f"All specifications, in the order of their estimates ({found.unit}); every column is in "
        "multiverse.csv",
        (
            ("Number", "text"),
            *((DIMENSIONS[name].capitalize(), "text") for name in varied),
            ("Estimate", "number"),
            (f"95{NBSP}% interval", "number"),
            ("Probability above zero", "number"),
            ("Rho", "number"),
            ("Elpd", "number"),
            ("Districts", "number"),
            ("k-hat", "number"),
        ),
        [_row(row, varied, digits, districts) for _, row in rows.iterrows()],
    )


def _row(row: pd.Series, varied: tuple[str, ...], digits: int, districts: Districts) -> tuple[str, ...]:
    number = f"{row['specification']}{' (main)' if row['main'] else ''}"
    chosen = [
        " or ".join(_called(name, one, districts) for one in str(row[name]).split(" | ")) for name in varied
    ]
    if row["failure"]:
        return (number, *chosen, "not fitted", *("–" for _ in range(6)))
    mark = "" if row["reliable"] else " (too high)"
    return (
        number,
        *chosen,
        fixed(row["effect"], digits),
        interval(row["effect_low"], row["effect_high"], digits),
        probability(row["effect_positive"]),
        fixed(row["rho"], 2),
        fixed(row["elpd"], 1),
        fixed(row["districts"]),
        f"{significant(row['k_hat'], 2)}{mark}",
    )


def _computed(found: Multiverse) -> list[str]:
    fitted = found.table[found.table["failure"] == ""]
    doubtful = int((~fitted["reliable"]).sum())
    said = [
        f"Every specification was fitted by engine ‘laplace’ with {fixed(found.draws)} draws and the same "
        "seed, "
        f"{found.seed}, the study's own among them whatever engine its fit.nc was made by; spatialvote "
        f"{version('spatialvote')}. Effects are "
        f"{weighting_words(found.weighting, 'poisson' if found.unit == 'percent' else 'binomial')}. "
        f"It took {seconds(found.seconds)}.",
        f"In {doubtful} of {len(fitted)} specifications k-hat is above 0.7: their approximation cannot be "
        "relied on, and they are marked, not left out. The sampler can fit them: set their choices in "
        "[model] "
        "and use `spatialvote run`."
        if doubtful
        else "In every specification k-hat is at most 0.7: the approximation can be relied on.",
    ]
    if len(found.grid.options["migrants"]) > 1:
        said.append(
            f"A rise of {points_step(found.points)} is a larger step in one measure of migrants than in "
            "another that varies more: part of what differs between measures is that."
        )
    return said


def _method(found: Multiverse) -> list[str]:
    varied = [DIMENSIONS[name] for name in found.grid.varied]
    excluded = sum(found.grid.left_out.values())
    left = f", less {excluded} that were excluded, impossible or the same as another" if excluded else ""
    return [
        f"{_KNOWN} Here the choices of {listed(varied)} were combined, which makes {found.grid.combinations} "
        f"combinations{left}. For each, the average change in the {_outcome(found)} was computed for a "
        "share of "
        f"migrants {points_step(found.points)} higher in every district, other covariates and the district's "
        "own effect held, with its posterior mean and equal-tailed 95 % interval. The variance between "
        "estimates "
        "was taken apart by an additive linear model of the choices. No test of all specifications together "
        "was made."
    ]
