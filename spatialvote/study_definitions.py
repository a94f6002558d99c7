"""Who counts as a migrant in a study: a definition for every column that needs one, all of one scheme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from spatialvote.data.errors import DataError, Problem, SpatialvoteError, name_some
from spatialvote.data.origin_groups import OWN, SCHEMES, OriginGroup, resolve_definitions

if TYPE_CHECKING:
    from spatialvote.section import DefinitionSection


def defined(
    sections: Mapping[str, DefinitionSection], names: Mapping[str, str]
) -> dict[str, tuple[str | OriginGroup, ...]]:
    """Column to labels of known groups, or to a group of the study's own that goes by the column's name."""
    return {column: own_groups(one, names.get(column, column)) for column, one in sections.items()}


def own_groups(section: DefinitionSection, name: str) -> tuple[str | OriginGroup, ...]:
    """Labels of known groups, or a group of the study's own that goes by a name."""
    if section.groups:
        return section.groups
    return (OriginGroup(name, section.definition or "", section.source or "", OWN),)


def definition_problems(given: Any, key: str, needed: Mapping[str, str]) -> Iterator[Problem]:
    """What is wrong with definitions; values of a wrong type are left to the schema.

    Parameters
    ----------
    given
        The plain values of the section.
    key
        Where it stands in the file ("data.definitions").
    needed
        Columns that need a definition, to what names them ("data.migrants").
    """
    given = given if isinstance(given, dict) else {}
    for column, why in needed.items():
        if column not in given:
            yield Problem(
                f"{key}.{column} is missing: {why} is of migrants, and nobody says who counts as one",
                f"name origin groups ({_some_labels()}), or write a table with definition and source",
            )
    listed: dict[str, list[str | OriginGroup]] = {}
    for column, one in given.items():
        one = {"groups": one} if isinstance(one, str | list) else one
        if not isinstance(one, dict):
            continue
        groups, own = one.get("groups", []), [one.get(name) for name in ("definition", "source")]
        groups = [groups] if isinstance(groups, str) else groups
        if bool(groups) == any(own):
            came = "both groups and a definition" if groups else "neither groups nor a definition"
            yield Problem(f"{key}.{column} has {came}", "give one of them")
        elif groups and isinstance(groups, list) and all(isinstance(label, str) for label in groups):
            listed[column] = list(groups)
        elif any(own) and not all(own):
            lacking = "source" if own[0] else "definition"
            yield Problem(f"{key}.{column}.{lacking} is missing", "a definition has its words and its source")
        elif all(isinstance(text, str) and text.strip() for text in own):
            listed[column] = [OriginGroup(column, str(own[0]), str(own[1]), OWN)]
    try:
        resolve_definitions(listed)
    except DataError as error:
        yield from _at(error, key)


def _at(error: SpatialvoteError, key: str) -> Iterator[Problem]:
    for one in error.problems:
        yield Problem(f"{key}: {one.what}", one.advice)


def _some_labels() -> str:
    return name_some([groups[-1].label for groups in SCHEMES.values()], limit=3)
