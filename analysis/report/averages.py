"""Which average is it? The first effect over districts, over voters, and over persons that are counted."""

from dataclasses import dataclass

from spatialvote.analysis.effects.comparisons import comparisons
from spatialvote.analysis.effects.effect import Effect
from spatialvote.analysis.effects.weighting import WEIGHTINGS, weighting_words
from spatialvote.analysis.report.effects import effect_unit
from spatialvote.analysis.report.focus import column_words, step_words
from spatialvote.analysis.report.numbers import digits_for, fixed, interval, probability
from spatialvote.analysis.report.parts import Table, table
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit


@dataclass(frozen=True)
class Averages:
    """Words and a table.

    Attributes
    ----------
    words
        Which average the page gives, and how much depends on it.
    table
        The effect under each weighting, and in a typical district.
    """

    words: str
    table: Table


def averages_part(fit: Fit, districts: Districts, effect: Effect) -> Averages:
    """Tell one effect as an average over districts, over voters, and over persons."""
    roles, family = districts.roles, fit.model.family
    weightings = list(dict.fromkeys([effect.weighting, *WEIGHTINGS, *filter(None, [roles.electorate])]))
    if family == "gaussian" and effect.weighting != "voters":
        # Without numbers of votes, voters are weighed as districts are.
        weightings.remove("voters")
    step = effect.change if effect.points is None else effect.points
    kind = "lift" if family == "poisson" else "difference"
    found = [
        (
            _over(one, districts, family),
            comparisons(fit, districts, {effect.column: step}, comparison=kind, weighting=one),
        )
        for one in weightings
    ]
    typical = (
        "a typical district, which has average covariates and no level of its own",
        comparisons(fit, districts, {effect.column: step}, comparison=kind, grid="mean"),
    )
    told = [(words, one.table.iloc[0]) for words, one in [*found, typical]]
    digits = max(digits_for(float(row["low"]), float(row["high"]), least=2) for _, row in told)
    rows = [
        (
            words,
            fixed(float(row["estimate"]), digits),
            interval(float(row["low"]), float(row["high"]), digits),
            probability(float(row["probability_above"])),
        )
        for words, row in told
    ]
    means = [float(one.draws.mean()) for _, one in found]
    called, unit = column_words(effect.column, districts), effect_unit(family)
    words = f"The effects on this page are {weighting_words(effect.weighting, family)}. "
    if len(means) > 1:
        words += (
            f"That of {called} lies between {fixed(min(means), digits)} and {fixed(max(means), digits)} "
            f"{unit} whichever of these averages over the map is taken; they differ where it differs between "
            "small and large districts. "
        )
    words += (
        "All of them are averages of differences between districts: weighing by voters or residents tells "
        "in how large a part of the people's surroundings the difference holds, not what those people do."
    )
    return Averages(
        words,
        table(
            f"The effect of {called}, {step_words(effect, districts)} higher, by what it is averaged over "
            f"({unit})",
            [
                ("over", "text"),
                ("change", "number"),
                ("95 % interval", "number"),
                ("probability that it is above 0", "number"),
            ],
            rows,
        ),
    )


def _over(weighting: str, districts: Districts, family: str) -> str:
    if weighting == "districts":
        return "districts, each counting the same"
    if weighting == "voters":
        return "the exposure" if family == "poisson" else "voters (valid votes)"
    return f"the persons of column ‘{weighting}’" + (
        " (the electorate)" if weighting == districts.roles.electorate else ""
    )
