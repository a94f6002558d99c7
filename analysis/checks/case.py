"""`Case`: what every check is given."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spatialvote.analysis.moran import Moran
from spatialvote.data.districts import Districts
from spatialvote.models.design import Design
from spatialvote.models.fit import Fit
from spatialvote.models.posterior import Posterior
from spatialvote.models.structures.sparse_precision import SparsePrecision


@dataclass(frozen=True, eq=False)
class Case:
    """A fit, the districts it is claimed to be of, and a generator for what is random in a check.

    Attributes
    ----------
    fit, districts
        The same ids in the same order.
    rng
        Each check has its own stream, so that its outcome does not depend on the checks before it.
    """

    fit: Fit
    districts: Districts
    rng: np.random.Generator

    @cached_property
    def rebuilt(self) -> tuple[Posterior, Design]:
        """The fit's model set up anew for the districts, nothing taken from the fit's draws."""
        return self.fit.model.posterior(self.districts)

    @property
    def precision(self) -> SparsePrecision | None:
        """Precision of the district effects on the districts' graph, for a structure that has one."""
        return self.rebuilt[0].field.precision

    @cached_property
    def moran(self) -> Moran:
        """Moran's I on the districts' graph."""
        return Moran.of(self.districts)
