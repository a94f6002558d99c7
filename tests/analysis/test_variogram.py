import geopandas as gpd
import numpy as np
import shapely

from spatialvote.analysis.variogram import FEWEST, Variogram


def test_semivariance_by_hand():
    variogram = Variogram((np.array([[0, 0], [1, 2]]),), np.array([1.0]), "km")
    # Squared differences 1 and 9: half of their mean.
    np.testing.assert_allclose(variogram(np.array([[0.0, 1.0, 3.0]])), [[2.5]])


def test_steps_on_the_graph_where_there_are_no_shapes(districts):
    among = np.ones(districts.n, dtype=bool)
    variogram = Variogram.of(districts, among, np.random.default_rng(0))
    assert variogram.unit == "steps on the neighbour graph"
    np.testing.assert_array_equal(variogram.distance, np.arange(1, 9))
    i, j, _ = districts.edges
    assert {tuple(one) for one in variogram.pairs[0].T.tolist()} == set(
        zip(i.tolist(), j.tolist(), strict=True)
    )
    # On a rook grid of 12 x 12 steps are |rows| + |columns|.
    row, column = np.divmod(np.arange(144), 12)
    for step, (a, b) in zip(variogram.distance, variogram.pairs, strict=True):
        np.testing.assert_array_equal(np.abs(row[a] - row[b]) + np.abs(column[a] - column[b]), step)


def with_points(districts):
    row, column = np.divmod(np.arange(districts.n), 12)
    shapes = gpd.GeoSeries(shapely.points(1000.0 * column, 1000.0 * row), crs="EPSG:3035")
    table = districts.table.copy()
    table["geometry"] = shapes.to_numpy()
    return type(districts)(
        table.set_geometry("geometry", crs="EPSG:3035"),
        districts.roles,
        districts.graph,
        districts.graph_report,
        districts.about,
    )


def test_bands_of_distance_where_there_are_shapes(districts):
    variogram = Variogram.of(
        with_points(districts), np.ones(districts.n, dtype=bool), np.random.default_rng(0)
    )
    assert variogram.unit == "km"
    assert (np.diff(variogram.distance) > 0).all()
    # Points a kilometre apart: nothing nearer than that, nothing beyond a third of the map.
    assert 1 <= variogram.distance[0] < 2
    assert variogram.distance[-1] < np.hypot(12, 11) / 3
    assert min(one.shape[1] for one in variogram.pairs) >= FEWEST


def test_white_noise_is_flat_and_a_trend_rises(districts):
    there = with_points(districts)
    variogram = Variogram.of(there, np.ones(districts.n, dtype=bool), np.random.default_rng(0))
    noise = variogram(np.random.default_rng(1).standard_normal((2000, districts.n)))
    # Variance 1; five standard errors of the means over 2,000 vectors.
    assert (np.abs(noise.mean(axis=0) - 1) < 5 * noise.std(axis=0) / np.sqrt(2000)).all()
    trend = variogram(np.arange(districts.n, dtype=float)[None] // 12)[0]
    assert (np.diff(trend) > 0).all()


def test_districts_left_out_are_in_no_pair(districts):
    among = np.ones(districts.n, dtype=bool)
    among[:40] = False
    variogram = Variogram.of(districts, among, np.random.default_rng(0))
    assert min(int(one.min()) for one in variogram.pairs) >= 40


def test_few_districts_have_no_variogram(districts):
    among = np.zeros(districts.n, dtype=bool)
    among[:3] = True
    assert Variogram.of(districts, among, np.random.default_rng(0)).pairs == ()
    assert Variogram.of(with_points(districts), among, np.random.default_rng(0)).pairs == ()
