"""Solves with the factor's panels: (L L')^-1 and L'^-1 applied to one or many right-hand sides; and L'x.

A single right-hand side is worked on in vectors along the rows of a panel, many along the right-hand sides;
their rows are gathered into a front first, so that the dense kernels can work on them.
"""

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.simd import load, minus_product, spread, spread_from, store, times, total
from spatialvote.models.symbolic import COLUMNS, FIELDS, FIRST, PANEL_AT, ROW_AT, ROWS

#: Right-hand sides that go through the factor together: their part of a front stays in the cache.
TOGETHER = 32


@compiled()
def solve_in_place(factor, pattern, rhs):
    """Overwrite rhs, shape (n, m) in the permuted order, with (L L')^-1 rhs."""
    _solve(factor, pattern, rhs, True)


@compiled()
def solve_transposed_in_place(factor, pattern, rhs):
    """Overwrite rhs, shape (n, m) in the permuted order, with L'^-1 rhs: Gaussian draws from white noise."""
    _solve(factor, pattern, rhs, False)


@compiled()
def multiply_transposed_in_place(factor, pattern, x):
    """Overwrite x, shape (n,) in the permuted order, with L'x: white noise from Gaussian draws."""
    nodes, row_index = pattern[5], pattern[6]
    for s in range(nodes.size // FIELDS - 1):
        node = s * FIELDS
        first, k, m = nodes[node + FIRST], nodes[node + COLUMNS], nodes[node + ROWS]
        panel, row_at = nodes[node + PANEL_AT], nodes[node + ROW_AT]
        # Row first + j of the product needs no row before it: it can take that row's place.
        for j in range(k):
            column = panel + j * m
            value = 0.0
            for i in range(j, k):
                value += factor[column + i] * x[first + i]
            for i in range(m - k):
                value += factor[column + k + i] * x[row_index[row_at + i]]
            x[first + j] = value


@compiled()
def _solve(factor, pattern, rhs, both):
    nodes, row_index = pattern[5], pattern[6]
    n, m = rhs.shape
    if m == 1:
        one = rhs[:, 0].copy()
        if both:
            _forward_one(factor, nodes, row_index, one)
        _backward_one(factor, nodes, row_index, one)
        rhs[:, 0] = one
        return
    # Worked on in a copy, whose rows are a multiple of four wide and follow each other whatever rhs is.
    # Beyond the last row is one more, the spare row: on it fall the rows that a group of four has too many.
    width = min(TOGETHER, (m + 3) // 4 * 4)
    block = np.zeros((n + 1) * width)
    for start in range(0, m, TOGETHER):
        columns = min(TOGETHER, m - start)
        for i in range(n):
            for c in range(columns):
                block[i * width + c] = rhs[i, start + c]
        if both:
            forward(factor, nodes, row_index, block, width)
        backward(factor, nodes, row_index, block, width)
        for i in range(n):
            for c in range(columns):
                rhs[i, start + c] = block[i * width + c]


@compiled()
def _forward_one(factor, nodes, row_index, x):
    """x <- L^-1 x."""
    taken = np.empty(x.size + 8)
    for s in range(nodes.size // FIELDS - 1):
        node = s * FIELDS
        first, k, m = nodes[node + FIRST], nodes[node + COLUMNS], nodes[node + ROWS]
        panel, row_at = nodes[node + PANEL_AT], nodes[node + ROW_AT]
        left = m - k
        for j in range(k):
            column = panel + j * m
            value = x[first + j] / factor[column + j]
            x[first + j] = value
            for i in range(j + 1, k):
                x[first + i] -= factor[column + i] * value
        for i in range(0, left, 4):
            at = panel + k + i
            sum_ = spread(0.0)
            for j in range(k):
                sum_ = minus_product(sum_, load(factor, at), spread_from(x, first + j))
                at += m
            store(taken, i, sum_)
        for i in range(left):
            x[row_index[row_at + i]] += taken[i]


@compiled()
def _backward_one(factor, nodes, row_index, x):
    """x <- L'^-1 x."""
    below = np.empty(x.size + 8)
    for s in range(nodes.size // FIELDS - 2, -1, -1):
        node = s * FIELDS
        first, k, m = nodes[node + FIRST], nodes[node + COLUMNS], nodes[node + ROWS]
        panel, row_at = nodes[node + PANEL_AT], nodes[node + ROW_AT]
        left = m - k
        for i in range(left):
            below[i] = x[row_index[row_at + i]]
        whole = left // 4 * 4
        for j in range(k - 1, -1, -1):
            column = panel + j * m
            sum_ = spread(0.0)
            for i in range(0, whole, 4):
                sum_ = minus_product(sum_, load(factor, column + k + i), load(below, i))
            value = x[first + j] + total(sum_)
            for i in range(whole, left):
                value -= factor[column + k + i] * below[i]
            for i in range(j + 1, k):
                value -= factor[column + i] * x[first + i]
            x[first + j] = value / factor[column + j]


@compiled()
def forward(factor, nodes, row_index, x, width):
    """X <- L^-1 X, the rows of X width apart, a multiple of four."""
    spare = x.size - width
    for s in range(nodes.size // FIELDS - 1):
        node = s * FIELDS
        first, k, m = nodes[node + FIRST], nodes[node + COLUMNS], nodes[node + ROWS]
        panel, row_at = nodes[node + PANEL_AT], nodes[node + ROW_AT]
        own, left = first * width, m - k
        for j in range(0, k, 4):
            t0, t1 = own + j * width, own + (j + 1) * width if j + 1 < k else spare
            t2, t3 = (
                own + (j + 2) * width if j + 2 < k else spare,
                own + (j + 3) * width if j + 3 < k else spare,
            )
            if j > 0:
                _take(x, width, t0, t1, t2, t3, x, own, factor, panel + j, 1, m, j)
            _solve_four(x, width, t0, t1, t2, t3, factor, panel + j * (m + 1), m)
        for i in range(0, left, 4):
            at = row_at + i
            t0, t1 = (
                row_index[at] * width,
                row_index[at + 1] * width if i + 1 < left else spare,
            )
            t2 = row_index[at + 2] * width if i + 2 < left else spare
            t3 = row_index[at + 3] * width if i + 3 < left else spare
            _take(x, width, t0, t1, t2, t3, x, own, factor, panel + k + i, 1, m, k)


@compiled()
def backward(factor, nodes, row_index, x, width):
    """X <- L'^-1 X, the rows of X width apart, a multiple of four."""
    spare, rows = x.size - width, 0
    for node in range(0, nodes.size - FIELDS, FIELDS):
        rows = max(rows, nodes[node + ROWS] - nodes[node + COLUMNS])
    below = np.empty(rows * width)
    for s in range(nodes.size // FIELDS - 2, -1, -1):
        node = s * FIELDS
        first, k, m = nodes[node + FIRST], nodes[node + COLUMNS], nodes[node + ROWS]
        panel, row_at = nodes[node + PANEL_AT], nodes[node + ROW_AT]
        own, left = first * width, m - k
        for i in range(left):
            source, target = row_index[row_at + i] * width, i * width
            for c in range(0, width, 4):
                store(below, target + c, load(x, source + c))
        for j in range((k - 1) // 4 * 4, -1, -4):
            t0, t1 = own + j * width, own + (j + 1) * width if j + 1 < k else spare
            t2, t3 = (
                own + (j + 2) * width if j + 2 < k else spare,
                own + (j + 3) * width if j + 3 < k else spare,
            )
            _take(x, width, t0, t1, t2, t3, below, 0, factor, panel + j * m + k, m, 1, left)
            if j + 4 < k:
                _take(
                    x,
                    width,
                    t0,
                    t1,
                    t2,
                    t3,
                    x,
                    own + (j + 4) * width,
                    factor,
                    panel + j * m + j + 4,
                    m,
                    1,
                    k - j - 4,
                )
            _solve_four_transposed(x, width, t0, t1, t2, t3, factor, panel + j * (m + 1), m, min(4, k - j))


@compiled(forceinline=True)
def _take(x, width, t0, t1, t2, t3, source, source_at, factor, at, across, step, depth):
    """Subtract from four rows of x the products of the factor's entries with depth rows of the source.

    Row q of the four stands at tq; entry p of its factor at ``at + q * across + p * step``.
    """
    c = 0
    while c + 4 < width:
        s0, s1, s2, s3 = load(x, t0 + c), load(x, t1 + c), load(x, t2 + c), load(x, t3 + c)
        u0, u1, u2, u3 = load(x, t0 + c + 4), load(x, t1 + c + 4), load(x, t2 + c + 4), load(x, t3 + c + 4)
        a, b = at, source_at + c
        for _ in range(depth):
            left, right = load(source, b), load(source, b + 4)
            value = spread_from(factor, a)
            s0, u0 = minus_product(s0, left, value), minus_product(u0, right, value)
            value = spread_from(factor, a + across)
            s1, u1 = minus_product(s1, left, value), minus_product(u1, right, value)
            value = spread_from(factor, a + 2 * across)
            s2, u2 = minus_product(s2, left, value), minus_product(u2, right, value)
            value = spread_from(factor, a + 3 * across)
            s3, u3 = minus_product(s3, left, value), minus_product(u3, right, value)
            a += step
            b += width
        store(x, t0 + c, s0)
        store(x, t1 + c, s1)
        store(x, t2 + c, s2)
        store(x, t3 + c, s3)
        store(x, t0 + c + 4, u0)
        store(x, t1 + c + 4, u1)
        store(x, t2 + c + 4, u2)
        store(x, t3 + c + 4, u3)
        c += 8
    if c < width:
        s0, s1, s2, s3 = load(x, t0 + c), load(x, t1 + c), load(x, t2 + c), load(x, t3 + c)
        a, b = at, source_at + c
        for _ in range(depth):
            left = load(source, b)
            s0 = minus_product(s0, left, spread_from(factor, a))
            s1 = minus_product(s1, left, spread_from(factor, a + across))
            s2 = minus_product(s2, left, spread_from(factor, a + 2 * across))
            s3 = minus_product(s3, left, spread_from(factor, a + 3 * across))
            a += step
            b += width
        store(x, t0 + c, s0)
        store(x, t1 + c, s1)
        store(x, t2 + c, s2)
        store(x, t3 + c, s3)


@compiled(forceinline=True)
def _solve_four(x, width, t0, t1, t2, t3, factor, at, m):
    """Solve with a lower triangle of four rows, which starts on the diagonal, m a column."""
    c1, c2, c3 = at + m, at + 2 * m, at + 3 * m
    i0, i1 = spread(1.0 / factor[at]), spread(1.0 / factor[c1 + 1])
    i2, i3 = spread(1.0 / factor[c2 + 2]), spread(1.0 / factor[c3 + 3])
    l10, l20, l30 = spread_from(factor, at + 1), spread_from(factor, at + 2), spread_from(factor, at + 3)
    l21, l31, l32 = spread_from(factor, c1 + 2), spread_from(factor, c1 + 3), spread_from(factor, c2 + 3)
    for c in range(0, width, 4):
        x0 = times(load(x, t0 + c), i0)
        x1 = times(minus_product(load(x, t1 + c), x0, l10), i1)
        x2 = times(minus_product(minus_product(load(x, t2 + c), x0, l20), x1, l21), i2)
        x3 = minus_product(minus_product(load(x, t3 + c), x0, l30), x1, l31)
        store(x, t0 + c, x0)
        store(x, t1 + c, x1)
        store(x, t2 + c, x2)
        store(x, t3 + c, times(minus_product(x3, x2, l32), i3))


@compiled(forceinline=True)
def _solve_four_transposed(x, width, t0, t1, t2, t3, factor, at, m, rows):
    """Solve with the transpose of a lower triangle of one to four rows."""
    c1, c2, c3 = at + m, at + 2 * m, at + 3 * m
    # Rows that are not there neither take part nor count.
    i0 = spread(1.0 / factor[at])
    i1 = spread(1.0 / factor[c1 + 1] if rows > 1 else 0.0)
    i2 = spread(1.0 / factor[c2 + 2] if rows > 2 else 0.0)
    i3 = spread(1.0 / factor[c3 + 3] if rows > 3 else 0.0)
    l10 = spread(factor[at + 1] if rows > 1 else 0.0)
    l20, l21 = spread(factor[at + 2] if rows > 2 else 0.0), spread(factor[c1 + 2] if rows > 2 else 0.0)
    l30, l31 = spread(factor[at + 3] if rows > 3 else 0.0), spread(factor[c1 + 3] if rows > 3 else 0.0)
    l32 = spread(factor[c2 + 3] if rows > 3 else 0.0)
    for c in range(0, width, 4):
        x3 = times(load(x, t3 + c), i3) if rows > 3 else spread(0.0)
        x2 = times(minus_product(load(x, t2 + c), x3, l32), i2) if rows > 2 else spread(0.0)
        x1 = minus_product(minus_product(load(x, t1 + c), x2, l21), x3, l31)
        x1 = times(x1, i1) if rows > 1 else spread(0.0)
        x0 = minus_product(minus_product(minus_product(load(x, t0 + c), x1, l10), x2, l20), x3, l30)
        store(x, t3 + c, x3)
        store(x, t2 + c, x2)
        store(x, t1 + c, x1)
        store(x, t0 + c, times(x0, i0))
