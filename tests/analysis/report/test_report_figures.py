"""What the figures of a report are drawn from: parameters, priors, predictive statistics, and fields."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from spatialvote.analysis.report.fields import district_fields
from spatialvote.analysis.report.focus import parameter_names
from spatialvote.analysis.report.predictions import predictions_part
from spatialvote.analysis.report.priors import parameter_draws, prior_sd
from spatialvote.models.priors import BetaRho, HalfNormal, PCSigma, Priors
from spatialvote.models.vote_share import VoteShareModel

CITY_FORMULA = "national_list ~ migrant_share + higher_education + income"


def test_parameters_have_the_names_of_their_columns(city, city_fit, city_review, city_page):
    assert "beta: " not in city_page.text
    assert "The draws of sigma, rho, intercept, residents with migration background and" in city_page.text
    names = parameter_names(city_fit.coefficients, city.districts)
    assert names["beta: migrant_share"] == "residents with migration background"
    assert parameter_names(["sigma", "x[T.b]"], city.districts) == {
        "beta: sigma": "beta: sigma",
        "beta: x[T.b]": "x[T.b]",
    }


def test_prior_sds_are_exact_where_they_have_a_closed_form(city_fit):
    """Against 200,000 draws of each prior; their sd has a relative error below 0.5 %."""
    rng = np.random.default_rng(8)
    rho, sigma = BetaRho(2.0, 3.0), HalfNormal(0.7)
    sample = {"intercept": np.arange(3.0), "beta: income": np.arange(3.0)}
    sample |= {"sigma": np.arange(3.0), "rho": np.arange(3.0)}
    fit = SimpleNamespace(
        model=VoteShareModel(CITY_FORMULA, priors=Priors(sigma=sigma, rho=rho)),
        coefficients=["income"],
        groups=(),
    )
    found = prior_sd(fit, sample)
    assert (found["intercept"], found["beta: income"]) == (1.5, 1.0)
    assert found["sigma"] == pytest.approx(sigma.draw(rng, 200_000).std(), rel=0.01)
    assert found["rho"] == pytest.approx(rng.beta(2, 3, 200_000).std(), rel=0.01)
    prior = parameter_draws(city_fit, "prior")
    found = prior_sd(city_fit, prior)
    assert found["sigma"] == pytest.approx(PCSigma().draw(rng, 200_000).std(), rel=0.01)
    assert found["rho"] == prior["rho"].std(), "the prior of rho has no closed form"


def test_statistics_that_are_zero_everywhere_are_not_drawn(city, city_fit, city_review):
    def shown(review):
        return predictions_part(city_fit, review, city.districts).pictures[0]

    def with_zeros(observed):
        checks = [
            replace(one, details={**one.details, "observed": observed, "replicated": [0.0, 0.0]})
            if one.name == "predictive_zeros"
            else one
            for one in city_review.checks
        ]
        return replace(city_review, checks=tuple(checks))

    asked = [one for one in city_review.checks if one.name.startswith("predictive_")]
    none = shown(with_zeros(0.0))
    assert f"Histograms of {len(asked) - 1} statistics" in none.alt
    assert "Not drawn: share of districts without a vote, zero in the data and in every" in none.caption
    some = shown(with_zeros(0.1))
    assert f"Histograms of {len(asked)} statistics" in some.alt
    assert "Not drawn" not in some.caption


def test_fields_add_up(city, city_fit):
    fields = district_fields(city_fit)
    eta = city_fit.draws("eta")
    effect_size = (city_fit.draws("sigma") * np.sqrt(city_fit.draws("rho")))[:, None] * city_fit.draws("phi")
    share = 1 / (1 + np.exp(-eta))
    moved = 100 * (share - 1 / (1 + np.exp(-(eta - effect_size)))).mean(axis=0)
    given = 100 * (1 / (1 + np.exp(-city_fit.fixed_part()))).mean(axis=0)
    np.testing.assert_allclose(fields.structured, moved, rtol=1e-10)
    np.testing.assert_allclose(fields.left_open, 100 * city.districts.share("national_list") - given)
    low, high = np.quantile(share, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(fields.width, 100 * (high - low), rtol=1e-10)
