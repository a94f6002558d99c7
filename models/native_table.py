"""Arrays behind one address: how a C function that nutpie calls gets at a model.

nutpie hands a C function the point and an address. Behind it lies a table with a row for each array: its
address and its shape. A vector is a matrix of one row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import carray, cfunc, types
from numba.core import cgutils
from numba.extending import intrinsic

from spatialvote.models.compiled import compiled
from spatialvote.models.light_nutpie import CompiledPyMCModel  # pyright: ignore[reportAttributeAccessIssue]

#: nutpie's signatures: (length, point, gradient, value, address) and (length, length, point, copy, address).
_REALS = types.CPointer(types.double)
DENSITY = types.int64(types.uint64, _REALS, _REALS, _REALS, types.voidptr)
EXPAND = types.int64(types.uint64, types.uint64, _REALS, _REALS, types.voidptr)
#: nutpie's code for a point where the density is zero: the trajectory diverges, the chain goes on.
RECOVERABLE = 4


@dataclass(frozen=True)
class Packed:
    """Arrays that must outlive the sampler, and the table of their addresses and shapes, shape (m, 3)."""

    arrays: tuple[np.ndarray, ...]
    table: np.ndarray


def pack(arrays: Sequence[np.ndarray]) -> Packed:
    """The table of some contiguous arrays, of one dimension or two, integers or reals of 64 bits."""
    shapes = [one.shape if one.ndim == 2 else (1, one.size) for one in arrays]
    rows = [(one.ctypes.data, *shape) for one, shape in zip(arrays, shapes, strict=True)]
    return Packed(tuple(arrays), np.array(rows, dtype=np.int64))


def sampler_model(packed: Packed, density: Any, length: int, starts: Any) -> Any:
    """A model that `nutpie.sample` takes; its only variable is ``point``, shape (length,).

    Parameters
    ----------
    packed
        The arrays; the sampler keeps them alive.
    density
        The C function of signature `DENSITY`.
    length
        Of the point.
    starts
        Function from a seed to a starting point.
    """
    return CompiledPyMCModel(
        dims={"point": ("coordinate",)},
        compiled_logp_func=density,
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


@cfunc(EXPAND, cache=True)
def _copy(length, expanded, point_, copy_, address):
    point, copy = carray(point_, (length,)), carray(copy_, (expanded,))
    for i in range(expanded):
        copy[i] = point[i]
    return 0


def _as_pointer(typingctx, address):
    """An address as an untyped pointer."""

    def codegen(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), codegen


#: Called with the address alone; numba gives the other argument.
_pointer: Any = intrinsic(_as_pointer)


@compiled()
def integers(table, row):
    """The vector of integers in a row of the table."""
    return carray(_pointer(table[row, 0]), (table[row, 2],), np.int64)


@compiled()
def reals(table, row):
    """The vector of reals in a row of the table."""
    return carray(_pointer(table[row, 0]), (table[row, 2],), np.float64)


@compiled()
def matrix(table, row):
    """The matrix of reals in a row of the table."""
    return carray(_pointer(table[row, 0]), (table[row, 1], table[row, 2]), np.float64)
