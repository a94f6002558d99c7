"""The question and the answer: from a fit and its effects to the words that open a report."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spatialvote.analysis.coefficients import spatial_fraction
from spatialvote.analysis.effects.effect import Effect
from spatialvote.analysis.report import words
from spatialvote.analysis.report.focus import column_words, formula_columns, step_words
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit


@dataclass(frozen=True)
class Answer:
    """What the first section of a report says.

    Attributes
    ----------
    question
        The question, as a sentence.
    headline
        The answer's direction in one sentence.
    told
        The answer with its numbers, what it holds fixed, and how much of the rest neighbours share.
    caveat
        Why it is about districts and not about persons; empty where nothing is compared.
    setting
        Election, unit, year and size.
    """

    question: str
    headline: str
    told: str
    caveat: str
    setting: str


def answer(
    fit: Fit,
    districts: Districts,
    focus: str | None,
    effects: Mapping[str, Effect],
    question: str | None,
) -> Answer:
    """Answer in words; `focus` is the column it is about, None for a model without covariates."""
    family, structure = fit.model.family, fit.model.structure
    party = districts.roles.party_called(fit.model.party)
    about = districts.about
    fraction = _summary(spatial_fraction(fit)) if structure == "bym2" else None
    rho = _summary(fit.draws("rho")) if structure in words.RHO else None
    setting = words.setting(
        about.name,
        about.unit,
        about.year,
        districts.n,
        int(fit.votes[fit.stood].sum()),
        family,
        party,
        int((~fit.stood).sum()),
    )
    outcome = f"the {'rate' if family == 'poisson' else 'vote share'} of {party}"
    if focus is None:
        return Answer(
            question=question or f"How does {outcome} vary between districts?",
            headline=f"How {outcome} varies between districts is described, and not what goes with it.",
            told=f"{words.no_columns(outcome)} {words.spatial(structure, fraction, rho)}",
            caveat="",
            setting=setting,
        )
    told = associate(fit, districts, effects[focus])
    sentences = [words.comparison(told), words.spatial(structure, fraction, rho)]
    if effects[focus].note:
        sentences.insert(1, words.remark(effects[focus].note))
    if not told.migrants:
        sentences.insert(0, words.without_migrants(_migrants(districts)))
    asked = "where more migrants live" if told.migrants else f"where {told.called} is higher"
    return Answer(
        question=question or f"Is {outcome} higher or lower {asked}?",
        headline=words.headline(told),
        told=" ".join(sentences),
        caveat=words.caveat(told),
        setting=setting,
    )


def _summary(draws: np.ndarray) -> tuple[float, float, float]:
    """Mean and ends of the 95 % interval."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(draws.mean()), float(low), float(high)


def _migrants(districts: Districts) -> str | None:
    column = districts.roles.migrants
    return None if column is None else column_words(column, districts)


def associate(fit: Fit, districts: Districts, effect: Effect) -> words.Association:
    """Put an effect into the terms that words are made of."""
    column = effect.column
    others = [one for one in formula_columns(fit.model.formula, districts) if one != column]
    return words.Association(
        outcome=districts.roles.party_called(fit.model.party),
        family=fit.model.family,
        column=column,
        called=column_words(column, districts),
        migrants=column == districts.roles.migrants,
        step=step_words(effect, districts),
        held=tuple(column_words(one, districts) for one in others),
        structure=fit.model.structure,
        mean=effect.mean,
        low=effect.low,
        high=effect.high,
        probability_positive=effect.probability_positive,
    )
