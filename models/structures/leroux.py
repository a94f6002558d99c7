r"""Leroux: a precision between independence and the intrinsic CAR.

    sigma^2 Q = (1 - rho) I + rho R,            R the Laplacian scaled within each component

rho = 0 gives independent effects of variance sigma^2, rho -> 1 the scaled intrinsic CAR. Given its
neighbours an effect has mean rho s sum_j w_ij e_j / (1 - rho + rho s w_i+), with s the scaling factor of its
component (Leroux et al. take s = 1). An island has R = 1, so its effect is N(0, sigma^2) whatever rho is.
With lambda_j the nonzero eigenvalues of R and C components,

    log |sigma^2 Q| = C log(1 - rho) + sum_j log(1 - rho + rho lambda_j).

Leroux, B. G., Lei, X., Breslow, N. (2000). Estimation of disease rates in small areas: a new mixed model for
spatial dependence. In: Statistical Models in Epidemiology, the Environment, and Clinical Trials. Springer.
"""

import numpy as np
from scipy.sparse import csc_array, eye_array

from spatialvote.models.compiled import compiled
from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.spectrum import spectrum
from spatialvote.models.structures.field import Field
from spatialvote.models.structures.sparse_precision import assemble
from spatialvote.models.structures.spectral import spectral_log_det

NAME = "leroux"
HYPERPARAMETERS = ("sigma", "rho")
LINKS = True
CODE = 0

log_det = spectral_log_det


@compiled()
def weights(rho, table):
    """c(rho) of the terms I and R, and its derivative."""
    return np.array([1.0 - rho, rho]), np.array([-1.0, 1.0])


def bind(graph: ScaledGraph) -> Field:
    """The structure on a graph."""
    nodes = spectrum(graph)
    terms = csc_array(eye_array(graph.n, format="csc")), graph.matrix
    return Field(NAME, graph, nodes, assemble(CODE, terms, nodes, (0.0, float(graph.sizes.size))))
