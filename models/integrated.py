r"""The likelihood of each district's votes with its own effect integrated out.

    p(y_i | e_-i, b, theta) = integral of p(y_i | eta) N(eta; m_i, 1 / P_ii) d eta,

with m_i = x_i'b plus the mean of its effect given the others', and P_ii its precision given them
(`spatialvote.models.given_others`): log Z of `spatialvote.models.laplace.district` with a precision of its
own for each district, by nine-node adaptive Gauss-Hermite quadrature. It is what leave-one-out needs (the
district's own effect knows its votes) and what predicts held-out votes.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.families import FAMILIES
from spatialvote.models.laplace.district import collapsed, derivatives
from spatialvote.models.laplace.series import TERMS

#: Draws are worked on in blocks of so many, on as many threads as there are cores.
_BLOCK = 50


def log_integrated(
    family: str,
    votes: np.ndarray,
    size: np.ndarray,
    mean: np.ndarray,
    precision: np.ndarray,
    dispersion: np.ndarray | float = 0.0,
) -> np.ndarray:
    """log p(y_i | e_-i, b, theta) of each draw and district, shape (draws, n).

    Parameters
    ----------
    family
        Name of the family.
    votes, size
        Shape (n,); a district of size 0 has log likelihood 0.
    mean, precision
        Of eta_i before its own votes are seen, shape (draws, n); an infinite precision gives the likelihood
        itself.
    dispersion
        Of the family, shape (draws,).
    """
    module = FAMILIES[family]
    votes, size = np.asarray(votes, dtype=np.float64), np.asarray(size, dtype=np.float64)
    loose = np.ascontiguousarray(np.broadcast_to(np.asarray(dispersion, dtype=np.float64), len(mean)))
    told = size > 0
    crude = np.zeros(len(votes))
    crude[told] = module.crude(votes[told], size[told])
    # Compiled densities leave out what does not depend on eta or dispersion, such as binomial coefficients.
    one = loose[:1] if module.HYPER else 0.0
    constant = np.zeros(len(votes))
    constant[told] = module.log_likelihood(crude[None, told], votes[told], size[told], one)[0]
    constant[told] -= _bare(module.CODE, crude[told], votes[told], size[told], float(loose[0]))
    value = np.empty(mean.shape)

    def fill(start: int) -> None:
        here = slice(start, start + _BLOCK)
        _integrate(
            module.CODE,
            np.ascontiguousarray(mean[here], dtype=np.float64),
            np.ascontiguousarray(precision[here], dtype=np.float64),
            votes,
            size,
            crude,
            loose[here],
            value[here],
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, range(0, len(mean), _BLOCK)))
    return value + constant


@compiled()
def _bare(family, eta, votes, size, dispersion):
    """What compiled code calls the log likelihood of each district, shape (n,)."""
    value = np.empty(eta.size)
    for i in range(eta.size):
        value[i] = derivatives(family, eta[i], votes[i], size[i], dispersion)[0]
    return value


@compiled()
def _integrate(family, mean, precision, votes, size, crude, dispersion, value):
    """Fill value (draws, n) with log Z without its constant."""
    coefficient, sides = np.empty(TERMS + 1), np.empty((2, 4))
    for i in range(votes.size):
        for s in range(mean.shape[0]):
            m, t = mean[s, i], precision[s, i]
            if size[i] == 0.0:
                value[s, i] = 0.0
            elif t == np.inf:
                value[s, i] = derivatives(family, m, votes[i], size[i], dispersion[s])[0]
            else:
                # Between prior and votes, where the mode is.
                start = crude[i] if abs(crude[i] - m) < 1.0 else m
                value[s, i] = collapsed(
                    family, m, t, votes[i], size[i], dispersion[s], start, coefficient, sides
                )[0]
