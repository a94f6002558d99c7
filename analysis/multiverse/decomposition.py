r"""Which choice moves the estimate: variance between specifications, taken apart by dimension.

With the estimates y_s of the specifications as data and the choices as factors of an additive linear model,
a dimension's part is what the explained sum of squares loses without it,

    eta^2_d = (RSS without d - RSS of all) / TSS,

which in a grid without gaps is the eta squared of analysis of variance; what no sum of choices explains, they
do together. It describes this grid and not the world: a dimension of which more extreme choices were listed
moves more. No test belongs to it, for specifications are no sample.
"""

from __future__ import annotations

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
    spread
        Standard deviation of the estimates.
    """

    parts: dict[str, float]
    together: float
    spread: float


def decompose(multiverse: Multiverse) -> Decomposition:
    """Take the variance of the fitted estimates apart; without variance all parts are zero."""
    fitted = multiverse.fitted
    names = multiverse.grid.varied
    values = fitted["effect"].to_numpy()
    total = float(((values - values.mean()) ** 2).sum())
    spread = float(values.std())
    if total == 0:
        return Decomposition(dict.fromkeys(names, 0.0), 0.0, spread)
    rest = _residual(fitted, names)
    parts = {
        name: max(_residual(fitted, [one for one in names if one != name]) - rest, 0.0) / total
        for name in names
    }
    return Decomposition(dict(sorted(parts.items(), key=lambda one: -one[1])), rest / total, spread)


def _residual(table: pd.DataFrame, names: list[str] | tuple[str, ...]) -> float:
    """Sum of squares that an additive model of these dimensions leaves."""
    design = pd.get_dummies(table[list(names)].astype(str), dtype=float) if names else pd.DataFrame()
    matrix = np.column_stack([np.ones(len(table)), design.to_numpy().reshape(len(table), -1)])
    values = table["effect"].to_numpy()
    # Choices that a specification does not tell apart make columns that depend on others.
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
