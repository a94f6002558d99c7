"""Dense kernels on blocks of larger arrays, column by column: product and Cholesky factor of a panel.

A block is named by a flat array, the position of its first entry and the distance of its columns. The
kernels work on four columns by four or eight rows at a time, whatever the block's size, and so **write up to
three rows below a block and up to three columns to its right** in the same layout, and read as far. Callers
see to it that nothing of value stands there: a panel's columns are followed by the unused upper triangle of
the next column, and the arrays have room at their end (`SLACK` and three columns).

The library routine for this, BLAS, is not called: what SciPy ships starts threads of its own, of which a
sampler that runs its chains in threads would have too many, and calls cost more than the work on the small
blocks that maps give rise to.
"""

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.simd import load, minus_product, spread, spread_from, store, times

#: Entries after the last column that may be touched.
SLACK = 8

#: Columns of a panel that are factored before the rest of the panel is updated: these stay in the cache.
_BLOCK = 64


@compiled()
def subtract_product(
    c, c_at, c_step, a, a_at, a_step, b, b_at, b_step, b_across, rows, columns, depth, lower
):
    """C -= A B', where C has rows by columns entries, A rows by depth, B columns by depth.

    ``*_at`` and ``*_step`` are positions of the first entries and distances of the columns; ``b_across`` is
    the distance of the rows of B. With ``lower``, blocks above the diagonal of C are left alone.
    """
    for q in range(0, columns, 4):
        c0 = c_at + q * c_step
        c1, c2, c3 = c0 + c_step, c0 + 2 * c_step, c0 + 3 * c_step
        r = q if lower else 0
        while r < rows:
            a0, b0 = a_at + r, b_at + q * b_across
            if r + 4 < rows:
                s0, s1, s2, s3 = load(c, c0 + r), load(c, c1 + r), load(c, c2 + r), load(c, c3 + r)
                t0, t1 = load(c, c0 + r + 4), load(c, c1 + r + 4)
                t2, t3 = load(c, c2 + r + 4), load(c, c3 + r + 4)
                for _ in range(depth):
                    upper, under = load(a, a0), load(a, a0 + 4)
                    x = spread_from(b, b0)
                    s0, t0 = minus_product(s0, upper, x), minus_product(t0, under, x)
                    x = spread_from(b, b0 + b_across)
                    s1, t1 = minus_product(s1, upper, x), minus_product(t1, under, x)
                    x = spread_from(b, b0 + 2 * b_across)
                    s2, t2 = minus_product(s2, upper, x), minus_product(t2, under, x)
                    x = spread_from(b, b0 + 3 * b_across)
                    s3, t3 = minus_product(s3, upper, x), minus_product(t3, under, x)
                    a0 += a_step
                    b0 += b_step
                store(c, c0 + r, s0)
                store(c, c1 + r, s1)
                store(c, c2 + r, s2)
                store(c, c3 + r, s3)
                store(c, c0 + r + 4, t0)
                store(c, c1 + r + 4, t1)
                store(c, c2 + r + 4, t2)
                store(c, c3 + r + 4, t3)
                r += 8
            else:
                s0, s1, s2, s3 = load(c, c0 + r), load(c, c1 + r), load(c, c2 + r), load(c, c3 + r)
                for _ in range(depth):
                    upper = load(a, a0)
                    s0 = minus_product(s0, upper, spread_from(b, b0))
                    s1 = minus_product(s1, upper, spread_from(b, b0 + b_across))
                    s2 = minus_product(s2, upper, spread_from(b, b0 + 2 * b_across))
                    s3 = minus_product(s3, upper, spread_from(b, b0 + 3 * b_across))
                    a0 += a_step
                    b0 += b_step
                store(c, c0 + r, s0)
                store(c, c1 + r, s1)
                store(c, c2 + r, s2)
                store(c, c3 + r, s3)
                r += 4


