"""Move votes and covariates from one set of areas to another: districts to wards, old borders to new.

Counts are shared by area, shares and means are averaged by area, as if everything were spread evenly within
each source area (areal weighting: Goodchild & Lam 1980; computed by tobler). That is an invention wherever
a border cuts through a source area; `Moved` counts the people for whom it decides.

Needs the extra ``areas`` (tobler).

Reference: Goodchild, M. F., Lam, N. S.-N. (1980). Areal interpolation: a variant of the traditional spatial
problem. Geo-Processing 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatialvote.data.cell_shares import shapes_of
from spatialvote.data.errors import DataError, Problem, name_some

#: A source area that lies in one target but for so small a part is whole; outlines never agree exactly.
_SLIVER = 0.001


@dataclass(frozen=True)
class Moved:
    """How much of a transfer is an assumption.

    Attributes
    ----------
    assumed
        Count column to how many of it were put somewhere by assumption: each source area's count but for what
        lies in the target that has most of it.
    total
        Count column to its sum in the source.
    outside
        Count column to what lies in no target and is lost.
    split
        Source areas that several targets share.
    """

    assumed: Mapping[str, float]
    total: Mapping[str, float]
    outside: Mapping[str, float]
    split: tuple[str, ...]

    @property
    def words(self) -> str:
        """The counts in a sentence each."""
        told = ["No area was split."]
        if self.split:
            told = [f"{len(self.split)} areas were split ({name_some(self.split)})."]
        for column, total in self.total.items():
            part = _percent(self.assumed[column], total)
            told.append(
                f"Of {total:,.0f} '{column}', {self.assumed[column]:,.0f} ({part}) were placed by assumption "
                f"and {self.outside[column]:,.0f} lie in no area."
            )
        return " ".join(told)


def transfer(
    source: gpd.GeoDataFrame,
    target: gpd.GeoDataFrame,
    *,
    counts: Sequence[str] = (),
    means: Sequence[str] = (),
) -> tuple[gpd.GeoDataFrame, Moved]:
    """Move columns from source areas to target areas by area.

    Parameters
    ----------
    source, target
        Polygons, indexed by id, with coordinate systems; the source is projected to the target's, in metres.
    counts
        Columns that are summed (votes, residents).
    means
        Columns that are averaged by area (percent, mean income). An average by persons needs counts: move
        numerator and denominator, and divide.

    Returns
    -------
    GeoDataFrame
        The targets with the columns.
    Moved
        How much of it is an assumption.

    Raises
    ------
    DataError
        For columns that are missing or hold no numbers, areas without shapes or coordinate system, and where
        source and target do not touch.
    """
    if find_spec("tobler") is None:
        raise DataError(
            Problem("tobler is needed and not installed", "install: pip install 'spatialvote[areas]'")
        )
    # Its import takes seconds.
    from tobler.area_weighted import area_interpolate

    _require_columns(source, counts, means)
    if target.crs is None or not target.crs.is_projected:
        raise DataError(
            Problem("the target areas are not projected, so they have no area", "project them (to_crs)")
        )
    from_ids, from_shapes = shapes_of(source, target.crs)
    to_ids, to_shapes = shapes_of(target, target.crs)
    part = _parts(from_shapes, to_shapes)
    if not part.any():
        raise DataError(
            Problem("source and target areas do not touch", "check coordinate systems and places")
        )
    projected = gpd.GeoDataFrame(
        source[[*counts, *means]].astype(np.float64).reset_index(drop=True),
        geometry=from_shapes,
        crs=target.crs,
    )
    moved = area_interpolate(
        projected,
        gpd.GeoDataFrame(geometry=to_shapes, crs=target.crs),
        extensive_variables=list(counts) or None,
        intensive_variables=list(means) or None,
        allocate_total=False,
    )
    table = moved[[*counts, *means]].set_axis(to_ids, axis=0)
    inside = part.sum(axis=1)
    largest = part.max(axis=1)
    values = projected[list(counts)]
    report = Moved(
        {one: float((values[one] * (inside - largest)).sum()) for one in counts},
        {one: float(values[one].sum()) for one in counts},
        {one: float((values[one] * np.maximum(1 - inside, 0)).sum()) for one in counts},
        tuple(map(str, from_ids[inside - largest > _SLIVER])),
    )
    return gpd.GeoDataFrame(table, geometry=to_shapes, crs=target.crs), report


def _parts(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Part of each source area that lies in each target, shape (source, target)."""
    tree = shapely.STRtree(target)
    one, other = tree.query(source, predicate="intersects")
    parts = np.zeros((len(source), len(target)))
    shared = shapely.area(shapely.intersection(source[one], target[other]))
    parts[one, other] = shared / shapely.area(source[one])
    return parts


def _require_columns(source: gpd.GeoDataFrame, counts: Sequence[str], means: Sequence[str]) -> None:
    problems = []
    asked = [*counts, *means]
    lacking = [one for one in asked if one not in source]
    if not asked:
        problems.append(Problem("no column is to be moved", "name counts or means"))
    if lacking:
        problems.append(
            Problem(
                f"the source has no columns {name_some(lacking)}",
                f"choose from {name_some(source.columns, limit=20)}",
            )
        )
    for column in (one for one in asked if one in source):
        numbers = pd.to_numeric(source[column], errors="coerce")
        if numbers.isna().any():
            ids = source.index[numbers.isna()]
            problems.append(
                Problem(
                    f"'{column}' has no number in {len(ids)} areas ({name_some(ids)})",
                    "fill or drop these areas",
                )
            )
    if problems:
        raise DataError(problems)


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "0 %"
