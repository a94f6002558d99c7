"""Write a simulated city as the files a researcher would receive, with its truth beside them."""

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pyogrio

from spatialvote.data.districts import Districts
from spatialvote.data.errors import DataError, Problem
from spatialvote.data.simulate_truth import Truth

#: Meaning and unit of each column of the district table.
DISTRICT_COLUMNS = {
    "district": ("identifier", "text"),
    "label": ("name of the district", "text"),
    "quarter": ("part of the city, by ring and compass", "text"),
    "persons": ("residents; sum over the grid cells whose centre lies in the district", "persons"),
    "origin_native": ("residents without migration background", "persons"),
    "origin_eu": ("residents with origin in another EU country", "persons"),
    "origin_non_eu": ("residents with origin outside the EU", "persons"),
    "migrant_share": ("residents of EU or non-EU origin, of all residents", "percent"),
    "higher_education": ("residents with higher education; mean of cells weighted by persons", "percent"),
    "income": ("mean yearly income of a resident; mean of cells weighted by persons", "1000 EUR"),
    "electorate": ("persons entitled to vote", "persons"),
    "votes_cast": ("ballots cast, valid or blank", "votes"),
    "blank": ("blank ballots", "votes"),
    "valid": ("valid votes, the denominator of vote shares", "votes"),
    "national_list": ("votes for the anti-immigration party (invented)", "votes"),
    "diversity_list": ("votes for the immigrant-based party (invented)", "votes"),
    "geom": ("polygon, EPSG:3035; without the river, but with the bridges", "metres"),
}
#: Meaning and unit of each column of the population grid.
GRID_COLUMNS = {
    "cell": ("INSPIRE code of the hundred-metre cell, EPSG:3035", "text"),
    "easting": ("left edge of the cell", "metres"),
    "northing": ("lower edge of the cell", "metres"),
    "district": ("district in which the centre of the cell lies", "text"),
    "persons": ("residents; cells without any are left out", "persons"),
    "origin_native": ("residents without migration background", "persons"),
    "origin_eu": ("residents with origin in another EU country", "persons"),
    "origin_non_eu": ("residents with origin outside the EU", "persons"),
    "higher_education": ("residents with higher education", "percent"),
    "income": ("mean yearly income of a resident", "1000 EUR"),
}
#: Meaning and unit of each column of the list of neighbours.
EDGE_COLUMNS = {
    "focal": ("one district of a pair of neighbours", "text"),
    "neighbour": ("the other; each pair is listed once", "text"),
}


def write_city(folder: Path, districts: Districts, truth: Truth, grid: pd.DataFrame) -> Path:
    """Write ``districts.gpkg``, ``grid.csv``, ``edges.csv``, ``truth.json`` and ``COLUMNS.md``.

    The files are written to a folder beside the wanted one, which is renamed when all are complete: an
    interrupted run leaves no folder that looks finished.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DataError
        If `folder` exists and is not an empty folder, or its parent does not exist.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(
            Problem(f"'{folder}' exists and is not an empty folder", "choose another, or remove it first")
        )
    if not folder.absolute().parent.is_dir():
        raise DataError(
            Problem(f"the folder of '{folder}' does not exist", f"create '{folder.parent}' first")
        )
    aside = folder.absolute().parent / f".{folder.name}.unfinished-{os.getpid()}"
    aside.mkdir()
    try:
        _write_geopackage(aside / "districts.gpkg", districts)
        grid.to_csv(aside / "grid.csv", index=False)
        i, j, _ = districts.edges
        pd.DataFrame({"focal": districts.ids[i], "neighbour": districts.ids[j]}).to_csv(
            aside / "edges.csv", index=False
        )
        (aside / "truth.json").write_text(json.dumps(truth.to_dict(), indent=1) + "\n", encoding="utf-8")
        (aside / "COLUMNS.md").write_text(_columns(districts), encoding="utf-8")
        if folder.exists():
            folder.rmdir()
        aside.rename(folder)
    finally:
        if aside.exists():
            shutil.rmtree(aside)
    return folder


def _write_geopackage(path: Path, districts: Districts) -> None:
    """Write the table with a fixed date inside, so that the same city gives the same bytes."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        districts.table.to_file(path, layer="districts", driver="GPKG", index=True)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _columns(districts: Districts) -> str:
    """Document every file and column."""
    lines = [
        "# A simulated city",
        "",
        "Everything here is invented: places, people, parties and votes. No row describes a real place.",
        f"Made by `{districts.about.source}`. No year. Source of every column: simulated.",
        "",
        "`truth.json` holds the true values: per party the intercept (logits, at average covariates and at",
        "zero), coefficients (logits per unit of the column, and per population standard deviation), sigma,",
        "rho, and per district, in the order of `district`, eta (log-odds of the share of valid votes), phi",
        "(structured effect, unit scale) and theta (unstructured); the average change of the vote share, in",
        "percentage points, when migrant_share rises by 10 points; and the parameters of turnout.",
    ]
    for file, holds, columns in (
        ("districts.gpkg", "one row per district", DISTRICT_COLUMNS),
        ("grid.csv", "one row per inhabited hundred-metre cell", GRID_COLUMNS),
        ("edges.csv", districts.graph_report.method + " of the district polygons", EDGE_COLUMNS),
    ):
        lines += ["", f"## {file}: {holds}", "", "| column | meaning | unit |", "|---|---|---|"]
        lines += [f"| `{name}` | {what} (simulated) | {unit} |" for name, (what, unit) in columns.items()]
    return "\n".join(lines) + "\n"