@compiled()
def factor_panel(panel, at, m, k, update, update_at, update_step):
    """Cholesky factor of the first k columns of a symmetric matrix with m rows, in place.

    The panel, its columns m apart, holds the lower part of the first k columns of the matrix, the update the
    lower part of the last m - k; of these, the product of the factor's rows is subtracted. Returns whether
    the pivots were positive.
    """
    for start in range(0, k, _BLOCK):
        stop = min(start + _BLOCK, k)
        for j in range(start, stop, 4):
            here, columns = at + j * (m + 1), min(4, stop - j)
            if j > start:
                left = at + start * m + j
                subtract_product(
                    panel, here, m, panel, left, m, panel, left, m, 1, m - j, columns, j - start, True
                )
            if not _factor_columns(panel, here, m, m - j, columns):
                return False
        if stop < k:
            corner, left = at + stop * (m + 1), at + start * m + stop
            subtract_product(
                panel, corner, m, panel, left, m, panel, left, m, 1, m - stop, k - stop, stop - start, True
            )
        if k < m:
            left = at + start * m + k
            subtract_product(
                update,
                update_at,
                update_step,
                panel,
                left,
                m,
                panel,
                left,
                m,
                1,
                m - k,
                m - k,
                stop - start,
                True,
            )
    return True


@compiled()
def _factor_columns(panel, at, m, rows, columns):
    """Cholesky factor of one to four columns that start on the diagonal; false if a pivot is not positive."""
    c0, c1, c2, c3 = at, at + m, at + 2 * m, at + 3 * m
    l11 = l22 = l33 = 1.0
    l10 = l20 = l21 = l30 = l31 = l32 = 0.0
    pivot = panel[c0]
    if not pivot > 0.0:
        return False
    l00 = np.sqrt(pivot)
    if columns > 1:
        l10 = panel[c0 + 1] / l00
        pivot = panel[c1 + 1] - l10 * l10
        if not pivot > 0.0:
            return False
        l11 = np.sqrt(pivot)
    if columns > 1 and rows > 2:
        l20 = panel[c0 + 2] / l00
        l21 = (panel[c1 + 2] - l20 * l10) / l11
    if columns > 2:
        pivot = panel[c2 + 2] - l20 * l20 - l21 * l21
        if not pivot > 0.0:
            return False
        l22 = np.sqrt(pivot)
    if columns > 3:
        l30 = panel[c0 + 3] / l00
        l31 = (panel[c1 + 3] - l30 * l10) / l11
        l32 = (panel[c2 + 3] - l30 * l20 - l31 * l21) / l22
        pivot = panel[c3 + 3] - l30 * l30 - l31 * l31 - l32 * l32
        if not pivot > 0.0:
            return False
        l33 = np.sqrt(pivot)
    i0, i1, i2, i3 = spread(1.0 / l00), spread(1.0 / l11), spread(1.0 / l22), spread(1.0 / l33)
    v10, v20, v21 = spread(l10), spread(l20), spread(l21)
    v30, v31, v32 = spread(l30), spread(l31), spread(l32)
    for r in range(columns, rows, 4):
        x0 = times(load(panel, c0 + r), i0)
        store(panel, c0 + r, x0)
        if columns > 1:
            x1 = times(minus_product(load(panel, c1 + r), x0, v10), i1)
            store(panel, c1 + r, x1)
            if columns > 2:
                x2 = times(minus_product(minus_product(load(panel, c2 + r), x0, v20), x1, v21), i2)
                store(panel, c2 + r, x2)
                if columns > 3:
                    x3 = minus_product(minus_product(load(panel, c3 + r), x0, v30), x1, v31)
                    store(panel, c3 + r, times(minus_product(x3, x2, v32), i3))
    # Written last: the rows below the first columns run over into the first three rows of the next ones.
    panel[c0] = l00
    if columns > 1:
        panel[c0 + 1] = l10
        panel[c1 + 1] = l11
    if columns > 1 and rows > 2:
        panel[c0 + 2] = l20
        panel[c1 + 2] = l21
    if columns > 2:
        panel[c2 + 2] = l22
    if columns > 3:
        panel[c0 + 3] = l30
        panel[c1 + 3] = l31
        panel[c2 + 3] = l32
        panel[c3 + 3] = l33
    return True
