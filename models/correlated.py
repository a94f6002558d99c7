r"""Correlation matrices by canonical partial correlations, and their LKJ prior.

Effects of a level are N(0, D Omega D): D their standard deviations, Omega ~ LKJ(eta) (Lewandowski, Kurowicka
and Joe 2009). Omega is sampled by its canonical partial correlations c_ij in (-1, 1), independent under LKJ,

    (c_ij + 1) / 2 ~ Beta(a_j, a_j),    a_j = eta + (K - 2 - j) / 2,    j = 0, ..., K - 2,

with Omega = L L', L_ij = c_ij (1 - sum_(k < j) L_ik^2)^1/2 and det Omega = prod (1 - c_ij^2)^(K - 1 - j).
With eta = 1 it is uniform over correlation matrices; more favours independence. For K = 2 the one c is the
correlation.

Lewandowski, D., Kurowicka, D., Joe, H. (2009). Generating random correlation matrices based on vines and
extended onion method. Journal of Multivariate Analysis 100.
"""

import numpy as np

from spatialvote.models.groups import Effect, blocks_of, correlation_names
from spatialvote.models.priors import BetaRho

#: Prefixes of the names of fractions (c + 1) / 2, of correlations and of standard deviations.
PARTIAL, CORRELATION, SD = "partial_", "cor_", "sd_"


def partial_priors(effects: tuple[Effect, ...], eta: float) -> dict[str, BetaRho]:
    """Priors of the fractions (c_ij + 1) / 2 of a block of correlated effects, by name, row by row."""
    count = len(effects)
    return {
        PARTIAL + name: BetaRho(eta + (count - 2 - j) / 2, eta + (count - 2 - j) / 2)
        for row in correlation_names(effects)
        for j, name in enumerate(row)
    }


def correlation_factor(fractions: list) -> list[list]:
    """Rows of L, Omega = L L', from the fractions (c_ij + 1) / 2 row by row; numbers or arrays of draws."""
    count = round((1 + np.sqrt(1 + 8 * len(fractions))) / 2)
    rows, at = [[1.0]], 0
    for i in range(1, count):
        row, left = [], 1.0
        for _ in range(i):
            partial = 2 * fractions[at] - 1
            row.append(partial * left**0.5)
            left = left * (1 - partial**2)
            at += 1
        rows.append([*row, left**0.5])
    return rows


def inverse_factor(rows: list[list]) -> list[list]:
    """Rows of the inverse of a lower triangular matrix given by its rows."""
    inverse: list[list] = []
    for i, row in enumerate(rows):
        before = [-sum(row[k] * inverse[k][j] for k in range(j, i)) / row[i] for j in range(i)]
        inverse.append([*before, 1 / row[i]])
    return inverse


def block_root(effects: tuple[Effect, ...], values: dict[str, np.ndarray]) -> np.ndarray:
    """D L of a block at values (draws,) of its standard deviations and fractions, shape (draws, K, K)."""
    names = [PARTIAL + name for row in correlation_names(effects) for name in row]
    first = np.atleast_1d(values[SD + effects[0].name])
    root = np.zeros((len(first), len(effects), len(effects)))
    rows = correlation_factor([np.atleast_1d(values[name]) for name in names])
    for i, row in enumerate(rows):
        for j, one in enumerate(row):
            root[:, i, j] = one * np.atleast_1d(values[SD + effects[i].name])
    return root


def correlations(effects: tuple[Effect, ...], values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Correlations of all blocks of some effects, by name, each (draws,)."""
    found = {}
    for block in blocks_of(effects):
        root = block_root(block, values)
        covariance = root @ root.transpose(0, 2, 1)
        sd = np.sqrt(np.einsum("sii->si", covariance))
        for i, row in enumerate(correlation_names(block), start=1):
            for j, name in enumerate(row):
                found[CORRELATION + name] = covariance[:, i, j] / (sd[:, i] * sd[:, j])
    return found
