"""The multifrontal factorisation: each supernode's front is assembled from its children's updates.

The front of a supernode is the dense matrix of its rows: the panel, its own columns, in which the matrix's
entries stand, and the update matrix of what its elimination takes from the rows above it in the tree. The
update is subtracted by a dense kernel and later added into the parent's front.

References
----------
Duff, I. S., Reid, J. K. (1983). The multifrontal solution of indefinite sparse symmetric linear equations.
ACM TOMS 9.
Davis, T. A. (2006). Direct Methods for Sparse Linear Systems. SIAM.
"""

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.dense import factor_panel
from spatialvote.models.simd import load, plus, store
from spatialvote.models.symbolic import (
    COLUMNS,
    ENTRY_AT,
    FIELDS,
    FIRST,
    OLDEST,
    PANEL_AT,
    ROW_AT,
    ROWS,
    UPDATE_AT,
    padded,
)


@compiled()
def factorise_values(below_value, diagonal, pattern):
    """Values of the factor L with L L' = P A P', panel by panel.

    Parameters
    ----------
    below_value, diagonal
        Entries of A, in the order of the pattern's ``below_index`` and in the permuted order; ``pattern``
        gives positions only.
    pattern
        A `Pattern` as a plain tuple.

    Returns
    -------
    numpy.ndarray
        The panels. Its first entry is NaN where the matrix is not positive definite.
    """
    nodes, relative, entries = pattern[5], pattern[7], pattern[8]
    count, n_entries = nodes.size // FIELDS - 1, entries.size // 2
    factor = np.empty(nodes[count * FIELDS + PANEL_AT])
    work = np.empty(nodes[count * FIELDS + UPDATE_AT])
    for s in range(count):
        node = s * FIELDS
        first, k, m = nodes[node + FIRST], nodes[node + COLUMNS], nodes[node + ROWS]
        panel, update = nodes[node + PANEL_AT], nodes[node + UPDATE_AT]
        step = padded(m - k)
        factor[panel : panel + m * k] = 0.0
        for q in range(nodes[node + ENTRY_AT], nodes[node + FIELDS + ENTRY_AT]):
            factor[entries[n_entries + q]] = below_value[entries[q]]
        for j in range(k):
            factor[panel + j * (m + 1)] = diagonal[first + j]
        work[update : update + step * step] = 0.0
        c = s - 1
        while c >= nodes[node + OLDEST]:
            child = c * FIELDS
            size = nodes[child + ROWS] - nodes[child + COLUMNS]
            _add_update(
                work,
                nodes[child + UPDATE_AT],
                size,
                relative,
                nodes[child + ROW_AT],
                factor,
                panel,
                m,
                k,
                update,
                step,
            )
            c = nodes[child + OLDEST] - 1
        if not factor_panel(factor, panel, m, k, work, update, step):
            factor[0] = np.nan
            return factor
    return factor


@compiled()
def _add_update(work, at, size, relative, place, factor, panel, m, k, update, step):
    """Add a child's update matrix into its parent's panel and update matrix."""
    source_step = padded(size)
    for j in range(size):
        source = at + j * source_step
        column = relative[place + j]
        # Rows that are neighbours in the parent too, as all those of a separator are, move as one.
        joined = relative[place + size - 1] - column == size - 1 - j
        if column < k:
            target = panel + column * m
            if joined:
                _add_run(factor, target + column, work, source + j, size - j)
            else:
                for i in range(j, size):
                    factor[target + relative[place + i]] += work[source + i]
        else:
            target = update + (column - k) * step - k
            if joined:
                _add_run(work, target + column, work, source + j, size - j)
            else:
                for i in range(j, size):
                    work[target + relative[place + i]] += work[source + i]


@compiled()
def _add_run(target, target_at, source, source_at, length):
    """Add length entries that follow each other."""
    for i in range(0, length - 3, 4):
        store(target, target_at + i, plus(load(target, target_at + i), load(source, source_at + i)))
    for i in range(length // 4 * 4, length):
        target[target_at + i] += source[source_at + i]
