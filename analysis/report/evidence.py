"""The evidence in a report, part by part; each part is one file with the same face.

A part is made by a function ``(fit, review, districts) -> Part | None``; None where the fit or its review
have nothing to show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from spatialvote.analysis.report.chains import chains_part
from spatialvote.analysis.report.confounding import confounding_part
from spatialvote.analysis.report.influence import influence_part
from spatialvote.analysis.report.parts import Part
from spatialvote.analysis.report.pit import pit_part
from spatialvote.analysis.report.predictions import predictions_part
from spatialvote.analysis.report.prior_evidence import prior_predictive_part, prior_sensitivity_part
from spatialvote.analysis.report.space import space_part
from spatialvote.analysis.report.space_graphs import graphs_part
from spatialvote.analysis.report.space_local import local_part
from spatialvote.analysis.report.unknown import unknown_part
from spatialvote.analysis.report.weights import weights_part

if TYPE_CHECKING:
    from spatialvote.analysis.review import Review
    from spatialvote.data.districts import Districts
    from spatialvote.models.fit import Fit

#: Those of one question stand in this order under it; questions stand in the order of the review.
PARTS: tuple[Callable[[Fit, Review, Districts], Part | None], ...] = (
    chains_part,
    weights_part,
    predictions_part,
    pit_part,
    space_part,
    graphs_part,
    local_part,
    confounding_part,
    prior_sensitivity_part,
    prior_predictive_part,
    influence_part,
    unknown_part,
)


def evidence_parts(fit: Fit, review: Review, districts: Districts) -> list[Part]:
    """Every part that there is something to show of."""
    return [part for make in PARTS if (part := make(fit, review, districts)) is not None]
