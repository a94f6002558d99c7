"""A slope that varies over the map: two maps, a table of both ends, and words."""

from dataclasses import dataclass

import numpy as np

from spatialvote.analysis.figures.local_slopes import map_local_slopes
from spatialvote.analysis.local_slopes import LocalSlopes, local_slopes
from spatialvote.analysis.report.focus import column_words, name_and_column
from spatialvote.analysis.report.linked import district_names
from spatialvote.analysis.report.numbers import NBSP, digits_for, fixed, interval, probability
from spatialvote.analysis.report.parts import Picture, Table, picture, table
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit

#: Districts of which a table shows all; of more, only those at both ends.
ENDS = 8


@dataclass(frozen=True)
class LocalPart:
    """What the report says of a slope that varies over the map; no pictures without shapes."""

    heading: str
    words: str
    pictures: tuple[Picture, ...]
    table: Table


def local_part(fit: Fit, districts: Districts) -> LocalPart | None:
    """The part, where a slope varies over the map."""
    if fit.model.varying is None:
        return None
    slopes = local_slopes(fit)
    link = "log-odds" if fit.model.family != "poisson" else "log rate"
    called = column_words(slopes.covariate, districts)
    pictures: tuple[Picture, ...] = ()
    if districts.has_geometry:
        by_district, sign = map_local_slopes(slopes, districts, called=called, link=link)
        below, above = slopes.settled()
        pictures = (
            picture(
                by_district,
                f"Map of the slope of {called} by district.",
                f"Where the {link} go up or down most with {called} (posterior means, per "
                f"{slopes.step_words}). Neighbours are alike by the model: a slope is told by the districts "
                "around it, and where they say little it is drawn to the average.",
            ),
            picture(
                sign,
                f"Map of the posterior probability that the slope of {called} is above zero.",
                f"How sure the sign is: above zero with a probability of 97.5{NBSP}% or more in "
                f"{fixed(above)} of {fixed(districts.n)} districts, below zero in {fixed(below)}.",
            ),
        )
    return LocalPart(
        f"Slope of {called} over the map",
        _words(slopes, link, called),
        pictures,
        _table(slopes, district_names(districts), name_and_column(slopes.covariate, districts), link),
    )


def _words(slopes: LocalSlopes, link: str, called: str) -> str:
    low, high = np.quantile(slopes.average, [0.025, 0.975])
    digits = digits_for(low, high, least=2)
    spread = interval(*map(float, np.quantile(slopes.spread, [0.025, 0.975])), digits=digits)
    means = slopes.table["mean"]
    return (
        f"Per {slopes.step_words} of {called} the {link} change by {fixed(slopes.average.mean(), digits)} on "
        f"the average of all districts (95{NBSP}% {interval(low, high, digits)}). The slope differs between "
        f"places with a standard deviation of {fixed(slopes.spread.mean(), digits)} ({spread}), smoothly "
        f"over the map; posterior means run from {fixed(means.min(), digits)} to {fixed(means.max(), digits)}"
        ". Effects above take each district’s own slope. A slope compares neighbouring districts, not the "
        "people in them."
    )


def _table(slopes: LocalSlopes, names: list[str], called: str, link: str) -> Table:
    frame = slopes.table.assign(name=names).sort_values("mean", kind="stable")
    caption = f"Slopes of {called} ({link} per {slopes.step_words}), {len(frame)} districts"
    if len(frame) > 2 * ENDS:
        frame = frame.iloc[[*range(ENDS), *range(-ENDS, 0)]]
        caption += f": the {ENDS} lowest and the {ENDS} highest"
    rows = []
    for one in frame.to_dict("records"):
        digits = digits_for(one["low"], one["high"], least=2)
        rows.append(
            (
                str(one["name"]),
                fixed(one["mean"], digits),
                interval(one["low"], one["high"], digits),
                probability(one["probability_positive"]),
            )
        )
    columns = [("district", "text"), ("mean", "number"), ("95 % interval", "number"), ("above 0", "number")]
    return table(caption, columns, rows)
