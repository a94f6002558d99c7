"""What keys of a study file say about each other.

The checks read the file's plain values, not the validated ones, so that they find what they can while other
keys are still wrong: a user mends everything in one go.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from spatialvote.data.errors import Problem, name_some
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.study_definitions import definition_problems
from spatialvote.surroundings_checks import surroundings_problems, with_measured

#: Parties of the simulated city.
SIMULATED_PARTIES = ("national_list", "diversity_list")
#: Family to the key of [data] with its denominator, and what that is; 'gaussian' can do without.
_DENOMINATORS = {
    "binomial": ("valid", "valid votes"),
    "beta_binomial": ("valid", "valid votes"),
    "poisson": ("exposure", "the exposure"),
}
#: Neighbour definition to the key of [graph] that it needs; the others need none.
_NEEDED = {"fuzzy": "tolerance", "knn": "k", "distance": "distance"}


def cross_problems(raw: dict[str, Any], folder: Path) -> list[Problem]:
    """Everything that contradicts itself between the keys of a study file.

    Parameters
    ----------
    raw
        The file's values, of any type.
    folder
        Where relative paths start.
    """
    data, model, graph = (_table(raw, name) for name in ("data", "model", "graph"))
    simulated = "simulate" in data
    whole = with_measured(raw)
    problems = list(_formula(model, whole, simulated))
    problems += _varying(model)
    problems += _graph(graph, data, simulated)
    if not simulated and data:
        problems += [
            *_roles(data, model, "effect" in raw and not whole.get("migrants")),
            *_files(data, folder),
        ]
        problems += _weighting(_table(raw, "effect"), whole)
    problems += surroundings_problems(raw, folder)
    if "multiverse" in raw:
        from spatialvote.multiverse_checks import multiverse_problems

        problems += multiverse_problems(_table(raw, "multiverse"), whole, raw)
    return problems


def _table(raw: dict[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name)
    return value if isinstance(value, dict) else {}


def _formula(model: dict[str, Any], data: dict[str, Any], simulated: bool) -> Iterator[Problem]:
    formula = model.get("formula")
    if not isinstance(formula, str) or not formula.strip():
        return
    sides = formula.split("~")
    if len(sides) != 2 or not all(side.strip() for side in sides):
        yield Problem(
            f"model.formula is '{formula}', which is not of the form 'party ~ covariates'",
            "write a party, a tilde and the covariates, as in 'pvv ~ migrant_share + education'",
        )
        return
    party = sides[0].strip().strip("`")
    votes = SIMULATED_PARTIES if simulated else data.get("votes")
    if not isinstance(votes, dict | list | tuple) or not votes:
        return
    parties = [str(one) for one in votes]
    if party not in parties:
        near = get_close_matches(party, parties, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        where = "the simulated city" if simulated else "data.votes"
        yield Problem(
            f"model.formula asks for party '{party}', which is not among the votes",
            f"{where} has {name_some(parties, limit=10)}{hint}",
        )


def _varying(model: dict[str, Any]) -> Iterator[Problem]:
    if "varying" in model and model.get("structure", "bym2") != "bym2":
        yield Problem(
            f"model.varying does not go with model.structure '{model['structure']}'",
            "set model.structure to 'bym2', or leave model.varying out",
        )


def _graph(graph: dict[str, Any], data: dict[str, Any], simulated: bool) -> Iterator[Problem]:
    if simulated:
        if graph:
            yield Problem(
                "[graph] means nothing to the simulated city",
                "leave [graph] out: its districts are neighbours by queen contiguity",
            )
        return
    method = graph.get("method", "edges" if "edges" in data else "queen")
    if method in (*_NEEDED, "queen", "rook") and "edges" in data:
        yield Problem(
            f"data.edges means nothing to graph.method '{method}'",
            "leave one of them out, or set graph.method to 'edges'",
        )
    yield from graph_problems(graph, "graph", method, "edges" in data)


def graph_problems(graph: dict[str, Any], key: str, method: Any, edges: bool) -> Iterator[Problem]:
    """What one definition of neighbours lacks or has too much; `key`: where it stands in the file."""
    if method not in (*_NEEDED, "queen", "rook", "edges"):
        return
    if method == "edges" and not edges:
        yield Problem(f"{key}.method is 'edges', and data.edges is missing", "name a CSV file of links there")
    for name in _NEEDED.values():
        needed = _NEEDED.get(method) == name
        if needed and name not in graph:
            unit = "a whole number" if name == "k" else "metres, above 0"
            yield Problem(f"{key}.{name} is missing, which {key}.method '{method}' needs", f"give {unit}")
        if name in graph and not needed:
            yield Problem(f"{key}.{name} means nothing to {key}.method '{method}'", "leave it out")


def _roles(data: dict[str, Any], model: dict[str, Any], effect: bool) -> Iterator[Problem]:
    yield from outcome_problems(data, model.get("family", "binomial"))
    migrants, units = data.get("migrants"), data.get("units", {})
    if isinstance(migrants, str) and migrants and isinstance(units, dict):
        unit = units.get(migrants)
        if unit not in tuple(SHARE_UNITS):
            came = "is missing" if unit is None else f"is '{unit}'"
            yield Problem(
                f"data.units.{migrants}, the unit of the migrant share, {came}",
                f"give one of {name_some(SHARE_UNITS, limit=10)}; it is never guessed",
            )
    migrant_measure = {migrants: "data.migrants"} if isinstance(migrants, str) and migrants else {}
    yield from definition_problems(data.get("definitions"), "data.definitions", migrant_measure)
    if migrants is None and effect:
        yield Problem(
            "[effect] needs data.migrants, which is missing", "name the column, or leave [effect] out"
        )
    if "geometry_id" in data and "geometry" not in data:
        yield Problem("data.geometry_id means nothing without data.geometry", "leave it out")


def _weighting(effect: dict[str, Any], data: dict[str, Any]) -> Iterator[Problem]:
    weighting, covariates = effect.get("weighting", "districts"), data.get("covariates", ())
    single = [data.get(key) for key in ("electorate", "valid", "exposure")]
    columns = [*single, *(covariates if isinstance(covariates, list) else [covariates])]
    known = [one for one in columns if isinstance(one, str)]
    if isinstance(weighting, str) and weighting not in ("districts", "voters", *known):
        yield Problem(
            f"effect.weighting '{weighting}' is no column of [data] that could count persons",
            f"use 'districts', 'voters', or one of {name_some(known, limit=10) or 'the columns'}; residents "
            "can be named in data.covariates, and need not be in the formula",
        )


def outcome_problems(data: dict[str, Any], family: Any, where: str = "model.family") -> Iterator[Problem]:
    """What a family needs beside the votes: a denominator, or the unit of shares."""
    votes, units = data.get("votes"), data.get("units", {})
    columns = list(votes.values()) if isinstance(votes, dict) else votes if isinstance(votes, list) else []
    columns = [column for column in columns if isinstance(column, str)]
    units = units if isinstance(units, dict) else {}
    unknown = [column for column in columns if units.get(column) not in tuple(SHARE_UNITS)]
    if family in _DENOMINATORS:
        key, words = _DENOMINATORS[family]
        if key not in data:
            shares = bool(columns) and not unknown
            other = "; for shares without counts set model.family to 'gaussian'" if shares else ""
            yield Problem(
                f"data.{key} is missing, which {where} '{family}' needs",
                f"name the column with {words}{other}",
            )
    elif family == "gaussian" and "valid" not in data and columns and unknown:
        yield Problem(
            f"{where} 'gaussian' needs data.valid, or the unit of the shares in {name_some(unknown)}",
            "name the column with valid votes, or give in data.units one of "
            f"{name_some(SHARE_UNITS, limit=10)}",
        )


def _files(data: dict[str, Any], folder: Path) -> Iterator[Problem]:
    for key in ("table", "geometry", "edges"):
        name = data.get(key)
        if isinstance(name, str) and name and not (folder / name).is_file():
            what = "is a folder" if (folder / name).is_dir() else "does not exist"
            yield Problem(
                f"data.{key}: file '{name}' {what}",
                f"relative paths start at the folder of the study file, '{folder}'",
            )
