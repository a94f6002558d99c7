"""A page of one sheet: question, answer, parts, checks, caveats and record, as of turnout and policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.report.page import render
from spatialvote.analysis.report.parts import Part
from spatialvote.data.aside import written_aside


@dataclass(frozen=True)
class Sheet:
    """What a page holds; every text is escaped when it is written.

    Attributes
    ----------
    title, setting
        Heading, and the line below it: what, when, from where.
    banner
        Said above everything, where data are simulated.
    question, headline, told
        The question, its answer in one sentence, and what else is to be known.
    parts
        Sections.
    checks
        Of the review; none where nothing was fitted.
    caveats
        What the page does not show.
    record
        Names and values.
    """

    title: str
    setting: str
    banner: str
    question: str
    headline: str
    told: tuple[str, ...]
    parts: tuple[Part, ...]
    checks: tuple[Check, ...]
    caveats: tuple[str, ...]
    record: Mapping[str, str]


def write_sheet(
    sheet: Sheet,
    path: str | Path,
    study_source: str | None = None,
    related: Mapping[str, str] | None = None,
) -> Path:
    """Write a page; it is written aside and renamed, so that no half-written one is ever left.

    ``related`` are titles and ways of other pages that it leads to.
    """
    path = Path(path)
    content = {
        "title": sheet.title,
        "setting": sheet.setting,
        "banner": sheet.banner,
        "question": sheet.question,
        "headline": sheet.headline,
        "told": sheet.told,
        "sheet_parts": sheet.parts,
        "checks": sheet.checks,
        "failed": failed(sheet.checks),
        "caveats": sheet.caveats,
        "record": list(sheet.record.items()),
        "study_source": study_source,
        "related": dict(related or {}),
    }
    with written_aside(path) as aside:
        aside.write_text(render(content, "sheet.html.j2"), encoding="utf-8")
    return path


def failed(checks: Sequence[Check]) -> list[str]:
    """Names of the checks that failed."""
    return [one.name for one in checks if one.verdict == "fail"]
