"""Influential districts in a report: how far each moves the others, and what moves without them."""

import numpy as np

from spatialvote.analysis.checks import influence
from spatialvote.analysis.figures.influence import plot_shapes
from spatialvote.analysis.figures.maps import map_values
from spatialvote.analysis.report.linked import names_with_ids
from spatialvote.analysis.report.numbers import fixed, percent
from spatialvote.analysis.report.parts import Part, Picture, Table, picture, table
from spatialvote.analysis.review import Check, Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit


def influence_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """Shapes of the weights, their map, the worst districts, and the refit; None without the check."""
    checks = {one.name: one for one in review.checks}
    shapes, refit = checks.get("pareto_k"), checks.get("without_worst")
    if shapes is None:
        return None
    k = np.array(shapes.details["k"], dtype=np.float64)
    pictures = [_shapes(shapes, k, districts)]
    if districts.has_geometry:
        pictures.append(_map(k, districts))
    tables = [_worst(fit, shapes, k, districts)]
    if refit is not None and refit.details.get("moves"):
        tables.append(_moves(refit))
    return Part(
        "influence",
        influence.QUESTION,
        pictures=tuple(pictures),
        tables=tuple(tables),
        checks=("pareto_k", *(("without_worst",) if refit else ())),
    )


def _shapes(check: Check, k: np.ndarray, districts: Districts) -> Picture:
    conditional = np.array(check.details["conditional_k"], dtype=np.float64)
    return picture(
        plot_shapes(conditional, k, title="Do single districts decide?", simulated=districts.about.simulated),
        "Two histograms of Pareto k: of ordinary weights, and with own effects integrated out.",
        "Pareto k of the weights that leave each district out. With one effect a district the ordinary "
        "weights (above) are unreliable by design; those that are used (below) have the own effect "
        "integrated out. In a good fit nearly all of them lie left of the line. "
        f"Here {check.details['influential']} of {np.isfinite(k).sum()} lie right of it. {check.advice}",
    )


def _map(k: np.ndarray, districts: Districts) -> Picture:
    return picture(
        map_values(
            districts,
            k,
            title="Influential districts",
            label="Pareto k, own effects integrated out",
            ramp="uncertainty",
        ),
        "Map of the Pareto k of each district.",
        "Where districts are influential: Pareto k, own effects integrated out. In a good fit high values "
        f"are few and scattered; here the highest is {fixed(float(np.nanmax(k)), 2)}.",
    )


def _worst(fit: Fit, check: Check, k: np.ndarray, districts: Districts) -> Table:
    ids = list(districts.ids)
    at = [ids.index(one) for one in check.details["worst"]]
    share, called = fit.share, names_with_ids(districts)
    rows = [
        (
            called[i],
            fixed(float(k[i]), 2),
            fixed(float(elpd), 1),
            fixed(float(share[i]), 3) if fit.model.family == "poisson" else percent(float(share[i]), 1),
        )
        for i, elpd in zip(at, check.details["worst_elpd"], strict=True)
    ]
    columns = [("district", "text"), ("Pareto k", "number"), ("log predictive density", "number")]
    columns.append(("observed rate" if fit.model.family == "poisson" else "observed share", "number"))
    return table("The most influential districts, each predicted from all others", columns, rows)


def _moves(check: Check) -> Table:
    rows = [
        (
            one["name"],
            fixed(one["full"], 3),
            fixed(one["without"], 3),
            fixed(one["sd"], 3),
            fixed(one["moved"], 2),
        )
        for one in check.details["moves"]
    ]
    columns = [("quantity", "text"), ("all districts", "number"), ("without the five", "number")]
    columns += [("standard deviation", "number"), ("move, in sd", "number")]
    return table(
        "Estimates without the five most influential districts; effects in logits for one standard deviation "
        "of the column, of districts and not of persons",
        columns,
        rows,
    )
