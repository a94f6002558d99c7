"""The priors: a prior that decides is found, one that does not passes, and what both are computed from."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta, expon, multivariate_normal

from spatialvote.analysis.checks import prior_predictive, prior_sensitivity
from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.marginal import Unknowns, log_marginal
from spatialvote.analysis.power_scaling import THRESHOLD, log_priors
from spatialvote.analysis.report.prior_evidence import prior_predictive_part, prior_sensitivity_part
from spatialvote.analysis.review import Review
from spatialvote.models.priors import BetaRho, HalfNormal, Priors
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.vote_share import VoteShareModel

FORMULA = "pvv ~ migrants + income"


def checked(module, districts, priors: Priors) -> Check:
    fit = VoteShareModel(FORMULA, priors=priors).fit(districts, "laplace", seed=3, progress=False)
    return module.run(Case.of(fit, districts, np.random.default_rng(0)))[0]


def test_default_priors_do_not_decide(fits, districts):
    for fit in (fits("bym2"), fits("none")):
        (check,) = prior_sensitivity.run(Case.of(fit, districts, np.random.default_rng(0)))
        assert check.verdict == "pass"
        for one in check.details["parameters"].values():
            assert one["prior"] < THRESHOLD <= one["likelihood"]
            assert one["diagnosis"] == ""
        assert check.details["contraction"]["beta: migrants"] < 0.2


def test_a_prior_that_decides_fails(districts):
    # The effect of ten points is -0.3 in truth, a coefficient of about -0.33 on the standardised column.
    check = checked(prior_sensitivity, districts, Priors(coefficient_sd=0.005))
    assert check.verdict == "fail"
    assert check.details["parameters"]["effect"]["diagnosis"] == "conflict"
    assert "decides the direction of the effect of ‘migrants’" in check.advice
    wide = checked(prior_sensitivity, districts, Priors())
    told = check.details["without_prior"]
    # The hyperparameters are those of the narrow prior, so it is the same to a few standard deviations only.
    assert told["mean_without"] == pytest.approx(wide.details["without_prior"]["mean"], abs=0.1)
    assert abs(told["mean"]) < 0.1 * abs(told["mean_without"])


def test_a_narrow_prior_of_sigma_is_warned_of_and_named(districts):
    check = checked(prior_sensitivity, districts, Priors(sigma=HalfNormal(0.05)))
    assert check.verdict == "warn"
    assert check.details["parameters"]["sigma"]["diagnosis"] == "conflict"
    assert "most on the prior of sigma" in check.advice


@pytest.mark.parametrize("structure", ["none", "iid", "bym2", "leroux", "sar"])
def test_the_marginal_likelihood_is_that_of_the_joint_normal(districts, structure):
    model = VoteShareModel(FORMULA, structure=structure)
    posterior, _ = model.posterior(districts)
    rng = np.random.default_rng(0)
    n, eta = districts.n, rng.normal(-1.2, 0.3, districts.n)
    share = 1 / (1 + np.exp(-eta))
    v = posterior.size * share * (1 - share)
    response = eta + (posterior.votes - posterior.size * share) / v
    coefficients = rng.normal([-1.2, -0.3, 0.2], 0.05, (4, 3))
    hyper = {name: rng.uniform(0.3, 0.7, 4) for name in posterior.hyperparameters}
    graph = scale_graph(n, *districts.edges)
    r = graph.matrix.toarray()
    expected = []
    for s in range(4):
        sigma, rho = (float(hyper.get(name, np.zeros(4))[s]) for name in ("sigma", "rho"))
        effects = sigma**2 * np.eye(n)
        if structure == "bym2":
            effects = sigma**2 * (
                (1 - rho) * np.eye(n) + rho * np.linalg.pinv(r, rcond=1e-10, hermitian=True)
            )
        elif structure == "leroux":
            effects = sigma**2 * np.linalg.inv((1 - rho) * np.eye(n) + rho * r)
        elif structure == "sar":
            follow = -r / np.diag(r)[:, None]
            follow[np.diag_indices(n)] = 0
            whole = np.eye(n) - rho * follow
            effects = sigma**2 * np.linalg.inv(whole.T @ whole)
        mean = posterior.design @ coefficients[s]
        expected.append(multivariate_normal(mean, effects + np.diag(1 / v)).logpdf(response))
    found = log_marginal(posterior, eta, Unknowns(coefficients, hyper))
    np.testing.assert_allclose(found - found[0], np.array(expected) - expected[0], rtol=1e-6, atol=1e-6)


def test_the_marginal_likelihood_integrates_levels_of_groups(districts):
    table = districts.table.assign(half=np.where(np.arange(districts.n) % 3, "a", "b"))
    grouped = replace(districts, table=table, roles=replace(districts.roles, groups=("half",)))
    posterior, _ = VoteShareModel("pvv ~ migrants + (1 | half)", structure="iid").posterior(grouped)
    eta = np.full(districts.n, -1.2)
    share = 1 / (1 + np.exp(1.2))
    v = posterior.size * share * (1 - share)
    response = eta + (posterior.votes - posterior.size * share) / v
    coefficients = np.array([[-1.2, -0.3], [-1.1, -0.2]])
    hyper = {"sigma": np.array([0.4, 0.5]), "sd_half": np.array([0.3, 0.8])}
    levels = posterior.design[:, 2:]
    expected = [
        multivariate_normal(
            posterior.design[:, :2] @ coefficients[s],
            np.diag(hyper["sigma"][s] ** 2 + 1 / v) + hyper["sd_half"][s] ** 2 * levels @ levels.T,
        ).logpdf(response)
        for s in range(2)
    ]
    found = log_marginal(posterior, eta, Unknowns(coefficients, hyper))
    assert found[1] - found[0] == pytest.approx(expected[1] - expected[0], rel=1e-8)


def test_log_priors_are_densities_of_the_parameters_themselves(districts):
    priors = Priors(rho=BetaRho(2, 3))
    posterior, _ = VoteShareModel(FORMULA, priors=priors).posterior(districts)
    hyper = {"sigma": np.array([0.1, 0.9]), "rho": np.array([0.2, 0.6])}
    found = log_priors(posterior, Unknowns(np.zeros((2, 3)), hyper))
    np.testing.assert_allclose(found["sigma"], expon(scale=-1 / np.log(0.01)).logpdf(hyper["sigma"]))
    np.testing.assert_allclose(found["rho"], beta(2, 3).logpdf(hyper["rho"]))
    np.testing.assert_allclose(found["coefficients"], -np.log(2 * np.pi))


def test_a_prior_that_believes_in_these_votes_passes(fits, districts):
    (check,) = prior_predictive.run(Case.of(fits("bym2"), districts, np.random.default_rng(0)))
    assert check.verdict == "pass"
    assert set(check.details["statistics"]) == {
        "overall share",
        "standard deviation of the districts' shares",
        "Moran's I of the shares",
    }
    effect = check.details["effect"]
    assert effect["low"] < 0 < effect["high"]
    assert len(check.details["maps"]["draws"]) == prior_predictive.SHOWN


def test_a_prior_that_believes_in_another_election_is_warned_of(districts):
    check = checked(prior_predictive, districts, Priors(intercept_mean=3.0, intercept_sd=0.3))
    assert check.verdict == "warn"
    assert "overall share" in check.advice


def test_a_careless_prior_is_told(districts):
    check = checked(prior_predictive, districts, Priors(intercept_sd=30.0))
    assert check.verdict == "pass"
    assert check.details["extreme"] > 0.5
    assert "consider narrower priors" in check.advice


def test_the_report_tells_both(fits, districts):
    fit = fits("bym2")
    case = Case.of(fit, districts, np.random.default_rng(0))
    review = Review((*prior_sensitivity.run(case), *prior_predictive.run(case)), "", {})
    part = prior_sensitivity_part(fit, review, districts)
    assert part is not None
    assert [row[0] for row in part.tables[0].rows] == [
        "intercept",
        "migrants",
        "income",
        "sigma",
        "rho",
        "effect of migrants",
    ]
    believed = prior_predictive_part(fit, review, districts)
    assert believed is not None
    assert "Before it sees votes" in believed.words[0]
    # These districts have no shapes, so there are no maps.
    assert believed.pictures == ()
    assert prior_predictive_part(fit, Review((), "", {}), districts) is None
