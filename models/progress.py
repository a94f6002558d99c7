"""A progress bar for the sampler that shows how long it will still take."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn

from spatialvote.models.nuts import Progress as Watch


@contextmanager
def progress_bar(title: str) -> Iterator[Watch]:
    """A bar on standard error; where that is no terminal, nothing is drawn.

    Examples
    --------
    >>> with progress_bar("Sampling") as watch:
    ...     watch(10, 100, 0, 0.5)
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("draws, {task.fields[divergences]} divergent,"),
        TimeElapsedColumn(),
        TextColumn("gone,"),
        TimeLeftColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=None, divergences=0)

        def watch(done: int, total: int, divergences: int, seconds: float) -> None:
            bar.update(task, completed=done, total=total, divergences=divergences)

        yield watch
