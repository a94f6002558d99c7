r"""What is known of each value that is not known exactly: an interval, an estimate with a standard error.

======================  ========================  =========================  ==========================
declared                cell has a value v        cell is empty              with a denominator N, unit w
======================  ========================  =========================  ==========================
``missing``             exact                     anywhere in the range
``low``, ``high``       between low and high      between low and high
``rounded`` r           [v - r/2, v + r/2]        as ``missing`` says        r persons are w r / N
``suppressed_below`` s  exact (or rounded)        [0, s]                     s persons are w s / N
``se``                  estimate with that se     as ``missing`` says
======================  ========================  =========================  ==========================

The range is 0 to one whole for a share, above 0 on scale ``log``, else the line; intervals are cut to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.data.errors import Problem
from spatialvote.data.findings import in_districts
from spatialvote.data.roles import SHARE_UNITS, Roles
from spatialvote.data.scales import open_range, to_line
from spatialvote.data.uncertain import Uncertain

#: What a published value may be off a multiple of the step that it was rounded to, in steps.
_OFF_STEP = 1e-6


@dataclass(frozen=True, eq=False)
class UnknownValues:
    """The values of some districts that a model has to find out.

    Attributes
    ----------
    frame
        One row for each unknown value, by column and then in the order of districts: ``column``; ``district``
        (its id); ``low`` and ``high``, the interval that it lies in, infinite where open; ``value`` and
        ``se``, an estimate and its standard error, NaN where there is none. In the column's unit; ``se`` on
        the scale where `Uncertain.se_on` says so.
    """

    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns with unknown values, each once."""
        return tuple(dict.fromkeys(self.frame["column"]))

    def of(self, column: str) -> pd.DataFrame:
        """The rows of one column."""
        return self.frame[self.frame["column"] == column]


def no_unknown_values() -> UnknownValues:
    """Nothing is unknown."""
    return UnknownValues(
        pd.DataFrame({name: [] for name in ("column", "district", "low", "high", "value", "se")})
    )


