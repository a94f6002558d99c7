"""The page of elections over time: the effect's path, what persists and what changes, maps, the review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from spatialvote.analysis.elections_answers import EffectPath, effect_path, variance_parts
from spatialvote.analysis.figures.elections import (
    map_change,
    map_shares,
    map_slopes,
    map_structured_change,
    plot_effect_path,
)
from spatialvote.analysis.figures.style import SIMULATED
from spatialvote.analysis.report.numbers import digits_for, fixed, interval, probability
from spatialvote.analysis.report.parts import Part, Table, picture, table
from spatialvote.analysis.report.sheet import Sheet

if TYPE_CHECKING:
    from spatialvote.analysis.checks.check import Check
    from spatialvote.data.elections import Elections
    from spatialvote.models.elections.fit import ElectionsFit

_CAVEATS = (
    "Districts are compared, not persons: where more migrants live, more of the voters are migrants, and "
    "they may vote otherwise. A change of the effect over time may be a change of who lives where.",
    "A covariate that was measured once and is used for all elections tells how places of today differ then, "
    "not what the change of the covariate did.",
    "Districts are taken to be the same areas at all elections; votes that were carried over to other "
    "boundaries are smoother than votes that were counted.",
    "Structured change and each district-election's own effect describe departures from a mean over these "
    "elections; with few elections a trend and a temporary departure are hardly told apart.",
)
_PARTS = {
    "election": "the elections' averages",
    "covariates": "covariates",
    "persistent": "what persists in a district",
    "change": "change that neighbours share",
    "own": "a district-election's own",
}


def elections_sheet(
    fit: ElectionsFit,
    elections: Elections,
    checks: Sequence[Check],
    *,
    title: str,
    question: str | None = None,
    points: float = 10.0,
) -> Sheet:
    """The page of a fit.

    Parameters
    ----------
    fit, elections, checks
        A fit, what it is of, and its review.
    title, question
        The heading, and the question in the reader's words.
    points
        Percentage points by which the followed covariate is moved.
    """
    about, path = elections.about, effect_path(fit, elections, points)
    called = elections.roles.called(fit.effect_name)
    parts = [_path_part(path, elections, called), _change_part(fit, elections), _spread_part(fit, elections)]
    if fit.model.varying:
        parts.insert(1, _slopes_part(fit, elections, called))
    known = f"{len(elections.table):,} of {elections.n * len(elections.labels):,} district-elections"
    return Sheet(
        title=title,
        setting=f"{about.name}, {elections.labels[0]} to {elections.labels[-1]} · {elections.n:,} x "
        f"{about.unit} · {known} · source: {about.source or 'not told'}",
        banner=SIMULATED if about.simulated else "",
        question=question
        or f"How did the vote for {elections.roles.party_called(fit.model.party)} relate to {called}, and "
        "how did that change?",
        headline=_headline(path, called),
        told=tuple(f"{one[:1].upper()}{one[1:].rstrip('.')}." for one in elections.record.notes),
        parts=tuple(parts),
        checks=tuple(checks),
        caveats=_CAVEATS,
        record=_record(fit, elections),
    )


def _points(row: dict[str, float]) -> str:
    digits = digits_for(row["low"], row["high"])
    return f"{fixed(row['mean'], digits)} (95 % interval {interval(row['low'], row['high'], digits)})"


def _headline(path: EffectPath, called: str) -> str:
    told, change = path.table(), path.change()["points"]
    ends = []
    for label in (path.labels[0], path.labels[-1]):
        row = told.loc[label]
        ends.append(_points({name: row[f"points_{name}"] for name in ("mean", "low", "high")}))
    return (
        f"With {called} higher by {path.step}, the vote share differs by {ends[0]} percentage points in "
        f"{path.labels[0]} and by {ends[1]} in {path.labels[-1]}; the change is {_points(change)}."
    )


def _path_part(path: EffectPath, elections: Elections, called: str) -> Part:
    rows = []
    for label, row in path.table().iterrows():
        cells = [str(label)]
        for scale, least in (("points", 1), ("logit", 2)):
            low, high = row[f"{scale}_low"], row[f"{scale}_high"]
            digits = digits_for(low, high, least)
            cells += [fixed(row[f"{scale}_mean"], digits), interval(low, high, digits)]
        rows.append((*cells, probability(row["points_probability_direction"])))
    columns = [
        ("election", "text"), ("points", "number"), ("95 % interval", "number"), ("log-odds", "number"),
        ("95 % interval", "number"), ("probability of its direction", "number"),
    ]  # fmt: skip
    change = path.change()
    return Part(
        "path",
        "How did the effect change over the elections?",
        (
            f"From {path.labels[0]} to {path.labels[-1]} it changed by {_points(change['points'])} "
            f"percentage points, {_points(change['logit'])} on the log-odds; the probability of that "
            f"direction is {probability(change['points']['probability_direction'])}. On the points' scale a "
            "growing party alone makes the same log-odds a larger difference.",
        ),
        (
            picture(
                plot_effect_path(path, elections, called=called),
                "A line of the effect over the elections, with an interval at each",
                "The effect at each election with its 95 % interval; an interval that crosses the dashed "
                "line leaves the direction open.",
            ),
        ),
        (table(f"Effect of {called}, higher by {path.step}", columns, rows),),
    )


def _slopes_part(fit: ElectionsFit, elections: Elections, called: str) -> Part:
    pictures = ()
    if elections.frame().has_geometry:
        slopes, sign = map_slopes(fit, elections, called=called)
        pictures = (
            picture(
                slopes, "A map of each district's slope", "Each district's slope, smoothed over the map."
            ),
            picture(
                sign,
                "A map of the probability that each district's slope is above zero",
                "Near 0 and 1 the sign is known; near one half it is not.",
            ),
        )
    draws = fit.draws("sigma_slope")
    low, high = np.quantile(draws, [0.025, 0.975])
    return Part(
        "slopes",
        "Does the effect differ over the map?",
        (
            f"A typical district's slope departs from the average by {fixed(draws.mean(), 3)} log-odds per "
            f"standard deviation (95 % interval {interval(low, high, 3)}); the prior keeps it near zero "
            "unless the votes say otherwise.",
        ),
        pictures,
    )


def _change_part(fit: ElectionsFit, elections: Elections) -> Part:
    pictures = []
    if elections.frame().has_geometry:
        first, last = elections.labels[0], elections.labels[-1]
        pictures = [
            picture(
                map_shares(fit, elections),
                "Maps of the vote share, one for each election",
                "The fitted vote share of every election, all on one scale.",
            ),
            picture(
                map_change(fit, elections, first, last),
                "A map of the change of the vote share",
                f"The change of the fitted vote share from {first} to {last}.",
            ),
        ]
        if "change" in fit.tree["posterior"]:
            pictures.append(
                picture(
                    map_structured_change(fit, elections),
                    "Maps of structured change, one for each election",
                    "Where each election departs from what persists; all on one scale.",
                )
            )
    return Part("change", "Where did votes change?", (), tuple(pictures))


def _spread_part(fit: ElectionsFit, elections: Elections) -> Part:
    shares = []
    for name, draws in variance_parts(fit, elections).items():
        low, high = np.quantile(100 * draws, [0.025, 0.975])
        shares.append((_PARTS[name], fixed(100 * draws.mean(), 1), interval(low, high, 1)))
    columns = [("part", "text"), ("share, %", "number"), ("95 % interval", "number")]
    return Part(
        "parts",
        "What persists, and what changes?",
        (
            "How the variance of the log-odds between district-elections divides. Parts are not independent "
            "of each other, so that they divide the sum of their variances.",
        ),
        (),
        (table("Shares of the variance", columns, shares), _hyper_table(fit)),
    )


def _hyper_table(fit: ElectionsFit) -> Table:
    rows = []
    for name in fit.hyperparameters:
        draws = fit.draws(name)
        low, high = np.quantile(draws, [0.025, 0.975])
        rows.append((name, fixed(draws.mean(), 3), interval(low, high, 3)))
    columns = [("quantity", "text"), ("estimate", "number"), ("95 % interval", "number")]
    return table("Hyperparameters, on the logit scale", columns, rows)


def _record(fit: ElectionsFit, elections: Elections) -> dict[str, str]:
    record = fit.record
    told = {
        "elections": repr(elections),
        "formula": fit.model.formula,
        "model": f"path {fit.model.path}, over time {fit.model.time}, interaction {fit.model.interaction}, "
        f"slope {'varying' if fit.model.varying else 'the same'} over the map",
        "engine": str(record["engine"]),
        "fingerprint of the data": record["fingerprints"]["data"],
        "fingerprint of the graph": record["fingerprints"]["graph"],
        "seed": str(record["seed"]),
        "created": record["created"],
        "seconds": ", ".join(f"{name} {value:g}" for name, value in record["timings"].items()),
        "versions": ", ".join(f"{name} {value}" for name, value in record["versions"].items()),
    }
    return told | {f"SHA-256 of {name}": value for name, value in record["read"]["files"].items()}
