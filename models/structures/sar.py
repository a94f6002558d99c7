r"""SAR: the spatial error model of econometrics, e = rho W~ e + noise.

    sigma^2 Q = (I - rho W~)' (I - rho W~),     W~ the adjacency with rows divided by their sums

Each effect is rho times the weighted mean of its neighbours plus independent noise of standard deviation
sigma. An island has no neighbours to follow, so its effect is N(0, sigma^2). sigma is the standard deviation
of the noise, not of the effects, whose marginal variances grow with rho. W~ has the eigenvalues 1 - mu_j,
with mu_j those of the normalised Laplacian, so with C components and mu_j nonzero

    log |sigma^2 Q| = 2 C log(1 - rho) + 2 sum_j log(1 - rho + rho mu_j).

Anselin, L. (1988). Spatial Econometrics: Methods and Models. Kluwer. (chapters 4 and 8)
Ord, K. (1975). Estimation methods for models of spatial interaction. JASA 70. (the log determinant)
"""

import numpy as np
from scipy.sparse import csc_array, diags_array, eye_array

from spatialvote.models.compiled import compiled
from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.spectrum import Spectrum, normalised_spectrum
from spatialvote.models.structures.field import Field
from spatialvote.models.structures.sparse_precision import assemble
from spatialvote.models.structures.spectral import spectral_log_det

NAME = "sar"
HYPERPARAMETERS = ("sigma", "rho")
LINKS = True
CODE = 2

log_det = spectral_log_det


@compiled()
def weights(rho, table):
    """c(rho) of the terms I, W~ + W~' and W~' W~, and its derivative."""
    return np.array([1.0, -rho, rho * rho]), np.array([0.0, -1.0, 2.0 * rho])


def bind(graph: ScaledGraph) -> Field:
    """The structure on a graph."""
    degree = graph.matrix.diagonal()
    # The scaling of R cancels; an island's row is zero.
    rows = csc_array(eye_array(graph.n, format="csc") - diags_array(1 / degree) @ graph.matrix)
    rows.setdiag(0.0)
    rows.eliminate_zeros()
    terms = csc_array(eye_array(graph.n, format="csc")), csc_array(rows + rows.T), csc_array(rows.T @ rows)
    once = normalised_spectrum(graph)
    nodes = Spectrum(once.value, 2.0 * once.weight)
    return Field(NAME, graph, nodes, assemble(CODE, terms, nodes, (0.0, 2.0 * graph.sizes.size)))
