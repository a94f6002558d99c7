"""The mistakes a user can make, told once and completely.

Every error of this package derives from `SpatialvoteError` and carries one or more `Problem`s: what is
wrong (with columns, ids and counts), and what to do. The command line prints the message and leaves with
exit code 2; no traceback is shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with what the user gave.

    Attributes
    ----------
    what
        What was needed and what came, naming columns and the first offending ids.
    advice
        What to do about it, one sentence.
    """

    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what}: {self.advice}"


class SpatialvoteError(Exception):
    """Base of all errors that the user can mend; holds every problem found, not only the first."""

    def __init__(self, problems: Problem | Sequence[Problem]):
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        if len(self.problems) == 1:
            message = str(self.problems[0])
        else:
            lines = "\n".join(f"  - {problem}" for problem in self.problems)
            message = f"{len(self.problems)} problems:\n{lines}"
        super().__init__(message)

    def __reduce__(self) -> tuple[type["SpatialvoteError"], tuple[tuple[Problem, ...]]]:
        # Another process gets the problems back, not the message alone.
        return type(self), (self.problems,)


class DataError(SpatialvoteError):
    """The table, its columns, its geometry or its edges are not what they should be."""


class GraphError(SpatialvoteError):
    """The neighbour graph cannot be built or does not belong to the districts."""


class ModelError(SpatialvoteError):
    """The model is not one that can be fitted to these districts."""


class FitError(SpatialvoteError):
    """A saved fit is damaged, incomplete, or not a fit of these districts."""


class StudyError(SpatialvoteError):
    """A study file has an unknown key, a value outside the allowed ones, or a missing part."""


class RunError(SpatialvoteError):
    """Work that was spread over processes or a cluster could not be done there."""


def name_some(ids: Iterable[object], limit: int = 3) -> str:
    """Name the first offending ids and count the rest: ``'A12', 'B07', 'C31' and 4 more``.

    Examples
    --------
    >>> name_some(["A12", "B07"])
    "'A12', 'B07'"
    >>> name_some(range(9))
    "'0', '1', '2' and 6 more"
    """
    names = [f"'{one}'" for one in ids]
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
