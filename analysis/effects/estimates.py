"""What was asked of a fit, as a tidy table with its draws."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.data.errors import ModelError, Problem


@dataclass(frozen=True, eq=False)
class Estimates:
    """Predictions, comparisons or slopes, one row each.

    Attributes
    ----------
    what
        "predictions", "comparisons" or "slopes".
    labels
        What each row is about: variable and contrast, values of the grid, columns of `by`, or the district.
    draws
        Posterior draws, shape (samples, rows).
    unit
        Of the draws.
    averaged
        Over what each row is an average, in words; empty where it is none.
    level
        Of the intervals.
    null
        Value that the probability of direction is about: on which side of it the quantity lies.
    note
        What a reader must know beside the numbers; empty if nothing.
    """

    what: str
    labels: pd.DataFrame
    draws: np.ndarray
    unit: str
    averaged: str
    level: float
    null: float
    note: str = ""

    @property
    def table(self) -> pd.DataFrame:
        """The labels with five columns more.

        ``estimate`` is the posterior mean; ``low`` and ``high`` are the ends of the equal-tailed interval;
        ``probability_above`` is the posterior probability of a value above `null`, and
        ``probability_of_direction`` that of the side of it where most draws lie, from 0.5 to 1.
        """
        tail = (1 - self.level) / 2
        low, high = np.quantile(self.draws, [tail, 1 - tail], axis=0)
        above, below = ((self.draws > self.null).mean(axis=0), (self.draws < self.null).mean(axis=0))
        return self.labels.assign(
            estimate=self.draws.mean(axis=0),
            low=low,
            high=high,
            probability_above=above,
            probability_of_direction=np.maximum(above, below),
        )

    def __repr__(self) -> str:
        return (
            f"Estimates({self.what}, {len(self.labels)} rows, {self.unit}, {self.averaged or 'no average'})"
        )

    def __str__(self) -> str:
        head = f"{self.what} ({self.unit}), {100 * self.level:g} % intervals"
        said = [f"{head}; {self.averaged}" if self.averaged else head]
        shown = self.table.round(3).to_string(index=False)
        return "\n".join([*said, shown, *([self.note] if self.note else [])])


def level_problems(level: float) -> list[Problem]:
    """Why a level is none; empty if it is."""
    if isinstance(level, int | float) and 0 < level < 1:
        return []
    return [Problem(f"level must lie between 0 and 1, got {level!r}", "0.95 is usual")]


def require_level(level: float) -> None:
    """Refuse a level that is none."""
    if problems := level_problems(level):
        raise ModelError(problems)
