"""The multiverse of a study: from its section [multiverse] to a table and a page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spatialvote.account import short, step
from spatialvote.data.errors import Problem, StudyError
from spatialvote.outputs import Outputs, write_aside
from spatialvote.run import load_districts
from spatialvote.study import Study
from spatialvote.study_districts import threshold_name
from spatialvote.surroundings_checks import measured_columns

if TYPE_CHECKING:
    from spatialvote.analysis.multiverse.choices import Choices
    from spatialvote.analysis.multiverse.multiverse import Multiverse
    from spatialvote.data.districts import Districts
    from spatialvote.study_schema import GraphSection


def run_multiverse_study(study: Study, cores: int | None = None, cluster: str | None = None) -> Multiverse:
    """Fit every combination of a study's choices; write multiverse.csv and multiverse.html to its output.

    Parameters
    ----------
    study
        A study with a section [multiverse].
    cores, cluster
        See `spatialvote.analysis.many.run_many`.

    Raises
    ------
    StudyError
        Where the study has no section [multiverse], or its output cannot be written.
    ModelError
        Where its choices are none, or none is left.
    DataError, GraphError
        With everything that is wrong with the files.
    RunError
        Where processes or the cluster cannot do the work.
    """
    section = study.settings.multiverse
    if section is None:
        raise StudyError(
            Problem(
                f"'{study.path.name}' has no section [multiverse]",
                "list the defensible choices in one; docs/multiverse.md has an example",
            )
        )
    from spatialvote.analysis.many import job_bar
    from spatialvote.analysis.multiverse.grid import build_grid
    from spatialvote.analysis.multiverse.multiverse import run_multiverse

    print(study.settings.study.title, flush=True)
    outputs = Outputs(study.output)
    outputs.prepare()
    grid = build_grid(choices_of(study))
    print(f"{len(grid.specifications)} specifications of {grid.combinations} combinations", flush=True)
    for reason, count in grid.left_out.items():
        print(f"  {count} left out: {reason}", flush=True)
    districts = {name: _districts(study, name) for name in grid.graphs}
    where = f"on cluster {cluster}" if cluster else "on this machine"
    with step(f"Fitting {len(grid.specifications)} specifications {where}") as fitting:
        with job_bar("Fitting specifications") as watch:
            found = run_multiverse(
                grid,
                districts,
                seed=study.settings.study.seed,
                points=study.settings.effect.points,
                weighting=study.settings.effect.weighting,
                draws=section.draws,
                cores=cores,
                cluster=cluster,
                progress=watch,
            )
        failed = (found.table["failure"] != "").sum()
        doubtful = ((found.table["failure"] == "") & ~found.table["reliable"]).sum()
        fitting.outcome = (
            f"{len(found.table) - failed} fitted"
            + (f", {failed} could not be fitted" if failed else "")
            + (f", {doubtful} with a k-hat above 0.7" if doubtful else "")
        )
    with step("Writing table and page") as writing:
        from spatialvote.analysis.report.multiverse import multiverse_page

        table, page = study.output / "multiverse.csv", study.output / "multiverse.html"
        write_aside(table, lambda aside: found.table.to_csv(aside, index=False))
        text = multiverse_page(found, districts, study.settings.study.question, study.source)
        write_aside(page, lambda aside: aside.write_text(text, encoding="utf-8"))
        writing.outcome = f"{short(table)}, {short(page)}"
    return found


def choices_of(study: Study) -> Choices:
    """The choices of section [multiverse] beside the study's own.

    Raises
    ------
    ModelError
        Where there is nothing to choose, or a rule names what there is not.
    """
    from spatialvote.analysis.multiverse.choices import Choices

    section = study.settings.multiverse
    if section is None:
        raise StudyError(Problem("the study has no section [multiverse]", "list its choices in one"))
    model = study.settings.model.model_dump()
    own = _resolved(study, study.settings.graph)
    same = [name for name, graph in section.graphs.items() if _resolved(study, graph) == own]
    measured = study.settings.surroundings
    migrants = getattr(study.settings.data, "migrants", None) or (
        measured.share if measured is not None else _SIMULATED_MIGRANTS
    )
    given: dict[str, Any] = {
        "main": model,
        "column": migrants,
        "parties": section.parties or _threshold_parties(study),
        "migrants": section.migrants,
        "surroundings": section.surroundings,
        "around": _around(study, section.surroundings),
        "covariates": section.covariates,
        "families": section.families,
        "structures": section.structures,
        "graphs": tuple(section.graphs),
        # What a set of priors leaves out is as in [model.priors].
        "priors": {
            name: {**model["priors"], **one.model_dump(include=one.model_fields_set)}
            for name, one in section.priors.items()
        },
        "exclude": section.exclude,
    }
    return Choices(**given) if not same else Choices(**given, graph=same[0])


def _threshold_parties(study: Study) -> tuple[str, ...]:
    """Outcomes of the thresholds, the study's own by its own name."""
    section, rule = study.settings.multiverse, study.settings.parties
    if section is None or rule is None:
        return ()
    return tuple(
        rule.name if one == rule.threshold else threshold_name(rule.name, one) for one in section.thresholds
    )


def _around(study: Study, listed: tuple[str, ...]) -> str:
    """The column of the formula that stands for the surroundings; the study file is known to have one."""
    measured = study.settings.surroundings
    if not listed or measured is None:
        return ""
    from spatialvote.analysis.terms import columns_of

    made = measured_columns(measured.model_dump(mode="json"))[1:]
    used = columns_of(study.settings.model.formula.partition("~")[2])
    return next(one for one in made if one in used)


#: Of the simulated city.
_SIMULATED_MIGRANTS = "migrant_share"


def _resolved(study: Study, graph: GraphSection) -> dict[str, Any]:
    """A definition of neighbours with the method that it takes where it names none."""
    given = getattr(study.settings.data, "edges", None) is not None
    return {**graph.model_dump(), "method": graph.method or ("edges" if given else "queen")}


def _districts(study: Study, name: str) -> Districts:
    """The districts with one of the graphs; the study's own goes by the name of none."""
    section = study.settings.multiverse
    graph = section.graphs.get(name) if section is not None else None
    if graph is None:
        return load_districts(study).districts
    resolved = _resolved(study, graph)
    data: Any = study.settings.data
    if resolved["method"] != "edges":
        data = data.model_copy(update={"edges": None})
    settings = study.settings.model_copy(update={"graph": graph, "data": data})
    return load_districts(replace(study, settings=settings)).districts
