"""How segregated a city is: one number for all its areas together, by the segregation package.

===============  ===========================================================================  ========
index            what it says                                                                 range
===============  ===========================================================================  ========
dissimilarity    part of the group that would have to move to be spread as everybody else is  0 to 1
gini             the same idea over all pairs of areas                                        0 to 1
entropy          how much less mixed areas are than the city (Theil's H)                      0 to 1
isolation        part of a member's area that is of the group, on average                     0 to 1
interaction      part of a member's area that is not                                          0 to 1
===============  ===========================================================================  ========

These indices do not see where areas lie: a chessboard and two halves are the same. Of what is near, egohoods
speak (`spatialvote.data.surroundings`).

Needs the extra ``areas`` (segregation).

Reference: Massey, D. S., Denton, N. A. (1988). The dimensions of residential segregation. Social Forces 67.
"""

from importlib.util import find_spec

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some


def segregation_indices(totals: pd.DataFrame, total: str, groups: list[str]) -> pd.DataFrame:
    """Indices of each group against everybody else.

    Parameters
    ----------
    totals
        Residents by area, from `spatialvote.data.cell_shares.CellShares.totals` or a register.
    total, groups
        Columns with all residents and with groups.

    Returns
    -------
    DataFrame
        Index: groups; columns: indices.

    Raises
    ------
    DataError
        Where the package is not installed, a column is missing, or a group is nobody or everybody.
    """
    if find_spec("segregation") is None:
        raise DataError(
            Problem(
                "these indices need the segregation package, which is not installed",
                "install: pip install 'spatialvote[areas]'",
            )
        )
    # Its import takes seconds.
    from segregation.singlegroup import Dissim, Entropy, Gini, Interaction, Isolation

    lacking = [one for one in (total, *groups) if one not in totals]
    if lacking:
        raise DataError(Problem(f"there are no columns {name_some(lacking)}", "name columns of residents"))
    lived = totals[totals[total] > 0].astype(np.float64)
    whole = lived[total].sum()
    useless = [one for one in groups if not 0 < lived[one].sum() < whole]
    if useless:
        raise DataError(
            Problem(
                f"groups {name_some(useless)} are nobody or everybody",
                "an index compares a group with everybody else",
            )
        )
    kinds = {
        "dissimilarity": Dissim,
        "gini": Gini,
        "entropy": Entropy,
        "isolation": Isolation,
        "interaction": Interaction,
    }
    rows = {
        group: {name: float(kind(lived, group, total).statistic) for name, kind in kinds.items()}
        for group in groups
    }
    return pd.DataFrame.from_dict(rows, orient="index")
