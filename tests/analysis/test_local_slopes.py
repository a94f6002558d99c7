"""A slope that varies over the map: effects, checks, maps, report; against sums by hand and dense algebra."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from spatialvote.analysis.checks import draws_agree, prior_sensitivity
from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.counterfactual import counterfactual
from spatialvote.analysis.curve import curve
from spatialvote.analysis.effects.effect import effect
from spatialvote.analysis.effects.slopes import slopes
from spatialvote.analysis.figures.local_slopes import map_local_slopes
from spatialvote.analysis.local_slopes import local_slopes
from spatialvote.analysis.marginal import Unknowns, log_marginal
from spatialvote.analysis.report.code import reproducing_code
from spatialvote.analysis.report.local_slopes import local_part
from spatialvote.analysis.report.methods import _model
from spatialvote.analysis.report.priors import prior_table
from spatialvote.analysis.variants import make_variants
from spatialvote.analysis.working_model import WorkingModel
from spatialvote.data.errors import ModelError
from spatialvote.data.simulate import simulate_city
from spatialvote.models.latent.levels import as_latent
from spatialvote.models.vote_share import VoteShareModel

FORMULA = "national_list ~ migrant_share + income"
MODEL = VoteShareModel(FORMULA, varying="migrant_share")


@pytest.fixture(scope="module")
def districts():
    return simulate_city(seed=4, n_districts=60, islands=1).districts


@pytest.fixture(scope="module")
def fit(districts):
    return MODEL.fit(districts, "laplace", seed=1, draws=300, progress=False)


def test_effects_take_every_district_s_own_slope(fit, districts):
    table = local_slopes(fit).table
    k, scale = fit.coefficients.index("migrant_share"), fit.constant("scale")
    # The share is stored in percent, so that ten points are ten units.
    slope = (fit.draws("beta")[:, [k]] + fit.draws("slope")) * 10.0 / scale[k]
    np.testing.assert_allclose(table["mean"], slope.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(table["high"], np.quantile(slope, 0.975, axis=0), rtol=1e-5)
    eta = fit.draws("eta")
    by_hand = 100 * (1 / (1 + np.exp(-eta - slope)) - 1 / (1 + np.exp(-eta))).mean(axis=1)
    told = effect(fit, districts, "migrant_share", points=10)
    np.testing.assert_allclose(told.draws, by_hand, rtol=1e-5)
    same = counterfactual(fit, districts, {"migrant_share": districts.table["migrant_share"] + 10.0})
    np.testing.assert_allclose(same.draws, by_hand, rtol=1e-5)
    # The response's derivative by the covariate, at each draw, is p (1 - p) times the own slope.
    p = 1 / (1 + np.exp(-eta))
    derivative = 100 * (p * (1 - p) * slope / 10.0).mean()
    found = slopes(fit, districts, "migrant_share").table["estimate"].iloc[0]
    assert found == pytest.approx(derivative, rel=1e-3)
    with pytest.raises(ModelError, match=r"varies over the map, .* ask for local_slopes"):
        curve(fit, districts, "migrant_share")


def test_the_marginal_likelihood_integrates_the_slope_and_the_levels(districts):
    """Against the joint normal of dense algebra, levels with correlated slopes beside the field of slopes."""
    model = VoteShareModel(f"{FORMULA} + (1 + income | quarter)", varying="migrant_share")
    posterior, design = model.posterior(districts)
    latent = as_latent(posterior, design)
    rng = np.random.default_rng(0)
    n, eta = districts.n, rng.normal(-1.2, 0.3, districts.n)
    share = 1 / (1 + np.exp(-eta))
    v = posterior.size * share * (1 - share)
    response = eta + (posterior.votes - posterior.size * share) / v
    coefficients = rng.normal([-1.2, -0.3, 0.2], 0.05, (3, 3))
    hyper = {name: rng.uniform(0.3, 0.7, 3) for name in posterior.hyperparameters}
    fixed = posterior.column_group == 0
    inverse = np.linalg.pinv(posterior.field.graph.matrix.toarray(), rcond=1e-10, hermitian=True)
    x, levels = posterior.varying, posterior.design[:, ~fixed]
    expected = []
    for s in range(3):
        at = {name: value[s] for name, value in hyper.items()}
        total = at["sigma"] ** 2 * ((1 - at["rho"]) * np.eye(n) + at["rho"] * inverse)
        total += at["sigma_slope"] ** 2 * np.outer(x, x) * inverse + np.diag(1 / v)
        total += levels @ posterior.coefficient_covariance(at)[np.ix_(~fixed, ~fixed)] @ levels.T
        expected.append(
            multivariate_normal(posterior.design[:, fixed] @ coefficients[s], total).logpdf(response)
        )
    found = log_marginal(posterior, eta, Unknowns(coefficients, hyper), latent)
    # The slope's field is grounded by 1e-6 at one district.
    np.testing.assert_allclose(found - found[0], np.array(expected) - expected[0], rtol=1e-5, atol=1e-5)


def test_the_working_model_has_the_covariance_of_the_slope(districts):
    posterior, _ = MODEL.posterior(districts)
    information = np.random.default_rng(1).uniform(5.0, 50.0, districts.n)
    working = WorkingModel(posterior, information, sigma=0.5, rho=0.7, slope=0.3)
    inverse = np.linalg.pinv(posterior.field.graph.matrix.toarray(), rcond=1e-10, hermitian=True)
    effects = 0.25 * (0.3 * np.eye(districts.n) + 0.7 * inverse)
    effects += 0.09 * np.outer(posterior.varying, posterior.varying) * inverse
    columns = posterior.design
    expected = np.linalg.solve(effects + np.diag(1 / information), columns)
    np.testing.assert_allclose(working.solve(columns), expected, rtol=1e-5, atol=1e-6)
    row = columns[:, 1]
    assert working.variance(row) == pytest.approx(row @ (effects + np.diag(1 / information)) @ row, rel=1e-6)


def test_checks_know_the_slope(fit, districts):
    case = Case.of(fit, districts, np.random.default_rng(0))
    (agree,) = draws_agree.run(case)
    assert agree.verdict == "pass"
    assert "spread of the slope of 'migrant_share'" in agree.details["p_values"]
    # Slopes that were made twice as large in the file do not belong to their spread.
    posterior = fit.tree["posterior"].to_dataset()
    wrong = fit.tree.copy()
    wrong["posterior"] = wrong["posterior"].assign(slope=2 * posterior["slope"])
    (changed,) = draws_agree.run(Case.of(replace(fit, tree=wrong), districts, np.random.default_rng(0)))
    assert changed.verdict == "fail"
    (sensitive,) = prior_sensitivity.run(case)
    assert "sigma_slope" in sensitive.details["parameters"]


def test_only_bym2_variants_keep_the_slope(fit, districts):
    posterior, design = MODEL.posterior(districts)
    variants = make_variants(fit, districts, design, posterior.field.graph).all
    for one in variants:
        assert (one.model.varying is not None) == (one.model.structure == "bym2"), one.key
        one.model.posterior(one.districts)


def test_the_report_tells_the_slope(fit, districts):
    part = local_part(fit, districts)
    assert part.heading == "Slope of residents with migration background over the map"
    assert len(part.pictures) == 2
    below, above = local_slopes(fit).settled()
    assert f"in {above} of 60 districts, below zero in {below}" in part.pictures[1].caption
    assert local_part(replace(fit, model=replace(MODEL, varying=None)), districts) is None
    assert "varied over the map [@assuncao2003]" in _model(fit, districts)
    assert "varying='migrant_share'" in reproducing_code(fit, districts).replace('"', "'")
    assert "P(sigma_slope > 0.2) = 0.01" in str(prior_table(fit, districts).rows)
    figures = map_local_slopes(local_slopes(fit), districts, called="share of migrants")
    assert [len(figure.axes) > 0 for figure in figures] == [True, True]
