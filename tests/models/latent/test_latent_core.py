"""The core of several latent terms, against dense algebra and differences."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from spatialvote.models.correlated import correlation_factor
from spatialvote.models.families import FAMILIES
from spatialvote.models.latent.exact import (
    Coordinates,
    field_density,
    given_eta,
    log_density,
    recover,
    sampled_density,
)
from spatialvote.models.latent.fast import refresh
from spatialvote.models.latent.system import System, combine_bases, covariances, draw_system, make_system
from spatialvote.models.latent.target import LatentTarget


def some_theta(posterior, shift=0.0):
    """Hyperparameters away from the mode and from round numbers."""
    middle = {"rho": 0.4, "overdispersion": -4.5, "noise": -1.6}
    return (
        np.array([middle.get(name, -0.9 + 0.13 * q) for q, name in enumerate(posterior.hyperparameters)])
        + shift
    )


def dense_terms(posterior, theta):
    """A of all terms, and the covariance of their z on the constraints, by pseudo-inverses."""
    values = posterior.constrain(theta)
    a = np.column_stack([term.matrix.toarray() for term in posterior.terms])
    blocks = []
    for term in posterior.terms:
        q = term.precision(values).toarray()
        keep = np.eye(term.size)
        if term.constraints is not None:
            c = term.constraints.toarray()
            keep -= np.linalg.pinv(c) @ c
        # The inverse on the constraints: what is orthogonal to them is left out.
        blocks.append(np.linalg.pinv(keep @ q @ keep, rcond=1e-10, hermitian=True))
    full = np.zeros((a.shape[1], a.shape[1]))
    at = 0
    for block in blocks:
        full[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    return a, full


def dense_log_pdf(posterior, theta, eta, extra=0.0):
    """log p(eta | theta), with further variance of each row."""
    a, covariance = dense_terms(posterior, theta)
    x = posterior.design
    variance = float(posterior.variance(posterior.constrain(theta))) + extra
    total = a @ covariance @ a.T + (x * posterior.prior_sd**2) @ x.T + variance * np.eye(len(eta))
    return multivariate_normal(x @ posterior.prior_mean, total).logpdf(eta)


@pytest.mark.parametrize("effects", [1, 2, 3])
def test_density_of_eta_is_that_of_dense_algebra(make_latent, effects):
    """Fields with islands and components and correlated levels; up to one constant for all theta."""
    posterior = make_latent(effects)
    eta = posterior.design @ posterior.prior_mean + np.random.default_rng(1).normal(0, 0.6, 13)
    excess = []
    for shift in (0.0, 0.3, -0.5):
        theta = some_theta(posterior, shift)
        scales = posterior.scales(theta)
        value = field_density(
            eta, np.exp(scales.log_t), combine_bases(scales.weights, posterior.layout), posterior.design,
            posterior.prior_mean, posterior.prior_sd**-2.0, posterior.layout,
        )[0]  # fmt: skip
        excess.append(value + 0.5 * scales.log_det - dense_log_pdf(posterior, theta, eta))
    assert excess == pytest.approx([excess[0]] * 3, abs=1e-8)


def test_marginal_likelihood_of_logits_is_exact(make_latent):
    """With Gaussian logits nothing is approximated: F is the dense marginal likelihood up to a constant."""
    posterior = make_latent(family="gaussian")
    target = LatentTarget(posterior)
    excess = []
    for shift in (0.0, 0.2, -0.4):
        theta = some_theta(posterior, shift)
        dense = dense_log_pdf(posterior, theta, posterior.votes, posterior.dispersion(theta) ** 2)
        excess.append(target.mode(theta, target.cold()).value - dense - posterior.log_prior(theta)[0])
    assert excess == pytest.approx([excess[0]] * 3, abs=1e-7)


@pytest.mark.parametrize(
    ("family", "silent"), [("binomial", False), ("binomial", True), ("beta_binomial", False)]
)
def test_gradient_of_the_approximation_is_its_difference(make_latent, family, silent):
    """Also where nobody voted in a whole component."""
    posterior = make_latent(3, family, silent)
    target = LatentTarget(posterior)
    theta = some_theta(posterior)
    mode = target.mode(theta, target.cold())
    steps = 1e-4 * np.eye(len(theta))
    differences = [
        (target.mode(theta + step, mode.start).value - target.mode(theta - step, mode.start).value) / 2e-4
        for step in steps
    ]
    # A second-order difference with this step is off by 1e-8 times third derivatives, and by the rounding of
    # log Z over the step.
    assert target.slope(mode) == pytest.approx(differences, rel=2e-5, abs=2e-5)


@pytest.mark.parametrize("family", ["binomial", "beta_binomial", "gaussian"])
def test_gradient_of_the_exact_density_is_its_difference(make_latent, family):
    posterior = make_latent(3, family)
    coordinates = Coordinates.of(posterior)
    point = np.random.default_rng(2).normal(0, 0.7, len(posterior.hyperparameters) + 13)
    _, gradient = sampled_density(posterior, coordinates, point)
    differences = [
        (sampled_density(posterior, coordinates, point + step)[0]
         - sampled_density(posterior, coordinates, point - step)[0]) / 2e-5
        for step in 1e-5 * np.eye(len(point))
    ]  # fmt: skip
    assert gradient == pytest.approx(differences, rel=1e-5, abs=1e-5)


def test_coordinates_bring_their_jacobian(make_latent):
    """The density of (omega, x) is that of (theta, eta) times the determinant of the map, by differences."""
    posterior = make_latent()
    coordinates = Coordinates.of(posterior)
    h = len(posterior.hyperparameters)

    def mapped(point):
        theta = coordinates.theta(point)
        variance = float(posterior.variance(posterior.constrain(theta)))
        return np.r_[theta, coordinates.expand(point, variance)]

    excess = []
    for seed in (1, 2):
        point = np.random.default_rng(seed).normal(0, 0.7, h + 13)
        jacobian = np.column_stack(
            [(mapped(point + step) - mapped(point - step)) / 2e-5 for step in 1e-5 * np.eye(h + 13)]
        )
        at = mapped(point)
        value = log_density(posterior, at[:h], at[h:])[0] + np.linalg.slogdet(jacobian)[1]
        excess.append(sampled_density(posterior, coordinates, point)[0] - value)
    # The constant log |L| is left out.
    assert excess[0] == pytest.approx(excess[1], abs=1e-6)


def test_covariances_and_draws_are_those_of_dense_algebra(make_latent):
    """Moments of z given eta, its entries in the pattern and the spread of draws."""
    posterior = make_latent()
    theta = some_theta(posterior)
    scales, layout, x = posterior.scales(theta), posterior.layout, posterior.design
    t = np.exp(scales.log_t)
    eta = x @ posterior.prior_mean + np.random.default_rng(1).normal(0, 0.6, 13)
    a, covariance = dense_terms(posterior, theta)
    joint = np.zeros((a.shape[1] + 3,) * 2)
    joint[:-3, :-3], joint[-3:, -3:] = covariance, np.diag(posterior.prior_sd**2)
    j = np.column_stack([a, x])
    gain = joint @ j.T @ np.linalg.inv(j @ joint @ j.T + np.eye(13) / t)
    mean = gain @ (eta - x @ posterior.prior_mean)
    after = joint - gain @ j @ joint
    precision = combine_bases(scales.weights, layout)
    z, b, _ = given_eta(eta, t, precision, x, posterior.prior_mean, posterior.prior_sd**-2.0, layout)
    order = layout.pattern[0]
    assert z == pytest.approx(mean[order], abs=1e-8)
    assert b - posterior.prior_mean == pytest.approx(mean[-3:], abs=1e-8)
    system = System(*make_system(precision, np.full(13, t), x, posterior.prior_sd**-2.0, layout))
    entries, spread = covariances(layout, system, x)
    n, start, index = len(order), layout.pattern[1], layout.pattern[2]
    permuted = after[:-3, :-3][np.ix_(order, order)]
    assert entries[len(index) :] == pytest.approx(np.diag(permuted), abs=1e-8)
    assert entries[: len(index)] == pytest.approx(
        permuted[np.repeat(np.arange(n), np.diff(start)), index], abs=1e-8
    )
    assert spread == pytest.approx(np.diag(j @ after @ j.T), abs=1e-8)
    # Draws: white noise of all unit vectors gives a root of the covariance.
    white_z = np.column_stack([np.eye(n), np.zeros((n, 3))])
    white_b = np.column_stack([np.zeros((3, n)), np.eye(3)])
    draw_system(layout, system, white_z, white_b)
    root = np.vstack([white_z, white_b])
    full = np.r_[order, n, n + 1, n + 2]
    assert root @ root.T == pytest.approx(after[np.ix_(full, full)], abs=1e-8)


def test_draws_given_eta_meet_the_constraints(make_latent):
    posterior = make_latent()
    theta = np.tile(some_theta(posterior), (5, 1))
    z, _ = recover(posterior, theta, np.zeros((5, 13)) - 1.3, np.random.default_rng(4))
    # Single precision.
    assert posterior.terms[0].constraints @ z[:, :13].T == pytest.approx(np.zeros((2, 5)), abs=1e-5)


def test_correlations_follow_lkj(make_latent):
    """Omega by the factor: unit diagonal, and the density of LKJ(2) for K = 3 by its determinant.

    E det(Omega) under LKJ is a product of means of 1 - c^2 = 4 f (1 - f), f ~ Beta(a, a): 2 a / (2 a + 1).
    """
    posterior = make_latent(3)
    rng, draws = np.random.default_rng(6), 20_000
    fractions = [hyper.draw(rng, draws) for hyper in posterior.hypers if hyper.name.startswith("partial_")]
    rows = correlation_factor(fractions)
    lower = np.zeros((draws, 3, 3))
    for i, row in enumerate(rows):
        for j, one in enumerate(row):
            lower[:, i, j] = one
    omega = lower @ lower.transpose(0, 2, 1)
    assert np.einsum("sii->si", omega) == pytest.approx(np.ones((draws, 3)), abs=1e-12)
    determinant = np.linalg.det(omega)
    # a = 2.5, 2.5 for the first column and 2 for the second.
    expected = (5 / 6) * (5 / 6) * (4 / 5)
    assert determinant.mean() == pytest.approx(expected, abs=5 * determinant.std() / np.sqrt(draws))
    # The same marginal for each correlation: (r + 1) / 2 ~ Beta(a, a), a = eta + (K - 2) / 2,
    # with variance 1 / (2 a + 1) of r.
    for i, j in ((1, 0), (2, 0), (2, 1)):
        square = omega[:, i, j] ** 2
        assert square.mean() == pytest.approx(1 / 6, abs=5 * square.std() / np.sqrt(draws))


def test_steps_of_the_hyperparameters_leave_their_density(make_latent):
    """Prior draws of theta, z given theta and e given theta, then steps: theta is still from its prior."""
    posterior = make_latent()
    rng, draws = np.random.default_rng(8), 4000
    values = posterior.draw_prior(rng, draws)
    theta = posterior.unconstrain(values, draws)
    sums = np.empty((draws, posterior.layout.base_start.size))
    for s in range(draws):
        at = {name: value[s] for name, value in values.items()}
        forms = []
        for term in posterior.terms:
            z = term.draw(at, rng)
            forms += [z @ (base @ z) for base in term.bases]
        sums[s] = [*forms, posterior.variance(at) * rng.chisquare(13)]
    before = theta.copy()
    moved = refresh(posterior, theta, sums, rng)
    assert 0.05 < moved < 0.95
    for q in range(theta.shape[1]):
        error = np.hypot(before[:, q].std(), theta[:, q].std()) / np.sqrt(draws)
        assert theta[:, q].mean() == pytest.approx(before[:, q].mean(), abs=5 * error)
        assert theta[:, q].std() == pytest.approx(before[:, q].std(), rel=0.12)


def test_every_family_has_an_approximation(make_latent):
    for family in FAMILIES:
        if family != "gaussian":
            posterior = make_latent(family=family)
            target = LatentTarget(posterior)
            assert np.isfinite(target.mode(some_theta(posterior), target.cold()).value)
