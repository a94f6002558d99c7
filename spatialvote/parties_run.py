"""A study of several parties: districts, fit, review and page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from spatialvote.account import short, step
from spatialvote.outputs import Outputs, write_aside
from spatialvote.parties_schema import PartiesFile
from spatialvote.run import load_districts
from spatialvote.section_file import read_sections
from spatialvote.study import Study

if TYPE_CHECKING:
    from spatialvote.analysis.checks.check import Check
    from spatialvote.models.parties.fit import PartySharesFit

#: The embedded study of a simulated city.
DEFAULT_PARTIES = Path(__file__).with_name("default_parties.toml")


@dataclass(frozen=True)
class PartiesOutcome:
    """What a study came to."""

    fit: PartySharesFit
    checks: tuple[Check, ...]
    page: Path


def load_parties(path: str | Path | None = None, folder: str | Path | None = None) -> Study:
    """Read a study file of several parties; None: the embedded one, with its output in the current folder.

    Raises
    ------
    StudyError
        With everything that is wrong with it.
    """
    if path is None:
        path, folder = DEFAULT_PARTIES, folder or Path.cwd()
    file = read_sections(path, PartiesFile, folder)
    return Study(file.path, file.source, file.settings)


def run_parties(study: Study) -> PartiesOutcome:
    """Fit, review and report; writes fit.nc, effects.csv, review.json and parties.html to the study's output.

    Raises
    ------
    SpatialvoteError
        With everything that is wrong with files or model.
    """
    settings = cast(PartiesFile, study.settings)
    outputs = Outputs(settings.study.output)
    outputs.prepare()
    from spatialvote.models.parties.model import PartySharesModel

    model = PartySharesModel(**settings.model.model_dump())
    districts = load_districts(study).districts
    with step("Fitting") as doing:
        fit = model.fit(districts, seed=settings.study.seed, progress=False, **settings.engine.model_dump())
        write_aside(outputs.fit, fit.save)
        doing.outcome = repr(fit)
    with step("Reviewing and reporting") as doing:
        from spatialvote.analysis.party_effects import party_effect
        from spatialvote.analysis.party_review import party_review
        from spatialvote.analysis.report.party_shares import parties_sheet
        from spatialvote.analysis.report.sheet import write_sheet

        checks = party_review(fit, districts, settings.study.seed)
        text = json.dumps(
            {"fingerprints": dict(fit.record["fingerprints"]), "checks": [one.to_dict() for one in checks]},
            indent=1,
        )
        write_aside(outputs.review, lambda at: at.write_text(text + "\n", encoding="utf-8"))
        asked = settings.effect
        effect = party_effect(fit, districts, points=asked.points, weighting=asked.weighting)
        told = effect.decomposition() if fit.counts_turnout else effect.table()
        write_aside(outputs.folder / "effects.csv", lambda at: told.to_csv(at, float_format="%.5g"))
        sheet = parties_sheet(
            fit, districts, effect, checks, title=settings.study.title, question=settings.study.question
        )
        page = outputs.folder / "parties.html"
        write_aside(page, lambda at: write_sheet(sheet, at, study.source))
        doing.outcome = f"page: {short(page)}"
    return PartiesOutcome(fit, checks, page)
