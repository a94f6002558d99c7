"""`Uncertain`: in which way the values of one covariate are not known exactly.

Statistical offices leave small cells blank and round others; surveys estimate with a standard error. Without
such a declaration a missing value is refused, and every other value is taken as it stands.
"""

from dataclasses import dataclass

import numpy as np

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.data.scales import SCALES

#: What a standard error is that of: the column's own values, or their scale (logits, logarithms).
SE_ON = ("column", "scale")


@dataclass(frozen=True)
class Uncertain:
    """How the values of a covariate are uncertain.

    Attributes
    ----------
    missing
        Whether cells without a value are unknowns; otherwise they are refused.
    low, high
        Columns with the ends of the interval that a value lies in. A cell of one without a value leaves that
        side open; where neither has one the value is exact. Both or none are named.
    rounded
        Values were rounded to the nearest multiple of this: persons where `denominator` is named (5 for
        counts rounded to fives), else the column's own unit.
    suppressed_below
        Cells without a value had less than this: persons where `denominator` is named, else the column's
        unit.
    denominator
        Column with the persons that the share is of.
    se
        Column with standard errors; 0 where a value is exact.
    se_on
        ``column``: of the values as they stand; ``scale``: of their logits or logarithms.
    scale
        On which the covariate is modelled, one of `SCALES`; None: ``logit`` for a share, else ``identity``.

    Raises
    ------
    DataError
        With everything that contradicts itself.

    Examples
    --------
    >>> Uncertain(rounded=5, suppressed_below=10, denominator="residents").missing
    False
    """

    missing: bool = False
    low: str | None = None
    high: str | None = None
    rounded: float | None = None
    suppressed_below: float | None = None
    denominator: str | None = None
    se: str | None = None
    se_on: str = "column"
    scale: str | None = None

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise DataError(problems)

    def _problems(self):
        steps = {"rounded": self.rounded, "suppressed_below": self.suppressed_below}
        given = [name for name, step in steps.items() if step is not None]
        if not (self.missing or self.low or self.high or self.se or given):
            yield Problem(
                "an uncertain covariate is declared, and nothing is said of how",
                "give missing = true, low and high, rounded, suppressed_below or se; or leave it out",
            )
        if (self.low is None) != (self.high is None):
            there, absent = ("low", "high") if self.low else ("high", "low")
            yield Problem(f"{there} is named without {absent}", f"name the column for {absent} as well")
        for one, others in (("se", ["low", *given]), ("low", given)):
            clash = [other for other in others if getattr(self, other) is not None]
            if getattr(self, one) is not None and clash:
                yield Problem(
                    f"{'low and high' if one == 'low' else one} came together with {name_some(clash)}",
                    "a value has a standard error, or the ends of an interval, or was rounded: keep one",
                )
        for name in given:
            step = steps[name]
            if isinstance(step, bool) or not isinstance(step, int | float) or not 0 < step < np.inf:
                yield Problem(f"{name} must be a number above 0, got {step!r}", "give the step, such as 5")
        if self.denominator is not None and not given:
            yield Problem(
                f"denominator '{self.denominator}' came without rounded or suppressed_below",
                "say what was done to counts of persons, or leave it out",
            )
        if self.se_on not in SE_ON:
            yield Problem(f"se_on '{self.se_on}' is unknown", f"use one of {name_some(SE_ON)}")
        elif self.se_on != "column" and self.se is None:
            yield Problem("se_on came without se", "name the column with standard errors, or leave it out")
        if self.scale is not None and self.scale not in SCALES:
            yield Problem(f"scale '{self.scale}' is unknown", f"use one of {name_some(SCALES)}")

    def columns(self) -> dict[str, str]:
        """Further columns that the declaration names: what they are, to the column."""
        named = {"low": self.low, "high": self.high, "denominator": self.denominator, "se": self.se}
        return {what: column for what, column in named.items() if column is not None}

    def scale_for(self, unit: str | None) -> str:
        """The scale, chosen by the unit where it was left open."""
        return self.scale or ("logit" if unit in SHARE_UNITS else "identity")
