from contextlib import closing

import esda
import geopandas as gpd
import libpysal
import numpy as np
import pytest
from libpysal.graph import Graph

from spatialvote.analysis.moran import Moran


def moran_of(graph: Graph) -> Moran:
    upper = graph.sparse.tocoo()
    keep = (upper.row < upper.col) & (upper.data != 0)
    return Moran.from_edges(graph.n, upper.row[keep], upper.col[keep], upper.data[keep])


@pytest.mark.parametrize(
    ("shapes", "links", "column", "published"),
    [
        # Both figures are from esda's own tests (esda/tests/test_moran.py), on data that libpysal bundles.
        ("stl_hom.shp", "stl.gal", "HR8893", 0.243655826),
        ("sids2.shp", "sids2.gal", "SIDR74", 0.247725193),
    ],
)
def test_published_values(shapes, links, column, published):
    values = gpd.read_file(libpysal.examples.get_path(shapes))[column].to_numpy()
    with closing(libpysal.io.open(libpysal.examples.get_path(links))) as opened:
        i, j = opened.read().sparse.tocoo().coords
    moran = Moran.from_edges(len(values), i[i < j], j[i < j])
    # Published to nine digits.
    assert moran(values)[0] == pytest.approx(published, abs=1e-9)


@pytest.mark.filterwarnings("ignore:The graph is not fully connected")
@pytest.mark.filterwarnings("ignore:The weights matrix is not fully connected")
@pytest.mark.parametrize("distance", [0.08, 0.12, 0.4])
def test_equals_esda_on_random_graphs_with_islands(distance):
    rng = np.random.default_rng(4)
    points = gpd.GeoSeries.from_xy(*rng.random((2, 60)))
    graph = Graph.build_distance_band(points, distance)
    assert distance > 0.12 or len(graph.isolates) > 0
    values = rng.standard_normal((5, 60)) ** 2
    ours = moran_of(graph)(values)
    theirs = [esda.Moran(one, graph, transformation="r", permutations=0).I for one in values]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_weights_share_each_row_in_proportion():
    moran = Moran.from_edges(4, np.array([0, 0]), np.array([1, 2]), np.array([1.0, 3.0]))
    np.testing.assert_allclose(moran.weights.toarray()[0], [0, 0.25, 0.75, 0])
    assert moran.n_linked == 3


def test_does_not_depend_on_unit_or_level(districts):
    moran = Moran.of(districts)
    values = np.random.default_rng(1).random(districts.n)
    np.testing.assert_allclose(moran(values), moran(100 * values - 3), rtol=1e-10)


def test_permutations_have_the_mean_and_variance_of_theory(districts):
    """Mean -1/(n-1), and the variance that esda gives under randomisation."""
    moran, rng = Moran.of(districts), np.random.default_rng(2)
    values, n, m = rng.random(districts.n), districts.n, 4000
    shuffled = moran.permute(values, rng, m)
    theory = esda.Moran(values, districts.graph, transformation="r", permutations=0)
    assert shuffled.shape == (m,)
    # Five standard errors of a mean, and of a standard deviation, over 4,000 shuffles.
    assert shuffled.mean() == pytest.approx(-1 / (n - 1), abs=5 * theory.seI_rand / np.sqrt(m))
    assert shuffled.std() == pytest.approx(theory.seI_rand, rel=5 / np.sqrt(2 * m))


def test_permutations_keep_the_values_apart_from_their_order(districts):
    values = np.arange(districts.n, dtype=float)
    before = values.copy()
    Moran.of(districts).permute(values, np.random.default_rng(0), 60)
    np.testing.assert_array_equal(values, before)
