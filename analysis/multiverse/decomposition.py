r"""Which choice moves the estimate: variance between specifications, taken apart by dimension.

With the estimates y_s of the specifications as data and the choices as factors of an additive linear model,
a dimension's part is what the explained sum of squares loses without it,

    eta^2_d = (RSS without d - RSS of all) / TSS,

which in a grid without gaps is the eta squared of analysis of variance. What no sum of choices explains,
they do together; what the parts do not add up to is shared by choices that go together. It describes this
grid and not the world: a dimension of which more extreme choices were listed moves more. No test belongs to
it, for specifications are no sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.multiverse.multiverse import Multiverse


@dataclass(frozen=True)
class Decomposition:
    """Parts of the variance of estimates.

    Attributes
    ----------
    parts
        Dimension to eta squared, largest first.
    together
        What choices do in combination: 1 minus the share that the additive model explains.
    shared
        What cannot be given to one dimension, because in a grid with gaps their choices go together; below
        zero where one hides what another does.
    spread
        Standard deviation of the estimates.
    """

    parts: dict[str, float]
    together: float
    shared: float
    spread: float


def decompose(multiverse: Multiverse) -> Decomposition:
    """Take the variance of the fitted estimates apart; without variance all parts are zero."""
    fitted = multiverse.fitted
    names = multiverse.grid.varied
    values = fitted["effect"].to_numpy()
    total = float(((values - values.mean()) ** 2).sum())
    spread = float(values.std())
    # The mean of equal numbers differs from them by rounding.
    if spread <= 1e-12 * np.abs(values).max():
        return Decomposition(dict.fromkeys(names, 0.0), 0.0, 0.0, 0.0)
    rest = _residual(multiverse, names)
    parts = {
        name: max(_residual(multiverse, [one for one in names if one != name]) - rest, 0.0) / total
        for name in names
    }
    together = rest / total
    return Decomposition(
        parts=dict(sorted(parts.items(), key=lambda one: -one[1])),
        together=together,
        shared=1 - together - sum(parts.values()),
        spread=spread,
    )


def _residual(multiverse: Multiverse, names: Iterable[str]) -> float:
    """Sum of squares that an additive model of these dimensions leaves."""
    fitted = multiverse.fitted
    columns = [np.ones(len(fitted))]
    chosen = {one.number: one.choices for one in multiverse.grid.specifications}
    for name in names:
        here = [chosen[number][name] for number in fitted["specification"]]
        for option in multiverse.grid.options[name]:
            # Choices that make no difference to a specification count in equal parts.
            columns.append(np.array([(option in one) / len(one) for one in here]))
    matrix, values = np.column_stack(columns), fitted["effect"].to_numpy()
    solution, *_ = np.linalg.lstsq(matrix, values, rcond=None)
    return float(((values - matrix @ solution) ** 2).sum())


def by_choice(multiverse: Multiverse) -> pd.DataFrame:
    """For each dimension and choice: specifications, mean, least and greatest estimate, and their signs.

    A specification to which a choice makes no difference counts for each of the choices it stands for.
    """
    fitted = multiverse.fitted
    chosen = {one.number: one.choices for one in multiverse.grid.specifications}
    rows = []
    for name in multiverse.grid.varied:
        for option in multiverse.grid.options[name]:
            here = fitted[[option in chosen[number][name] for number in fitted["specification"]]]
            if len(here):
                rows.append(
                    {
                        "dimension": name,
                        "choice": option,
                        "specifications": len(here),
                        "mean": here["effect"].mean(),
                        "least": here["effect"].min(),
                        "greatest": here["effect"].max(),
                        "above": float((here["effect"] > 0).mean()),
                        "clear": float(((here["effect_low"] > 0) | (here["effect_high"] < 0)).mean()),
                    }
                )
    return pd.DataFrame(rows)
