r"""A Gaussian approximation that is right on average, for structures without an iid part.

Where effects have no independent part, log Z_i is the log likelihood l_i itself, and its third derivative
moves the mean of the posterior away from its mode. Matching l_i at the mode therefore centres and shapes the
Gaussian wrongly, a little in every district. The Gaussian q that is nearest to the posterior, in the sense of
the least KL(q || posterior), has instead sites

    l^_i(m) = b_i (m - m_i) - h_i (m - m_i)^2 / 2,    b_i = E_q[ l_i' ],    h_i = -E_q[ l_i'' ]

around its own means m_i (Opper and Archambeau 2009); b_i = l_i' + l_i''' Var(m_i) / 2 to first order, the
correction of the mean that integrated nested Laplace approximations use (van Niekerk et al. 2023). Means and
variances follow from the sites by one Newton step and the selected inverse, sites from means and variances by
nine-point quadrature: from the mode two such rounds leave little to gain. Whatever the sites are, the weights
are exact (`spatialvote.models.laplace.in_turn`), so that they need not have converged.

References
----------
Opper, M., Archambeau, C. (2009). The variational Gaussian approximation revisited. Neural Computation 21.
van Niekerk, J., Krainski, E., Rustand, D., Rue, H. (2023). A new avenue for Bayesian inference with INLA.
Computational Statistics and Data Analysis 181.
"""

from typing import NamedTuple

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.families import FAMILIES
from spatialvote.models.laplace.district import derivatives
from spatialvote.models.laplace.district_rule import LOG_WEIGHT, NODE
from spatialvote.models.laplace.inner import log_det_hessian, newton_step
from spatialvote.models.laplace.slope import variances
from spatialvote.models.laplace.target import Mode, Target
from spatialvote.models.sparse_kernel import multiply

_ROUNDS = 2
#: Of a standard normal at the nodes.
_WEIGHT = np.exp(LOG_WEIGHT - NODE**2 / 2) / np.sqrt(np.pi)


class Sites(NamedTuple):
    """A Gaussian approximation by sites l^_i(m) = value + slope (m - m_i) - curvature (m - m_i)^2 / 2.

    Attributes
    ----------
    log_z
        Log normaliser of the prior times exp(sum of l^_i), on the scale of `Mode.value`.
    x, c, m
        Means of field, coefficients and linear predictors.
    value, slope, curvature
        Of each site, shape (n,); they belong to the mean m_i.
    factor, v, lower
        As in `spatialvote.models.laplace.inner.inner_mode`, with the sites' curvature.
    """

    log_z: float
    x: np.ndarray
    c: np.ndarray
    m: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray
    factor: np.ndarray
    v: np.ndarray
    lower: np.ndarray


@compiled()
def average_likelihood(family, m, spread, votes, size, dispersion):
    """l_i(m_i), and E[l_i'] and -E[l_i''] under N(m_i, spread_i), each (n,)."""
    n = m.size
    value, slope, curvature = np.zeros(n), np.zeros(n), np.zeros(n)
    for i in range(n):
        if size[i] == 0.0:
            continue
        scale = np.sqrt(spread[i])
        value[i] = derivatives(family, m[i], votes[i], size[i], dispersion)[0]
        for j in range(NODE.size):
            _, first, second, _ = derivatives(family, m[i] + scale * NODE[j], votes[i], size[i], dispersion)
            slope[i] += _WEIGHT[j] * first
            curvature[i] -= _WEIGHT[j] * second
        # A beta-binomial is not log-concave far out: there its site has a slope and no curvature.
        curvature[i] = max(curvature[i], 0.0)
    return value, slope, curvature


@compiled()
def gaussian_of(value, slope, curvature, x, c, m, below, diagonal, c_mean, c_precision, design, component,
                pattern):  # fmt: skip
    """The Gaussian that sites around m = x + X c make of the prior, and its log normaliser; -inf where there
    is none."""
    prior_x = multiply(pattern[1], pattern[2], below, diagonal, x)
    possible, factor, v, _, null_sum, lower, _, _, step_x, step_c = newton_step(
        1.0, slope, curvature, below, diagonal, prior_x, c, c_mean, c_precision, design, component, 0, pattern
    )
    x, c = x + step_x, c + step_c
    off = x + design @ c - m
    value = value + slope * off - 0.5 * curvature * off * off
    slope = slope - curvature * off
    log_z = np.sum(value) - 0.5 * np.dot(x, multiply(pattern[1], pattern[2], below, diagonal, x))
    log_z -= 0.5 * np.sum(c_precision * (c - c_mean) ** 2) + 0.5 * log_det_hessian(
        factor, null_sum, lower, pattern
    )
    if not possible:
        log_z = -np.inf
    return log_z, x, c, m + off, value, slope, curvature, factor, v, lower


def correct(target: Target, mode: Mode) -> Sites | None:
    """The sites of a model at the hyperparameters of a mode; None where they make no Gaussian.

    For structures with a sparse precision, whose predictors are m = x + X c.
    """
    family, scales = FAMILIES[target.posterior.family].CODE, mode.scales
    mean, none = target.posterior.prior_mean, np.zeros(0)
    # What `Target.mode` adds to the objective that depends on no district.
    prior, _ = target.posterior.log_prior(mode.theta)
    prior += 0.5 * (scales.log_det_prior + np.log(scales.c_precision).sum())
    x, c, m, factor, v, lower = mode.x, mode.c, mode.m, mode.factor, mode.v, mode.lower
    sites = None
    for _ in range(_ROUNDS):
        spread, _, _ = variances(
            1.0, factor, v, np.zeros(len(x)), none, lower, target.design, target.component, target.pattern
        )
        found = Sites(
            *gaussian_of(
                *average_likelihood(family, m, spread, target.votes, target.size, scales.dispersion),
                x, c, m, scales.below, scales.diagonal, mean, scales.c_precision, target.design,
                target.component, target.pattern,
            )
        )  # fmt: skip
        if not np.isfinite(found.log_z):
            return None
        sites = found._replace(log_z=found.log_z + prior)
        x, c, m, factor, v, lower = sites.x, sites.c, sites.m, sites.factor, sites.v, sites.lower
    return sites
