"""Say what pydantic found wrong with a study file: the key, what came, what is allowed, the nearest key."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from spatialvote import section as sections
from spatialvote import study_schema as schema
from spatialvote import surroundings_schema
from spatialvote.data.errors import Problem, name_some

#: Key path to the section that stands there; where there are several, by the tag that chooses one.
SECTIONS: Mapping[tuple[str, ...], type[sections.Section] | Mapping[str, type[sections.Section]]] = {
    ("study",): schema.StudySection,
    ("data",): {"simulated": schema.SimulatedData, "table": schema.TableData},
    ("data", "simulate"): schema.Simulation,
    ("data", "about"): schema.AboutSection,
    ("data", "definitions", "<column>"): sections.DefinitionSection,
    ("stations",): surroundings_schema.StationsSection,
    ("surroundings",): surroundings_schema.SurroundingsSection,
    ("surroundings", "definition"): sections.DefinitionSection,
    ("surroundings", "relation"): surroundings_schema.RelationSection,
    ("parties",): surroundings_schema.PartiesSection,
    ("data", "uncertain", "<column>"): schema.UncertainSection,
    ("graph",): schema.GraphSection,
    ("model",): schema.ModelSection,
    ("model", "priors"): schema.PriorsSection,
    ("model", "priors", "sigma"): {"pc": schema.PCSigmaSection, "half_normal": schema.HalfNormalSection},
    ("model", "priors", "rho"): {"pc": schema.PCRhoSection, "beta": schema.BetaRhoSection},
    ("model", "priors", "overdispersion"): schema.PCOverdispersionSection,
    ("model", "priors", "noise"): {"pc": schema.PCNoiseSection, "half_normal": schema.HalfNormalSection},
    ("model", "priors", "group"): {"pc": schema.PCSigmaSection, "half_normal": schema.HalfNormalSection},
    ("model", "priors", "slope"): {"pc": schema.PCSlopeSection, "half_normal": schema.HalfNormalSection},
    ("engine",): schema.EngineSection,
    ("effect",): schema.EffectSection,
    ("review",): schema.ReviewSection,
    ("multiverse",): schema.MultiverseSection,
}
#: Key path of tables whose keys are names that a user gives, to where the sections within them stand.
_NAMED: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("data", "definitions"): ("data", "definitions", "<column>"),
    ("multiverse", "graphs"): ("graph",),
    ("multiverse", "priors"): ("model", "priors"),
    ("data", "uncertain"): ("data", "uncertain", "<column>"),
}
#: Last keys of paths to tables whose keys are names, and whose values are no sections.
_TEXT_TABLES = tuple(
    (one,) for one in ("votes", "units", "names", "covariates", "groups", "rings", "rasters", "columns")
)


def problems_of(error: ValidationError) -> list[Problem]:
    """One problem for each key that pydantic refused, in the order of the schema."""
    problems: dict[str, Problem] = {}
    beside = []
    for found in error.errors(include_url=False):
        key, section, field = _place(found["loc"])
        if section is schema.SimulatedData and found["loc"][-1] in schema.TableData.model_fields:
            beside.append(key)
            continue
        # Both sides of a union report the same value.
        problems.setdefault(key, _problem(found, key, section, field))
    return [*problems.values(), *_two_sets_of_data(beside)]


def _two_sets_of_data(beside: Sequence[str]) -> list[Problem]:
    """Say once that a study is of files or of a simulated city, not of both."""
    if not beside:
        return []
    means = "mean" if len(beside) > 1 else "means"
    return [
        Problem(
            f"{name_some(beside)} {means} nothing beside data.simulate",
            "leave out either; a study has one set of data",
        )
    ]


def _place(loc: tuple[int | str, ...]) -> tuple[str, type[sections.Section] | None, FieldInfo | None]:
    """Key path in words, the innermost section it lies in, and the field it names, if there is one."""
    path: tuple[str, ...] = ()
    inside: Any = schema.StudyFile
    section, field, rest = None, None, ""
    for part in loc:
        if isinstance(inside, Mapping):
            inside = inside[str(part)]
        elif inside is not None:
            section, field = inside, inside.model_fields.get(str(part))
            path = (*path, str(part))
            inside = SECTIONS.get(_standing(path))
        elif path in _NAMED and part != "[key]":
            path = (*path, str(part))
            inside = SECTIONS.get(_standing(path))
        elif isinstance(part, int):
            rest += f", item {part + 1},"
        elif path[-1:] in _TEXT_TABLES and part != "[key]":
            rest = f".{part}"
    return ".".join(path) + rest, section, field


def _standing(path: tuple[str, ...]) -> tuple[str, ...]:
    """The path at which a section of a named table stands elsewhere in the file; other paths as they are."""
    return (*_NAMED[path[:2]], *path[3:]) if path[:2] in _NAMED and len(path) > 2 else path


def _problem(
    found: Mapping[str, Any], key: str, section: type[sections.Section] | None, field: FieldInfo | None
) -> Problem:
    kind, value, context = found["type"], found["input"], found.get("ctx", {})
    if field is None:
        return _unknown_key(key, section or schema.StudyFile)
    description = field.description or ""
    if kind == "missing":
        return Problem(f"{key} is missing", f"give {description}")
    if kind == "union_tag_invalid":
        key, value = f"{key}.prior", value["prior"]
        description = _quoted(context["expected_tags"], " or ")
    allowed = re.findall(r"'([^']+)'", str(context.get("expected", context.get("expected_tags", ""))))
    near = get_close_matches(str(value), allowed, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return Problem(f"{key} is {shown(value)}", f"it must be {description}{hint}")


def _unknown_key(key: str, section: type[sections.Section]) -> Problem:
    """Say that a key is unknown, and which one is nearest or where it belongs."""
    parent, _, name = key.rpartition(".")
    keys = list(section.model_fields)
    what = f"{key} is not a key of [{parent}]" if parent else f"[{key}] is not a section of a study file"
    near = get_close_matches(name.lower(), keys, n=1)
    if near:
        return Problem(what, f"did you mean '{near[0]}'?")
    elsewhere = [
        ".".join(path)
        for path, there in SECTIONS.items()
        if not isinstance(there, Mapping) and path[-1] != "<column>" and name in there.model_fields
    ]
    hint = f"; '{name}' belongs to [{elsewhere[0]}]" if elsewhere else ""
    return Problem(what, f"choose from {', '.join(keys)}{hint}")


def _quoted(names: str, last: str) -> str:
    *first, final = re.findall(r"'[^']+'", names)
    return f"{', '.join(first)}{last}{final}" if first else final


def shown(value: object) -> str:
    """A value of a TOML file for people to read."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text '{value}'" if value else "an empty text"
    if isinstance(value, dict):
        return "a table" if value else "an empty table"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return str(value)
