r"""Stacking: weights of models whose mixture predicts best what was left out.

    maximise  sum_i log( sum_k w_k p_k(y_i | y_-i) )     over w_k >= 0, sum_k w_k = 1

(Yao, Vehtari, Simpson & Gelman 2018). The sum is concave in w, and steps w_k <- w_k mean_i (p_ki / sum_l
w_l p_li) of expectation and maximisation never lower it.

Reference: Yao, Y., Vehtari, A., Simpson, D., Gelman, A. (2018). Using stacking to average Bayesian predictive
distributions. Bayesian Analysis 13.
"""

import numpy as np

#: Steps at most, and the largest change of a weight from which on no more are taken.
_STEPS, _CLOSE = 20_000, 1e-7


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
    density = np.exp(known - known.max(axis=0))
    weights = np.full(len(elpd), 1 / len(elpd))
    for _ in range(_STEPS):
        after = weights * (density / (weights @ density)).mean(axis=1)
        if np.abs(after - weights).max() < _CLOSE:
            return after
        weights = after
    return weights
