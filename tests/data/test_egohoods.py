"""Egohoods against brute force, and what is made of them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pyproj import CRS
from shapely import box

from spatialvote.data.cell_shares import share_cells
from spatialvote.data.cells import Cells
from spatialvote.data.concentration import entropy, fractionalisation, location_quotient, shares
from spatialvote.data.egohoods import count_egohoods
from spatialvote.data.errors import DataError
from spatialvote.data.surroundings import egohood_shares, halo, isolation


def patchy(rng, width=31, height=23, filled=0.7):
    """Cells with gaps, some of them without residents, in no order."""
    column, row = (one.ravel() for one in np.meshgrid(np.arange(width), np.arange(height)))
    keep = rng.permutation(np.flatnonzero(rng.random(len(column)) < filled))
    persons = rng.integers(0, 40, len(keep)).astype(float)
    table = pd.DataFrame(
        {"persons": persons, "a": rng.binomial(persons.astype(int), 0.3), "b": persons * 0.125},
        index=pd.Index([f"c{k}" for k in keep]),
    )
    return Cells(
        table, "persons", ("a", "b"), 4_000_000 + 100 * column[keep], 3_000_000 + 100 * row[keep], 100,
        CRS.from_epsg(3035),
    )  # fmt: skip


@pytest.fixture(scope="module")
def cells():
    return patchy(np.random.default_rng(1))


@pytest.fixture(scope="module")
def distance(cells):
    return np.hypot(*(cells.centres[:, None] - cells.centres[None]).transpose(2, 0, 1))


@pytest.mark.parametrize("radius", [100, 141, 142, 200, 500, 1000, 2500])
def test_residents_within_a_radius(cells, distance, radius):
    people = cells.persons.to_numpy()
    expected = (distance <= radius + 1e-6) @ people
    found = count_egohoods(cells, [radius]).within[radius]
    lived = cells.residents > 0
    np.testing.assert_allclose(found[lived], expected[lived], rtol=1e-12)
    assert np.isnan(found[~lived]).all()


@pytest.mark.parametrize("k", [10, 500, 4000])
def test_nearest_residents(cells, distance, k):
    people = cells.persons.to_numpy()
    found = count_egohoods(cells, [], [k], farthest=5000)
    for c in np.flatnonzero(cells.residents > 0)[::17]:
        # The smallest disc, in steps of a cell's side, that holds k; the last ring in proportion.
        for steps in range(51):
            disc = people[distance[c] <= 100 * steps + 1e-6].sum(axis=0)
            if disc[0] >= k:
                break
        inner = people[distance[c] <= 100 * (steps - 1) + 1e-6].sum(axis=0) if steps else 0 * disc
        expected = inner + (k - inner[0]) / (disc[0] - inner[0]) * (disc - inner)
        np.testing.assert_allclose(found.nearest[k][c], expected, rtol=1e-12)
        assert found.reach[k][c] == 100 * steps
    assert np.nanmax(np.abs(found.nearest[k][:, 0] - k)) < 1e-9 * k


def test_more_nearest_residents_than_there_are(cells):
    k = int(cells.residents.sum()) + 1
    assert np.isnan(count_egohoods(cells, [], [k]).nearest[k]).all()


def test_rings_and_order_of_cells(cells):
    counted = count_egohoods(cells, [200, 500])
    outer, inner = counted.within[500], counted.within[200]
    ring = counted.share_of_ring("a", 200, 500)
    some = outer[:, 0] > inner[:, 0]
    np.testing.assert_allclose(ring[some], ((outer - inner)[:, 1] / (outer - inner)[:, 0])[some])
    order = np.random.default_rng(2).permutation(cells.n)
    moved = Cells(
        cells.persons.iloc[order], "persons", cells.groups, cells.x[order], cells.y[order], 100, cells.crs
    )
    again = count_egohoods(moved, [500])
    np.testing.assert_array_equal(again.within[500], outer[order])


def test_a_cell_far_away_changes_nothing(cells):
    """Rows of the map must not run into each other, however wide it is."""
    far = pd.concat([cells.persons, pd.DataFrame({"persons": [9.0], "a": [9.0], "b": [0.0]}, index=["far"])])
    x, y = np.r_[cells.x, cells.x.max() + 250_000], np.r_[cells.y, cells.y.min()]
    wide = Cells(far, "persons", cells.groups, x, y, 100, cells.crs)
    expected = count_egohoods(cells, [2500]).within[2500]
    np.testing.assert_array_equal(count_egohoods(wide, [2500]).within[2500][:-1], expected)


@pytest.fixture(scope="module")
def shared(cells):
    ids = pd.Index(["west", "east", "nobody"])
    west, south = cells.x.min(), cells.y.min()
    middle, north, east = west + 1600, south + 2300, west + 3100
    shapes = [
        box(west, south, middle, north),
        box(middle, south, east, north),
        box(east + 5000, south, east + 5100, north),
    ]
    return share_cells(cells, gpd.GeoDataFrame(geometry=shapes, index=ids, crs=3035))


def test_a_district_has_the_mean_of_its_residents(cells, shared):
    counted = count_egohoods(cells, [500, 1000], [300])
    found = egohood_shares(shared, counted, "a")
    west = cells.x < cells.x.min() + 1600
    expected = np.average(np.nan_to_num(counted.share("a", 500)[west]), weights=cells.residents[west])
    assert found.loc["west", "within_500m"] == pytest.approx(100 * expected)
    assert list(found) == ["within_500m", "within_1000m", "nearest_300"]
    assert found.loc["nobody"].isna().all()
    around = halo(shared, counted, "a")
    own = shares(shared.totals(), "persons", ["a"])["a"]
    ring = 100 * shared.average(counted.share_of_ring("a", 500, 1000))
    np.testing.assert_allclose(around["halo_500_1000m"], ring - own)


def test_isolation_and_exposure_average_to_the_egohood(cells, shared):
    counted = count_egohoods(cells, [500])
    found = isolation(shared, counted, "a", 500).loc[["west", "east"]]
    own = shares(shared.totals(), "persons", ["a"])["a"].loc[["west", "east"]] / 100
    both = own * found["isolation"] + (1 - own) * found["exposure"]
    np.testing.assert_allclose(both, egohood_shares(shared, counted, "a")["within_500m"].iloc[:2])


def test_a_group_that_lives_apart_is_isolated():
    """Two halves of a map, each of one group: isolation near 100, exposure near 0."""
    rng = np.random.default_rng(4)
    base = patchy(rng, filled=1.0)
    west = base.x < np.median(base.x)
    table = pd.DataFrame({"persons": 10.0, "a": np.where(west, 10.0, 0.0)}, index=base.persons.index)
    cells = Cells(table, "persons", ("a",), base.x, base.y, 100, base.crs)
    area = box(base.x.min(), base.y.min(), base.x.max() + 100, base.y.max() + 100)
    shared = share_cells(cells, gpd.GeoDataFrame(geometry=[area], index=pd.Index(["all"]), crs=3035))
    found = isolation(shared, count_egohoods(cells, [200]), "a", 200).loc["all"]
    assert found["isolation"] > 93
    assert found["exposure"] < 7


def test_measures_by_hand():
    totals = pd.DataFrame(
        {"persons": [100.0, 50.0, 0.0], "a": [50.0, 0.0, 0.0], "b": [25.0, 0.0, 0.0]}, index=["p", "q", "r"]
    )
    assert shares(totals, "persons", ["a"])["a"].tolist()[:2] == [50.0, 0.0]
    # A third of all are a: 50 of 150.
    assert location_quotient(totals, "persons", "a").tolist()[:2] == pytest.approx([1.5, 0.0])
    mixed = fractionalisation(totals, "persons", ["a", "b"])
    assert mixed.tolist()[:2] == pytest.approx([1 - 0.25 - 0.0625 - 0.0625, 0.0])
    assert entropy(totals, "persons", ["a", "b"]).tolist()[:2] == pytest.approx(
        [(0.5 * np.log(2) + 0.5 * np.log(4)) / np.log(3), 0.0]
    )
    assert mixed.isna().tolist() == [False, False, True]


def test_overlapping_groups_have_no_diversity():
    totals = pd.DataFrame({"persons": [10.0], "EU": [8.0], "Romania": [5.0]}, index=["p"])
    with pytest.raises(DataError, match=r"groups 'EU', 'Romania' overlap.* in 1 areas .'p'"):
        entropy(totals, "persons", ["EU", "Romania"])


def test_a_group_of_nobody_has_no_location_quotient():
    totals = pd.DataFrame({"persons": [10.0], "a": [0.0]}, index=["p"])
    with pytest.raises(DataError, match="nobody is of group 'a'"):
        location_quotient(totals, "persons", "a")


@pytest.mark.parametrize(
    ("radii", "nearest", "message"),
    [
        ([0], [], "radii '0' are not whole numbers above 0"),
        ([99], [], "radii '99' are less than a cell's side"),
        ([500], [-3], "numbers of nearest residents '-3'"),
        ([2.5], [], "radii '2.5' are not whole"),
    ],
)
def test_radii_that_mean_nothing(cells, radii, nearest, message):
    with pytest.raises(DataError, match=message):
        count_egohoods(cells, radii, nearest)


def test_what_was_not_counted_is_refused(cells, shared):
    counted = count_egohoods(cells, [500], [100])
    with pytest.raises(DataError, match="radius 1000 was not counted"):
        counted.share("a", 1000)
    with pytest.raises(DataError, match="the 200 nearest were not counted"):
        counted.share_of_nearest("a", 200)
    with pytest.raises(DataError, match="no group 'c'"):
        counted.share("c", 500)
    with pytest.raises(DataError, match="a ring from 500 to 500 m is empty"):
        counted.share_of_ring("a", 500, 500)
    with pytest.raises(DataError, match="of different cells"):
        egohood_shares(shared, count_egohoods(patchy(np.random.default_rng(3)), [500]), "a")
