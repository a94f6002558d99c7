"""From choices to specifications: all combinations but those excluded, impossible, or there already."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import product

from spatialvote.analysis.multiverse.choices import DIMENSIONS, Choices
from spatialvote.analysis.terms import canonical, columns_of
from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.families import FAMILIES
from spatialvote.models.structures import STRUCTURES
from spatialvote.models.vote_share import VoteShareModel


@dataclass(frozen=True)
class Specification:
    """One way to ask the question.

    Attributes
    ----------
    number
        Its place among the specifications, from 1.
    choices
        Dimension to the choices that it stands for: several, where they make no difference to it.
    model
        What is fitted.
    column
        The migrant measure.
    graph
        Name of the neighbour graph.
    main
        Whether it is the study's own.
    in_grid
        Whether it is one of the combinations; a main model that is none is fitted all the same.
    """

    number: int
    choices: Mapping[str, tuple[str, ...]]
    model: VoteShareModel
    column: str
    graph: str
    main: bool = False
    in_grid: bool = True


@dataclass(frozen=True)
class Grid:
    """Specifications, and what became of the other combinations.

    Attributes
    ----------
    options
        Dimension to its choices.
    specifications
        In the order of the combinations; a main model outside the grid comes last.
    left_out
        Reason to the number of combinations left out for it.
    combinations
        Of all choices.
    """

    options: Mapping[str, tuple[str, ...]]
    specifications: tuple[Specification, ...]
    left_out: Mapping[str, int]
    combinations: int

    @property
    def varied(self) -> tuple[str, ...]:
        """Dimensions with two choices or more."""
        return tuple(name for name, listed in self.options.items() if len(listed) > 1)

    @property
    def graphs(self) -> tuple[str, ...]:
        """Names of the graphs that any specification needs."""
        return tuple(dict.fromkeys(one.graph for one in self.specifications))


def build_grid(choices: Choices) -> Grid:
    """Combine all choices.

    Left out, and counted by reason, are combinations that a rule excludes; in which a column is migrant
    measure and covariate at once; whose model cannot be (a prior that its structure does not have); and those
    that are the same model as another, for the graph does not matter to a structure without links, nor a
    prior to a model without its parameter.

    Raises
    ------
    ModelError
        Where nothing is left.
    """
    left_out: Counter[str] = Counter()
    models: dict[str, tuple[VoteShareModel, list[dict[str, str]]]] = {}
    combined = [dict(zip(DIMENSIONS, one, strict=True)) for one in product(*choices.options.values())]
    for choice in combined:
        reason = _refused(choices, choice)
        if reason is not None:
            left_out[reason] += 1
            continue
        try:
            model = choices.model(choice)
        except ModelError as error:
            left_out[error.problems[0].what] += 1
            continue
        same = models.setdefault(identity(model, choices.terms(choice), choice["graph"]), (model, []))
        same[1].append(choice)
        if len(same[1]) > 1:
            left_out["the same model as another combination, in which a choice makes no difference"] += 1
    if not models:
        raise ModelError(
            Problem(f"none of {len(combined)} combinations is left ({'; '.join(left_out)})", "exclude fewer")
        )
    own = choices.main_choice
    main = identity(choices.model(own), choices.terms(own), own["graph"])
    specifications = [
        Specification(
            number=number,
            choices={name: tuple(dict.fromkeys(one[name] for one in same)) for name in DIMENSIONS},
            model=model,
            column=same[0]["migrants"],
            graph=same[0]["graph"],
            main=key == main,
        )
        for number, (key, (model, same)) in enumerate(models.items(), 1)
    ]
    if main not in models:
        specifications.append(
            Specification(
                number=len(specifications) + 1,
                choices={name: (one,) for name, one in own.items()},
                model=choices.model(own),
                column=own["migrants"],
                graph=own["graph"],
                main=True,
                in_grid=False,
            )
        )
    return Grid(choices.options, tuple(specifications), dict(left_out), len(combined))


def _refused(choices: Choices, choice: Mapping[str, str]) -> str | None:
    """Why a combination is left out before a model is made of it."""
    for number, rule in enumerate(choices.exclude, 1):
        if all(choice[name] in listed for name, listed in rule.items()):
            words = " and ".join(f"{DIMENSIONS[name]} {' or '.join(rule[name])}" for name in rule)
            return f"excluded by rule {number}: {words}"
    column = choice["migrants"]
    if any(column in columns_of(term) for term in choices.covariate_terms(choice)):
        return f"'{column}' would be migrant measure and covariate at once"
    return None


def identity(model: VoteShareModel, terms: tuple[str, ...], graph: str) -> str:
    """What makes a model another one: parameters that it has not, and their priors, do not."""
    parameters = STRUCTURES[model.structure] + FAMILIES[model.family].HYPER
    linked = "rho" in parameters
    unused = {"sigma", "rho", "overdispersion", "noise"} - set(parameters)
    if not any("|" in term for term in terms):
        unused.add("group")
    if model.varying is None:
        unused.add("slope")
    priors = {
        name: [type(prior).__name__, asdict(prior)] if hasattr(prior, "__dataclass_fields__") else prior
        for name in model.priors.__dataclass_fields__
        if name not in unused
        for prior in [getattr(model.priors, name)]
    }
    parts = [
        model.party,
        canonical(terms),
        model.family,
        model.structure,
        model.standardise,
        model.absent,
        model.varying,
        priors,
        graph if linked else None,
    ]
    return json.dumps(parts)
