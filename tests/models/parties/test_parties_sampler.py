"""The C function that nutpie calls, and what is drawn after sampling."""

import ctypes

import numpy as np
import pytest

from spatialvote.models.parties.likelihood import CODES
from spatialvote.models.parties.model import FIELDS
from spatialvote.models.parties.native import native_model
from spatialvote.models.parties.recover import recover
from spatialvote.models.parties.sampling import PartyCentring, starting_point

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


@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("family", list(CODES))
def test_c_density_is_the_density(make_posterior, fields, family):
    """Against the plain density, its Jacobian by brute force, its gradient by differences."""
    posterior = make_posterior(fields, family)
    centring = PartyCentring.of(posterior)
    model = native_model(posterior.arrays, centring.each, posterior.n_dim, None)
    point = starting_point(posterior, np.random.default_rng(8))
    status, value, gradient = call(model, point)
    assert status == 0
    first = posterior.n_hyper
    # Logits are linear in z, so their Jacobian is seen by moving each z by one.
    points = np.vstack([point, point + np.eye(len(point))[first:]])
    theta = centring.theta(points)
    eta = centring.eta(points, theta).reshape(len(points), -1)
    jacobian = np.linalg.slogdet(eta[1:] - eta[0])[1]
    expected = posterior.function()(np.r_[theta[0], eta[0]])[0] + jacobian
    assert value == pytest.approx(expected, rel=1e-10)
    for at in {*range(first), first, first + posterior.n, len(point) - 1}:
        step = 1e-5 * np.eye(len(point))[at]
        difference = (call(model, point + step)[1] - call(model, point - step)[1]) / 2e-5
        assert gradient[at] == pytest.approx(difference, rel=1e-5, abs=1e-4), at


def test_c_density_without_neighbours(make_posterior):
    posterior = make_posterior("separable", structure="iid")
    centring = PartyCentring.of(posterior)
    model = native_model(posterior.arrays, centring.each, posterior.n_dim, None)
    point = starting_point(posterior, np.random.default_rng(9))
    _, _, gradient = call(model, point)
    for at in (0, posterior.n_hyper - 1, len(point) - 1):
        step = 1e-5 * np.eye(len(point))[at]
        difference = (call(model, point + step)[1] - call(model, point - step)[1]) / 2e-5
        assert gradient[at] == pytest.approx(difference, rel=1e-5, abs=1e-4), at


@pytest.mark.parametrize("fields", ["separable", "coregional"])
def test_recovered_draws_have_the_conditional_moments(make_posterior, dense, fields):
    """Coefficients and structured parts given Eta, against the joint Gaussian by dense algebra."""
    posterior = make_posterior(fields, parties=2)
    rng = np.random.default_rng(10)
    k, n, p, draws = 2, posterior.n, 3, 4000
    theta = starting_point(posterior, rng)[: posterior.n_hyper]
    eta = posterior.level[:, None] + rng.normal(size=(k, n))
    coefficients, structured = recover(
        posterior, np.tile(theta, (draws, 1)), np.tile(eta, (draws, 1, 1)), rng
    )
    values = posterior.constrain(theta)
    mixing = values["sigma"][:, None] * values["factor"]
    rho = np.broadcast_to(values["rho"], 2)

    # Joint covariance of vec(B), the structured parts and Eta, all with mean zero (levels taken off).
    v = np.array([[1, 0.5], [0.5, 1]])
    prior = np.kron(v, np.diag(posterior.prior_sd**2))
    inverse = dense(posterior.field.graph, 1.0, 1.0)
    of_structured = sum(np.kron(np.outer(mixing[:, j], mixing[:, j]), rho[j] * inverse) for j in range(2))
    noise = sum(np.kron(np.outer(mixing[:, j], mixing[:, j]), (1 - rho[j]) * np.eye(n)) for j in range(2))
    load = np.kron(np.eye(2), posterior.design)
    of_eta = load @ prior @ load.T + of_structured + noise
    both = np.vstack([prior @ load.T, of_structured])
    unknown = np.block([[prior, np.zeros((k * p, k * n))], [np.zeros((k * n, k * p)), of_structured]])
    mean = both @ np.linalg.solve(of_eta, (eta - posterior.level[:, None]).ravel())
    spread = unknown - both @ np.linalg.solve(of_eta, both.T)

    assert structured is not None
    shifted = coefficients - posterior.level[:, None] * (np.arange(p) == 0)
    drawn = np.hstack([shifted.reshape(draws, -1), np.swapaxes(structured, 1, 2).reshape(draws, -1)])
    error = np.sqrt(np.diag(spread) / draws) + 1e-9
    # The largest of 22 standard errors is below 4.5 with a probability of 0.9998.
    assert (np.abs(drawn.mean(axis=0) - mean) < 4.5 * error).all()
    scale = np.sqrt(np.outer(np.diag(spread), np.diag(spread))) + 1e-12
    # A correlation from 4,000 draws has a standard error of at most 0.016, its largest of 242 within 4.5.
    assert (np.abs(np.cov(drawn.T) - spread) < 4.5 * 0.023 * scale).all()


def test_fields_drawn_anew_have_their_covariance(make_posterior, dense):
    posterior = make_posterior("coregional", parties=2)
    rng = np.random.default_rng(11)
    theta = starting_point(posterior, rng)[: posterior.n_hyper]
    values = posterior.constrain(np.tile(theta, (6000, 1)))
    drawn = np.swapaxes(posterior.draw_fields(values, rng), 1, 2).reshape(6000, -1)
    one = posterior.constrain(theta)
    mixing = one["sigma"][:, None] * one["factor"]
    expected = sum(
        np.kron(np.outer(mixing[:, j], mixing[:, j]), dense(posterior.field.graph, 1.0, one["rho"][j]))
        for j in range(2)
    )
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    # A covariance over its scale has a standard error of at most sqrt(2 / 6000) = 0.018; 4.5 of them.
    assert (np.abs(np.cov(drawn.T) - expected) < 4.5 * 0.018 * scale).all()
