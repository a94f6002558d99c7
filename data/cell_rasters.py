"""Persons by origin from rasters: one file or band for each group, as GeoTIFF.

A raster of square cells in metres becomes `Cells` (`read_raster_cells`), as a table of cells does, and serves
for egohoods too. Of any other raster, in degrees or with oblong cells, only sums by district can be had
(`sum_rasters`), by exactextract, which takes of each cell the part that an area covers.

Needs the extra ``grids`` (rasterio, exactextract).

Reference: Baston, D. (2024). exactextract, version 0.2.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyproj import CRS

from spatialvote.data.cell_codes import cell_codes
from spatialvote.data.cell_shares import shapes_of
from spatialvote.data.cells import Cells
from spatialvote.data.districts import Districts
from spatialvote.data.errors import DataError, Problem
from spatialvote.data.read_cells import TOTAL

if TYPE_CHECKING:
    import geopandas as gpd
    from rasterio import DatasetReader

#: A raster file, or a file and the number of its band, counted from 1.
Band = str | Path | tuple[str | Path, int]
#: Corners may be this far off whole metres (m): coordinates of a raster are binary fractions.
_ROUNDING = 1e-3


def read_raster_cells(
    bands: Mapping[str, Band], *, total: str = TOTAL, definitions: Mapping[str, str] | None = None
) -> Cells:
    """Read square cells in metres from rasters of one lattice.

    Parameters
    ----------
    bands
        Group to its raster; a band other than the first as ``(file, band)``.
    total
        Which key of `bands` stands for all residents.
    definitions
        Group to its definition.

    Returns
    -------
    Cells
        The cells in which anybody lives. A pixel without data is a cell in which nobody of the group lives;
        how many of these lie where somebody lives is said in the notes.

    Raises
    ------
    DataError
        Where a file or band is missing, rasters differ in place, cell or coordinate system, cells are not
        square or not in metres, or hold negative or infinite numbers.
    """
    if total not in bands:
        raise DataError(
            Problem(
                f"no raster has all residents ('{total}')",
                f"add '{total}' to the rasters, or name another as total",
            )
        )
    values: dict[str, np.ndarray] = {}
    gaps: dict[str, np.ndarray] = {}
    lattice: Any = None
    for group in (total, *(one for one in bands if one != total)):
        with _opened(bands[group]) as (raster, band):
            here = (raster.crs, raster.transform, raster.shape)
            lattice = lattice or here
            if here != lattice:
                raise DataError(
                    Problem(
                        f"the raster of '{group}' lies on another lattice than that of '{total}'",
                        "give rasters of one extent, cell size and coordinate system",
                    )
                )
            data = raster.read(band, masked=True).astype(np.float64)
        # A mask of nodata = 0 hides empty cells: nobody lives there, either way.
        gaps[group] = np.ma.getmaskarray(data) | np.isnan(data.filled(0))
        values[group] = np.where(gaps[group], 0.0, data.filled(0))
    crs, transform, _ = lattice
    side = _side(transform, crs)
    lived = values[total] != 0
    # Somebody of a group where nobody lives is an error that Cells must see.
    for one in values.values():
        lived = lived | (one != 0)
    row, column = np.nonzero(lived)
    x, y = _whole_metres(transform.c + column * side), _whole_metres(transform.f - (row + 1) * side)
    system = CRS.from_user_input(crs)
    table = pd.DataFrame(
        {group: one[lived] for group, one in values.items()},
        index=cell_codes(x, y, side, system.to_epsg() or 0).rename("cell"),
    )
    notes = tuple(
        f"'{group}': {int((gap & lived).sum()):,} populated cells without data, taken as nobody"
        for group, gap in gaps.items()
        if (gap & lived).any()
    )
    groups = tuple(one for one in values if one != total)
    named = {group: _named(one) for group, one in bands.items()}
    arguments = {"source": named[total][0], "bands": named, **({} if total == TOTAL else {"total": total})}
    return Cells(table, total, groups, x, y, side, system, dict(definitions or {}), notes, arguments)


def sum_rasters(bands: Mapping[str, Band], areas: "Districts | gpd.GeoDataFrame") -> pd.DataFrame:
    """Sums of rasters by area, each cell counted by the part of it that the area covers.

    Returns
    -------
    DataFrame
        Index as the areas; one column for each raster.

    Raises
    ------
    DataError
        Where a file or band is missing, or areas have no shapes or lie outside a raster.
    """
    import geopandas as gpd
    from exactextract import exact_extract
    from exactextract.raster import RasterioRasterSource

    sums = {}
    ids = pd.Index([])
    for name, one in bands.items():
        with _opened(one) as (raster, band):
            ids, shapes = shapes_of(areas, CRS.from_user_input(raster.crs))
            frame = gpd.GeoDataFrame(geometry=shapes, crs=raster.crs)
            west, south, east, north = frame.total_bounds
            bounds = raster.bounds
            if west > bounds.right or east < bounds.left or south > bounds.top or north < bounds.bottom:
                raise DataError(
                    Problem(
                        f"the raster of '{name}' does not reach the areas",
                        "check its coordinate system, and that both are of the same city",
                    )
                )
            found = exact_extract(RasterioRasterSource(raster, band), frame, "sum", output="pandas")
            sums[name] = found.iloc[:, -1].fillna(0.0).to_numpy(np.float64)
    return pd.DataFrame(sums, index=ids)


def _named(band: Band) -> tuple[str, int]:
    """Name of the file, and number of the band."""
    path, number = band if isinstance(band, tuple) else (band, 1)
    return Path(path).name, number


@contextmanager
def _opened(band: Band) -> "Iterator[tuple[DatasetReader, int]]":
    """An open raster and the number of its band."""
    if find_spec("rasterio") is None or find_spec("exactextract") is None:
        raise DataError(
            Problem(
                "rasters need rasterio and exactextract, which are not installed",
                "install the extra: pip install 'spatialvote[grids]'",
            )
        )
    import rasterio
    from rasterio.errors import RasterioIOError

    path, number = Path(band[0]) if isinstance(band, tuple) else Path(band), _named(band)[1]
    if not path.is_file():
        raise DataError(Problem(f"there is no raster '{path}'", "check the path"))
    try:
        opened = rasterio.open(path)
    except RasterioIOError as error:
        raise DataError(
            Problem(f"file '{path.name}' cannot be read as a raster ({error})", "give a GeoTIFF")
        ) from error
    with opened as raster:
        problems = []
        if raster.crs is None:
            problems.append(
                Problem(f"raster '{path.name}' has no coordinate system", "write it with one, EPSG:3035 say")
            )
        if not 1 <= number <= raster.count:
            problems.append(
                Problem(f"raster '{path.name}' has no band {number}", f"choose from 1 to {raster.count}")
            )
        if problems:
            raise DataError(problems)
        yield raster, number


def _side(transform, crs) -> int:
    """Side of square cells (m) whose rows run from north to south."""
    square = transform.b == transform.d == 0 and np.isclose(transform.a, -transform.e) and transform.a > 0
    if not square or not crs.is_projected or abs(transform.a - round(transform.a)) > _ROUNDING:
        raise DataError(
            Problem(
                f"the raster's cells are not squares of whole metres ({transform.a:g} by {-transform.e:g} "
                f"units of {crs.to_string()})",
                "take sums by district with sum_rasters, or warp it to a grid in metres that keeps sums",
            )
        )
    return round(transform.a)


def _whole_metres(values: np.ndarray) -> np.ndarray:
    whole = np.round(values)
    if np.abs(values - whole).max(initial=0) > _ROUNDING:
        raise DataError(
            Problem(
                "the raster's cells begin at fractions of a metre",
                "give the raster on the grid's own lattice; warping shifts it",
            )
        )
    return whole.astype(np.int64)
