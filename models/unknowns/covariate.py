"""An uncertain covariate on its standardised scale: how its values may move, and what was estimated."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.data.districts import Districts
from spatialvote.data.first_guess import exact_covariates
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.data.scales import to_line
from spatialvote.models.unknowns.arrays import (
    ABOVE,
    BELOW,
    BETWEEN,
    FREE,
    NOT_ESTIMATED,
    ON_COLUMN,
    ON_SCALE,
    TOGETHER,
)

#: Least standard error of an estimate, in standard deviations of the column.
_EXACT = 1e-12


def other_columns(districts: Districts) -> np.ndarray:
    """Intercept and standardised covariates without unknown values, shape (n, q)."""
    columns = districts.table[list(exact_covariates(districts.roles, districts.unknown))]
    values = columns.to_numpy(dtype=np.float64).reshape(districts.n, -1)
    values = values[:, np.ptp(values, axis=0) > 0]
    return np.column_stack([np.ones(districts.n), (values - values.mean(axis=0)) / values.std(axis=0)])


@dataclass(frozen=True)
class Row:
    """One unknown value: how it moves, and what was estimated."""

    kind: int
    estimated: int
    place: tuple[float, float, float]
    estimate: tuple[float, float]


@dataclass(frozen=True)
class Covariate:
    """A covariate with unknown values on its standardised scale."""

    frame: pd.DataFrame
    scale: str
    constants: tuple[float, float, float]
    standardised: np.ndarray
    guess: np.ndarray
    rest: float
    estimated: int

    def line(self, x: np.ndarray) -> np.ndarray:
        """Values on the standardised scale."""
        centre, sd, whole = self.constants
        return (to_line(self.scale, whole, x) - centre) / sd

    def rows(self) -> list[Row]:
        """How each unknown value moves; of what moves together the place is estimate and standard error on
        the standardised scale."""
        numbers = (self.frame[one].to_numpy(dtype=np.float64) for one in ("low", "high", "value", "se"))
        low, high, value, se = numbers
        lower, upper = self.line(low), self.line(high)
        centre = self.line(self.guess)
        on_scale = self.estimated == ON_SCALE
        estimate = self.line(value) if on_scale else value
        standard = se / self.constants[1] if on_scale else se
        # What the standard error is on the scale, near the first guess; below rounding it is none.
        own = standard if on_scale else np.abs(self.line(self.guess + self._small(se)) - centre)
        own = np.maximum(own, _EXACT)
        noisy = se > 0
        rows = []
        for e in range(len(low)):
            ends = np.isfinite([lower[e], upper[e]])
            kind = BETWEEN if ends.all() else ABOVE if ends[0] else BELOW if ends[1] else FREE
            place = (lower[e], upper[e], self.rest)
            if kind == FREE and noisy.any():
                kind, place = TOGETHER, (centre[e], own[e] if noisy[e] else np.nan, 0.0)
            elif kind == FREE:
                place = (centre[e], self.rest, 0.0)
            rows.append(
                Row(
                    kind,
                    self.estimated if noisy[e] else NOT_ESTIMATED,
                    place,
                    (estimate[e], standard[e]) if noisy[e] else (0.0, 1.0),
                )
            )
        return rows

    def _small(self, se: np.ndarray) -> np.ndarray:
        """A step of a standard error, kept within the range of the scale."""
        whole = self.constants[2]
        room = (whole - self.guess) / 2 if np.isfinite(whole) else np.inf
        return np.minimum(np.nan_to_num(se, nan=1.0), room)


def uncertain_covariate(districts: Districts, column: str) -> Covariate:
    """A declared covariate of districts, first guesses among its values."""
    roles, frame = districts.roles, districts.unknown.of(column)
    declared, unit = roles.uncertain[column], roles.units.get(column)
    scale, whole = declared.scale_for(unit), SHARE_UNITS.get(unit or "", np.inf)
    values = districts.table[column].to_numpy(dtype=np.float64)
    z = to_line(scale, whole, values)
    centre, sd = float(z.mean()), float(z.std())
    standardised = (z - centre) / sd
    others = other_columns(districts)
    weights = np.linalg.lstsq(others, standardised)[0]
    at = districts.ids.get_indexer(pd.Index(frame["district"]))
    return Covariate(
        frame,
        scale,
        (centre, sd, whole),
        standardised,
        values[at],
        max(float((standardised - others @ weights).std()), 1e-3),
        ON_SCALE if declared.se_on == "scale" else ON_COLUMN,
    )
