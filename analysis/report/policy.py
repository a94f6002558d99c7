"""The page of integration policy: each country's profile, and every score behind it."""

from collections.abc import Sequence

import numpy as np

from spatialvote.analysis.figures.policy import SIMULATED, plot_policy_profile
from spatialvote.analysis.policy import PolicyProfile, profile_words, rank_words
from spatialvote.analysis.report.numbers import fixed
from spatialvote.analysis.report.parts import Part, Table, picture, table
from spatialvote.analysis.report.sheet import Sheet
from spatialvote.data.policy import PolicyScores
from spatialvote.data.policy_areas import COUNTRIES

_CAVEATS = (
    "The index scores laws and policies on paper, judged by experts against the standard of equal rights; it "
    "does not measure integration.",
    "A rank compares with the others: a country can rise because others fall, and be first among low scores. "
    "The class of its own score stands beside it for that reason.",
    "Scores are whole points with no stated uncertainty; differences of a point or two mean nothing.",
    "With 27 members, a relation between policy and what people do rests on 27 points at most, and countries "
    "differ in much else: it can show what is compatible with the data, hardly what policy causes.",
)


def policy_sheet(
    profiles: Sequence[PolicyProfile], scores: PolicyScores, *, title: str, question: str | None = None
) -> Sheet:
    """The page of some profiles of the same edition.

    Parameters
    ----------
    profiles
        One for each country, at least one.
    scores
        What they are of.
    title, question
        The heading, and the question in the reader's words.
    """
    first = profiles[0]
    names = ", ".join(one.name for one in profiles)
    asked = f"Where are the integration policies of {names} above and below the mean of the EU-27?"
    return Sheet(
        title=title,
        setting=f"integration policy index (MIPEX), edition {first.year} · source: {scores.source}",
        banner=SIMULATED if scores.simulated else "",
        question=question or asked,
        headline=" ".join(_headline(one) for one in profiles),
        told=tuple(scores.notes),
        parts=tuple(_part(one) for one in profiles),
        checks=(),
        caveats=_CAVEATS,
        record={
            "scores": repr(scores),
            "fingerprint of the scores": scores.fingerprint,
            "edition": str(first.year),
            "earlier edition": "none" if first.earlier is None else str(first.earlier),
        },
    )


def _headline(profile: PolicyProfile) -> str:
    return (
        f"{profile.name} is above the EU-27 mean in {len(profile.above)} of {len(profile.table)} areas and "
        f"below it in {len(profile.below)}."
    )


def _part(profile: PolicyProfile) -> Part:
    words = profile_words(profile)
    alt = f"Dots on ranges, one row for each policy area of {profile.name}, ordered by gap: " + "; ".join(
        f"{area} {row['score']:.0f}, gap {row['gap']:+.0f}" for area, row in profile.table.iterrows()
    )
    caption = (
        "Each row: lowest to highest member (line), middle half (bar), mean (stroke) and the country "
        "(dot), on "
        "the index's own scale. A dot beyond the bar is in the outer quarters; one left of the middle of the "
        "scale is unfavourable however high it ranks."
    )
    return Part(
        f"country-{profile.country.lower()}",
        profile.name,
        words,
        (picture(plot_policy_profile(profile), alt, caption),),
        (_table(profile),),
    )


def _table(profile: PolicyProfile) -> Table:
    columns = [
        ("area", "text"), ("score", "number"), ("class", "text"), ("gap to mean", "number"),
        ("rank", "text"), ("lowest", "number"), ("lower quartile", "number"), ("median", "number"),
        ("mean", "number"), ("upper quartile", "number"), ("highest", "number"), ("highest: who", "text"),
        ("change", "number"), ("change of the mean", "number"), ("what drives the gap", "text"),
    ]  # fmt: skip
    rows = [
        (
            str(area), fixed(row["score"]), row["class_name"], fixed(row["gap"], 1), rank_words(row),
            fixed(row["minimum"]), fixed(row["lower_quartile"], 1), fixed(row["median"], 1),
            fixed(row["mean"], 1), fixed(row["upper_quartile"], 1), fixed(row["maximum"]),
            ", ".join(COUNTRIES[code] for code in row["highest"].split(", ")),
            fixed(row["change"]) if np.isfinite(row["change"]) else "–",
            fixed(row["mean_change"], 1) if np.isfinite(row["mean_change"]) else "–", row["drive"] or "–",
        )
        for area, row in profile.table.iterrows()
    ]  # fmt: skip
    caption = f"{profile.name} and the EU-27, {profile.year}: points of the index, 0 to 100"
    return table(caption, columns, rows)
