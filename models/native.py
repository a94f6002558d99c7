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
from spatialvote.models.native_table import (
    DENSITY,
    RECOVERABLE,
    integers,
    matrix,
    pack,
    reals,
    sampler_model,
)
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
    return sampler_model(pack(arrays_of(posterior, centring)), votes_density, posterior.n_dim, starts)


def arrays_of(posterior: Posterior, centring: Centring | None) -> tuple[np.ndarray, ...]:
    """The arrays of a posterior and its coordinates, in the order in which compiled code unpacks them."""
    model = posterior.arrays
    coordinates = centring.arrays if centring else NO_CENTRING
    return (*model[:-1], *coordinates, *model.pattern)


@compiled()
def unpack_model(table, pattern):
    """A `ModelArrays` from the first rows of the table."""
    return ModelArrays(
        integers(table, 0),
        integers(table, 1),
        matrix(table, 2),
        reals(table, 3),
        reals(table, 4),
        reals(table, 5),
        matrix(table, 6),
        reals(table, 7),
        reals(table, 8),
        integers(table, 9),
        reals(table, 10),
        reals(table, 11),
        integers(table, 12),
        integers(table, 13),
        reals(table, 14),
        reals(table, 15),
        matrix(table, 16),
        matrix(table, 17),
        matrix(table, 18),
        pattern,
    )


@compiled()
def unpack_centring(table, first):
    """A `CentringArrays` from the rows that follow."""
    return CentringArrays(
        reals(table, first),
        reals(table, first + 1),
        reals(table, first + 2),
        reals(table, first + 3),
        matrix(table, first + 4),
        matrix(table, first + 5),
        matrix(table, first + 6),
        matrix(table, first + 7),
        reals(table, first + 8),
    )


@compiled()
def unpack_pattern(table, first):
    """The arrays of a `Pattern`, in its order, from the last rows."""
    return (
        integers(table, first),
        integers(table, first + 1),
        integers(table, first + 2),
        reals(table, first + 3),
        reals(table, first + 4),
        integers(table, first + 5),
        integers(table, first + 6),
        integers(table, first + 7),
        integers(table, first + 8),
    )


#: Rows of the table: a `ModelArrays` without its pattern, a `CentringArrays`, a `Pattern`.
MODEL, CENTRING, PATTERN = len(ModelArrays._fields) - 1, len(CentringArrays._fields), len(Pattern._fields)
ROWS = MODEL + CENTRING + PATTERN


@cfunc(DENSITY, cache=True, error_model="numpy")
def votes_density(length, point_, gradient_, value_, address):
    """The density and its gradient as nutpie calls it; 0, or nutpie's code where the density is zero."""
    table = carray(address, (ROWS, 3), np.int64)
    model = unpack_model(table, unpack_pattern(table, MODEL + CENTRING))
    point = carray(point_, (length,))
    if model.switches[0] == NO_FIELD:
        value, slope = log_posterior(point, model)
    else:
        value, slope = centred_log_posterior(point, model, unpack_centring(table, MODEL))
    gradient = carray(gradient_, (length,))
    finite = np.isfinite(value)
    for i in range(slope.size):
        gradient[i] = slope[i]
        finite = finite and np.isfinite(slope[i])
    carray(value_, (1,))[0] = value
    return 0 if finite else RECOVERABLE
