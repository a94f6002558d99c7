"""Where the numbers of a report come from, and what must not be read into them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spatialvote.analysis.report.focus import formula_columns
from spatialvote.analysis.report.numbers import fixed, percent, seconds, significant
from spatialvote.analysis.report.parts import Table, table
from spatialvote.analysis.review import Review
from spatialvote.data.districts import Districts
from spatialvote.data.errors import name_some
from spatialvote.data.origin_groups import definition_notes
from spatialvote.models.fit import Fit
from spatialvote.models.structures import STRUCTURES

EQUAL_AREA = 6933  # EPSG: cylindrical equal area, the whole globe
NEAR_HOME = 1.0  # km2; about what is meant by a neighbourhood


def caveats(fit: Fit, districts: Districts) -> list[tuple[str, str]]:
    """What limits the results: each a heading and a few sentences."""
    about, graph, read = districts.about, districts.graph_report, districts.record
    found = []
    if about.simulated:
        found.append(
            ("Simulated", "Places, people and votes are invented. Nothing here is about a real election.")
        )
    found += [
        (
            "Districts, not persons",
            "An association of districts is not an effect on persons. It mixes who lives and votes in a "
            "district (composition) with what living there does to a vote; votes by district alone cannot "
            "tell the two apart.",
        ),
        ("The unit", _unit(fit, districts)),
        *_definitions(fit, districts),
        (
            "Other boundaries, other numbers",
            "Results depend on how districts are drawn and how large they are (the modifiable areal unit "
            "problem): another division of the same place can give another slope.",
        ),
        (
            "No causes",
            "People choose where to live, and districts differ in more than the columns of this model. "
            "Holding education or income fixed does not hold everything fixed.",
        ),
        ("Space", _space(fit, graph)),
    ]
    if not fit.stood.all():
        found.append(("Where the party did not stand", _absence(fit, districts)))
    if fit.model.family != "poisson":
        found.append(("Those who did not vote", _turnout(districts)))
    if read.dropped:
        found.append(
            (
                "Left out",
                f"{len(read.dropped)} districts were left out while reading ({name_some(read.dropped)}); the "
                "record says why.",
            )
        )
    if read.repaired:
        found.append(
            (
                "Repaired shapes",
                f"The shapes of {len(read.repaired)} districts were mended: {name_some(read.repaired)}.",
            )
        )
    if read.notes:
        found.append(("Noted while reading", " ".join(_sentence(one) for one in read.notes)))
    return found


def _definitions(fit: Fit, districts: Districts) -> list[tuple[str, str]]:
    """Who counts as a migrant, or that nobody says so."""
    roles = districts.roles
    used = formula_columns(fit.model.formula, districts)
    groups = dict.fromkeys(group for column in used for group in roles.definitions.get(column, ()))
    if groups:
        return [("Who counts as a migrant", " ".join(definition_notes(groups)))]
    if roles.migrants in used:
        text = (
            f"The table does not say who is counted in ‘{roles.called(roles.migrants or '')}’: those born "
            "abroad, foreign citizens and those with a parent born abroad are different people, and give "
            "other numbers."
        )
        return [("Who counts as a migrant", text)]
    return []


def _unit(fit: Fit, districts: Districts) -> str:
    text = f"A row is one {districts.about.unit}"
    if fit.model.family != "gaussian":
        what = "valid votes" if fit.model.family != "poisson" else "units of exposure"
        text += f"; the median one has {fixed(np.median(fit.size))} {what}"
    area = _median_area(districts)
    if area is None:
        return f"{text}. How near to home its migrants live depends on its size, which is not known here."
    measured = f"{fixed(area, 0 if area >= 10 else 2)} km²"
    text += f"; the median one measures {measured}." if ";" not in text else f" and measures {measured}."
    if area > NEAR_HOME:
        return f"{text} That is larger than a neighbourhood: migrants can live near or far within it."
    return f"{text} That is about a neighbourhood; people also meet others at work, in school and on the way."


def _median_area(districts: Districts) -> float | None:
    """Median area in square kilometres; None without shapes or CRS, or where shapes are points."""
    geometry = districts.table.geometry[districts.drawable]
    if not districts.has_geometry or geometry.crs is None:
        return None
    area = float(np.median(geometry.to_crs(EQUAL_AREA).area)) / 1e6
    return area if area > 0 else None


def _space(fit: Fit, graph: Any) -> str:
    parts = len(graph.component_sizes)
    text = f"Definition of neighbours: {graph.method}, {fixed(graph.n_edges)} links in all. "
    spatial = "rho" in STRUCTURES[fit.model.structure]
    if not spatial:
        text += "This model does not use them, so only the review does. "
    else:
        text += (
            "Another definition, or another spatial structure, can move the effects: where a column itself "
            "varies smoothly over the map, it competes with the spatial part. "
        )
    if graph.added:
        text += f"{len(graph.added)} links were added to those of exact contact. "
    if graph.islands:
        text += (
            f"{len(graph.islands)} districts have no neighbour ({name_some(graph.islands)}): nothing is "
            "shared with them. "
        )
    joined = parts - len(graph.islands)
    if joined > 1:
        text += f"The rest falls into {joined} parts without a link between them" + (
            ": what differs between the parts' averages is left to the covariates and the districts' own "
            "effects. "
            if spatial
            else ". "
        )
    return text.strip()


def _turnout(districts: Districts) -> str:
    text = "Shares are of valid votes: those who stayed at home or may not vote are not in them. "
    if districts.roles.electorate is None or districts.roles.valid is None:
        return text + "How many they are is not in this table."
    electorate = districts.table[districts.roles.electorate].to_numpy(dtype=np.float64)
    voted = districts.valid.sum() / electorate.sum()
    return text + f"Valid votes are {percent(voted)} of those entitled to vote."


def _absence(fit: Fit, districts: Districts) -> str:
    away = ~fit.stood
    party = districts.roles.party_called(fit.model.party)
    text = (
        f"In {fixed(int(away.sum()))} of {fixed(districts.n)} districts nobody voted for {party}, and it is "
        f"taken not to have stood there ({name_some(districts.ids[away])}). They keep their place on the map "
        "and say nothing about the vote; their values are predicted from their covariates and neighbours, "
        "and no check of the fit looks at them."
    )
    note = fit.record.get("absent", {}).get("note")
    return f"{text} {_sentence(note)}" if note else text


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _interruption(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How a fit came about that was interrupted; nothing for one that was not."""
    if "interrupted" in record:
        drawn = sum(record["interrupted"]["drawn"])
        of = record["settings"]["chains"] * record["settings"]["draws"]
        return [("Unfinished", f"interrupted after {drawn:,} of {of:,} draws; this is what they say")]
    if "resumed" in record:
        kept, added = (sum(record["resumed"][name]) for name in ("kept", "added"))
        told = f"interrupted; {kept:,} draws kept, {added:,} added after another warm-up"
        return [("Resumed", told)]
    return []


