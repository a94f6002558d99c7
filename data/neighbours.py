"""Neighbour graphs bound to district ids: the shared builder and the report on what it built."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components

from spatialvote.data.districts import GraphReport
from spatialvote.data.errors import GraphError, Problem, name_some
from spatialvote.data.light_libpysal import Graph  # pyright: ignore[reportAttributeAccessIssue]


def graph_from_edges(ids: Sequence[str], i: np.ndarray, j: np.ndarray, w: np.ndarray | None = None) -> Graph:
    """Build the symmetric graph over `ids`, in their order, from links given by position.

    Parameters
    ----------
    ids
        District ids, unique text, shape (n,); the graph keeps their order.
    i, j
        Positions of the linked districts in `ids`, each shape (m,). A link may be given once, twice, or in
        both directions.
    w
        Weights of the links, shape (m,), positive; all one where left out.

    Returns
    -------
    Graph
        Symmetric, without self-loops; a district without a neighbour is kept (as libpysal does it, by an
        entry with itself of weight zero).

    Raises
    ------
    GraphError
        If ids are not unique text; positions lie outside ``0..n-1``; a district is linked with itself;
        weights are not positive and finite; or one link is given with two weights.

    Examples
    --------
    >>> graph = graph_from_edges(["b", "a", "c"], [0], [1])
    >>> graph.sparse.toarray()
    array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 0., 0.]])
    """
    names = pd.Index(list(ids))
    n = len(names)
    i, j = np.asarray(i, dtype=np.int64).ravel(), np.asarray(j, dtype=np.int64).ravel()
    w = np.ones(len(i)) if w is None else np.asarray(w, dtype=np.float64).ravel()
    problems = link_problems(names, i, j, w)
    if problems:
        raise GraphError(problems)

    low, high = np.minimum(i, j), np.maximum(i, j)
    first = np.unique(low * n + high, return_index=True)[1]
    low, high, weight = low[first], high[first], w[first]
    alone = np.setdiff1d(np.arange(n), np.concatenate([low, high]))
    focal = np.concatenate([low, high, alone])
    neighbor = np.concatenate([high, low, alone])
    value = np.concatenate([weight, weight, np.zeros(len(alone))])
    order = np.lexsort((neighbor, focal))
    # The order of libpysal's sparse form follows the codes of the index, not its labels; levels in the
    # order of `ids` make both agree with the table (labels sorted as text would not).
    index = pd.MultiIndex(
        levels=[names, names],
        codes=[focal[order], neighbor[order]],
        names=["focal", "neighbor"],
        verify_integrity=False,
    )
    return Graph(pd.Series(value[order], index=index, name="weight"), is_sorted=True)


def link_problems(names: pd.Index, i: np.ndarray, j: np.ndarray, w: np.ndarray) -> list[Problem]:
    """Say everything that keeps links by position from being a graph over the ids `names`."""
    problems = []
    if not names.is_unique or not all(isinstance(one, str) for one in names):
        problems.append(
            Problem("district ids of a graph must be unique text", "pass the index of the districts")
        )
    if not len(i) == len(j) == len(w):
        lengths = f"{len(i)}, {len(j)} and {len(w)}"
        problems.append(
            Problem(f"starts, ends and weights of links differ in number ({lengths})", "give one of each")
        )
        return problems
    n = len(names)
    outside = (i < 0) | (j < 0) | (i >= n) | (j >= n)
    if outside.any():
        problems.append(
            Problem(
                f"{outside.sum()} links point outside the {n} districts",
                "give positions from 0, in the order of the ids",
            )
        )
    i, j, w = i[~outside], j[~outside], w[~outside]
    loops = names[i[i == j]].unique()
    if len(loops):
        problems.append(
            Problem(f"districts linked with themselves: {name_some(loops)}", "leave self-loops out")
        )
    useless = ~(np.isfinite(w) & (w > 0))
    if useless.any():
        problems.append(
            Problem(
                f"weights not positive and finite for links {_pairs(names, i[useless], j[useless])}",
                "give weights above zero, and leave out what is no link",
            )
        )
    i, j, w = i[~useless], j[~useless], w[~useless]
    low, high = np.minimum(i, j), np.maximum(i, j)
    _, first, inverse = np.unique(low * n + high, return_index=True, return_inverse=True)
    twofold = first[np.unique(inverse[w != w[first][inverse]])]
    if twofold.size:
        problems.append(
            Problem(
                f"two different weights for links {_pairs(names, low[twofold], high[twofold])}",
                "give each link one weight, the same in both directions",
            )
        )
    return problems


def _pairs(names: pd.Index, i: np.ndarray, j: np.ndarray) -> str:
    return name_some([f"{a}-{b}" for a, b in zip(names[i], names[j], strict=True)])


def report_graph(graph: Graph, method: str, added: Sequence[tuple[str, str]] = ()) -> GraphReport:
    """Describe a graph: its definition in words, links, components, islands and added links.

    Parameters
    ----------
    graph
        A symmetric graph, as `graph_from_edges` makes it.
    method
        Definition in words ("queen contiguity").
    added
        Links that exact contiguity lacks, as pairs of ids.
    """
    matrix = graph.sparse.copy()
    matrix.eliminate_zeros()
    _, component = connected_components(matrix, directed=False)
    sizes = np.sort(np.bincount(component))[::-1]
    alone = np.diff(matrix.indptr) == 0
    return GraphReport(
        method=method,
        n_edges=matrix.nnz // 2,
        component_sizes=tuple(int(size) for size in sizes),
        islands=tuple(graph.unique_ids[alone]),
        added=tuple(added),
    )
