"""What the choices of [multiverse] say against each other, and against the rest of a study file."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from spatialvote.data.errors import Problem, name_some
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.study_checks import SIMULATED_PARTIES, graph_problems, outcome_problems
from spatialvote.study_definitions import definition_problems
from spatialvote.surroundings_checks import measured_columns

#: Key of the section to the dimension that a rule of ``exclude`` names.
_DIMENSIONS = {
    "parties": "party",
    "migrants": "migrants",
    "surroundings": "surroundings",
    "covariates": "covariates",
    "families": "family",
    "structures": "structure",
    "graphs": "graph",
    "priors": "priors",
}


def multiverse_problems(
    section: dict[str, Any], data: dict[str, Any], raw: dict[str, Any]
) -> Iterator[Problem]:
    """Everything that contradicts itself; values of a wrong type are left to the schema.

    Parameters
    ----------
    section
        [multiverse].
    data
        [data] with the columns and parties that other sections add.
    raw
        The whole file.
    """
    simulated = "simulate" in data
    model = raw.get("model")
    model = model if isinstance(model, dict) else {}
    yield from _sizes(section)
    yield from _parties(section, data, simulated)
    if not simulated:
        yield from _migrants(section, data, model)
        yield from _columns(section, data)
        yield from _families(section, data)
    yield from _near(section, data, raw)
    yield from _graphs(section, data, simulated)
    yield from _exclude(section)


def _listed(section: dict[str, Any], key: str) -> list[str]:
    """Choices of a dimension: items of a list, or names of a table."""
    value = section.get(key)
    if key == "thresholds" and isinstance(value, list):
        return [f"{one:g}" for one in value if isinstance(one, int | float) and not isinstance(one, bool)]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | dict) else []


def _sizes(section: dict[str, Any]) -> Iterator[Problem]:
    listed = [*_DIMENSIONS, "thresholds"]
    if not any(len(_listed(section, key)) > 1 for key in listed):
        yield Problem(
            "[multiverse] has no dimension with two choices", f"list some under {', '.join(listed)}"
        )
    for key in listed:
        names = _listed(section, key)
        twice = [one for one in dict.fromkeys(names) if names.count(one) > 1]
        if twice:
            yield Problem(f"multiverse.{key} lists {name_some(twice)} twice", "list each choice once")


def _parties(section: dict[str, Any], data: dict[str, Any], simulated: bool) -> Iterator[Problem]:
    votes = SIMULATED_PARTIES if simulated else data.get("votes")
    if not isinstance(votes, dict | list | tuple) or not votes:
        return
    unknown = [one for one in _listed(section, "parties") if one not in votes]
    if unknown:
        yield Problem(
            f"multiverse.parties has {name_some(unknown)}, without votes",
            f"data.votes has {name_some(votes, limit=10)}",
        )


def _migrants(section: dict[str, Any], data: dict[str, Any], model: dict[str, Any]) -> Iterator[Problem]:
    main = data.get("migrants")
    if not isinstance(main, str):
        yield Problem(
            "[multiverse] needs data.migrants, which is missing",
            "name the column whose effect is followed, with its unit in data.units",
        )
        return
    formula = model.get("formula")
    if isinstance(formula, str):
        from spatialvote.analysis.terms import columns_of

        if main not in columns_of(formula.partition("~")[2]):
            yield Problem(
                f"[multiverse] follows the effect of data.migrants '{main}', which model.formula lacks",
                "enter the column in the formula",
            )
    covariates, units = data.get("covariates", []), data.get("units", {})
    known = [main, *(covariates if isinstance(covariates, list) else [])]
    measures = _listed(section, "migrants")
    unread = [one for one in measures if one not in known]
    if unread:
        yield Problem(
            f"multiverse.migrants has {name_some(unread)}, which is no column of data.migrants or "
            "data.covariates",
            "name it in data.covariates, so that it is read and checked",
        )
    units = units if isinstance(units, dict) else {}
    unitless = [one for one in measures if one in known and units.get(one) not in tuple(SHARE_UNITS)]
    if unitless:
        yield Problem(
            f"data.units lacks the unit of the migrant measure {name_some(unitless)}",
            f"give one of {name_some(SHARE_UNITS, limit=10)}; it is never guessed",
        )
    others = [one for one in measures if one in known and one != main and one not in unitless]
    given = data.get("definitions")
    given = given if isinstance(given, dict) else {}
    # What is wrong with the definitions that are there is told with [data].
    needed = {one: "a measure of multiverse.migrants" for one in others if one not in given}
    yield from definition_problems({}, "data.definitions", needed)


def _near(section: dict[str, Any], data: dict[str, Any], raw: dict[str, Any]) -> Iterator[Problem]:
    """Thresholds without a rule, and surroundings that are not measured or not in the formula."""
    if "thresholds" in section and "parties" not in raw:
        yield Problem("multiverse.thresholds needs a section [parties]", "say there how parties are chosen")
    if "thresholds" in section and "parties" in section:
        yield Problem(
            "multiverse.thresholds and multiverse.parties are both given",
            "thresholds choose the parties: leave one of them out",
        )
    around = _listed(section, "surroundings")
    if not around:
        return
    made = raw.get("surroundings")
    known = measured_columns(made)[1:] if isinstance(made, dict) else []
    unknown = [one for one in around if one not in known]
    if unknown:
        yield Problem(
            f"multiverse.surroundings has {name_some(unknown)}, which [surroundings] does not measure",
            f"it makes {name_some(known, limit=10)}" if known else "measure some with radii or rings",
        )
    formula = raw.get("model", {}).get("formula") if isinstance(raw.get("model"), dict) else None
    if isinstance(formula, str) and not unknown:
        from spatialvote.analysis.terms import columns_of

        used = [one for one in known if one in columns_of(formula.partition("~")[2])]
        if len(used) != 1:
            came = f"has {name_some(used)}" if used else "has none of them"
            yield Problem(
                f"multiverse.surroundings stand in place of one column of model.formula, which {came}",
                f"enter one of {name_some(known, limit=10)} in the formula",
            )


def _columns(section: dict[str, Any], data: dict[str, Any]) -> Iterator[Problem]:
    """Columns of covariate sets that no role of [data] names."""
    sets = section.get("covariates")
    if not isinstance(sets, dict):
        return
    from spatialvote.analysis.terms import columns_of

    known = [data.get("migrants"), data.get("electorate")]
    for key in ("covariates", "groups"):
        known += data[key] if isinstance(data.get(key), list) else []
    for name in sets:
        used = [column for one in _listed(sets, name) for column in columns_of(one)]
        unknown = [one for one in dict.fromkeys(used) if one not in known]
        if unknown:
            near = get_close_matches(unknown[0], [one for one in known if one], n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            yield Problem(
                f"multiverse.covariates.{name} uses {name_some(unknown)}, which [data] does not name",
                f"name it in data.covariates or data.groups{hint}",
            )


def _families(section: dict[str, Any], data: dict[str, Any]) -> Iterator[Problem]:
    families = _listed(section, "families")
    if "poisson" in families and len(families) > 1:
        yield Problem(
            "multiverse.families mixes 'poisson' with others, whose effects have another unit",
            "percent of a rate and percentage points of a share do not go into one curve: take 'poisson' out",
        )
        return
    for family in families:
        yield from outcome_problems(data, family, "multiverse.families:")


def _graphs(section: dict[str, Any], data: dict[str, Any], simulated: bool) -> Iterator[Problem]:
    graphs = section.get("graphs")
    if not isinstance(graphs, dict):
        return
    if simulated and graphs:
        yield Problem(
            "multiverse.graphs means nothing to the simulated city",
            "leave it out: its districts are neighbours by queen contiguity",
        )
        return
    for name, graph in graphs.items():
        if isinstance(graph, dict):
            method = graph.get("method", "edges" if "edges" in data else "queen")
            yield from graph_problems(graph, f"multiverse.graphs.{name}", method, "edges" in data)


def _exclude(section: dict[str, Any]) -> Iterator[Problem]:
    rules = section.get("exclude")
    if not isinstance(rules, list):
        return
    for number, rule in enumerate(rules, 1):
        if not isinstance(rule, dict):
            continue
        if not rule:
            yield Problem(
                f"multiverse.exclude, item {number}, is empty and would exclude everything",
                'name choices, as in { structure = "iid" }',
            )
        for name, value in rule.items():
            keys = [key for key, dimension in _DIMENSIONS.items() if dimension == name]
            if not keys:
                near = get_close_matches(name, _DIMENSIONS.values(), n=1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                yield Problem(
                    f"multiverse.exclude, item {number}, has '{name}', which is no dimension",
                    f"choose from {', '.join(_DIMENSIONS.values())}{hint}",
                )
                continue
            if not isinstance(section.get(keys[0], []), list | dict):
                continue  # the schema tells what is wrong with it
            listed = _listed(section, keys[0])
            asked = [value] if isinstance(value, str) else value if isinstance(value, list) else []
            unknown = [one for one in asked if isinstance(one, str) and one not in listed]
            if unknown:
                has = f"has {name_some(listed, limit=10)}" if listed else "is not listed"
                yield Problem(
                    f"multiverse.exclude, item {number}, has {name} {name_some(unknown)}",
                    f"multiverse.{keys[0]} {has}",
                )
