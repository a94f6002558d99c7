"""Studies from a grid of persons, or from polling stations, to their report; and what is wrong with some."""

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point

from spatialvote.data.read_cells import read_cells
from spatialvote.data.simulate import simulate_city
from spatialvote.models.fit import Fit
from spatialvote.multiverse import choices_of
from spatialvote.run import load_districts
from spatialvote.study import load_study

SURVEY = """\
country,party,year,immigrate_policy,immigrate_salience,immigrate_policy_sd
City,National,2024,9.4,9.0,0.6
City,Diversity,2024,6.5,7.0,1.4
"""
LIST = """\
country_name,party_name_short
Cityland,NATIONAL
Cityland,Old Left
"""
BY_TABLE = """\
cells = "city/grid.csv"
cell = "cell"
persons = "persons"
groups = { "third country" = "origin_non_eu", "other EU" = "origin_eu" }
"""
STUDY = """\
[study]
title = "Who lives near"
seed = 1
output = "results"

[data]
table = "city/districts.gpkg"
id = "district"
valid = "valid"
covariates = ["higher_education"]
label = "label"

[data.votes]
national = "national_list"
diversity = "diversity_list"

[data.about]
name = "Simulated city"
unit = "polling district"
year = 2026

[surroundings]
cells = "city/grid.csv"
cell = "cell"
persons = "persons"
groups = { "third country" = "origin_non_eu", "other EU" = "origin_eu" }
group = "third country"
definition = { definition = "residents with origin outside the EU", source = "simulate_city" }
rings = { halo_500m = [200, 500], halo_1km = [200, 1000] }
radii = [500]
measures = ["entropy"]
border = "share"

[parties]
survey = "survey.csv"
country = "City"
columns = { National = "national", Diversity = "diversity" }

[graph]
method = "fuzzy"
tolerance = 30

[model]
formula = "anti_immigration ~ bs(migrant_share, df=4) + halo_1km"

[engine]
name = "laplace"
draws = 1000
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> Path:
    """A folder with a simulated city and a survey."""
    folder = tmp_path_factory.mktemp("near")
    simulate_city(seed=4, n_districts=40).write(folder / "city")
    (folder / "survey.csv").write_text(SURVEY)
    (folder / "list.csv").write_text(LIST)
    return folder


def _study(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_a_study_goes_from_a_grid_to_curve_radius_and_map(city, call):
    path = _study(city, "whole", STUDY)
    called = call("run", path)
    assert called.code in (0, 1), called.err
    assert "Comparing 2 distances of surroundings" in called.out
    page = re.sub(r"\s+", " ", (city / "results" / "report.html").read_text())
    for words in (
        "How was it measured who lives near?",
        "residents with origin outside the EU",
        "At which concentration does the vote turn?",
        "At which distance do surroundings matter?",
        "What if surroundings were as the district itself?",
        "Chosen by position on immigration at least 8 of 10 (City, 2024): National",
        "measure_surroundings(",
    ):
        assert words in page, words
    fit = Fit.load(city / "results" / "fit.nc")
    loaded = load_districts(load_study(path))
    assert fit.record["fingerprints"] == dict(loaded.districts.fingerprint)
    assert set(loaded.districts.record.files) == {"districts.gpkg", "grid.csv", "survey.csv"}


def test_thresholds_and_radii_are_dimensions_of_the_multiverse(city):
    choices = '\n[multiverse]\nthresholds = [6, 8]\nsurroundings = ["halo_500m", "halo_1km"]\n'
    study = load_study(_study(city, "many", STUDY + choices))
    found = choices_of(study)
    assert found.options["party"] == ("anti_immigration_from_6", "anti_immigration")
    assert found.options["surroundings"] == ("halo_500m", "halo_1km")
    formula = found.model({**found.main_choice, "surroundings": "halo_500m"}).formula
    assert formula == "anti_immigration ~ bs(migrant_share, df=4) + halo_500m"
    districts = load_districts(study).districts
    both = districts.votes("national") + districts.votes("diversity")
    assert (districts.votes("anti_immigration_from_6") == both).all()
    assert (districts.votes("anti_immigration") == districts.votes("national")).all()


@pytest.mark.parametrize("method", ["areas", "nearest"])
def test_votes_of_polling_stations_become_those_of_districts(city, method):
    table = gpd.read_file(city / "city" / "districts.gpkg").set_index("district")
    inside = table.geometry.representative_point()
    # Two stations in each district, the second beside the first, with a third of its votes.
    rows = []
    for name, row in table.iterrows():
        for part, shift in ((1, 0.0), (2, 0.5)):
            at: Point = inside[name]
            votes = {one: row[one] // 3 for one in ("national_list", "diversity_list", "valid", "electorate")}
            if part == 1:
                votes = {one: row[one] - votes[one] for one in votes}
            rows.append({"station": f"{name}-{part}", "x": at.x + shift, "y": at.y, **votes})
    pd.DataFrame(rows).to_csv(city / f"stations_{method}.csv", index=False)
    text = STUDY.replace('valid = "valid"\n', 'valid = "valid"\nelectorate = "electorate"\n')
    text = text.replace(
        "[surroundings]",
        f'[stations]\ntable = "stations_{method}.csv"\nid = "station"\nx = "x"\ny = "y"\ncrs = 3035\n'
        f'method = "{method}"\n\n[surroundings]',
    ).replace('output = "results"', f'output = "{method}"')
    if method == "nearest":
        text = text.replace('covariates = ["higher_education"]\nlabel = "label"\n', "")
    districts = load_districts(load_study(_study(city, method, text))).districts
    if method == "areas":
        for column in ("national_list", "valid"):
            np.testing.assert_array_equal(districts.table[column].loc[table.index], table[column])
    else:
        assert districts.n == 2 * len(table)
        assert districts.valid.sum() == table["valid"].sum()
    assert (city / method / "districts.parquet").is_file()
    assert f"{2 * len(table)} polling stations became {districts.n} areas." in districts.record.notes[-2]
    assert set(districts.record.files) >= {f"stations_{method}.csv", "districts.gpkg", "grid.csv"}


def _with_rasters(rasters: str) -> str:
    return STUDY.replace(BY_TABLE, f"rasters = {rasters}\n")


def test_rasters_give_what_the_table_does(city):
    rasterio = pytest.importorskip("rasterio", reason="needs the extra 'grids'")
    cells = read_cells(
        city / "city" / "grid.csv",
        cell="cell",
        persons={"persons": "persons", "third country": "origin_non_eu", "other EU": "origin_eu"},
    )
    west, north = cells.x.min(), cells.y.max() + 100
    column, row = (cells.x - west) // 100, (north - cells.y) // 100 - 1
    layers = np.zeros((3, row.max() + 1, column.max() + 1), dtype=np.float64)
    for band, group in enumerate(("persons", "third country", "other EU")):
        layers[band, row, column] = cells.persons[group]
    for name, these in (("all.tif", layers[:1]), ("origins.tif", layers[1:])):
        shape = {"count": len(these), "height": layers.shape[1], "width": layers.shape[2]}
        place = rasterio.transform.from_origin(west, north, 100, 100)
        with rasterio.open(
            city / name, "w", driver="GTiff", dtype="float64", crs=3035, transform=place, **shape
        ) as to:
            to.write(these)
    given = '{ persons = "all.tif", "third country" = "origins.tif", "other EU" = ["origins.tif", 2] }'
    here = load_districts(load_study(_study(city, "rasters", _with_rasters(given)))).districts
    table = load_districts(load_study(_study(city, "whole", STUDY))).districts
    for measured in ("migrant_share", "halo_1km", "within_500m", "entropy"):
        np.testing.assert_allclose(here.table[measured], table.table[measured], rtol=1e-9, atol=1e-9)
    assert set(here.record.files) == {"districts.gpkg", "all.tif", "origins.tif", "survey.csv"}
    assert here.record.measured.read["bands"]["other EU"] == ("origins.tif", 2)


def test_a_relation_table_keeps_the_cells_of_one_city(city):
    grid = pd.read_csv(city / "city" / "grid.csv")
    # As many cells a thousand kilometres away, of another city.
    away = grid.assign(
        cell=grid["cell"].str.replace(r"N(\d)", lambda found: f"N{int(found[1]) - 1}", regex=True)
    )
    pd.concat([grid, away]).to_csv(city / "country.csv", index=False)
    both = pd.concat([grid[["cell"]].assign(city="here"), away[["cell"]].assign(city="there")])
    both.to_csv(city / "cities.csv", index=False)
    relation = 'relation = { table = "cities.csv", cell = "cell", column = "city", value = "here" }\n'
    text = STUDY.replace('"city/grid.csv"\n', '"country.csv"\n' + relation)
    kept = load_districts(load_study(_study(city, "kept", text))).districts
    table = load_districts(load_study(_study(city, "whole", STUDY))).districts
    for measured in ("migrant_share", "halo_1km", "within_500m", "entropy"):
        np.testing.assert_array_equal(kept.table[measured], table.table[measured])
    assert kept.record.measured.cells == table.record.measured.cells
    assert {"country.csv", "cities.csv"} < set(kept.record.files)
    assert kept.record.measured.read["within"] == ["cities.csv", "cell", "city", "here"]


def test_the_populist_is_told_beside_the_survey(city):
    text = STUDY.replace(
        'country = "City"\n', 'country = "City"\npopulist = "list.csv"\npopulist_country = "Cityland"\n'
    )
    loaded = load_districts(load_study(_study(city, "listed", text)))
    assert loaded.choice.parties == ("National",)
    assert list(loaded.choice.table["listed"]) == [True, False]
    assert "Of the parties chosen The PopuList (populist, far-left and far-right parties) has National" in (
        loaded.choice.words
    )
    assert "list.csv" in loaded.districts.record.files


MISTAKES = {
    "no cells": (
        "city/grid.csv",
        "city/gird.csv",
        r"surroundings\.cells: file 'city/gird\.csv' does not exist",
    ),
    "neither cells nor rasters": (
        BY_TABLE,
        "",
        r"\[surroundings\] has neither cells nor rasters: name the file with one row per cell as cells",
    ),
    "no residents": ('persons = "persons"\n', "", r"surroundings\.persons is missing: give the column"),
    "no groups": (
        'groups = { "third country" = "origin_non_eu", "other EU" = "origin_eu" }\n',
        "",
        r"surroundings\.groups has no group: give a table of group = column",
    ),
    "cells and rasters": (
        'cells = "city/grid.csv"',
        'cells = "city/grid.csv"\nrasters = { persons = "survey.csv" }',
        r"surroundings\.rasters and surroundings\.cells are both given",
    ),
    "a raster that is not there": (
        BY_TABLE,
        'rasters = { persons = "survey.csv", "third country" = ["none.tif", 2] }\n',
        r"surroundings\.rasters\.third country: file 'none\.tif' does not exist",
    ),
    "no raster of all residents": (
        BY_TABLE,
        'rasters = { "third country" = "survey.csv" }\n',
        r"surroundings\.rasters has no 'persons': give the raster of all residents as persons",
    ),
    "a group without a raster": (
        BY_TABLE,
        'rasters = { persons = "survey.csv", other = "list.csv" }\n',
        r"surroundings\.group is 'third country', which is not among surroundings\.rasters: use one of",
    ),
    "one band twice": (
        BY_TABLE,
        'rasters = { persons = "survey.csv", "third country" = ["survey.csv", 1] }\n',
        r"band 1 of 'survey\.csv' stands for two groups of surroundings\.rasters",
    ),
    "a band of nothing": (
        BY_TABLE,
        'rasters = { persons = "survey.csv", "third country" = ["list.csv", 0] }\n',
        r"surroundings\.rasters\.third country, item 2, is 0: it must be in place of cells: a table",
    ),
    "rasters that are none": (
        BY_TABLE,
        'rasters = ["survey.csv"]\n',
        r"surroundings\.rasters is a list: it must be in place of cells: a table of group = GeoTIFF",
    ),
    "a raster that is a table": (
        BY_TABLE,
        'rasters = { persons = "survey.csv", "third country" = "list.csv" }\n',
        r"file 'survey\.csv' cannot be read as a raster \(.*\): give a GeoTIFF|rasters need rasterio",
    ),
    "a relation that is not there": (
        'cell = "cell"',
        'cell = "cell"\nrelation = { table = "no.csv", cell = "cell", column = "city", value = "here" }',
        r"surroundings\.relation\.table: file 'no\.csv' does not exist",
    ),
    "half a relation": (
        'cell = "cell"',
        'cell = "cell"\nrelation = { table = "survey.csv", cell = "party", value = "here" }',
        r"surroundings\.relation\.column is missing: give the column that names the unit",
    ),
    "a unit without cells": (
        'cell = "cell"',
        'cell = "cell"\nrelation = { table = "survey.csv", cell = "party", column = "country", '
        'value = "Town" }',
        r"'country' of the relation table is nowhere 'Town': choose from 'City'",
    ),
    "no PopuList": (
        'country = "City"',
        'country = "City"\npopulist = "lits.csv"',
        r"parties\.populist: file 'lits\.csv' does not exist",
    ),
    "a list of other countries": (
        'country = "City"',
        'country = "City"\npopulist = "list.csv"',
        r"file 'list\.csv' lists no party of 'City': name the country as it does: 'Cityland'",
    ),
    "a list without its columns": (
        'country = "City"',
        'country = "City"\npopulist = "survey.csv"',
        r"file 'survey\.csv' has no column.* 'country_name'",
    ),
    "the country of no list": (
        'country = "City"',
        'country = "City"\npopulist_country = "Cityland"',
        r"parties\.populist_country means nothing without parties\.populist",
    ),
    "no group": ('group = "third country"', "", r"surroundings\.group is missing: give the group whose"),
    "unknown group": (
        'group = "third country"',
        'group = "third"',
        r"surroundings\.group is 'third', which is not among surroundings\.groups: use one of 'third",
    ),
    "no definition": (
        'definition = { definition = "residents with origin outside the EU", source = "simulate_city" }\n',
        "",
        r"surroundings\.definition is missing: give origin groups, such as \"third country\"",
    ),
    "unknown definition": (
        'definition = { definition = "residents with origin outside the EU", source = "simulate_city" }\n',
        'definition = "third contry"\n',
        r"surroundings: origin group 'third contry' has no definition: did you mean 'third country'",
    ),
    "definition without a source": (
        ', source = "simulate_city"',
        "",
        r"surroundings\.definition\.source is missing: a definition has its words and its source",
    ),
    "definitions mixed": (
        "[data.about]",
        '[data.definitions]\nhigher_education = "foreign-born"\n\n[data.about]',
        r"surroundings: origin groups of 2 definitions are mixed in one study",
    ),
    "ring the wrong way round": (
        "[200, 500]",
        "[500, 200]",
        r"surroundings\.rings\.halo_500m goes from 500 to 200 m, which is empty",
    ),
    "ring of one radius": (
        "[200, 500]",
        "[200]",
        r"surroundings\.rings\.halo_500m, item 2, is missing: give a table of column = \[inner, outer\]",
    ),
    "ring of text": (
        "[200, 500]",
        '["200", 500]',
        r"surroundings\.rings\.halo_500m, item 1, is the text '200': it must be a table of column = \[inner,",
    ),
    "radius of nothing": (
        "radii = [500]",
        "radii = [0]",
        r"surroundings\.radii, item 1, is 0: it must be a list",
    ),
    "two measures of one name": (
        "halo_500m =",
        "within_500m =",
        r"\[surroundings\] makes two columns 'within_500m': give every measure its own name",
    ),
    "a measure that the table has": (
        "halo_500m =",
        "higher_education =",
        r"\[surroundings\] makes 'higher_education', which \[data\] reads from its table",
    ),
    "unknown measure": (
        '["entropy"]',
        '["entropi"]',
        r"surroundings\.measures, item 1, is the text 'entropi': .*did you mean 'entropy'",
    ),
    "isolation without a radius": (
        'radii = [500]\nmeasures = ["entropy"]',
        'measures = ["isolation"]',
        r"isolation and exposure need surroundings\.radii",
    ),
    "mistyped key": (
        "border =",
        "boder =",
        r"surroundings\.boder is not a key of \[surroundings\]: did you mean",
    ),
    "unknown border": (
        'border = "share"',
        'border = "cut"',
        r"surroundings\.border is the text 'cut': it must be",
    ),
    "codes and places": (
        'cell = "cell"',
        'cell = "cell"\nside = 100',
        r"surroundings\.cell and surroundings\.side are both given: codes say it all",
    ),
    "neither codes nor places": (
        'cell = "cell"\n',
        'x = "easting"\n',
        r"\[surroundings\] has neither codes of cells nor all of x, y, side and crs",
    ),
    "half a long file": (
        'cell = "cell"',
        'cell = "cell"\norigin = "country"',
        r"surroundings\.origin and surroundings\.count go together",
    ),
    "suppressed persons below zero": (
        'cell = "cell"',
        'cell = "cell"\nsuppressed = -1',
        r"surroundings\.suppressed is -1: it must be persons to put where the office gives none",
    ),
    "no survey": ('"survey.csv"', '"survay.csv"', r"parties\.survey: file 'survay\.csv' does not exist"),
    "threshold off the scale": (
        'country = "City"',
        'country = "City"\nthreshold = 11',
        r"parties\.threshold is 11: it must be a position from 0 to 10",
    ),
    "a party without votes": (
        'National = "national"',
        'National = "nationaal"',
        r"parties\.columns has 'nationaal', without votes: data\.votes has 'national', 'diversity'",
    ),
    "the outcome is a party already": (
        'country = "City"',
        'country = "City"\nname = "national"',
        r"parties\.name is 'national', which is a party already",
    ),
    "formula with another outcome": (
        "anti_immigration ~",
        "anti ~",
        r"model\.formula asks for party 'anti', which is not among the votes",
    ),
    "thresholds without a rule": (
        STUDY[STUDY.index("[parties]") : STUDY.index("[graph]")],
        "[multiverse]\nthresholds = [7, 8]\n\n",
        r"multiverse\.thresholds needs a section \[parties\]",
    ),
    "a threshold off the scale": (
        "[graph]",
        "[multiverse]\nthresholds = [7, 80]\n\n[graph]",
        r"multiverse\.thresholds, item 2, is 80: it must be a list of thresholds of \[parties\]",
    ),
    "surroundings that are not measured": (
        "[graph]",
        '[multiverse]\nsurroundings = ["halo_1km", "halo_3km"]\n\n[graph]',
        r"multiverse\.surroundings has 'halo_3km', which \[surroundings\] does not measure",
    ),
    "surroundings that are not in the formula": (
        "+ halo_1km",
        '"\n\n[multiverse]\nsurroundings = ["halo_1km", "halo_500m"]\n\n[effect]\nweighting = "voters',
        r"multiverse\.surroundings stand in place of one column of model\.formula, which has none of them",
    ),
    "stations without a file": (
        "[surroundings]",
        '[stations]\ntable = "s.csv"\nid = "nr"\nx = "x"\ny = "y"\ncrs = 4326\n\n[surroundings]',
        r"stations\.table: file 's\.csv' does not exist",
    ),
    "stations without a coordinate system": (
        "[surroundings]",
        '[stations]\ntable = "survey.csv"\nid = "nr"\nx = "x"\ny = "y"\n\n[surroundings]',
        r"stations\.crs is missing: give the CRS of x and y",
    ),
    "unknown method of stations": (
        "[surroundings]",
        '[stations]\ntable = "survey.csv"\nid = "nr"\nx = "x"\ny = "y"\ncrs = 4326\nmethod = "voronoi"\n\n'
        "[surroundings]",
        r"stations\.method is the text 'voronoi': it must be 'areas' or 'nearest'",
    ),
    "country that was not surveyed": ('"City"', '"Town"', r"there is no country 'Town': use one of 'City'"),
    "no party that restrictive": (
        'country = "City"',
        'country = "City"\nthreshold = 9.9',
        r"no party of 'City' in 2024 is chosen: the most restrictive is 'National' \(9\.4",
    ),
    "chosen party without a column": (
        'National = "national", ',
        "",
        r"no column is named for the chosen parties 'National'",
    ),
    "column that the grid lacks": (
        '"origin_non_eu"',
        '"origin_noneu"',
        r"file 'grid\.csv' has no column.* 'origin_noneu'",
    ),
    "groups that overlap": (
        '"other EU" = "origin_eu"',
        '"others" = "origin_native", "all of EU" = "origin_eu", "twice" = "persons"',
        r"column 'persons' stands for two groups",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES.values(), ids=MISTAKES)
def test_one_mistake_one_message(city, call, old, new, message):
    assert STUDY.count(old) >= 1
    called = call("fit", _study(city, "wrong", STUDY.replace(old, new, 1)))
    assert called.code == 2, called.out
    assert re.search(message, called.err), called.err
    assert "Traceback" not in called.err


@pytest.mark.parametrize("section", ["stations", "surroundings", "parties"])
def test_the_simulated_city_has_no_files_to_measure(tmp_path, call, section):
    text = (
        '[study]\ntitle = "t"\nseed = 1\noutput = "r"\n[data]\nsimulate = true\n[model]\n'
        f'formula = "national_list ~ migrant_share"\n[{section}]\n'
    )
    (tmp_path / "s.toml").write_text(text)
    called = call("run", tmp_path / "s.toml")
    assert called.code == 2
    assert f"[{section}] means nothing to the simulated city" in called.err
