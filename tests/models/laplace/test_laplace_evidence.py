"""Marginal likelihoods against dense algebra and quadrature."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from spatialvote.data.errors import FitError
from spatialvote.data.simulate import simulate_city
from spatialvote.models.laplace.evidence import log_evidence
from spatialvote.models.vote_share import VoteShareModel


@pytest.fixture(scope="module")
def districts():
    return simulate_city(seed=2, n_districts=40).districts


def dense(model, districts):
    """log p(y) of Gaussian logits with iid effects, over a grid of (log sigma, log noise)."""
    posterior, _ = model.posterior(districts)
    x, n = posterior.design, len(posterior.votes)
    prior = (x * posterior.prior_sd**2) @ x.T
    centre = x @ posterior.prior_mean
    # Far beyond what priors and data leave any weight.
    grid = np.linspace(-5.5, 1.5, 141)
    values = np.array(
        [
            [
                posterior.log_prior(np.array([a, b]))[0]
                + multivariate_normal.logpdf(
                    posterior.votes, centre, prior + (np.exp(2 * a) + np.exp(2 * b)) * np.eye(n)
                )
                for b in grid
            ]
            for a in grid
        ]
    )
    return logsumexp(values) + 2 * np.log(grid[1] - grid[0])


def test_bayes_factors_are_those_of_dense_algebra(districts):
    models = [
        VoteShareModel(f"national_list ~ {right}", family="gaussian", structure="iid")
        for right in ("migrant_share", "migrant_share + income", "1")
    ]
    fits = [one.fit(districts, engine="laplace", draws=1000, seed=1, progress=False) for one in models]
    found = np.array([log_evidence(one) for one in fits])
    expected = np.array([dense(one, districts) for one in models])
    # Each is a mean of weights of a few hundred points, with an effective number in the record.
    points = min(one.record["laplace"]["points"] for one in fits)
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=4 * np.sqrt(2 / points))


def test_another_seed_gives_the_same_up_to_monte_carlo_error(districts):
    model = VoteShareModel("national_list ~ migrant_share")
    found = [
        log_evidence(model.fit(districts, engine="laplace", seed=seed, progress=False)) for seed in (1, 2, 3)
    ]
    assert np.ptp(found) < 0.25


def test_evidence_prefers_the_covariate_that_made_the_votes(districts):
    x = districts.table["income"].to_numpy()
    share = 1 / (1 + np.exp(1 + 0.08 * (x - x.mean())))
    votes = np.random.default_rng(3).binomial(districts.valid, share)
    voted = replace(districts, table=districts.table.assign(national_list=votes, diversity_list=0))
    found = {
        name: log_evidence(
            VoteShareModel(f"national_list ~ {name}").fit(voted, engine="laplace", seed=1, progress=False)
        )
        for name in ("income", "higher_education", "1")
    }
    assert max(found, key=found.get) == "income"
    assert found["income"] - found["1"] > 5


def test_the_sampler_has_no_evidence(districts):
    fit = VoteShareModel("national_list ~ 1").fit(
        districts, draws=20, tune=50, chains=1, seed=1, progress=False
    )
    with pytest.raises(FitError, match="a fit by engine 'nuts' has no marginal likelihood"):
        log_evidence(fit)
