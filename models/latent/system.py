r"""One linear system for all terms and the coefficients: factor, constraints, Schur complement, covariances.

With S = Q + A'HA, H = diag(h), and J = [A, X], the negative Hessian in (z, b) is

    [ S        A'HX     ]
    [ X'HA     B + X'HX ]

on C z = 0. A step costs one sparse factor of S and solves for the columns of A'HX and of C'. With W = S^-1 C'
and K = C W, S^-1 r is replaced by S^-1 r - W K^-1 C S^-1 r, and, up to a constant,

    log |H| = log |S| + log |K| + log |B + X'HX - X'HA V|,      V = S^-1 A'HX, projected.

Entries of Cov(z) = S^-1 - W K^-1 W' + V Cov(b) V' are needed where A'A or Q has entries only: the selected
inverse and two low-rank corrections.
"""

from typing import NamedTuple

import numpy as np

from spatialvote.models.cholesky import (
    factorise_values,
    log_determinant,
    selected_inverse,
    solve_in_place,
    solve_transposed_in_place,
)
from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import small_cholesky, small_solve


class System(NamedTuple):
    """The factorised system.

    Attributes
    ----------
    factor
        Of S; NaN in its first place where S is not positive definite.
    w, lower_k
        S^-1 C', shape (N, c), and the lower factor of K.
    v, loaded, lower
        V and A'HX, shape (N, p), and the lower factor of the coefficients' precision (p, p).
    """

    factor: np.ndarray
    w: np.ndarray
    lower_k: np.ndarray
    v: np.ndarray
    loaded: np.ndarray
    lower: np.ndarray


@compiled()
def combine_bases(weights, layout):
    """Q = sum_m w_m T_m: entries left of the diagonal and the diagonal, one after the other."""
    values = np.zeros(layout.pattern[2].size + layout.pattern[4].size)
    for m in range(weights.size):
        for e in range(layout.base_start[m], layout.base_start[m + 1]):
            values[layout.base_at[e]] += weights[m] * layout.base_value[e]
    return values


@compiled()
def multiply_rows(layout, z):
    """A z, shape (rows,)."""
    product = np.zeros(layout.a_start.size - 1)
    for i in range(product.size):
        for p in range(layout.a_start[i], layout.a_start[i + 1]):
            product[i] += layout.a_value[p] * z[layout.a_index[p]]
    return product


@compiled()
def multiply_columns(layout, u):
    """A'u, shape (N,)."""
    product = np.zeros(layout.pattern[4].size)
    for i in range(layout.a_start.size - 1):
        for p in range(layout.a_start[i], layout.a_start[i + 1]):
            product[layout.a_index[p]] += layout.a_value[p] * u[i]
    return product


@compiled()
def apply_constraints(layout, columns):
    """C columns, shape (c, m), of columns (N, m)."""
    count, m = layout.c_start.size - 1, columns.shape[1]
    total = np.zeros((count, m))
    for row in range(count):
        for e in range(layout.c_start[row], layout.c_start[row + 1]):
            for q in range(m):
                total[row, q] += layout.c_value[e] * columns[layout.c_index[e], q]
    return total


@compiled()
def project(layout, system, columns):
    """Make columns (N, m) of S^-1 r meet the constraints."""
    if system.w.shape[1] > 0:
        columns -= system.w @ small_solve(system.lower_k, apply_constraints(layout, columns))


@compiled()
def make_system(precision, h, design, b_precision, layout):
    """Factor S and all that belongs to it; see `System`.

    Parameters
    ----------
    precision
        What `combine_bases` gives.
    h
        Curvatures of the rows, shape (rows,).
    design, b_precision
        X, shape (rows, p), and the diagonal of B.
    """
    rows, p = design.shape
    count, n = layout.c_start.size - 1, layout.pattern[4].size
    below = layout.pattern[2].size
    values = precision.copy()
    loaded = np.zeros((n, p))
    for i in range(rows):
        place = layout.pair_start[i]
        for e in range(layout.a_start[i], layout.a_start[i + 1]):
            along = h[i] * layout.a_value[e]
            for f in range(layout.a_start[i], e + 1):
                values[layout.pair_at[place]] += along * layout.a_value[f]
                place += 1
            for q in range(p):
                loaded[layout.a_index[e], q] += along * design[i, q]
    factor = factorise_values(values[:below].copy(), values[below:].copy(), layout.pattern)
    columns = np.zeros((n, count + p))
    for row in range(count):
        for e in range(layout.c_start[row], layout.c_start[row + 1]):
            columns[layout.c_index[e], row] = layout.c_value[e]
    columns[:, count:] = loaded
    if not np.isnan(factor[0]):
        solve_in_place(factor, layout.pattern, columns)
    w, v = columns[:, :count].copy(), columns[:, count:].copy()
    lower_k = small_cholesky(apply_constraints(layout, w))
    system = System(factor, w, lower_k, v, loaded, lower_k)
    project(layout, system, v)
    inner = design.T @ (h.reshape((rows, 1)) * design) - loaded.T @ v
    for q in range(p):
        inner[q, q] += b_precision[q]
    return System(factor, w, lower_k, v, loaded, small_cholesky(inner))


