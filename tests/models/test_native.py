"""The C functions that nutpie calls, against the density that they wrap."""

import ctypes

import numpy as np
import pytest

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
    point = starting_point(posterior, np.random.default_rng(3))
    status, value, gradient = call(native_model(posterior, None), point)
    expected_value, expected_gradient = posterior.function()(point)
    assert status == 0
    # The same code on the same numbers; only the alignment of the arrays, and so the rounding, may differ.
    assert value == pytest.approx(expected_value, rel=1e-12)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-9, atol=1e-9)


def test_impossible_point_is_recoverable(make_districts):
    posterior, _ = VoteShareModel("party ~ migrants").posterior(make_districts())
    point = starting_point(posterior, np.random.default_rng(3))
    point[0] = 1e4
    assert call(native_model(posterior, None), point)[0] == 4


@pytest.mark.parametrize("log_sigma", [-400.0, -800.0, 400.0, 800.0])
@pytest.mark.parametrize("logit_rho", [-800.0, 0.0, 36.0, 800.0])
def test_extreme_points_never_raise_and_never_pass_for_sound(make_districts, log_sigma, logit_rho):
    # An exception inside a C callback would be lost and leave an arbitrary value behind.
    posterior, _ = VoteShareModel("party ~ migrants").posterior(make_districts())
    point = starting_point(posterior, np.random.default_rng(3))
    point[:2] = log_sigma, logit_rho
    status, value, gradient = call(native_model(posterior, None), point)
    assert status == 4 or (np.isfinite(value) and np.isfinite(gradient).all())
