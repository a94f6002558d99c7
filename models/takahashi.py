r"""Entries of the inverse where the matrix has entries, without the rest of it.

With L1 the diagonal block of a supernode's panel and L2 the rows below, and Z the inverse of L L',

    Y = L2 L1^-1,    Z21 = -Z22 Y,    Z11 = (L1 L1')^-1 - Y' Z21,

so that a panel of Z follows from Z22, the inverse at the rows below, which is part of the parent's front
(Takahashi's recursion, by supernodes). From the roots down, each front hands its children what they need.

References
----------
Takahashi, K., Fagan, J., Chin, M.-S. (1973). Formation of a sparse bus impedance matrix and its application
to short circuit study. 8th PICA Conference Proceedings.
Campbell, Y. E., Davis, T. A. (1995). Computing the sparse inverse subset: an inverse multifrontal approach.
University of Florida TR-95-021.
"""

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.dense import SLACK, subtract_product
from spatialvote.models.simd import load, minus_product, spread, spread_from, store, times, total
from spatialvote.models.symbolic import (
    COLUMNS,
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
def selected_inverse(factor, pattern):
    """Entries of (L L')^-1 at the positions of the analysed matrix.

    Returns
    -------
    tuple
        Values below the diagonal, in the order of the pattern's ``below_index``, and the diagonal, in the
        permuted order: what a trace tr((L L')^-1 B) needs for any B with the pattern of the matrix.
    """
    nodes, entries = pattern[5], pattern[8]
    inverse = _panels(factor, pattern)
    n_entries = entries.size // 2
    below = np.empty(n_entries)
    for p in range(n_entries):
        below[entries[p]] = inverse[entries[n_entries + p]]
    return below, _diagonal(inverse, nodes)


@compiled()
def inverse_diagonal(factor, pattern):
    """Diagonal of (L L')^-1 in the permuted order."""
    return _diagonal(_panels(factor, pattern), pattern[5])


@compiled()
def _diagonal(panels, nodes):
    count = nodes.size // FIELDS - 1
    diagonal = np.empty(nodes[count * FIELDS + FIRST])
    for s in range(count):
        node = s * FIELDS
        first, m = nodes[node + FIRST], nodes[node + ROWS]
        for j in range(nodes[node + COLUMNS]):
            diagonal[first + j] = panels[nodes[node + PANEL_AT] + j * (m + 1)]
    return diagonal


@compiled()
def _panels(factor, pattern):
    """The inverse in the layout of the factor's panels."""
    nodes, relative = pattern[5], pattern[7]
    count = nodes.size // FIELDS - 1
    inverse = np.empty(nodes[count * FIELDS + PANEL_AT])
    # As in the factorisation, but from the end to the beginning: a front's Z22 stands where its update did.
    work = np.empty(nodes[count * FIELDS + UPDATE_AT])
    largest = 0
    for node in range(0, count * FIELDS, FIELDS):
        largest = max(largest, (nodes[node + COLUMNS] + 3) * _step(nodes[node + ROWS]))
    slope, front = np.zeros(largest + SLACK), np.empty(largest + SLACK)
    for s in range(count - 1, -1, -1):
        node = s * FIELDS
        k, m = nodes[node + COLUMNS], nodes[node + ROWS]
        panel, update = nodes[node + PANEL_AT], nodes[node + UPDATE_AT]
        _panel(factor, inverse, panel, m, k, work, update, slope, front)
        c = s - 1
        while c >= nodes[node + OLDEST]:
            child = c * FIELDS
            size = nodes[child + ROWS] - nodes[child + COLUMNS]
            _hand_down(
                work,
                nodes[child + UPDATE_AT],
                size,
                relative,
                nodes[child + ROW_AT],
                inverse,
                panel,
                m,
                k,
                update,
            )
            c = nodes[child + OLDEST] - 1
    return inverse


@compiled()
def _step(m):
    """Distance of the columns of a front with m rows, so that a vector may start at its last row."""
    return padded(m) + 4


@compiled()
def _panel(factor, inverse, panel, m, k, work, update, slope, front):
    """One panel of the inverse; slope and front are room for [L1^-1; Y] and for [-L1^-1; Z21]."""
    left, step = m - k, _step(m)
    _divide(factor, panel, m, k, slope, step)
    for j in range(k):
        for i in range(j * step, j * step + k):
            front[i] = -slope[i]
        for i in range(j * step + k, (j + 1) * step):
            front[i] = 0.0
    subtract_product(front, k, step, work, update, padded(left), slope, k, 1, step, left, k, left, False)
    for j in range(k):
        # What the product ran over; the following sums go as far.
        for i in range(j * step + m, (j + 1) * step):
            front[i] = 0.0
        for i in range(k, m):
            inverse[panel + j * m + i] = front[j * step + i]
        for i in range(j, k):
            sum_ = spread(0.0)
            for q in range(i, m, 4):
                sum_ = minus_product(sum_, load(slope, i * step + q), load(front, j * step + q))
            inverse[panel + j * m + i] = total(sum_)


@compiled()
def _divide(factor, panel, m, k, slope, step):
    """[L1^-1; L2 L1^-1], four columns at a time from the last; rows beyond the last are zero."""
    for start in range((k - 1) // 4 * 4, -1, -4):
        stop = min(start + 4, k)
        for j in range(start, stop):
            for i in range(step):
                slope[j * step + i] = 0.0
            slope[j * step + j] = 1.0
            for i in range(k, m):
                slope[j * step + i] = factor[panel + j * m + i]
        if stop < k:
            subtract_product(
                slope,
                start * step,
                step,
                slope,
                stop * step,
                step,
                factor,
                panel + start * m + stop,
                1,
                m,
                m,
                4,
                k - stop,
                False,
            )
        for j in range(stop - 1, start - 1, -1):
            for q in range(j + 1, stop):
                entry = spread_from(factor, panel + j * m + q)
                for i in range(0, m, 4):
                    at = j * step + i
                    store(slope, at, minus_product(load(slope, at), load(slope, q * step + i), entry))
            pivot = spread(1.0 / factor[panel + j * (m + 1)])
            for i in range(j * step, j * step + m, 4):
                store(slope, i, times(load(slope, i), pivot))


@compiled()
def _hand_down(work, at, size, relative, place, inverse, panel, m, k, update):
    """Copy a child's Z22 out of its parent's front, both triangles."""
    child_step, step = padded(size), padded(m - k)
    for j in range(size):
        column = relative[place + j]
        # Below the diagonal of the front: in the panel or in the front's own Z22.
        source = panel + column * m if column < k else update + (column - k) * step - k
        if column < k:
            for i in range(j, size):
                value = inverse[source + relative[place + i]]
                work[at + j * child_step + i] = value
                work[at + i * child_step + j] = value
        else:
            for i in range(j, size):
                value = work[source + relative[place + i]]
                work[at + j * child_step + i] = value
                work[at + i * child_step + j] = value
