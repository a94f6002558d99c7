"""The review in a report, in words and as one table of all checks."""

from dataclasses import dataclass

from spatialvote.analysis.report.numbers import significant
from spatialvote.analysis.report.parts import Table, table
from spatialvote.analysis.review import Check, Review


@dataclass(frozen=True)
class Tally:
    """How the checks ended.

    Attributes
    ----------
    judged, passed
        How many gave a verdict, and how many of them passed.
    failed, warned
        Names of the others, as the page links to them.
    """

    judged: int
    passed: int
    failed: tuple[str, ...]
    warned: tuple[str, ...]


def tally(review: Review) -> Tally:
    """Count the verdicts of a review."""
    names = {
        verdict: tuple(one.name for one in review.checks if one.verdict == verdict)
        for verdict in ("pass", "warn", "fail")
    }
    judged = sum(len(one) for one in names.values())
    return Tally(judged, len(names["pass"]), names["fail"], names["warn"])


def value_words(check: Check) -> str:
    """The value of a check; an R-hat of 1.006 must not be shown as the 1.01 that it stays below."""
    return significant(check.value, 4 if 1 <= abs(check.value) < 10 else 3)


def check_table(review: Review) -> Table:
    """Every check of the review."""
    return table(
        "Every check: what was asked, what was computed, what a sound fit would show, and what to do",
        [
            ("check", "text"),
            ("verdict", "verdict"),
            ("question", "text"),
            ("statistic", "text"),
            ("value", "number"),
            ("threshold", "text"),
            ("advice", "long"),
        ],
        [
            (
                one.name,
                one.verdict,
                one.question,
                one.statistic,
                value_words(one),
                one.threshold,
                one.advice,
            )
            for one in review.checks
        ],
    )
