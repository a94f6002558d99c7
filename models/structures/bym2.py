r"""BYM2: independent and spatially structured effects, mixed in the proportion rho of the variance.

    e = sigma (sqrt(1 - rho) theta + sqrt(rho) phi),    Cov(e) = sigma^2 [(1 - rho) I + rho R^-]

theta is iid N(0, 1), phi the intrinsic CAR of the neighbour graph, scaled within each component; an island
has an iid N(0, 1) in place of phi. Its density is in `spatialvote.models.field_kernel`.

Riebler, A., Sorbye, S. H., Simpson, D., Rue, H. (2016). An intuitive Bayesian spatial model for disease
mapping that accounts for scaling. Statistical Methods in Medical Research 25.
"""

from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.spectrum import spectrum
from spatialvote.models.structures.field import Field

NAME = "bym2"
HYPERPARAMETERS = ("sigma", "rho")
LINKS = True


def bind(graph: ScaledGraph) -> Field:
    """The structure on a graph."""
    return Field(NAME, graph, spectrum(graph))