def _reason(record: Mapping[str, Any]) -> str:
    """Why ``auto`` took the engine it took; empty where the user named one."""
    return str(record.get("engine_choice", {}).get("reason", ""))


def _parametrisation(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The coordinates the sampler moved in, and what was measured to choose them."""
    if "parametrisation" not in record:
        return []
    one = record["parametrisation"]
    told = (
        f"{one['chosen']}: Fisher information times variance between districts is "
        f"{significant(one['signal_to_noise'])} in the median district, and {percent(one['share_centred'])} "
        "of the districts are closer to centred than to non-centred"
    )
    return [("Parametrisation", told)]


def record_pairs(fit: Fit, review: Review, districts: Districts) -> list[tuple[str, str]]:
    """Seed, engine, fingerprints and graph, as names and values."""
    record, graph = fit.record, districts.graph_report
    settings = ", ".join(
        f"{name.replace('_', ' ')} {value if isinstance(value, str) else format(value, 'g')}"
        for name, value in record["settings"].items()
        if value is not None
    )
    about = districts.about
    return [
        ("Election or place", about.name + (f", {about.year}" if about.year is not None else "")),
        ("Source", about.source or "not stated"),
        ("Formula", fit.model.formula),
        ("Engine", f"{record['engine']}{f' ({settings})' if settings else ''}"),
        *([("Why this engine", reason)] if (reason := _reason(record)) else []),
        *_parametrisation(record),
        *_interruption(record),
        ("Seed of the fit", str(record["seed"])),
        ("Fitted", record["created"]),
        ("Reviewed", f"{review.created} (seed {review.seed})"),
        ("Timings", ", ".join(f"{name} {seconds(value)}" for name, value in record["timings"].items())),
        ("Fingerprint of the data", f"{record['fingerprints']['data']}{_same(fit, review, 'data')}"),
        ("Fingerprint of the graph", f"{record['fingerprints']['graph']}{_same(fit, review, 'graph')}"),
        (
            "Graph",
            f"{graph.method}: {fixed(graph.n_edges)} links, {len(graph.component_sizes)} "
            f"component{'s' if len(graph.component_sizes) > 1 else ''} (largest "
            f"{fixed(max(graph.component_sizes))}), {len(graph.islands)} districts without a neighbour, "
            f"{len(graph.added)} links added",
        ),
        ("Repaired shapes", name_some(districts.record.repaired, 20) or "none"),
    ]


def _same(fit: Fit, review: Review, part: str) -> str:
    """Whether the districts that were reviewed have the fingerprint in the fit's record."""
    same = review.fingerprints[part] == fit.record["fingerprints"][part]
    return " (recomputed: the same)" if same else " (recomputed: NOT the same)"


def record_tables(fit: Fit, districts: Districts) -> list[Table]:
    """Files, versions, and what was left out."""
    tables = []
    if districts.record.files:
        tables.append(_pairs("Files that were read", "file", "SHA-256", districts.record.files))
    tables.append(_pairs("Versions", "software", "version", fit.record["versions"]))
    if districts.record.dropped:
        tables.append(_pairs("Districts left out while reading", "district", "why", districts.record.dropped))
    return tables


def _pairs(caption: str, name: str, value: str, content: Mapping[str, str]) -> Table:
    return table(
        caption, [(name, "text"), (value, "code")], [(one, str(two)) for one, two in content.items()]
    )
