"""Average change of the vote where the design moves, and each district's."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit

_BLOCK = 256


def average_changes(fit: Fit, shift: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, pd.DataFrame]:
    """Average change at each draw, and mean and 95 % interval of each district's.

    The change is that of a design which moves by `shift` (n, p), on its original scale; `weight` (n,) says
    how much each district counts in the average.
    """
    change = _CHANGE[fit.model.family]
    n = len(shift)
    weight = weight / weight.sum()
    eta = fit.tree["posterior"]["eta"].to_numpy().reshape(-1, n)
    average = np.zeros(len(eta))
    rows = []
    # In blocks of districts, so that memory stays small for many of them.
    for start in range(0, n, _BLOCK):
        here = slice(start, start + _BLOCK)
        one = change(eta[:, here].astype(np.float64), fit.change(shift[here], here))
        average += one @ weight[here]
        low, high = np.quantile(one, [0.025, 0.975], axis=0)
        rows.append(np.column_stack([one.mean(axis=0), low, high]))
    return average, pd.DataFrame(np.concatenate(rows), columns=["mean", "low", "high"])


def _share_change(eta: np.ndarray, by: np.ndarray) -> np.ndarray:
    mean = FAMILIES["binomial"].mean
    return 100 * (mean(eta + by) - mean(eta))


def _rate_change(eta: np.ndarray, by: np.ndarray) -> np.ndarray:
    return 100 * np.expm1(by)


#: Family to the change of a district's outcome when eta changes.
_CHANGE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "binomial": _share_change,
    "beta_binomial": _share_change,
    "gaussian": _share_change,
    "poisson": _rate_change,
}
