"""Every mistake in shapes, their CRS or the arguments gives exactly the problem that tells of it."""

import geopandas as gpd
import pytest
import shapely

from spatialvote.data.errors import SpatialvoteError
from spatialvote.data.read import read_districts


def reshape(row, shape):
    """A change that replaces one shape."""

    def change(frame):
        shapes = frame.geometry.to_numpy().copy()
        shapes[row] = shape(shapes) if callable(shape) else shape
        return frame.set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))

    return change


BOW_TIE = shapely.Polygon([(0, 0), (1000, 1000), (1000, 0), (0, 1000), (0, 0)])

#: Name of a case: change of the table, changed arguments, every problem in full.
SHAPES = {
    "shape invalid": (
        reshape(0, BOW_TIE),
        {},
        (
            (
                "geometry is invalid in 1 district (id '0101'), first: Self-intersection[500 500]: "
                "mend it in a GIS, or pass repair=True"
            ),
        ),
    ),
    "shape missing": (
        reshape(5, None),
        {},
        (
            (
                "geometry is missing or empty in 1 district (id '0106'): draw them, or pass "
                "missing='drop' to leave these districts out"
            ),
        ),
    ),
    "shape empty": (
        reshape(5, shapely.Polygon()),
        {},
        (
            (
                "geometry is missing or empty in 1 district (id '0106'): draw them, or pass "
                "missing='drop' to leave these districts out"
            ),
        ),
    ),
    "shape twice": (
        reshape(5, lambda shapes: shapely.reverse(shapes[4])),
        {},
        (
            (
                "the same polygon comes more than once in 2 districts (ids '0105', '0106'): give "
                "each district its own area, or sum the districts that share one"
            ),
        ),
    ),
    "points for areas": (
        lambda f: f.set_geometry(f.geometry.centroid),
        {},
        (
            (
                "graph='queen' compares boundaries of areas, and there are other shapes (Point) in "
                "12 districts (ids '0101', '0102', '0103' and 9 more): give polygons, or choose "
                "graph='knn' or 'distance'"
            ),
        ),
    ),
    "degrees and tolerance": (
        lambda f: f.to_crs(4326),
        {"graph": "fuzzy", "tolerance": 50},
        (
            (
                "graph='fuzzy' measures distances, and coordinates are degrees (CRS 'WGS 84' "
                "(EPSG:4326)): pass crs= with a projected CRS of the region, such as crs='EPSG:3035' "
                "for Europe"
            ),
        ),
    ),
    "degrees and nearest": (
        lambda f: f.to_crs(4326),
        {"connect": "nearest"},
        (
            (
                "connect='nearest' measures distances, and coordinates are degrees (CRS 'WGS 84' "
                "(EPSG:4326)): pass crs= with a projected CRS of the region, such as crs='EPSG:3035' "
                "for Europe"
            ),
        ),
    ),
    "no CRS and distance": (
        lambda f: f.set_crs(None, allow_override=True),
        {"graph": "distance", "distance": 1500},
        (
            (
                "graph='distance' measures distances, and the geometry states no CRS: pass crs= with "
                "the CRS that its coordinates are in, such as crs='EPSG:3035'"
            ),
        ),
    ),
    "CRS unknown": (
        None,
        {"crs": "EPSG:0"},
        ("crs='EPSG:0' is not a coordinate reference system: give a code such as 'EPSG:3035'",),
    ),
    "CRS impossible": (
        lambda f: f.set_crs(4326, allow_override=True),
        {"crs": "EPSG:3035"},
        (
            (
                "shapes cannot be projected from CRS 'WGS 84' (EPSG:4326) to CRS 'ETRS89-extended / "
                "LAEA Europe' (EPSG:3035): choose a CRS made for the region, and check that the file "
                "states its own CRS rightly"
            ),
            (
                "coordinates reach 4,000, and CRS 'WGS 84' (EPSG:4326) of the file holds degrees: "
                "write the file with the CRS of its coordinates (a GeoJSON without one means degrees)"
            ),
        ),
    ),
    "CRS wrong": (
        lambda f: f.set_crs(4326, allow_override=True),
        {},
        (
            (
                "coordinates reach 4,000, and CRS 'WGS 84' (EPSG:4326) of the file holds degrees: "
                "write the file with the CRS of its coordinates (a GeoJSON without one means degrees)"
            ),
        ),
    ),
    "flags for numbers": (
        lambda f: f.assign(income=f["income"] > 26),
        {},
        ("column 'income' holds bool values, not numbers: name a column of numbers",),
    ),
    "id column missing": (
        None,
        {"id": "Codes"},
        ("file 'map.gpkg' has no column 'Codes' (named as id): did you mean 'code'?",),
    ),
    "graph unknown": (
        None,
        {"graph": "quen"},
        (
            (
                "graph='quen' is not known: choose from queen, rook, fuzzy, knn, distance, edges; "
                "did you mean 'queen'?"
            ),
        ),
    ),
    "tolerance missing": (
        None,
        {"graph": "fuzzy"},
        ("graph='fuzzy' needs tolerance=: give tolerance in metres, above zero",),
    ),
    "tolerance negative": (
        None,
        {"graph": "fuzzy", "tolerance": -1},
        ("tolerance=-1 is not above zero: give a positive number",),
    ),
    "k useless": (None, {"k": 4}, ("k=4 means nothing to graph='queen': leave k out",)),
    "k too large": (
        None,
        {"graph": "knn", "k": 12},
        ("k=12 nearest neighbours of 12 districts do not exist: give a smaller k",),
    ),
    "k fractional": (None, {"graph": "knn", "k": 2.5}, ("k=2.5 is not a whole number: give 4, 6, ...",)),
    "connect unknown": (
        None,
        {"connect": "all"},
        ("connect='all' is not known: leave it out, or pass connect='nearest'",),
    ),
    "edges missing": (
        None,
        {"graph": "edges"},
        ("graph='edges' came without edges=: pass edges= a CSV file of links",),
    ),
}


def told_by(path, arguments) -> tuple[str, ...]:
    with pytest.raises(SpatialvoteError) as caught:
        read_districts(path, **arguments)
    for problem in caught.value.problems:
        assert str(problem) in str(caught.value)
    return tuple(str(problem) for problem in caught.value.problems)


@pytest.mark.parametrize(("change", "changed", "told"), SHAPES.values(), ids=list(SHAPES))
@pytest.mark.filterwarnings("ignore:'crs' was not provided")  # by geopandas, while writing the input
def test_shapes_and_arguments(squares, arguments, tmp_path, change, changed, told):
    if change is not None:
        squares = change(squares)
    squares.to_file(tmp_path / "map.gpkg")
    assert told_by(tmp_path / "map.gpkg", {**arguments, **changed}) == told
