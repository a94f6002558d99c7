"""Replicated votes, dispersion and space: what a model leaves out is found by the check that asks for it."""

import numpy as np
import pytest
from scipy.special import expit

from spatialvote.analysis.checks import dispersion, information, pit, predictive, space_after, space_before
from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.geary import Geary
from spatialvote.analysis.moran import Moran
from spatialvote.analysis.residuals import thin
from spatialvote.models.vote_share import VoteShareModel


def look(module, fit, districts) -> dict:
    return {check.name: check for check in module.run(Case.of(fit, districts, np.random.default_rng(0)))}


def verdicts(found: dict) -> dict:
    return {name: check.verdict for name, check in found.items()}


@pytest.mark.parametrize("structure", ["bym2", "iid"])
def test_replicates_of_a_model_with_district_effects_resemble_the_votes(fits, districts, structure):
    found = look(predictive, fits(structure), districts)
    assert verdicts(found) == dict.fromkeys(found, "pass")
    assert len(found) == 5
    found = look(dispersion, fits(structure), districts) | look(pit, fits(structure), districts)
    assert verdicts(found) == dict.fromkeys(found, "pass")
    assert set(found) == {
        "dispersion",
        "dispersion_by_size",
        "dispersion_by_share",
        "pit",
        "pit_extreme",
    }


def test_overdispersion_without_district_effects(fits, districts):
    found = look(predictive, fits("none"), districts) | look(dispersion, fits("none"), districts)
    assert found["predictive_spread"].verdict == "fail"
    assert "district effects" in found["predictive_spread"].advice
    assert found["dispersion"].verdict == "fail"
    # sigma = 0.5 at about 300 units of information: 1 + 300 / 4.
    assert 30 < found["dispersion"].details["ratio"] < 150


def test_votes_without_district_effects_are_not_overdispersed(districts, altered):
    rng = np.random.default_rng(9)

    def plain(table) -> None:
        table["pvv"] = rng.binomial(table["valid"], expit(-1 - 0.02 * (table["migrants"] - 20)))

    simple = altered(plain)
    fit = VoteShareModel("pvv ~ migrants", structure="none").fit(
        simple, seed=1, draws=300, tune=300, chains=2, progress=False
    )
    for module in (dispersion, predictive, space_after):
        found = look(module, fit, simple)
        assert verdicts(found) == dict.fromkeys(found, "pass")
    assert look(dispersion, fit, simple)["dispersion"].details["ratio"] == pytest.approx(1, abs=0.4)


def test_p_value_counts_replicates_above_and_half_of_the_ties(fits, districts):
    case = Case.of(fits("iid"), districts, np.random.default_rng(0))
    zeros = look(predictive, fits("iid"), districts)["predictive_zeros"]
    assert set(zeros.details["replicated"]) == {0.0}
    assert zeros.value == 0.5
    spread = predictive.run(case)[1]
    replicated = np.array(spread.details["replicated"])
    assert spread.value == np.mean(replicated > spread.details["observed"])


def test_new_effects_differ_from_the_fitted_ones_and_follow_sigma(fits, districts):
    fit = fits("iid")
    at = thin(fit, 400)
    case = Case.of(fit, districts, np.random.default_rng(2))
    votes = predictive.replicate(case, at)
    assert votes.shape == (400, districts.n)
    # Crude logits spread by sigma and a little counting noise about mu; standard error of an sd: 0.3 %.
    effects = np.log((votes + 0.5) / (fit.size - votes + 0.5)) - fit.fixed_part()[at]
    assert effects.std() == pytest.approx(fit.draws("sigma")[at].mean(), rel=0.05)
    own = (fit.draws("eta") - fit.fixed_part())[at]
    # No more than chance: 146 districts, five standard errors.
    assert abs(np.corrcoef(effects.mean(axis=0), own.mean(axis=0))[0, 1]) < 5 / np.sqrt(districts.n)


