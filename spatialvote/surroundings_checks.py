"""What [stations], [surroundings] and [parties] say against each other and the rest of a study file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spatialvote.data.errors import Problem, name_some
from spatialvote.study_definitions import definition_problems

#: Where the share of the group stands if the file does not name a column.
_SHARE = "migrant_share"
_NAME = "anti_immigration"
#: The raster of all residents.
_TOTAL = "persons"
#: Keys of [surroundings] that say how a table of cells is written.
_OF_TABLES = (
    "cells",
    "relation",
    "cell",
    "x",
    "y",
    "coordinates",
    "side",
    "crs",
    "origin",
    "count",
    "suppressed",
    "persons",
    "groups",
)


def surroundings_problems(raw: dict[str, Any], folder: Path) -> Iterator[Problem]:
    """Everything that contradicts itself; values of a wrong type are left to the schema."""
    data = _table(raw, "data")
    for key in ("stations", "surroundings", "parties"):
        if "simulate" in data and key in raw:
            yield Problem(
                f"[{key}] means nothing to the simulated city",
                "write the city with `spatialvote simulate`, and name its files in [data]",
            )
            return
    yield from _files(raw, folder)
    yield from _surroundings(_table(raw, "surroundings"), data)
    yield from _parties(_table(raw, "parties"), data)
    if "stations" in raw and ("geometry" in data or "edges" in data):
        yield Problem(
            "data.geometry and data.edges mean nothing beside [stations]",
            "name the file with the areas' shapes as data.table",
        )


def with_measured(raw: dict[str, Any]) -> dict[str, Any]:
    """[data] as it is once its districts were measured and its parties chosen, for what looks at columns."""
    data, section = dict(_table(raw, "data")), _table(raw, "surroundings")
    if "surroundings" in raw and "simulate" not in data:
        share = section.get("share", _SHARE)
        own = data.get("migrants")
        units = {**_table(data, "units"), share: "percent"}
        definitions = {**_table(data, "definitions"), share: section.get("definition")}
        covariates = data.get("covariates", [])
        found = [*(covariates if isinstance(covariates, list) else []), *measured_columns(section)]
        data |= {"migrants": own or share, "units": units, "covariates": found, "definitions": definitions}
    if "parties" in raw and isinstance(data.get("votes"), dict | list):
        votes, name = data["votes"], _table(raw, "parties").get("name", _NAME)
        parties = {one: one for one in votes} if isinstance(votes, list) else dict(votes)
        data["votes"] = {**parties, str(name): str(name)}
    return data


def measured_columns(section: dict[str, Any]) -> list[str]:
    """Columns that [surroundings] adds around districts, and the own share."""
    radii, nearest, rings = (section.get(key) for key in ("radii", "nearest", "rings"))
    found = [str(section.get("share", _SHARE))]
    found += [f"within_{one}m" for one in radii] if isinstance(radii, list) else []
    found += [f"nearest_{one}" for one in nearest] if isinstance(nearest, list) else []
    found += [str(one) for one in rings] if isinstance(rings, dict) else []
    measures = section.get("measures")
    for one in measures if isinstance(measures, list) else []:
        if one not in ("isolation", "exposure"):
            found.append(str(one))
        elif isinstance(radii, list):
            found += [f"{one}_{radius}m" for radius in radii]
    return found


def _table(raw: dict[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name)
    return value if isinstance(value, dict) else {}


def _files(raw: dict[str, Any], folder: Path) -> Iterator[Problem]:
    around = _table(raw, "surroundings")
    named = {
        f"{section}.{key}": _table(raw, section).get(key)
        for section, keys in {
            "stations": ("table",),
            "surroundings": ("cells", "mask"),
            "parties": ("survey", "countries", "populist"),
        }.items()
        for key in keys
    }
    named["surroundings.relation.table"] = _table(around, "relation").get("table")
    for group, one in _table(around, "rasters").items():
        named[f"surroundings.rasters.{group}"] = one[0] if isinstance(one, list) and one else one
    for key, name in named.items():
        if isinstance(name, str) and name and not (folder / name).is_file():
            what = "is a folder" if (folder / name).is_dir() else "does not exist"
            yield Problem(
                f"{key}: file '{name}' {what}",
                f"relative paths start at the folder of the study file, '{folder}'",
            )


def _surroundings(section: dict[str, Any], data: dict[str, Any]) -> Iterator[Problem]:
    if not section:
        return
    yield from _from_rasters(section) if "rasters" in section else _from_table(section)
    columns = measured_columns(section)
    rings = _table(section, "rings")
    for name, ring in rings.items():
        if isinstance(ring, list) and len(ring) == 2 and all(isinstance(one, int) for one in ring):
            inner, outer = ring
            if not 0 <= inner < outer:
                yield Problem(
                    f"surroundings.rings.{name} goes from {inner} to {outer} m, which is empty",
                    "give the inner radius (0: from the resident on) and a larger outer one",
                )
    twice = sorted({one for one in columns if columns.count(one) > 1})
    if twice:
        yield Problem(f"[surroundings] makes two columns '{twice[0]}'", "give every measure its own name")
    listed = [data.get("migrants"), *(data["covariates"] if isinstance(data.get("covariates"), list) else [])]
    taken = [one for one in columns if one in listed]
    if taken:
        yield Problem(
            f"[surroundings] makes {name_some(taken)}, which [data] reads from its table",
            "leave it out of [data], or give the measure another name",
        )
    measures = section.get("measures", [])
    wanted = set(map(str, measures)) if isinstance(measures, list) else set()
    if wanted & {"isolation", "exposure"} and not section.get("radii"):
        yield Problem("isolation and exposure need surroundings.radii", "name a radius in metres")
    given = _table(data, "definitions")
    if "definition" in section:
        # Together with those of [data]: one study has one scheme.
        both = {**given, "surroundings": section["definition"]}
        yield from (
            Problem(one.what.replace("surroundings.surroundings", "surroundings.definition"), one.advice)
            for one in definition_problems(both, "surroundings", {})
        )


def _from_table(section: dict[str, Any]) -> Iterator[Problem]:
    """Of persons in a table with one row per cell."""
    if "cells" not in section:
        yield Problem(
            "[surroundings] has neither cells nor rasters",
            "name the file with one row per cell as cells, or a GeoTIFF for each group as rasters",
        )
        return
    if "persons" not in section:
        yield Problem(
            "surroundings.persons is missing",
            "give the column (of a long file: the origin) with all residents",
        )
    groups, group = section.get("groups", {}), section.get("group")
    if groups == {}:
        yield Problem(
            "surroundings.groups has no group",
            "give a table of group = column (of a long file: origin); at least one",
        )
    elif isinstance(groups, dict) and isinstance(group, str) and group not in groups:
        yield Problem(
            f"surroundings.group is '{group}', which is not among surroundings.groups",
            f"use one of {name_some(groups, limit=10)}",
        )
    by_place = [key for key in ("x", "y", "side", "crs") if key in section]
    if "cell" in section and by_place:
        yield Problem(
            f"surroundings.cell and surroundings.{by_place[0]} are both given",
            "codes say it all: leave it out",
        )
    elif "cell" not in section and len(by_place) < 4:
        yield Problem(
            "[surroundings] has neither codes of cells nor all of x, y, side and crs",
            "name the column with codes as cell, or give all four",
        )
    if ("origin" in section) != ("count" in section):
        yield Problem("surroundings.origin and surroundings.count go together", "name both columns, or none")


def _from_rasters(section: dict[str, Any]) -> Iterator[Problem]:
    """Of persons in rasters, which say by themselves where their cells are."""
    beside = [key for key in _OF_TABLES if key in section]
    if beside:
        yield Problem(
            f"surroundings.rasters and surroundings.{beside[0]} are both given",
            "rasters name their groups and say where their cells are: leave it out",
        )
    rasters, group = _table(section, "rasters"), section.get("group")
    if not isinstance(section["rasters"], dict):
        return
    if _TOTAL not in rasters:
        yield Problem(
            f"surroundings.rasters has no '{_TOTAL}'", f"give the raster of all residents as {_TOTAL}"
        )
    groups = [one for one in rasters if one != _TOTAL]
    if isinstance(group, str) and group not in groups:
        yield Problem(
            f"surroundings.group is '{group}', which is not among surroundings.rasters",
            f"use one of {name_some(groups, limit=10)}" if groups else "give its raster beside all residents",
        )
    named = [tuple(one) if isinstance(one, list) else (one, 1) for one in rasters.values()]
    twice = [one for one in named if named.count(one) > 1]
    if twice:
        yield Problem(
            f"band {twice[0][1]} of '{twice[0][0]}' stands for two groups of surroundings.rasters",
            "name the band of each group: [file, band]",
        )


def _parties(section: dict[str, Any], data: dict[str, Any]) -> Iterator[Problem]:
    votes, columns, name = data.get("votes"), section.get("columns"), section.get("name", _NAME)
    if not section or not isinstance(votes, dict | list):
        return
    if isinstance(columns, dict):
        unknown = [one for one in columns.values() if isinstance(one, str) and one and one not in votes]
        if unknown:
            yield Problem(
                f"parties.columns has {name_some(unknown)}, without votes",
                f"data.votes has {name_some(votes, limit=10)}; '' is for a party that did not stand",
            )
    if "populist_country" in section and "populist" not in section:
        yield Problem(
            "parties.populist_country means nothing without parties.populist", "name the list's file"
        )
    if name in votes:
        yield Problem(f"parties.name is '{name}', which is a party already", "give the outcome another name")
