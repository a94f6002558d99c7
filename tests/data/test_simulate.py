import dataclasses

import numpy as np
import pandas as pd
import pytest
import shapely
from libpysal.graph import Graph
from scipy.special import expit
from scipy.stats import spearmanr

from spatialvote.data.errors import DataError
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.data.simulate import NATIONAL_LIST, simulate_city
from spatialvote.data.simulate_outline import draw_terrain
from spatialvote.data.simulate_people import ORIGINS, require_cells
from spatialvote.data.simulate_places import ORIGIN, lay_out

PARTIES = ("national_list", "diversity_list")


@pytest.fixture(scope="module")
def city():
    return simulate_city()


@pytest.fixture(scope="module")
def scattered():
    return simulate_city(seed=11, n_districts=120, islands=4, second_component=True)


@pytest.fixture(params=["city", "scattered"])
def any_city(request):
    return request.getfixturevalue(request.param)


def test_same_seed_same_city():
    one, two = (simulate_city(seed=5, n_districts=60, islands=1) for _ in range(2))
    pd.testing.assert_frame_equal(one.grid, two.grid, check_exact=True)
    assert one.districts.table.drop(columns="geometry").equals(two.districts.table.drop(columns="geometry"))
    shapes = [shapely.to_wkb(made.districts.table.geometry.to_numpy()).tolist() for made in (one, two)]
    assert shapes[0] == shapes[1]
    assert one.districts.fingerprint == two.districts.fingerprint
    assert one.truth.to_dict() == two.truth.to_dict()
    other = simulate_city(seed=6, n_districts=60, islands=1)
    assert other.districts.fingerprint != one.districts.fingerprint


def test_party_parameters_change_votes_alone():
    one = simulate_city(seed=5, n_districts=60)
    null = dataclasses.replace(NATIONAL_LIST, coefficients={})
    two = simulate_city(seed=5, n_districts=60, national_list=null)
    pd.testing.assert_frame_equal(one.grid, two.grid, check_exact=True)
    assert one.districts.fingerprint["graph"] == two.districts.fingerprint["graph"]
    assert (one.districts.valid == two.districts.valid).all()
    assert (one.districts.votes("national_list") != two.districts.votes("national_list")).any()
    assert two.truth.parties["national_list"].effect_10_points == 0


def test_districts_are_described(city):
    districts = city.districts
    assert districts.about.simulated
    assert districts.about.unit == "polling district (simulated)"
    assert "seed=2026" in districts.about.source
    assert districts.roles.votes == {party: party for party in PARTIES}
    assert districts.roles.points("migrant_share", 10) == 10
    assert districts.roles.units["migrant_share"] in SHARE_UNITS
    assert districts.table.index.name == districts.roles.id == "district"
    assert districts.table.crs.to_epsg() == 3035
    assert districts.table["label"].is_unique
    assert not districts.table.isna().any(axis=None)


def test_grid_sums_to_districts(any_city):
    grid, table = any_city.grid, any_city.districts.table
    columns = ["persons", *ORIGINS]
    sums = grid.groupby("district")[columns].sum().reindex(table.index)
    assert (sums == table[columns]).all(axis=None)
    assert (grid[list(ORIGINS)].sum(axis=1) == grid["persons"]).all()
    assert (grid["persons"] > 0).all()
    share = 100 * (1 - table["origin_native"] / table["persons"])
    # Stored with two decimals.
    np.testing.assert_allclose(table["migrant_share"], share, rtol=0, atol=0.00501)
    for name in ("higher_education", "income"):
        mean = (grid[name] * grid["persons"]).groupby(grid["district"]).sum() / sums["persons"]
        np.testing.assert_allclose(table[name], mean.reindex(table.index), rtol=0, atol=0.00501)