def excused_gaps(numbers: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    """Where a cell without a value is declared, for every column of numbers; True where it is no gap."""
    excused = pd.DataFrame(False, index=numbers.index, columns=numbers.columns)
    for column, declared in roles.uncertain.items():
        if column not in numbers:
            continue
        absent = numbers[column].isna()
        if declared.missing or declared.suppressed_below is not None:
            excused[column] = True
        ends = [one for one in (declared.low, declared.high) if one in numbers]
        if ends:
            excused[column] |= numbers[ends].notna().any(axis=1)
            excused[ends] = True
        if declared.se in numbers:
            excused[declared.se] = absent
    return excused


def unknown_values(numbers: pd.DataFrame, roles: Roles, names: np.ndarray) -> UnknownValues:
    """The unknown values of columns that `unknown_problems` has found right; `names` are the ids."""
    parts = []
    for column, declared in roles.uncertain.items():
        known = _known(numbers, roles, column, declared)
        exact = (known["low"] == known["high"]) | (known["se"] == 0)
        parts.append(known.assign(column=column, district=names)[~exact])
    order = ["column", "district", "low", "high", "value", "se"]
    return UnknownValues(pd.concat(parts)[order].reset_index(drop=True)) if parts else no_unknown_values()


def unknown_problems(numbers: pd.DataFrame, roles: Roles, names: np.ndarray) -> list[Problem]:
    """Say what is wrong with cells of uncertain covariates and of the columns that they name."""
    problems = []
    for column, declared in roles.uncertain.items():
        # A logit of what is no share is a problem of the roles.
        unbounded = declared.scale == "logit" and roles.units.get(column) not in SHARE_UNITS
        if not unbounded and all(one in numbers for one in (column, *declared.columns().values())):
            problems += _cell_problems(numbers, roles, column, declared, names)
    return problems


def _range(roles: Roles, column: str, declared: Uncertain) -> tuple[str, float, float, float]:
    """Scale of a covariate, one whole of it, and the ends of its range."""
    whole = SHARE_UNITS.get(roles.units.get(column, ""), np.inf)
    scale = declared.scale_for(roles.units.get(column))
    low, high = open_range(scale, whole)
    return scale, whole, *((max(low, 0.0), whole) if np.isfinite(whole) else (low, high))


def _known(numbers: pd.DataFrame, roles: Roles, column: str, declared: Uncertain) -> pd.DataFrame:
    """Interval, estimate and standard error of every district; the ends are equal where a value is exact."""
    _, whole, least, most = _range(roles, column, declared)
    value = numbers[column]
    absent = value.isna()
    nothing = pd.Series(np.nan, index=value.index)
    low, high = value.where(~absent, least), value.where(~absent, most)
    estimate, se = nothing.copy(), nothing.copy()
    person = whole / numbers[declared.denominator] if declared.denominator else 1.0
    if declared.low is not None:
        interval = numbers[[declared.low, declared.high]].notna().any(axis=1)
        low = low.where(~interval, numbers[declared.low].fillna(least))
        high = high.where(~interval, numbers[declared.high].fillna(most))
    if declared.rounded is not None:
        half = declared.rounded / 2 * person
        low, high = low.where(absent, value - half), high.where(absent, value + half)
    if declared.suppressed_below is not None:
        low = low.where(~absent, 0.0)
        high = high.where(~absent, declared.suppressed_below * person)
    if declared.se is not None:
        se = numbers[declared.se].where(~absent)
        noisy = se > 0
        estimate = value.where(noisy)
        low, high = low.where(~noisy, least), high.where(~noisy, most)
    return pd.DataFrame(
        {"low": low.clip(least, most), "high": high.clip(least, most), "value": estimate, "se": se}
    )


def _cell_problems(
    numbers: pd.DataFrame, roles: Roles, column: str, declared: Uncertain, names: np.ndarray
) -> Iterator[Problem]:
    value = numbers[column]
    scale, whole, least, most = _range(roles, column, declared)

    def where(mask: pd.Series, what: str, advice: str) -> Iterator[Problem]:
        if mask.any():
            yield Problem(f"{what} {in_districts(names[mask.to_numpy()])}", advice)

    if declared.low is not None:
        low, high = numbers[declared.low], numbers[declared.high]
        ends = f"'{declared.low}' and '{declared.high}'"
        yield from where(
            low > high, f"the interval {ends} of '{column}' ends before it begins", "swap its ends"
        )
        yield from where(
            (low <= high) & ((value < low) | (value > high)),
            f"'{column}' lies outside its interval {ends}",
            "mend one of them, or leave the value empty where only its interval is known",
        )
        yield from where(
            (low <= high) & ((high < least) | (low > most)),
            f"the interval {ends} of '{column}' lies outside {least:g} to {most:g}",
            "give its ends in the unit of the column",
        )
    if declared.denominator is not None:
        yield from where(
            numbers[declared.denominator] <= 0,
            f"denominator '{declared.denominator}' of '{column}' is not above 0",
            "give the persons that the share is of",
        )
    if declared.rounded is not None and declared.denominator is None:
        steps = value / declared.rounded
        yield from where(
            (steps - steps.round()).abs() > _OFF_STEP * steps.abs().clip(lower=1),
            f"'{column}' is declared as rounded to {declared.rounded:g}, and no multiple of it",
            "give the step that was used, or the column with the persons that the share is of as denominator",
        )
    if declared.se is not None:
        yield from where(
            numbers[declared.se] < 0, f"standard error '{declared.se}' of '{column}' is negative", "mend it"
        )
    known = _known(numbers, roles, column, declared)
    lower, upper = open_range(scale, whole)
    held = (known["low"] == known["high"]) | (known["se"] == 0)
    on_scale = known["se"].gt(0) & (declared.se_on == "scale")
    beyond = (held | on_scale) & value.notna() & ((value <= lower) | (value >= upper))
    yield from where(
        beyond & (scale != "identity"),
        f"'{column}' lies at or beyond the ends of what scale '{scale}' can hold ({lower:g} to {upper:g})",
        'declare it as rounded, or choose scale = "identity"',
    )
    known_values = int(
        np.isfinite(to_line(scale, whole, value.where((value > lower) & (value < upper)))).sum()
    )
    if known_values < 3 and declared.low is None:
        yield Problem(
            f"'{column}' has a value in {known_values} districts, too few to tell the others",
            "leave it out, or read it from a table that has more",
        )
