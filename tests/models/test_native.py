"""The C functions that nutpie calls, against the density that they wrap."""

import ctypes

import numpy as np
import pytest

from spatialvote.models.centring import centre
from spatialvote.models.native import native_model
from spatialvote.models.nuts import starting_point
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
    centring = centre(posterior) if posterior.n_hyper else None
    point = starting_point(posterior, np.random.default_rng(3))
    model = native_model(posterior, centring, None)
    status, value, gradient = call(model, point)
    assert status == 0
    expected, moved = posterior.function(), point.copy()
    jacobian = 0.0
    if centring:
        first, sigma = posterior.n_hyper, np.exp(point[0])
        moved[first:] = centring.eta(sigma, point[first:])
        # d eta_i / d z_i by its definition, eta being linear in z.
        jacobian = np.log(centring.eta(sigma, point[first:] + 1) - moved[first:]).sum()
        np.testing.assert_allclose(centring.z(sigma, moved[first:]), point[first:], atol=1e-9)
    assert value == pytest.approx(expected(moved)[0] + jacobian, rel=1e-10)
    for at in {0, posterior.n_hyper - 1, posterior.n_hyper, len(point) - 1} - {-1}:
        step = 1e-5 * np.eye(len(point))[at]
        difference = (call(model, point + step)[1] - call(model, point - step)[1]) / 2e-5
        assert gradient[at] == pytest.approx(difference, rel=1e-5, abs=1e-4)


def test_coordinates_are_nearly_standard_normal_whatever_sigma_is(make_districts):
    # Given sigma, z must be the standardised eta of the normal approximation: mean zero and unit variance for
    # the iid structure, at tiny and large sigma alike.
    posterior, _ = VoteShareModel("party ~ migrants", structure="iid").posterior(make_districts())
    centring = centre(posterior)
    for sigma in (0.01, 0.1, 2.0):
        precision = centring.information + sigma**-2
        mean = (centring.information * centring.response + sigma**-2 * centring.level) / precision
        np.testing.assert_allclose(centring.z(sigma, mean), 0, atol=1e-9)
        np.testing.assert_allclose(centring.z(sigma, mean + precision**-0.5), 1, rtol=1e-9)


@pytest.mark.parametrize("log_sigma", [-400.0, -800.0, 400.0, 800.0])
@pytest.mark.parametrize("logit_rho", [-800.0, 0.0, 36.0, 800.0])
def test_extreme_points_never_raise_and_never_pass_for_sound(make_districts, log_sigma, logit_rho):
    # An exception inside a C callback would be lost and leave an arbitrary value behind.
    posterior, _ = VoteShareModel("party ~ migrants").posterior(make_districts())
    point = starting_point(posterior, np.random.default_rng(3))
    point[:2] = log_sigma, logit_rho
    status, value, gradient = call(native_model(posterior, centre(posterior), None), point)
    assert status == 4 or (np.isfinite(value) and np.isfinite(gradient).all())
