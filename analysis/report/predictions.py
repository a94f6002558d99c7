"""Predictive checks in a report: statistics of the data among those of data that the model replicates."""

import numpy as np

from spatialvote.analysis.checks import predictive
from spatialvote.analysis.figures.reference import plot_ppc
from spatialvote.analysis.report.parts import Part, Picture, picture
from spatialvote.analysis.report.words import listed
from spatialvote.analysis.review import Check, Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit


def predictions_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """Observed and replicated statistics; None where nothing was replicated."""
    predicted = [
        one for one in review.checks if one.question == predictive.QUESTION and one.details.get("replicated")
    ]
    if not predicted:
        return None
    return Part(
        "predictions",
        predictive.QUESTION,
        pictures=(_predictive_picture(predicted, districts),),
        checks=tuple(one.name for one in predicted),
    )


def _predictive_picture(checks: list[Check], districts: Districts) -> Picture:
    observed = {one.details["statistic"]: one.details["observed"] for one in checks}
    replicated = {
        one.details["statistic"]: np.array(one.details["replicated"], dtype=np.float64) for one in checks
    }
    empty = [name for name, value in observed.items() if value == 0 and not replicated[name].any()]
    if 0 < len(empty) < len(observed):
        for name in empty:
            del observed[name], replicated[name]
        left_out = f" Not drawn: {listed(empty)}, zero in the data and in every replication."
    else:
        left_out = ""
    odd = [one.details["statistic"] for one in checks if one.verdict != "pass"]
    how = f"Outlying here: {listed(odd)}." if odd else "Here all of them do."
    return picture(
        plot_ppc(
            observed,
            replicated,
            title="Could the data have come from this model?",
            simulated=districts.about.simulated,
        ),
        f"Histograms of {len(observed)} statistics of replicated data with the observed value as a line.",
        "Statistics of the data (lines) among those of data that the model replicates (bars). In a good fit "
        f"each line stands among its bars. {how}{left_out}",
    )
