"""Open the files a user names: tables, geometries and edge lists, with what was wrong told as problems."""

import csv
import hashlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
from pyarrow import ArrowException
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, GeometryError
from shapely.errors import ShapelyError

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.table_files import require_file

#: File endings that can be read, and what they are called.
FORMATS = {
    ".csv": "CSV",
    ".gpkg": "GeoPackage",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".shp": "Shapefile",
    ".parquet": "GeoParquet",
    ".geoparquet": "GeoParquet",
}

_UNREADABLE = (
    CRSError,
    DataLayerError,
    DataSourceError,
    FeatureError,
    GeometryError,
    ArrowException,
    ShapelyError,
    ValueError,
    OSError,
)


@dataclass(frozen=True)
class Source:
    """What one file holds, before anything is made of it.

    Attributes
    ----------
    path
        Where it was read from.
    frame
        All columns but the geometry. From CSV every cell is text, so that no leading zero is lost.
    geometry
        Geometries of the same rows with their CRS, or None if the file has none.
    notes
        What the reading library warned of.
    """

    path: Path
    frame: pd.DataFrame
    geometry: gpd.GeoSeries | None
    notes: tuple[str, ...] = ()


def read_source(path: str | Path, layer: str | None = None) -> Source:
    """Read a CSV, GeoPackage, GeoJSON, Shapefile or GeoParquet file.

    Parameters
    ----------
    path
        File whose ending is one of `FORMATS`.
    layer
        Layer of a GeoPackage that holds several.

    Raises
    ------
    DataError
        If the file is missing, has another ending, or cannot be read as what its ending says.
    """
    path = Path(path)
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise DataError(
            Problem(
                f"file '{path.name}' has an ending that is not known ('{path.suffix}')",
                f"give one of {', '.join(FORMATS)}",
            )
        )
    require_file(path)
    if kind == "CSV":
        return Source(path, read_csv(path), None)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            # A shape that cannot be built is read as missing, so that its district can be named later.
            if kind == "GeoParquet":
                table = gpd.read_parquet(path)
            else:
                table = gpd.read_file(path, layer=_layer(path, layer), engine="pyogrio", on_invalid="warn")
        except _UNREADABLE as error:
            reason = str(error).strip().split("\n")[0].split("; ")[0].replace(f"{path.parent}/", "")
            raise DataError(
                Problem(
                    f"file '{path.name}' cannot be read as {kind} ({reason})",
                    "open it in a GIS to see whether it is whole, or write it anew",
                )
            ) from error
    notes = tuple(dict.fromkeys(f"reading '{path.name}': {one.message}" for one in caught))
    # A named index of a GeoParquet file is a column like others; rows are counted by position from here on.
    unnamed = all(name is None or name in table.columns for name in table.index.names)
    table = table.reset_index(drop=unnamed)
    if not isinstance(table, gpd.GeoDataFrame) or table._geometry_column_name not in table.columns:
        return Source(path, pd.DataFrame(table), None, notes)
    frame = pd.DataFrame(table.drop(columns=table.geometry.name))
    return Source(path, frame, table.geometry.rename("geometry"), notes)


def _layer(path: Path, layer: str | None) -> str:
    """Choose the only layer of a file, or the named one."""
    layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    if layer in layers:
        return str(layer)
    if layer is not None:
        what, advice = f"file '{path.name}' has no layer '{layer}'", f"choose from {name_some(layers, 20)}"
    elif len(layers) != 1:
        what = f"file '{path.name}' holds {len(layers)} layers ({name_some(layers, 20)})"
        advice = "name one with layer="
    else:
        return layers[0]
    raise DataError(Problem(what, advice))


def read_csv(path: Path) -> pd.DataFrame:
    """Read a comma-separated UTF-8 file with a header; every cell is text, blank lines are skipped.

    Raises
    ------
    DataError
        If it is empty, not UTF-8, separated by something else, has a column name twice, or rows with
        more or fewer cells than the header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, strict=True)
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except UnicodeDecodeError as error:
        raise DataError(
            Problem(
                f"file '{path.name}' is not UTF-8 text (byte {error.start})",
                "save it as CSV with encoding UTF-8",
            )
        ) from error
    except (csv.Error, OSError) as error:
        raise DataError(
            Problem(f"file '{path.name}' cannot be read as CSV ({error})", "write the file anew as plain CSV")
        ) from error
    if not rows:
        raise DataError(Problem(f"file '{path.name}' is empty", "give a table with a header and rows"))

    header = [name.strip() for name in rows[0][1]]
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise DataError(
            Problem(
                f"file '{path.name}' has one column, '{header[0][:40]}', so its separator is no comma",
                "save it separated by commas, with decimal points",
            )
        )
    problems = []
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if twice:
        problems.append(
            Problem(
                f"file '{path.name}' repeats column names ({name_some(twice)})",
                "give every column its own name",
            )
        )
    uneven = [line for line, row in rows[1:] if len(row) != len(header)]
    if uneven:
        problems.append(
            Problem(
                f"file '{path.name}' has a header of {len(header)} cells, and another number of them in "
                f"lines {name_some(uneven)}",
                "put text that contains a comma in double quotes",
            )
        )
    if problems:
        raise DataError(problems)
    return pd.DataFrame([row for _, row in rows[1:]], columns=pd.Index(header, dtype="str"), dtype="str")


def file_hashes(paths: Iterable[Path]) -> dict[str, str]:
    """Name and SHA-256 of each file; of all its parts where it is a Shapefile.

    Files of the same name in different folders are told apart by as many of their folders as that takes.
    """
    parts = list(dict.fromkeys(part.absolute() for path in paths for part in _parts_of(path)))
    hashes = {}
    for part in parts:
        others = [one for one in parts if one.name == part.name and one != part]
        depth = 1
        while any(one.parts[-depth:] == part.parts[-depth:] for one in others):
            depth += 1
        name = Path(*part.parts[-depth:]).as_posix()
        with part.open("rb") as stream:
            hashes[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return hashes


def _parts_of(path: Path) -> list[Path]:
    if path.suffix.lower() != ".shp":
        return [path]
    wanted = {".shp", ".shx", ".dbf", ".prj", ".cpg"}
    return sorted(one for one in path.parent.glob(f"{path.stem}.*") if one.suffix.lower() in wanted)
