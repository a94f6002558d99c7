"""Whether a fit to simulated votes recovers the values they were drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from spatialvote.analysis.effects.effect import Effect
from spatialvote.analysis.effects.weighting import district_weights
from spatialvote.analysis.report.focus import column_words, formula_columns
from spatialvote.analysis.report.numbers import NBSP, digits_for, fixed, interval, percent
from spatialvote.analysis.report.parts import Table, table
from spatialvote.analysis.report.words import listed
from spatialvote.data.districts import Districts
from spatialvote.data.simulate_truth import PartyTruth, Truth
from spatialvote.models.fit import Fit


@dataclass(frozen=True)
class Recovered:
    """A true value beside its estimate.

    Attributes
    ----------
    name
        What it is, with its unit.
    key
        Name of the parameter in figures.
    true, mean, low, high
        True value, posterior mean and 95 % interval.
    """

    name: str
    key: str
    true: float
    mean: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether the true value lies in the interval."""
        return self.low <= self.true <= self.high


def recovered(fit: Fit, districts: Districts, truth: Truth) -> list[Recovered]:
    """Compare each parameter of a fit that has a true value with it.

    Coefficients are compared per unit of their column, so that standardisation does not matter; the
    intercept where all covariates have their average; sigma and rho under ``bym2``, which the votes were
    drawn from.
    """
    true = truth.parties[fit.model.party]
    found = []
    scale = fit.constant("scale")
    centred = fit.draws("intercept") + fit.draws("beta") @ (
        (fit.constant("design").mean(axis=0) - fit.constant("center")) / scale
    )
    # Votes were drawn without groups: their mean effect belongs to the level.
    if fit.has_departures:
        centred = centred + fit.departures().mean(axis=1)
    found.append(
        _recovered("intercept (logits, at average covariates)", "intercept", true.intercept, centred)
    )
    for column, name in enumerate(fit.coefficients):
        if name in true.coefficients:
            unit = districts.roles.units.get(name, "unit")
            draws = fit.draws("beta")[:, column] / scale[column]
            label = f"{column_words(name, districts)} (logits per {unit})"
            found.append(_recovered(label, f"beta: {name}", true.coefficients[name], draws))
    # The votes were drawn from BYM2; other structures mean other things by sigma and rho.
    if fit.model.structure == "bym2":
        found += [
            _recovered(name, name, value, fit.draws(name))
            for name, value in (("sigma", true.sigma), ("rho", true.rho))
        ]
    return found


def _recovered(name: str, key: str, true: float, draws: np.ndarray) -> Recovered:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Recovered(name, key, float(true), float(draws.mean()), float(low), float(high))


def true_effect(
    truth: Truth, party: str, column: str, change: float, weights: np.ndarray | None = None
) -> float | None:
    """True average change of the vote share, percentage points, when a column rises by `change`.

    None where the column has no true coefficient. Districts count alike, or by `weights`.
    """
    true: PartyTruth = truth.parties[party]
    if column not in true.coefficients:
        return None
    moved = expit(true.eta + true.coefficients[column] * change) - expit(true.eta)
    return float(100 * np.average(moved, weights=weights))


def left_out(fit: Fit, districts: Districts, truth: Truth) -> list[str]:
    """What the columns with a true effect that the model lacks are called."""
    true = truth.parties[fit.model.party].coefficients
    used = formula_columns(fit.model.formula, districts)
    return [column_words(name, districts) for name, value in true.items() if value != 0 and name not in used]


def districts_inside(fit: Fit, truth: Truth) -> float:
    """Fraction of districts whose true eta lies in its 95 % interval."""
    true = truth.parties[fit.model.party].eta
    low, high = np.quantile(fit.draws("eta"), [0.025, 0.975], axis=0)
    return float(np.mean((low <= true) & (true <= high)))


def truth_words(found: list[Recovered], inside_districts: float, missing: list[str]) -> str:
    """Say how the true values lie in their intervals."""
    outside = [one for one in found if not one.inside]
    share = f"So do the true log-odds of {percent(inside_districts)} of the districts (expected: 95{NBSP}%)."
    if not outside:
        text = (
            f"The votes were drawn from known values, and all {len(found)} lie in their 95{NBSP}% intervals. "
        )
    else:
        named = listed([_outside(one) for one in outside])
        text = (
            f"The votes were drawn from known values: {len(found) - len(outside)} of {len(found)} lie in "
            f"their 95{NBSP}% intervals, and outside is {named}. One in twenty such intervals misses. "
        )
        share = share.replace("So do the true", "The true", 1).replace(
            "of the districts (", "of the districts lie in theirs (", 1
        )
    if missing:
        share += (
            f" The model leaves out {listed(missing)}, which in truth matters: the values of the other "
            "columns then need not be recovered."
        )
    return text + share


def _outside(one: Recovered) -> str:
    digits = digits_for(one.low, one.high)
    return f"{one.name}: {fixed(one.true, digits)} ({interval(one.low, one.high, digits)})"


@dataclass(frozen=True)
class TruthPart:
    """What a report says about the truth.

    Attributes
    ----------
    words
        In one paragraph.
    table
        Every true value beside its estimate.
    effects
        Column to true effect, in the unit of the effects.
    parameters
        Parameter to true value on the scale that the priors apply to, for figures.
    """

    words: str
    table: Table
    effects: dict[str, float]
    parameters: dict[str, float]


def truth_part(
    fit: Fit, districts: Districts, truth: Truth, effects: Mapping[str, Effect], weighting: str
) -> TruthPart:
    """Compare a fit and its effects with what the votes were drawn from."""
    weights = district_weights(fit, districts, weighting)
    found, true_effects = [], {}
    for column, one in effects.items():
        value = true_effect(truth, fit.model.party, column, one.change, weights)
        if value is not None:
            true_effects[column] = value
            step = "+1 standard deviation" if one.points is None else f"+{one.points:g} points"
            name = f"{column_words(column, districts)}, {step}"
            found.append(Recovered(name, column, value, one.mean, one.low, one.high))
    found += recovered(fit, districts, truth)
    rows = []
    for one in found:
        digits = digits_for(one.low, one.high) + 1
        rows.append(
            (
                one.name,
                fixed(one.true, digits),
                fixed(one.mean, digits),
                interval(one.low, one.high, digits),
                "yes" if one.inside else "no",
            )
        )
    columns = [("quantity", "text"), ("true value", "number"), ("estimate", "number")]
    columns += [("95 % interval", "number"), ("inside", "text")]
    return TruthPart(
        truth_words(found, districts_inside(fit, truth), left_out(fit, districts, truth)),
        table(
            "True values and their estimates; what goes with a step up in a column is in percentage points "
            "of the vote share",
            columns,
            rows,
        ),
        true_effects,
        _figure_values(fit, truth),
    )


def _figure_values(fit: Fit, truth: Truth) -> dict[str, float]:
    true = truth.parties[fit.model.party]
    scales = dict(zip(fit.coefficients, fit.constant("scale"), strict=True))
    values = {
        f"beta: {name}": value * scales[name] for name, value in true.coefficients.items() if name in scales
    }
    if fit.model.standardise and not fit.groups:
        values["intercept"] = true.intercept
    if fit.model.structure == "bym2":
        values |= {"sigma": true.sigma, "rho": true.rho}
    return values
