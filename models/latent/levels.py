"""A vote-share model whose effects vary between levels or over the map, as a posterior of latent terms."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, eye_array

from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.design import Design
from spatialvote.models.groups import blocks_of
from spatialvote.models.latent.posterior import LatentPosterior
from spatialvote.models.latent.term import Hyper
from spatialvote.models.latent.terms import correlated_levels, icar, slope_field
from spatialvote.models.posterior import COLLAPSING, SIGMA_SLOPE, SLOPE, Posterior
from spatialvote.models.priors import PCRho


def as_latent(posterior: Posterior, design: Design) -> LatentPosterior:
    """The terms of a posterior: the structured part of BYM2, blocks of effects, and a slope that varies.

    Raises
    ------
    ModelError
        For a structure without an independent part, which this form integrates out first.
    """
    field, priors = posterior.field, posterior.priors
    if field.structure not in COLLAPSING:
        raise ModelError(
            Problem(
                f"structure '{field.structure}' does not go with effects that vary between levels",
                f"use structure {' or '.join(repr(one) for one in COLLAPSING)}, or intercepts alone, "
                "'(1 | column)'",
            )
        )
    terms = []
    own = (Hyper("sigma", priors.sigma),)
    if field.structure == "bym2":
        rho = priors.resolved("bym2", field.hyperparameters).rho or PCRho()
        own = (*own, Hyper("rho", rho, field.nodes))
        terms.append(
            icar(
                "phi",
                field.graph,
                csr_array(eye_array(field.graph.n)),
                own,
                lambda values: values["sigma"] * values["rho"] ** 0.5,
            )
        )
    for block in blocks_of(posterior.effects):
        group = next(one for one in design.groups if one.effect == block[0])
        columns = np.column_stack(
            [
                design.standardised[:, design.names.index(one.covariate)]
                if one.covariate
                else np.ones(len(posterior.votes))
                for one in block
            ]
        )
        terms.append(
            correlated_levels(block, group.levels, group.index, columns, priors.group, priors.correlation)
        )
    if posterior.varying is not None:
        terms.append(slope_field(SLOPE, field.graph, posterior.varying, Hyper(SIGMA_SLOPE, priors.slope)))
    fixed = posterior.column_group == 0

    def variance(values):
        return values["sigma"] ** 2 * (1 - values["rho"] if "rho" in values else 1)

    return LatentPosterior(
        posterior.family,
        posterior.votes,
        posterior.size,
        np.ascontiguousarray(posterior.design[:, fixed]),
        posterior.prior_mean[fixed],
        posterior.prior_sd[fixed],
        tuple(terms),
        own,
        variance,
        priors,
    )
