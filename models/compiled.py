"""The one way in which this package compiles numerical code."""

from functools import partial

from numba import njit

#: Cached on disk, free of the GIL, and with IEEE division: a division by zero gives an infinity that the
#: sampler sees as a point of zero density, not an exception inside a C callback, which nobody would see.
#: Sums are never reordered (``fastmath="reassoc"``): in which order then depends on what a function is
#: inlined into, so that the process which compiles and the next, which loads what was kept, would give
#: numbers that differ in their last digits for the same seed.
compiled = partial(njit, cache=True, nogil=True, error_model="numpy")
