r"""Proper CAR: an effect is normal around rho times the mean of its neighbours.

    sigma^2 Q = s (D - rho W) in a component with adjacency W, D = diag(W 1) and scaling factor s

Given its neighbours, e_i has mean rho sum_j w_ij e_j / w_i+ and variance sigma^2 / (s w_i+). Without s this
is the usual form; with it, rho -> 1 gives the intrinsic CAR whose typical marginal variance is sigma^2. For
rho < 1 the marginal variances are smaller or larger than that, as the graph has it. An island's effect is
N(0, sigma^2). With mu_j the nonzero eigenvalues of the normalised Laplacian I - D^-1/2 W D^-1/2 and C
components,

    log |sigma^2 Q| = log |s D| + C log(1 - rho) + sum_j log(1 - rho + rho mu_j).

Besag, J. (1974). Spatial interaction and the statistical analysis of lattice systems. JRSS B 36.
Cressie, N. (1993). Statistics for Spatial Data. Wiley. (section 7.6)
"""

import numpy as np
from scipy.sparse import csc_array, diags_array

from spatialvote.models.compiled import compiled
from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.spectrum import normalised_spectrum
from spatialvote.models.structures.field import Field
from spatialvote.models.structures.sparse_precision import assemble
from spatialvote.models.structures.spectral import spectral_log_det

NAME = "proper_car"
HYPERPARAMETERS = ("sigma", "rho")
LINKS = True
CODE = 1

log_det = spectral_log_det


@compiled()
def weights(rho, table):
    """c(rho) of the terms s D and s W, and its derivative."""
    return np.array([1.0, -rho]), np.array([0.0, -1.0])


def bind(graph: ScaledGraph) -> Field:
    """The structure on a graph."""
    degree = graph.matrix.diagonal()
    diagonal = csc_array(diags_array(degree, format="csc"))
    links = csc_array(diagonal - graph.matrix)
    links.eliminate_zeros()
    nodes = normalised_spectrum(graph)
    constants = (float(np.log(degree).sum()), float(graph.sizes.size))
    return Field(NAME, graph, nodes, assemble(CODE, (diagonal, links), nodes, constants))
