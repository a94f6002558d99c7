"""Collect every problem before raising one error, and name districts in one wording."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from spatialvote.data.errors import DataError, GraphError, Problem, SpatialvoteError, name_some


class Findings:
    """All problems found so far on the way from files to districts."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._only_graph = True

    def __len__(self) -> int:
        return len(self._problems)

    def add(self, problems: Iterable[Problem]) -> None:
        """Keep problems of the table, its columns or its geometry."""
        for problem in problems:
            self._problems.append(problem)
            self._only_graph = False

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Keep the problems of an error raised inside the block, and go on after it."""
        try:
            yield
        except SpatialvoteError as error:
            self._problems.extend(error.problems)
            self._only_graph = self._only_graph and isinstance(error, GraphError)

    def error(self) -> SpatialvoteError:
        """One error with every problem: GraphError if all concern the graph, else DataError."""
        return (GraphError if self._only_graph else DataError)(self._problems)


def in_districts(ids: Collection[str] | np.ndarray) -> str:
    """Count districts and name the first: ``in 2 districts (ids 'A12', 'B07')``.

    Examples
    --------
    >>> in_districts(["A12"])
    "in 1 district (id 'A12')"
    >>> in_districts(["A12", "B07", "C31", "D02"])
    "in 4 districts (ids 'A12', 'B07', 'C31' and 1 more)"
    """
    return f"in {districts_named(ids)}"


def districts_named(ids: Collection[str] | np.ndarray) -> str:
    """Count districts and name the first: ``2 districts (ids 'A12', 'B07')``."""
    many = "s" if len(ids) > 1 else ""
    return f"{len(ids)} district{many} (id{many} {name_some(ids)})"