def test_grid_cells_lie_in_their_district(any_city):
    grid, table = any_city.grid, any_city.districts.table
    codes = "CRS3035RES100mN" + grid["northing"].astype(str) + "E" + grid["easting"].astype(str)
    assert (grid["cell"] == codes).all()
    assert grid["cell"].is_unique
    assert (grid[["easting", "northing"]] % 100 == 0).all(axis=None)
    polygons = table.geometry.reindex(grid["district"]).to_numpy()
    centres = shapely.points(grid["easting"] + 50, grid["northing"] + 50)
    # Coordinates of polygons are rounded to 0.1 m.
    assert shapely.dwithin(polygons, centres, 0.2).all()


def test_counts_are_nested(any_city):
    table = any_city.districts.table
    assert (table["electorate"] <= table["persons"]).all()
    assert (table["votes_cast"] <= table["electorate"]).all()
    assert (table["valid"] + table["blank"] == table["votes_cast"]).all()
    assert (table[list(PARTIES)].sum(axis=1) <= table["valid"]).all()
    assert (table[list(PARTIES)] >= 0).all(axis=None)


def test_default_city_looks_like_one(city):
    table, districts = city.districts.table, city.districts
    assert districts.n == 400
    assert table["valid"].between(300, 3000).all()
    assert table["valid"].max() > 4 * table["valid"].min()
    assert 0.17 < table["national_list"].sum() / table["valid"].sum() < 0.23
    assert 0.04 < table["diversity_list"].sum() / table["valid"].sum() < 0.06
    distance = np.hypot(*(shapely.get_coordinates(shapely.centroid(table.geometry.array)) - ORIGIN).T)
    assert spearmanr(distance, table["persons"] / table.area).statistic < -0.6
    correlation = table[["migrant_share", "higher_education", "income"]].corr().to_numpy()
    assert 0.4 < correlation[1, 2] < 0.85
    assert (correlation[0, 1:] < -0.2).all()
    assert (correlation[0, 1:] > -0.8).all()
    # Moran's I of the migrant share: clustered in a few neighbourhoods.
    i, j, _ = districts.edges
    z = (table["migrant_share"] - table["migrant_share"].mean()).to_numpy()
    assert (z[i] * z[j]).mean() / (z**2).mean() > 0.7


def test_polygons_are_sound(any_city):
    shapes = any_city.districts.table.geometry
    assert shapes.is_valid.all()
    assert (shapes.geom_type == "Polygon").all()
    assert (4 * np.pi * shapes.area / shapes.length**2).min() > 0.2
    assert shapely.union_all(shapes.array).area == pytest.approx(shapes.area.sum(), rel=1e-9)


def test_graph_is_queen_contiguity_of_the_polygons(any_city):
    shapes = any_city.districts.table.geometry
    for strict in (False, True):
        queen = Graph.build_contiguity(shapes, rook=False, strict=strict)
        difference = queen.sparse - any_city.districts.graph.sparse
        assert abs(difference).sum() == 0
    assert any_city.districts.graph_report.method == "queen contiguity"
    assert any_city.districts.graph_report.added == ()


@pytest.mark.parametrize(("n", "seed"), [(20, 1), (20, 2), (60, 3), (60, 4), (200, 5)])
def test_the_river_separates_without_cutting_the_city_in_two(n, seed):
    report = simulate_city(seed=seed, n_districts=n).districts.graph_report
    assert report.component_sizes == (n,)
    rng = np.random.default_rng(seed)
    terrain = draw_terrain(rng, n, islands=0, second_component=False)
    land = shapely.union_all(lay_out(rng, terrain, n).polygons)
    river = shapely.LineString(terrain.river + ORIGIN)
    course = river.intersection(shapely.convex_hull(land)).length
    bridged = river.intersection(land).length / course
    assert 0 < bridged < 0.35


@pytest.mark.parametrize(("islands", "second"), [(0, True), (1, False), (5, False), (7, True)])
def test_islands_and_components_as_requested(islands, second):
    city = simulate_city(seed=9, n_districts=48, islands=islands, second_component=second)
    report = city.districts.graph_report
    assert city.districts.n == 48
    assert len(report.islands) == islands
    assert len(report.component_sizes) == 1 + islands + second
    assert (city.districts.table["quarter"] == "Islands").sum() == islands
    town = (city.districts.table["quarter"] == "Garden Town").sum()
    assert report.component_sizes[1:2] == ((town,) if second else (1,) * (islands > 0))
    assert town >= 2 if second else town == 0


