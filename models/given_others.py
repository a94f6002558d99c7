r"""What all other districts say of the effect of one: its full conditional distribution, for every structure.

The effects of districts e = eta - mu are jointly Gaussian given sigma and rho, e ~ N(0, P^-1), so given the
others that of district i is

    e_i | e_-i ~ N( e_i - (P e)_i / P_ii,  1 / P_ii ) = N( -(1 / P_ii) sum_(j != i) P_ij e_j,  1 / P_ii ):

the exponent -e'P e / 2 as a function of e_i alone is -(P_ii e_i^2 + 2 e_i sum_(j != i) P_ij e_j) / 2, and
completing the square gives it. By structure:

- ``iid``: P = I / sigma^2; the others say nothing.
- sparse precisions (``leroux``, ``proper_car``, ``sar``, ``dagar``): P = Q, given by its entries.
- ``bym2``: with both of its parts in e, k = rho / (1 - rho), t = 1 / (sigma^2 (1 - rho)), S = (R + k I)^-1
  and a component of m districts (see `spatialvote.models.field_kernel` for the equation of P)

      P e = t (e - k S (e centred)),     P_ii = t (1 - k S_ii + 1 / m),

  without 1 / m for an island. P_ii is smaller than t, the precision of the independent part alone: given the
  others' whole effects a district's own structured part is integrated out too, as far as they leave it free.
  S_ii depends on k alone; log(P_ii / t) is evaluated at Chebyshev nodes in log k over the draws' range and
  interpolated (32 nodes: to about 1e-9).
- ``none``: there is no effect, P_ii is infinite.

Given the intercept too, the effects of BYM2 sum to nearly zero as rho nears 1, so the others would pin down
e_i by that sum alone, and a small move of the intercept would move it t / P_ii times as much. So the
intercept b_0 ~ N(c, s^2) can be integrated out with it. Then r = e + b_0 - c has, with v = P 1, the precision
P - v v' / (v'1 + 1 / s^2), whose products and diagonal take the place of P e and P_ii. For BYM2 v is t in a
component and 1 / sigma^2 on an island.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BarycentricInterpolator

from spatialvote.models.cholesky import factorise, inverse_diagonal
from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import SMALLEST_K, smooth
from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.sparse_kernel import combine, multiply
from spatialvote.models.structures import Field
from spatialvote.models.structures.dispatch import weights
from spatialvote.models.structures.sparse_precision import SparsePrecision

#: Chebyshev nodes in log k.
_NODES = 32


@dataclass(frozen=True, eq=False)
class GivenOthers:
    """Each district's effect given those of all others, for each draw.

    Attributes
    ----------
    mean
        Shape (draws, n), on the link scale.
    precision
        Shape (draws, n); infinite where there are no effects.
    """

    mean: np.ndarray
    precision: np.ndarray


def given_others(
    field: Field,
    effects: np.ndarray,
    values: Mapping[str, np.ndarray],
    intercept: np.ndarray | None = None,
    intercept_sd: float = np.inf,
) -> GivenOthers:
    """Mean and precision of every district's effect given the others'.

    Parameters
    ----------
    field
        The structure on its graph.
    effects
        e of each draw, shape (draws, n).
    values
        Hyperparameters of the structure by name, each shape (draws,).
    intercept
        Draws of the intercept minus its prior mean, shape (draws,), where it is to be integrated out with the
        effect; None: given the intercept.
    intercept_sd
        Its prior standard deviation.

    Returns
    -------
    GivenOthers
        Of e_i; the mean is relative to a linear predictor with the drawn intercept in it.
    """
    if field.structure == "none":
        return GivenOthers(np.zeros_like(effects), np.full(effects.shape, np.inf))
    effects = np.ascontiguousarray(effects, dtype=np.float64)
    sigma = np.ascontiguousarray(values["sigma"], dtype=np.float64)
    if "rho" not in field.hyperparameters:
        diagonal = np.repeat(1 / sigma[:, None] ** 2, effects.shape[1], axis=1)
        product, ones = effects * diagonal, diagonal
    else:
        rho = np.ascontiguousarray(values["rho"], dtype=np.float64)
        if field.precision is None:
            product, diagonal, ones = _bym2(field.graph, effects, sigma, rho)
        else:
            product, diagonal, ones = _sparse(field.precision, effects, sigma, rho)
    if intercept is not None:
        total = ones.sum(axis=1, keepdims=True) + intercept_sd**-2.0
        along = (ones * effects).sum(axis=1, keepdims=True) + intercept[:, None] * (
            total - intercept_sd**-2.0
        )
        product = product + ones * (intercept[:, None] - along / total)
        diagonal = diagonal - ones**2 / total
    return GivenOthers(effects - product / diagonal, diagonal)


def _sparse(
    precision: SparsePrecision, effects: np.ndarray, sigma: np.ndarray, rho: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """P e, P_ii and P 1, each shape (draws, n)."""
    product, diagonal, ones = (np.empty_like(effects) for _ in range(3))
    _from_entries(
        effects,
        sigma,
        rho,
        precision.code,
        precision.table,
        precision.below_terms,
        precision.diagonal_terms,
        tuple(precision.pattern),
        product,
        diagonal,
        ones,
    )
    return product, diagonal, ones


def _bym2(
    graph: ScaledGraph, effects: np.ndarray, sigma: np.ndarray, rho: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """P e, P_ii and P 1, each shape (draws, n)."""
    k = np.maximum(rho / (1 - rho), SMALLEST_K)
    t = 1 / (sigma**2 * (1 - rho))
    product = np.empty_like(effects)
    _smooth_all(effects, k, graph.component, graph.sizes, tuple(graph.pattern), product)
    ones = np.where(graph.component >= 0, t[:, None], 1 / sigma[:, None] ** 2)
    return t[:, None] * product, t[:, None] * _freedom(graph, k), ones


def _freedom(graph: ScaledGraph, k: np.ndarray) -> np.ndarray:
    """P_ii / t of BYM2 at each k, shape (draws, n)."""
    linked = graph.component >= 0
    own = (
        np.where(linked, 1 / graph.sizes[np.where(linked, graph.component, 0)], 0.0) if linked.any() else 0.0
    )
    pattern = tuple(graph.pattern)

    def exact(shift: float) -> np.ndarray:
        diagonal = np.empty(graph.n)
        diagonal[graph.pattern.order] = inverse_diagonal(factorise(shift, pattern), pattern)
        return 1 - shift * diagonal + own

    low, high = np.log(k.min()), np.log(k.max())
    if len(k) <= _NODES or high - low < 1e-6:
        return np.array([exact(float(one)) for one in k])
    nodes = (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
    values = np.log([exact(float(one)) for one in np.exp(nodes)])
    return np.exp(BarycentricInterpolator(nodes, values)(np.log(k)))


@compiled()
def _smooth_all(effects, k, component, sizes, pattern, product):
    """Fill product (draws, n) with P e / t = e - k S (e centred)."""
    n = effects.shape[1]
    column = np.empty((n, 1))
    for s in range(k.size):
        column[:, 0] = effects[s]
        x, _, _ = smooth(column, k[s], component, sizes, pattern)
        for i in range(n):
            product[s, i] = effects[s, i] - k[s] * x[i, 0]


@compiled()
def _from_entries(
    effects, sigma, rho, code, table, below_terms, diagonal_terms, pattern, product, diagonal, ones
):
    """Fill product, diagonal and row sums (draws, n) from the entries of Q."""
    order, start, index = pattern[0], pattern[1], pattern[2]
    one = np.ones(order.size)
    for s in range(sigma.size):
        share = weights(code, rho[s], table)[0] / sigma[s] ** 2
        below, main = combine(share, below_terms), combine(share, diagonal_terms)
        with_effects = multiply(start, index, below, main, effects[s][order])
        with_ones = multiply(start, index, below, main, one)
        for r in range(order.size):
            i = order[r]
            product[s, i] = with_effects[r]
            diagonal[s, i] = main[r]
            ones[s, i] = with_ones[r]
