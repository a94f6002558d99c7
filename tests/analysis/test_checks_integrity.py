"""What was changed in a file, or in the districts, after the fit is found and named."""

from dataclasses import replace

import numpy as np
import pytest

from spatialvote.analysis.checks import draws_agree, fingerprints, likelihood, specification, stored_data
from spatialvote.analysis.checks.case import Case, Common
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit

ALL = ("data_fingerprint", "graph_fingerprint", "stored_data", "log_likelihood", "draws_agree")


def look(fit: Fit, districts: Districts) -> dict:
    case = Case.of(fit, districts, np.random.default_rng(0))
    modules = (fingerprints, stored_data, likelihood, draws_agree)
    return {check.name: check for module in modules for check in module.run(case)}


def failing(found: dict) -> set:
    assert set(found) == set(ALL)
    return {name for name, check in found.items() if check.verdict == "fail"}


@pytest.mark.parametrize("structure", ["bym2", "iid", "none"])
def test_an_untouched_file_passes(fits, districts, structure):
    assert failing(look(fits(structure), districts)) == set()


def test_untouched_after_saving(fits, districts, tmp_path):
    loaded = Fit.load(fits("bym2").save(tmp_path / "fit.nc"))
    assert failing(look(loaded, districts)) == set()


def test_one_changed_vote_in_the_districts(fits, altered):
    def add_a_vote(table) -> None:
        table.loc["D033", "pvv"] += 1

    found = look(fits("bym2"), altered(add_a_vote))
    assert failing(found) == {"data_fingerprint", "stored_data", "log_likelihood"}
    assert "votes of 'pvv' in 1 districts ('D033')" in found["data_fingerprint"].advice
    assert "votes of 'pvv' ('D033')" in found["stored_data"].advice
    assert "in 1 districts ('D033')" in found["log_likelihood"].advice


def test_one_changed_vote_in_the_file(fits, districts, tampered):
    def add_a_vote(votes: np.ndarray) -> None:
        votes[5] += 1

    found = look(tampered(fits("bym2"), "observed_data", "votes", add_a_vote), districts)
    assert failing(found) == {"stored_data"}
    assert found["stored_data"].details["differing"] == {"votes of 'pvv'": ["D005"]}


def test_a_changed_covariate(fits, altered):
    def change(table) -> None:
        table.loc[["D001", "D002"], "income"] += 0.5

    found = look(fits("bym2"), altered(change))
    assert {"data_fingerprint", "stored_data"} <= failing(found)
    assert "column 'income' ('D001', 'D002')" in found["stored_data"].advice


def test_a_changed_column_that_the_model_does_not_use(fits, districts):
    table = districts.table.assign(electorate=4000)
    roles = {**vars(districts.roles), "electorate": "electorate"}
    wider = Districts(
        table, type(districts.roles)(**roles), districts.graph, districts.graph_report, districts.about
    )
    found = look(fits("bym2"), wider)
    assert failing(found) == {"data_fingerprint"}
    assert "'electorate' only in one of the two" in found["data_fingerprint"].advice


def test_values_swapped_between_rows(fits, altered):
    def swap(table) -> None:
        rows = ["D010", "D020"]
        table.loc[rows, ["pvv", "valid"]] = table.loc[rows[::-1], ["pvv", "valid"]].to_numpy()

    found = look(fits("bym2"), altered(swap))
    assert failing(found) == {"data_fingerprint", "stored_data", "log_likelihood"}
    assert "valid votes in 2 districts ('D010', 'D020')" in found["data_fingerprint"].advice


def test_removed_link(fits, altered):
    found = look(fits("bym2"), altered(leave_out=1))
    assert failing(found) == {"graph_fingerprint", "stored_data"}
    assert found["graph_fingerprint"].details["removed"] == [["D000", "D001"]]
    assert "1 links of the fit are missing here ('D000 - D001')" in found["graph_fingerprint"].advice
    assert "links ('D000', 'D001')" in found["stored_data"].advice


def test_link_changed_in_the_file(fits, districts, tampered):
    def change(weight: np.ndarray) -> None:
        weight[0] = 2.0

    found = look(tampered(fits("bym2"), "constant_data", "edge_weight", change), districts)
    assert failing(found) == {"stored_data"}


@pytest.mark.parametrize("where", [(0, 0, 3), (2, 517, 3), (3, 999, 3)])
def test_a_single_tampered_draw_of_eta(fits, districts, tampered, where):
    def change(eta: np.ndarray) -> None:
        eta[where] += 0.01

    found = look(tampered(fits("bym2"), "posterior", "eta", change), districts)
    assert failing(found) == {"log_likelihood"}
    assert "'D003'" in found["log_likelihood"].advice
    assert "1 of 6000 draws" in found["log_likelihood"].advice


def test_a_tampered_likelihood(fits, districts, tampered):
    def flatter(stored: np.ndarray) -> None:
        stored[:, :, 9] += 0.1

    found = look(tampered(fits("iid"), "log_likelihood", "votes", flatter), districts)
    assert failing(found) == {"log_likelihood"}
    assert found["log_likelihood"].details == {"districts": ["D009"], "draws": 6000}


def test_a_likelihood_that_is_no_number(fits, districts, tampered):
    def blank(stored: np.ndarray) -> None:
        stored[0, 0, 0] = np.nan

    found = look(tampered(fits("iid"), "log_likelihood", "votes", blank), districts)
    assert failing(found) == {"log_likelihood"}


@pytest.mark.parametrize(
    ("structure", "name", "suspect"),
    [
        ("bym2", "beta", "'migrants'"),
        ("iid", "beta", "'migrants'"),
        ("iid", "intercept", "'intercept'"),
        ("iid", "sigma", "'spread (sigma, rho)'"),
        ("bym2", "sigma", "'spread (sigma, rho)'"),
    ],
)
def test_tampered_coefficients_and_sigma(fits, districts, tampered, structure, name, suspect):
    """A shift by ten posterior standard deviations; the likelihood, at eta, cannot see it."""

    def shift(values: np.ndarray) -> None:
        part = values[..., 0] if name == "beta" else values
        part += 10 * part.std()

    found = look(tampered(fits(structure), "posterior", name, shift), districts)
    assert failing(found) == {"draws_agree"}
    assert suspect in found["draws_agree"].advice


def test_tampered_coefficients_without_district_effects(fits, districts, tampered):
    def shift(beta: np.ndarray) -> None:
        beta[1, 0, 0] += 0.001

    found = look(tampered(fits("none"), "posterior", "beta", shift), districts)
    # One draw in 6,000 may not be among those looked at.
    assert failing(found) <= {"draws_agree"}

    def shift_all(beta: np.ndarray) -> None:
        beta[..., 0] += 0.001

    assert failing(look(tampered(fits("none"), "posterior", "beta", shift_all), districts)) == {"draws_agree"}


def test_another_specification_than_the_study_asks_for(fits, districts):
    fit = fits("bym2")
    asked = replace(fit.model, formula="pvv ~ migrants", priors=replace(fit.model.priors, coefficient_sd=2.0))
    rng = np.random.default_rng(0)

    def compared(claimed):
        return specification.run(Case(fit, districts, rng, Common(fit, districts, None, claimed)))

    assert compared(None) == ()
    assert compared(fit.model)[0].verdict == "pass"
    (check,) = compared(asked)
    assert check.verdict == "warn"
    assert check.details["differing"] == {
        "formula": [fit.model.formula, "pvv ~ migrants"],
        "priors.coefficient_sd": [1.0, 2.0],
    }
    assert "priors.coefficient_sd (fit: 1.0, study: 2.0)" in check.advice
