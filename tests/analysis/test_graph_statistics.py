"""Moran's I, Geary's C and G are those of esda, whatever the graph, and do not see the order of districts."""

from contextlib import closing

import esda
import geopandas as gpd
import libpysal
import numpy as np
import pytest
from libpysal.graph import Graph

from spatialvote.analysis.geary import Geary
from spatialvote.analysis.getis_ord import GetisOrd
from spatialvote.analysis.moran import Moran
from spatialvote.data.links import band_links, rook_links
from spatialvote.data.neighbours import graph_from_edges

STATISTICS = (Moran, Geary, GetisOrd)


def of_graph(kind: type, graph: Graph):
    upper = graph.sparse.tocoo()
    keep = (upper.row < upper.col) & (upper.data != 0)
    return kind.from_edges(graph.n, upper.row[keep], upper.col[keep], upper.data[keep])


def esda_value(kind: type, values: np.ndarray, graph: Graph) -> float:
    if kind is Moran:
        return esda.Moran(values, graph, transformation="r", permutations=0).I
    if kind is Geary:
        # As W, because of a Graph with islands esda's Geary counts weights that are zero.
        return esda.Geary(values, graph.to_W(), transformation="r", permutations=0).C
    return esda.G(values, graph, permutations=0).G


def example(shapes: str, links: str, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values and links of a table that libpysal bundles."""
    values = gpd.read_file(libpysal.examples.get_path(shapes))[column].to_numpy()
    with closing(libpysal.io.open(libpysal.examples.get_path(links))) as opened:
        i, j = opened.read().sparse.tocoo().coords
    return values, i[i < j], j[i < j]


@pytest.mark.parametrize(
    ("kind", "table", "published"),
    [
        # From esda's own tests (test_moran.py), on tables that libpysal bundles.
        (Moran, ("stl_hom.shp", "stl.gal", "HR8893"), 0.243655826),
        (Moran, ("sids2.shp", "sids2.gal", "SIDR74"), 0.247725193),
    ],
)
def test_published_values(kind, table, published):
    values, i, j = example(*table)
    # Published to nine digits.
    assert kind.from_edges(len(values), i, j)(values)[0] == pytest.approx(published, abs=1e-9)


def test_published_value_of_c():
    """From esda's test_geary.py: crime in Columbus under rook contiguity."""
    table = gpd.read_file(libpysal.examples.get_path("columbus.shp"))
    geary = Geary.from_edges(len(table), *rook_links(table.geometry.to_numpy()))
    assert geary(table["CRIME"].to_numpy())[0] == pytest.approx(0.5154408058652411, abs=1e-12)


def test_published_value_of_g():
    """From esda's test_getisord.py: six points, links up to a distance of 15."""
    points = np.array([(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)], dtype=float)
    g = GetisOrd.from_edges(6, *band_links(points, 15.0))
    assert g(np.array([2, 3, 3.2, 5, 8, 7]))[0] == pytest.approx(0.55709779, abs=1e-8)


@pytest.mark.parametrize(
    "table", [("stl_hom.shp", "stl.gal", "HR8893"), ("sids2.shp", "sids2.gal", "SIDR74")]
)
@pytest.mark.parametrize("kind", STATISTICS)
def test_equals_esda_on_its_examples(kind, table):
    values, i, j = example(*table)
    graph = graph_from_edges([f"{k:03d}" for k in range(len(values))], i, j)
    ours = kind.from_edges(len(values), i, j)(values)[0]
    assert ours == pytest.approx(esda_value(kind, values, graph), rel=1e-12)


@pytest.mark.filterwarnings("ignore:The graph is not fully connected")
@pytest.mark.filterwarnings("ignore:The weights matrix is not fully connected")
@pytest.mark.parametrize("distance", [0.08, 0.12, 0.4])
@pytest.mark.parametrize("kind", STATISTICS)
def test_equals_esda_on_random_graphs_with_islands(kind, distance):
    rng = np.random.default_rng(4)
    points = gpd.GeoSeries.from_xy(*rng.random((2, 60)))
    graph = Graph.build_distance_band(points, distance)
    assert distance > 0.12 or len(graph.isolates) > 0
    values = rng.standard_normal((5, 60)) ** 2
    ours = of_graph(kind, graph)(values)
    theirs = [esda_value(kind, one, graph) for one in values]
    np.testing.assert_allclose(ours, theirs, rtol=1e-11)


@pytest.mark.parametrize("kind", STATISTICS)
def test_order_of_districts_does_not_matter(kind, districts):
    rng = np.random.default_rng(3)
    values, order = rng.random(districts.n), rng.permutation(districts.n)
    i, j, weight = districts.edges
    position = np.argsort(order)
    moved = kind.from_edges(districts.n, position[i], position[j], weight)
    np.testing.assert_allclose(moved(values[order]), kind.of(districts)(values), rtol=1e-12)


@pytest.mark.parametrize("kind", [Moran, Geary])
def test_does_not_depend_on_unit_or_level(kind, districts):
    statistic = kind.of(districts)
    values = np.random.default_rng(1).random(districts.n)
    np.testing.assert_allclose(statistic(values), statistic(100 * values - 3), rtol=1e-10)


def test_weights_share_each_row_in_proportion():
    moran = Moran.from_edges(4, np.array([0, 0]), np.array([1, 2]), np.array([1.0, 3.0]))
    np.testing.assert_allclose(moran.weights.toarray()[0], [0, 0.25, 0.75, 0])
    assert moran.n_linked == 3


def test_g_on_equal_numbers_of_neighbours_says_what_moran_says():
    """sum w x x = S_0 mean^2 + z'Wz where every district has two neighbours."""
    n, values = 30, np.random.default_rng(7).random(30)
    ring = np.arange(n), (np.arange(n) + 1) % n
    z = values - values.mean()
    product = 2 * n * values.mean() ** 2 + 2 * Moran.from_edges(n, *ring)(values)[0] * (z @ z)
    by_hand = product / (values.sum() ** 2 - values @ values)
    assert GetisOrd.from_edges(n, *ring)(values)[0] == pytest.approx(by_hand, rel=1e-12)


def test_g_rises_where_high_values_have_many_neighbours():
    """A star: the values of centre and rim are the same, and so is Moran's I of their mirror image."""
    star = np.zeros(5, dtype=int), np.arange(1, 6)
    high, low = np.array([3.0, 1, 1, 1, 1, 1]), np.array([1.0, 3, 3, 3, 3, 3])
    moran = Moran.from_edges(6, *star)
    assert moran(high)[0] == pytest.approx(moran(low)[0], rel=1e-12)
    g = GetisOrd.from_edges(6, *star)
    assert g(high)[0] > g.expected > g(low)[0]
    with pytest.raises(ValueError, match="zero or more"):
        g(high - 2)


def test_among_leaves_out_values_and_links(districts):
    values = np.random.default_rng(5).random(districts.n)
    among = values > 0.3
    i, j, weight = districts.edges
    kept = np.flatnonzero(among)
    inner = among[i] & among[j]
    by_hand = Moran.from_edges(
        len(kept), np.searchsorted(kept, i[inner]), np.searchsorted(kept, j[inner]), weight[inner]
    )
    assert Moran.of(districts, among)(values[among])[0] == by_hand(values[among])[0]


@pytest.mark.parametrize("kind", [Moran, Geary])
def test_permutations_have_the_mean_and_variance_of_theory(kind, districts):
    """Those that esda gives under randomisation."""
    statistic, rng, m = kind.of(districts), np.random.default_rng(2), 4000
    values = rng.random(districts.n)
    shuffled = statistic.permute(values, rng, m)
    if kind is Moran:
        theory = esda.Moran(values, districts.graph, transformation="r", permutations=0)
        mean, sd = -1 / (districts.n - 1), theory.seI_rand
    else:
        theory = esda.Geary(values, districts.graph.to_W(), transformation="r", permutations=0)
        mean, sd = 1.0, theory.seC_rand
    assert shuffled.shape == (m,)
    # Five standard errors of a mean, and of a standard deviation, over 4,000 shuffles.
    assert shuffled.mean() == pytest.approx(mean, abs=5 * sd / np.sqrt(m))
    assert shuffled.std() == pytest.approx(sd, rel=5 / np.sqrt(2 * m))


def test_permutations_of_g_have_its_expectation(districts):
    g, rng, m = GetisOrd.of(districts), np.random.default_rng(2), 2000
    shuffled = g.permute(rng.random(districts.n), rng, m)
    assert shuffled.mean() == pytest.approx(g.expected, abs=5 * shuffled.std() / np.sqrt(m))


def test_permutations_keep_the_values_apart_from_their_order(districts):
    values = np.arange(districts.n, dtype=float)
    before = values.copy()
    Moran.of(districts).permute(values, np.random.default_rng(0), 60)
    np.testing.assert_array_equal(values, before)


def test_noise_has_the_expectations(districts):
    rng, m = np.random.default_rng(8), 2000
    for kind, mean in ((Moran, -1 / (districts.n - 1)), (Geary, 1.0)):
        noise = kind.of(districts).of_noise(rng, m)
        assert noise.shape == (m,)
        # Five standard errors of a mean.
        assert noise.mean() == pytest.approx(mean, abs=5 * noise.std() / np.sqrt(m))
