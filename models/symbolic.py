"""Supernodes: which columns of the factor are stored and factored together, and where everything goes.

Neighbouring columns of the factor that have the same rows form a dense panel. Leaves of the elimination tree
give panels of one or two columns, on which a dense kernel spends more time starting than working; so a panel
is merged with its parent wherever a simple model of the time says that the zeros which this stores cost less
than the second panel (relaxed supernodes, Ashcraft & Grimes 1989).

References
----------
Ashcraft, C., Grimes, R. (1989). The influence of relaxed supernode partitions on the multifrontal method.
ACM TOMS 15.
Ng, E. G., Peyton, B. W. (1993). Block sparse Cholesky algorithms on advanced uniprocessor computers. SIAM J.
Sci. Comput. 14.
"""

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.dense import SLACK

#: Columns of the table of supernodes (one row for each, and one more for the totals): first column, number of
#: columns and of rows of the panel; where its rows below the diagonal block, the panel, its update matrix
#: and its entries begin in ``row_index``, the factor, the workspace and ``entries``; its first descendant.
FIRST, COLUMNS, ROWS, ROW_AT, PANEL_AT, UPDATE_AT, ENTRY_AT, OLDEST = range(8)
FIELDS = 8

#: Model of the time of a panel, in nanoseconds: the panel itself, an entry of the panel, an entry of its
#: update matrix, an elementary operation of its factorisation.
_PANEL, _ENTRY, _UPDATE, _FLOP = 150.0, 3.0, 0.6, 0.08


@compiled()
def padded(rows):
    """Distance of the columns of an update matrix: a multiple of four, so that kernels stay within it."""
    return (rows + 3) // 4 * 4


@compiled()
def supernodes(parent, order, count):
    """Supernode of each column and the supernodes' columns, rows and parents.

    Parameters
    ----------
    parent, order, count
        Elimination tree, its postorder and the counts of the factor's columns.

    Returns
    -------
    tuple
        ``member`` (n,), ``columns``, ``rows`` and ``above`` (n_supernodes,), the parent or -1; the
        supernodes come in postorder.
    """
    n = parent.size
    member = np.empty(n, dtype=np.int64)
    columns = np.zeros(n, dtype=np.int64)
    rows = np.zeros(n, dtype=np.int64)
    last = np.empty(n, dtype=np.int64)
    s = -1
    for q in range(n):
        j = order[q]
        i = order[q - 1] if q > 0 else -1
        if q == 0 or parent[i] != j or count[i] != count[j] + 1:
            s += 1
            rows[s] = count[j]
        member[j] = s
        columns[s] += 1
        last[s] = j
    above = np.full(s + 1, -1, dtype=np.int64)
    for t in range(s + 1):
        if parent[last[t]] >= 0:
            above[t] = member[parent[last[t]]]
    return member, columns[: s + 1], rows[: s + 1], above


@compiled()
def _time(columns, rows):
    """Modelled time to assemble and factor a panel."""
    left = rows - columns
    flops = columns * (rows * rows - rows * columns + columns * columns / 3.0)
    return _PANEL + _ENTRY * columns * rows + _UPDATE * left * left + _FLOP * flops


@compiled()
def merge(columns, rows, above):
    """Merge supernodes with their parents where it saves time; columns, rows and above change in place.

    The rows of a child are its columns and rows of its parent, so the merged panel has the child's columns
    more than the parent's panel, in both directions.

    Returns
    -------
    numpy.ndarray
        The supernode that each now belongs to, shape (n_supernodes,).
    """
    n = columns.size
    into = np.arange(n)
    child = np.full(n, -1, dtype=np.int64)
    sibling = np.full(n, -1, dtype=np.int64)
    for s in range(n):
        c = child[s]
        child[s] = -1
        while c >= 0:
            following = sibling[c]
            together = _time(columns[c] + columns[s], columns[c] + rows[s])
            if together < _time(columns[c], rows[c]) + _time(columns[s], rows[s]):
                into[c] = s
                columns[s] += columns[c]
                rows[s] += columns[c]
            c = following
        if above[s] >= 0:
            sibling[s] = child[above[s]]
            child[above[s]] = s
    # From the roots down, so that a chain of mergers ends at its last.
    for s in range(n - 1, -1, -1):
        into[s] = into[into[s]]
        if above[s] >= 0:
            above[s] = into[above[s]]
    return into


