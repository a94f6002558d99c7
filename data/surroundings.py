r"""What a district's residents have around them: egohoods, halo, isolation and exposure.

With w_ac n_c the residents of cell c that live in district a, and s_c(r) the share of a group within r metres
of cell c (`spatialvote.data.egohoods`), a district's value is the mean over its residents,

    egohood_a(r)   = sum_c w_ac n_c s_c(r) / sum_c w_ac n_c
    halo_a(q, r)   = (the same of the ring's share s_c(q, r)) - own share of the district

in percent and percentage points. Where the halo is large, few of the group live in the district and many
around it. Isolation is the mean of s_c(r) over the members of the group, exposure over everybody else: how
many of the group a member, or another resident, has near.

References
----------
Bell, W. (1954). A probability model for the measurement of ecological segregation. Social Forces 32.
van Wijk, D., Bolt, G., Tolsma, J. (2020). Where does ethnic concentration matter for populist radical right
support? An analysis of geographical scale and the halo effect. Political Geography 77.
"""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pandas as pd

from spatialvote.data.cell_shares import CellShares
from spatialvote.data.concentration import shares
from spatialvote.data.egohoods import Egohoods
from spatialvote.data.errors import DataError, Problem


def egohood_shares(shared: CellShares, egohoods: Egohoods, group: str) -> pd.DataFrame:
    """Share of a group around a district's residents, in percent.

    Returns
    -------
    DataFrame
        Index as the areas; columns ``within_500m`` for each radius, ``nearest_1000`` for each number of
        nearest residents; NaN in districts in which nobody lives.
    """
    _require_same(shared, egohoods)
    columns = {
        f"within_{radius}m": shared.average(egohoods.share(group, radius)) for radius in egohoods.within
    }
    columns |= {f"nearest_{k}": shared.average(egohoods.share_of_nearest(group, k)) for k in egohoods.nearest}
    return 100 * pd.DataFrame(columns, index=shared.areas)


def halo(
    shared: CellShares, egohoods: Egohoods, group: str, rings: Iterable[tuple[int, int]] | None = None
) -> pd.DataFrame:
    """Share of a group in rings around a district's residents less its share in the district, in points.

    Parameters
    ----------
    rings
        Inner and outer radius (m) of each; None: between each counted radius and the next.

    Returns
    -------
    DataFrame
        Index as the areas; columns ``halo_500_1000m``; NaN where nobody lives in the district or the ring.
    """
    _require_same(shared, egohoods)
    rings = list(pairwise(sorted(egohoods.within))) if rings is None else list(rings)
    own = shares(shared.totals(), shared.cells.total, [group])[group]
    around = {
        f"halo_{inner}_{outer}m": 100 * shared.average(egohoods.share_of_ring(group, inner, outer))
        for inner, outer in rings
    }
    return pd.DataFrame(around, index=shared.areas).sub(own, axis=0)


def isolation(shared: CellShares, egohoods: Egohoods, group: str, radius: int) -> pd.DataFrame:
    """Share of a group around its own members (isolation) and around others (exposure), in percent.

    Returns
    -------
    DataFrame
        Index as the areas; columns ``isolation`` and ``exposure``; NaN where none of the kind lives.
    """
    _require_same(shared, egohoods)
    near = egohoods.share(group, radius)
    members = shared.cells.of(group)
    found = {}
    for name, residents in (("isolation", members), ("exposure", shared.cells.residents - members)):
        people = shared.weights @ residents
        sums = shared.weights @ np.where(residents > 0, residents * near, 0.0)
        found[name] = 100 * np.divide(sums, people, out=np.full(len(people), np.nan), where=people > 0)
    return pd.DataFrame(found, index=shared.areas)


def _require_same(shared: CellShares, egohoods: Egohoods) -> None:
    if shared.cells is not egohoods.cells:
        raise DataError(
            Problem(
                "districts and egohoods are of different cells",
                "count egohoods of the cells that were shared among the districts",
            )
        )
