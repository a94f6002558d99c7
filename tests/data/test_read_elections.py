"""Real elections and published maps: counts of districts, links, islands and components as documented."""

from functools import partial

import pandas as pd
import pytest

from spatialvote.data.errors import DataError
from spatialvote.data.neighbour_rule import NeighbourRule, build_graph
from spatialvote.data.read import read_districts

pytestmark = pytest.mark.real_data


@pytest.fixture
def netherlands(shared_data):
    folder = shared_data / "nl_tk2023_gemeente"
    return folder, {
        "id": "gm",
        "votes": {"PVV": "pvv", "DENK": "denk"},
        "valid": "valid",
        "migrants": "pct_migration_background_2021",
        "covariates": ("edu_appl_sci", "income_high"),
        "groups": ("province",),
        "label": "gemeente",
        "units": {"pct_migration_background_2021": "percent"},
    }


@pytest.fixture
def denmark(shared_data):
    folder = shared_data / "dk_folketing_valgsted"
    return folder, {
        "id": "valgsted_id",
        "votes": {"DF": "df_2015"},
        "valid": "valid_2015",
        "electorate": "electorate_2015",
        "migrants": "nonwestern_per_10000",
        "covariates": ("higher_edu_25_64_pct", "unemployed_pct"),
        "groups": ("kommune_nr",),
        "units": {"nonwestern_per_10000": "per ten thousand"},
    }


def test_netherlands_by_given_links_and_by_contiguity(netherlands):
    folder, arguments = netherlands
    shapes = folder / "nl_tk2023_gemeente_joined.geojson"
    given = read_districts(
        folder / "nl_tk2023_gemeente_joined.csv",
        geometry=shapes,
        edges=folder / "adjacency_queen.csv",
        **arguments,
    )
    queen = read_districts(shapes, graph="queen", **arguments)
    for districts in (given, queen):
        report = districts.graph_report
        assert districts.n == 342
        assert report.n_edges == 881
        assert report.component_sizes == (334, 3, 2, 1, 1, 1)
        assert report.islands == ("GM0060", "GM0088", "GM0448")  # Ameland, Schiermonnikoog, Texel
    assert given.fingerprint["graph"] == queen.fingerprint["graph"]
    # Both files write the same numbers with a different number of digits.
    columns = list(given.roles.numeric_columns())
    pd.testing.assert_frame_equal(
        pd.DataFrame(given.table[columns]), pd.DataFrame(queen.table[columns]), rtol=1e-12
    )
    assert given.table.crs.to_epsg() == 28992
    assert given.votes("PVV").sum() / given.valid.sum() == pytest.approx(0.2361, abs=5e-5)


def test_netherlands_missing_income_is_refused_or_dropped(netherlands):
    folder, arguments = netherlands
    read = partial(
        read_districts,
        folder / "nl_tk2023_gemeente_joined.csv",
        edges=folder / "adjacency_queen.csv",
        **{**arguments, "covariates": ("std_income_k_2021",)},
    )
    with pytest.raises(DataError, match="column 'std_income_k_2021' has no value in 6 districts"):
        read()
    districts = read(missing="drop")
    assert districts.n == 336
    assert set(districts.record.dropped) == {"GM0060", "GM0088", "GM0093", "GM0096", "GM0277", "GM0339"}
    assert set(districts.record.dropped.values()) == {"no value in 'std_income_k_2021'"}


def test_netherlands_tourists_outvote_the_electorate_of_three_islands(netherlands):
    folder, arguments = netherlands
    told = r"\(electorate\) is below valid votes in 3 districts \(ids 'GM0060', 'GM0088', 'GM0096'\)"
    with pytest.raises(DataError, match=told):
        read_districts(folder / "nl_tk2023_gemeente_joined.geojson", electorate="electorate", **arguments)
    districts = read_districts(
        folder / "nl_tk2023_gemeente_joined.geojson", electorate="electorate", missing="drop", **arguments
    )
    assert dict(districts.record.dropped) == {
        one: "fewer in 'electorate' than valid votes" for one in ("GM0060", "GM0088", "GM0096")
    }


def test_netherlands_parts_are_joined_on_request(netherlands):
    folder, arguments = netherlands
    table = folder / "nl_tk2023_gemeente_joined.geojson"
    report = read_districts(table, connect="nearest", **arguments).graph_report
    assert report.component_sizes == (342,)
    assert report.n_edges == 881 + 5
    assert len(report.added) == 5


def test_germany(shared_data):
    folder = shared_data / "de_btw2017_wahlkreis"
    read = partial(
        read_districts,
        folder / "de_btw2017_wahlkreis_joined.geojson",
        id="WKR_NR",
        votes={"AfD": "afd"},
        valid="valid",
        electorate="electorate",
        migrants="foreign_pct",
        covariates=("abitur_pct", "disp_income_eur"),
        groups=("state",),
        label="name",
        units={"foreign_pct": "percent"},
    )
    given, queen = read(edges=folder / "adjacency_queen_fullres.csv"), read()
    assert given.n == 299
    assert given.table["state"].nunique() == 16
    assert (given.graph_report.n_edges, queen.graph_report.n_edges) == (817, 816)
    assert given.graph_report.component_sizes == queen.graph_report.component_sizes == (299,)
    assert given.votes("AfD").sum() / given.valid.sum() == pytest.approx(0.1264, abs=5e-5)


