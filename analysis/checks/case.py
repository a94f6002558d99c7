"""`Case`: what every check is given."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.moran import Moran
from spatialvote.analysis.pit import Before, before_votes
from spatialvote.analysis.residuals import thin
from spatialvote.data.districts import Districts
from spatialvote.models.design import Design
from spatialvote.models.fit import Fit
from spatialvote.models.posterior import Posterior
from spatialvote.models.structures.sparse_precision import SparsePrecision
from spatialvote.models.vote_share import VoteShareModel

#: Draws at which votes are placed in what is expected of them.
PLACED = 200
#: Told what is fitted, how many fits are done and how many there are.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Case:
    """A fit, the districts it is claimed to be of, and a generator for what is random in a check.

    Attributes
    ----------
    fit, districts
        The same ids in the same order.
    rng
        Each check has its own stream, so that its outcome does not depend on the checks before it.
    common
        What the checks of one review share, so that each is computed once.
    """

    fit: Fit
    districts: Districts
    rng: np.random.Generator
    common: "Common"

    @classmethod
    def of(cls, fit: Fit, districts: Districts, rng: np.random.Generator) -> "Case":
        """A case of its own."""
        return cls(fit, districts, rng, Common(fit, districts))

    @property
    def rebuilt(self) -> tuple[Posterior, Design]:
        """The fit's model set up anew for the districts, nothing taken from the fit's draws."""
        return self.common.rebuilt

    @property
    def precision(self) -> SparsePrecision | None:
        """Precision of the district effects on the districts' graph, for a structure that has one."""
        return self.rebuilt[0].field.precision

    @property
    def moran(self) -> Moran:
        """Moran's I on the districts' graph."""
        return self.common.moran

    @property
    def before(self) -> tuple[np.ndarray, Before]:
        """Positions of some draws, and what each expects of the votes before they are known."""
        return self.common.before


@dataclass(frozen=True, eq=False)
class Common:
    """What every check of one fit may need and none changes."""

    fit: Fit
    districts: Districts
    progress: Progress | None = None
    #: What was to be fitted, where somebody says so.
    claimed: VoteShareModel | None = None

    @cached_property
    def rebuilt(self) -> tuple[Posterior, Design]:
        """Posterior and design of the fit's model for the districts."""
        return self.fit.model.posterior(self.districts)

    @cached_property
    def moran(self) -> Moran:
        """Moran's I on the districts' graph."""
        return Moran.of(self.districts)

    @cached_property
    def before(self) -> tuple[np.ndarray, Before]:
        """At most `PLACED` draws, and what each expects of the votes before they are known."""
        at = thin(self.fit, PLACED)
        return at, before_votes(self.fit, at, self.rebuilt[0].field.precision)


class Run(Protocol):
    """The face of a check's module."""

    def run(self, case: Case) -> tuple[Check, ...]:
        """What came of the check; empty where it does not apply."""
        ...
