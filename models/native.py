"""The log posterior as C functions for nutpie, so that no Python stands between the sampler and the density.

nutpie calls a C function with the point and an address; behind the address lies a table of addresses and
shapes of the arrays of a `Posterior` and its coordinates. The functions are compiled once, for every model
and graph, and cached on disk: a fit starts sampling within a second, where a PyMC model is compiled anew for
each fit.
"""

from typing import Any

import numpy as np
from numba import carray, cfunc

from spatialvote.models.centring import NO_CENTRING, Centring, CentringArrays, centred_log_posterior
from spatialvote.models.cholesky import Pattern
from spatialvote.models.compiled import compiled
from spatialvote.models.density import NO_FIELD, ModelArrays, log_posterior
from spatialvote.models.native_table import DENSITY, RECOVERABLE, pack, sampler_model
from spatialvote.models.native_table import integers as _integers
from spatialvote.models.native_table import matrix as _matrix
from spatialvote.models.native_table import reals as _reals
from spatialvote.models.posterior import Posterior


def native_model(posterior: Posterior, centring: Centring | None, starts: Any) -> Any:
    """A model that `nutpie.sample` takes; its only variable is ``point``, shape (n_dim,).

    The point is (hyperparameters, z_1, ..., z_n), or (hyperparameters, coefficients) where there is no field.

    Parameters
    ----------
    posterior
        The density.
    centring
        The coordinates z of eta; None without a field.
    starts
        Function from a seed to a starting point, shape (n_dim,).
    """
    model = posterior.arrays
    coordinates = centring.arrays if centring else NO_CENTRING
    packed = pack((*model[:-1], *coordinates, *model.pattern))
    return sampler_model(packed, _density, posterior.n_dim, starts)


@compiled()
def _unpack_model(table, pattern):
    """A `ModelArrays` from the first rows of the table."""
    return ModelArrays(
        _integers(table, 0),
        _integers(table, 1),
        _matrix(table, 2),
        _reals(table, 3),
        _reals(table, 4),
        _reals(table, 5),
        _matrix(table, 6),
        _reals(table, 7),
        _reals(table, 8),
        _integers(table, 9),
        _reals(table, 10),
        _reals(table, 11),
        _integers(table, 12),
        _integers(table, 13),
        _reals(table, 14),
        _reals(table, 15),
        _matrix(table, 16),
        _matrix(table, 17),
        _matrix(table, 18),
        pattern,
    )


@compiled()
def unpack_centring(table, first):
    """A `CentringArrays` from the rows that follow."""
    return CentringArrays(
        _reals(table, first),
        _reals(table, first + 1),
        _reals(table, first + 2),
        _reals(table, first + 3),
        _matrix(table, first + 4),
        _matrix(table, first + 5),
        _matrix(table, first + 6),
        _matrix(table, first + 7),
    )


@compiled()
def unpack_pattern(table, first):
    """The arrays of a `Pattern`, in its order, from the last rows."""
    return (
        _integers(table, first),
        _integers(table, first + 1),
        _integers(table, first + 2),
        _reals(table, first + 3),
        _reals(table, first + 4),
        _integers(table, first + 5),
        _integers(table, first + 6),
        _integers(table, first + 7),
        _integers(table, first + 8),
    )


#: Rows of the table: a `ModelArrays` without its pattern, a `CentringArrays`, a `Pattern`.
_MODEL, _CENTRING, _PATTERN = len(ModelArrays._fields) - 1, len(CentringArrays._fields), len(Pattern._fields)
_ROWS = _MODEL + _CENTRING + _PATTERN


@cfunc(DENSITY, cache=True, error_model="numpy")
def _density(length, point_, gradient_, value_, address):
    table = carray(address, (_ROWS, 3), np.int64)
    model = _unpack_model(table, unpack_pattern(table, _MODEL + _CENTRING))
    point = carray(point_, (length,))
    if model.switches[0] == NO_FIELD:
        value, slope = log_posterior(point, model)
    else:
        value, slope = centred_log_posterior(point, model, unpack_centring(table, _MODEL))
    gradient = carray(gradient_, (length,))
    finite = np.isfinite(value)
    for i in range(slope.size):
        gradient[i] = slope[i]
        finite = finite and np.isfinite(slope[i])
    carray(value_, (1,))[0] = value
    return 0 if finite else RECOVERABLE