def test_zeros_where_the_party_did_not_stand(districts, altered):
    """Every tenth district has no vote at all, which no normal effect explains."""

    def withdraw(table) -> None:
        table.loc[table.index[::10], "pvv"] = 0

    absent = altered(withdraw)
    fit = VoteShareModel("pvv ~ migrants", structure="iid").fit(
        absent, seed=1, draws=300, tune=400, chains=2, progress=False
    )
    found = look(predictive, fit, absent)
    assert found["predictive_zeros"].verdict in {"warn", "fail"}
    assert "stood everywhere" in found["predictive_zeros"].advice


@pytest.mark.parametrize("statistic", ["moran", "geary"])
def test_space_is_accounted_for_by_bym2_alone(fits, districts, statistic):
    found = {
        one: look(space_after, fits(one), districts)[f"{statistic}_residual"]
        for one in ("bym2", "iid", "none")
    }
    assert verdicts(found) == {"bym2": "pass", "iid": "fail", "none": "fail"}
    assert "'bym2'" in found["iid"].advice
    assert found["iid"].details["share_beyond_95"] == 1.0
    for check in found.values():
        assert len(check.details["observed"]) == len(check.details["reference"]) == 1000


def test_residual_moran_p_value_by_hand():
    observed, reference = np.array([0.0, 0.5, 0.3]), np.array([0.1, 0.3, -0.1])
    check = space_after.judge(Moran, "iid", observed, reference)
    # P(reference >= observed): 2/3, 0 and 1/3.
    assert check.value == pytest.approx(1 / 3)
    # P(reference <= observed): 1/3, 1 and 1.
    assert space_after.judge(Geary, "iid", observed, reference).value == pytest.approx(7 / 9)


@pytest.mark.parametrize(
    ("quantile", "verdict", "advice"),
    [
        (0.5, "pass", "white noise"),
        (0.985, "warn", "still alike"),
        (0.999, "fail", "still alike"),
        (0.01, "warn", "swapped"),
    ],
)
def test_verdicts_of_the_residual_moran(quantile, verdict, advice):
    reference = np.random.default_rng(0).normal(0, 0.06, 1000)
    check = space_after.judge(Moran, "bym2", np.full(10, np.quantile(reference, quantile)), reference)
    # The quantile is between two of the thousand.
    assert check.value == pytest.approx(1 - quantile, abs=0.001)
    assert check.verdict == verdict
    assert advice in check.advice


def test_space_before_the_model(fits, districts):
    found = look(space_before, fits("bym2"), districts)
    statistics = ("moran", "geary", "getis_ord")
    assert verdicts(found) == {f"{one}_{of}": "info" for of in ("raw", "nonspatial") for one in statistics}
    # rho = 0.9: neighbours are alike, the more so when the covariates, which are not, are accounted for.
    assert found["moran_nonspatial"].value > found["moran_raw"].value > 0.2
    assert found["geary_nonspatial"].value < found["geary_raw"].value < 0.9
    for one in ("moran", "geary"):
        for of in ("raw", "nonspatial"):
            assert found[f"{one}_{of}"].details["p_value"] == 0.001
    assert found["moran_nonspatial"].details["extra_sd"] == pytest.approx(0.5, abs=0.15)


def test_no_links_leave_nothing_to_say_about_space(fits, altered):
    alone = altered(leave_out=10_000)
    assert space_before.run(Case.of(fits("iid"), alone, np.random.default_rng(0))) == ()
    check = look(space_after, fits("iid"), alone)["moran_residual"]
    assert (check.verdict, check.value) == ("info", 0)


def test_information(fits, districts, counts):
    check = look(information, fits("iid"), districts)["information"]
    assert (check.verdict, check.value, check.details["districts"]) == ("info", 0, [])
    fit = VoteShareModel("pvv ~ migrants", family="poisson", structure="iid").fit(
        counts, seed=1, draws=200, tune=300, chains=2, progress=False
    )
    check = look(information, fit, counts)["information"]
    # Exposure below 10 does not occur, rates go down to about 0.3.
    assert check.value == len(check.details["districts"]) / 100 < 0.5
