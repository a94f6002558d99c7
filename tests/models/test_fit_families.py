"""Fits with further families, groups and absent parties: what they hold, and that files keep it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel

SETTINGS = {"seed": 3, "draws": 150, "tune": 150, "chains": 2, "progress": False}
AWAY = [2, 5, 7, 30]


@pytest.fixture(scope="module")
def counted(make_districts):
    """Districts of which four, an island among them, have no votes for the party."""
    districts = make_districts()
    votes = districts.table["party"].to_numpy().copy()
    votes[AWAY] = 0
    return replace(districts, table=districts.table.assign(party=votes))


@pytest.fixture(scope="module")
def shared(counted):
    """The same with shares in percent, and nothing else known."""
    share = 100 * counted.table["party"] / counted.table["valid"]
    roles = replace(counted.roles, votes={"party": "party"}, valid=None, exposure=None)
    roles = replace(roles, units={**roles.units, "party": "percent"})
    return replace(counted, table=counted.table.assign(party=share), roles=roles)


@pytest.fixture(scope="module", params=["beta_binomial", "gaussian"])
def fit(request, counted, shared) -> Fit:
    """A fit with a group and absent parties."""
    beta_binomial = request.param == "beta_binomial"
    model = VoteShareModel(
        "party ~ migrants + (1 | quarter)",
        request.param,
        "bym2" if beta_binomial else "none",
        absent="zero votes",
    )
    return model.fit(counted if beta_binomial else shared, **SETTINGS)


def test_every_unknown_is_there_by_its_name(fit):
    posterior = fit.tree["posterior"]
    own = {"beta_binomial": "overdispersion", "gaussian": "noise"}[fit.model.family]
    field = {"sigma", "rho", "phi"} if fit.model.structure == "bym2" else set()
    assert set(posterior.data_vars) == {
        *{"intercept", "beta", "eta", own, "sd_quarter", "effect_quarter"},
        *field,
    }
    assert set(fit.tree["prior"].data_vars) == set(posterior.data_vars) - {"phi"}
    assert posterior["effect_quarter"].dims == ("chain", "draw", "level_quarter")
    assert posterior["level_quarter"].to_numpy().tolist() == ["new", "old"]
    assert fit.groups == ("quarter",)
    assert (fit.dispersion() > 0).all()
    assert fit.dispersion(np.array([1, 2])).shape == (2,)


def test_absent_parties_say_nothing_and_get_a_predicted_share(fit):
    stood = fit.stood
    assert np.flatnonzero(~stood).tolist() == AWAY
    for group in ("log_likelihood", "posterior_predictive", "prior_predictive"):
        values = fit.tree[group]["votes"].to_numpy()
        assert np.isfinite(values).all()
        assert (values[..., ~stood] == 0).all()
        assert (values[..., stood] != 0).any()
    assert np.isnan(fit.share[~stood]).all()
    assert (fit.size > 0).all()
    predicted = expit(fit.draws("eta"))[:, ~stood].mean(axis=0)
    # Between the shares of the districts where it stood: the covariates are alike.
    assert (predicted > fit.share[stood].min()).all()
    assert (predicted < fit.share[stood].max()).all()
    assert fit.record["absent"]["count"] == len(AWAY)


def test_observed_shares_are_those_of_the_table(fit, counted):
    stood = fit.stood
    np.testing.assert_allclose(fit.share[stood], counted.share("party")[stood], rtol=1e-12)


def test_the_linear_predictor_is_made_of_its_parts(fit):
    rest = fit.draws("eta") - fit.fixed_part()
    if fit.model.structure == "none":
        # eta is kept in single precision.
        np.testing.assert_allclose(rest, 0, atol=1e-6)
    else:
        # theta of 31 districts is iid N(0, 1) at any honest draw: four standard errors of its deviation.
        structured = (fit.draws("sigma") * np.sqrt(fit.draws("rho")))[:, None] * fit.draws("phi")
        scale = (fit.draws("sigma") * np.sqrt(1 - fit.draws("rho")))[:, None]
        theta = ((rest - structured) / scale).ravel()
        assert theta.std() == pytest.approx(1, abs=4 / np.sqrt(2 * 31))


def test_a_saved_fit_is_the_same(fit, tmp_path):
    again = Fit.load(fit.save(tmp_path / "fit.nc"))
    assert again.model == fit.model
    assert again.record["absent"] == fit.record["absent"]
    np.testing.assert_array_equal(again.stood, fit.stood)
    np.testing.assert_array_equal(again.fixed_part(), fit.fixed_part())
    np.testing.assert_array_equal(again.dispersion(), fit.dispersion())
