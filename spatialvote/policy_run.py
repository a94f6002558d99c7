"""A study of integration policy: scores, profiles and page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spatialvote.account import short, step
from spatialvote.data.errors import Problem, StudyError
from spatialvote.outputs import Outputs, write_aside
from spatialvote.policy_schema import PolicyFile
from spatialvote.section_file import SectionFile, read_sections

if TYPE_CHECKING:
    from spatialvote.data.policy import PolicyScores

#: The embedded study of simulated scores.
DEFAULT_POLICY = Path(__file__).with_name("default_policy.toml")


def load_policy(path: str | Path | None = None, folder: str | Path | None = None) -> SectionFile[PolicyFile]:
    """Read a study file of policy; None: the embedded one, whose output starts at the current folder.

    Raises
    ------
    StudyError
        With everything that is wrong with it.
    """
    if path is None:
        path, folder = DEFAULT_POLICY, folder or Path.cwd()
    study = read_sections(path, PolicyFile, folder)
    scores = study.settings.scores
    if (scores.simulate is None) == (scores.table is None):
        raise StudyError(
            Problem("scores needs one of simulate and table", "give a table, or simulate = true")
        )
    return study


def read_scores(study: SectionFile[PolicyFile]) -> PolicyScores:
    """Read or simulate the scores of a study."""
    section = study.settings.scores
    if section.simulate is not None:
        from spatialvote.data.policy_simulate import simulate_policy

        return simulate_policy(section.simulate.seed)
    if section.table is None:
        raise TypeError("a study without a table is simulated")
    from spatialvote.data.policy_read import read_policy, read_policy_mapping

    mapping = None if section.mapping is None else read_policy_mapping(section.mapping)
    return read_policy(
        section.table, mapping=mapping, year=section.year, sheet=section.sheet, gaps=section.gaps,
        source=section.source,
    )  # fmt: skip


def run_policy(study: SectionFile[PolicyFile], countries: tuple[str, ...] = ()) -> Path:
    """Compare and report; writes policy.html and a PNG of each profile to the study's output.

    Parameters
    ----------
    study
        The study.
    countries
        Countries instead of those that the study names.
    """
    settings = study.settings
    outputs = Outputs(settings.study.output)
    outputs.prepare()
    with step("Reading scores") as doing:
        scores = read_scores(study)
        doing.outcome = str(scores)
    with step("Comparing and reporting") as doing:
        from spatialvote.analysis.figures.policy import plot_policy_profile
        from spatialvote.analysis.figures.style import to_png
        from spatialvote.analysis.policy import policy_profile
        from spatialvote.analysis.report.policy import policy_sheet
        from spatialvote.analysis.report.sheet import write_sheet

        asked = settings.profile
        profiles = [
            policy_profile(scores, country, asked.year, asked.earlier)
            for country in countries or asked.countries
        ]
        for one in profiles:
            image = to_png(plot_policy_profile(one))
            write_aside(
                outputs.folder / f"policy-{one.country}.png", lambda at, png=image: at.write_bytes(png)
            )
        related = settings.study.related
        sheet = policy_sheet(profiles, scores, title=settings.study.title, question=settings.study.question)
        page = write_aside(
            outputs.folder / "policy.html", lambda at: write_sheet(sheet, at, study.source, related)
        )
        doing.outcome = f"page: {short(page)}"
    return page
