"""`predictions`: the vote that the model expects, at the districts' own covariates or at others."""

from collections.abc import Mapping
from typing import Any

from spatialvote.analysis.effects.average import ROWS, average, cells_of
from spatialvote.analysis.effects.estimates import Estimates, require_level
from spatialvote.analysis.effects.grid import Grid, datagrid, require_known
from spatialvote.analysis.effects.linear import LinearPredictor
from spatialvote.analysis.effects.response import response_of
from spatialvote.analysis.effects.weighting import weighting_words
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.fit import Fit


def predictions(
    fit: Fit,
    districts: Districts,
    variables: Mapping[str, Any] | None = None,
    *,
    grid: str | Grid = "counterfactual",
    by: str | tuple[str, ...] = "all",
    weighting: str = "districts",
    level: float = 0.95,
    null: float | None = None,
) -> Estimates:
    """The vote that the model expects, on the scale of the vote.

    Parameters
    ----------
    fit, districts
        A fit and the districts it was made from.
    variables
        Column to one or several values that it is given in every row: a prediction for each combination.
    grid
        ``counterfactual``, ``mean``, ``balanced`` (see `spatialvote.analysis.effects.grid`), or rows that
        `datagrid` made, which leaves no room for `variables`.
    by
        ``all``: averages over all rows that agree in `variables`; ``rows``: no averages; or columns, of the
        district table too, by whose values rows are averaged.
    weighting
        How rows are weighed in averages: ``districts``, ``voters``, or a column that counts persons.
    level
        Of the equal-tailed intervals.
    null
        Value that the probability of direction is about, in the unit of the answer; by default the observed
        response of all districts together.

    Raises
    ------
    ModelError
        With everything that is wrong with the arguments, or for values of a column whose own values are
        unknowns of the fit.
    FitError
        If the fit is of other districts, or of other values of the covariates.

    Examples
    --------
    >>> import spatialvote
    >>> city = spatialvote.simulate_city(seed=1, n_districts=40)
    >>> model = spatialvote.VoteShareModel("national_list ~ migrant_share + income", structure="iid")
    >>> fit = model.fit(city.districts, "laplace", seed=1, draws=100, progress=False)
    >>> spatialvote.predictions(fit, city.districts, {"migrant_share": [5, 20]}).table.columns.to_list()[:4]
    ['migrant_share', 'estimate', 'low', 'high']
    """
    require_level(level)
    rows = as_grid(fit, districts, grid, variables)
    require_known(fit, rows, rows.varied)
    cells = cells_of(fit, districts, rows, by, weighting)
    predictor, response = LinearPredictor(fit, districts), response_of(fit)
    at = predictor.rows(rows)
    (draws,) = average(cells, len(predictor.slope), 1, lambda here: (response.of(predictor.at(at, here)),))
    return Estimates(
        "predictions",
        cells.labels,
        draws,
        response.unit,
        averaged_words(fit, rows, by, weighting),
        level,
        response.overall if null is None else float(null),
    )


def as_grid(
    fit: Fit, districts: Districts, grid: str | Grid, variables: Mapping[str, Any] | None = None
) -> Grid:
    """The rows that are asked for by name, or those that came."""
    if isinstance(grid, str):
        return datagrid(fit, districts, grid, variables)
    if variables:
        raise ModelError(
            Problem(
                "values come with the grid and beside it", "give them to datagrid, or name a kind of grid"
            )
        )
    return grid


def averaged_words(fit: Fit, grid: Grid, by: str | tuple[str, ...], weighting: str) -> str:
    """Over what rows are averaged; empty where they are not."""
    if by == ROWS:
        return ""
    if grid.kind == "counterfactual":
        return weighting_words(weighting, fit.model.family)
    return "averaged over the rows of the grid" if len(grid.table) > 1 and not grid.varied else ""
