"""The files of a study's output folder, each written aside and then renamed: none is ever half there."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spatialvote.data.aside import written_aside
from spatialvote.data.errors import Problem, StudyError

#: What can be wrong with the place a user chose; any other OSError is not the user's to mend.
_PLACE = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
    }
)


@dataclass(frozen=True)
class Outputs:
    """Paths of a study's results."""

    folder: Path

    @property
    def fit(self) -> Path:
        """Posterior draws and specification."""
        return self.folder / "fit.nc"

    @property
    def review(self) -> Path:
        """Every check with its verdict."""
        return self.folder / "review.json"

    @property
    def report(self) -> Path:
        """The page to read."""
        return self.folder / "report.html"

    @property
    def draws(self) -> Path:
        """Draws of a fit that is not finished; deleted when the fit is saved."""
        return self.folder / "draws"

    @property
    def truth(self) -> Path:
        """True values of a simulated city."""
        return self.folder / "truth.json"

    def prepare(self) -> None:
        """Make the folder and try to write to it, before minutes are spent on a fit.

        Raises
        ------
        StudyError
            Where the folder cannot be made or written to.
        """
        trial = self.folder / f".trial-{os.getpid()}"
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            trial.write_bytes(b"")
            trial.unlink()

    def clear(self) -> None:
        """Remove what belongs to an earlier fit, so that a page never stands beside another fit's draws."""
        with writing(self.folder):
            for path in (self.report, self.review, self.truth):
                path.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say where a place cannot be written to (permission, full disk, a file in the way)."""
    try:
        yield
    except OSError as error:
        if error.errno not in _PLACE:
            raise
        raise StudyError(
            Problem(f"cannot write '{path}' ({error.strerror})", "make room there, or choose another output")
        ) from error


def write_aside(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` write a file beside `path`, and rename it once it is complete; its folder is made.

    Raises
    ------
    StudyError
        Where the place cannot be written to.
    """
    with writing(path), written_aside(path) as aside:
        write(aside)
    return path
