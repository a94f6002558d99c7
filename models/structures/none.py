"""No district effects: the linear predictor is what covariates (and groups) say."""

from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.spectrum import spectrum
from spatialvote.models.structures.field import Field

NAME = "none"
HYPERPARAMETERS = ()
LINKS = False


def bind(graph: ScaledGraph) -> Field:
    """The structure on a graph without links; nothing of it enters the density."""
    return Field(NAME, graph, spectrum(graph))
