"""All measures at once, parties that are sums, and stations read as points."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from spatialvote.data.add_party import add_party
from spatialvote.data.cell_shares import share_cells
from spatialvote.data.egohoods import count_egohoods
from spatialvote.data.errors import DataError
from spatialvote.data.measure_surroundings import measure_surroundings
from spatialvote.data.origin_groups import OriginGroup
from spatialvote.data.read_cells import read_cells
from spatialvote.data.read_stations import read_stations
from spatialvote.data.simulate import MIGRANTS, simulate_city
from spatialvote.data.surroundings import egohood_shares, halo

PERSONS = {"persons": "persons", "EU": "origin_eu", "other": "origin_non_eu"}


@pytest.fixture(scope="module")
def city():
    return simulate_city(seed=3, n_districts=20)


@pytest.fixture(scope="module")
def cells(city):
    return read_cells(city.grid, cell="cell", persons=PERSONS)


def test_measures_are_those_of_the_single_functions(city, cells):
    made = measure_surroundings(
        city.districts,
        cells,
        "EU",
        share="eu",
        radii=[300],
        nearest=[500],
        rings={"disc": (0, 400), "ring": (200, 400)},
        measures=["entropy", "isolation"],
        border="share",
        definition=MIGRANTS,
    )
    shared = share_cells(cells, city.districts, border="share")
    egohoods = count_egohoods(cells, (200, 300, 400), (500,))
    near = egohood_shares(shared, egohoods, "EU")
    own = 100 * shared.totals()["EU"] / shared.totals()["persons"]
    expected = {
        "eu": own,
        "within_300m": near["within_300m"],
        "nearest_500": near["nearest_500"],
        "ring": halo(shared, egohoods, "EU", [(200, 400)])["halo_200_400m"],
        # The whole disc less the district's own share.
        "disc": near["within_400m"] - own,
    }
    for column, values in expected.items():
        # The same sums in the same order: only rounding of a last digit may differ.
        np.testing.assert_allclose(made.table[column], values, rtol=1e-12, atol=1e-12)
    assert [one.column for one in made.record.measured.measures] == [
        "eu", "within_300m", "nearest_500", "disc", "ring", "entropy", "isolation_300m",
    ]  # fmt: skip
    assert made.roles.migrants == "migrant_share"
    assert made.roles.definitions["ring"] == (MIGRANTS,)
    assert "entropy" not in made.roles.definitions
    assert made.record.measured.shared["residual"] == pytest.approx(0, abs=1e-9)


def test_the_share_takes_the_role_of_migrants_where_there_is_none(city, cells):
    bare = replace(city.districts, roles=replace(city.districts.roles, migrants=None, definitions={}))
    bare = replace(bare, table=bare.table.drop(columns="migrant_share"))
    made = measure_surroundings(bare, cells, "other", border="share", definition="third country")
    assert made.roles.migrants == "migrant_share"
    assert made.roles.units["migrant_share"] == "percent"
    assert made.roles.counted("migrant_share").startswith("Counted: third country")
    assert made.fingerprint["data"] != bare.fingerprint["data"]


def test_the_reach_of_the_grid_is_that_of_its_nearest_side():
    grid = pd.DataFrame(
        [(x, y, 10, 1) for x in range(0, 1000, 100) for y in range(0, 600, 100)],
        columns=["x", "y", "all", "m"],
    )
    cells = read_cells(grid, x="x", y="y", side=100, crs=3035, persons={"persons": "all", "m": "m"})
    city = simulate_city(seed=1, n_districts=20).districts
    shapes = [box(200 + 20 * k, 300, 220 + 20 * k, 400) for k in range(20)]
    moved = replace(city, table=city.table.set_geometry(shapes, crs=3035))
    made = measure_surroundings(moved, cells, "m", share="s", rings={"h": (0, 300)})
    # West 200, south 300, east 1000 - 600 = 400, north 600 - 400 = 200 m.
    assert made.record.measured.reach == 200
    assert made.record.measured.farthest == 300


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"group": "Nordic"}, "these cells have no group 'Nordic'"),
        ({"measures": ["gini"]}, "measures 'gini' are unknown: use 'location_quotient'"),
        ({"measures": ["isolation"]}, "isolation and exposure need a radius"),
        ({"share": None}, "nothing is measured"),
        ({"rings": {"h": (500, 200)}}, "rings 'h' are empty"),
        ({"rings": {"migrant_share": (0, 200)}}, "columns 'migrant_share' are there already"),
        ({"rings": {"s": (0, 200)}}, "two measures are called 's'"),
        ({"radii": [50]}, "radii '50' are less than a cell's side"),
        ({"definition": "third country"}, "of 2 definitions are mixed in one study"),
        ({"definition": "third contry"}, "origin group 'third contry' has no definition: did you mean"),
        ({"mask": "nowhere.gpkg"}, "file 'nowhere.gpkg' does not exist"),
        ({"border": "inside"}, "border 'inside' is unknown"),
    ],
)
def test_what_cannot_be_measured_is_refused(city, cells, given, message):
    arguments = {"group": "EU", "share": "s", "border": "share", **given}
    with pytest.raises(DataError, match=message):
        measure_surroundings(city.districts, cells, arguments.pop("group"), **arguments)


def test_a_sum_of_parties_has_their_votes(city):
    districts = city.districts
    both = add_party(districts, "both", ["national_list", "diversity_list"], "both lists")
    expected = districts.votes("national_list") + districts.votes("diversity_list")
    assert (both.votes("both") == expected).all()
    assert both.roles.party_called("both") == "both lists"
    assert both.record.sums == {"both": ("national_list", "diversity_list")}


def test_a_sum_of_shares_in_other_units_is_in_percent(city):
    districts = city.districts
    share = districts.share("national_list")
    table = districts.table.assign(a=share, b=1000 * share)
    roles = replace(
        districts.roles, votes={"a": "a", "b": "b"}, valid=None, units={"a": "fraction", "b": "per thousand"}
    )
    both = add_party(replace(districts, table=table, roles=roles), "both", ["a", "b"])
    np.testing.assert_allclose(both.share("both"), 2 * share, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "parts", "message"),
    [
        ("valid", ["national_list"], "'valid' is a party or a column already"),
        ("both", [], "no party is to be summed"),
        ("both", ["pvv"], "there are no votes for 'pvv'"),
        ("both", ["national_list", "national_list"], "a party is to be summed twice"),
    ],
)
def test_sums_that_cannot_be_are_refused(city, name, parts, message):
    with pytest.raises(DataError, match=message):
        add_party(city.districts, name, parts)


STATIONS = "nr,x,y,votes,name\n01,4.5,51.9,10,School\n02,4.6,51.8,20,Hall\n"


def test_stations_are_points_with_their_counts(tmp_path):
    (tmp_path / "s.csv").write_text(STATIONS)
    found = read_stations(
        tmp_path / "s.csv", id="nr", x="x", y="y", crs=4326, columns=["votes"], text=["name"]
    )
    assert list(found.index) == ["01", "02"]
    assert list(found["votes"]) == [10, 20]
    assert list(found["name"]) == ["School", "Hall"]
    assert found.crs.to_epsg() == 4326
    assert found.geometry.iloc[1].coords[0] == (4.6, 51.8)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("02,", "01,", "stations share ids, or have none \\('01'\\)"),
        ("51.8", "", "'y' of file 's.csv' is no place at 1 stations \\('02'\\)"),
        (",20,", ",-20,", "'votes' of file 's.csv' is no count at 1 stations"),
        (",20,", ",many,", "'votes' of file 's.csv' is no count at 1 stations"),
        ("votes", "vote", "has no column"),
    ],
)
def test_stations_that_are_wrong_are_refused(tmp_path, old, new, message):
    (tmp_path / "s.csv").write_text(STATIONS.replace(old, new))
    with pytest.raises(DataError, match=message):
        read_stations(tmp_path / "s.csv", id="nr", x="x", y="y", crs=4326, columns=["votes"])


def test_an_unknown_coordinate_system_of_stations_is_refused(tmp_path):
    (tmp_path / "s.csv").write_text(STATIONS)
    with pytest.raises(DataError, match="coordinate system 'EPSG:1' is unknown"):
        read_stations(tmp_path / "s.csv", id="nr", x="x", y="y", crs="EPSG:1", columns=["votes"])


def test_own_groups_of_one_study_go_together(city, cells):
    own = OriginGroup("EU", "from the EU", "simulate_city", MIGRANTS.scheme)
    made = measure_surroundings(city.districts, cells, "EU", share="eu", definition=own, border="share")
    assert made.roles.counted("migrant_share", "eu").count("(") == 2
