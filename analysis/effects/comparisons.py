"""`comparisons`: what another value of a covariate goes with, on the scale of the vote."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from spatialvote.analysis.effects.average import average, cells_of, labelled
from spatialvote.analysis.effects.contrasts import Contrast, contrasts
from spatialvote.analysis.effects.estimates import Estimates, level_problems
from spatialvote.analysis.effects.grid import Grid, require_known
from spatialvote.analysis.effects.linear import LinearPredictor
from spatialvote.analysis.effects.predictions import as_grid, averaged_words
from spatialvote.analysis.effects.response import response_of
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.fit import Fit

#: How two responses are compared, and at which value they are the same.
COMPARISONS: dict[str, tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], float]] = {
    "difference": (lambda low, high: high - low, 0.0),
    "ratio": (lambda low, high: high / low, 1.0),
    "lift": (lambda low, high: 100 * (high - low) / low, 0.0),
}


def comparisons(
    fit: Fit,
    districts: Districts,
    variables: str | Sequence[str] | Mapping[str, Any] | None = None,
    *,
    comparison: str = "difference",
    grid: str | Grid = "counterfactual",
    by: str | tuple[str, ...] = "all",
    weighting: str = "districts",
    level: float = 0.95,
) -> Estimates:
    """Compare the vote that the model expects in two states of a covariate, all else held.

    Of the averages over rows, low before and high after, the comparison is the ``difference`` high - low,
    the ``ratio`` high / low, or the ``lift`` 100 (high - low) / low in percent. The difference of averages
    is the average of the differences; a ratio of averages is no average of ratios. It compares districts,
    not persons, and does not say what causes what.

    Parameters
    ----------
    fit, districts
        A fit and the districts it was made from.
    variables
        What is compared, see `spatialvote.analysis.effects.contrasts.contrasts`.
    comparison
        One of `COMPARISONS`.
    grid, by, weighting, level
        See `predictions`.

    Raises
    ------
    ModelError
        With everything that is wrong with the arguments.
    FitError
        If the fit is of other districts, or of other values of the covariates.

    Examples
    --------
    >>> import spatialvote
    >>> city = spatialvote.simulate_city(seed=1, n_districts=40)
    >>> model = spatialvote.VoteShareModel("national_list ~ migrant_share + income", structure="iid")
    >>> fit = model.fit(city.districts, "laplace", seed=1, draws=100, progress=False)
    >>> spatialvote.comparisons(fit, city.districts).table["contrast"].iloc[0]
    '+10 points'
    """
    problems = level_problems(level)
    if comparison not in COMPARISONS:
        problems.append(
            Problem(f"comparison '{comparison}' is unknown", f"use one of {name_some(COMPARISONS)}")
        )
    if problems:
        raise ModelError(problems)
    rows = as_grid(fit, districts, grid)
    asked = contrasts(fit, districts, variables)
    require_columns(rows, [one.variable for one in asked])
    require_known(fit, rows, [*rows.varied, *(one.variable for one in asked if one.step is None)])
    cells = cells_of(fit, districts, rows, by, weighting)
    predictor, response = LinearPredictor(fit, districts), response_of(fit)
    compare, null = COMPARISONS[comparison]
    labels, draws = [], []
    for one in asked:
        states = [predictor.rows(rows, state) for state in one.tables(rows.table)]
        low, high = average(
            cells,
            len(predictor.slope),
            2,
            lambda here, states=states: tuple(response.of(predictor.at(state, here)) for state in states),
        )
        draws.append(compare(low, high))
        labels.append(labelled(cells.labels, variable=one.variable, contrast=one.words))
    unit = {"difference": response.difference, "ratio": "ratio", "lift": "percent"}[comparison]
    return Estimates(
        "comparisons",
        pd.concat(labels, ignore_index=True),
        np.concatenate(draws, axis=1),
        unit,
        averaged_words(fit, rows, by, weighting),
        level,
        null,
        _note(asked, districts, rows),
    )


def require_columns(grid: Grid, columns: Sequence[str]) -> None:
    """Refuse to move columns that the rows of a grid do not have: groups of no told level."""
    if lost := [one for one in columns if one not in grid.table]:
        raise ModelError(
            Problem(
                f"the rows of a '{grid.kind}' grid have no {name_some(lost)}",
                "take grid='counterfactual', or give the levels to datagrid",
            )
        )


def _note(asked: Sequence[Contrast], districts: Districts, rows: Grid) -> str:
    """Where covariates would leave what is possible, or what was observed."""
    said, n = [], len(rows.table)
    for one in asked:
        bounded, beyond = one.leaving(districts, rows.table)
        if bounded:
            said.append(f"‘{one.variable}’, {one.words}: {bounded} of {n} rows would leave 0 to 100 %")
        if beyond > n / 2:
            said.append(
                f"‘{one.variable}’, {one.words}: {beyond} of {n} rows lie beyond every observed value"
            )
    return "; ".join(said)
