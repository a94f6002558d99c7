r"""The common terms: a scaled intrinsic CAR, as such or times a covariate, and correlated effects of levels.

`icar`: z = scale * phi, Q = R / scale(theta)^2, with phi the intrinsic CAR that is scaled within each
component and sums to zero there; an island's is iid. Times a covariate x, A = diag(x), it is a field of
slopes (`slope_field`).

`correlated_levels`: u_g ~ N(0, D Omega D) for each level g, K effects each, independent between levels; see
`spatialvote.models.correlated`.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.sparse import csc_array, csr_array, diags_array, kron

from spatialvote.models.correlated import (
    SD,
    correlation_factor,
    correlations,
    inverse_factor,
    partial_priors,
)
from spatialvote.models.groups import Effect
from spatialvote.models.latent.term import Hyper, Term, Values
from spatialvote.models.priors import HalfNormal, PCSigma
from spatialvote.models.scaled_graph import ScaledGraph

#: Added at one district of each component, in units of its diagonal entry; see `grounded`.
GROUND = 1e-6


def grounded(graph: ScaledGraph) -> ScaledGraph:
    """The graph with R raised a little at the first district of each component.

    Two fields whose components' sums cannot be told apart make Q + A'HA singular: a varying slope where the
    covariate is the same in a whole component, or change where a component is known at one election only. The
    constraints take these sums out, but only after the factor.
    """
    raised = np.zeros(graph.n)
    first = [int(np.argmax(graph.component == one)) for one in range(graph.sizes.size)]
    raised[first] = GROUND * graph.matrix.diagonal()[first]
    return replace(graph, matrix=csc_array(graph.matrix + diags_array(raised)))


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


def slope_field(name: str, graph: ScaledGraph, column: np.ndarray, sigma: Hyper) -> Term:
    """sigma times a scaled intrinsic CAR times a standardised column (n,): a slope that varies over the map.

    What is kept of it are the departures from the column's own coefficient, on their scale (Assunção 2003).
    """
    term = icar(name, grounded(graph), csr_array(diags_array(column)), (sigma,), lambda v: v[sigma.name])

    def report(z: np.ndarray, values: Values) -> dict[str, np.ndarray]:
        return {name: z}

    return replace(term, report=report)


def correlated_levels(
    effects: tuple[Effect, ...],
    levels: tuple[str, ...],
    index: np.ndarray,
    columns: np.ndarray,
    prior: PCSigma | HalfNormal,
    eta: float,
) -> Term:
    """Effects of K columns that vary between the levels of a group, correlated within a level.

    Parameters
    ----------
    effects
        Their names, K of one group.
    levels, index
        Names of the levels, and the position of each row's, shape (rows,).
    columns
        What the effects multiply: ones for an intercept, standardised covariates; shape (rows, K).
    prior
        Of every standard deviation.
    eta
        Of the LKJ prior.
    """
    rows, count = columns.shape
    total = len(levels)
    at = (np.repeat(np.arange(rows), count), (index[:, None] * count + np.arange(count)).ravel())
    matrix = csr_array((columns.ravel(), at), shape=(rows, total * count))
    sds = [SD + one.name for one in effects]
    partial = partial_priors(effects, eta)
    hypers = [Hyper(name, prior) for name in sds] + [Hyper(name, one) for name, one in partial.items()]
    pairs = [(i, j) for i in range(count) for j in range(i + 1)]
    bases = []
    for i, j in pairs:
        small = np.zeros((count, count))
        small[i, j] = small[j, i] = 1.0
        bases.append(csr_array(kron(diags_array(np.ones(total)), csr_array(small))))

    def weights(values: Values) -> list:
        root = inverse_factor(correlation_factor([values[name] for name in partial]))
        sd = [values[name] for name in sds]
        # Omega^-1 = L^-T L^-1.
        return [sum(root[k][i] * root[k][j] for k in range(i, count)) / (sd[i] * sd[j]) for i, j in pairs]

    def log_det(values: Values) -> np.ndarray:
        factor = correlation_factor([values[name] for name in partial])
        logs = [np.log(values[name] * factor[i][i]) for i, name in enumerate(sds)]
        return -2 * total * np.sum(logs, axis=0)

    def report(z: np.ndarray, values: Values) -> dict[str, np.ndarray]:
        drawn = z.reshape(len(z), total, count)
        named = {f"effect_{one.name}": drawn[:, :, q] for q, one in enumerate(effects)}
        return {**named, **correlations(effects, dict(values))}

    return Term(effects[0].group, matrix, tuple(hypers), tuple(bases), weights, log_det, report)
