"""From a model and elections to a `LatentPosterior`: design, terms and priors."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.data.elections import Elections
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.design import Design, design_of
from spatialvote.models.elections.model import ElectionsModel
from spatialvote.models.elections.steps import PERSISTENCE, Steps, make_steps
from spatialvote.models.elections.terms import (
    independent_part,
    structured_change,
    structured_part,
    varying_slope,
    walking_effect,
)
from spatialvote.models.families import FAMILIES
from spatialvote.models.latent.posterior import LatentPosterior
from spatialvote.models.latent.term import Hyper
from spatialvote.models.latent.terms import grounded
from spatialvote.models.priors import Priors
from spatialvote.models.scaled_graph import ScaledGraph, scale_graph
from spatialvote.models.spectrum import spectrum


@dataclass(frozen=True, eq=False)
class Bound:
    """A model bound to elections.

    Attributes
    ----------
    posterior
        What the engines draw from; its coefficients are the intercepts, then `others`, then the slopes.
    design
        The formula on the district-elections.
    effect
        Name of the column whose effect is followed.
    others
        Names of the other coefficients; ``name[election]`` where each election has its own.
    column
        The followed covariate, standardised, shape (rows,).
    steps, graph
        Structures over time and space.
    """

    posterior: LatentPosterior
    design: Design
    effect: str
    others: tuple[str, ...]
    column: np.ndarray
    steps: Steps
    graph: ScaledGraph


def bind_elections(model: ElectionsModel, elections: Elections) -> Bound:
    """Bind.

    Raises
    ------
    ModelError
        Where formula, effect or graph do not suit.
    """
    design = _design(model, elections)
    effect = _followed(model, elections, design)
    at = design.names.index(effect)
    standard = design.standardised
    column = standard[:, at]
    district, election = elections.district, elections.election
    count = len(elections.labels)
    i, j, weight = elections.edges
    if len(i) == 0:
        raise ModelError(
            Problem(f"none of {elections.n} districts has a neighbour", "choose another neighbour graph")
        )
    graph = scale_graph(elections.n, i, j, weight)
    times = np.array(elections.times) if model.spacing == "time" else np.arange(float(count))
    ground = grounded(graph)
    steps = make_steps(model.time, times)

    of_election = np.equal.outer(election, np.arange(count)).astype(np.float64)
    columns, others = [of_election], []
    for q, name in enumerate(design.names):
        if q == at:
            continue
        if name in model.by_election:
            columns.append(of_election * standard[:, [q]])
            others += [f"{name}[{label}]" for label in elections.labels]
        else:
            columns.append(standard[:, [q]])
            others.append(name)
    columns.append(of_election * column[:, None] if model.path == "free" else column[:, None])
    matrix = np.column_stack(columns)
    votes, size = elections.votes(model.party), elections.valid
    level = FAMILIES["binomial"].overall(votes, size)
    sd = np.full(matrix.shape[1], model.priors.coefficient_sd)
    sd[:count] = model.priors.intercept_sd
    mean = np.zeros(matrix.shape[1])
    mean[:count] = level

    priors = model.priors
    sigma, rho = Hyper("sigma", priors.sigma), Hyper("rho", priors.rho, spectrum(graph))
    persistence = Hyper(PERSISTENCE, priors.persistence) if model.time == "ar1" else None
    terms = [structured_part(ground, district, sigma, rho), independent_part(graph.n, district, sigma, rho)]
    if model.interaction == "structured":
        change = Hyper("sigma_change", priors.change)
        terms.append(structured_change(ground, steps, district, election, change, persistence))
    if model.path == "walk":
        terms.append(walking_effect(steps, election, column, Hyper("sigma_path", priors.path), persistence))
    if model.varying:
        terms.append(varying_slope(ground, district, column, Hyper("sigma_slope", priors.slope)))
    posterior = LatentPosterior(
        family="binomial",
        votes=votes,
        size=size,
        design=matrix,
        prior_mean=mean,
        prior_sd=sd,
        terms=tuple(terms),
        own=(Hyper("sigma_own", priors.own),),
        variance=lambda values: values["sigma_own"] ** 2,
        priors=Priors(),
    )
    return Bound(posterior, design, effect, tuple(others), column, steps, graph)


def _design(model: ElectionsModel, elections: Elections) -> Design:
    table = pd.DataFrame(elections.table.drop(columns=["district", "election"]))
    design = design_of(model.formula, table, elections.roles.votes, True)
    unknown = [name for name in model.by_election if name not in design.names]
    if unknown:
        raise ModelError(
            Problem(
                f"by_election names {name_some(unknown)}, no column of formula '{model.formula}'",
                f"choose from {name_some(design.names, limit=12)}",
            )
        )
    return design


def _followed(model: ElectionsModel, elections: Elections, design: Design) -> str:
    """The column whose effect is followed."""
    effect = model.effect or elections.roles.migrants
    if effect is None or effect not in design.names:
        what = "none is named" if effect is None else f"'{effect}' is no column of '{model.formula}'"
        raise ModelError(
            Problem(
                f"the effect to be followed: {what}",
                f"pass effect= one of {name_some(design.names, limit=12)}",
            )
        )
    if effect in model.by_election:
        raise ModelError(
            Problem(f"'{effect}' is followed over time and named in by_election", "leave it out there")
        )
    return effect
