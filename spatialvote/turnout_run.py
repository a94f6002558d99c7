"""A study of turnout: cells, fit, review and page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatialvote.account import short, step
from spatialvote.data.errors import Problem, StudyError
from spatialvote.outputs import Outputs, write_aside
from spatialvote.section_file import SectionFile, read_sections
from spatialvote.turnout_schema import CellsSection, CounterfactualSection, TurnoutFile

if TYPE_CHECKING:
    from spatialvote.analysis.checks.check import Check
    from spatialvote.analysis.turnout_moderators import ModeratedGap
    from spatialvote.data.districts import Districts
    from spatialvote.data.turnout import TurnoutCells
    from spatialvote.models.turnout.fit import TurnoutFit

#: The embedded study of a simulated register.
DEFAULT_TURNOUT = Path(__file__).with_name("default_turnout.toml")


@dataclass(frozen=True)
class TurnoutOutcome:
    """What a study came to."""

    fit: TurnoutFit
    checks: tuple[Check, ...]
    page: Path


def load_turnout(
    path: str | Path | None = None, folder: str | Path | None = None
) -> SectionFile[TurnoutFile]:
    """Read a study file of turnout; None: the embedded one, whose output starts at the current folder.

    Raises
    ------
    StudyError
        With everything that is wrong with it.
    """
    if path is None:
        path, folder = DEFAULT_TURNOUT, folder or Path.cwd()
    study = read_sections(path, TurnoutFile, folder)
    problems = _cells_problems(study.settings.cells)
    known = study.settings.moderators
    if known is not None and known.table is None and study.settings.cells.simulate is None:
        problems.append(Problem("moderators.table is missing", "give a table with a row for each area"))
    if study.settings.counterfactual is not None:
        problems += _counterfactual_problems(study.settings.counterfactual)
    if problems:
        raise StudyError(problems)
    return study


def _cells_problems(cells: CellsSection) -> list[Problem]:
    if (cells.simulate is None) == (cells.table is None):
        return [Problem("cells needs one of simulate and table", "give a table, or simulate = true")]
    if cells.simulate is not None:
        return []
    problems = []
    wanted = ["voted", "about"] if cells.survey else ["entitled", "voted", "about"]
    for key in wanted:
        if getattr(cells, key) is None:
            field = CellsSection.model_fields[key]
            problems.append(Problem(f"cells.{key} is missing", f"give {field.description}"))
    for key in ("weight", "weights_sum"):
        if not cells.survey and getattr(cells, key) is not None:
            problems.append(
                Problem(
                    f"cells.{key} means nothing without survey = true", "leave it out, or say survey = true"
                )
            )
    if (cells.shapes is None) != (cells.shapes_id is None):
        problems.append(
            Problem(
                "cells.shapes and cells.shapes_id go together",
                "give the file and its column of areas, or neither",
            )
        )
    if cells.survey and cells.entitled is not None:
        problems.append(
            Problem("cells.entitled means nothing in a survey", "a row is one person: leave it out")
        )
    return problems


def _counterfactual_problems(section: CounterfactualSection) -> list[Problem]:
    problems = []
    if (section.division or section.party) and not section.votes:
        problems.append(Problem("counterfactual.votes is missing", "give a table of party = votes"))
    if section.party is not None and (section.rival is None) == (section.threshold is None):
        problems.append(
            Problem("counterfactual.party needs one of rival and threshold", "say whom or what it is to pass")
        )
    return problems


def read_cells(study: SectionFile[TurnoutFile]) -> TurnoutCells:
    """Read or simulate the cells of a study."""
    section = study.settings.cells
    if section.simulate is not None:
        with step("Simulating a register") as doing:
            from spatialvote.data.turnout_simulate import simulate_register

            arguments = section.simulate.model_dump()
            cells = simulate_register(arguments.pop("seed"), **arguments).cells
            doing.outcome = str(cells)
        return cells
    if section.table is None or section.about is None or section.voted is None:
        raise TypeError("a study without a table is simulated")
    with step(f"Reading {section.table.name}") as doing:
        from spatialvote.data.origin_groups import OriginGroup
        from spatialvote.data.turnout import TurnoutAbout
        from spatialvote.data.turnout_read import TurnoutColumns, read_turnout, read_turnout_survey

        own = tuple(
            OriginGroup(label, one.definition, one.source, "the study's own")
            for label, one in section.groups.items()
        )
        factors = {name: getattr(section, name) for name in ("group", "age", "sex", "area", "election")}
        columns = TurnoutColumns(
            **factors, own_groups=own, bands=section.bands, generations=section.generations
        )
        shared: dict[str, Any] = {
            "about": TurnoutAbout(**section.about.model_dump()),
            "edges": section.edges,
            "sheet": section.sheet,
        }
        if section.survey:
            cells = read_turnout_survey(
                section.table, columns, voted=section.voted, weight=section.weight,
                weights_sum=section.weights_sum, **shared,
            )  # fmt: skip
        else:
            entitled = str(section.entitled)
            cells = read_turnout(section.table, columns, entitled=entitled, voted=section.voted, **shared)
        if (known := study.settings.moderators) is not None and known.table is not None:
            from spatialvote.data.turnout_moderators import read_moderators

            cells = read_moderators(
                known.table, cells, area=known.area, columns=known.columns, sheet=known.sheet
            )
        doing.outcome = str(cells)
    return cells


def read_shapes(study: SectionFile[TurnoutFile], cells: TurnoutCells) -> Districts | None:
    """Read the shapes of a study's areas, if it has any."""
    section = study.settings.cells
    if section.shapes is None or section.shapes_id is None:
        return None
    from spatialvote.data.turnout_shapes import read_area_shapes

    return read_area_shapes(section.shapes, cells, id=section.shapes_id)


