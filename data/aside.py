"""Write a file aside and rename it once it is complete, so that none is ever half there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a path to write to, which becomes `path` if all goes well and is removed if not.

    The folder is made where it is missing. An older file stays until the new one is complete.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with written_aside(folder / "a.txt") as aside:
    ...     _ = aside.write_text("whole")
    >>> [one.name for one in folder.iterdir()]
    ['a.txt']
    """
    # The ending stays: writers may choose a format by it.
    aside = path.with_name(f".{path.stem}-{os.getpid()}.part{path.suffix}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
