"""A spatial structure bound to a neighbour graph."""

from dataclasses import dataclass

from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.spectrum import Spectrum
from spatialvote.models.structures.sparse_precision import SparsePrecision


@dataclass(frozen=True)
class Field:
    """What the density of the district effects needs.

    Attributes
    ----------
    structure
        Name of the structure.
    graph
        The scaled neighbour graph; without links for ``iid`` and ``none``.
    nodes
        Compressed eigenvalues behind the log determinant (and behind the prior of rho for ``bym2``).
    precision
        The sparse precision matrix, for the structures that have no iid part; None for the others.
    """

    structure: str
    graph: ScaledGraph
    nodes: Spectrum
    precision: SparsePrecision | None = None

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """Names of the structure's hyperparameters."""
        # The table of structures is made of modules that make fields.
        from spatialvote.models.structures import STRUCTURES

        return STRUCTURES[self.structure]
