"""A study of elections over time: read, fit, review and page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spatialvote.account import short, step
from spatialvote.data.errors import Problem, StudyError
from spatialvote.elections_schema import ElectionsFile, ElectionsSection
from spatialvote.outputs import Outputs, write_aside
from spatialvote.section_file import SectionFile, read_sections

if TYPE_CHECKING:
    from spatialvote.analysis.checks.check import Check
    from spatialvote.data.elections import Elections
    from spatialvote.models.elections.fit import ElectionsFit

#: The embedded study of simulated elections.
DEFAULT_ELECTIONS = Path(__file__).with_name("default_elections.toml")


@dataclass(frozen=True)
class ElectionsOutcome:
    """What a study came to."""

    fit: ElectionsFit
    checks: tuple[Check, ...]
    page: Path


def load_elections(
    path: str | Path | None = None, folder: str | Path | None = None
) -> SectionFile[ElectionsFile]:
    """Read a study file; None: the embedded one, whose output starts at the current folder.

    Raises
    ------
    StudyError
        With everything that is wrong with it.
    """
    if path is None:
        path, folder = DEFAULT_ELECTIONS, folder or Path.cwd()
    study = read_sections(path, ElectionsFile, folder)
    if problems := _problems(study.settings.elections):
        raise StudyError(problems)
    return study


def _problems(section: ElectionsSection) -> list[Problem]:
    if (section.simulate is None) == (section.table is None):
        return [Problem("elections needs one of simulate and table", "give a table, or simulate = true")]
    if section.simulate is not None:
        return []
    return [
        Problem(f"elections.{key} is missing", f"give {ElectionsSection.model_fields[key].description}")
        for key in ("id", "votes", "valid", "about")
        if not getattr(section, key)
    ]


def read_study_elections(study: SectionFile[ElectionsFile]) -> Elections:
    """Read or simulate the elections of a study."""
    section, graph = study.settings.elections, study.settings.graph
    if section.simulate is not None:
        with step("Simulating elections") as doing:
            from spatialvote.data.elections_simulate import simulate_elections

            elections = simulate_elections(**section.simulate.model_dump()).elections
            doing.outcome = str(elections)
        return elections
    if section.table is None or section.about is None or section.id is None or section.valid is None:
        raise TypeError("a study without a table is simulated")
    with step(f"Reading {section.table.name}") as doing:
        from spatialvote.data.districts import About
        from spatialvote.data.elections_read import read_elections

        elections = read_elections(
            section.table,
            id=section.id,
            votes=section.votes,
            valid=section.valid,
            elections=section.names,
            election=section.election,
            electorate=section.electorate,
            migrants=section.migrants,
            covariates=section.covariates,
            label=section.label,
            units=section.units,
            names=section.called,
            geometry=section.geometry,
            geometry_id=section.geometry_id,
            edges=section.edges,
            layer=section.layer,
            crs=section.crs,
            graph=graph.method,
            tolerance=graph.tolerance,
            k=graph.k,
            distance=graph.distance,
            connect=graph.connect,
            missing=section.missing,
            fractions=section.fractions,
            repair=section.repair,
            about=About(**section.about.model_dump()),
        )
        doing.outcome = str(elections)
    return elections


def run_elections(study: SectionFile[ElectionsFile]) -> ElectionsOutcome:
    """Fit, review and report; writes fit.nc, path.csv, review.json and elections.html to the study's output.

    Raises
    ------
    SpatialvoteError
        With everything that is wrong with files or model.
    """
    settings = study.settings
    outputs = Outputs(settings.study.output)
    outputs.prepare()
    elections = read_study_elections(study)
    with step("Fitting elections") as doing:
        from spatialvote.models.elections.model import ElectionsModel

        engine = settings.engine.model_dump()
        model = ElectionsModel(**settings.model.model_dump())
        fit = model.fit(elections, engine.pop("name"), seed=settings.study.seed, **engine)
        write_aside(outputs.fit, fit.save)
        doing.outcome = str(fit)
    with step("Reviewing and reporting") as doing:
        from spatialvote.analysis.elections_answers import effect_path
        from spatialvote.analysis.elections_review import elections_review
        from spatialvote.analysis.report.elections import elections_sheet
        from spatialvote.analysis.report.sheet import write_sheet

        checks = elections_review(fit, elections, settings.study.seed)
        points = settings.effect.points
        table = effect_path(fit, elections, points).table()
        write_aside(outputs.folder / "path.csv", lambda at: table.to_csv(at, float_format="%.5g"))
        text = json.dumps(
            {"fingerprints": dict(fit.record["fingerprints"]), "checks": [one.to_dict() for one in checks]},
            indent=1,
        )
        write_aside(outputs.review, lambda at: at.write_text(text + "\n", encoding="utf-8"))
        sheet = elections_sheet(
            fit,
            elections,
            checks,
            title=settings.study.title,
            question=settings.study.question,
            points=points,
        )
        page = write_aside(outputs.folder / "elections.html", lambda at: write_sheet(sheet, at, study.source))
        doing.outcome = f"page: {short(page)}"
    return ElectionsOutcome(fit, checks, page)
