"""The account that a command gives of itself: what is being done, how long it took, what came of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Step:
    """One step in progress; what came of it is told when it ends."""

    outcome: str = "done"


@contextmanager
def step(doing: str) -> Iterator[Step]:
    """Say what is being done and, once it is done, its outcome and seconds.

    Examples
    --------
    >>> with step("Reading districts") as reading:  # doctest: +ELLIPSIS
    ...     reading.outcome = "400 districts"
    Reading districts ...
      400 districts (... s)
    """
    # Flushed, because the sampler's bar goes to standard error in between.
    print(f"{doing} ...", flush=True)
    start = time.perf_counter()
    current = Step()
    yield current
    print(f"  {current.outcome} ({time.perf_counter() - start:.1f} s)", flush=True)


def short(path: Path) -> str:
    """A path as seen from the current folder, where it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
