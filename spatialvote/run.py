"""The steps of a study: districts, fit, review, report; each can be taken alone."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spatialvote.account import counting, short, step
from spatialvote.data.errors import FitError, Problem
from spatialvote.outputs import Outputs, write_aside, writing
from spatialvote.study import Study, load_default_study, load_study
from spatialvote.study_districts import read_study_districts
from spatialvote.study_schema import SimulatedData

# What these bring takes seconds to load; each step loads what it needs.
if TYPE_CHECKING:
    from spatialvote.analysis.radii import Radii
    from spatialvote.analysis.review import Review
    from spatialvote.data.districts import Districts
    from spatialvote.data.select_parties import PartyChoice
    from spatialvote.data.simulate_truth import Truth
    from spatialvote.models.draw_store import Resume
    from spatialvote.models.fit import Fit


@dataclass(frozen=True)
class Loaded:
    """Districts of a study; where they are simulated, the truth behind them; the parties chosen by rule."""

    districts: Districts
    truth: Truth | None = None
    choice: PartyChoice | None = None


def load_districts(study: Study) -> Loaded:
    """Read or simulate the districts of a study.

    Raises
    ------
    DataError, GraphError
        With everything that is wrong with the files.
    """
    data = study.settings.data
    if isinstance(data, SimulatedData):
        with step("Simulating a city") as doing:
            from spatialvote.data.simulate import simulate_city

            city = simulate_city(**data.simulate.model_dump())
            doing.outcome = str(city.districts)
        return Loaded(city.districts, city.truth)
    with step(f"Reading {data.table.name}") as doing:
        districts, choice = read_study_districts(study)
        dropped = len(districts.record.dropped)
        doing.outcome = f"{districts}{f', {dropped} left out' if dropped else ''}"
    return Loaded(districts, choice=choice)


def prepare(study: Study) -> Outputs:
    """Find what would fail at the end before anything is read: a formula nobody can fit, a locked folder.

    Raises
    ------
    ModelError
        Where the formula calls a function or has a term that no model of this version has.
    StudyError
        Where the output cannot be written.
    """
    print(study.settings.study.title, flush=True)
    study.model()
    outputs = Outputs(study.output)
    outputs.prepare()
    return outputs


def fit_study(study: Study, loaded: Loaded, outputs: Outputs, resume: Resume = False) -> Fit:
    """Fit the model of a study and save it, beside the truth of a simulated city.

    Parameters
    ----------
    study, loaded, outputs
        The study, its districts and where results go; draws are kept there until the fit is saved.
    resume
        See `VoteShareModel.fit`.

    Raises
    ------
    ModelError
        Where the model does not suit the districts.
    FitError
        Where draws of an interrupted fit are there that are not asked for, or are those of another fit.
    StudyError
        Where the output cannot be written.
    KeyboardInterrupt
        Where the user interrupts it; its message says how to go on.
    """
    from spatialvote.models.draw_store import remove_store

    model = study.model()
    with step(f"Fitting {model.formula} ({model.family}, {model.structure})") as fitting:
        engine = study.settings.engine
        with writing(outputs.draws), _telling_how_to_resume(outputs.draws):
            fit = model.fit(
                loaded.districts,
                engine=engine.name,
                seed=study.settings.study.seed,
                store=outputs.draws,
                resume=resume,
                **engine.model_dump(exclude={"name"}, exclude_none=True),
            )
        outputs.clear()
        with writing(outputs.fit):
            fit.save(outputs.fit)
        if loaded.truth is not None:
            write_text(outputs.truth, json.dumps(loaded.truth.to_dict(), indent=1) + "\n")
        if resume != "partial":
            # Those of an interrupted fit stay, to go on with.
            remove_store(outputs.draws)
        fitting.outcome = f"{_drawn(fit)}, saved to {short(outputs.fit)}{_kept(fit)}"
    return fit


def _drawn(fit: Fit) -> str:
    """How many draws a fit has, and what vouches for those of the Laplace engine."""
    sizes = fit.tree["posterior"].sizes
    if fit.engine == "laplace":
        k_hat = fit.record["laplace"]["k_hat"]
        # Weights that are all equal have no k-hat.
        told = f" (k-hat {k_hat:.2f})" if math.isfinite(k_hat) else ""
        return f"{sizes['draw']:,} draws by engine 'laplace'{told}"
    chosen = " by engine 'nuts'" if "engine_choice" in fit.record else ""
    return f"{sizes['chain']} chains of {sizes['draw']} draws{chosen}"


def _kept(fit: Fit) -> str:
    """What became of the draws of an interrupted fit."""
    if "interrupted" in fit.record:
        return f"; of {sum(fit.record['interrupted']['drawn']):,} draws of an unfinished fit"
    if "resumed" in fit.record:
        resumed = fit.record["resumed"]
        return f"; {sum(resumed['kept']):,} draws kept and {sum(resumed['added']):,} added"
    return ""


@contextmanager
def _telling_how_to_resume(draws: Path) -> Iterator[None]:
    """Say at an interrupt how many draws are kept and how to go on."""
    from spatialvote.models.draw_store import count_draws, remove_store

    try:
        yield
    except KeyboardInterrupt:
        kept = count_draws(draws)
        if kept == 0:
            remove_store(draws)
            raise
        raise KeyboardInterrupt(
            f"interrupted; {kept:,} draws are kept in {short(draws)}: the same command goes on with them "
            "with --resume, and takes them as they are with --partial"
        ) from None


def review_fit(study: Study, fit: Fit, districts: Districts, path: Path, refits: bool = False) -> Review:
    """Review a fit and write the review; fit other models too where that or the study asks for it."""
    refits = refits or study.settings.review.refits
    # Of the simulated city anybody may fit what they like.
    claimed = None if isinstance(study.settings.data, SimulatedData) else study.model()
    with step("Reviewing the fit" + (", with refits" if refits else "")) as reviewing:
        from spatialvote.analysis.review import review

        with counting() as progress:
            evidence = review(
                fit,
                districts,
                seed=study.settings.study.seed,
                refits=refits,
                progress=progress,
                claimed=claimed,
            )
        write_text(path, evidence.to_json())
        reviewing.outcome = _tally(evidence)
    for check in evidence.checks:
        if check.verdict in ("warn", "fail"):
            print(f"  {check.verdict}: {check.name}: {check.advice}", flush=True)
    return evidence


def report_fit(study: Study, fit: Fit, evidence: Review, loaded: Loaded, path: Path) -> Path:
    """Write the report of a reviewed fit; compare distances of surroundings where the study asks for it."""
    radii = _compare_radii(study, fit, loaded.districts)
    with step("Writing the report") as reporting:
        from spatialvote.analysis.report.page import report

        effect = study.settings.effect
        with writing(path):
            report(
                fit,
                evidence,
                loaded.districts,
                path,
                truth=loaded.truth,
                question=study.settings.study.question,
                study_source=study.source,
                related=study.settings.study.related,
                points=effect.points,
                weighting=effect.weighting,
                radii=radii,
                choice=loaded.choice,
            )
        reporting.outcome = f"{path.stat().st_size / 1e6:.1f} MB"
    return path


def _compare_radii(study: Study, fit: Fit, districts: Districts) -> Radii | None:
    """Fit the model with each measure of surroundings that can stand in place of its own."""
    section = study.settings.surroundings
    if section is None or not section.compare:
        return None
    from spatialvote.analysis.radii import compare_radii
    from spatialvote.analysis.radius_candidates import radius_candidates

    asked = radius_candidates(fit.model, districts)
    if asked is None:
        return None
    model, columns = asked
    with step(f"Comparing {len(columns)} distances of surroundings") as comparing:
        found = compare_radii(model, districts, columns, seed=study.settings.study.seed, cores=1)
        comparing.outcome = found.words
    return found


def run_study(study: Study, resume: Resume = False) -> Review:
    """Fit, review and report a study; give an account on standard output and return the review.

    Parameters
    ----------
    study
        The study.
    resume
        See `VoteShareModel.fit`.
    """
    outputs = prepare(study)
    loaded = load_districts(study)
    fit = fit_study(study, loaded, outputs, resume)
    evidence = review_fit(study, fit, loaded.districts, outputs.review)
    report_fit(study, fit, evidence, loaded, outputs.report)
    print(f"\n{answer_words(study, fit, loaded.districts)}\n")
    print(f"{verdict_words(evidence)}\nReport: {short(outputs.report)}", flush=True)
    return evidence


def answer_words(study: Study, fit: Fit, districts: Districts) -> str:
    """The answer of the report's first section, wrapped for a terminal."""
    from spatialvote.analysis.effects.effect import effect
    from spatialvote.analysis.report.answer import answer
    from spatialvote.analysis.report.focus import compared_columns, points_of

    asked = study.settings.effect
    # The migrants' column comes first where the formula has it.
    effects = {
        column: effect(
            fit,
            districts,
            column,
            points=points_of(column, districts, asked.points),
            weighting=asked.weighting,
        )
        for column in compared_columns(fit.model.formula, districts)[:1]
    }
    told = answer(fit, districts, next(iter(effects), None), effects, study.settings.study.question)
    # Spaces that may not break would hold a terminal's lines together.
    text = " ".join([told.headline, told.told, told.caveat]).strip().replace("\u00a0", " ")
    return textwrap.fill(text, width=100)


