"""Definitions of neighbours: against libpysal, under permutation, across gaps, for islands and bridges."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from libpysal.graph import Graph

from spatialvote.data.errors import GraphError
from spatialvote.data.links import bridging_links
from spatialvote.data.neighbour_rule import NeighbourRule, build_graph

RULES = [
    NeighbourRule("queen"),
    NeighbourRule("rook"),
    NeighbourRule("fuzzy", tolerance=40.0),
    NeighbourRule("knn", k=4),
    NeighbourRule("distance", distance=1100.0),
    NeighbourRule("queen", connect="nearest"),
]


@pytest.fixture
def cells() -> gpd.GeoDataFrame:
    """Sixty Voronoi cells of invented places, with six taken out and some shrunk, so that gaps are there."""
    generator = np.random.default_rng(7)
    places = shapely.points(generator.uniform(0, 8000, (60, 2)))
    frame = shapely.box(0, 0, 8000, 8000)
    diagram = shapely.voronoi_polygons(shapely.multipoints(places), extend_to=frame, ordered=True)
    shapes = shapely.intersection(shapely.get_parts(diagram), frame)
    shapes[::9] = shapely.buffer(shapes[::9], -15.0)
    ids = [f"c{k:02d}" for k in generator.permutation(60)]
    return gpd.GeoDataFrame(index=ids, geometry=shapes, crs="EPSG:3035").iloc[6:]


def pairs(graph: Graph) -> set[frozenset]:
    adjacency = graph.adjacency
    return {frozenset(pair) for pair in adjacency.index[adjacency > 0]}


def rows(squares, rows_kept) -> gpd.GeoDataFrame:
    return squares.set_index("code").iloc[list(rows_kept)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.words)
def test_permuting_rows_permutes_the_graph(cells, rule):
    graph, report, _ = build_graph(cells, rule)
    order = np.random.default_rng(3).permutation(len(cells))
    permuted, permuted_report, _ = build_graph(cells.iloc[order], rule)
    np.testing.assert_array_equal(permuted.sparse.toarray(), graph.sparse.toarray()[np.ix_(order, order)])
    assert permuted_report.component_sizes == report.component_sizes
    assert set(permuted_report.islands) == set(report.islands)
    assert {frozenset(one) for one in permuted_report.added} == {frozenset(one) for one in report.added}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.words)
def test_graph_is_symmetric_binary_and_without_loops(cells, rule):
    graph, report, _ = build_graph(cells, rule)
    matrix = graph.sparse.toarray()
    np.testing.assert_array_equal(matrix, matrix.T)
    assert set(np.unique(matrix)) == {0.0, 1.0}
    assert not matrix.diagonal().any()
    assert list(graph.unique_ids) == list(cells.index)
    assert report.n_edges == matrix.sum() / 2
    assert sum(report.component_sizes) == len(cells)
    assert set(report.islands) == set(graph.isolates)


@pytest.mark.parametrize("kind", ["queen", "rook"])
def test_contiguity_is_the_union_of_both_of_libpysals(cells, kind):
    ours, _, _ = build_graph(cells, NeighbourRule(kind))
    touching, vertices = (
        Graph.build_contiguity(cells, rook=kind == "rook", strict=strict) for strict in (True, False)
    )
    assert pairs(ours) == pairs(touching) | pairs(vertices)


def test_tolerance_is_the_whole_gap_where_libpysals_buffer_is_half(cells):
    ours, _, _ = build_graph(cells, NeighbourRule("fuzzy", tolerance=40.0))
    # Round buffers are drawn inside the true circle; no gap of these cells lies between.
    assert pairs(ours) == pairs(Graph.build_fuzzy_contiguity(cells, buffer=20.0))


def test_nearest_neighbours_are_libpysals_either_way(cells):
    ours, _, _ = build_graph(cells, NeighbourRule("knn", k=4))
    assert pairs(ours) == pairs(Graph.build_knn(cells.centroid, k=4))


def test_distance_band_is_libpysals(cells):
    ours, _, _ = build_graph(cells, NeighbourRule("distance", distance=1100.0))
    theirs = Graph.build_distance_band(cells.centroid, threshold=1100.0, binary=True)
    assert pairs(ours) == pairs(theirs)


def test_equally_near_neighbours_are_all_taken(squares):
    graph, _, _ = build_graph(rows(squares, range(12)), NeighbourRule("knn", k=1))
    assert graph["0106"].index.tolist() == ["0102", "0105", "0107", "0110"]


def test_queen_takes_corners_and_rook_does_not(squares):
    table = rows(squares, range(12))
    assert build_graph(table, NeighbourRule("queen"))[1].n_edges == 29
    assert build_graph(table, NeighbourRule("rook"))[1].n_edges == 17


def test_corner_on_a_side_is_contiguity():
    wide = shapely.box(0, 0, 2000, 1000)
    table = gpd.GeoDataFrame(
        index=["a", "b", "c"],
        geometry=[wide, shapely.box(500, 1000, 1500, 2000), shapely.Point(1000, -500).buffer(500, 1)],
        crs=3035,
    )
    assert pairs(build_graph(table, NeighbourRule("queen"))[0]) == {frozenset("ab"), frozenset("ac")}
    assert pairs(build_graph(table, NeighbourRule("rook"))[0]) == {frozenset("ab")}


def test_slivers_between_common_corners_are_contiguity():
    left = shapely.Polygon([(0, 0), (1000, 0), (1005, 500), (1000, 1000), (0, 1000)])
    right = shapely.Polygon([(1000, 0), (2000, 0), (2000, 1000), (1000, 1000)])
    table = gpd.GeoDataFrame(index=["a", "b"], geometry=[left, right], crs=3035)
    assert build_graph(table, NeighbourRule("queen"))[1].n_edges == 1


def test_rook_knows_holes():
    ring = shapely.box(0, 0, 3000, 3000).difference(shapely.box(1000, 1000, 2000, 2000))
    table = gpd.GeoDataFrame(
        index=["ring", "core"], geometry=[ring, shapely.box(1000, 1000, 2000, 2000)], crs=3035
    )
    assert build_graph(table, NeighbourRule("rook"))[1].n_edges == 1


def test_tolerance_closes_gaps_up_to_its_size(squares):
    table = rows(squares, range(12))
    apart = table.set_geometry(table.geometry.buffer(-15.0, join_style="mitre"))
    _, exact, _ = build_graph(apart, NeighbourRule("queen"))
    assert exact.component_sizes == (1,) * 12
    # Sides are 30 m apart, corners 42.4 m.
    for tolerance, links in ((29.9, 0), (30.1, 17), (42.3, 17), (42.5, 29)):
        _, report, _ = build_graph(apart, NeighbourRule("fuzzy", tolerance=tolerance))
        assert report.n_edges == len(report.added) == links
    assert report.method == "fuzzy contiguity, 42.5 m tolerance"


def test_only_links_beyond_queen_contiguity_count_as_added(squares):
    table = rows(squares, [0, 1, 2])
    table.loc["0103", "geometry"] = shapely.box(2010, 0, 3000, 1000)
    _, report, _ = build_graph(table, NeighbourRule("fuzzy", tolerance=20.0))
    assert report.n_edges == 2
    assert report.added == (("0102", "0103"),)


def test_metres_are_metres_in_a_crs_of_feet(squares):
    table = rows(squares, range(12))
    feet = table.set_geometry(table.geometry.set_crs(2263, allow_override=True))  # US survey feet
    for distance, links in ((304.0, 0), (305.0, 17)):
        _, report, _ = build_graph(feet, NeighbourRule("distance", distance=distance))
        assert report.n_edges == links


def test_overlaps_that_contiguity_misses_are_noted():
    table = gpd.GeoDataFrame(
        index=["a", "b"], geometry=[shapely.box(0, 0, 10, 10), shapely.box(9, 1, 20, 9)], crs=3035
    )
    _, report, notes = build_graph(table, NeighbourRule("queen"))
    assert report.n_edges == 0
    assert notes[0].startswith("1 pair of districts overlap without a common vertex and are not linked")


def test_islands_stay_islands_unless_asked(squares):
    table = rows(squares, [0, 1, 4, 7, 11, 2])
    table.loc["0108", "geometry"] = shapely.box(9000, 1000, 9500, 2000)
    table.loc["0112", "geometry"] = shapely.box(9000, 5000, 9500, 6000)
    _, report, _ = build_graph(table, NeighbourRule("queen"))
    assert report.islands == ("0108", "0112")
    assert report.component_sizes == (4, 1, 1)
    assert report.added == ()
    _, joined, _ = build_graph(table, NeighbourRule("queen", connect="nearest"))
    # '0112' lies 3 km from '0108', which lies 6 km from '0103'.
    assert joined.component_sizes == (6,)
    assert joined.islands == ()
    assert {frozenset(one) for one in joined.added} == {
        frozenset(("0108", "0112")),
        frozenset(("0103", "0108")),
    }
    assert joined.n_edges == report.n_edges + 2
    assert joined.method == "queen contiguity, parts joined to the nearest"


def test_bridges_are_the_shortest_tree_and_large_parts_give_the_same():
    """Two clouds of 60 and 70 points and strays: bridges equal the minimum spanning tree over parts."""
    generator = np.random.default_rng(11)
    clouds = [
        generator.normal((0, 0), 1, (60, 2)),
        generator.normal((40, 0), 1, (70, 2)),
        generator.uniform((-20, 20), (60, 60), (9, 2)),
    ]
    points = np.concatenate(clouds)
    shapes = shapely.points(points)
    starts = np.concatenate([np.arange(59), 60 + np.arange(69)])
    i, j = bridging_links(shapes, starts, starts + 1, np.arange(len(points)))
    part = np.concatenate([np.zeros(60, int), np.ones(70, int), 2 + np.arange(9)])
    far = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    merged, expected = part.copy(), set()
    for a, b in np.dstack(np.unravel_index(np.argsort(far, axis=None), far.shape))[0]:  # Kruskal
        if a < b and merged[a] != merged[b]:
            expected.add((int(a), int(b)))
            merged[merged == merged[b]] = merged[a]
    assert set(zip(i.tolist(), j.tolist(), strict=True)) == expected


def test_given_links_may_be_connected(squares):
    given = (np.array([0]), np.array([1]), np.array([2.5]))
    table = rows(squares, [0, 1, 2])
    graph, report, _ = build_graph(table, NeighbourRule("edges", connect="nearest"), given)
    assert report.added == (("0102", "0103"),)
    assert graph["0102"].to_dict() == {"0101": 2.5, "0103": 1.0}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"kind": "quen"}, "did you mean 'queen'"),
        ({"kind": "fuzzy"}, "graph='fuzzy' needs tolerance="),
        ({"kind": "knn"}, "graph='knn' needs k="),
        ({"kind": "distance"}, "graph='distance' needs distance="),
        ({"kind": "queen", "distance": 5.0}, "distance=5.0 means nothing to graph='queen'"),
        ({"kind": "fuzzy", "tolerance": 0}, "tolerance=0 is not above zero"),
        ({"kind": "distance", "distance": float("nan")}, "distance=nan is not above zero"),
        ({"kind": "knn", "k": 1.5}, "k=1.5 is not a whole number"),
        ({"connect": "all"}, "connect='all' is not known"),
    ],
)
def test_rules_that_cannot_be(arguments, told):
    with pytest.raises(GraphError, match=told):
        NeighbourRule(**arguments)


def test_everything_wrong_with_a_rule_is_told_at_once():
    with pytest.raises(GraphError, match=r"^4 problems"):
        NeighbourRule("knn", tolerance=3.0, distance=4.0, connect="all")


def test_given_links_must_be_given(squares):
    with pytest.raises(GraphError, match="came without links"):
        build_graph(rows(squares, range(3)), NeighbourRule("edges"))


@pytest.mark.parametrize("rule", [NeighbourRule("queen"), NeighbourRule("edges", connect="nearest")])
def test_shapes_must_be_there(squares, rule):
    table = rows(squares, range(3))
    table.loc["0102", "geometry"] = None
    with pytest.raises(GraphError, match="needs a shape for every district"):
        build_graph(table, rule, (np.array([0]), np.array([1]), np.ones(1)))


@pytest.mark.parametrize("crs", [None, 4326])
@pytest.mark.parametrize("rule", RULES[2:], ids=lambda rule: rule.words)
def test_distances_must_be_lengths(squares, rule, crs):
    table = rows(squares, range(3))
    table = gpd.GeoDataFrame(index=table.index, geometry=table.geometry.to_numpy(), crs=crs)
    with pytest.raises(GraphError, match="needs a projected CRS"):
        build_graph(table, rule)
