"""Polling stations to areas, and the Dutch count file that has them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point, box, union_all

from spatialvote.data.dutch_counts import read_dutch_counts
from spatialvote.data.errors import DataError
from spatialvote.data.points import nearest_areas, sum_in_areas

AREAS = gpd.GeoDataFrame(
    geometry=[box(0, 0, 100, 100), box(100, 0, 200, 100), box(300, 0, 400, 100)],
    index=pd.Index(["west", "east", "far"]),
    crs=28992,
)


def stations(places, crs=28992, **columns):
    n = len(places)
    table = {"votes": np.arange(1, n + 1), "ballots": 10 * np.arange(1, n + 1), "electorate": 20, **columns}
    geometry = [None if one is None else Point(one) for one in places]
    return gpd.GeoDataFrame(table, geometry=geometry, index=pd.Index([f"S{k}" for k in range(n)]), crs=crs)


def test_votes_are_summed_where_stations_lie():
    found, invented = sum_in_areas(stations([(10, 10), (150, 50), (20, 90)]), AREAS, ["votes"])
    assert found["votes"].to_dict() == {"west": 4, "east": 2}
    assert found["stations"].to_dict() == {"west": 2, "east": 1}
    assert invented.without == ("far",)
    assert np.isnan(invented.least)


def test_ballots_beyond_the_electorate_came_from_elsewhere():
    points = stations([(10, 10), (150, 50), (20, 90)])
    _, invented = sum_in_areas(points, AREAS, ["votes"], ballots="ballots", electorate="electorate")
    # 10, 20 and 30 ballots for electorates of 20: ten of sixty came from elsewhere.
    assert invented.least == pytest.approx(10 / 60)
    assert "At least 16.7 % of the ballots" in invented.words


def test_stations_on_a_border_are_counted_once():
    found, _ = sum_in_areas(stations([(100, 50)]), AREAS, ["votes"])
    assert found["votes"].to_dict() == {"west": 1}


def test_near_stations_are_let_in_and_told():
    found, invented = sum_in_areas(stations([(10, 10), (205, 50)]), AREAS, ["votes"], farthest=6)
    assert found["votes"].to_dict() == {"west": 1, "east": 2}
    assert invented.outside == (("S1", 5.0),)
    assert "up to 5 m" in invented.words


def test_each_place_belongs_to_the_nearest_station():
    outline = AREAS.geometry.iloc[:2]
    points = stations([(30, 50), (70, 50), (160, 40), (70, 50)])
    found, invented = nearest_areas(points, outline, ["votes"])
    assert found["votes"].to_dict() == {"S0": 1, "S1": 6, "S2": 3}
    assert invented.merged == (("S1", "S3"),)
    assert found.area.sum() == pytest.approx(outline.area.sum())
    assert (
        union_all(found.geometry.to_numpy()).symmetric_difference(union_all(outline.to_numpy())).area < 1e-6
    )
    rng = np.random.default_rng(1)
    places = points.geometry.iloc[[0, 1, 2]].set_axis(found.index)
    for x, y in rng.uniform(0, [200, 100], (50, 2)):
        mine = found.index[found.contains(Point(x, y))]
        assert list(mine) == [places.distance(Point(x, y)).idxmin()]


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (stations([(10, 10), None]), r"1 points have no place \('S1'\)"),
        (stations([(10, 10)], crs=None), "the points have no coordinate system"),
        (stations([(10, 10)]).rename(columns={"votes": "v"}), "no columns 'votes'"),
        (stations([(10, 10), (250, 50)]), r"1 points lie in no area \('S1'\), the farthest 50 m away"),
        (stations([(10, 10)] * 2).set_axis(["A", "A"]), r"points share ids \('A'\)"),
        (stations([(10, 10)]).set_geometry([box(0, 0, 1, 1)], crs=28992), "not every row is a point"),
    ],
)
def test_points_that_cannot_be_placed(points, message):
    with pytest.raises(DataError, match=message):
        sum_in_areas(points, AREAS, ["votes"])


def test_outlines_that_cannot_be_divided():
    with pytest.raises(DataError, match="1 points lie outside the outline"):
        nearest_areas(stations([(10, 10), (250, 50)]), AREAS.geometry, ["votes"])
    with pytest.raises(DataError, match="all points lie at one place"):
        nearest_areas(stations([(10, 10), (10, 10)]), AREAS.geometry, ["votes"])
    with pytest.raises(DataError, match="the areas are not projected"):
        nearest_areas(stations([(10, 10), (20, 20)]), AREAS.geometry.to_crs(4326), ["votes"])


FILE = """\
"Verkiezing";;"Tweede Kamer 2023"
"Datum";;"2023-11-22"
"Gebied";;"Gemeente Klein"
"Nummer";;"0001"

