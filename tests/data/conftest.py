"""A small table of invented districts: twelve squares of a kilometre in three rows of four."""

import geopandas as gpd
import numpy as np
import pytest
import shapely


@pytest.fixture
def squares() -> gpd.GeoDataFrame:
    """Districts '0101' to '0112' with votes, covariates, levels and shapes (EPSG:3035, metres)."""
    row, column = np.divmod(np.arange(12), 4)
    west, south = 1000.0 * column, 1000.0 * row
    return gpd.GeoDataFrame(
        {
            "code": [f"01{k:02d}" for k in range(1, 13)],
            "name": [f"Quarter {k}" for k in range(1, 13)],
            "city": ["North"] * 6 + ["South"] * 6,
            "right": [120, 90, 60, 200, 150, 80, 75, 30, 160, 95, 110, 45],
            "left": [20, 50, 80, 10, 15, 70, 60, 90, 25, 40, 35, 85],
            "valid": [400, 410, 390, 520, 500, 430, 415, 380, 510, 405, 450, 395],
            "electorate": [600, 590, 610, 700, 690, 620, 600, 580, 720, 600, 640, 590],
            "migrants": [12.5, 20.0, 31.0, 5.5, 8.0, 27.0, 25.5, 40.0, 9.0, 18.5, 14.0, 36.0],
            "education": [30.0, 42.0, 55.0, 21.0, 24.0, 47.0, 38.0, 61.0, 26.0, 35.0, 33.0, 58.0],
            "income": [24.1, 27.3, 30.2, 25.0, 26.1, 28.8, 23.9, 31.5, 29.9, 26.6, 27.0, 22.4],
        },
        geometry=shapely.box(west, south, west + 1000, south + 1000),
        crs="EPSG:3035",
    )


@pytest.fixture
def arguments() -> dict:
    """Roles of the columns of `squares`, as `read_districts` takes them."""
    return {
        "id": "code",
        "votes": {"Right": "right", "Left": "left"},
        "valid": "valid",
        "electorate": "electorate",
        "migrants": "migrants",
        "covariates": ("education", "income"),
        "groups": ("city",),
        "label": "name",
        "units": {"migrants": "percent", "education": "percent", "income": "1000 EUR"},
    }
