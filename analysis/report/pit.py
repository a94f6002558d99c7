"""Where the votes of districts lie in what the model expects of them, in a report."""

import numpy as np

from spatialvote.analysis.checks import pit
from spatialvote.analysis.figures.pit import plot_pit
from spatialvote.analysis.report.linked import names_with_ids
from spatialvote.analysis.report.numbers import fixed, percent
from spatialvote.analysis.report.parts import Part, Table, picture, table
from spatialvote.analysis.review import Check, Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit

CHECKS = ("pit", "pit_extreme", "dispersion", "dispersion_by_size", "dispersion_by_share")
#: Districts in the table, at most.
MOST = 15


def pit_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """PIT-ECDF with its band, and the districts in the tails; None where nothing was computed."""
    checks = {one.name: one for one in review.checks}
    if "pit" not in checks or not checks["pit"].details.get("points"):
        return None
    check, details = checks["pit"], checks["pit"].details
    figure = plot_pit(
        *(np.array(details[name], dtype=np.float64) for name in ("points", "differences", "low", "high")),
        title="Do votes lie where the model expects them?",
        simulated=districts.about.simulated,
    )
    caption = (
        "The place of each district's votes in what the model expects there, its own independent effect "
        "integrated out: how many districts lie at or below each place, less how many should. In a good fit "
        f"19 of 20 lines stay within the band. Here {percent(details['outside'])} of the draws leave it. "
        f"{check.advice}"
    )
    alt = "Lines of the difference between the places' distribution and a uniform one, over a grey band."
    tails = _tails(checks["pit_extreme"], districts)
    return Part(
        "places",
        pit.QUESTION,
        pictures=(picture(figure, alt, caption),),
        tables=() if tails is None else (tails,),
        checks=tuple(one for one in CHECKS if one in checks),
    )


def _tails(check: Check, districts: Districts) -> Table | None:
    """Districts whose votes lie in the tails of what all others say of them."""
    tails = list(check.details["tails"].items())
    if not tails:
        return None
    called = dict(zip(map(str, districts.ids), names_with_ids(districts), strict=True))
    rows = []
    for one, place in tails[:MOST]:
        rows.append(
            (
                called[one],
                "higher than expected" if place > 0.5 else "lower than expected",
                _tail(min(place, 1 - place)),
                "yes" if one in check.details["beyond"] else "no",
            )
        )
    more = f"; {len(tails) - MOST} more are in review.json" if len(tails) > MOST else ""
    expected = fixed(check.details["expected"], 1)
    return table(
        "Districts whose votes lie in the outer 0.5 % of what the model and all other districts say of "
        f"them, on either side ({expected} such districts are expected by chance{more})",
        [
            ("district", "text"),
            ("votes", "text"),
            ("probability of votes as far out", "number"),
            ("more than chance", "text"),
        ],
        rows,
    )


def _tail(probability: float) -> str:
    return "below 0.00001" if probability < 1e-5 else fixed(probability, 5)
