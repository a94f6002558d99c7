"""The page of several parties: effects on all shares, turnout, maps, how fields go together, the review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from spatialvote.analysis.figures.maps import map_values, map_vote_share
from spatialvote.analysis.figures.parties import (
    WHOLES,
    called,
    plot_decomposition,
    plot_field_correlations,
    plot_party_effects,
)
from spatialvote.analysis.figures.style import SIMULATED
from spatialvote.analysis.party_fields import effects_on_shares, field_correlations
from spatialvote.analysis.report.numbers import digits_for, fixed, interval, probability
from spatialvote.analysis.report.parts import Part, Picture, Table, picture, table
from spatialvote.analysis.report.sheet import Sheet

if TYPE_CHECKING:
    import pandas as pd

    from spatialvote.analysis.checks.check import Check
    from spatialvote.analysis.party_effects import PartyEffect
    from spatialvote.data.districts import Districts
    from spatialvote.models.parties.fit import PartySharesFit

_CAVEATS = (
    "These are associations between districts. That a party's share differs where more migrants live does "
    "not say who votes for it, nor what would happen if people moved (the ecological fallacy).",
    "Shares of one whole move together by arithmetic: what one party gains, others lose. A negative "
    "correlation of shares is no sign by itself that voters went from one party to the other.",
    "Logits against the rest, and correlations on that scale, depend on what the rest is; effects on shares "
    "and the correlations of the parties' own shares do not.",
)
_MAP_DRAWS = 500


def parties_sheet(
    fit: PartySharesFit,
    districts: Districts,
    effect: PartyEffect,
    checks: Sequence[Check],
    *,
    title: str,
    question: str | None = None,
) -> Sheet:
    """The page of a fit of several parties.

    Parameters
    ----------
    fit, districts, effect, checks
        A fit, its districts, the effect that is asked for, and the review.
    title, question
        The heading, and the question in the reader's words.
    """
    about = districts.about
    parts = [_effects_part(effect, districts)]
    if effect.of_votes is not None:
        parts.append(_turnout_part(effect, districts))
    if districts.has_geometry:
        parts.append(_maps_part(fit, districts))
    if len(fit.logits) > 1:
        parts.append(_fields_part(fit, districts))
    parts.append(_model_part(fit, districts))
    year = f", {about.year}" if about.year is not None else ""
    whole = WHOLES[fit.model.whole]
    return Sheet(
        title=title,
        setting=f"{about.name}{year} · {districts.n:,} x {about.unit} · shares of {whole} · source: "
        f"{about.source or 'not told'}",
        banner=SIMULATED if about.simulated else "",
        question=question or "How do the shares of these parties go with the share of migrants?",
        headline=_headline(effect, districts),
        told=(f"A row is one {about.unit}: these are differences between areas, not between persons.",),
        parts=tuple(parts),
        checks=tuple(checks),
        caveats=_CAVEATS,
        record=_record(fit, districts),
    )


def _points(row: pd.Series) -> str:
    digits = digits_for(row["low"], row["high"])
    return f"{fixed(row['mean'], digits)} (95 % interval {interval(row['low'], row['high'], digits)})"


def _headline(effect: PartyEffect, districts: Districts) -> str:
    told = effect.table()
    by = f"{effect.points:g} percentage points" if effect.points is not None else "one standard deviation"
    parts = [
        f"{called(str(name), districts)} {_points(row)}"
        for name, row in told.iterrows()
        if name != effect.categories[-1]
    ]
    return (
        f"With {by} more {districts.roles.called(effect.column)}, other covariates the same, shares of "
        f"{WHOLES[effect.whole]} differ by so many percentage points: {'; '.join(parts)}."
    )


def _effect_rows(told: pd.DataFrame, names: Sequence[str]) -> list[tuple[str, ...]]:
    rows = []
    for name, (_, row) in zip(names, told.iterrows(), strict=True):
        digits = digits_for(row["low"], row["high"])
        rows.append(
            (
                name,
                fixed(row["mean"], digits),
                interval(row["low"], row["high"], digits),
                probability(row["probability_positive"]),
            )
        )
    return rows


_COLUMNS = (
    ("share of", "text"),
    ("change, points", "number"),
    ("95 % interval", "number"),
    ("probability above zero", "number"),
)


def _effects_part(effect: PartyEffect, districts: Districts) -> Part:
    told = effect.table()
    names = [called(str(name), districts) for name in told.index]
    words = ["All changes sum to zero in every draw, for they are shares of one whole."]
    if effect.outside_bounds:
        words.append(
            f"In {len(effect.outside_bounds)} of {districts.n} districts the change leads out of 0 to 100 %."
        )
    return Part(
        "effects",
        "Who is stronger where more migrants live?",
        tuple(words),
        (
            picture(
                plot_party_effects(effect, districts),
                "One interval for each party and one for all others: change of its share",
                "Average change over the districts, with 95 % intervals; an interval that crosses the dashed "
                "line leaves the direction open.",
            ),
        ),
        (
            table(
                f"Change of shares of {WHOLES[effect.whole]}, percentage points",
                _COLUMNS,
                _effect_rows(told, names),
            ),
        ),
    )


def _turnout_part(effect: PartyEffect, districts: Districts) -> Part:
    told = effect.decomposition()
    names = []
    for row in map(str, told.index):
        party, _, quantity = row.partition(": ")
        names.append(f"{called(party, districts)}: {quantity}" if quantity else "turnout")
    return Part(
        "turnout",
        "Is a party larger, or do others stay at home?",
        (
            "A share of the electorate is turnout times the share of the valid votes. Its change is the sum "
            "of what comes through turnout (more or fewer vote, and the party keeps its share of them) and "
            "what comes through votes. A party whose share of the valid votes is higher while its share of "
            "the electorate is not is larger because others stay at home.",
        ),
        (
            picture(
                plot_decomposition(effect, districts),
                "Intervals of each party's change in its share of the electorate, its two parts, and its "
                "share of the votes",
                "Each party's share of the electorate, in two parts that sum to it, and its share of the "
                "valid votes; at the bottom turnout.",
            ),
        ),
        (table("Through turnout and through votes, percentage points", _COLUMNS, _effect_rows(told, names)),),
    )


def _maps_part(fit: PartySharesFit, districts: Districts) -> Part:
    parties = fit.model.parties
    samples = len(fit.draws("sigma"))
    at = np.linspace(0, samples - 1, min(_MAP_DRAWS, samples)).round().astype(np.int64)
    effects = effects_on_shares(fit, at).mean(axis=0)
    pictures: list[Picture] = []
    for k, party in enumerate(parties):
        name = called(party, districts)
        pictures.append(
            picture(
                map_vote_share(districts, party, stood=fit.stood[:, k]),
                f"Map of the share of {name} in each district",
                f"Votes for {name}, % of the valid votes. Each map has its own scale.",
            )
        )
    for k, party in enumerate(parties):
        name = called(party, districts)
        pictures.append(
            picture(
                map_values(
                    districts,
                    effects[:, k],
                    title=f"{name}: what the covariates leave open",
                    label="logits of its share, posterior mean",
                    kind="diverging",
                ),
                f"Map of the district effects of {name}",
                f"Where {name} is stronger (or weaker) than the covariates suggest.",
            )
        )
    return Part("maps", "Where are they strong?", (), tuple(pictures))


def _fields_part(fit: PartySharesFit, districts: Districts) -> Part:
    told = field_correlations(fit)
    rows = []
    for (first, second, scale, part), row in told.iterrows():
        rows.append(
            (
                f"{called(first, districts)} and {called(second, districts)}",
                str(scale),
                str(part),
                fixed(row["mean"], 2),
                interval(row["low"], row["high"], 2),
                probability(row["probability_positive"]),
            )
        )
    columns = [
        ("pair", "text"), ("scale", "text"), ("part", "text"), ("correlation", "number"),
        ("95 % interval", "number"), ("probability above zero", "number"),
    ]  # fmt: skip
    return Part(
        "fields",
        "Do the parties' district effects go together?",
        (
            "What covariates leave open of each party, compared between districts. 'share' is the logit of a "
            "party's own share, and 'clr' the log share centred over all categories; neither depends on what "
            "the rest is. Centred log shares sum to zero, which alone makes their correlations negative "
            "where categories are few. 'against the rest' is the scale on which the model is written.",
        ),
        (
            picture(
                plot_field_correlations(fit, districts),
                "Intervals of the correlation of each pair of fields",
                "Correlations with 95 % intervals, on each scale.",
            ),
        ),
        (table("Correlations of the parties' district effects", columns, rows),),
    )


def _model_part(fit: PartySharesFit, districts: Districts) -> Part:
    beta, scale = fit.draws("beta"), fit.constant("scale")
    rows = []
    for k, logit in enumerate(fit.logits):
        for q, name in enumerate(fit.coefficients):
            draws = beta[:, k, q] / scale[q]
            rows.append((called(logit, districts), districts.roles.called(name), *_estimate(draws)))
    columns = [("logit of", "text"), ("column", "text"), ("per unit", "number"), ("95 % interval", "number")]
    hyper = []
    for k, logit in enumerate(fit.logits):
        hyper.append((f"sigma of {called(logit, districts)}", *_estimate(fit.draws("sigma")[:, k])))
    if fit.has_structure:
        rho = fit.draws("rho").reshape(len(beta), -1)
        for k, column in enumerate(rho.T):
            suffix = f" of field {k + 1}" if rho.shape[1] > 1 else ""
            hyper.append((f"rho{suffix}", *_estimate(column)))
    if fit.model.family == "dirichlet_multinomial":
        hyper.append(("overdispersion", *_estimate(fit.draws("overdispersion"))))
    return Part(
        "model",
        "The model",
        (
            f"{fit.model.formula}; votes are {fit.model.family.replace('_', '-')}, fields {fit.model.fields} "
            f"({fit.model.structure}); logits against all others. docs/parties.md has the equations.",
        ),
        (),
        (
            _priors_table(fit),
            table("Coefficients: change in logits per unit of the column", columns, rows),
            table(
                "Hyperparameters",
                [("quantity", "text"), ("estimate", "number"), ("95 % interval", "number")],
                hyper,
            ),
        ),
    )


def _priors_table(fit: PartySharesFit) -> Table:
    priors = fit.model.priors
    rows = [
        ("intercepts", f"Normal around the logits of the overall shares, sd {priors.intercept_sd:g}"),
        ("coefficients", f"Normal(0, {priors.coefficient_sd:g}) on standardised columns"),
        ("sigma", str(priors.sigma)),
        ("rho", str(priors.rho)),
        ("correlations", str(priors.correlation)),
        ("overdispersion", str(priors.overdispersion)),
    ]
    return table("Priors", [("quantity", "text"), ("prior", "long")], rows)


def _estimate(draws: np.ndarray) -> tuple[str, str]:
    low, high = np.quantile(draws, [0.025, 0.975])
    digits = digits_for(low, high, least=2)
    return fixed(draws.mean(), digits), interval(low, high, digits)


def _record(fit: PartySharesFit, districts: Districts) -> dict[str, str]:
    record = fit.record
    gone = record["absent"]["parties"]
    told = {
        "districts": repr(districts),
        "fingerprint of the data": record["fingerprints"]["data"],
        "fingerprint of the graph": record["fingerprints"]["graph"],
        "seed": str(record["seed"]),
        "sampler": ", ".join(f"{name} {value}" for name, value in record["settings"].items()),
        "did not stand": ", ".join(f"{name} in {one['count']} districts" for name, one in gone.items())
        or "none",
        "created": record["created"],
        "seconds": ", ".join(f"{name} {value:g}" for name, value in record["timings"].items()),
        "versions": ", ".join(f"{name} {value}" for name, value in record["versions"].items()),
    }
    notes = {f"note {k}": note for k, note in enumerate(record["read"]["notes"], start=1)}
    left = record["read"]["dropped"]
    if left:
        notes["left out"] = "; ".join(f"{name}: {why}" for name, why in left.items())
    return told | notes | {f"SHA-256 of {name}": value for name, value in record["read"]["files"].items()}
