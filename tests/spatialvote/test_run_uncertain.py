"""A study file with incomes that were not published, fitted from the command line."""

import numpy as np
import pytest

from spatialvote.cli import main
from spatialvote.models.fit import Fit

pytestmark = pytest.mark.real_data

STUDY = """\
[study]
title = "Income was not published in six municipalities"
seed = 1
output = "results"

[data]
table = "{data}/nl_tk2023_gemeente_joined.csv"
edges = "{data}/adjacency_queen.csv"
id = "gm"
votes = {{ pvv = "pvv" }}
valid = "valid"
migrants = "pct_migration_background_2021"
covariates = ["edu_appl_sci", "std_income_k_2021"]
units = {{ pct_migration_background_2021 = "percent", std_income_k_2021 = "1000 EUR" }}
{uncertain}
[data.definitions.pct_migration_background_2021]
definition = "first and second generation"
source = "Statistics Netherlands, table 70072ned, 2021"

[data.about]
name = "Netherlands, House of Representatives"
unit = "municipality"
year = 2023

[model]
formula = "pvv ~ pct_migration_background_2021 + edu_appl_sci + std_income_k_2021"

[engine]
draws = 100
tune = 200
chains = 2
"""
ISLANDS = {"GM0060", "GM0088", "GM0093", "GM0096"}  # Ameland, Schiermonnikoog, Terschelling, Vlieland


def write(tmp_path, shared_data, uncertain):
    path = tmp_path / "study.toml"
    text = STUDY.format(data=shared_data / "nl_tk2023_gemeente", uncertain=uncertain)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_without_a_declaration_the_study_is_refused(tmp_path, shared_data, capsys):
    assert main(["fit", write(tmp_path, shared_data, "")]) == 2
    assert "column 'std_income_k_2021' has no value in 6 districts" in capsys.readouterr().err


def test_with_it_incomes_are_unknowns_of_the_fit(tmp_path, shared_data):
    declared = 'uncertain.std_income_k_2021 = { missing = true, scale = "log" }\n'
    assert main(["fit", write(tmp_path, shared_data, declared)]) == 0
    fit = Fit.load(tmp_path / "results" / "fit.nc")
    ids = {one.split("[")[1][:-1] for one in fit.unknown}
    assert ids == ISLANDS | {"GM0277", "GM0339"}  # and Rozendaal and Renswoude
    drawn = fit.draws("unknown")
    # Known incomes run from 28 to 57 thousand euros, half of them from 33 to 37.
    assert (np.median(drawn, axis=0) > 25).all()
    assert (np.median(drawn, axis=0) < 50).all()
    assert drawn.std(axis=0).min() > 0.5
