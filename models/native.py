"""The log posterior as C functions for nutpie, so that no Python stands between the sampler and the density.

nutpie calls a C function with the point and an address; behind the address lies a table of addresses and
lengths of the arrays of a `Posterior`. The functions are compiled once, for every model and graph, and cached
on disk: a fit starts sampling within a second, where a PyMC model is compiled anew for each fit.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import carray, cfunc, types
from numba.core import cgutils
from numba.extending import intrinsic
from nutpie.compile_pymc import CompiledPyMCModel

from spatialvote.models.centring import Centring, pull_back, to_eta
from spatialvote.models.families import FAMILIES
from spatialvote.models.posterior import Posterior, log_posterior_field, log_posterior_plain

#: nutpie's signatures: (length, point, gradient, value, address) and (length, length, point, copy, address).
_REALS = types.CPointer(types.double)
_DENSITY = types.int64(types.uint64, _REALS, _REALS, _REALS, types.voidptr)
_EXPAND = types.int64(types.uint64, types.uint64, _REALS, _REALS, types.voidptr)
#: nutpie's code for a point where the density is zero: the trajectory diverges, the chain goes on.
_RECOVERABLE = 4


def _as_pointer(typingctx, address):
    """An address as an untyped pointer."""

    def codegen(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), codegen


#: Called with the address alone; numba gives the other argument.
_pointer: Any = intrinsic(_as_pointer)


def native_model(posterior: Posterior, centring: Centring | None, starts: Any) -> CompiledPyMCModel:
    """A model that `nutpie.sample` takes; its only variable is ``point``, shape (n_dim,).

    The point is (log sigma, [logit rho,] z_1, ..., z_n), or the coefficients where there is no field.

    Parameters
    ----------
    posterior
        The density.
    centring
        The coordinates z of eta; None without a field.
    starts
        Function from a seed to a starting point, shape (n_dim,).
    """
    packed = _pack(posterior, centring)
    length = posterior.n_dim
    return CompiledPyMCModel(
        dims={"point": ("coordinate",)},
        compiled_logp_func=_density,
        compiled_expand_func=_copy,
        initial_point_func=starts,
        shared_data={str(q): array for q, array in enumerate(packed.arrays)},
        shared_var_keys={},
        user_data=packed.table,
        n_expanded=length,
        shape_info=(["point"], [slice(0, length)], [(length,)]),
        logp_func=None,
        expand_func=None,
        _n_dim=length,
        _shapes={"point": (length,)},
        _coords={"coordinate": np.arange(length)},
    )


@dataclass(frozen=True)
class _Packed:
    """Arrays that must outlive the sampler, and the table of their addresses and lengths, shape (m, 2)."""

    arrays: tuple[np.ndarray, ...]
    table: np.ndarray


def _pack(posterior: Posterior, centring: Centring | None) -> _Packed:
    graph, nodes = posterior.field.graph, posterior.field.nodes
    n, p = posterior.design.shape
    (sigma_kind, *sigma), (rho_kind, *rho) = posterior.prior_codes()
    switches = [posterior.n_hyper, FAMILIES[posterior.family].CODE, n, p, sigma_kind, rho_kind]
    whole = (np.array(switches), graph.component, graph.sizes)
    real = (
        np.array([*sigma, *rho]),
        posterior.votes,
        posterior.size,
        posterior.offset,
        posterior.design.ravel(),
        posterior.prior_mean,
        posterior.prior_sd,
        nodes.value,
        nodes.weight,
        *(_coordinates(centring) if centring else [np.zeros(0)] * 5),
    )
    arrays = (
        *(np.ascontiguousarray(one, dtype=np.int64) for one in whole),
        *(np.ascontiguousarray(one, dtype=np.float64) for one in real),
        *graph.pattern,
    )
    table = np.array([[one.ctypes.data, one.size] for one in arrays], dtype=np.int64)
    return _Packed(arrays, table)


def _coordinates(centring: Centring) -> tuple[np.ndarray, ...]:
    basis = centring.basis.ravel()
    return centring.level, centring.root, centring.response, basis, centring.spread.ravel()


@cfunc(_DENSITY, cache=True, error_model="numpy")
def _density(length, point_, gradient_, value_, address):
    table = carray(address, (26, 2), np.int64)
    switches = carray(_pointer(table[0, 0]), (6,), np.int64)
    component = carray(_pointer(table[1, 0]), (table[1, 1],), np.int64)
    sizes = carray(_pointer(table[2, 0]), (table[2, 1],), np.int64)
    prior = carray(_pointer(table[3, 0]), (4,), np.float64)
    votes = carray(_pointer(table[4, 0]), (table[4, 1],), np.float64)
    size = carray(_pointer(table[5, 0]), (table[5, 1],), np.float64)
    offset = carray(_pointer(table[6, 0]), (table[6, 1],), np.float64)
    design = carray(_pointer(table[7, 0]), (switches[2], switches[3]), np.float64)
    prior_mean = carray(_pointer(table[8, 0]), (table[8, 1],), np.float64)
    prior_sd = carray(_pointer(table[9, 0]), (table[9, 1],), np.float64)
    node = carray(_pointer(table[10, 0]), (table[10, 1],), np.float64)
    node_weight = carray(_pointer(table[11, 0]), (table[11, 1],), np.float64)
    level = carray(_pointer(table[12, 0]), (table[12, 1],), np.float64)
    root = carray(_pointer(table[13, 0]), (table[13, 1],), np.float64)
    response = carray(_pointer(table[14, 0]), (table[14, 1],), np.float64)
    basis = carray(_pointer(table[15, 0]), (switches[2], table[16, 1] // 2), np.float64)
    spread = carray(_pointer(table[16, 0]), (table[16, 1] // 2, 2), np.float64)
    # The nine arrays of a Pattern, in its order.
    pattern = (
        carray(_pointer(table[17, 0]), (table[17, 1],), np.int64),
        carray(_pointer(table[18, 0]), (table[18, 1],), np.int64),
        carray(_pointer(table[19, 0]), (table[19, 1],), np.int64),
        carray(_pointer(table[20, 0]), (table[20, 1],), np.float64),
        carray(_pointer(table[21, 0]), (table[21, 1],), np.float64),
        carray(_pointer(table[22, 0]), (table[22, 1],), np.int64),
        carray(_pointer(table[23, 0]), (table[23, 1],), np.int64),
        carray(_pointer(table[24, 0]), (table[24, 1],), np.int64),
        carray(_pointer(table[25, 0]), (table[25, 1],), np.int64),
    )
    point = carray(point_, (length,))
    gradient = carray(gradient_, (length,))
    if switches[0] == 0:
        value, slope = log_posterior_plain(point, switches[1], votes, size, design, prior_mean, prior_sd)
    else:
        first = switches[0]
        z, sigma = point[first:], np.exp(point[0])
        rho = 1.0 / (1.0 + np.exp(-point[1])) if first == 2 else 0.5
        moved, scale, along = point.copy(), np.empty(votes.size), np.empty(spread.shape[0])
        jacobian, jacobian_sigma, jacobian_rho = to_eta(
            z, sigma, rho, level, root, response, basis, spread, moved[first:], scale, along
        )
        value, slope = log_posterior_field(
            moved,
            first,
            switches[1],
            votes,
            size,
            offset,
            design,
            prior_sd,
            (switches[4], prior[0], prior[1]),
            (switches[5], prior[2], prior[3]),
            component,
            sizes,
            node,
            node_weight,
            pattern,
        )
        value += jacobian
        by_sigma, by_rho = pull_back(
            slope[first:], z, sigma, rho, root, response, basis, spread, scale, along
        )
        slope[0] += jacobian_sigma + by_sigma
        if first == 2:
            slope[1] += jacobian_rho + by_rho
    finite = np.isfinite(value)
    for i in range(slope.size):
        gradient[i] = slope[i]
        finite = finite and np.isfinite(slope[i])
    carray(value_, (1,))[0] = value
    return 0 if finite else _RECOVERABLE


@cfunc(_EXPAND, cache=True)
def _copy(length, expanded, point_, copy_, address):
    point, copy = carray(point_, (length,)), carray(copy_, (expanded,))
    for i in range(expanded):
        copy[i] = point[i]
    return 0
