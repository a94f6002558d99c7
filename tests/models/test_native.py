"""The C functions that nutpie calls, against the density that they wrap."""

import ctypes

import numpy as np
import pytest

from spatialvote.models.centring import centre
from spatialvote.models.native import native_model
from spatialvote.models.nuts import starting_point
from spatialvote.models.posterior import Posterior
from spatialvote.models.priors import PCRho, Priors
from spatialvote.models.spectrum import spectrum
from spatialvote.models.structures import Field
from spatialvote.models.vote_share import VoteShareModel

Reals = ctypes.POINTER(ctypes.c_double)


def call(model, point):
    """Status, value and gradient of the C density at a point."""
    signature = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, Reals, Reals, Reals, ctypes.c_void_p)
    density = signature(model.compiled_logp_func.address)
    gradient, value = np.zeros_like(point), np.zeros(1)
    status = density(
        len(point),
        point.ctypes.data_as(Reals),
        gradient.ctypes.data_as(Reals),
        value.ctypes.data_as(Reals),
        model.user_data.ctypes.data,
    )
    return status, value[0], gradient


@pytest.mark.parametrize("structure", ["bym2", "iid", "none"])
@pytest.mark.parametrize(("party", "family"), [("party", "binomial"), ("cases", "poisson")])
def test_c_density_is_the_density(make_districts, structure, party, family):
    model = VoteShareModel(f"{party} ~ migrants + education", family, structure)
    posterior, _ = model.posterior(make_districts())
    centring = centre(posterior) if posterior.has_field else None
    point = starting_point(posterior, np.random.default_rng(3))
    model = native_model(posterior, centring, None)
    status, value, gradient = call(model, point)
    assert status == 0
    expected, moved, jacobian = posterior.function(), point.copy(), 0.0
    if centring:
        first, n = posterior.n_hyper, len(posterior.votes)
        # eta is linear in z, so its Jacobian is seen by moving each z by one.
        eta = centring.eta(np.vstack([point, point + np.eye(first + n)[first:]]))
        moved[first:] = eta[0]
        jacobian = np.linalg.slogdet(eta[1:] - eta[0])[1]
    assert value == pytest.approx(expected(moved)[0] + jacobian, rel=1e-10)
    for at in {0, posterior.n_hyper - 1, posterior.n_hyper, len(point) - 1} - {-1}:
        step = 1e-5 * np.eye(len(point))[at]
        difference = (call(model, point + step)[1] - call(model, point - step)[1]) / 2e-5
        assert gradient[at] == pytest.approx(difference, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("rho", [0.05, 0.9999])
@pytest.mark.parametrize("sigma", [1e-3, 0.05, 2.0])
def test_coordinates_are_nearly_standard_normal_whatever_sigma_and_rho(graph, dense, sigma, rho):
    # With the likelihood's normal approximation the posterior of eta given sigma and rho is normal, and so is
    # that of z. Its spread must stay near one in every direction: a funnel would show as a vanishing or huge
    # eigenvalue (sampling eta itself, the smallest would be below 1e-6 at sigma = 0.001).
    rng, n = np.random.default_rng(1), graph.n
    design = np.column_stack([np.ones(n), rng.normal(size=n)])
    size = rng.integers(300, 3000, n).astype(float)
    votes = rng.binomial(size.astype(int), 0.2).astype(float)
    field = Field("bym2", graph, spectrum(graph))
    prior_sd = np.array([1.5, 1.0])
    posterior = Posterior("binomial", votes, size, design, np.zeros(2), prior_sd, field, Priors(rho=PCRho()))
    centring = centre(posterior)
    prior = dense(graph, sigma, rho) + design @ np.diag(prior_sd**2) @ design.T
    covariance = np.linalg.inv(np.linalg.inv(prior) + np.diag(centring.arrays.root**2))
    hyper = np.tile([np.log(sigma), np.log(rho / (1 - rho))], (n + 1, 1))
    eta = centring.eta(np.hstack([hyper, np.vstack([np.zeros(n), np.eye(n)])]))
    back = np.linalg.inv((eta[1:] - eta[0]).T)
    spread = np.linalg.eigvalsh(back @ covariance @ back.T)
    assert spread.min() > 0.05
    assert spread.max() < 20


@pytest.mark.parametrize("log_sigma", [-400.0, -800.0, 400.0, 800.0])
@pytest.mark.parametrize("logit_rho", [-800.0, 0.0, 36.0, 800.0])
def test_extreme_points_never_raise_and_never_pass_for_sound(make_districts, log_sigma, logit_rho):
    # An exception inside a C callback would be lost and leave an arbitrary value behind.
    posterior, _ = VoteShareModel("party ~ migrants").posterior(make_districts())
    point = starting_point(posterior, np.random.default_rng(3))
    point[:2] = log_sigma, logit_rho
    status, value, gradient = call(native_model(posterior, centre(posterior), None), point)
    assert status == 4 or (np.isfinite(value) and np.isfinite(gradient).all())
