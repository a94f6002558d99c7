"""The C functions that nutpie calls, against the density that they wrap."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest

from spatialvote.models.centring import PARAMETRISATIONS, centre
from spatialvote.models.families import FAMILIES, binomial
from spatialvote.models.native import native_model
from spatialvote.models.nuts import starting_point
from spatialvote.models.posterior import Posterior
from spatialvote.models.priors import PCRho, Priors
from spatialvote.models.spectrum import spectrum
from spatialvote.models.structures import STRUCTURES, Field
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


def posterior_of(districts, structure: str, family: str, formula: str = "migrants + education") -> Posterior:
    """A posterior of any family; that of logits of shares is made from votes."""
    party, stands_in = ("cases", "poisson") if family == "poisson" else ("party", "binomial")
    posterior, _ = VoteShareModel(f"{party} ~ {formula}", stands_in, structure).posterior(districts)
    if family == "gaussian":
        shares = binomial.crude(posterior.votes, posterior.size)
        return replace(posterior, family=family, votes=shares, size=np.ones(districts.n))
    return replace(posterior, family=family)


def check_density(posterior: Posterior, parametrisation: str, rng: np.random.Generator) -> None:
    """The C density against the Python one, its Jacobian by brute force, its gradient by differences."""
    centring = centre(posterior, parametrisation) if posterior.has_field else None
    point = starting_point(posterior, rng)
    model = native_model(posterior, centring, None)
    status, value, gradient = call(model, point)
    assert status == 0
    expected, moved, jacobian = posterior.function(), point.copy(), 0.0
    first, n = posterior.n_hyper, len(posterior.votes)
    if centring:
        # eta is linear in z, so its Jacobian is seen by moving each z by one.
        eta = centring.eta(np.vstack([point, point + np.eye(first + n)[first:]]))
        moved[:first], moved[first:] = centring.theta(point[None])[0], eta[0]
        jacobian = np.linalg.slogdet(eta[1:] - eta[0])[1]
    assert value == pytest.approx(expected(moved)[0] + jacobian, rel=1e-10)
    for at in {*range(first), first, len(point) - 1}:
        step = 1e-5 * np.eye(len(point))[at]
        difference = (call(model, point + step)[1] - call(model, point - step)[1]) / 2e-5
        assert gradient[at] == pytest.approx(difference, rel=1e-5, abs=1e-4), at


@pytest.mark.parametrize("structure", list(STRUCTURES))
@pytest.mark.parametrize("family", list(FAMILIES))
def test_c_density_is_the_density(make_districts, structure, family):
    posterior = posterior_of(make_districts(), structure, family)
    check_density(posterior, "measured", np.random.default_rng(3))


@pytest.mark.parametrize("structure", ["bym2", "leroux", "none"])
@pytest.mark.parametrize("family", ["binomial", "beta_binomial"])
def test_c_density_with_groups_is_the_density(make_districts, structure, family):
    posterior = posterior_of(make_districts(), structure, family, "migrants + (1 | quarter)")
    assert posterior.hyperparameters[-1] == "sd_quarter"
    check_density(posterior, "measured", np.random.default_rng(3))


@pytest.mark.parametrize("parametrisation", list(PARAMETRISATIONS))
@pytest.mark.parametrize("family", ["beta_binomial", "gaussian"])
def test_every_parametrisation_is_the_density(make_districts, parametrisation, family):
    posterior = posterior_of(make_districts(), "bym2", family, "migrants + (1 | quarter)")
    check_density(posterior, parametrisation, np.random.default_rng(4))


@pytest.mark.parametrize("extra", [9, 10])
def test_many_columns_are_multiplied_otherwise_and_have_the_same_density(make_districts, extra):
    posterior = posterior_of(make_districts(), "bym2", "binomial")
    rng = np.random.default_rng(6)
    design = np.hstack([posterior.design, rng.normal(size=(len(posterior.votes), extra))])
    wide = replace(
        posterior, design=design, prior_mean=np.resize(posterior.prior_mean, 3 + extra),
        prior_sd=np.resize(posterior.prior_sd, 3 + extra),
    )  # fmt: skip
    # On either side of the twelve columns up to which there are no calls of BLAS.
    assert centre(wide).arrays.basis.shape[0] == 3 + extra
    check_density(wide, "measured", rng)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_districts_where_the_party_did_not_stand_have_a_density(make_districts, family):
    posterior = posterior_of(make_districts(), "bym2", family)
    stood = np.arange(len(posterior.votes)) % 4 > 0
    posterior = replace(posterior, votes=posterior.votes * stood, size=posterior.size * stood)
    check_density(posterior, "measured", np.random.default_rng(5))


def test_record_tells_what_was_measured(make_districts):
    many, few = (centre(posterior_of(make_districts(mean_votes=m), "bym2", "binomial")) for m in (8000, 4))
    assert many.record["chosen"] == few.record["chosen"] == "measured"
    assert many.record["share_centred"] > 0.9
    assert few.record["share_centred"] < 0.5
    assert many.median_information > 100 * few.median_information


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
    points = np.zeros((n + 1, 2 + n))
    points[1:, 2:] = np.eye(n)
    points[:, 1] = np.log(rho / (1 - rho))
    # The first coordinate is log sigma less what rho adds to it.
    points[:, 0] = np.log(sigma) - centring.theta(points)[:, 0]
    eta = centring.eta(points)
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
