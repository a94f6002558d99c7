"""Row-standardised weights: what a district takes of each of its neighbours."""

import numpy as np
from scipy.sparse import csr_array, diags_array


def row_standardised(links: csr_array) -> csr_array:
    """Divide each row of weights (n, n) by its sum; rows of islands stay empty.

    Every district with neighbours gives weight 1, shared among them in proportion to the links' weights.
    """
    total = np.asarray(links.sum(axis=1)).ravel()
    return csr_array(diags_array(1 / np.where(total > 0, total, 1.0)) @ links)