def test_truth_agrees_with_the_table(any_city):
    table, truth = any_city.districts.table, any_city.truth
    assert truth.district == tuple(table.index)
    for party in PARTIES:
        true = truth.parties[party]
        raw, standard = true.intercept_at_zero, true.intercept
        for name, slope in true.coefficients.items():
            x = table[name].to_numpy()
            assert truth.center[name] == pytest.approx(x.mean(), rel=1e-12)
            assert truth.scale[name] == pytest.approx(x.std(), rel=1e-12)
            assert true.coefficients_standardised[name] == pytest.approx(slope * x.std(), rel=1e-12)
            raw = raw + slope * x
            standard = (
                standard + true.coefficients_standardised[name] * (x - truth.center[name]) / truth.scale[name]
            )
        effect = true.sigma * (np.sqrt(1 - true.rho) * true.theta + np.sqrt(true.rho) * true.phi)
        np.testing.assert_allclose(true.eta, raw + effect, rtol=1e-10)
        np.testing.assert_allclose(true.eta, standard + effect, rtol=1e-10)
        change = 100 * (expit(true.eta + 10 * true.coefficients["migrant_share"]) - expit(true.eta))
        assert true.effect_10_points == pytest.approx(change.mean())
        weighted = (change * table["valid"]).sum() / table["valid"].sum()
        assert true.effect_10_points_by_votes == pytest.approx(weighted)


def test_votes_follow_the_true_shares(city):
    for party in PARTIES:
        share, valid = expit(city.truth.parties[party].eta), city.districts.valid
        z = (city.districts.votes(party) - valid * share) / np.sqrt(valid * share * (1 - share))
        # A sum of n squared near-normal deviates has mean n and standard deviation sqrt(2 n).
        assert abs((z**2).sum() - len(z)) < 4 * np.sqrt(2 * len(z))
        assert abs(z.sum()) < 4 * np.sqrt(len(z))


def test_structured_effect_sums_to_zero_within_components(scattered):
    graph = scattered.districts.graph
    labels = graph.component_labels.to_numpy()
    for party in PARTIES:
        phi = scattered.truth.parties[party].phi
        sums = pd.Series(phi).groupby(labels).sum()
        sizes = np.bincount(labels)
        assert np.abs(sums[sizes > 1]).max() < 1e-9
        assert (np.abs(sums[sizes == 1]) > 1e-3).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, r"seed must be a whole number, 0 or more \(-1 came\)"),
        ({"seed": 1.5}, r"seed must be a whole number, 0 or more \(1.5 came\)"),
        ({"n_districts": 5}, r"n_districts must be a whole number from 20 to 20000 \(5 came\)"),
        ({"n_districts": True}, r"n_districts must be a whole number from 20 to 20000 \(True came\)"),
        (
            {"n_districts": 40, "islands": 11},
            "11 of 40 districts cannot be islands: ask for at most a quarter, 10",
        ),
        ({"islands": -2}, r"islands must be a whole number, 0 or more \(-2 came\)"),
        ({"second_component": "yes"}, r"second_component must be true or false \('yes' came\)"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        simulate_city(**arguments)


def test_all_wrong_arguments_are_told_at_once():
    with pytest.raises(DataError, match="4 problems"):
        simulate_city(seed="a", n_districts=0, islands=None, second_component=2)


def test_a_district_without_a_grid_cell_is_named():
    ids = pd.Index(["D1", "D2", "D3"], name="district")
    with pytest.raises(
        DataError, match=r"no grid cell lies in 1 district \(id 'D2'\) of this simulated city: choose"
    ):
        require_cells(np.array([0, 2, 2]), ids, "grid cell")
