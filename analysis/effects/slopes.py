r"""`slopes`: how steeply the vote goes with a covariate where it is, on the scale of the vote.

    slope_i = dp/d eta (eta_i) . (dx_i / dv)'b,

with v the covariate in percentage points where it is a share, else in its own unit. The derivative of the
design is a central difference over a hundred-thousandth of the column's standard deviation, so that curves,
interactions and transformations follow; that of the link is exact.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from spatialvote.analysis.effects.average import average, cells_of, labelled
from spatialvote.analysis.effects.comparisons import require_columns
from spatialvote.analysis.effects.contrasts import contrasts
from spatialvote.analysis.effects.estimates import Estimates, require_level
from spatialvote.analysis.effects.grid import Grid, formula_columns, require_known
from spatialvote.analysis.effects.linear import LinearPredictor
from spatialvote.analysis.effects.predictions import as_grid, averaged_words
from spatialvote.analysis.effects.response import response_of
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.models.fit import Fit

#: Half of the step of a central difference, in standard deviations of the column.
_STEP = 5e-6


def slopes(
    fit: Fit,
    districts: Districts,
    variables: str | Sequence[str] | None = None,
    *,
    grid: str | Grid = "counterfactual",
    by: str | tuple[str, ...] = "all",
    weighting: str = "districts",
    level: float = 0.95,
) -> Estimates:
    """The derivative of the vote by a covariate.

    Parameters
    ----------
    fit, districts
        A fit and the districts it was made from.
    variables
        One column of numbers of the formula, or several; None: all.
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
    >>> spatialvote.slopes(fit, city.districts, "migrant_share").table["per"].iloc[0]
    'percentage point'
    """
    require_level(level)
    asked = _numeric(fit, districts, variables)
    rows = as_grid(fit, districts, grid)
    require_columns(rows, asked)
    require_known(fit, rows, rows.varied)
    cells = cells_of(fit, districts, rows, by, weighting)
    predictor, response = LinearPredictor(fit, districts), response_of(fit)
    at = predictor.rows(rows)
    turned, per = [], []
    for name in asked:
        unit = districts.roles.units.get(name, "")
        share = unit in SHARE_UNITS
        step = _STEP * float(districts.table[name].to_numpy(np.float64).std())
        own = rows.table[name].astype(np.float64)
        up, down = (predictor.matrix(rows.table.assign(**{name: own + by_})) for by_ in (step, -step))
        # The step that the numbers make, which is not quite the one they were to make.
        made = ((own + step) - (own - step)).to_numpy()
        point = districts.roles.points(name, 1.0) if share else 1.0
        turned.append(point * (up - down) / made[:, None])
        per.append("percentage point" if share else unit or "unit")
    draws = average(
        cells,
        len(predictor.slope),
        len(asked),
        lambda here: tuple(
            response.derivative(predictor.at(at, here)) * predictor.along(at, here, one[here])
            for one in turned
        ),
    )
    labels = [labelled(cells.labels, variable=name, per=unit) for name, unit in zip(asked, per, strict=True)]
    return Estimates(
        "slopes",
        pd.concat(labels, ignore_index=True),
        np.concatenate(draws, axis=1),
        response.difference,
        averaged_words(fit, rows, by, weighting),
        level,
        0.0,
    )


def _numeric(fit: Fit, districts: Districts, variables: str | Sequence[str] | None) -> list[str]:
    """The columns that are asked for; those of categories have no slope."""
    covariates, _ = formula_columns(fit, districts)
    numeric = [one for one in covariates if pd.api.types.is_numeric_dtype(districts.table[one])]
    asked = numeric if variables is None else [one.variable for one in contrasts(fit, districts, variables)]
    asked = list(dict.fromkeys(asked))
    lost = [one for one in asked if one not in numeric]
    if lost or not asked:
        raise ModelError(
            Problem(
                f"{name_some(lost) or 'a formula without columns of numbers'} has no slope",
                f"name columns of numbers ({name_some(numeric, limit=12) or 'there is none'}), and ask for "
                "comparisons of categories",
            )
        )
    return asked
