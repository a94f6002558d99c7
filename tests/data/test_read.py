"""Reading districts from every format, and what is kept of them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from spatialvote.data.districts import About
from spatialvote.data.errors import DataError
from spatialvote.data.ids import as_text
from spatialvote.data.read import read_districts


@pytest.mark.parametrize("name", ["map.gpkg", "map.geojson", "map.shp", "map.parquet", "map.geoparquet"])
def test_formats_give_the_same_districts(squares, arguments, tmp_path, name):
    if name.endswith("parquet"):
        squares.to_parquet(tmp_path / name)
    else:
        squares.to_file(tmp_path / name)
    squares.drop(columns="geometry").to_csv(tmp_path / "votes.csv", index=False)
    squares[["code", "geometry"]].iloc[::-1].to_file(tmp_path / "shapes.gpkg")
    whole = read_districts(tmp_path / name, **arguments)
    joined = read_districts(tmp_path / "votes.csv", geometry=tmp_path / "shapes.gpkg", **arguments)
    assert whole.fingerprint == joined.fingerprint
    assert whole.has_geometry
    assert whole.table.crs == joined.table.crs == squares.crs
    assert whole.table.geometry.geom_equals(joined.table.geometry).all()
    assert list(whole.ids) == list(squares["code"])
    assert whole.ids.name == "district"
    # 3 x 4 squares: 8 + 9 sides and 2 x 6 corners in common
    assert whole.graph_report.n_edges == 29


@pytest.mark.parametrize("named", [True, False])
def test_order_of_rows_is_kept_whatever_their_index(squares, arguments, tmp_path, named):
    turned = squares.iloc[::-1]
    (turned.set_index("code") if named else turned).to_parquet(tmp_path / "map.parquet")
    districts = read_districts(tmp_path / "map.parquet", **arguments)
    assert list(districts.ids) == list(turned["code"])
    assert list(districts.table["city"]) == list(turned["city"])
    assert districts.votes("Right").tolist() == turned["right"].tolist()


def test_columns_and_types(squares, arguments, tmp_path):
    squares.assign(unused=1).to_file(tmp_path / "map.gpkg")
    districts = read_districts(tmp_path / "map.gpkg", **arguments)
    types = districts.table.dtypes.astype(str).to_dict()
    assert types == {
        "right": "int64",
        "left": "int64",
        "valid": "int64",
        "electorate": "int64",
        "migrants": "float64",
        "education": "float64",
        "income": "float64",
        "city": "str",
        "name": "str",
        "geometry": "geometry",
    }
    assert districts.about == About(name="map", unit="district")
    assert set(districts.record.files) == {"map.gpkg"}
    np.testing.assert_allclose(districts.share("Right"), squares["right"] / squares["valid"], rtol=1e-15)


def test_party_may_be_named_by_its_column(squares, arguments, tmp_path):
    squares.to_file(tmp_path / "map.gpkg")
    one = read_districts(tmp_path / "map.gpkg", **{**arguments, "votes": "right"})
    two = read_districts(tmp_path / "map.gpkg", **{**arguments, "votes": ["right", "left"]})
    assert one.roles.votes == {"right": "right"}
    assert two.roles.votes == {"right": "right", "left": "left"}


def test_columns_go_by_their_names(squares, arguments, tmp_path):
    squares.to_file(tmp_path / "map.gpkg")
    names = {"right": "the Right", "migrants": "residents born abroad"}
    roles = read_districts(tmp_path / "map.gpkg", names=names, **arguments).roles
    assert (roles.called("migrants"), roles.called("income")) == ("residents born abroad", "income")
    assert (roles.party_called("Right"), roles.party_called("Left")) == ("the Right", "Left")


def test_table_without_shapes(squares, arguments, tmp_path):
    squares.drop(columns="geometry").to_csv(tmp_path / "votes.csv", index=False)
    (tmp_path / "links.csv").write_text("a,b\n0101,0102\n")
    districts = read_districts(tmp_path / "votes.csv", edges=tmp_path / "links.csv", **arguments)
    assert not districts.has_geometry
    assert isinstance(districts.table, gpd.GeoDataFrame)
    assert districts.table.geometry.isna().all()
    assert set(districts.record.files) == {"votes.csv", "links.csv"}
    assert districts.graph_report.method == "given links"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([101, 7], ["101", "7"]),
        ([101.0, 7.0], ["101", "7"]),
        ([101.0, np.nan], ["101", None]),
        (["0101", " 07 "], ["0101", "07"]),
        (["101.0", "7.0"], ["101", "7"]),
        (["101.0", "7.5"], ["101.0", "7.5"]),
        (["GM0014", ""], ["GM0014", None]),
        (["NA", "nan"], ["NA", "nan"]),
    ],
)
def test_ids_are_text(values, expected):
    texts = as_text(pd.Series(values))
    assert [None if pd.isna(one) else one for one in texts] == expected


def test_whole_numbers_join_their_text(squares, arguments, tmp_path):
    codes = [str(k) for k in range(1, 13)]
    squares.drop(columns="geometry").assign(code=codes).to_csv(tmp_path / "votes.csv", index=False)
    squares[["geometry"]].assign(nr=[float(k) for k in range(1, 13)]).to_file(tmp_path / "map.gpkg")
    districts = read_districts(
        tmp_path / "votes.csv", geometry=tmp_path / "map.gpkg", geometry_id="nr", **arguments
    )
    assert list(districts.ids) == codes
    assert districts.has_geometry


def test_dropping_keeps_ids_and_reasons(squares, arguments, tmp_path):
    table = squares.drop(columns="geometry").astype({"income": object, "city": object})
    table.loc[1, ["income", "city"]] = ["NA", ""]
    table.loc[2, ["valid", "right", "left"]] = 0
    table[table["code"] != "0112"].to_csv(tmp_path / "votes.csv", index=False)
    squares[squares["code"] != "0104"][["code", "geometry"]].to_file(tmp_path / "map.gpkg")
    arguments |= {"geometry": tmp_path / "map.gpkg", "missing": "drop"}
    districts = read_districts(tmp_path / "votes.csv", **arguments)
    assert districts.record.dropped == {
        "0102": "no value in 'income'; no value in 'city'",
        "0103": "zero in 'valid'",
        "0104": "no geometry",
        "0112": "geometry without a row in the table",
    }
    assert list(districts.ids) == ["0101", "0105", "0106", "0107", "0108", "0109", "0110", "0111"]
    assert list(districts.graph.unique_ids) == list(districts.ids)


def test_dropped_districts_may_be_named_by_links(squares, arguments, tmp_path):
    table = squares.drop(columns="geometry").astype({"income": object})
    table.loc[1, "income"] = ""
    table.to_csv(tmp_path / "votes.csv", index=False)
    (tmp_path / "links.csv").write_text("a,b\n0101,0102\n0101,0103\n")
    arguments |= {"edges": tmp_path / "links.csv", "missing": "drop"}
    assert read_districts(tmp_path / "votes.csv", **arguments).graph_report.n_edges == 1


def test_missing_label_is_replaced_by_the_id(squares, arguments, tmp_path):
    squares.loc[2, "name"] = None
    squares.to_file(tmp_path / "map.gpkg")
    districts = read_districts(tmp_path / "map.gpkg", **arguments)
    assert list(districts.table["name"][:3]) == ["Quarter 1", "Quarter 2", "0103"]


def test_percent_that_looks_like_a_fraction_is_noted(squares, arguments, tmp_path):
    squares.assign(migrants=squares["migrants"] / 100).to_file(tmp_path / "map.gpkg")
    districts = read_districts(tmp_path / "map.gpkg", **arguments)
    assert districts.record.notes == (
        "share 'migrants' was declared as 'percent' and lies wholly between 0 and 1: "
        "make sure that it is not a fraction",
    )


def test_repair_is_recorded(squares, arguments, tmp_path):
    shapes = squares.geometry.to_numpy().copy()
    shapes[0] = shapely.Polygon([(0, 0), (1000, 1000), (1000, 0), (0, 1000), (0, 0)])
    squares.set_geometry(gpd.GeoSeries(shapes, crs=squares.crs)).to_file(tmp_path / "map.gpkg")
    districts = read_districts(tmp_path / "map.gpkg", repair=True, **arguments)
    assert districts.record.repaired == ("0101",)
    assert shapely.is_valid(districts.table.geometry.to_numpy()).all()
    assert districts.table.geometry.geom_type.isin(["Polygon", "MultiPolygon"]).all()


def test_crs_is_assigned_or_projected_to(squares, arguments, tmp_path):
    squares.to_crs(4326).to_file(tmp_path / "degrees.gpkg")
    projected = read_districts(
        tmp_path / "degrees.gpkg", crs="EPSG:3035", graph="fuzzy", tolerance=1, **arguments
    )
    assert projected.table.crs.to_epsg() == 3035
    np.testing.assert_allclose(projected.table.geometry.area, 1e6, rtol=1e-4)  # sides bend a little
    squares.set_crs(None, allow_override=True).to_parquet(tmp_path / "bare.parquet")
    bare = read_districts(tmp_path / "bare.parquet", **arguments)
    assert bare.record.notes == ("'bare.parquet' states no coordinate reference system",)
    assigned = read_districts(tmp_path / "bare.parquet", crs=3035, **arguments)
    assert assigned.table.geometry.geom_equals(bare.table.geometry.set_crs(3035)).all()


def test_same_polygon_is_noted_where_links_are_given(squares, arguments, tmp_path):
    shapes = squares.geometry.to_numpy().copy()
    shapes[1] = shapes[0]
    squares.set_geometry(gpd.GeoSeries(shapes, crs=squares.crs)).to_file(tmp_path / "map.gpkg")
    (tmp_path / "links.csv").write_text("a,b\n0101,0102\n")
    districts = read_districts(tmp_path / "map.gpkg", edges=tmp_path / "links.csv", **arguments)
    assert (
        "the same polygon comes more than once in 2 districts (ids '0101', '0102')"
        in districts.record.notes[0]
    )


def test_poisson_counts_need_no_valid_votes(squares, arguments, tmp_path):
    squares.to_file(tmp_path / "map.gpkg")
    districts = read_districts(
        tmp_path / "map.gpkg", id="code", votes={"cases": "right"}, exposure="income", covariates="education"
    )
    assert districts.table["income"].dtype == np.float64
    assert districts.roles.covariates == ("education",)


def test_ten_things_wrong_are_told_at_once(squares, arguments, tmp_path):
    table = squares.drop(columns="geometry").astype({"income": object, "education": object})
    table.loc[3, "code"] = "0101"
    table.loc[1, "right"] = -3
    table.loc[2, "valid"] = 100
    table.loc[4, "income"] = "27,3"
    table.loc[5, "income"] = ""
    table.loc[6, "education"] = "inf"
    table["electorate"] = table["electorate"].where(table["code"] != "0109", 10)
    table.drop(columns="name").to_csv(tmp_path / "votes.csv", index=False)
    shapes = squares[["code", "geometry"]].iloc[:11].to_crs(4326)
    shapes.to_file(tmp_path / "map.gpkg")
    arguments |= {"units": {"education": "percent"}, "graph": "knn", "k": 4}
    with pytest.raises(DataError, match=r"^12 problems:") as caught:
        read_districts(tmp_path / "votes.csv", geometry=tmp_path / "map.gpkg", **arguments)
    beginnings = [
        "the unit of migrants column 'migrants' must be told, and no unit was given",
        "file 'votes.csv' has no column 'name'",
        "id column 'code' of 'votes.csv' repeats ids ('0101')",
        "column 'education' is infinite in 1 district (id '0107')",
        "column 'income' holds text that is no number in 1 district (id '0105')",
        "'map.gpkg' lacks the geometry of 1 district (id '0112')",
        "the table lacks a row for 1 district (id '0104') of 'map.gpkg'",
        "column 'income' has no value in 1 district (id '0106')",
        "column 'right' (votes of 'Right') is negative in 1 district (id '0102')",
        "votes of 'Right', 'Left' together exceed valid votes in 1 district (id '0103')",
        "column 'electorate' (electorate) is below valid votes in 1 district (id '0109')",
        "graph='knn' measures distances, and coordinates are degrees",
    ]
    told = [str(problem) for problem in caught.value.problems]
    unmet = [one for one in beginnings if not any(problem.startswith(one) for problem in told)]
    assert not unmet, told
    assert len(told) == len(beginnings)
