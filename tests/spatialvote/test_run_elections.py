"""Study files of four real elections: the command gives the posterior that an independent program found."""

import json
from pathlib import Path

import arviz as az
import numpy as np
import pytest

from spatialvote.models.fit import Fit

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

#: Study file, with {data} for the folder of the tables; priors are those of the reference.
STUDY = """\
[study]
title = "{name}"
seed = 11
output = "results"

[data]
table = "{data}/{table}.csv"
geometry = "{data}/{table}.geojson"
edges = "{data}/{edges}.csv"
id = "{id}"
valid = "{valid}"
migrants = "{migrants}"
covariates = ["{first}", "{second}"]
votes = {{ {party} = "{votes}" }}

[data.units]
{migrants} = "{unit}"

[data.definitions]
{migrants} = {{ definition = "as the office counts them", source = "the table's own documentation" }}

[data.about]
name = "{name}"
unit = "{district}"
year = {year}

[model]
formula = "{party} ~ {migrants} + {first} + {second}"

[model.priors]
rho = {{ prior = "beta", a = 1, b = 1 }}
"""
NETHERLANDS = {
    "name": "Netherlands, House of Representatives",
    "district": "municipality",
    "year": 2023,
    "table": "nl_tk2023_gemeente/nl_tk2023_gemeente_joined",
    "edges": "nl_tk2023_gemeente/adjacency_queen",
    "id": "gm",
    "valid": "valid",
    "migrants": "pct_migration_background_2021",
    "unit": "percent",
    "first": "edu_appl_sci",
    "second": "income_high",
}
#: Name in the reference to the command and what fills the study file.
ELECTIONS = {
    "nl_tk2023_pvv": ("run", NETHERLANDS | {"party": "pvv", "votes": "pvv"}),
    "nl_tk2023_denk": ("fit", NETHERLANDS | {"party": "denk", "votes": "denk"}),
    "de_btw2017_afd": (
        "fit",
        {
            "name": "Germany, Bundestag",
            "district": "constituency",
            "year": 2017,
            "table": "de_btw2017_wahlkreis/de_btw2017_wahlkreis_joined",
            "edges": "de_btw2017_wahlkreis/adjacency_queen_fullres",
            "id": "WKR_NR",
            "valid": "valid",
            "party": "afd",
            "votes": "afd",
            "migrants": "foreign_pct",
            "unit": "percent",
            "first": "abitur_pct",
            "second": "disp_income_eur",
        },
    ),
    "dk_2015_df_kommune": (
        "fit",
        {
            "name": "Denmark, Folketing",
            "district": "municipality",
            "year": 2015,
            "table": "dk_folketing_valgsted/dk_kommune_joined",
            "edges": "dk_folketing_valgsted/adjacency_kommune_fuzzy60m",
            "id": "kommune_nr",
            "valid": "valid_2015",
            "party": "df",
            "votes": "df_2015",
            "migrants": "nonwestern_per_10000",
            "unit": "per ten thousand",
            "first": "higher_edu_25_64_pct",
            "second": "unemployed_pct",
        },
    ),
}


@pytest.mark.parametrize("election", list(ELECTIONS))
def test_a_study_file_gives_the_independent_posterior(election, shared_data: Path, tmp_path: Path, call):
    command, filling = ELECTIONS[election]
    study = tmp_path / "study.toml"
    study.write_text(STUDY.format(data=shared_data.as_posix(), **filling))
    called = call(command, study)
    assert called.code == 0, called.out + called.err

    reference = json.loads((shared_data / "../reference/posteriors.json").read_text())["fits"][election]
    posterior = Fit.load(tmp_path / "results" / "fit.nc").tree["posterior"]
    expected = {"intercept": reference["alpha"], "sigma": reference["sigma"], "rho": reference["rho"]}
    for name, (mean, sd) in (expected | reference["beta"]).items():
        draws = (posterior[name] if name in expected else posterior["beta"].sel(coefficient=name)).to_numpy()
        # Both posteriors are simulated: four standard errors of their difference.
        error = np.hypot(draws.std() / np.sqrt(float(az.ess(draws))), sd / np.sqrt(reference["min_ess"]))
        assert abs(draws.mean() - mean) < 4 * error, name
        assert draws.std() == pytest.approx(sd, rel=0.10), name