@compiled()
def layout(columns, rows, above, below_start, below_index):
    """Tables of the supernodes, numbered in postorder, of a matrix in the final order.

    Parameters
    ----------
    columns, rows, above
        Of each supernode: number of columns, number of rows of the panel, parent (-1 for a root).
    below_start, below_index
        Entries of the matrix left of the diagonal, row by row.

    Returns
    -------
    tuple
        ``nodes``, shape ((n_supernodes + 1) * FIELDS,); ``row_index``, the rows below each diagonal block,
        ascending; ``relative``, their positions in the parent's front (the rows of the parent's panel);
        ``entries``, shape (2 * n_entries,): the entries of the matrix supernode by supernode, as positions
        in ``below_index``, and then where they go in the factor.
    """
    n, count, n_entries = below_start.size - 1, columns.size, below_index.size
    nodes = np.zeros((count + 1, FIELDS), dtype=np.int64)
    for s in range(count):
        nodes[s, COLUMNS], nodes[s, ROWS], nodes[s, OLDEST] = columns[s], rows[s], s
        nodes[s + 1, FIRST] = nodes[s, FIRST] + columns[s]
        nodes[s + 1, ROW_AT] = nodes[s, ROW_AT] + rows[s] - columns[s]
        nodes[s + 1, PANEL_AT] = nodes[s, PANEL_AT] + rows[s] * columns[s]
    for s in range(count):
        if above[s] >= 0:
            nodes[above[s], OLDEST] = min(nodes[above[s], OLDEST], nodes[s, OLDEST])
    _place_updates(nodes, above)
    row_index = np.empty(nodes[count, ROW_AT], dtype=np.int64)
    relative = np.empty(nodes[count, ROW_AT], dtype=np.int64)
    entries = np.empty(2 * n_entries, dtype=np.int64)

    # The entries below the diagonal, column by column.
    column_start = np.zeros(n + 1, dtype=np.int64)
    for p in range(n_entries):
        column_start[below_index[p] + 1] += 1
    for j in range(n):
        column_start[j + 1] += column_start[j]
    fill = column_start[:-1].copy()
    entry_row = np.empty(n_entries, dtype=np.int64)
    for i in range(n):
        for p in range(below_start[i], below_start[i + 1]):
            j = below_index[p]
            entries[fill[j]] = p
            entry_row[fill[j]] = i
            fill[j] += 1

    mark = np.full(n, -1, dtype=np.int64)
    place = np.empty(n, dtype=np.int64)
    for s in range(count):
        first, k, m = nodes[s, FIRST], nodes[s, COLUMNS], nodes[s, ROWS]
        start, stop, at = nodes[s, ROW_AT], nodes[s + 1, ROW_AT], nodes[s, ROW_AT]
        for p in range(column_start[first], column_start[first + k]):
            i = entry_row[p]
            if i >= first + k and mark[i] != s:
                mark[i] = s
                row_index[at] = i
                at += 1
        c = s - 1
        while c >= nodes[s, OLDEST]:
            for p in range(nodes[c, ROW_AT], nodes[c + 1, ROW_AT]):
                i = row_index[p]
                if i >= first + k and mark[i] != s:
                    mark[i] = s
                    row_index[at] = i
                    at += 1
            c = nodes[c, OLDEST] - 1
        row_index[start:stop] = np.sort(row_index[start:stop])
        for q in range(k):
            place[first + q] = q
        for p in range(start, stop):
            place[row_index[p]] = k + p - start
        nodes[s, ENTRY_AT] = column_start[first]
        for j in range(k):
            for p in range(column_start[first + j], column_start[first + j + 1]):
                entries[n_entries + p] = nodes[s, PANEL_AT] + j * m + place[entry_row[p]]
        c = s - 1
        while c >= nodes[s, OLDEST]:
            for p in range(nodes[c, ROW_AT], nodes[c + 1, ROW_AT]):
                relative[p] = place[row_index[p]]
            c = nodes[c, OLDEST] - 1
    nodes[count, ENTRY_AT] = n_entries
    return nodes.ravel(), row_index, relative, entries


@compiled()
def _place_updates(nodes, above):
    """Where each update matrix stands in the workspace, and the sizes of workspace and factor.

    A front is assembled while the update matrices of its children still stand. With one stack for the
    supernodes at odd and one for those at even depth, a supernode's children are always on top of the other
    stack, and both are last in, first out.
    """
    count = above.size
    depth = np.zeros(count, dtype=np.int64)
    for s in range(count - 1, -1, -1):
        if above[s] >= 0:
            depth[s] = (depth[above[s]] + 1) % 2
    top, peak = np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64)
    size = nodes[count, PANEL_AT]
    for s in range(count):
        mine, other = depth[s], 1 - depth[s]
        nodes[s, UPDATE_AT] = top[mine]
        top[mine] += padded(nodes[s, ROWS] - nodes[s, COLUMNS]) ** 2
        peak[mine] = max(peak[mine], top[mine])
        c = s - 1
        while c >= nodes[s, OLDEST]:
            top[other] = nodes[c, UPDATE_AT]
            c = nodes[c, OLDEST] - 1
        # Kernels run over by three columns.
        size = max(size, nodes[s, PANEL_AT] + (nodes[s, COLUMNS] + 3) * nodes[s, ROWS])
    for s in range(count):
        nodes[s, UPDATE_AT] += depth[s] * peak[0]
    nodes[count, UPDATE_AT] = peak[0] + peak[1] + SLACK
    nodes[count, PANEL_AT] = size + SLACK
