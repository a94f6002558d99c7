"""The sections of a report in their order: what the template is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spatialvote.analysis.effects.effect import effect
from spatialvote.analysis.report.answer import answer
from spatialvote.analysis.report.averages import averages_part
from spatialvote.analysis.report.code import reproducing_code
from spatialvote.analysis.report.effects import (
    coefficient_table,
    district_effect_table,
    effect_pictures,
    effect_table,
    group_tables,
    map_picture,
)
from spatialvote.analysis.report.engine import engine_words
from spatialvote.analysis.report.evidence import evidence_parts
from spatialvote.analysis.report.fields import district_fields
from spatialvote.analysis.report.focus import compared_columns, points_of
from spatialvote.analysis.report.level_slopes import level_parts, moderator_words
from spatialvote.analysis.report.linked import linked_districts
from spatialvote.analysis.report.local_slopes import local_part
from spatialvote.analysis.report.maps import model_pictures, raw_pictures
from spatialvote.analysis.report.methods import methods
from spatialvote.analysis.report.model import model_part
from spatialvote.analysis.report.near import near_parts
from spatialvote.analysis.report.priors import prior_picture, prior_predictive_words, prior_table
from spatialvote.analysis.report.questions import questions
from spatialvote.analysis.report.record import caveats, record_pairs, record_tables
from spatialvote.analysis.report.review import check_table, tally
from spatialvote.analysis.report.truth import truth_part
from spatialvote.analysis.settled import settled

if TYPE_CHECKING:
    from spatialvote.analysis.radii import Radii
    from spatialvote.analysis.review import Review
    from spatialvote.data.districts import Districts
    from spatialvote.data.select_parties import PartyChoice
    from spatialvote.data.simulate_truth import Truth
    from spatialvote.models.fit import Fit


def sections(
    fit: Fit,
    review: Review,
    districts: Districts,
    *,
    truth: Truth | None,
    question: str | None,
    study_source: str | None,
    points: float,
    weighting: str,
    radii: Radii | None,
    choice: PartyChoice | None,
) -> dict[str, object]:
    """Everything that the page shows; see `spatialvote.analysis.report.page.report` for the parameters."""
    columns = compared_columns(fit.model.formula, districts)
    effects = {
        column: effect(
            fit, districts, column, points=points_of(column, districts, points), weighting=weighting
        )
        for column in columns
    }
    known = None if truth is None else truth_part(fit, districts, truth, effects, weighting)
    model = model_part(fit, districts)
    return {
        "title": _title(fit, districts),
        "about": districts.about,
        "questions": questions(review, evidence_parts(fit, review, districts)),
        "tally": tally(review),
        "answer": answer(fit, districts, columns[0] if columns else None, effects, question),
        "averages": averages_part(fit, districts, effects[columns[0]]) if columns else None,
        "truth": known,
        "linked": linked_districts(districts),
        "raw_pictures": raw_pictures(fit, settled(fit, districts)),
        "model_pictures": [
            *model_pictures(fit, districts, district_fields(fit)),
            *filter(None, [map_picture(fit, districts, effects[columns[0]]) if columns else None]),
        ],
        "effect_table": effect_table(fit, districts, effects, weighting) if columns else None,
        "effect_pictures": effect_pictures(fit, districts, effects, {} if known is None else known.effects)
        if columns
        else [],
        "near": near_parts(fit, districts, radii, choice),
        "coefficient_table": coefficient_table(fit, districts),
        "district_effect_table": district_effect_table(fit),
        "group_tables": group_tables(fit, districts),
        "level_parts": level_parts(fit, districts),
        "local_part": local_part(fit, districts),
        "moderators": moderator_words(fit, districts),
        "model": model,
        "engine_words": engine_words(fit),
        "code": reproducing_code(fit, districts),
        "study_source": study_source,
        "prior_words": prior_predictive_words(fit),
        "prior_picture": prior_picture(fit, districts, {} if known is None else known.parameters),
        "prior_table": prior_table(fit, districts),
        "check_table": check_table(review),
        "methods": methods(fit, review, districts, points, weighting),
        "caveats": caveats(fit, districts),
        "record": record_pairs(fit, review, districts),
        "record_tables": record_tables(fit, districts),
    }


def _title(fit: Fit, districts: Districts) -> str:
    columns = compared_columns(fit.model.formula, districts)
    party = districts.roles.party_called(fit.model.party)
    if districts.roles.migrants in columns:
        vote = "the vote for" if fit.model.family != "poisson" else "the rate of"
        return f"Migrants near home and {vote} {party}"
    vote = "The vote for" if fit.model.family != "poisson" else "The rate of"
    return f"{vote} {party} by district"
