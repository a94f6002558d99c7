r"""DAGAR: a directed acyclic graph autoregression, in which rho is the correlation of neighbours.

The districts are put in an order, and each follows those of its neighbours that come before it, n_i of them:

    e_i = b_i sum_(j before i) e_j + noise,     b_i = rho / (1 + (n_i - 1) rho^2),
    noise ~ N(0, sigma^2 / f_i),                f_i = (1 + (n_i - 1) rho^2) / (1 - rho^2),
    sigma^2 Q = (I - B)' F (I - B),             log |sigma^2 Q| = sum_i log f_i.

On a tree every effect has variance sigma^2 and neighbours have correlation rho, exactly; on other graphs
nearly so. A district without earlier neighbours, as the first of a component or an island, is N(0, sigma^2).
Only who is linked counts, as in the source: weights of links have no effect.

The order is part of the model, though results differ little between orders (Datta et al. 2019, section 5).
Here: within each component breadth-first, neighbours by position, from a peripheral district, which is found
by walking from a district with the fewest neighbours to one at the largest distance, of those to the one with
the fewest neighbours, until the distance no longer grows; ties go to the first position. As b_i^2 f_i =
rho^2 / ((1 - rho^2)(1 + (n_i - 1) rho^2)) and b_i f_i = rho / (1 - rho^2), sigma^2 Q has few terms.

Datta, A., Banerjee, S., Hodges, J. S., Gao, L. (2019). Spatial disease mapping using directed acyclic graph
auto-regressive (DAGAR) models. Bayesian Analysis 14.
"""

import numpy as np
from scipy.sparse import csc_array, csr_array, diags_array, eye_array, tril
from scipy.sparse.csgraph import breadth_first_order

from spatialvote.models.compiled import compiled
from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.spectrum import Spectrum
from spatialvote.models.structures.field import Field
from spatialvote.models.structures.sparse_precision import assemble

NAME = "dagar"
HYPERPARAMETERS = ("sigma", "rho")
LINKS = True
CODE = 3


@compiled()
def weights(rho, table):
    """c(rho) of I, diag(n_i), the links, and sum of p_i p_i' for each n_i of the table; its derivative.

    p_i marks the earlier neighbours of district i.
    """
    count = table.size
    value, slope = np.empty(3 + count), np.empty(3 + count)
    square = rho * rho
    left = 1.0 - square
    value[0], slope[0] = 1.0, 0.0
    value[1], slope[1] = square / left, 2.0 * rho / left**2
    value[2], slope[2] = -rho / left, -(1.0 + square) / left**2
    for q in range(count):
        parents = 1.0 + (table[q] - 1.0) * square
        value[3 + q] = square / (left * parents)
        fewer = square * (table[q] - 1.0) / (left * parents**2)
        slope[3 + q] = 2.0 * rho * (1.0 / (left**2 * parents) - fewer)
    return value, slope


@compiled()
def log_det(rho, node, node_weight, constants):
    """Sum of log f_i over counts of earlier neighbours ``node``, of ``node_weight`` districts each."""
    value, slope = 0.0, 0.0
    square = rho * rho
    for q in range(node.size):
        parents = 1.0 + (node[q] - 1.0) * square
        value += node_weight[q] * (np.log(parents) - np.log1p(-square))
        slope += node_weight[q] * 2.0 * rho * ((node[q] - 1.0) / parents + 1.0 / (1.0 - square))
    return value, slope


def bind(graph: ScaledGraph, order: np.ndarray | None = None) -> Field:
    """The structure on a graph, in an order of the districts; None: `breadth_first`."""
    order = breadth_first(graph) if order is None else np.asarray(order)
    place = np.empty(graph.n, dtype=np.int64)
    place[order] = np.arange(graph.n)
    links = graph.matrix != 0
    ordered = csr_array(links[order, :][:, order].astype(np.float64))
    # Row i marks the earlier neighbours of district i, in the districts' own order again.
    parents = csr_array(csr_array(tril(ordered, -1))[place, :][:, place])
    count = np.diff(parents.indptr)
    distinct = np.unique(count[count > 0])
    terms = [
        csc_array(eye_array(graph.n, format="csc")),
        csc_array(diags_array(count.astype(np.float64), format="csc")),
        csc_array(parents + parents.T),
    ]
    for m in distinct:
        rows = parents[np.flatnonzero(count == m), :]
        terms.append(csc_array(rows.T @ rows))
    nodes = Spectrum(distinct.astype(np.float64), np.array([float((count == m).sum()) for m in distinct]))
    return Field(NAME, graph, nodes, assemble(CODE, terms, nodes, (0.0, 0.0), distinct.tolist()))


def breadth_first(graph: ScaledGraph) -> np.ndarray:
    """Positions of the districts in the order that DAGAR takes, shape (n,); see the module."""
    links = csr_array(graph.matrix != 0)
    links.sort_indices()
    neighbours = np.diff(links.indptr)
    pieces = [graph.islands]
    for c in range(graph.sizes.size):
        members = np.flatnonzero(graph.component == c)
        start = members[np.argmin(neighbours[members])]
        order, farthest, distance = _walk(links, start, neighbours)
        while True:
            further, candidate, then = _walk(links, farthest, neighbours)
            if then <= distance:
                break
            order, farthest, distance = further, candidate, then
        pieces.append(order)
    return np.concatenate(pieces)


def _walk(links: csr_array, start: int, neighbours: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Breadth-first order from a district, the farthest with the fewest neighbours, and how far it is."""
    order, before = breadth_first_order(links, start, directed=False)
    distance = np.zeros(links.shape[0], dtype=np.int64)
    for i in order[1:]:
        distance[i] = distance[before[i]] + 1
    last = np.sort(order[distance[order] == distance[order[-1]]])
    return order, int(last[np.argmin(neighbours[last])]), int(distance[order[-1]])
