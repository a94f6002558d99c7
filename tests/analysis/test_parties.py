"""Effects on all shares, correlations of fields, the review and the page of several parties."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from spatialvote.analysis.party_effects import party_effect
from spatialvote.analysis.party_fields import effects_on_shares, field_correlations
from spatialvote.analysis.party_review import party_review, pivotal_residuals
from spatialvote.data.errors import FitError, ModelError
from spatialvote.data.simulate import simulate_city
from spatialvote.models.parties.fit import PartySharesFit
from spatialvote.models.parties.model import PartySharesModel

FORMULA = "national_list + diversity_list ~ migrant_share + higher_education"


@pytest.fixture(scope="module")
def city():
    return simulate_city(n_districts=60, seed=3).districts


@pytest.fixture(scope="module")
def fit(city):
    model = PartySharesModel(FORMULA, whole="electorate")
    return model.fit(city, seed=1, draws=200, tune=200, chains=2, progress=False)


def test_effects_sum_to_zero_and_follow_from_the_logits(fit, city):
    effect = party_effect(fit, city, points=10)
    np.testing.assert_allclose(effect.draws.sum(axis=1), 0, atol=1e-10)
    np.testing.assert_allclose(effect.by_district.sum(axis=1), 0, atol=1e-10)
    # By hand, one draw, one district at a time.
    scale = fit.constant("scale")[0]
    eta, beta = fit.draws("eta", slice(5, 6))[0], fit.draws("beta", slice(5, 6))[0, :, 0]
    change = city.roles.points("migrant_share", 10)

    def of(logits):
        weight = np.append(np.exp(logits), 1.0)
        return weight / weight.sum()

    by_hand = np.mean([of(one + beta * change / scale) - of(one) for one in eta], axis=0)
    np.testing.assert_allclose(effect.draws[5], 100 * by_hand, rtol=1e-9)


def test_parts_of_a_change_sum_to_it(fit, city):
    effect = party_effect(fit, city, points=10, weighting="voters")
    assert effect.through_turnout is not None
    np.testing.assert_allclose(effect.through_turnout + effect.through_votes, effect.draws[:, :2], atol=1e-10)
    away = effect.categories.index("no valid vote")
    np.testing.assert_allclose(effect.turnout, -effect.draws[:, away], atol=1e-10)
    rows = effect.decomposition()
    assert rows.index[-1] == "turnout"
    whole = rows.loc["national_list: share of the electorate", "mean"]
    parts = rows.loc[["national_list: through turnout", "national_list: through votes"], "mean"].sum()
    assert whole == pytest.approx(parts, abs=1e-10)


def by_hand(fit, **variables):
    """A fit with some of its draws replaced."""
    tree = fit.tree.copy()
    posterior = tree["posterior"].to_dataset()
    for name, values in variables.items():
        posterior[name] = (posterior[name].dims, values)
    tree["posterior"] = xr.DataTree(posterior)
    return PartySharesFit(tree, fit.model, fit.record)


def test_a_party_larger_because_others_stay_at_home(fit, city):
    """What turnout does is told apart from what voters do."""
    beta = np.zeros_like(fit.tree["posterior"]["beta"].to_numpy())
    beta[..., 2, 0] = 1.0
    effect = party_effect(by_hand(fit, beta=beta), city)
    told = effect.decomposition()["mean"]
    # More stay at home, and every party keeps its share of the votes: all of it is turnout.
    assert told["turnout"] < 0
    assert told["national_list: through votes"] == pytest.approx(0, abs=1e-10)
    assert told["national_list: share of the electorate"] == pytest.approx(
        told["national_list: through turnout"]
    )
    beta[..., :, 0] = 1.0
    told = party_effect(by_hand(fit, beta=beta), city).decomposition()["mean"]
    assert told["national_list: share of valid votes"] > told["national_list: share of the electorate"] > 0
    assert told["national_list: through turnout"] < 0


def test_correlations_of_shares_do_not_depend_on_the_baseline(fit):
    """The same draws against another baseline: third logit and rest change places."""
    told = field_correlations(fit)
    posterior = fit.tree["posterior"]
    transform = np.array([[1.0, 0, -1], [0, 1, -1], [0, 0, -1]])

    def moved(name, axis):
        return np.moveaxis(
            np.tensordot(posterior[name].to_numpy().astype(float), transform, axes=(axis, 1)), -1, axis
        )

    sigma = posterior["sigma"].to_numpy()
    covariance = sigma[..., :, None] * posterior["correlation"].to_numpy() * sigma[..., None, :]
    covariance = transform @ covariance @ transform.T
    sd = np.sqrt(np.einsum("...kk->...k", covariance))
    other = by_hand(
        fit,
        eta=moved("eta", 3),
        structured=moved("structured", 3),
        intercept=moved("intercept", 2),
        beta=moved("beta", 2),
        sigma=sd,
        correlation=covariance / (sd[..., :, None] * sd[..., None, :]),
    )
    again = field_correlations(other)
    pair = ("national_list", "diversity_list")
    for scale in (("share", "whole"), ("share", "structured"), ("clr", "whole"), ("clr", "structured")):
        # Logits are stored in single precision: their rounding of 1e-7 stays.
        found, expected = (one.loc[(*pair, *scale), "mean"] for one in (again, told))
        assert found == pytest.approx(expected, abs=1e-5)
    found, expected = (one.loc[(*pair, "against the rest", "whole"), "mean"] for one in (again, told))
    assert abs(found - expected) > 0.01


def test_effects_on_shares_of_one_district_by_hand(fit):
    effects = effects_on_shares(fit, slice(0, 1))[0, 4]
    with_field, without = fit.draws("eta", slice(0, 1))[0, 4], fit.fixed_part(slice(0, 1))[0, 4]

    def own(logits):
        weight = np.append(np.exp(logits), 1.0)
        return np.log(weight[:-1] / (weight.sum() - weight[:-1]))

    np.testing.assert_allclose(effects, own(with_field) - own(without), rtol=1e-9)


def test_residuals_are_pivotal(fit):
    """At the true parameters iid N(0, 1): draws of the posterior have a mean square near one."""
    residuals = pivotal_residuals(fit, np.arange(0, 400, 4))
    assert residuals.shape == (100, 60, 3)
    # 180 values of one draw have a mean square of standard error 0.1, and draws share the data.
    assert np.mean(residuals**2) == pytest.approx(1, abs=0.35)


def test_the_review_finds_what_was_changed(fit, city):
    checks = {one.name: one for one in party_review(fit, city)}
    for name in ("parties_fingerprints", "parties_log_likelihood"):
        assert checks[name].verdict == "pass"
    eta = fit.tree["posterior"]["eta"].to_numpy().copy()
    eta[:, :, 7, 0] += 0.01
    changed = {one.name: one for one in party_review(by_hand(fit, eta=eta), city)}
    assert changed["parties_log_likelihood"].verdict == "fail"
    assert changed["parties_log_likelihood"].value == 1
    table = city.table.copy()
    table.loc[table.index[3], "migrant_share"] += 0.001
    other = {one.name: one for one in party_review(fit, replace(city, table=table))}
    assert other["parties_fingerprints"].verdict == "fail"


def test_what_cannot_be_asked(fit, city):
    with pytest.raises(ModelError, match="column 'income' is not in formula"):
        party_effect(fit, city, "income", points=None)
    with pytest.raises(ModelError, match="weighting 'people' is unknown"):
        party_effect(fit, city, weighting="people")
    other = replace(
        city, table=city.table.assign(higher_education=city.table["higher_education"].to_numpy()[::-1])
    )
    with pytest.raises(FitError, match="the covariates of these districts are not those of the fit"):
        party_effect(fit, other)
