"""Spatial structures: which graph carries the district effects, and which numbers describe them.

=========  ==========================================================  =================
structure  district effect e_i = eta_i - x_i' b                        hyperparameters
=========  ==========================================================  =================
bym2       sigma (sqrt(1 - rho) theta_i + sqrt(rho) phi_i)             sigma, rho
iid        sigma theta_i                                               sigma
none       0                                                           (none)
=========  ==========================================================  =================

theta is iid N(0, 1), phi the scaled intrinsic CAR of the neighbour graph. ``iid`` is the BYM2 of a graph
without links, where every district is an island and rho has no effect: one kernel serves both.
"""

from dataclasses import dataclass

import numpy as np

from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.scaled_graph import ScaledGraph, scale_graph
from spatialvote.models.spectrum import Spectrum, spectrum

#: Structure name to its hyperparameters.
STRUCTURES = {"bym2": ("sigma", "rho"), "iid": ("sigma",), "none": ()}


@dataclass(frozen=True)
class Field:
    """A structure bound to the graph of some districts: what the density of eta needs."""

    structure: str
    graph: ScaledGraph
    nodes: Spectrum

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """Names of the structure's hyperparameters."""
        return STRUCTURES[self.structure]


def bind(structure: str, districts: Districts) -> Field:
    """Bind a structure to the districts' graph.

    Raises
    ------
    ModelError
        For ``bym2`` where no district has a neighbour: rho would mean nothing.
    """
    if structure == "bym2":
        i, j, weight = districts.edges
        if len(i) == 0:
            raise ModelError(
                Problem(
                    f"structure 'bym2' needs links, but none of {districts.n} districts has a neighbour",
                    "choose another neighbour graph, or structure 'iid'",
                )
            )
    else:
        i, j, weight = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    graph = scale_graph(districts.n, i, j, weight)
    return Field(structure, graph, spectrum(graph))