def verdict_words(evidence: Review) -> str:
    """The verdict of a review in one sentence."""
    return {
        "pass": "Verdict: pass. No check speaks against this fit.",
        "warn": "Verdict: warn. Read the warnings before you rely on this fit.",
        "fail": "Verdict: fail. Do not rely on this fit before its failures are mended.",
    }[evidence.verdict]


def write_text(path: Path, text: str) -> Path:
    """Write text to a file, aside first."""
    return write_aside(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def _tally(evidence: Review) -> str:
    verdicts = [check.verdict for check in evidence.checks]
    counted = [f"{verdicts.count(one)} {one}" for one in ("pass", "warn", "fail", "info") if one in verdicts]
    return f"{len(verdicts)} checks: {', '.join(counted)}"


def open_fit(fit: Path, data: Path | None) -> tuple[Study, Fit, Loaded]:
    """Open a saved fit with the districts that a study file describes.

    Parameters
    ----------
    fit
        The saved fit.
    data
        The study file; None: the embedded study, for a fit of the simulated city.

    Raises
    ------
    FitError
        Where the fit cannot be read, or is not one of the simulated city and no study file is given.
    """
    study = load_default_study() if data is None else load_study(data)
    from spatialvote.models.fit import Fit

    opened = Fit.load(fit)
    about = opened.record.get("about", {})
    if data is None and not about.get("simulated"):
        raise FitError(
            Problem(
                f"'{fit}' is a fit of {about.get('name') or 'unnamed districts'}, and no data were given",
                "pass --data with the study file that says how to read its districts",
            )
        )
    return study, opened, load_districts(study)
