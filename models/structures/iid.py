"""Independent effects, e = sigma theta: the BYM2 of a graph without links, where rho has no effect."""

from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.spectrum import spectrum
from spatialvote.models.structures.field import Field

NAME = "iid"
HYPERPARAMETERS = ("sigma",)
LINKS = False


def bind(graph: ScaledGraph) -> Field:
    """The structure on a graph without links, where every district is an island."""
    return Field(NAME, graph, spectrum(graph))
