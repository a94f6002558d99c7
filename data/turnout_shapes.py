"""The shapes of the areas of turnout, so that they can be mapped."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from spatialvote.data.districts import About, Districts, ReadRecord
from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.files import file_hashes, read_source
from spatialvote.data.ids import as_text
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.roles import Roles
from spatialvote.data.turnout import TurnoutCells


def read_area_shapes(
    path: str | Path, cells: TurnoutCells, *, id: str, layer: str | None = None
) -> Districts:
    """Read the shapes of the cells' areas: districts whose votes are the voting and entitled persons.

    Parameters
    ----------
    path
        GeoPackage, GeoJSON, Shapefile or GeoParquet.
    cells
        Cells divided by area; their links become the districts' graph.
    id
        Column with the areas' labels, as the cells have them; shapes of other areas are left out.
    layer
        Layer of a file that has several.

    Raises
    ------
    DataError
        If the cells have no areas, the file no shapes or no such column, or an area no shape or several.
    """
    areas = cells.levels.get("area", ())
    if not areas:
        raise DataError(Problem("the cells are not divided by area", "name their column of areas"))
    source = read_source(path, layer)
    file = source.path.name
    if source.geometry is None:
        raise DataError(Problem(f"'{file}' holds no shapes", "give a GeoPackage, GeoJSON or Shapefile"))
    if id not in source.frame.columns:
        raise DataError(
            Problem(f"'{file}' has no column '{id}'", f"choose from {name_some(source.frame.columns, 12)}")
        )
    names = pd.Index(as_text(source.frame[id]))
    chosen = names[names.isin(areas)]
    lacking = [one for one in areas if one not in chosen]
    problems = []
    if lacking:
        problems.append(
            Problem(
                f"{len(lacking)} of {len(areas)} areas have no shape in '{file}' ({name_some(lacking)})",
                f"check that '{id}' has the labels of the cells",
            )
        )
    if not chosen.is_unique:
        twice = chosen[chosen.duplicated()].unique()
        problems.append(
            Problem(f"areas have several shapes in '{file}' ({name_some(twice)})", "dissolve them to one")
        )
    if problems:
        raise DataError(problems)
    key, size = cells.index("area"), len(areas)
    table = gpd.GeoDataFrame(
        {
            "voted": np.bincount(key, cells.voted, size),
            "entitled": np.bincount(key, cells.entitled, size),
        },
        geometry=source.geometry.iloc[[names.get_loc(one) for one in areas]].reset_index(drop=True),
    )
    table.index = pd.Index(list(areas), name="district")
    i, j = cells.edges.T
    graph = graph_from_edges(list(areas), i, j)
    about = cells.about
    return Districts(
        table,
        Roles(id, {"turnout": "voted"}, "entitled"),
        graph,
        report_graph(graph, "links of the cells"),
        About(about.name, about.area_unit, about.year, about.source, about.simulated),
        ReadRecord(files=file_hashes([source.path])),
    )
