"""How far each covariate goes with space: its smoothness, its groups, and the structured field."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.residuals import thin
from spatialvote.analysis.spatial_smooth import Patterns
from spatialvote.models.design import Design
from spatialvote.models.draw_field import draw_phi, draw_structure

#: Part of the map's patterns in which the smoothness of a column is told.
SMOOTHEST = 0.1
_DRAWS = 500


def describe_columns(
    case: Case, design: Design, patterns: Patterns | None, left: Mapping[str, tuple[float, ...]]
) -> dict[str, dict[str, Any]]:
    """What is spatial about each column of a design.

    Parameters
    ----------
    case, design
        A fit with its districts, and its design built from them.
    patterns
        The smoothest patterns of the map, a tenth of all or more; None without links.
    left
        Column to the part of its variance that each spatial+ leaves.

    Returns
    -------
    dict
        By column: ``smooth``, the share of its variance within components in the smoothest tenth of the
        map's patterns, and ``smooth_expected``, what part of all patterns these are; ``left``;
        ``between``, by group, the share of its variance that lies between the group's levels;
        ``correlation``, mean and 95 % interval over the draws of its correlation with the district effects'
        structured part, and ``chance``, the 95 % interval of the same where the effects know nothing of it.
    """
    if patterns is not None:
        # Fewer where so many could not be computed at leisure.
        patterns = patterns.first(max(round(SMOOTHEST * len(patterns.values) / patterns.part), 1))
    found, chance = _correlations(case, design.standardised)
    described = {}
    for k, name in enumerate(design.names):
        column = design.matrix[:, k]
        one: dict[str, Any] = {
            "between": {
                group: _between(column, case.districts.table[group]) for group in case.districts.roles.groups
            }
        }
        if patterns is not None:
            one |= {
                "smooth": patterns.share(column),
                "smooth_expected": patterns.part,
                "left": left.get(name, ()),
            }
        if found is not None and chance is not None:
            low, high = np.quantile(found[:, k], [0.025, 0.975])
            one["correlation"] = (float(found[:, k].mean()), float(low), float(high))
            one["chance"] = tuple(np.quantile(chance[:, k], [0.025, 0.975]))
        described[name] = one
    return described


def _between(column: np.ndarray, levels: pd.Series) -> float:
    """Share of a column's variance that lies between levels, 0 to 1."""
    means = pd.Series(column, index=levels.index).groupby(levels.astype(str)).transform("mean")
    return float(np.var(means.to_numpy()) / np.var(column))


def _correlations(case: Case, columns: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Correlations (draws, p) of columns with the structured field's draws, and with draws from its prior."""
    fit = case.fit
    if fit.model.structure in ("none", "iid"):
        return None, None
    posterior, _ = case.rebuilt
    at = thin(fit, _DRAWS)
    if fit.model.structure == "bym2":
        field, prior = fit.draws("phi", at), draw_phi(posterior.field.graph, case.rng, len(at))
    else:
        field = fit.district_effects(at)
        prior = draw_structure(posterior.field, fit.draws("sigma", at), fit.draws("rho", at), case.rng)
    return _correlate(field, columns), _correlate(prior, columns)


def _correlate(draws: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Correlation over districts of each draw (m, n) with each column (n, p), shape (m, p)."""
    draws = draws - draws.mean(axis=1, keepdims=True)
    columns = columns - columns.mean(axis=0)
    norms = np.linalg.norm(draws, axis=1)[:, None] * np.linalg.norm(columns, axis=0)
    return draws @ columns / norms
