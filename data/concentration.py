r"""Measures of concentration by district, from residents by group of origin.

With n_ag residents of group g among n_a in area a, N_g and N in all areas, and shares p_ag = n_ag / n_a:

====================  =====================================================  ===========  ==================
measure               equation                                               range        unit
====================  =====================================================  ===========  ==================
share                 p_ag                                                   0 to 100     percent
location quotient     p_ag / (N_g / N)                                       0 up         1: as everywhere
fractionalisation     1 - sum_g p_ag^2                                       0 to 1       probability
entropy               - sum_g p_ag log p_ag / log G                          0 to 1       1: all G alike
====================  =====================================================  ===========  ==================

Fractionalisation is the probability that two residents drawn at random are of different groups. Both measures
of diversity need groups that do not overlap; who belongs to none of them is of one more group ("others").

References
----------
Alesina, A., Devleeschauwer, A., Easterly, W., Kurlat, S., Wacziarg, R. (2003). Fractionalization. Journal of
Economic Growth 8.
Reardon, S. F., Firebaugh, G. (2002). Measures of multigroup segregation. Sociological Methodology 32.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some

#: Groups that together exceed all residents by more than this share of them overlap.
_ROUNDING = 1e-6


def shares(totals: pd.DataFrame, total: str, groups: Iterable[str]) -> pd.DataFrame:
    """Share of each group in percent, one column a group; NaN in an area without residents.

    Parameters
    ----------
    totals
        Residents by area, from `CellShares.totals` or a register.
    total, groups
        Columns with all residents and with groups.
    """
    every = totals[total].to_numpy(np.float64)
    return pd.DataFrame(
        {
            group: np.divide(
                100 * totals[group].to_numpy(np.float64), every, out=_unknown(every), where=every > 0
            )
            for group in groups
        },
        index=totals.index,
    )


def location_quotient(totals: pd.DataFrame, total: str, group: str) -> pd.Series:
    """Share of a group over its share in all areas together; 1 is as everywhere.

    Raises
    ------
    DataError
        Where nobody is of the group.
    """
    everywhere = float(totals[group].sum() / totals[total].sum())
    if everywhere == 0:
        raise DataError(Problem(f"nobody is of group '{group}'", "choose a group that lives there"))
    return shares(totals, total, [group])[group].div(100 * everywhere)


def fractionalisation(totals: pd.DataFrame, total: str, groups: Iterable[str]) -> pd.Series:
    """Probability that two residents of an area are of different groups.

    Raises
    ------
    DataError
        Where groups overlap.
    """
    parts = _parts(totals, total, list(groups))
    return pd.Series(1 - (parts**2).sum(axis=1), index=totals.index, name="fractionalisation")


def entropy(totals: pd.DataFrame, total: str, groups: Iterable[str]) -> pd.Series:
    """Entropy of an area's groups over its largest value: 0 where all are of one, 1 where all are alike many.

    Raises
    ------
    DataError
        Where groups overlap.
    """
    parts = _parts(totals, total, list(groups))
    logs = np.log(parts, out=np.zeros_like(parts), where=parts > 0)
    return pd.Series(-(parts * logs).sum(axis=1) / np.log(parts.shape[1]), index=totals.index, name="entropy")


def _parts(totals: pd.DataFrame, total: str, groups: list[str]) -> np.ndarray:
    """Shares of groups and of others, rows summing to 1, shape (areas, groups + 1)."""
    every = totals[total].to_numpy(np.float64)
    counts = totals[groups].to_numpy(np.float64)
    others = every - counts.sum(axis=1)
    over = others < -_ROUNDING * np.maximum(every, 1)
    if over.any():
        raise DataError(
            Problem(
                f"groups {name_some(groups, limit=10)} overlap: together they exceed all residents in "
                f"{int(over.sum())} areas ({name_some(totals.index[over])})",
                "measures of diversity need groups of which everybody is in one at most",
            )
        )
    all_parts = np.column_stack([counts, np.maximum(others, 0)])
    where = np.broadcast_to(every[:, None] > 0, all_parts.shape)
    return np.divide(all_parts, every[:, None], out=np.full(all_parts.shape, np.nan), where=where)


def _unknown(like: np.ndarray) -> np.ndarray:
    return np.full(len(like), np.nan)
