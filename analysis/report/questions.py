"""The evidence of a report, question by question: each with its verdict, its parts, and its checks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from spatialvote.analysis.checks import approximation, convergence, predictive, space_after, stored_data
from spatialvote.analysis.checks.check import worst
from spatialvote.analysis.report.parts import Part
from spatialvote.analysis.review import Check, Review

#: Question of the review to what a reader wants to be told at the top; others are told as they are.
LABELS = {
    convergence.QUESTION: "Converged",
    approximation.QUESTION: "Approximation sound",
    predictive.QUESTION: "Fits the data",
    space_after.QUESTION: "Space accounted for",
    stored_data.QUESTION: "Data and file intact",
}


@dataclass(frozen=True)
class Exhibit:
    """A part of the evidence with the outcomes of its checks."""

    part: Part
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Question:
    """One question of the review, and all that the page shows of it.

    Attributes
    ----------
    anchor
        Its name in links.
    heading
        The question.
    label
        The question as the line of verdicts at the top has it.
    verdict
        The worst verdict of its checks; "info" where none of them judges, "" where it has none.
    exhibits
        Parts with the checks that they are the evidence of; checks without a part come last, in a part
        without words or pictures.
    """

    anchor: str
    heading: str
    label: str
    verdict: str
    exhibits: tuple[Exhibit, ...]

    @property
    def at_top(self) -> bool:
        """Whether the line at the top tells its verdict: it was judged, or space could not be."""
        judged = self.verdict in ("pass", "warn", "fail")
        return judged or (self.heading == space_after.QUESTION and self.verdict == "info")


def questions(review: Review, parts: Sequence[Part]) -> list[Question]:
    """Put every part and every check under one question.

    A part stands under the question that is its heading, or else that of the first check that it names; its
    checks, those it names or else those of its question that no part names, stand with it. Questions stand in
    the order of the review, parts in theirs; a part without a check is a question of its own, at the end.
    """
    asked = list(dict.fromkeys(one.question for one in review.checks))
    left = list(review.checks)
    found: dict[str, list[Exhibit]] = {}
    alone: dict[str, list[Exhibit]] = {}
    # Parts that name their checks first, so that the others are left what nobody named.
    for part in sorted(parts, key=lambda one: not one.checks):
        taken = [
            one
            for one in left
            if one.name in part.checks or (not part.checks and one.question == part.heading)
        ]
        left = [one for one in left if one not in taken]
        heading = part.heading if part.heading in asked or not taken else taken[0].question
        (found if heading in asked else alone).setdefault(heading, []).append(Exhibit(part, tuple(taken)))
    for heading in asked:
        rest = tuple(one for one in left if one.question == heading)
        if rest:
            found.setdefault(heading, []).append(Exhibit(Part("", heading), rest))
    place = {part.anchor: k for k, part in enumerate(parts)} | {"": len(parts)}
    ordered = [(heading, found[heading]) for heading in asked if heading in found]
    return [
        _question(heading, sorted(exhibits, key=lambda one: place[one.part.anchor]))
        for heading, exhibits in (*ordered, *alone.items())
    ]


def _question(heading: str, exhibits: list[Exhibit]) -> Question:
    if len(exhibits) > 1 and not exhibits[-1].part.anchor and not exhibits[-2].checks:
        # Checks that nobody named stand beside the last figures of their question.
        last = exhibits.pop()
        exhibits[-1] = replace(exhibits[-1], checks=last.checks)
    verdicts = [one.verdict for exhibit in exhibits for one in exhibit.checks]
    judged = [one for one in verdicts if one != "info"]
    verdict = worst(judged) if judged else ("info" if verdicts else "")
    slug = "-".join(re.findall(r"[a-z0-9]+", heading.lower()))
    return Question(f"ask-{slug}", heading, LABELS.get(heading, heading), verdict, tuple(exhibits))
