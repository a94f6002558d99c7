"""What the page's script needs to link its maps: outlines once, and what each map shows of every district.

The pictures stay what they are, with their legends and hatching; over each lies an empty layer in which the
script draws the outline of the district that is pointed at or chosen.
"""

from collections import Counter
from typing import Any

import numpy as np
import shapely

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.layer import Layer, Shown
from spatialvote.data.districts import Districts

GRID = 1400  # steps along the longer side of the map: half a pixel of the page each
DETAIL = 2.5  # steps: about the side of the smallest triangle that is kept of an outline


def linked_districts(districts: Districts) -> dict[str, Any] | None:
    """Names and simplified outlines of all districts; None where none has a shape.

    Returns
    -------
    dict
        ``names``; ``order``, positions sorted by name; ``outlines``, rings of each district as
        ``[x, y, dx, dy, ...]``: the first vertex, then steps; ``centres``, ``[x, y]`` or None; ``west``,
        ``north``, ``step``: map units of the origin and of one step (x grows to the east, y to the south).
    """
    if not districts.has_geometry:
        return None
    geometry = districts.table.geometry.to_numpy()
    drawn = districts.drawable
    west, south, east, north = shapely.total_bounds(geometry[drawn])
    step = max(east - west, north - south) / GRID or 1.0
    names = district_names(districts)
    outlines: list[list[list[int]]] = [[] for _ in names]
    centres: list[list[int] | None] = [None] * len(names)

    def on_grid(points: np.ndarray) -> np.ndarray:
        return np.round((points - [west, north]) / [step, -step]).astype(np.int64)

    for k, point in zip(
        np.flatnonzero(drawn), shapely.get_coordinates(shapely.point_on_surface(geometry[drawn])), strict=True
    ):
        centres[k] = on_grid(point).tolist()
    areas = np.flatnonzero(drawn & (shapely.get_dimensions(geometry) == 2))
    # Neighbours share the simplified boundary, so that no gap or overlap appears between them.
    simple = shapely.coverage_simplify(_polygons(geometry[areas]), DETAIL * step)
    for k, one in zip(areas, simple, strict=True):
        for ring in shapely.get_rings(shapely.get_parts(one)):
            outline = _steps(on_grid(shapely.get_coordinates(ring)[:-1]))
            if outline:
                outlines[k].append(outline)
    return {
        "names": names,
        "order": sorted(range(len(names)), key=lambda k: names[k].casefold()),
        "outlines": outlines,
        "centres": centres,
        "west": float(west),
        "north": float(north),
        "step": float(step),
    }


def _polygons(geometry: np.ndarray) -> np.ndarray:
    """Polygons and multipolygons; of a collection, its polygons."""
    parts = [
        one
        if shapely.get_type_id(one) in (3, 6)
        else shapely.union_all([part for part in shapely.get_parts(one) if shapely.get_dimensions(part) == 2])
        for one in geometry
    ]
    return np.array(parts, dtype=object)


def _steps(vertices: np.ndarray) -> list[int]:
    """A ring as first vertex and steps, points that fell together taken once; empty if nothing is left."""
    apart = np.any(np.diff(vertices, axis=0, prepend=vertices[-1:]) != 0, axis=1)
    kept = vertices[apart]
    if len(kept) < 3:
        return []
    return np.concatenate([kept[:1], np.diff(kept, axis=0)]).ravel().tolist()


def district_names(districts: Districts) -> list[str]:
    """What each district is called, with its id where others have the same name; its id if it has no name."""
    ids = [str(one) for one in districts.ids]
    if districts.roles.label is None:
        return ids
    names = [str(one) for one in districts.table[districts.roles.label]]
    often = Counter(names)
    return [name if often[name] == 1 else f"{name} ({one})" for name, one in zip(names, ids, strict=True)]


def names_with_ids(districts: Districts) -> list[str]:
    """What each district is called, its id behind its name; its id if it has no name."""
    ids = [str(one) for one in districts.ids]
    if districts.roles.label is None:
        return ids
    return [f"{name} ({one})" for name, one in zip(districts.table[districts.roles.label], ids, strict=True)]


def layer_values(layer: Layer) -> dict[str, Any]:
    """What one map shows in plain values: its windows, and what is told of each district."""
    return {
        "windows": [{"bounds": one.bounds, "place": one.place} for one in layer.windows],
        "shown": [_shown(one) for one in layer.shown],
    }


def _shown(one: Shown) -> dict[str, Any]:
    told: dict[str, Any] = {"label": one.label, "why": one.why}
    if isinstance(one.values, tuple):
        classes = sorted(set(one.values))
        return {**told, "classes": classes, "values": [classes.index(value) for value in one.values]}
    # One digit more than a map's key: here a single district is read.
    digits = max(0, 1 - int(np.floor(np.log10(style.precision(one.values)))))
    rounded = [None if np.isnan(value) else round(float(value), digits) for value in one.values]
    return {**told, "digits": digits, "values": rounded}