"Lijstnummer";"Aanduiding";"Volgnummer";"Naam kandidaat";"Totaal";"Stadhuis";"School"
"Gebiednummer";;;;;"1";"2"
"Postcode";;;;;"1000 AA";"1000 AB"
;"opgeroepenen";;;"300";"100";"200"
;"toegelaten kiezers";;;"190";"71";"119"
;"geldige stembiljetten";;;"180";"65";"115"
;"blanco stembiljetten";;;"4";"1";"3"
;"ongeldige stembiljetten";;;"6";"5";"1"
;"aangetroffen stembiljetten";;;"190";"71";"119"
"1";"AB";;;"130";"40";"90"
;;"1";"Een, A.";"100";"30";"70"
;;"2";"Twee, B.";"30";"10";"20"
"2";;;;"50";"25";"25"
;;"1";"Drie, C.";"50";"25";"25"
"""


def read(folder, text):
    (folder / "count.csv").write_text(text, encoding="utf-8-sig")
    return read_dutch_counts(folder / "count.csv")


def test_a_count_file_on_its_side(tmp_path):
    found = read(tmp_path, FILE)
    assert found.election == "Tweede Kamer 2023"
    assert str(found.day) == "2023-11-22"
    assert found.table().loc["2"].to_dict() == {
        "station": "School",
        "postcode": "1000 AB",
        "electorate": 200,
        "admitted": 119,
        "valid": 115,
        "blank": 3,
        "invalid": 1,
        "ballots": 119,
        "AB": 90,
        "list 2": 25,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ('"180";"65";"115"', '"180";"66";"114"'),
            "valid votes and the sum of all lists differ at 2",
        ),
        (
            ('"180";"65";"115"', '"181";"65";"115"'),
            "sums to 180, and the file says 181",
        ),
        (
            ('"1";"3"\n', '"3";"1"\n'),
            "ballots found and the sum of valid, blank and invalid",
        ),
        (
            ('"100";"30";"70"', '"100";"40";"60"'),
            r"'AB' and of its candidates differ at 2 .*'1', '2'",
        ),
        (
            ('"65";"115"', '"65";"n/a"'),
            "of file 'count.csv' holds no whole number in 1",
        ),
        (('"65";"115"', '"65"'), "has 1 cells for 2 polling stations"),
        (('"1";"2"\n', '"1";"1"\n'), r"polling stations share numbers, or have none \('1'\)"),
        (('"opgeroepenen"', '"uitgenodigd"'), "has no rows 'opgeroepenen'"),
        (("2023-11-22", "22 november"), "gives '22 november' as its day"),
        ((FILE[FILE.index('"1";"AB"') :], ""), "has no list"),
    ],
)
def test_count_files_that_do_not_add_up(tmp_path, change, message):
    assert change[0] in FILE
    with pytest.raises(DataError, match=message):
        read(tmp_path, FILE.replace(*change))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_dutch_counts(tmp_path / "none.csv")


@pytest.mark.real_data
def test_rotterdam_2023(shared_data):
    folder = shared_data / "nl_rotterdam_tk2023_stembureau"
    found = read_dutch_counts(folder / "osv4-3_telling_tk2023_gemeente_rotterdam.csv")
    # The city's totals as published: PVV 21.5 %, DENK 9.9 % of the valid votes, 378 polling stations.
    share = 100 * found.votes.sum() / found.stations["valid"].sum()
    assert len(found.stations) == 378
    assert share[["PVV (Partij voor de Vrijheid)", "DENK"]].round(1).tolist() == [21.5, 9.9]
    located = pd.read_csv(folder / "rotterdam_tk2023_stembureau.csv", dtype={"station_nr": "str"})
    located = located.set_index("station_nr").loc[found.stations.index]
    points = gpd.GeoDataFrame(
        found.table(), geometry=gpd.points_from_xy(located["X"], located["Y"]), crs=28992
    )
    wards = gpd.read_file(folder / "rotterdam_wijken_2022.geojson").set_index("code")
    by_ward, invented = sum_in_areas(
        points, wards, ["valid", "DENK"], ballots="ballots", electorate="electorate"
    )
    # Wards as an independent join of the stations has them.
    expected = located.groupby("wijk_code")["denk"].sum()
    pd.testing.assert_series_equal(
        by_ward["DENK"].sort_index(), expected, check_names=False, check_dtype=False
    )
    assert len(invented.without) == 7
    assert invented.least > 0.04
    by_station, _ = nearest_areas(points, wards.geometry, ["valid", "DENK"])
    assert by_station["DENK"].sum() == found.votes["DENK"].sum()
