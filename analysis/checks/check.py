"""`Check`: one question that a reviewer asks, and what came of it."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

#: From best to worst. "info" is no judgement: it tells what the other checks should be read with.
VERDICTS = ("info", "pass", "warn", "fail")


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes
    ----------
    name
        Key of the check ("r_hat").
    question
        What the reviewer wants to know; several checks may answer one question.
    statistic
        What was computed, in words.
    value
        Its value; NaN where it cannot be had.
    threshold
        What a sound fit would show, in words.
    verdict
        One of `VERDICTS`.
    advice
        One sentence: what the outcome means and what to do.
    details
        Further values, as plain lists, numbers and text; an array becomes a list, a number that is not
        finite None.

    Raises
    ------
    ValueError
        For an unknown verdict.
    """

    name: str
    question: str
    statistic: str
    value: float
    threshold: str
    verdict: str
    advice: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict '{self.verdict}' is not one of {VERDICTS}")
        object.__setattr__(self, "value", float(self.value))
        object.__setattr__(self, "details", plain(self.details))

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold; a value that is not finite becomes None."""
        return {**asdict(self), "value": plain(self.value)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Check":
        """Make the same check from what `to_dict` gave."""
        value = values["value"]
        return cls(**{**values, "value": math.nan if value is None else value})


def plain(value: Any) -> Any:
    """Turn arrays, tuples and mappings into lists and dicts of plain values, as JSON would return them."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    # Raises a TypeError for what has no plain form.
    return json.loads(json.dumps(value))


def worst(verdicts: list[str]) -> str:
    """The worst verdict of several; "pass" where nothing was judged.

    Examples
    --------
    >>> worst(["info", "pass", "warn"]), worst(["info"])
    ('warn', 'pass')
    """
    return max(["pass", *verdicts], key=VERDICTS.index)


def grade(passes: bool, serious: bool) -> str:
    """pass; or fail where the departure is serious, and warn where it is not."""
    if passes:
        return "pass"
    return "fail" if serious else "warn"