def run_turnout(study: SectionFile[TurnoutFile]) -> TurnoutOutcome:
    """Fit, review and report; writes fit.nc, cells.csv, review.json and turnout.html to the study's output.

    Raises
    ------
    SpatialvoteError
        With everything that is wrong with files, model or comparisons.
    """
    settings = study.settings
    outputs = Outputs(settings.study.output)
    outputs.prepare()
    cells = read_cells(study)
    shapes = read_shapes(study, cells)
    with step("Fitting turnout") as doing:
        from spatialvote.models.turnout.model import TurnoutModel

        section = settings.model
        chosen = {"age": section.age, "area": section.area, "cell": section.cell}
        if section.interactions is not None:
            chosen["interactions"] = section.interactions
        if settings.moderators is not None:
            chosen["moderators"] = settings.moderators.columns
        fit = TurnoutModel(**chosen).fit(cells, seed=settings.study.seed, draws=section.draws)
        write_aside(outputs.fit, fit.save)
        told = fit.record["approximation"]
        doing.outcome = f"{len(fit.cells.table):,} cells, Pareto k {told['k_hat']:.2f}"
    with step("Reviewing and reporting") as doing:
        from spatialvote.analysis.turnout_rates import cell_estimates
        from spatialvote.analysis.turnout_review import turnout_review

        checks = turnout_review(fit, settings.study.seed)
        table = cell_estimates(fit)
        write_aside(
            outputs.folder / "cells.csv", lambda at: table.to_csv(at, index=False, float_format="%.5g")
        )
        text = json.dumps(
            {"fingerprints": dict(fit.record["fingerprints"]), "checks": [one.to_dict() for one in checks]},
            indent=1,
        )
        write_aside(outputs.review, lambda at: at.write_text(text + "\n", encoding="utf-8"))
        page = _write_page(study, fit, checks, shapes, outputs.folder / "turnout.html")
        doing.outcome = f"page: {short(page)}"
    return TurnoutOutcome(fit, checks, page)


def _write_page(
    study: SectionFile[TurnoutFile],
    fit: TurnoutFit,
    checks: tuple[Check, ...],
    shapes: Districts | None,
    path: Path,
) -> Path:
    from spatialvote.analysis.report.sheet import write_sheet
    from spatialvote.analysis.report.turnout import turnout_sheet
    from spatialvote.analysis.turnout_gaps import group_gap
    from spatialvote.analysis.turnout_votes import extra_votes, result_change, tipping_division

    settings = study.settings
    labels = fit.cells.levels.get("group", ())
    gaps = []
    asked = settings.gaps
    if len(labels) > 1 and set(asked.equal) <= set(fit.cells.factors):
        reference = asked.reference or labels[0]
        gaps = [
            group_gap(
                fit, label, reference, standard=asked.standard, equal=asked.equal, seed=settings.study.seed
            )
            for label in labels
            if label != reference
        ]
    extra = change = tipping = None
    if (wanted := settings.counterfactual) is not None:
        extra = extra_votes(
            fit, wanted.group, wanted.like, same_age=wanted.same_age, seed=settings.study.seed
        )
        if wanted.division:
            change = result_change(extra, wanted.votes, wanted.division)
        if wanted.party is not None:
            tipping = tipping_division(
                extra, wanted.votes, wanted.party, rival=wanted.rival, threshold=wanted.threshold
            )
    sheet = turnout_sheet(
        fit, checks, title=settings.study.title, question=settings.study.question, gaps=gaps, extra=extra,
        change=change, tipping=tipping, moderated=_moderated(study, fit), shapes=shapes,
    )  # fmt: skip
    return write_aside(path, lambda at: write_sheet(sheet, at, study.source, settings.study.related))


def _moderated(study: SectionFile[TurnoutFile], fit: TurnoutFit) -> list[ModeratedGap]:
    settings = study.settings
    labels = fit.cells.levels.get("group", ())
    if settings.moderators is None or len(labels) < 2:
        return []
    from spatialvote.analysis.turnout_moderators import moderated_gap, refit

    reference = settings.gaps.reference or labels[0]
    groups = settings.moderators.groups or [label for label in labels if label != reference]
    refits = refit(fit, seed=settings.study.seed, leave_out=settings.moderators.leave_out)
    return [
        moderated_gap(fit, name, label, reference, refits, seed=settings.study.seed)
        for name in settings.moderators.columns
        for label in groups
    ]
