"""Log determinants that are sums over a spectrum, log((1 - rho) + rho mu)."""

import numpy as np

from spatialvote.models.compiled import compiled


@compiled()
def spectral_log_det(rho, node, node_weight, constants):
    """Sum over nodes of log((1 - rho) + rho mu), null vectors and constant added; and its slope in rho."""
    value = constants[0] + constants[1] * np.log1p(-rho)
    slope = -constants[1] / (1.0 - rho)
    for q in range(node.size):
        excess = node[q] - 1.0
        value += node_weight[q] * np.log1p(rho * excess)
        slope += node_weight[q] * excess / (1.0 + rho * excess)
    return value, slope
