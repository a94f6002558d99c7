"""Clustering in a report: how alike neighbours are before the model and after it."""

import numpy as np

from spatialvote.analysis.checks import space_after
from spatialvote.analysis.figures.reference import plot_reference
from spatialvote.analysis.report.numbers import fixed
from spatialvote.analysis.report.parts import Part, Picture, Table, picture, table
from spatialvote.analysis.review import Check, Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit

CHECKS = ("moran_raw", "moran_nonspatial", "moran_residual")


def clustering_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """Moran's I of residuals against its reference, and before the model; None where no check was made."""
    checks = {one.name: one for one in review.checks}
    moran, before = checks.get("moran_residual"), moran_table(review)
    pictures = [_moran_picture(moran, districts)] if moran and moran.details.get("observed") else []
    if not pictures and before is None:
        return None
    return Part(
        "clustering",
        space_after.QUESTION,
        pictures=tuple(pictures),
        tables=() if before is None else (before,),
        checks=CHECKS,
    )


def moran_table(review: Review) -> Table | None:
    """Moran's I before the model, after the covariates alone, and after this model."""
    checks = {one.name: one for one in review.checks}
    rows = []
    for name, words in (
        ("moran_raw", "the raw shares"),
        ("moran_nonspatial", "what the covariates alone leave, no district effects"),
    ):
        if name in checks and "p_value" in checks[name].details:
            details = checks[name].details
            rows.append(
                (
                    words,
                    fixed(checks[name].value, 3),
                    fixed(details["expected"], 3),
                    fixed(details["p_value"], 3),
                )
            )
    after = checks.get("moran_residual")
    if after and "mean" in after.details:
        rows.append(
            (
                "residuals of this model (mean over draws)",
                fixed(after.details["mean"], 3),
                fixed(after.details["reference_mean"], 3),
                fixed(after.value, 3),
            )
        )
    if not rows:
        return None
    return table(
        "Moran's I: how alike neighbouring districts are (0: no more than any two; towards 1: much)",
        [("of", "text"), ("Moran's I", "number"), ("expected without clustering", "number"), ("p", "number")],
        rows,
    )


def _moran_picture(check: Check, districts: Districts) -> Picture:
    details = check.details
    observed = np.array(details["observed"], dtype=np.float64)
    reference = np.array(details["reference"], dtype=np.float64)
    return picture(
        plot_reference(
            observed,
            reference,
            xlabel="Moran's I",
            title="Is space accounted for?",
            observed_label="residuals, draw by draw",
            reference_label="white noise on the same graph",
            simulated=districts.about.simulated,
        ),
        "Two overlaid histograms: Moran's I of the residuals at each draw, and of white noise.",
        "Moran's I of the residuals of this model, draw by draw, against white noise on the same graph. In a "
        "good fit the two lie on each other; an outline to the right means that neighbours' residuals are "
        f"still alike. Here the means are {fixed(observed.mean(), 3)} and {fixed(reference.mean(), 3)}. "
        f"{check.advice}",
    )
