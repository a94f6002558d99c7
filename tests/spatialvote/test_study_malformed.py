"""Study files that are wrong in one way: exit code 2, one message that says which key and what is allowed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

#: What is replaced in the right study file, by what, and the whole message that must follow.
MISTAKES = {
    "no title": ('title = "A small study"\n', "", r"study\.title is missing: give a title in quotes"),
    "empty title": (
        'title = "A small study"',
        'title = "  "',
        r"study\.title is the text '  ': it must be a title in quotes",
    ),
    "seed as text": (
        "seed = 7",
        'seed = "7"',
        r"study\.seed is the text '7': it must be a whole number, 0 or more",
    ),
    "negative seed": ("seed = 7", "seed = -1", r"study\.seed is -1: it must be a whole number, 0 or more"),
    "seed true": ("seed = 7", "seed = true", r"study\.seed is true: it must be a whole number, 0 or more"),
    "output a number": (
        'output = "results"',
        "output = 3",
        r"study\.output is 3: it must be a folder in quotes",
    ),
    "unknown section": (
        "[engine]",
        "[enginge]",
        r"\[enginge\] is not a section of a study file: did you mean 'engine'\?",
    ),
    "mistyped key": (
        "draws = 50",
        "drawz = 50",
        r"engine\.drawz is not a key of \[engine\]: did you mean 'draws'\?",
    ),
    "key in capitals": (
        'valid = "valid"\n',
        'valid = "valid"\nMissing = "drop"\n',
        r"data\.Missing is not a key of \[data\]: did you mean 'missing'\?",
    ),
    "key in the wrong section": (
        "points = 10",
        "points = 10\ndraws = 4",
        r"effect\.draws is not a key of \[effect\]: choose from points, weighting; "
        r"'draws' belongs to \[engine\]",
    ),
    "a section that is no table": (
        '[graph]\nmethod = "edges"\n\n[model]\n',
        "[model]\nengine = 3\n",
        r"model\.engine is not a key of \[model\]",
    ),
    "unknown family": (
        'family = "binomial"',
        'family = "binomal"',
        r"model\.family is the text 'binomal': it must be 'binomial', .*; did you mean 'binomial'\?",
    ),
    "unknown structure": (
        'structure = "bym2"',
        'structure = "car"',
        r"model\.structure is the text 'car': it must be 'bym2', 'leroux', .*, 'iid' or 'none'",
    ),
    "formula without tilde": (
        "pvv ~ migrants + education",
        "pvv",
        r"model\.formula is 'pvv', which is not of the form 'party ~ covariates'",
    ),
    "formula with a party without votes": (
        "pvv ~ migrants",
        "pvw ~ migrants",
        r"model\.formula asks for party 'pvw', which is not among the votes: data\.votes has 'pvv', 'denk'; "
        r"did you mean 'pvv'\?",
    ),
    "formula that calls": ("+ education", "+ open(education)", r"formula '.*' calls 'open': use one of bs,"),
    "effects that vary by group": (
        "+ education",
        "+ (education | migrants)",
        r"has 'migrants' both as a covariate and as a group",
    ),
    "a group of numbers": ("+ education", "+ (1 | education)", r"groups by 'education', which holds numbers"),
    "unknown rule for absent parties": (
        'structure = "bym2"',
        'structure = "bym2"\nabsent = "zero vote"',
        r"model\.absent is the text 'zero vote': it must be 'none' or 'zero votes'; did you mean",
    ),
    "prior of the overdispersion outside its range": (
        "coefficient_sd = 1.0",
        'overdispersion = { prior = "pc", upper = 2 }',
        r"model\.priors\.overdispersion\.upper is 2: it must be a probability between 0 and 1",
    ),
    "unknown key of the prior of the noise": (
        "coefficient_sd = 1.0",
        'noise = { prior = "half_normal", upper = 2.0 }',
        r"model\.priors\.noise\.upper is not a key of \[model\.priors\.noise\]: choose from prior, scale",
    ),
    "pc prior of rho for another structure": (
        'structure = "bym2"\n\n[model.priors]\ncoefficient_sd = 1.0\n'
        'sigma = { prior = "pc", upper = 1.0, tail = 0.01 }\nrho = { prior = "beta", a = 1.0, b = 1.0 }',
        'structure = "sar"\n\n[model.priors]\nrho = { prior = "pc" }',
        r"PC prior of rho is made for structure 'bym2', not for 'sar'",
    ),
    "formula with an unknown column": ("+ education", "+ income", r"'income'.*is no column of the table"),
    "unknown prior": (
        '{ prior = "beta", a = 1.0, b = 1.0 }',
        '{ prior = "betta" }',
        r"model\.priors\.rho\.prior is the text 'betta': it must be 'pc' or 'beta'; did you mean 'beta'\?",
    ),
    "prior without a name": (
        '{ prior = "beta", a = 1.0, b = 1.0 }',
        "{ a = 1.0 }",
        r'model\.priors\.rho is a table: it must be { prior = "pc", upper = 0\.5',
    ),
    "prior with another prior's key": (
        '{ prior = "beta", a = 1.0, b = 1.0 }',
        '{ prior = "beta", scale = 1.0 }',
        r"model\.priors\.rho\.scale is not a key of \[model\.priors\.rho\]: choose from prior, a, b",
    ),
    "prior outside its range": (
        "tail = 0.01",
        "tail = 1.0",
        r"model\.priors\.sigma\.tail is 1\.0: it must be a probability between 0 and 1",
    ),
    "standard deviation of zero": (
        "coefficient_sd = 1.0",
        "coefficient_sd = 0",
        r"model\.priors\.coefficient_sd is 0: it must be a number above 0",
    ),
    "not a number": (
        "coefficient_sd = 1.0",
        "coefficient_sd = nan",
        r"model\.priors\.coefficient_sd is nan: it must be a number above 0",
    ),
    "fractional draws": (
        "draws = 50",
        "draws = 50.5",
        r"engine\.draws is 50\.5: it must be a whole number, 4 or more",
    ),
    "no chains": ("chains = 2", "chains = 0", r"engine\.chains is 0: it must be a whole number, 1 or more"),
    "unknown engine": (
        'name = "nuts"',
        'name = "stan"',
        r"engine\.name is the text 'stan': it must be 'nuts'",
    ),
    "target above one": (
        "chains = 2",
        "target_accept = 1",
        r"engine\.target_accept is 1: it must be a number from 0\.5 to below 1",
    ),
    "points of zero": (
        "points = 10",
        "points = 0",
        r"effect\.points is 0: it must be percentage points, above 0",
    ),
    "unknown weighting": (
        "points = 10",
        'weighting = "voter"',
        r"effect\.weighting 'voter' is no column of \[data\] that could count persons: use 'districts', "
        r"'voters', or one of ",
    ),
    "effect without migrants": (
        'migrants = "migrants"\ncovariates = ["education"]\n',
        'covariates = ["education", "migrants"]\n',
        r"\[effect\] needs data\.migrants, which is missing",
    ),
    "unit of migrants missing": (
        'migrants = "percent"\n',
        "",
        r"data\.units\.migrants, the unit of the migrant share, is missing: give one of 'fraction'",
    ),
    "unit of migrants unknown": (
        'migrants = "percent"',
        'migrants = "%"',
        r"data\.units\.migrants, the unit of the migrant share, is '%': give one of 'fraction', 'percent'",
    ),
    "nobody says who is a migrant": (
        '[data.definitions]\nmigrants = { definition = "born abroad", source = "the town\'s register" }\n\n',
        "",
        r"data\.definitions\.migrants is missing: data\.migrants is of migrants, and nobody says who counts",
    ),
    "an origin group without a definition": (
        '{ definition = "born abroad", source = "the town\'s register" }',
        '"foreign born"',
        r"data\.definitions: origin group 'foreign born' has no definition: did you mean 'foreign-born'",
    ),
    "a definition without its source": (
        ', source = "the town\'s register"',
        "",
        r"data\.definitions\.migrants\.source is missing: a definition has its words and its source",
    ),
    "western of two countries": (
        '{ definition = "born abroad", source = "the town\'s register" }',
        '["non-western immigrants", "western, first generation"]',
        r"data\.definitions: origin groups of 2 definitions are mixed in one study",
    ),
    "definitions of two columns mixed": (
        '{ definition = "born abroad", source = "the town\'s register" }',
        '["EU-15", "third country"]\neducation = "foreign-born"',
        r"data\.definitions: origin groups of 2 definitions are mixed in one study",
    ),
    "groups and a definition at once": (
        '{ definition = "born abroad",',
        '{ groups = ["foreign-born"], definition = "born abroad",',
        r"data\.definitions\.migrants has both groups and a definition: give one of them",
    ),
    "a definition that is a number": (
        '{ definition = "born abroad", source = "the town\'s register" }',
        "3",
        r"data\.definitions\.migrants is 3: it must be",
    ),
    "mistyped key of a definition": (
        '{ definition = "born abroad",',
        '{ definitoin = "born", definition = "born abroad",',
        r"data\.definitions\.migrants\.definitoin is not a key of \[data\.definitions\.migrants\]: did you",
    ),
    "no unit of the districts": (
        'unit = "district"\n',
        "",
        r"data\.about\.unit is missing: give what a row is",
    ),
    "no year": ("year = 2023\n", "", r"data\.about\.year is missing: give the year of the outcome"),
    "year as text": (
        "year = 2023",
        'year = "2023"',
        r"data\.about\.year is the text '2023': it must be the year",
    ),
    "nothing on the districts": (
        '[data.about]\nname = "Small town"\nunit = "district"\nyear = 2023\n',
        "",
        r"data\.about is missing: give a table with name, unit and year",
    ),
    "no id": ('id = "code"\n', "", r"data\.id is missing: give the column that identifies a district"),
    "no table": ('table = "districts.csv"\n', "", r"data\.table is missing: give a CSV, GeoPackage"),
    "table not there": (
        '"districts.csv"',
        '"distrikts.csv"',
        r"data\.table: file 'distrikts\.csv' does not exist: relative paths start at the folder of the "
        r"study file",
    ),
    "edges not there": ('"edges.csv"', '"links.csv"', r"data\.edges: file 'links\.csv' does not exist"),
    "no votes": (
        '[data.votes]\npvv = "pvv"\ndenk = "denk"\n',
        "[data.votes]\n",
        r"data\.votes is an empty table: it must be a table of party = column",
    ),
    "votes that are no column": (
        'denk = "denk"',
        "denk = 30",
        r"data\.votes\.denk is 30: it must be a table of party",
    ),
    "covariates as text": (
        '["education"]',
        '"education"',
        r"data\.covariates is the text 'education': it must be a list of columns in quotes",
    ),
    "a covariate that is no text": (
        '["education"]',
        '["education", 3]',
        r"data\.covariates, item 2, is 3: it must be a list of columns in quotes",
    ),
    "no valid votes": (
        'valid = "valid"\n',
        "",
        r"data\.valid is missing, which model\.family 'binomial' needs: name the column with valid votes",
    ),
    "poisson without exposure": (
        'family = "binomial"',
        'family = "poisson"',
        r"data\.exposure is missing, which model\.family 'poisson' needs",
    ),
    "unknown policy": (
        'label = "name"',
        'missing = "ignore"',
        r"data\.missing is the text 'ignore': it must be 'refuse' or 'drop'",
    ),
    "crs of the wrong kind": (
        'label = "name"',
        "crs = 3.5",
        r'data\.crs is 3\.5: it must be a CRS such as "EPSG:28992", or its number',
    ),
    "geometry_id without geometry": (
        'label = "name"',
        'geometry_id = "code"',
        r"data\.geometry_id means nothing without data\.geometry",
    ),
    "unknown neighbours": (
        'method = "edges"',
        'method = "quen"',
        r"graph\.method is the text 'quen': it must be 'queen', .*; did you mean 'queen'\?",
    ),
    "links and another definition": (
        'method = "edges"',
        'method = "rook"',
        r"data\.edges means nothing to graph\.method 'rook': leave one of them out",
    ),
    "edges without links": (
        'edges = "edges.csv"\n',
        "",
        r"graph\.method is 'edges', and data\.edges is missing: name a CSV file of links there",
    ),
    "tolerance that means nothing": (
        'method = "edges"',
        'method = "edges"\ntolerance = 60',
        r"graph\.tolerance means nothing to graph\.method 'edges': leave it out",
    ),
    "unknown connect": (
        'method = "edges"',
        'connect = "all"',
        r"graph\.connect is the text 'all': it must be 'nearest', or left out",
    ),
    "broken TOML": (
        "seed = 7",
        "seed = ",
        r"study file 'study\.toml' is not TOML \(Invalid value \(at line 3, column",
    ),
    "a key twice": ("seed = 7", "seed = 7\nseed = 8", r"is not TOML \(Cannot overwrite a value \(at line 4"),
    "text without quotes": ("seed = 7", "seed = seven", r"is not TOML \(Invalid value \(at line 3"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_one_mistake_gives_one_clear_message(name, changed, call):
    old, new, message = MISTAKES[name]
    called = call("run", changed(old, new))
    assert called.code == 2
    assert re.search(message, called.err), called.err
    assert called.err.startswith("spatialvote: ")
    assert len(called.err.splitlines()) == 1, "one mistake, one problem"
    assert "Traceback" not in called.err
    for leak in ("pydantic", "validation error", "Input should", "https://", "Extra inputs"):
        assert leak not in called.err


def test_everything_wrong_is_found_at_once(changed, call):
    path = changed("seed = 7", "sead = 7")
    text = path.read_text().replace("year = 2023", "year = 1").replace('"edges.csv"', '"x.csv"')
    path.write_text(text.replace("pvv ~", "vvd ~").replace("chains = 2", "chains = 1.5"))
    called = call("run", path)
    assert called.code == 2
    assert called.err.splitlines()[0] == "spatialvote: 6 problems:"
    for key in (
        "study.sead",
        "study.seed",
        "data.about.year",
        "engine.chains",
        "model.formula",
        "data.edges",
    ):
        assert sum(key in line for line in called.err.splitlines()) == 1


def test_a_study_is_of_files_or_of_a_simulated_city(changed, call):
    called = call("run", changed('label = "name"', "simulate = true"))
    assert called.code == 2
    assert (
        "'data.table', 'data.edges', 'data.id' and 7 more mean nothing beside data.simulate: leave out either"
        in called.err
    )


@pytest.mark.parametrize(
    ("method", "key", "unit"),
    [
        ("fuzzy", "tolerance", "metres, above 0"),
        ("distance", "distance", "metres, above 0"),
        ("knn", "k", "a whole number"),
    ],
)
def test_a_definition_of_neighbours_needs_its_number(method, key, unit, changed, call):
    path = changed('method = "edges"', f'method = "{method}"')
    path.write_text(path.read_text().replace('edges = "edges.csv"\n', ""))
    called = call("run", path)
    assert called.code == 2
    assert called.err == (
        f"spatialvote: graph.{key} is missing, which graph.method '{method}' needs: give {unit}\n"
    )


def test_a_section_of_another_kind_is_named(folder, call):
    path = folder / "kind.toml"
    path.write_text('study = 3\ndata = []\nmodel = "pvv ~ migrants"\n')
    called = call("run", path)
    assert called.code == 2
    assert "study is 3: it must be a section [study]" in called.err
    assert "data is an empty list: it must be a section [data]" in called.err
    assert "model is the text 'pvv ~ migrants': it must be a section [model]" in called.err


@pytest.mark.parametrize(
    ("simulate", "message"),
    [
        ("false", r"data\.simulate is false: it must be true, or a table"),
        ("{ n_districts = 3 }", r"data\.simulate\.n_districts is 3: it must be a whole number from 20"),
        ("{ n_district = 30 }", r"data\.simulate\.n_district is not a key.*did you mean 'n_districts'"),
        ("{ n_districts = 20, islands = 9 }", r"9 of 20 districts cannot be islands"),
        ("true\n[graph]\nmethod = 'rook'", r"\[graph\] means nothing to the simulated city"),
    ],
)
def test_mistakes_about_the_simulated_city(simulate, message, tmp_path, call):
    path = tmp_path / "city.toml"
    path.write_text(
        '[model]\nformula = "national_list ~ migrant_share"\n'
        f'[study]\ntitle = "City"\nseed = 1\noutput = "out"\n[data]\nsimulate = {simulate}\n'
    )
    called = call("run", path)
    assert called.code == 2
    assert re.search(message, called.err), called.err


def test_a_simulated_city_has_no_other_party(tmp_path, call):
    path = tmp_path / "city.toml"
    path.write_text(
        '[model]\nformula = "pvv ~ migrant_share"\n[study]\ntitle = "City"\nseed = 1\noutput = "out"\n'
        "[data]\nsimulate = true\n"
    )
    called = call("run", path)
    assert called.code == 2
    assert "the simulated city has 'national_list', 'diversity_list'" in called.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"", r"3 problems:\n.*study is missing.*\n.*data is missing.*\n.*model is missing"),
        (b'study = "a\n', "is not TOML"),
    ],
)
def test_files_that_are_no_study(content, message, tmp_path, call):
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    called = call("run", path)
    assert called.code == 2
    assert re.search(message, called.err), called.err


def test_a_real_process_leaves_with_two_and_no_traceback(changed):
    path = changed('family = "binomial"', 'family = "binary"')
    left = subprocess.run(
        [sys.executable, "-m", "spatialvote", "run", str(path)], capture_output=True, text=True, check=False
    )
    assert left.returncode == 2
    assert left.stdout == ""
    assert left.stderr == (
        "spatialvote: model.family is the text 'binary': it must be 'binomial', 'beta_binomial', 'poisson' "
        "or 'gaussian'\n"
    )


def test_a_mistake_in_the_table_leaves_with_two_and_no_output(folder: Path, call):
    table = folder / "districts.csv"
    table.write_text(table.read_text().replace("A1,Alfa,120", "A1,Alfa,1200"))
    called = call("run", folder / "study.toml")
    assert called.code == 2
    assert "column 'pvv' (votes of 'pvv') exceeds valid votes in 1 district (id 'A1')" in called.err
    assert list((folder / "results").iterdir()) == []


def test_families_say_what_they_lack_beside_shares(folder: Path, call):
    study = folder / "study.toml"
    shares = study.read_text().replace('valid = "valid"\n', "")
    shares = shares.replace('migrants = "percent"', 'migrants = "percent"\npvv = "percent"\ndenk = "percent"')
    study.write_text(shares.replace('family = "binomial"', 'family = "beta_binomial"'))
    assert call("run", study).err == (
        "spatialvote: data.valid is missing, which model.family 'beta_binomial' needs: name the column with "
        "valid votes; for shares without counts set model.family to 'gaussian'\n"
    )
    gaussian = shares.replace('family = "binomial"', 'family = "gaussian"')
    study.write_text(gaussian.replace('denk = "percent"\n', ""))
    assert call("run", study).err == (
        "spatialvote: model.family 'gaussian' needs data.valid, or the unit of the shares in 'denk': name "
        "the column with valid votes, or give in data.units one of 'fraction', 'percent', 'per thousand', "
        "'per ten thousand'\n"
    )
