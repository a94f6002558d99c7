"""Spatial structures: how the effects of districts hang together; each is one file with the same face.

==========  =======================================================  ===============
structure   district effect e_i = eta_i - x_i' b                     hyperparameters
==========  =======================================================  ===============
bym2        independent and structured part, mixed by rho            sigma, rho
iid         independent                                              sigma
none        0                                                        (none)
leroux      precision (1 - rho) I + rho R                            sigma, rho
proper_car  precision D - rho W, scaled                              sigma, rho
sar         e = rho W~ e + noise (spatial error model)               sigma, rho
dagar       each follows its earlier neighbours                      sigma, rho
==========  =======================================================  ===============

A structure's module has `NAME`, `HYPERPARAMETERS`, `LINKS` (whether the links of the graph matter) and
``bind(graph) -> Field``. Those with a sparse precision and no iid part have also `CODE` and the compiled
functions ``weights`` and ``log_det`` of rho, which `dispatch` calls.
"""

from types import MappingProxyType

import numpy as np

from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.scaled_graph import ScaledGraph, scale_graph
from spatialvote.models.structures import bym2, dagar, iid, leroux, none, proper_car, sar
from spatialvote.models.structures.field import Field

__all__ = ["STRUCTURES", "Field", "bind", "bind_graph"]

_MODULES = {module.NAME: module for module in (bym2, iid, none, leroux, proper_car, sar, dagar)}

#: Structure name to its hyperparameters.
STRUCTURES = MappingProxyType({name: module.HYPERPARAMETERS for name, module in _MODULES.items()})


def bind_graph(structure: str, graph: ScaledGraph) -> Field:
    """Bind a structure to a scaled graph (one without links for ``iid`` and ``none``)."""
    return _MODULES[structure].bind(graph)


def bind(structure: str, districts: Districts) -> Field:
    """Bind a structure to the districts' graph.

    Raises
    ------
    ModelError
        For a structure that uses links where no district has a neighbour: rho would mean nothing.
    """
    i, j, weight = districts.edges
    if not _MODULES[structure].LINKS:
        i, j, weight = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    elif len(i) == 0:
        raise ModelError(
            Problem(
                f"structure '{structure}' needs links, but none of {districts.n} districts has a neighbour",
                "choose another neighbour graph, or structure 'iid'",
            )
        )
    return bind_graph(structure, scale_graph(districts.n, i, j, weight))
