r"""Turnout of cells and of any larger groups of them, with intervals beside the raw rates and their sizes.

What is estimated is the probability of voting that the model finds behind a cell. The raw rate of a register
is no estimate: it is what happened. It is a poor guide to the probability where a cell holds nine persons,
and to that of another election everywhere. Larger groups are poststratified: with N_i the entitled of cell
i,

    p_G = sum_{i in G} N_i p_i / sum_{i in G} N_i       in every draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.turnout import TurnoutCells
from spatialvote.models.turnout.fit import TurnoutFit

#: Probability inside the intervals, equal-tailed.
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Rates:
    """Turnout of groups of cells.

    Attributes
    ----------
    factors
        What the groups are divided by; none: the whole electorate.
    draws
        Probability of voting, shape (draws, groups), 0..1.
    table
        One row per group: a label for each factor, ``entitled``, ``voted``, ``raw`` (NaN where nobody is
        entitled), ``mean``, ``low``, ``high``, ``width`` of the interval, all 0..1.
    """

    factors: tuple[str, ...]
    draws: np.ndarray
    table: pd.DataFrame

    def row(self, **labels: str) -> pd.Series:
        """The row of some labels.

        Raises
        ------
        DataError
            If there is none, or more than one.
        """
        match = np.ones(len(self.table), dtype=bool)
        for factor, label in labels.items():
            match &= (self.table[factor] == label).to_numpy()
        if match.sum() != 1:
            raise DataError(
                Problem(
                    f"{int(match.sum())} rows have {name_some(labels.values())}",
                    f"give one label for each of {', '.join(self.factors)}",
                )
            )
        return self.table.loc[match].iloc[0]


def summarise(draws: np.ndarray) -> dict[str, np.ndarray]:
    """Mean and equal-tailed interval over the first axis."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return {"mean": draws.mean(axis=0), "low": low, "high": high, "width": high - low}


def rates(fit: TurnoutFit, factors: Sequence[str] = ("group",)) -> Rates:
    """Turnout by some factors, poststratified from the cells.

    Parameters
    ----------
    fit
        A fit.
    factors
        Factors of the cells; ``()`` gives the whole electorate, all of them every cell.

    Raises
    ------
    DataError
        If the cells do not have a factor.
    """
    cells = fit.cells
    factors = tuple(factors)
    require_factors(cells, factors)
    key, shape = combined_index(cells, factors)
    size = int(np.prod(shape))
    entitled = np.bincount(key, cells.entitled, size)
    voted = np.bincount(key, cells.voted, size)
    # Groups that no cell belongs to are left out; one of cells that hold nobody is the mean of its cells.
    there = np.flatnonzero(np.bincount(key, minlength=size))
    weight = np.where(entitled[key] > 0, cells.entitled, 1.0)
    share = np.zeros((len(key), len(there)))
    share[np.arange(len(key)), np.searchsorted(there, key)] = weight
    share /= share.sum(axis=0)
    draws = fit.probability @ share
    places = np.unravel_index(there, shape) if factors else ()
    table = pd.DataFrame(
        {
            name: np.array(cells.levels[name], dtype=object)[place]
            for name, place in zip(factors, places, strict=True)
        },
        index=range(len(there)),
    )
    with np.errstate(invalid="ignore"):
        raw = voted[there] / entitled[there]
    table = table.assign(entitled=entitled[there], voted=voted[there], raw=raw, **summarise(draws))
    return Rates(factors, draws, table)


def cell_estimates(fit: TurnoutFit) -> pd.DataFrame:
    """Every cell's estimate with its interval, beside its raw rate and its size."""
    return rates(fit, fit.cells.factors).table


def require_factors(cells: TurnoutCells, factors: Sequence[str]) -> None:
    """Refuse factors that the cells do not have."""
    lacking = [name for name in factors if name not in cells.factors]
    if lacking:
        raise DataError(
            Problem(
                f"the cells are not divided by {name_some(lacking)}",
                f"choose from {', '.join(cells.factors)}",
            )
        )


def combined_index(cells: TurnoutCells, factors: Sequence[str]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Position of each cell among the combinations of some factors, and how many levels each has."""
    shape = tuple(len(cells.levels[name]) for name in factors)
    if not factors:
        return np.zeros(len(cells.table), dtype=np.int64), (1,)
    return np.ravel_multi_index([cells.index(name) for name in factors], shape), shape
