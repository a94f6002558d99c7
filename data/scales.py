"""Scales on which the value of a covariate may be modelled: as it is, its logarithm, the logit of a share.

A scale maps the open range of a column to the line:

========  =========================  ====================
scale     z = g(x)                   open range of x
========  =========================  ====================
identity  x                          the line
log       log x                      above 0
logit     log(x / (w - x))           between 0 and w
========  =========================  ====================

with w what one whole is in the unit of a share (1, 100, ...).
"""

import numpy as np

#: Scale to the code under which compiled code knows it.
SCALES = {"identity": 0, "log": 1, "logit": 2}


def to_line(scale: str, whole: float, x: np.ndarray) -> np.ndarray:
    """z = g(x); the ends of the range become infinite.

    Examples
    --------
    >>> to_line("logit", 100.0, np.array([0.0, 50.0])).tolist()
    [-inf, 0.0]
    """
    x = np.asarray(x, dtype=np.float64)
    if scale == "identity":
        return x.copy()
    with np.errstate(divide="ignore"):
        if scale == "log":
            return np.log(x)
        return np.log(x) - np.log(whole - x)


def from_line(scale: str, whole: float, z: np.ndarray) -> np.ndarray:
    """x = g^-1(z).

    Examples
    --------
    >>> from_line("log", np.inf, np.array([0.0])).tolist()
    [1.0]
    """
    z = np.asarray(z, dtype=np.float64)
    if scale == "identity":
        return z.copy()
    if scale == "log":
        return np.exp(z)
    # The tail that is small is computed, so that neither overflows.
    small = np.exp(-np.abs(z))
    return whole * np.where(z >= 0, 1.0, small) / (1.0 + small)


def open_range(scale: str, whole: float) -> tuple[float, float]:
    """The ends of the values that a scale can hold; neither is one of them on ``log`` and ``logit``."""
    return {"identity": (-np.inf, np.inf), "log": (0.0, np.inf), "logit": (0.0, whole)}[scale]
