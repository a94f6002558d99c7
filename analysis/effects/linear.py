r"""The linear predictor of a fit at the rows of a grid, draw by draw.

For a row that keeps the effect of district i, with covariates x' and levels g' of the groups,

    eta' = eta_i + (x' - x_i)'(b + d_i) + sum over groups of (u_g' w' - u_g(i) w_i),

and for one that is no district of the map, whose district effect is 0,

    eta' = alpha + (x' - center)'b + sum over the groups whose level is told of u_g' w',

with w = 1 for intercepts and the standardised covariate for slopes, b the coefficients on the columns'
original scale, and d_i the departure of the district's own slope where one varies over the map.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.effects.design import design_of
from spatialvote.analysis.effects.grid import NO_DISTRICT, Grid
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.fit import Fit
from spatialvote.models.groups import Effect as LevelEffect


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a grid as the linear predictor takes them.

    Attributes
    ----------
    district
        As in `Grid`, shape (rows,).
    moved
        Design less that of the row's district (less its center, for rows that are no district), on the
        original scale, shape (rows, p).
    level
        Group to the position of each row's level, -1 where none is told, shape (rows,).
    times, own
        Group to what its effects are multiplied by, w' and w_i: ones, or the standardised covariate of a
        slope, at the row and in its district; shape (rows,).
    """

    district: np.ndarray
    moved: np.ndarray
    level: dict[str, np.ndarray]
    times: dict[str, np.ndarray]
    own: dict[str, np.ndarray]


class LinearPredictor:
    """Draws of the linear predictor of a fit at any rows.

    Parameters
    ----------
    fit, districts
        A fit and the districts it was made from.

    Raises
    ------
    FitError
        Where the covariates of the districts are not those of the fit.
    """

    def __init__(self, fit: Fit, districts: Districts) -> None:
        self.fit = fit
        self.design = design_of(fit, districts)
        self.slope = fit.draws("beta") / fit.constant("scale")
        self._intercept = fit.draws("intercept")
        self._groups = {name: fit.draws(f"effect_{name}") for name in fit.groups}
        self._own = {name: fit.constant(f"index_{name}") for name in fit.groups}
        self._varying = None
        if fit.model.varying is not None:
            # Divided by the column's scale, as `slope` is.
            k = fit.coefficients.index(fit.model.varying)
            self._varying = k, fit.local_slope() / fit.constant("scale")[k]
        self._eta = fit.tree["posterior"]["eta"].to_numpy().reshape(len(self.slope), -1)

    def matrix(self, table: pd.DataFrame) -> np.ndarray:
        """The design at some rows, on the original scale, shape (rows, p).

        Raises
        ------
        ModelError
            Where a term of the formula has no value.
        """
        # A logarithm of a negative share has no value; it is named below instead of warned of.
        with np.errstate(divide="ignore", invalid="ignore"):
            matrix = self.design.evaluate(table)
        lost = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
        if len(lost):
            raise ModelError(
                Problem(
                    f"a term of formula '{self.fit.model.formula}' has no value in {len(lost)} rows of the "
                    f"grid (rows {name_some(lost)})",
                    "give values, or changes, that every term is defined for",
                )
            )
        return matrix

    def rows(self, grid: Grid, table: pd.DataFrame | None = None) -> Rows:
        """The rows of a grid, or of a table in place of the grid's."""
        at = grid.table if table is None else table
        district, typical = grid.district, grid.district == NO_DISTRICT
        own = self.design.matrix[np.where(typical, 0, district)]
        own[typical] = self.design.center
        matrix = self.matrix(at)
        level, times, before = {}, {}, {}
        for group in self.design.groups:
            position = {name: k for k, name in enumerate(group.levels)}
            columns = group.effect.columns
            told = at[list(columns)].astype(str).agg(":".join, axis=1) if set(columns) <= set(at) else []
            level[group.name] = np.array([position[one] for one in told] or np.full(len(at), -1))
            times[group.name] = self._times(group.effect, matrix)
            before[group.name] = self._times(group.effect, own)
        return Rows(district, matrix - own, level, times, before)

    def _times(self, effect: LevelEffect, matrix: np.ndarray) -> np.ndarray:
        """What an effect is multiplied by in rows of the design (rows, p)."""
        if not effect.covariate:
            return np.ones(len(matrix))
        k = self.design.names.index(effect.covariate)
        return (matrix[:, k] - self.design.center[k]) / self.design.scale[k]

    def along(self, rows: Rows, here: slice, direction: np.ndarray) -> np.ndarray:
        """Change of eta at some rows per unit of a move of the design, (samples, rows).

        ``direction`` is the move of these rows on the original scale, shape (rows, p).
        """
        change = self.slope @ direction.T
        for effect in self.fit.effects:
            if effect.covariate:
                k, level = self.design.names.index(effect.covariate), rows.level[effect.name][here]
                slopes = np.where(level >= 0, self._groups[effect.name][:, level], 0.0)
                change += slopes * direction[:, k] / self.design.scale[k]
        return change + self._local(rows.district[here], direction)

    def _local(self, district: np.ndarray, moved: np.ndarray) -> np.ndarray | float:
        """What the districts' own departures of a varying slope make of moves (rows, p); (samples, rows)."""
        if self._varying is None:
            return 0.0
        k, slope = self._varying
        typical = district == NO_DISTRICT
        return np.where(typical, 0.0, slope[:, np.where(typical, 0, district)] * moved[:, k])

    def at(self, rows: Rows, here: slice) -> np.ndarray:
        """Draws at some of the rows, shape (samples, rows)."""
        district = rows.district[here]
        typical = district == NO_DISTRICT
        eta = self._eta[:, np.where(typical, 0, district)].astype(np.float64)
        eta[:, typical] = self._intercept[:, None]
        eta += self.slope @ rows.moved[here].T + self._local(district, rows.moved[here])
        for name, draws in self._groups.items():
            level, own = rows.level[name][here], self._own[name][np.where(typical, 0, district)]
            eta += np.where(level >= 0, draws[:, level] * rows.times[name][here], 0.0)
            eta -= np.where(typical, 0.0, draws[:, own] * rows.own[name][here])
        return eta
