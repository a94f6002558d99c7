"""The covariate of a model whose slope varies over the map: what can have such a slope, and what cannot."""

import numpy as np

from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.design import Design
from spatialvote.models.scaled_graph import ScaledGraph

#: A column varies where its range is above this part of its largest value.
_FLAT = 1e-12


def varying_column(covariate: str, design: Design, graph: ScaledGraph) -> np.ndarray:
    """The standardised column whose slope varies over the map, shape (n,).

    Raises
    ------
    ModelError
        For what is no column of numbers of the formula, and for a covariate that has one value within every
        connected part of the map: there its slope would be the same as the structured effect of districts.
    """
    if covariate not in design.names or covariate not in design.numeric:
        numbers = name_some(design.numeric, limit=12) if design.numeric else "none"
        raise ModelError(
            Problem(
                f"the slope of '{covariate}' cannot vary over the map: it is no covariate of numbers in the "
                "formula",
                f"choose one of its columns of numbers ({numbers}), or enter '{covariate}' in the formula",
            )
        )
    column = design.matrix[:, design.names.index(covariate)]
    parts = [column[graph.component == one] for one in range(graph.sizes.size)]
    if any(np.ptp(part) > _FLAT * np.abs(column).max() for part in parts):
        return design.standardised[:, design.names.index(covariate)]
    if not parts:
        raise ModelError(
            Problem(
                f"the slope of '{covariate}' cannot vary over the map: no district has a neighbour",
                "leave varying out, or define neighbours",
            )
        )
    raise ModelError(
        Problem(
            f"the slope of '{covariate}' cannot vary over the map: it has one value within each connected "
            "part of it",
            "leave varying out: such a slope cannot be told from the effects of districts",
        )
    )