@compiled()
def log_det_system(layout, system):
    """log |H| up to a constant."""
    total = log_determinant(system.factor, layout.pattern)
    for q in range(system.lower_k.shape[0]):
        total += 2.0 * np.log(system.lower_k[q, q])
    for q in range(system.lower.shape[0]):
        total += 2.0 * np.log(system.lower[q, q])
    return total


@compiled()
def solve_system(layout, system, right_z, right_b):
    """H^-1 (right_z, right_b) for one right-hand side, shapes (N,) and (p,)."""
    column = right_z.reshape((right_z.size, 1)).copy()
    solve_in_place(system.factor, layout.pattern, column)
    project(layout, system, column)
    z = column[:, 0].copy()
    rest = (right_b - system.loaded.T @ z).reshape((right_b.size, 1))
    b = small_solve(system.lower, rest)[:, 0].copy()
    return z - system.v @ b, b


@compiled()
def draw_system(layout, system, white_z, white_b):
    """Deviations with covariance H^-1, in place of white noise (N, k) and (p, k)."""
    solve_transposed_in_place(system.factor, layout.pattern, white_z)
    project(layout, system, white_z)
    p, k = white_b.shape
    for q in range(k):
        for i in range(p - 1, -1, -1):
            for j in range(i + 1, p):
                white_b[i, q] -= system.lower[j, i] * white_b[j, q]
            white_b[i, q] /= system.lower[i, i]
    white_z -= system.v @ white_b


@compiled()
def _forward(lower, rhs):
    """lower^-1 rhs, shape (p, m)."""
    x = rhs.copy()
    for i in range(x.shape[0]):
        for q in range(i):
            for c in range(x.shape[1]):
                x[i, c] -= lower[i, q] * x[q, c]
        for c in range(x.shape[1]):
            x[i, c] /= lower[i, i]
    return x


@compiled()
def covariances(layout, system, design):
    """Entries of Cov(z) in the pattern, as `combine_bases` orders them, and Var(m_i) of each row."""
    pattern = layout.pattern
    below_start, below_index = pattern[1], pattern[2]
    below, diagonal = selected_inverse(system.factor, pattern)
    n, count = system.w.shape
    values = np.empty(below.size + n)
    fixed = np.ascontiguousarray(_forward(system.lower_k, system.w.T.copy()).T)
    free = np.ascontiguousarray(_forward(system.lower, system.v.T.copy()).T)
    p = free.shape[1]
    for r in range(n):
        for e in range(below_start[r], below_start[r + 1] + 1):
            last = e == below_start[r + 1]
            c = r if last else below_index[e]
            value = diagonal[r] if last else below[e]
            for q in range(count):
                value -= fixed[r, q] * fixed[c, q]
            for q in range(p):
                value += free[r, q] * free[c, q]
            values[below.size + r if last else e] = value
    of_b = _forward(system.lower, design.T.copy())
    spread = np.zeros(design.shape[0])
    for i in range(spread.size):
        place = layout.pair_start[i]
        for e in range(layout.a_start[i], layout.a_start[i + 1]):
            for f in range(layout.a_start[i], e):
                product = layout.a_value[e] * layout.a_value[f]
                spread[i] += 2.0 * product * values[layout.pair_at[place]]
                place += 1
            spread[i] += layout.a_value[e] ** 2 * values[layout.pair_at[place]]
            place += 1
            for q in range(p):
                # -2 a'V Cov(b) x
                spread[i] -= 2.0 * layout.a_value[e] * free[layout.a_index[e], q] * of_b[q, i]
        for q in range(p):
            spread[i] += of_b[q, i] ** 2
    return values, spread


@compiled()
def traces(layout, covariance):
    """tr(T_m Cov(z)) of each T_m, shape (m,)."""
    below = layout.pattern[2].size
    total = np.zeros(layout.base_start.size - 1)
    for m in range(total.size):
        for e in range(layout.base_start[m], layout.base_start[m + 1]):
            at = layout.base_at[e]
            total[m] += (1.0 if at >= below else 2.0) * layout.base_value[e] * covariance[at]
    return total


@compiled()
def forms(layout, y, z):
    """y'T_m z of each T_m, shape (m,)."""
    pattern = layout.pattern
    below = pattern[2].size
    row_of = np.empty(below, dtype=np.int64)
    for r in range(y.size):
        row_of[pattern[1][r] : pattern[1][r + 1]] = r
    total = np.zeros(layout.base_start.size - 1)
    for m in range(total.size):
        for e in range(layout.base_start[m], layout.base_start[m + 1]):
            at = layout.base_at[e]
            if at >= below:
                r = at - below
                total[m] += layout.base_value[e] * y[r] * z[r]
            else:
                r, c = row_of[at], pattern[2][at]
                total[m] += layout.base_value[e] * (y[r] * z[c] + y[c] * z[r])
    return total
