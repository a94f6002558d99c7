"""Local classes, other graphs and the variogram of fits: what was left out is found, what is sound passes."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely

from spatialvote.analysis.checks import space_graphs, space_local, space_variogram
from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.space_local import spatial_effect
from spatialvote.analysis.local import HIGH_HIGH, LocalStatistics
from spatialvote.analysis.other_graphs import MOST_NEIGHBOURS, other_graphs
from spatialvote.analysis.report.space_graphs import graphs_part
from spatialvote.analysis.report.space_local import local_part
from spatialvote.analysis.residuals import thin
from spatialvote.analysis.review import Review
from spatialvote.data.districts import Districts
from spatialvote.data.neighbours import graph_from_edges, report_graph

SIDE = 12


def look(module, fit, districts) -> dict:
    return {check.name: check for check in module.run(Case.of(fit, districts, np.random.default_rng(0)))}


@pytest.fixture(scope="module")
def shaped(districts) -> Districts:
    """The grid with its squares of a kilometre, and the two islands apart from it."""
    row, column = np.divmod(np.arange(districts.n), SIDE)
    row = np.where(row == SIDE, SIDE + 1 + 2 * column, row)
    boxes = shapely.box(1000.0 * column, 1000.0 * row, 1000.0 * (column + 1), 1000.0 * (row + 1))
    table = gpd.GeoDataFrame(districts.table.drop(columns="geometry"), geometry=boxes, crs="EPSG:3035")
    return replace(districts, table=table)


def test_every_graph_by_hand(shaped):
    graphs = {one.key: one for one in other_graphs(shaped)}
    i, j, _ = shaped.edges
    np.testing.assert_array_equal(graphs["rook"].links, (i, j))
    # Queen adds the two diagonals of every square of four.
    assert len(graphs["queen"].links[0]) == len(i) + 2 * (SIDE - 1) ** 2
    for k in (4, 8):
        degree = np.bincount(np.concatenate(graphs[f"{k} nearest"].links), minlength=shaped.n)
        assert degree.min() >= k
    band = next(one for key, one in graphs.items() if key.startswith("within"))
    assert "nobody is alone" in band.words
    degree = np.bincount(np.concatenate(band.links), minlength=shaped.n)
    assert degree.min() == 1
    assert degree.mean() <= MOST_NEIGHBOURS


def test_a_band_that_would_link_nearly_all_is_the_fourth_neighbours(shaped):
    far = shaped.table.copy()
    far.loc[far.index[-1], "geometry"] = shapely.box(1e5, 1e5, 1.01e5, 1.01e5)
    band = other_graphs(replace(shaped, table=far))[-1]
    assert band.key == "within 1 km"
    assert "fourth neighbour" in band.words


def test_degrees_have_the_neighbours_of_the_plane(shaped):
    """Eight nearest by chords of the sphere and on the projected map, but where the eighth is nearly a ninth.

    Near its centre the equal-area projection keeps distances to 1e-5; taking the ellipsoid for a sphere
    stretches north-south distances by up to e^2 = 0.7 % against east-west ones, so that only districts whose
    eighth and ninth neighbours are less than 1 % apart may have others.
    """
    rng = np.random.default_rng(2)
    # Shifted at random, because a grid is full of ties.
    places = np.array([4_321_000.0, 3_210_000.0]) + 1000 * (
        np.column_stack(np.divmod(np.arange(shaped.n), SIDE)) + rng.uniform(-0.4, 0.4, (shaped.n, 2))
    )
    at = gpd.GeoSeries(shapely.points(places), index=shaped.table.index, crs="EPSG:3035")
    plane = replace(shaped, table=shaped.table.set_geometry(at))
    sphere = replace(plane, table=plane.table.to_crs("EPSG:4326"))
    here, there = (
        {
            (a, b)
            for a, b in zip(*next(g for g in other_graphs(one) if g.key == "8 nearest").links, strict=True)
        }
        for one in (plane, sphere)
    )
    apart = np.sort(np.linalg.norm(places[:, None] - places, axis=2), axis=1)
    near_tie = apart[:, 9] < 1.01 * apart[:, 8]
    assert near_tie.mean() < 0.5
    assert all(near_tie[a] or near_tie[b] for a, b in here ^ there)


def test_other_graphs_find_what_was_left_out_and_pass_what_was_not(fits, shaped):
    found = {one: look(space_graphs, fits(one), shaped)["moran_graphs"] for one in ("bym2", "iid")}
    assert found["bym2"].verdict == "pass"
    # Under its own graph the residuals of iid are alike already.
    assert (found["iid"].verdict, found["iid"].value < 0.005) == ("info", True)
    rows = found["bym2"].details["graphs"]
    assert [row["key"] for row in rows][:3] == ["own", "queen", "rook"]
    assert rows[0]["raw"] == pytest.approx(rows[2]["raw"], rel=1e-9)
    assert rows[0]["alone"] == 2
    assert rows[2]["in_common"] == rows[2]["links"] == len(shaped.edges[0])


def test_another_graph_warns_where_the_own_sees_nothing(fits, shaped):
    """The fit of independent effects, on a graph of links between districts far apart."""
    rng = np.random.default_rng(3)
    i, j = np.sort(rng.permutation(shaped.n).reshape(-1, 2), axis=1).T
    graph = graph_from_edges(list(shaped.ids), i, j)
    odd = replace(shaped, graph=graph, graph_report=report_graph(graph, "random pairs"))
    check = look(space_graphs, fits("iid"), odd)["moran_graphs"]
    assert check.verdict == "warn"
    assert check.details["graphs"][0]["p"] > space_graphs.LEVEL


def test_without_shapes_only_the_own_graph(fits, districts):
    check = look(space_graphs, fits("bym2"), districts)["moran_graphs"]
    assert check.verdict == "info"
    assert len(check.details["graphs"]) == 1
    assert "give geometry" in check.advice


def test_local_classes_of_fits(fits, districts):
    sound = look(space_local, fits("bym2"), districts)
    assert list(sound) == ["local_raw", "local_effect", "local_residual"]
    assert (sound["local_residual"].verdict, sound["local_residual"].value) == ("pass", 0)
    assert sound["local_effect"].details["effect"] == "structured"
    # The probability of a class is the share of the draws that give it, in whole percent.
    fit = fits("bym2")
    field = spatial_effect(fit, thin(fit, space_local.MOST_DRAWS))
    for name, local in zip(
        ("moran", "getis_ord"), LocalStatistics.of(districts).of_field(field), strict=True
    ):
        told = sound["local_effect"].details["percent"][name]["high-high"]
        np.testing.assert_array_equal(
            told, np.round(100 * (local.classes() == HIGH_HIGH).mean(axis=0)).astype(int)
        )
        assert max(told) > 0
    for check in sound.values():
        assert check.details["islands"] == [144, 145]
    percent = sound["local_effect"].details["percent"]["moran"]
    total = np.sum(list(percent.values()), axis=0)
    # Classes exclude each other; four are rounded.
    assert total.max() <= 102
    assert total[144:].tolist() == [0, 0]
    none = look(space_local, fits("none"), districts)
    assert list(none) == ["local_raw", "local_residual"]
    assert none["local_residual"].verdict == "warn"
    assert none["local_residual"].value > 20


def test_variogram_of_fits(fits, districts):
    assert look(space_variogram, fits("bym2"), districts)["variogram"].verdict == "pass"
    left = look(space_variogram, fits("none"), districts)["variogram"]
    assert left.verdict == "fail"
    assert "more than the model" in left.advice
    details = left.details
    assert np.all(np.array(details["low"]) < np.array(details["expected"]))
    assert len(details["observed"]) == len(details["distance"]) == 8


def test_report_parts_say_what_the_checks_found(fits, shaped):
    case = Case.of(fits("bym2"), shaped, np.random.default_rng(0))
    review = Review((*space_graphs.run(case), *space_local.run(case)), "", {})
    graphs, local = (make(fits("bym2"), review, shaped) for make in (graphs_part, local_part))
    assert len(graphs.tables[0].rows) == 6
    assert len(local.pictures) == 2
    assert "2 districts have no neighbour" in local.words[0]
    bare = replace(
        shaped, table=shaped.table.set_geometry(gpd.GeoSeries([None] * shaped.n, index=shaped.ids))
    )
    assert local_part(fits("bym2"), review, bare).pictures == ()
    assert graphs_part(fits("bym2"), Review((), "", {}), shaped) is None
    assert local_part(fits("bym2"), Review((), "", {}), shaped) is None
