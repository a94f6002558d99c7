"""The code in a report makes the same districts, the same model and the same draws."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spatialvote.analysis.report.code import reproducing_code
from spatialvote.data.districts import About, Districts
from spatialvote.data.read import read_districts
from spatialvote.data.simulate import simulate_city
from spatialvote.models.fit import Fit
from spatialvote.models.priors import BetaRho, HalfNormal, Priors
from spatialvote.models.vote_share import VoteShareModel


def run(code: str) -> dict:
    """Run code up to the fit; review and report have tests of their own."""
    names: dict = {}
    exec(compile(code.split("fit.save(")[0], "report", "exec"), names)
    return names


def refit(code: str) -> Fit:
    """Run code without a progress bar."""
    return run(code.replace("model.fit(districts,", "model.fit(districts, progress=False,"))["fit"]


def write_districts(districts: Districts, folder: Path) -> None:
    table = pd.DataFrame(districts.table.drop(columns="geometry")).reset_index(names='it\'s an "id"')
    table.to_csv(folder / "table.csv", index=False)
    i, j, _ = districts.edges
    pd.DataFrame({"a": districts.ids[i], "b": districts.ids[j]}).to_csv(folder / "edges.csv", index=False)


def test_it_reads_the_same_files_and_draws_the_same_numbers(districts, tmp_path, monkeypatch):
    write_districts(districts, tmp_path)
    again = read_districts(
        tmp_path / "table.csv",
        id='it\'s an "id"',
        votes=["pvv"],
        valid="valid",
        migrants="migrants",
        covariates=["income"],
        units={"migrants": "percent"},
        edges=tmp_path / "edges.csv",
        about=About("A \\ 'place'\n", "square", year=2020),
    )
    priors = Priors(intercept_mean=0.0, sigma=HalfNormal(2.0), rho=BetaRho(2.0, 1.5))
    model = VoteShareModel("pvv ~ migrants", priors=priors, standardise=False)
    fit = model.fit(again, seed=8, draws=50, tune=200, chains=2, progress=False)
    code = reproducing_code(fit, again)
    assert str(tmp_path) not in code, "folders of one machine are nobody else's business"
    monkeypatch.chdir(tmp_path)
    names = run(code.split("fit = ")[0])
    assert names["districts"].fingerprint == again.fingerprint
    assert names["districts"].about == again.about
    assert names["model"] == fit.model
    np.testing.assert_array_equal(refit(code).draws("beta"), fit.draws("beta"))


def test_it_simulates_the_same_city():
    districts = simulate_city(seed=3, n_districts=25, islands=1).districts
    fit = VoteShareModel("diversity_list ~ migrant_share", structure="none").fit(
        districts, seed=4, draws=50, tune=100, chains=2, progress=False
    )
    code = reproducing_code(fit, districts)
    assert "simulate_city(seed=3, n_districts=25, islands=1, second_component=False)" in code
    np.testing.assert_array_equal(refit(code).draws("beta"), fit.draws("beta"))


def test_a_source_that_is_not_a_plain_call_is_not_run(districts, fits):
    # `districts` is marked as simulated but was built by hand.
    code = reproducing_code(fits("none"), districts)
    assert "# Put here the districts" in code
    assert "simulate_city" not in code
    compile(code, "report", "exec")


@pytest.mark.parametrize("name", ['a"b', "a'b", "a\\", "both \"' of them", "line\nbreak", "{x}"])
def test_names_from_data_are_texts(name, districts, fits):
    model = VoteShareModel("pvv ~ migrants")
    object.__setattr__(model, "formula", name)
    code = reproducing_code(Fit(fits("none").tree, model, fits("none").record), districts)
    literal = code.split("VoteShareModel(\n    ")[1].split(",\n    family")[0]
    assert eval(literal) == name
