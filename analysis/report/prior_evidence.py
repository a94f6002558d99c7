"""The priors in a report's evidence: whether they decide, and what they believe of votes by themselves."""

import numpy as np

from spatialvote.analysis.checks import prior_predictive, prior_sensitivity
from spatialvote.analysis.figures.multiples import map_multiples
from spatialvote.analysis.report.focus import column_words, parameter_names
from spatialvote.analysis.report.numbers import fixed, interval, percent, significant
from spatialvote.analysis.report.parts import Part, Picture, Table, picture, table
from spatialvote.analysis.report.words import points_step
from spatialvote.analysis.review import Check, Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit

_DIAGNOSES = {
    "": "–",
    "conflict": "prior and votes disagree",
    "strong prior": "the votes say little",
}


def prior_sensitivity_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """Sensitivity of each parameter to priors and votes; None for reviews without it."""
    check = next((one for one in review.checks if one.name == "prior_sensitivity"), None)
    if check is None:
        return None
    words = [
        "The priors are made a little stronger and weaker, and so are the votes, by weighing the draws "
        "(power scaling). An estimate that hardly moves with the priors, and moves with the votes, is owed "
        f"to the votes; above {prior_sensitivity.THRESHOLD} it is sensitive. {check.advice}"
    ]
    without = check.details["without_prior"]
    if without is not None:
        called = column_words(check.details["column"], districts)
        words.append(
            f"With flat priors the coefficient of {called} (link scale, for the step in which its effect is "
            f"told) would be about {significant(without['mean_without'], 2)} in place of "
            f"{significant(without['mean'], 2)}, with a standard deviation of "
            f"{significant(without['sd_without'], 2)} in place of {significant(without['sd'], 2)}."
        )
    return Part(
        "prior-sensitivity",
        prior_sensitivity.QUESTION,
        words=tuple(words),
        tables=(_sensitivity_table(check, fit, districts),),
        checks=("prior_sensitivity",),
    )


def _sensitivity_table(check: Check, fit: Fit, districts: Districts) -> Table:
    called = parameter_names(fit.coefficients, districts)
    rows = []
    for name, one in check.details["parameters"].items():
        strongest = max(one["by_prior"], key=lambda block: one["by_prior"][block])
        contraction = check.details["contraction"].get(name)
        effect = f"effect of {column_words(check.details['column'], districts)}" if name == "effect" else ""
        rows.append(
            (
                effect or called.get(name, name),
                fixed(one["prior"], 3),
                fixed(one["likelihood"], 3),
                strongest,
                _DIAGNOSES[one["diagnosis"]],
                "–" if contraction is None else percent(contraction, 0 if contraction >= 0.1 else 1),
            )
        )
    return table(
        "How far each estimate moves with the priors and with the votes (sensitive above "
        f"{prior_sensitivity.THRESHOLD})",
        [
            ("estimate", "text"),
            ("sensitivity to the priors", "number"),
            ("to the votes", "number"),
            ("most by the prior of", "text"),
            ("diagnosis", "text"),
            ("posterior sd, % of the prior's", "number"),
        ],
        rows,
    )


def prior_predictive_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """What the prior believes of votes, beside what was seen; None for reviews without it."""
    check = next((one for one in review.checks if one.name == "prior_predictive"), None)
    if check is None:
        return None
    return Part(
        "prior-predictive",
        prior_predictive.QUESTION,
        words=(_words(check, fit, districts),),
        pictures=(_maps(check, fit, districts),) if districts.has_geometry else (),
        tables=(_statistics_table(check),),
        checks=("prior_predictive",),
    )


def _words(check: Check, fit: Fit, districts: Districts) -> str:
    details, counted = check.details, fit.model.family != "poisson"
    overall = details["statistics"]["overall share"]
    range_words = (
        f"an overall share between {percent(overall['low'])} and {percent(overall['high'])}"
        if counted
        else f"an overall rate between {significant(overall['low'])} and {significant(overall['high'])}"
    )
    text = f"Before it sees votes, the model believes in {range_words} (90 % of its draws)"
    if details["extreme"] is not None:
        text += f", and in {percent(details['extreme'])} of the districts below 1 % or above 99 %"
    text += "."
    effect = details["effect"]
    if effect is not None:
        step = points_step(effect["points"]) if effect["points"] is not None else "one standard deviation"
        unit = "percentage points of the vote share" if counted else "% of the rate"
        text += (
            f" Where ‘{column_words(effect['column'], districts)}’ is {step} higher it believes in anything "
            f"from {interval(effect['low'], effect['high'], 0)} {unit}."
        )
    return f"{text} {check.advice}"


def _maps(check: Check, fit: Fit, districts: Districts) -> Picture:
    kept, counted = check.details["maps"], fit.model.family != "poisson"
    factor = 100 if counted else 1
    maps = {"observed": factor * fit.share}
    for number, values in enumerate(kept["draws"], start=1):
        maps[f"prior draw {number}"] = factor * np.array(values, dtype=np.float64)
    maps["5 % of prior draws below"] = factor * np.array(kept["low"], dtype=np.float64)
    maps["5 % of prior draws above"] = factor * np.array(kept["high"], dtype=np.float64)
    party = districts.roles.party_called(fit.model.party)
    return picture(
        map_multiples(
            districts,
            maps,
            title="What the prior believes beside what was seen",
            label=f"{party}, % of valid votes" if counted else f"{party}, per unit of exposure",
        ),
        f"{len(maps)} small maps on one scale: the observed outcome, {len(kept['draws'])} draws from the "
        "prior, and two percentiles of its draws.",
        "What was observed; elections drawn from the prior; and what nine in ten prior draws lie between in "
        "each district. A prior that is neither careless nor decisive draws maps that could be elections, "
        "some of them like the observed one, and differs much from draw to draw.",
    )


def _statistics_table(check: Check) -> Table:
    return table(
        "The observed votes among those drawn from the prior",
        [
            ("statistic", "text"),
            ("observed", "number"),
            ("prior, 5 to 95 %", "number"),
            ("prior draws above it", "number"),
        ],
        [
            (
                name,
                fixed(one["observed"], 3),
                interval(one["low"], one["high"], 3),
                percent(one["p"], 1),
            )
            for name, one in check.details["statistics"].items()
        ],
    )
