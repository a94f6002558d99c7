r"""Are the shares of neighbours as alike as data from this model would be?

Moran's I and Geary's C of the shares themselves, on the districts' graph, against the same of votes whose
district effects are drawn anew from sigma and rho (`spatialvote.analysis.checks.predictive`): does the map as
a whole, covariates and effects together, hang together as the model says? `moran_residual` asks what the
model leaves; this asks what it says of the whole. Moran's I looks at slow changes over the map, Geary's C at
differences of neighbours, and at single districts that differ from all around them.

The p-values are judged as those of the other replicated statistics. Districts where the party did not stand
are left out, and links to them.
"""

from functools import partial

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.checks.predictive import QUESTION, REPLICATES, Statistic, compare, replicate
from spatialvote.analysis.geary import Geary
from spatialvote.analysis.graph_statistic import GraphStatistic
from spatialvote.analysis.moran import Moran
from spatialvote.analysis.residuals import thin

__all__ = ["QUESTION", "run"]

_ALIKE = (
    "neighbours' shares are more alike than the model expects: {space}, or look for a covariate that varies "
    "slowly over the map"
)
_UNLIKE = (
    "neighbours' shares are less alike than the model expects: check that links join districts that are "
    "near, and that rows are not swapped; a part of the map may follow another pattern"
)


def run(case: Case) -> tuple[Check, ...]:
    """Moran's I and Geary's C of the shares, of replicated votes."""
    posterior, _ = case.rebuilt
    stood = posterior.size > 0
    statistics = [kind.of(case.districts, stood) for kind in (Moran, Geary)]
    if statistics[0].n_linked == 0:
        return ()
    anew = replicate(case, thin(case.fit, REPLICATES))
    return tuple(compare(case, _of_shares(one), anew, "new") for one in statistics)


def _of_shares(statistic: GraphStatistic) -> Statistic:
    more, less = (_ALIKE, _UNLIKE) if statistic.ALIKE > 0 else (_UNLIKE, _ALIKE)
    return Statistic(
        f"predictive_{statistic.KEY}",
        f"{statistic.NAME} of the districts' shares",
        partial(_compute, statistic),
        more,
        less,
    )


def _compute(statistic: GraphStatistic, votes: np.ndarray, size: np.ndarray) -> np.ndarray:
    # In blocks, so that memory stays small for many districts.
    return np.concatenate([statistic(part / size) for part in np.array_split(votes, -(-len(votes) // 100))])