def test_denmark_by_given_links_and_by_tolerance(denmark):
    folder, arguments = denmark
    districts = read_districts(
        folder / "dk_valgsted_joined.geojson", edges=folder / "adjacency_valgsted_fuzzy60m.csv", **arguments
    )
    report = districts.graph_report
    assert districts.n == 1384
    assert report.n_edges == 3597
    assert len(report.islands) == 18
    assert len(report.component_sizes) == 29
    assert report.component_sizes[:8] == (1275, 32, 18, 11, 9, 7, 4, 3)
    # Three pairs of stations of one name in different municipalities carry one polygon in this file.
    assert "the same polygon comes more than once in 6 districts" in districts.record.notes[0]

    _, fuzzy, _ = build_graph(districts.table, NeighbourRule("fuzzy", tolerance=60.0))
    # The given links were found before polygons without votes were merged: a few differ.
    assert abs(fuzzy.n_edges - 3597) <= 3
    assert len(fuzzy.islands) == 18
    assert len(fuzzy.component_sizes) == 29
    _, queen, _ = build_graph(districts.table, NeighbourRule("queen"))
    assert fuzzy.n_edges == queen.n_edges + len(fuzzy.added)


def test_denmark_shared_polygons_are_refused_where_links_come_from_shapes(denmark):
    folder, arguments = denmark
    with pytest.raises(DataError, match="the same polygon comes more than once in 6 districts"):
        read_districts(folder / "dk_valgsted_joined.geojson", graph="fuzzy", tolerance=60, **arguments)


def test_denmark_votes_carried_over_to_other_boundaries_are_refused(denmark):
    folder, arguments = denmark
    arguments |= {"votes": {"DF": "df_2007"}, "valid": "valid_2007", "electorate": None}
    with pytest.raises(DataError, match=r"column 'df_2007' \(votes of 'DF'\) is fractional in 192 districts"):
        read_districts(
            folder / "dk_valgsted_joined.csv",
            edges=folder / "adjacency_valgsted_fuzzy60m.csv",
            **arguments,
        )


def test_united_states(shared_data):
    folder = shared_data / "us_county_2020"
    arguments = {
        "id": "fips",
        "votes": {"GOP": "votes_gop", "Democrats": "votes_dem"},
        "valid": "total_votes",
        "migrants": "pct_fb",
        "covariates": ("pct_bach", "median_income"),
        "groups": ("state",),
        "label": "NAME",
        "units": {"pct_fb": "percent"},
    }
    given = read_districts(
        folder / "us_county_2020_joined.csv", edges=folder / "adjacency_queen.csv", **arguments
    )
    assert given.n == 3108
    assert given.table["state"].nunique() == 49
    assert given.graph_report.n_edges == 9102
    assert len(given.graph_report.component_sizes) == 4
    assert set(given.graph_report.islands) == {"25019", "53055", "51610"}
    # Falls Church (51610) has no shape in the simplified map, which is why it seems an island.
    shapes = folder / "us_county_2020_joined.geojson"
    with pytest.raises(DataError, match=r"geometry is missing or empty in 1 district \(id '51610'\)"):
        read_districts(shapes, **arguments)
    queen = read_districts(shapes, missing="drop", **arguments)
    assert queen.record.dropped == {"51610": "no geometry"}
    assert queen.graph_report.n_edges == 9102
    assert set(queen.graph_report.islands) == {"25019", "53055"}


@pytest.mark.parametrize(
    ("variant", "links", "sizes"),
    [("connected", 132, (56,)), ("3comp", 127, (53, 2, 1)), ("islands", 126, (53, 1, 1, 1))],
)
def test_scotland(shared_data, variant, links, sizes):
    folder = shared_data / "canonical_bym" / "scotland"
    districts = read_districts(
        folder / "scotland_lip.csv",
        id="node",
        votes={"cancer": "y"},
        exposure="E",
        covariates=("x",),
        edges=folder / f"edges_{variant}.csv",
    )
    assert districts.n == 56
    assert not districts.has_geometry
    assert districts.graph_report.n_edges == links
    assert districts.graph_report.component_sizes == sizes


def test_new_york(shared_data, tmp_path):
    folder = shared_data / "canonical_bym" / "nyc"
    events = pd.read_csv(folder / "nyc_events_2001.csv", dtype={"GEOID10": str})
    # Links name tracts by their row; the published model sets populations below 10 to 10.
    events.assign(node=range(1, len(events) + 1), at_risk=events["pop_2001"].clip(lower=10)).to_csv(
        tmp_path / "tracts.csv", index=False
    )
    districts = read_districts(
        tmp_path / "tracts.csv",
        id="node",
        label="GEOID10",
        votes={"accidents": "events_2001"},
        exposure="at_risk",
        edges=folder / "nyc_edges_queen.csv",
    )
    assert districts.n == 1921
    assert districts.votes("accidents").sum() == 15490
    assert districts.graph_report.n_edges == 5461
    assert districts.graph_report.component_sizes == (1921,)
    assert districts.table["GEOID10"].iloc[0] == "36005000100"
