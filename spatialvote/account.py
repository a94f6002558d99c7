"""The account that a command gives of itself: what is being done, how long it took, what came of it."""

import time
from collections.abc import Callable, Iterator
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


@contextmanager
def counting() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error, told what is done, how many are done and how many there are.

    Where that is no terminal, nothing is drawn.

    Examples
    --------
    >>> with counting() as progress:
    ...     progress("other models", 1, 8)
    """
    # Only long steps have a bar.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=None)

        def progress(doing: str, done: int, total: int) -> None:
            bar.update(task, description=doing, completed=done, total=total)

        yield progress


def short(path: Path) -> str:
    """A path as seen from the current folder, where it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
