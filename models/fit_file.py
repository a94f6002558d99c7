"""The files of fits: one netCDF file each, written aside, and read without trusting who wrote it."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np
import xarray as xr

from spatialvote.data.aside import written_aside
from spatialvote.data.errors import DataError, FitError, ModelError, Problem, name_some

#: Letters of a specification or record in a file; thousands of times what they need.
_LONGEST = 50_000_000
#: Level of compression, and values that are written at once.
_LEVEL, _TOGETHER = 2, 8_000_000


@dataclass(frozen=True)
class FileKind:
    """What tells the files of one kind of fit from all others.

    Attributes
    ----------
    name, writer
        What such a file is called, and what writes it: "a fit", "Fit.save".
    mark, layout
        The attribute that holds the version of the layout, and the version that is read.
    texts
        Attributes that hold JSON.
    groups
        Groups that every such file has.
    """

    name: str
    writer: str
    mark: str
    layout: int
    texts: tuple[str, ...] = ("model", "record")
    groups: tuple[str, ...] = ("posterior", "observed_data", "constant_data")

    def attributes(self, **contents: Any) -> dict[str, Any]:
        """What the file's attributes are to be: the mark, and each content as JSON."""
        return {self.mark: self.layout} | {name: json.dumps(contents[name]) for name in self.texts}


def save_tree(tree: xr.DataTree, path: str | Path) -> Path:
    """Write a tree with its attributes.

    Variables of two dimensions and more are compressed. Those of three, a value for each draw and district,
    are written some draws at a time: what is computed when it is asked for never stands in memory as a whole.
    """
    path = Path(path)
    small, large = {}, []
    for name, group in tree.to_dict().items():
        long = [one for one, values in group.data_vars.items() if values.ndim >= 3]
        small[name] = group.drop_vars(long)
        large += [(name, group[one]) for one in long]
    encoding = {
        name: {
            one: {"zlib": True, "complevel": _LEVEL, "shuffle": True}
            for one, values in group.data_vars.items()
            if values.ndim >= 2 and values.dtype.kind in "fiub"
        }
        for name, group in small.items()
    }
    with written_aside(path) as aside:
        kept = xr.DataTree.from_dict(small)
        kept.attrs = tree.attrs
        kept.to_netcdf(aside, engine="h5netcdf", encoding=encoding)
        with h5netcdf.File(aside, "a") as file:
            for group, values in large:
                _write(file[group], values)
    return path


def _write(group: h5netcdf.Group, values: xr.DataArray) -> None:
    """Write a variable of dimensions (chain, draw, ...) by blocks of draws."""
    _, draws, *rest = values.shape
    together = max(1, min(draws, _TOGETHER // max(1, int(np.prod(rest)))))
    chunks = (1, -(-together // 4), *(min(max(one, 1), 4096) for one in rest))
    for dimension, size in values.sizes.items():
        # A dimension without coordinates that no smaller variable has is not in the file yet.
        if str(dimension) not in group.dimensions:
            group.dimensions[str(dimension)] = size
    written = group.create_variable(
        str(values.name), tuple(map(str, values.dims)), values.dtype, chunks=chunks,
        compression="gzip", compression_opts=_LEVEL, shuffle=True,
    )  # fmt: skip
    for start in range(0, draws, together):
        here = slice(start, start + together)
        written[:, here] = values.isel({values.dims[1]: here}).to_numpy()


def read_fit[T](path: str | Path, kind: FileKind, build: Callable[[xr.DataTree, dict[str, Any]], T]) -> T:
    """Read a fit; nothing in the file is executed or unpickled.

    Parameters
    ----------
    path, kind
        The file, and what it ought to be.
    build
        Makes the fit of the tree and of the contents of its JSON attributes by name.

    Raises
    ------
    FitError
        Where the file is missing, no netCDF file, not of this kind, of another layout, holds what no fit is
        saved with (`refuse_foreign`), or `build` finds it damaged.
    """
    path = Path(path)
    tree = open_tree(path)
    layout = tree.attrs.get(kind.mark)
    if layout is None or not set(kind.groups) <= set(tree.children):
        raise FitError(Problem(f"'{path}' is not {kind.name}", f"give the file that {kind.writer} wrote"))
    if str(layout) != str(kind.layout):
        raise FitError(
            Problem(
                f"'{path}' has layout {layout}, this version reads {kind.layout}",
                "use the version of spatialvote named in the file's record, or fit again",
            )
        )
    refuse_foreign(path, tree, kind.texts)
    try:
        return build(tree, {name: json.loads(tree.attrs[name]) for name in kind.texts})
    # Brackets nested by the thousand are a RecursionError.
    except (KeyError, TypeError, ValueError, RecursionError, ModelError, DataError) as error:
        raise FitError(
            Problem(f"the contents of '{path}' are damaged ({error})", "ask for the file again")
        ) from error


def open_tree(path: Path) -> xr.DataTree:
    """Read a tree; nothing in the file is executed or unpickled.

    Raises
    ------
    FitError
        Where the file is missing or no netCDF file.
    """
    if not path.is_file():
        raise FitError(Problem(f"no fit at '{path}'", "give the path of a .nc file that a fit was saved to"))
    try:
        with xr.open_datatree(path, engine="h5netcdf") as opened:
            return opened.load()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FitError(
            Problem(f"'{path}' cannot be read as netCDF ({error})", "ask for the file again")
        ) from error


def refuse_foreign(path: Path, tree: xr.DataTree, texts: Iterable[str]) -> None:
    """Refuse what no fit is saved with: bytes, objects, and texts too long to be read.

    Nothing of it would be executed, but what reads a fit afterwards need not be asked what it would do.

    Parameters
    ----------
    path, tree
        The file, and what was read from it.
    texts
        Attributes that hold JSON.

    Raises
    ------
    FitError
        Naming every such variable and attribute.
    """
    foreign = [
        f"{group.path.strip('/')}/{name}"
        for group in tree.subtree
        for name, values in group.dataset.variables.items()
        if not _plain(values.to_numpy())
    ]
    problems = []
    if foreign:
        problems.append(
            Problem(
                f"'{path}' holds what are neither numbers nor text ({name_some(foreign)})",
                "ask who made the file: Fit.save did not write it",
            )
        )
    for name in texts:
        text = tree.attrs.get(name)
        if isinstance(text, str) and len(text) > _LONGEST:
            problems.append(
                Problem(
                    f"the {name} in '{path}' has {len(text):,} letters, and {_LONGEST:,} at most are read",
                    "ask who made the file: Fit.save did not write it",
                )
            )
    if problems:
        raise FitError(problems)


def _plain(values: np.ndarray) -> bool:
    """Whether an array holds numbers, truth values or text."""
    if values.dtype.kind == "O":
        return all(isinstance(one, str) for one in values.ravel())
    return values.dtype.kind in "biufUST"
