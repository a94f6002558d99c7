"""The Python code that makes a fit again: read or simulate, model, fit, review, report.

Everything that comes from data enters as a Python literal, so that a column called ``'); import os`` is a
text and no code.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel

#: What `simulate_city` writes as the source of its districts: a call with literals, and nothing else.
_SIMULATED = re.compile(r"simulate_city\((\w+=(\d+|True|False))(, \w+=(\d+|True|False))*\)")
WIDTH = 88
#: Roles in the order of the arguments of `read_districts`.
_ROLES = (
    "id",
    "votes",
    "valid",
    "exposure",
    "electorate",
    "migrants",
    "covariates",
    "groups",
    "label",
    "units",
    "names",
    "definitions",
    "uncertain",
)


def reproducing_code(fit: Fit, districts: Districts) -> str:
    """Python source that fits the same model to the same districts with the same seed.

    Files are named without their folders: the code runs where they lie.
    """
    read, imported = _read(districts)
    added, more = _added(districts)
    imported += more
    priors = fit.model.priors
    given = [getattr(priors, one.name) for one in fields(priors)]
    prior_classes = {type(one).__name__ for one in (priors, *given) if is_dataclass(one)}
    settings = {name: value for name, value in fit.record["settings"].items() if value is not None}
    fitted = {"engine": fit.record["engine"], "seed": fit.record["seed"], **settings}
    names = sorted({"VoteShareModel", "report", "review", *prior_classes, *imported})
    lines = [
        f"from spatialvote import {', '.join(names)}",
        "",
        read,
        *added,
        f"model = {_call('VoteShareModel', [fit.model.formula], _specification(fit.model))}",
        f"fit = model.fit(districts, {', '.join(f'{name}={_literal(one)}' for name, one in fitted.items())})",
        'fit.save("fit.nc")',
        "",
        "checks = review(fit, districts)",
        'report(fit, checks, districts, "report.html")',
    ]
    return "\n".join(lines) + "\n"


def _specification(model: VoteShareModel) -> dict[str, Any]:
    """The arguments of a model besides its formula."""
    values = {"family": model.family, "structure": model.structure, "priors": model.priors}
    if not model.standardise:
        values["standardise"] = False
    if model.absent != "none":
        values["absent"] = model.absent
    if model.varying is not None:
        values["varying"] = model.varying
    return values


def _read(districts: Districts) -> tuple[str, list[str]]:
    """The statement that makes the districts, and the names it needs."""
    about, given = districts.about, dict(districts.record.arguments)
    if about.simulated and _SIMULATED.fullmatch(about.source):
        return f"districts = {about.source}.districts", ["simulate_city"]
    if "table" not in given:
        return "# Put here the districts that this fit was made of: they were not read from files.", []
    table = given.pop("table")
    roles = _own_roles(districts)
    keywords = {name: value for name, value in roles.items() if value} | given
    own = ["OriginGroup"] if roles["definitions"] else []
    declared = ["Uncertain"] if roles["uncertain"] else []
    return f"districts = {_call('read_districts', [table], {**keywords, 'about': about})}", [
        "About",
        *own,
        *declared,
        "read_districts",
    ]


def _own_roles(districts: Districts) -> dict[str, Any]:
    """Roles of what was read: without the columns that were measured, and the parties that are sums."""
    roles, record = districts.roles, districts.record
    made = [] if record.measured is None else [one.column for one in record.measured.measures]
    found = {name: getattr(roles, name) for name in _ROLES}
    found["migrants"] = None if roles.migrants in made else roles.migrants
    found["covariates"] = [one for one in roles.covariates if one not in made]
    found["votes"] = {party: column for party, column in roles.votes.items() if party not in record.sums}
    for name in ("units", "names", "definitions"):
        left = found[name].items()
        found[name] = {one: value for one, value in left if one not in made and one not in record.sums}
    return found


def _added(districts: Districts) -> tuple[list[str], list[str]]:
    """Statements that measure surroundings and sum parties, and the names they need."""
    record, lines, names = districts.record, [], []
    made = record.measured
    if made is not None:
        if not made.read:
            lines.append("# Put here the cells that were measured: they were not read from a file.")
        else:
            line, needed = _cells(dict(made.read))
            lines.append(line)
            names += needed
        asked = {name: one for name, one in made.measure.items() if one or name == "share"}
        districts_and_cells = [_Name("districts"), _Name("cells"), asked.pop("group")]
        lines.append(f"districts = {_call('measure_surroundings', districts_and_cells, asked)}")
        own = any(is_dataclass(one) for one in asked.get("definition", ()))
        names += ["measure_surroundings", *(["OriginGroup"] if own else [])]
    for party, parts in record.sums.items():
        called = districts.roles.names.get(party, "")
        given = [_Name("districts"), party, parts, *([called] if called else [])]
        lines.append(f"districts = add_party({', '.join(map(_literal, given))})")
        names.append("add_party")
    return lines, names


def _cells(read: dict[str, Any]) -> tuple[str, list[str]]:
    """The statement that reads cells, and the names it needs."""
    source = read.pop("source")
    if "bands" in read:
        bands = {
            group: file if number == 1 else _Name(f"({_literal(file)}, {number})")
            for group, (file, number) in read.pop("bands").items()
        }
        return f"cells = {_call('read_raster_cells', [bands], read)}", ["read_raster_cells"]
    names = ["read_cells"]
    if "within" in read:
        within = ", ".join(map(_literal, read.pop("within")))
        read["keep"], names = _Name(f"cells_within({within})"), ["cells_within", *names]
    return f"cells = {_call('read_cells', [source], read)}", names


class _Name(str):
    """A name of Python that stands as it is, where another text is quoted."""

    __slots__ = ()


def _call(name: str, positional: list[Any], keywords: dict[str, Any], indent: str = "") -> str:
    """A call with one argument a line; an argument too long for a line is broken in turn."""
    inner = indent + "    "
    lines = [f"{inner}{_literal(one)},\n" for one in positional]
    for key, value in keywords.items():
        text = _literal(value)
        if is_dataclass(value) and len(inner) + len(key) + len(text) > WIDTH:
            text = _call(type(value).__name__, [], _fields(value), inner)
        lines.append(f"{inner}{key}={text},\n")
    return f"{name}(\n{''.join(lines)}{indent})"


def _fields(value: Any) -> dict[str, Any]:
    """Fields of a dataclass that say something, defaults too: they may change."""
    values = {one.name: getattr(value, one.name) for one in fields(value)}
    return {name: one for name, one in values.items() if not any(one is no for no in (None, False, ""))}


def _literal(value: Any) -> str:
    """A value as Python source, with double quotes where they do."""
    if isinstance(value, _Name):
        return str(value)
    if is_dataclass(value):
        shown = [f"{name}={_literal(one)}" for name, one in _fields(value).items()]
        return f"{type(value).__name__}({', '.join(shown)})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(key)}: {_literal(one)}" for key, one in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_literal(one) for one in value) + "]"
    if isinstance(value, str) and value.isprintable() and not set(value) & {'"', "\\"}:
        return f'"{value}"'
    return repr(value)
