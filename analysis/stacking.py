r"""Stacking: weights of models whose mixture predicts best what was left out.

    maximise  sum_i log( sum_k w_k p_k(y_i | y_-i) )     over w_k >= 0, sum_k w_k = 1

The sum is concave in w. It is climbed in the logarithms of the weights, which have no bounds.

Reference: Yao, Y., Vehtari, A., Simpson, D., Gelman, A. (2018). Using stacking to average Bayesian predictive
distributions. Bayesian Analysis 13.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

#: Of the logarithm of a weight: exp(-25) is nothing.
_FARTHEST = 25


def stacking_weights(elpd: np.ndarray) -> np.ndarray:
    """Stacking weights of models.

    Parameters
    ----------
    elpd
        log p_k(y_i | y_-i), shape (models, n); districts with a NaN are left out.

    Returns
    -------
    ndarray
        Weights, shape (models,), that sum to 1.

    Examples
    --------
    >>> stacking_weights(np.log([[0.5, 0.5, 0.5], [0.1, 0.2, 0.1]])).round(3)
    array([1., 0.])
    """
    known = elpd[:, ~np.isnan(elpd).any(axis=0)]

    def loss(free: np.ndarray) -> tuple[float, np.ndarray]:
        parts = (free - logsumexp(free))[:, None] + known
        mixed = logsumexp(parts, axis=0)
        return -float(mixed.mean()), softmax(free) - np.exp(parts - mixed).mean(axis=1)

    bounds = [(-_FARTHEST, _FARTHEST)] * len(known)
    return softmax(minimize(loss, np.zeros(len(known)), jac=True, method="L-BFGS-B", bounds=bounds).x)
