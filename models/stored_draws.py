"""The draws of one run of one chain on disk: nutpie's zarr store, and how many draws of it are complete.

nutpie writes each array of a store in files of 16 draws, compressed by Blosc. zarr's own reader spends half a
millisecond on each file, two seconds on the thousands of a fit; decoding them here takes a tenth of that.
A file that is missing holds the array's fill value only, such as that nothing diverged.

Layout of zarr stores: https://zarr-specs.readthedocs.io (version 3).
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spatialvote.data.aside import written_aside
from spatialvote.data.errors import FitError, Problem

#: What is kept of nutpie's statistics of each draw.
STATISTICS = (
    "depth",
    "maxdepth_reached",
    "n_steps",
    "index_in_trajectory",
    "step_size",
    "mean_tree_accept",
    "logp",
    "energy",
    "energy_error",
    "diverging",
)


@dataclass(frozen=True)
class Draws:
    """Draws of one chain.

    Attributes
    ----------
    point
        Sampled vectors, shape (draws, n_dim).
    statistics
        By name, each of shape (draws,).
    """

    point: np.ndarray
    statistics: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.point)

    @classmethod
    def joined(cls, parts: "Iterable[Draws]") -> "Draws":
        """Draws of one chain, one part after the other."""
        parts = list(parts)
        return cls(
            np.concatenate([part.point for part in parts]),
            {name: np.concatenate([part.statistics[name] for part in parts]) for name in STATISTICS},
        )

    def first(self, draws: int) -> "Draws":
        """The first draws alone."""
        return Draws(self.point[:draws], {name: one[:draws] for name, one in self.statistics.items()})


@dataclass(frozen=True)
class StoredRun:
    """A zarr store of nutpie, and beside it the marker that vouches for its draws."""

    folder: Path

    @property
    def _marker(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.json")

    def mark(self, draws: int) -> None:
        """Vouch for the first draws: every array holds them."""
        with written_aside(self._marker) as aside:
            aside.write_text(json.dumps({"draws": draws}), encoding="utf-8")

    @property
    def complete(self) -> int:
        """Draws that the marker vouches for.

        Raises
        ------
        FitError
            Where the marker is damaged.
        """
        try:
            return int(json.loads(self._marker.read_text(encoding="utf-8"))["draws"])
        except FileNotFoundError:
            return 0
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(self._marker, error) from error

    def read(self) -> Draws:
        """The draws that the marker vouches for.

        Raises
        ------
        FitError
            Where files are missing or damaged.
        """
        draws = self.complete
        group = self.folder / "sample_stats"
        try:
            point = _read_array(self.folder / "posterior" / "point", draws)
            statistics = {name: _read_array(group / name, draws) for name in STATISTICS}
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise _damaged(self.folder, error) from error
        if not np.isfinite(point).all():
            raise _damaged(self.folder, "draws are missing")
        return Draws(point, statistics)

    def remove(self) -> None:
        """Delete store and marker."""
        self._marker.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _read_array(folder: Path, draws: int) -> np.ndarray:
    """The first draws of a chain's array of shape (1, draws, ...)."""
    # Part of zarr, which nutpie brings; loaded when draws are read, after sampling.
    from numcodecs import blosc

    about: dict[str, Any] = json.loads((folder / "zarr.json").read_text(encoding="utf-8"))
    _, held, *rest = about["shape"]
    _, each, *_ = about["chunk_grid"]["configuration"]["chunk_shape"]
    if draws > held:
        raise ValueError(f"{draws} draws are vouched for and {held} fit in")
    values = np.full((-(-draws // each) * each, *rest), about["fill_value"], dtype=about["data_type"])
    for part in range(0, draws, each):
        # The index of a file: chain, draws, then 0 for every further dimension.
        path = folder.joinpath("c", "0", str(part // each), *["0"] * len(rest))
        if path.is_file():
            raw = blosc.decompress(path.read_bytes())
            values[part : part + each] = np.frombuffer(raw, values.dtype).reshape(each, *rest)
    return values[:draws]


def _damaged(path: Path, why: object) -> FitError:
    return FitError(
        Problem(f"stored draws in '{path}' cannot be read ({why})", "start anew: --restart, or delete them")
    )
