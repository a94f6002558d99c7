"""The one way in which this package compiles numerical code."""

from functools import partial

from numba import njit

#: Cached on disk, free of the GIL, and with IEEE division: a division by zero gives an infinity that the
#: sampler sees as a point of zero density, not an exception inside a C callback, which nobody would see.
compiled = partial(njit, cache=True, nogil=True, error_model="numpy")
