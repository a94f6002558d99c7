"""The density of votes and uncertain covariates as a C function for nutpie; see `spatialvote.models.native`.

The C function of the votes' density is called by its address, with a table of arrays in which the design is
one that this function fills: so it is not compiled again, and whatever it can do holds here too.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, cfunc, types
from numba.core import cgutils
from numba.extending import intrinsic

from spatialvote.models.centring import Centring
from spatialvote.models.cholesky import Pattern
from spatialvote.models.compiled import compiled
from spatialvote.models.density import NO_FIELD
from spatialvote.models.native import (
    CENTRING,
    MODEL,
    ROWS,
    arrays_of,
    unpack_centring,
    unpack_model,
    unpack_pattern,
    votes_density,
)
from spatialvote.models.native_table import (
    DENSITY,
    RECOVERABLE,
    Packed,
    integers,
    matrix,
    pack,
    reals,
    sampler_model,
)
from spatialvote.models.posterior import Posterior
from spatialvote.models.unknowns.arrays import UnknownArrays
from spatialvote.models.unknowns.bind import Unknowns
from spatialvote.models.unknowns.kernel import (
    add_estimates,
    covariate_density,
    fill_design,
    to_coordinates,
    to_values,
    votes_field,
    votes_slope_in_columns,
)

#: Row of the design among the votes' arrays, and rows in all: behind those of the votes' posterior an
#: `UnknownArrays` without its pattern, and a `Pattern`.
_DESIGN, _ALL = 6, ROWS + len(UnknownArrays._fields) - 1 + len(Pattern._fields)


def native_joint(posterior: Posterior, centring: Centring | None, unknowns: Unknowns, starts: Any) -> Any:
    """A model that `nutpie.sample` takes, of (point of the votes' posterior, theta, v); for one thread."""
    packed = _pack(posterior, centring, unknowns, votes=True)
    return sampler_model(packed, _density, posterior.n_dim + unknowns.n_dim, starts)


def native_alone(posterior: Posterior, unknowns: Unknowns, starts: Any) -> Any:
    """The same of (theta, v) without the votes: what the covariates say of their unknown values."""
    return sampler_model(_pack(posterior, None, unknowns, votes=False), _density, unknowns.n_dim, starts)


def joint_density(
    posterior: Posterior, centring: Centring | None, unknowns: Unknowns
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """The density as ``f(point) -> (value, gradient)``, for looking at it from Python."""
    packed = _pack(posterior, centring, unknowns, votes=True)

    def density(point: np.ndarray) -> tuple[float, np.ndarray]:
        given, gradient, value = np.array(point, dtype=np.float64), np.empty(point.size), np.empty(1)
        addresses = [one.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for one in (given, gradient, value)]
        _density.ctypes(given.size, *addresses, packed.table.ctypes.data)
        return float(value[0]), gradient

    return density


def _pack(posterior: Posterior, centring: Centring | None, unknowns: Unknowns, *, votes: bool) -> Packed:
    own = (unknowns.arrays if votes else unknowns.alone)._replace(
        switches=np.array([votes_density.address if votes else 0, len(unknowns.columns)], dtype=np.int64)
    )
    arrays = list(arrays_of(posterior, centring))
    # The design is written at every evaluation.
    arrays[_DESIGN] = arrays[_DESIGN].copy()
    return pack((*arrays, *(np.ascontiguousarray(one) for one in (*own[:-1], *own.pattern))))


def _call(typingctx, function, length, point, gradient, value, table):
    """The C function at an address, called as nutpie would."""
    signature = types.int64(types.int64, types.uint64, point, gradient, value, types.voidptr)

    def codegen(context, builder, signature, arguments):
        whole, real = ir.IntType(64), ir.DoubleType().as_pointer()
        kind = ir.FunctionType(whole, [whole, real, real, real, cgutils.voidptr_t])
        return builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])

    return signature, codegen


#: Called without the first argument, which numba gives.
_call_density: Any = intrinsic(_call)


@compiled()
def _unpack(table, first):
    """An `UnknownArrays` from the rows that begin at `first`."""
    return UnknownArrays(
        integers(table, first),
        integers(table, first + 1),
        integers(table, first + 2),
        integers(table, first + 3),
        integers(table, first + 4),
        matrix(table, first + 5),
        matrix(table, first + 6),
        reals(table, first + 7),
        matrix(table, first + 8),
        matrix(table, first + 9),
        integers(table, first + 10),
        matrix(table, first + 11),
        matrix(table, first + 12),
        matrix(table, first + 13),
        reals(table, first + 14),
        integers(table, first + 15),
        matrix(table, first + 16),
        reals(table, first + 17),
        reals(table, first + 18),
        integers(table, first + 19),
        integers(table, first + 20),
        integers(table, first + 21),
        integers(table, first + 22),
        matrix(table, first + 23),
        integers(table, first + 24),
        reals(table, first + 25),
        unpack_pattern(table, first + 26),
    )


@cfunc(DENSITY, cache=True, error_model="numpy")
def _density(length, point_, gradient_, value_, address):
    table = carray(address, (_ALL, 3), np.int64)
    u = _unpack(table, ROWS)
    point, gradient, value = carray(point_, (length,)), carray(gradient_, (length,)), carray(value_, (1,))
    m, count = u.owner.size, u.switches[1]
    first = point.size - m - 2 * count
    theta, v = point[first : first + 2 * count], point[first + 2 * count :]
    sigma, rho, tied = 0.0, 0.0, 0.0
    model = unpack_model(table, unpack_pattern(table, MODEL + CENTRING))
    centring = unpack_centring(table, MODEL)
    if u.switches[0] != 0:
        sigma, rho, tied = votes_field(point[:first], model, centring)
    z, x, z_by_v, x_by_z, total, v_slope = to_values(theta, v, sigma, rho, u)
    by_z, by_x, by_theta = np.zeros(m), np.zeros(m), np.zeros(2 * count)
    total += covariate_density(theta, z, u, by_theta, by_z)
    total += add_estimates(z, x, u, by_z, by_x)
    failed = 0
    if u.switches[0] != 0:
        fill_design(x, u, matrix(table, _DESIGN))
        failed = _call_density(u.switches[0], first, point_, gradient_, value_, address)
        if failed == 0:
            total += value[0]
            by_columns = votes_slope_in_columns(point[:first], model, centring)
            for e in range(m):
                for q in range(u.slope.shape[1]):
                    by_x[e] += by_columns[u.district[e], q] * u.slope[e, q]
    for e in range(m):
        by_z[e] += by_x[e] * x_by_z[e]
        gradient[first + 2 * count + e] = by_z[e] * z_by_v[e] + v_slope[e]
    by_log_sigma, by_logit_rho = to_coordinates(
        by_z, theta, v, sigma, rho, u, by_theta, gradient[first + 2 * count :]
    )
    if u.switches[0] != 0 and model.switches[0] != NO_FIELD:
        gradient[0] += by_log_sigma
        if model.switches[4]:
            gradient[1] += by_logit_rho + tied * by_log_sigma
    for q in range(2 * count):
        gradient[first + q] = by_theta[q]
    value[0] = total
    finite = failed == 0 and np.isfinite(total)
    for q in range(point.size):
        finite = finite and np.isfinite(gradient[q])
    return 0 if finite else RECOVERABLE
