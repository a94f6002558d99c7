"""Columns moved between areas, and indices of segregation."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point, box

from spatialvote.data.errors import DataError
from spatialvote.data.segregation_indices import segregation_indices
from spatialvote.data.transfer import transfer

pytest.importorskip("tobler", reason="needs the extra 'areas'")


def frame(shapes, names, crs=28992, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, index=pd.Index(names), crs=crs)


def strip(start, end):
    return box(start, 0, end, 100)


SOURCE = frame(
    [strip(0, 100), strip(100, 200), strip(200, 300)],
    ["a", "b", "c"],
    votes=[40, 60, 20],
    income=[10.0, 20.0, 30.0],
)


def test_counts_are_shared_by_area_and_means_averaged():
    target = frame([strip(0, 150), strip(150, 300)], ["x", "y"])
    found, moved = transfer(SOURCE, target, counts=["votes"], means=["income"])
    np.testing.assert_allclose(found["votes"], [70, 50])
    np.testing.assert_allclose(found["income"], [(100 * 10 + 50 * 20) / 150, (50 * 20 + 100 * 30) / 150])
    # Half of b's sixty votes are where they are by assumption.
    assert moved.assumed == pytest.approx({"votes": 30})
    assert moved.split == ("b",)
    assert "Of 120 'votes', 30 (25.0 %) were placed by assumption and 0 lie in no area." in moved.words


def test_the_same_areas_move_nothing():
    found, moved = transfer(SOURCE, SOURCE[["geometry"]], counts=["votes"])
    np.testing.assert_allclose(found["votes"], SOURCE["votes"])
    assert (moved.assumed["votes"], moved.outside["votes"]) == pytest.approx((0, 0), abs=1e-9)
    assert moved.words.startswith("No area was split.")


def test_what_lies_outside_is_counted():
    found, moved = transfer(SOURCE, frame([strip(0, 250)], ["x"]), counts=["votes"])
    np.testing.assert_allclose(found["votes"], [110])
    assert moved.outside == pytest.approx({"votes": 10})
    assert found["votes"].sum() + moved.outside["votes"] == pytest.approx(120, rel=1e-9)


def test_another_coordinate_system_is_projected():
    target = frame([strip(0, 150), strip(150, 300)], ["x", "y"])
    found, _ = transfer(SOURCE.to_crs(4326), target, counts=["votes"])
    np.testing.assert_allclose(found["votes"], [70, 50], rtol=1e-3)


@pytest.mark.parametrize(
    ("source", "target", "columns", "message"),
    [
        (SOURCE, SOURCE, {}, "no column is to be moved"),
        (SOURCE, SOURCE, {"counts": ["persons"]}, "the source has no columns 'persons'"),
        (
            SOURCE.assign(votes=[1, None, 3]),
            SOURCE,
            {"counts": ["votes"]},
            r"'votes' has no number in 1 areas \('b'\)",
        ),
        (SOURCE, SOURCE.to_crs(4326), {"counts": ["votes"]}, "the target areas are not projected"),
        (SOURCE, frame([strip(900, 950)], ["x"]), {"counts": ["votes"]}, "do not touch"),
        (SOURCE, frame([Point(1, 1)], ["x"]), {"counts": ["votes"]}, "1 areas are points or lines"),
        (SOURCE.set_crs(None, allow_override=True), SOURCE, {"counts": ["votes"]}, "no coordinate system"),
    ],
)
def test_what_cannot_be_moved(source, target, columns, message):
    with pytest.raises(DataError, match=message):
        transfer(source, target, **columns)


def test_indices_by_hand():
    totals = pd.DataFrame({"persons": [100.0, 100.0, 0.0], "g": [80.0, 20.0, 0.0]}, index=["p", "q", "r"])
    found = segregation_indices(totals, "persons", ["g"]).loc["g"]
    # Half of sum |80/100 - 20/100| + |20/100 - 80/100|; and 0.8 x 0.8 + 0.2 x 0.2.
    assert found["dissimilarity"] == pytest.approx(0.6)
    assert found["isolation"] == pytest.approx(0.68)
    assert found["interaction"] == pytest.approx(0.32)


def test_groups_without_an_index():
    totals = pd.DataFrame({"persons": [10.0], "all": [10.0]}, index=["p"])
    with pytest.raises(DataError, match="groups 'all' are nobody or everybody"):
        segregation_indices(totals, "persons", ["all"])
    with pytest.raises(DataError, match="there are no columns 'eu'"):
        segregation_indices(totals, "persons", ["eu"])
