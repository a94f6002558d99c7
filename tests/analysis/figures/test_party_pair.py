"""Two parties side by side: which places are drawn in which colour, and what is said at the foot."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import Normalize, to_rgba
from shapely.geometry import Point, box

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.colour_scale import colour_limits
from spatialvote.analysis.figures.party_pair import CAVEAT, party_pair_map
from spatialvote.data.districts import About
from spatialvote.data.dutch_counts import read_dutch_counts
from spatialvote.data.errors import DataError
from spatialvote.data.points import sum_in_areas

ABOUT = About("A town", "quarter", 2023, "the town")
PARTIES = {"PVV": "pvv", "DENK": "denk"}


def _areas():
    # The last quarter has no votes.
    votes = {"pvv": [10, 30, 20, np.nan], "denk": [40, 10, 5, np.nan], "valid": [100, 100, 50, np.nan]}
    shapes = [box(1000 * k, 0, 1000 * k + 1000, 1000) for k in range(4)]
    return gpd.GeoDataFrame(votes, geometry=shapes, crs=28992, index=list("abcd"))


def _stations():
    votes = {"pvv": [1, 9, 30], "denk": [4, 36, 10], "valid": [10, 90, 100]}
    places = [Point(200, 500), Point(700, 500), Point(1500, 500)]
    return gpd.GeoDataFrame(votes, geometry=places, crs=28992)


def _words(figure):
    return " ".join(text.get_text() for text in figure.texts).replace("\n", " ")


def _axes(figure):
    return {str(axes.get_gid()): axes for axes in figure.axes}


def test_each_area_has_the_colour_of_its_share():
    figure = party_pair_map(_areas(), PARTIES, valid="valid", about=ABOUT)
    shares = np.array([10.0, 30.0, 40.0])
    limits = colour_limits(shares)
    expected = style.RAMPS["vote"](Normalize(limits.low, limits.high)(shares))
    drawn = next(one for one in _axes(figure)["areas PVV"].collections if one.get_gid() == "areas")
    np.testing.assert_allclose(drawn.get_facecolor(), expected)
    assert [one.get_gid() for one in _axes(figure)["areas PVV"].collections].count("missing") == 1
    # Shares 10, 30, 40 against 40, 10, 10 percent, by hand: -5/sqrt(28).
    assert "Hatched: 1 of 4 without votes." in _words(figure)
    assert "over 3 areas (quarter): −0.94." in _words(figure)
    assert CAVEAT in _words(figure)
    assert "A town · 2023 · unit: quarter (4) · source: the town" in _words(figure)


def test_stations_share_the_scale_of_their_party_and_are_as_large_as_their_votes():
    figure = party_pair_map(_areas(), PARTIES, valid="valid", about=ABOUT, stations=_stations())
    limits = colour_limits(np.array([10.0, 30, 40, 10, 10, 30]))
    points = next(one for one in _axes(figure)["stations PVV"].collections if one.get_gid() == "stations")
    # The largest first: 100, 90, 10 valid votes with 30, 10, 10 percent.
    expected = style.RAMPS["vote"](Normalize(limits.low, limits.high)(np.array([30.0, 10, 10])))
    np.testing.assert_allclose(points.get_facecolor(), expected)
    np.testing.assert_allclose(points.get_sizes() / points.get_sizes()[0], [1, 0.9, 0.125])
    land = next(one for one in _axes(figure)["stations PVV"].collections if one.get_gid() == "areas")
    np.testing.assert_allclose(land.get_facecolor()[0], to_rgba("white"))


def test_stations_in_other_coordinates_are_projected():
    there = party_pair_map(_areas(), PARTIES, valid="valid", about=ABOUT, stations=_stations())
    other = party_pair_map(_areas(), PARTIES, valid="valid", about=ABOUT, stations=_stations().to_crs(4326))
    places = [
        next(one for one in _axes(figure)["stations DENK"].collections if one.get_gid() == "stations")
        for figure in (there, other)
    ]
    # Millimetres: the two projections are inverses up to that.
    np.testing.assert_allclose(places[0].get_offsets(), places[1].get_offsets(), atol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parties": {"PVV": "pvv"}}, "a pair has two parties, and 1 came"),
        ({"valid": "ballots"}, "the areas have no columns 'ballots'"),
        ({"areas": _areas().set_crs(None, allow_override=True)}, "the areas have no coordinate system"),
        ({"areas": _areas().assign(valid=0)}, "the areas have no valid votes"),
        ({"stations": _stations().drop(columns="denk")}, "the stations have no columns 'denk'"),
        (
            {"stations": _stations().set_geometry([Point(), *_stations().geometry[1:]])},
            "1 of the stations have no",
        ),
    ],
)
def test_what_cannot_be_mapped_is_refused(change, message):
    given = {"areas": _areas(), "parties": PARTIES, "valid": "valid", **change}
    with pytest.raises(DataError, match=message):
        party_pair_map(given.pop("areas"), given.pop("parties"), about=ABOUT, **given)


@pytest.mark.real_data
def test_rotterdam_2023_from_the_official_file_to_the_pair_of_maps(shared_data):
    folder = shared_data / "nl_rotterdam_tk2023_stembureau"
    counts = read_dutch_counts(folder / "osv4-3_telling_tk2023_gemeente_rotterdam.csv")
    located = pd.read_csv(folder / "rotterdam_tk2023_stembureau.csv", dtype={"station_nr": "str"})
    located = located.set_index("station_nr").loc[counts.stations.index]
    places = gpd.points_from_xy(located["X"], located["Y"])
    stations = gpd.GeoDataFrame(counts.table(), geometry=places, crs=28992)
    wards = gpd.read_file(folder / "rotterdam_wijken_2022.geojson").set_index("code")
    parties = {"PVV": "PVV (Partij voor de Vrijheid)", "DENK": "DENK"}
    sums, _ = sum_in_areas(stations, wards, ["valid", *parties.values()])
    areas = wards[["geometry"]].join(sums.drop(columns="geometry"))
    about = About("Rotterdam, House of Representatives", "wijk", 2023, "Gemeente Rotterdam")
    figure = party_pair_map(areas, parties, valid="valid", about=about, stations=stations)
    # As an independent join of the stations has the shares of the wards.
    independent = located.groupby("wijk_code")[["pvv", "denk", "valid"]].sum()
    percent = 100 * independent["denk"] / independent["valid"]
    drawn = next(one for one in _axes(figure)["areas DENK"].collections if one.get_gid() == "areas")
    assert len(percent) == 14
    assert len(drawn.get_paths()) + sum(
        len(one.get_offsets())
        for one in _axes(figure)["areas DENK"].collections
        if one.get_gid() == "circles"
    ) == len(percent)
    correlation = np.corrcoef(percent, 100 * independent["pvv"] / independent["valid"])[0, 1]
    assert f"over 14 areas (wijk): {correlation:.2f}".replace("-", "−") in _words(figure)
    assert "polling stations (378)" in _words(figure)
