"""Draws of the field against its covariance, and draws of what was integrated out against dense algebra."""

import numpy as np
import pytest

from spatialvote.models.draw_field import draw_effects, draw_phi
from spatialvote.models.posterior import Posterior
from spatialvote.models.priors import PCRho, Priors
from spatialvote.models.recover import recover
from spatialvote.models.spectrum import spectrum
from spatialvote.models.structures import Field

DRAWS = 20_000


def assert_covariance(draws, expected):
    """Compare a sample covariance with the true one, entry by entry, at five standard errors."""
    sample = draws.T @ draws / len(draws)
    variance = np.diag(expected)
    # Var of a sample covariance of Gaussians: (s_ii s_jj + s_ij^2) / draws.
    error = np.sqrt((np.outer(variance, variance) + expected**2) / len(draws))
    assert np.max(np.abs(sample - expected) / error) < 5


def test_phi_has_the_covariance_of_the_pseudo_inverse(graph):
    phi = draw_phi(graph, np.random.default_rng(1), DRAWS)
    inverse = np.linalg.pinv(graph.matrix.toarray(), rcond=1e-10, hermitian=True)
    assert_covariance(phi, inverse)
    for c in range(graph.sizes.size):
        np.testing.assert_allclose(phi[:, graph.component == c].sum(axis=1), 0, atol=1e-8)


def test_effects_have_the_covariance_of_the_density(graph, dense):
    sigma, rho = np.full(DRAWS, 0.6), np.full(DRAWS, 0.75)
    effects = draw_effects(graph, sigma, rho, np.random.default_rng(2))
    assert_covariance(effects, dense(graph, 0.6, 0.75))


def test_same_seed_same_draws(graph):
    first, second = (draw_phi(graph, np.random.default_rng(9), 5) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("rho", [0.1, 0.9])
def test_coefficients_and_phi_given_eta_are_the_dense_conditionals(graph, dense, rho):
    rng = np.random.default_rng(3)
    n, sigma = graph.n, 0.5
    design = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    prior_mean, prior_sd = np.array([-1.0, 0.0, 0.0]), np.array([1.5, 1.0, 1.0])
    field = Field("bym2", graph, spectrum(graph))
    posterior = Posterior(
        "binomial", np.ones(n), np.full(n, 9.0), design, prior_mean, prior_sd, field, Priors(rho=PCRho())
    )
    eta = rng.normal(-1.0, 0.7, n)
    values = {"sigma": np.full(DRAWS, sigma), "rho": np.full(DRAWS, rho)}
    coefficients, phi = recover(posterior, values, np.tile(eta, (DRAWS, 1)), rng)
    assert phi is not None

    # Joint normal of (b, phi) with eta = X b + sigma sqrt(rho) phi + sigma sqrt(1 - rho) theta, given eta.
    inverse = np.linalg.pinv(graph.matrix.toarray(), rcond=1e-10, hermitian=True)
    prior = np.zeros((3 + n, 3 + n))
    prior[:3, :3], prior[3:, 3:] = np.diag(prior_sd**2), inverse
    loading = np.hstack([design, sigma * np.sqrt(rho) * np.eye(n)])
    marginal = loading @ prior @ loading.T + sigma**2 * (1 - rho) * np.eye(n)
    gain = prior @ loading.T @ np.linalg.inv(marginal)
    mean = np.r_[prior_mean, np.zeros(n)] + gain @ (eta - design @ prior_mean)
    covariance = prior - gain @ loading @ prior
    drawn = np.hstack([coefficients, phi])
    error = np.sqrt(np.maximum(np.diag(covariance), 1e-12) / DRAWS)
    # A component's last phi follows from the others, so some directions have no variance at all.
    assert np.max(np.abs(drawn.mean(axis=0) - mean) / error) < 5
    assert_covariance(drawn - mean, covariance)
