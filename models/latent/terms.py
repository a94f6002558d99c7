r"""The common terms: a scaled intrinsic CAR, as such or times a covariate, and correlated effects of levels.

`icar`: z = scale * phi, Q = R / scale(theta)^2, with phi the intrinsic CAR that is scaled within each
component and sums to zero there; an island's is iid. Times a covariate x, A = diag(x), it is a field of
slopes.

`correlated_levels`: u_g ~ N(0, D Omega D) for each level g, K effects each, independent between levels: D the
standard deviations, Omega ~ LKJ(eta) (Lewandowski, Kurowicka and Joe 2009). Omega is sampled by its canonical
partial correlations c_ij in (-1, 1), which are independent under LKJ,

    (c_ij + 1) / 2 ~ Beta(a_j, a_j),    a_j = eta + (K - 2 - j) / 2,    j = 0, ..., K - 2,

with Omega = L L', L_ij = c_ij (1 - sum_(k < j) L_ik^2)^1/2 and det Omega = prod (1 - c_ij^2)^(K - 1 - j).

Lewandowski, D., Kurowicka, D., Joe, H. (2009). Generating random correlation matrices based on vines and
extended onion method. Journal of Multivariate Analysis 100.
"""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array, diags_array, kron

from spatialvote.models.latent.term import Hyper, Term, Values
from spatialvote.models.priors import BetaRho, HalfNormal, PCSigma
from spatialvote.models.scaled_graph import ScaledGraph


def zero_sums(graph: ScaledGraph) -> csr_array:
    """The sum of each component, islands left out: shape (components, n)."""
    member = np.flatnonzero(graph.component >= 0)
    ones = np.ones(member.size)
    return csr_array((ones, (graph.component[member], member)), shape=(graph.sizes.size, graph.n))


def icar(
    name: str,
    graph: ScaledGraph,
    matrix: csr_array,
    hypers: tuple[Hyper, ...],
    scale: Callable[[Values], np.ndarray],
) -> Term:
    """A scaled intrinsic CAR.

    Parameters
    ----------
    name
        Name of its draws, on unit scale.
    graph
        Of the districts.
    matrix
        From districts to rows, shape (rows, n).
    hypers
        Those that the scale depends on.
    scale
        Standard deviation of a typical value, of hyperparameters.
    """
    rank = graph.n - graph.sizes.size

    def weights(values: Values) -> list:
        return [scale(values) ** -2]

    def log_det(values: Values) -> np.ndarray:
        return -2 * rank * np.log(scale(values))

    def report(z: np.ndarray, values: Values) -> dict[str, np.ndarray]:
        return {name: z / np.asarray(scale(values))[:, None]}

    return Term(
        name,
        csr_array(matrix),
        hypers,
        (csr_array(graph.matrix),),
        weights,
        log_det,
        report,
        zero_sums(graph),
    )


def partial_hypers(names: tuple[tuple[str, ...], ...], eta: float) -> tuple[Hyper, ...]:
    """Hyperparameters (c_ij + 1) / 2 under LKJ(eta), row by row below the diagonal.

    ``names`` holds, for each row i = 1, ..., K - 1, the names of its i partial correlations.
    """
    count = len(names) + 1
    return tuple(
        Hyper(name, BetaRho(eta + (count - 2 - j) / 2, eta + (count - 2 - j) / 2), start=0.0)
        for row in names
        for j, name in enumerate(row)
    )


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


def _inverse_lower(rows: list[list]) -> list[list]:
    """Inverse of a lower triangular matrix given by its rows."""
    inverse: list[list] = []
    for i, row in enumerate(rows):
        inverse.append(
            [-sum(row[k] * inverse[k][j] for k in range(j, i)) / row[i] for j in range(i)] + [1 / row[i]]
        )
    return inverse


def correlated_levels(
    group: str,
    levels: tuple[str, ...],
    index: np.ndarray,
    columns: np.ndarray,
    effects: tuple[str, ...],
    sds: tuple[str, ...],
    prior: PCSigma | HalfNormal,
    eta: float,
) -> Term:
    """Effects of K columns that vary between the levels of a group, correlated within a level.

    Parameters
    ----------
    group
        What the levels are of.
    levels, index
        Their names, and the position of each row's, shape (rows,).
    columns
        What the effects multiply: ones for an intercept, standardised covariates; shape (rows, K).
    effects, sds
        Names of each column's effects and of their standard deviation, K each.
    prior
        Of every standard deviation.
    eta
        Of the LKJ prior; 1 is uniform over correlation matrices, more favours independence.
    """
    rows, count = columns.shape
    total = len(levels)
    matrix = csr_array(
        (
            columns.ravel(),
            ((index[:, None] * count + np.arange(count)).ravel(), np.repeat(np.arange(rows), count))[::-1],
        ),
        shape=(rows, total * count),
    )
    partial = tuple(
        tuple(f"partial_{sds[i].removeprefix('sd_')}_{sds[j].removeprefix('sd_')}" for j in range(i))
        for i in range(1, count)
    )
    hypers = tuple(Hyper(name, prior) for name in sds) + partial_hypers(partial, eta)
    fractions = [name for row in partial for name in row]
    pairs = [(i, j) for i in range(count) for j in range(i + 1)]
    bases = []
    for i, j in pairs:
        small = np.zeros((count, count))
        small[i, j] = small[j, i] = 1.0
        bases.append(csr_array(kron(diags_array(np.ones(total)), csr_array(small))))

    def weights(values: Values) -> list:
        root = _inverse_lower(correlation_factor([values[name] for name in fractions]))
        sd = [values[name] for name in sds]
        # Omega^-1 = L^-T L^-1.
        return [sum(root[k][i] * root[k][j] for k in range(i, count)) / (sd[i] * sd[j]) for i, j in pairs]

    def log_det(values: Values) -> np.ndarray:
        factor = correlation_factor([values[name] for name in fractions])
        logs = [np.log(values[name] * factor[i][i]) for i, name in enumerate(sds)]
        return -2 * total * np.sum(logs, axis=0)

    def report(z: np.ndarray, values: Values) -> dict[str, np.ndarray]:
        effect = z.reshape(len(z), total, count)
        named = {name: effect[:, :, q] for q, name in enumerate(effects)}
        factor = correlation_factor([values[name] for name in fractions])
        for i, j in pairs:
            if i > j:
                name = f"cor_{sds[i].removeprefix('sd_')}_{sds[j].removeprefix('sd_')}"
                named[name] = np.asarray(sum(factor[i][k] * factor[j][k] for k in range(j + 1)))
        return named

    coords = {name: ((f"level_{group}", levels),) for name in effects}
    return Term(group, matrix, hypers, tuple(bases), weights, log_det, report, None, coords)
