"""`DrawStore`: the draws of an unfinished fit on disk, and what fit they belong to.

    manifest.json            what is fitted: model, fingerprints of data and graph, settings, seed, versions
    chain-0/from-0/          nutpie's zarr store of the first run of chain 0 (see `stored_draws`)
    chain-0/from-0.json      how many of its draws are complete, say 137
    chain-0/from-137/        the run that went on after these

A run that was interrupted in its warm-up leaves nothing to go on from, and is done anew with the same seed.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spatialvote.data.aside import written_aside
from spatialvote.data.errors import FitError, Problem, name_some
from spatialvote.models.stored_draws import Draws, StoredRun

#: Version of the layout of a store.
LAYOUT = 1
#: What to do with draws of an interrupted fit: refuse, go on, or take them as they are.
Resume = bool | Literal["partial"]


@dataclass(frozen=True)
class DrawStore:
    """A folder of draws.

    Attributes
    ----------
    folder
        The folder.
    chains
        Number of chains of the fit.
    """

    folder: Path
    chains: int

    def runs(self, chain: int) -> list[StoredRun]:
        """The runs of a chain that hold draws, each where the one before ended."""
        runs: list[StoredRun] = []
        start = 0
        while (drawn := (run := self.run(chain, start)).complete) > 0:
            runs.append(run)
            start += drawn
        return runs

    def run(self, chain: int, start: int) -> StoredRun:
        """The run of a chain that goes on after some draws."""
        return StoredRun(self.folder / f"chain-{chain}" / f"from-{start}")

    def kept(self) -> list[int]:
        """Draws of each chain."""
        return [sum(run.complete for run in self.runs(chain)) for chain in range(self.chains)]

    def read(self, chain: int) -> Draws | None:
        """All draws of a chain, None where it has none."""
        runs = self.runs(chain)
        return Draws.joined(run.read() for run in runs) if runs else None


def open_store(folder: Path, belongs: Mapping[str, Any], resume: Resume) -> DrawStore:
    """Open the store of a fit, or make it.

    Parameters
    ----------
    folder
        The store's folder.
    belongs
        What the draws belong to, as plain values: the fit's model, data, graph, settings, seed and versions.
    resume
        Whether to go on with draws that are there; ``"partial"``: to take them as they are.

    Raises
    ------
    FitError
        Where the folder holds something else or is damaged, where its draws belong to another fit, where it
        holds draws and `resume` is False, or where it holds none and `resume` is ``"partial"``.
    """
    store = DrawStore(folder, int(belongs["settings"]["chains"]))
    found = _manifest(folder)
    if found is None:
        if resume == "partial":
            raise _nothing(folder)
        _write_manifest(folder, belongs)
        return store
    # As a reader of JSON sees it: tuples are lists.
    wanted = json.loads(json.dumps(belongs))
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    drawn = count_draws(folder)
    if drawn == 0 and resume != "partial":
        # Nothing is lost by starting anew, whatever it belonged to.
        remove_store(folder)
        _write_manifest(folder, belongs)
        return store
    if differing:
        raise FitError(
            Problem(
                f"the {drawn:,} draws in '{folder}' belong to another fit: another {name_some(differing)}",
                "go on with the study as it was, or discard them: --restart, or delete the folder",
            )
        )
    if resume is False:
        raise FitError(
            Problem(
                f"'{folder}' holds {drawn:,} draws of an interrupted fit",
                "go on with --resume (resume=True), or discard them: --restart, or delete the folder",
            )
        )
    if drawn == 0:
        raise _nothing(folder)
    return store


def count_draws(folder: Path) -> int:
    """Draws that a store holds over all chains, 0 where there is no store.

    Raises
    ------
    FitError
        Where the folder is not a store, or is damaged.
    """
    found = _manifest(folder)
    return 0 if found is None else sum(DrawStore(folder, _chains_of(found)).kept())


def remove_store(folder: Path) -> None:
    """Delete a store; nothing is done where there is none.

    Raises
    ------
    FitError
        Where the folder is not a store.
    """
    if not folder.exists():
        return
    manifest = folder / "manifest.json"
    if not manifest.is_file() and any(folder.iterdir()):
        raise _foreign(folder)
    shutil.rmtree(folder)


def _manifest(folder: Path) -> dict[str, Any] | None:
    """What the draws of a folder belong to, None where there is no folder or an empty one."""
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise _foreign(folder)
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        # A part of a manifest is what a run leaves that was killed at once.
        if all(one.name.endswith(".part.json") for one in folder.iterdir()):
            return None
        raise _foreign(folder)
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))
        layout = found["layout"]
        _chains_of(found)
    except (ValueError, KeyError, TypeError) as error:
        raise FitError(
            Problem(
                f"'{manifest}' is damaged, so nobody can say which fit these draws belong to",
                "discard them: --restart, or delete the folder",
            )
        ) from error
    if layout != LAYOUT:
        raise FitError(
            Problem(
                f"the draws in '{folder}' have layout {layout}, this version reads {LAYOUT}",
                "use the version that drew them, or discard them: --restart, or delete the folder",
            )
        )
    return found


def _chains_of(found: dict[str, Any]) -> int:
    return int(found["settings"]["chains"])


def _write_manifest(folder: Path, belongs: Mapping[str, Any]) -> None:
    with written_aside(folder / "manifest.json") as aside:
        aside.write_text(json.dumps({"layout": LAYOUT, **belongs}, indent=1) + "\n", encoding="utf-8")


def _foreign(folder: Path) -> FitError:
    return FitError(
        Problem(
            f"'{folder}' has no manifest: it is not a folder of draws, or a damaged one",
            "delete it, or choose another place",
        )
    )


def _nothing(folder: Path) -> FitError:
    return FitError(
        Problem(f"'{folder}' holds no draws of an interrupted fit", "fit without asking for what was drawn")
    )
