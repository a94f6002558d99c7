"""`NeighbourRule`: how districts become neighbours, and the graph that follows from it."""

from dataclasses import dataclass
from difflib import get_close_matches

import geopandas as gpd
import numpy as np
import shapely

from spatialvote.data.districts import GraphReport
from spatialvote.data.errors import GraphError, Problem
from spatialvote.data.light_libpysal import Graph  # pyright: ignore[reportAttributeAccessIssue]
from spatialvote.data.links import (
    Links,
    band_links,
    bridging_links,
    fuzzy_links,
    nearest_links,
    queen_links,
    rook_links,
)
from spatialvote.data.neighbours import graph_from_edges, report_graph

#: Definitions of neighbours, and the argument that each of them needs.
KINDS = {"queen": None, "rook": None, "fuzzy": "tolerance", "knn": "k", "distance": "distance", "edges": None}


@dataclass(frozen=True)
class NeighbourRule:
    """How districts become neighbours.

    Attributes
    ----------
    kind
        ``"queen"`` (a common point of the boundaries), ``"rook"`` (a common stretch), ``"fuzzy"``
        (boundaries at most `tolerance` apart), ``"knn"`` (one is among the `k` nearest of the other, by
        centroids), ``"distance"`` (centroids at most `distance` apart), ``"edges"`` (links given by hand).
    tolerance, distance
        Metres, positive.
    k
        Number of nearest neighbours, at least 1.
    connect
        ``"nearest"`` joins every island and component to its nearest district elsewhere until the graph is
        connected; None keeps them apart.

    Raises
    ------
    GraphError
        If an argument is unknown, missing, useless for this kind, or not positive; with every problem.
    """

    kind: str = "queen"
    tolerance: float | None = None
    k: int | None = None
    distance: float | None = None
    connect: str | None = None

    def __post_init__(self) -> None:
        problems = self._problems()
        if problems:
            raise GraphError(problems)

    def _problems(self) -> list[Problem]:
        problems = []
        if self.kind not in KINDS:
            near = get_close_matches(str(self.kind), KINDS, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            problems.append(
                Problem(f"graph='{self.kind}' is not known", f"choose from {', '.join(KINDS)}{hint}")
            )
        needed = KINDS.get(self.kind)
        for name in ("tolerance", "k", "distance"):
            value = getattr(self, name)
            if value is None and name == needed:
                unit = "" if name == "k" else " in metres"
                problems.append(
                    Problem(f"graph='{self.kind}' needs {name}=", f"give {name}{unit}, above zero")
                )
            elif value is not None and self.kind in KINDS and name != needed:
                problems.append(
                    Problem(f"{name}={value} means nothing to graph='{self.kind}'", f"leave {name} out")
                )
            elif value is not None and not (np.isfinite(value) and value > 0):
                problems.append(Problem(f"{name}={value} is not above zero", "give a positive number"))
        if self.k is not None and self.k != int(self.k):
            problems.append(Problem(f"k={self.k} is not a whole number", "give 4, 6, ..."))
        if self.connect not in (None, "nearest"):
            problems.append(
                Problem(f"connect='{self.connect}' is not known", "leave it out, or pass connect='nearest'")
            )
        return problems

    @property
    def needs_geometry(self) -> bool:
        """Whether links cannot be found without shapes."""
        return self.kind != "edges" or self.connect is not None

    @property
    def needs_polygons(self) -> bool:
        """Whether shapes must be areas, because boundaries are compared."""
        return self.kind in ("queen", "rook", "fuzzy")

    @property
    def needs_distances(self) -> bool:
        """Whether distances are measured, so that coordinates must be projected."""
        return self.kind in ("fuzzy", "knn", "distance") or self.connect is not None

    @property
    def words(self) -> str:
        """The definition for people to read."""
        kinds = {
            "queen": "queen contiguity",
            "rook": "rook contiguity",
            "fuzzy": f"fuzzy contiguity, {self.tolerance} m tolerance",
            "knn": f"{self.k} nearest neighbours (either way)",
            "distance": f"centroids within {self.distance} m",
            "edges": "given links",
        }
        return kinds[self.kind] + (", parts joined to the nearest" if self.connect else "")


def build_graph(
    table: gpd.GeoDataFrame,
    rule: NeighbourRule,
    given: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> tuple[Graph, GraphReport, tuple[str, ...]]:
    """Build the neighbour graph of a table and describe it.

    Parameters
    ----------
    table
        Districts indexed by id; geometry as the rule needs it (see its properties).
    rule
        How districts become neighbours.
    given
        For ``kind="edges"``: positions i, j and weights of the links.

    Returns
    -------
    graph
        Symmetric, over the table's ids in their order; weights are one unless given.
    report
        Method, links, components, islands, and links beyond exact queen contiguity that the tolerance or
        ``connect`` added.
    notes
        What a reviewer should know of the geometry that the links came from.

    Raises
    ------
    GraphError
        If shapes or a projected CRS are needed and lacking, there are not more districts than `k`, or the
        links are not a graph.
    """
    shapes = table.geometry.to_numpy()
    if rule.needs_geometry and (shapely.is_missing(shapes) | shapely.is_empty(shapes)).any():
        raise GraphError(Problem(f"{rule.words} needs a shape for every district", "give the missing ones"))
    if rule.needs_distances and (table.crs is None or table.crs.is_geographic):
        raise GraphError(Problem(f"{rule.words} needs a projected CRS", "project the shapes with to_crs"))
    weights = None
    extra: list[Links] = []
    notes: tuple[str, ...] = ()
    if rule.kind == "edges":
        if given is None:
            raise GraphError(Problem("graph='edges' came without links", "pass the links, or edges= a file"))
        i, j, weights = given
    else:
        i, j = _links(table, rule)
    if rule.kind == "fuzzy":
        extra.append(_beyond((i, j), queen_links(shapes), len(table)))
    if rule.kind in ("queen", "rook"):
        notes = _unlinked_overlaps(shapes, i, j, rule)
    if rule.connect is not None:
        rank = np.argsort(np.argsort(table.index.to_numpy(dtype=object)))
        bridges = bridging_links(shapes, i, j, rank)
        extra.append(bridges)
        i, j = np.concatenate([i, bridges[0]]), np.concatenate([j, bridges[1]])
        if weights is not None:
            weights = np.concatenate([weights, np.ones(len(bridges[0]))])
    ids = table.index
    added = [pair for a, b in extra for pair in zip(ids[a], ids[b], strict=True)]
    graph = graph_from_edges(ids, i, j, weights)
    return graph, report_graph(graph, rule.words, added), notes


def _links(table: gpd.GeoDataFrame, rule: NeighbourRule) -> Links:
    shapes = table.geometry.to_numpy()
    if rule.kind == "queen":
        return queen_links(shapes)
    if rule.kind == "rook":
        return rook_links(shapes)
    unit = metres_per_unit(table)
    if rule.kind == "fuzzy":
        return fuzzy_links(shapes, float(rule.tolerance or 0) / unit)
    points = shapely.get_coordinates(shapely.centroid(shapes))
    if rule.kind == "distance":
        return band_links(points, float(rule.distance or 0) / unit)
    k = int(rule.k or 0)
    if k >= len(table):
        raise GraphError(
            Problem(f"k={k} nearest neighbours of {len(table)} districts do not exist", "give a smaller k")
        )
    return nearest_links(points, k)


def metres_per_unit(table: gpd.GeoDataFrame) -> float:
    """Length of one unit of a projected CRS in metres (a US survey foot: 0.3048)."""
    if table.crs is None:
        raise ValueError("the table has no CRS, which distances in metres need")
    return float(table.crs.axis_info[0].unit_conversion_factor)


def _beyond(links: Links, exact: Links, n: int) -> Links:
    """Those links that exact contiguity lacks."""
    new = ~np.isin(links[0] * n + links[1], exact[0] * n + exact[1])
    return links[0][new], links[1][new]


def _unlinked_overlaps(
    shapes: np.ndarray, i: np.ndarray, j: np.ndarray, rule: NeighbourRule
) -> tuple[str, ...]:
    """Remark on districts that overlap and are not linked, a sign of boundaries drawn one by one."""
    touching = fuzzy_links(shapes, 0.0)
    meet = (i, j) if rule.kind == "queen" else queen_links(shapes)
    count = len(_beyond(touching, meet, len(shapes))[0])
    if not count:
        return ()
    return (
        f"{count} pair{'s' * (count > 1)} of districts overlap without a common vertex and are not linked by "
        f"{rule.words}: where boundaries were drawn one by one, graph='fuzzy' finds such neighbours",
    )
