"""What a change of the field's own precision does to the approximate marginal likelihood."""

import numpy as np

from spatialvote.models.cholesky import selected_inverse
from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import small_solve
from spatialvote.models.sparse_kernel import multiply


@compiled()
def precision_slope(by_below, by_diagonal, x, factor, v, lower, z_x, pattern):
    """Derivative of F where P changes by dP, given by its entries, without the change of log |P|.

    -x'dP x / 2 - tr(Cov(x) dP) / 2 + z'dP x; the trace from the selected inverse. For structures without
    constraint.
    """
    below_start, below_index = pattern[1], pattern[2]
    inverse_below, inverse_diagonal_ = selected_inverse(factor, pattern)
    trace = np.sum(inverse_diagonal_ * by_diagonal) + 2.0 * np.sum(inverse_below * by_below)
    covariance = small_solve(lower, np.eye(lower.shape[0]))
    turned = v @ covariance
    n, p = v.shape
    for k in range(n):
        for q in range(p):
            trace += by_diagonal[k] * turned[k, q] * v[k, q]
        for e in range(below_start[k], below_start[k + 1]):
            j = below_index[e]
            for q in range(p):
                trace += 2.0 * by_below[e] * turned[k, q] * v[j, q]
    moved = multiply(below_start, below_index, by_below, by_diagonal, x)
    return -0.5 * np.dot(x, moved) - 0.5 * trace + np.dot(z_x, moved)
