"""The density of several parties: dense algebra, differences, one party, order, baseline."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from spatialvote.models.parties.correlation import correlation_factor
from spatialvote.models.parties.density import Hyper, log_density, unpack
from spatialvote.models.parties.field_kernel import parties_density
from spatialvote.models.parties.likelihood import CODES, log_likelihood
from spatialvote.models.parties.model import FIELDS
from spatialvote.models.parties.priors import between_logits
from spatialvote.models.parties.sampling import starting_point


def covariance(posterior, mixing, rho, dense):
    """Cov(vec Eta), logit by logit, by dense algebra: fields and coefficients together."""
    k = posterior.logits
    prior = posterior.design * posterior.prior_sd**2 @ posterior.design.T
    total = np.kron(between_logits(k), prior)
    for j in range(k):
        one = rho[0 if len(rho) == 1 else j]
        total += np.kron(np.outer(mixing[:, j], mixing[:, j]), dense(posterior.field.graph, 1.0, one))
    return total


def field_of(posterior, eta, mixing, rho):
    """Log density of the fields at eta (K, n), levels taken off, and its gradient."""
    m = posterior.arrays
    return parties_density(
        eta, m.design, m.prior_precision, m.prior_sd, mixing, rho, m.component, m.sizes, m.node,
        m.node_weight, m.pattern,
    )  # fmt: skip


@pytest.mark.parametrize("fields", FIELDS)
def test_field_is_that_of_dense_algebra(make_posterior, dense, fields):
    posterior = make_posterior(fields)
    rng = np.random.default_rng(1)
    k, n = posterior.logits, posterior.n
    mixing = np.diag([0.4, 0.9, 0.6]) @ correlation_factor(rng.normal(size=3), 3)
    if fields == "independent":
        mixing = np.diag(np.diag(mixing))
    rho = np.array([0.7]) if fields == "separable" else np.array([0.2, 0.95, 0.6])
    eta = rng.normal(size=(k, n))
    expected = multivariate_normal.logpdf(
        eta.ravel(), np.zeros(k * n), covariance(posterior, mixing, rho, dense)
    )
    assert field_of(posterior, eta, mixing, rho)[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("family", list(CODES))
def test_gradient_is_that_of_differences(make_posterior, fields, family):
    posterior = make_posterior(fields, family)
    point = starting_point(posterior, np.random.default_rng(2))
    density = posterior.function()
    gradient = density(point)[1]
    for at in range(len(point)):
        step = 1e-5 * np.eye(len(point))[at]
        difference = (density(point + step)[0] - density(point - step)[0]) / 2e-5
        # The value is about 1e4, so that its rounding of 1e-12 leaves 1e-7 in a difference.
        assert gradient[at] == pytest.approx(difference, rel=1e-6, abs=1e-5), at


@pytest.mark.parametrize(
    ("family", "of_one"), [("multinomial", "binomial"), ("dirichlet_multinomial", "beta_binomial")]
)
@pytest.mark.parametrize("structure", ["bym2", "iid"])
def test_one_party_is_the_model_of_one_party(make_posterior, family, of_one, structure):
    """Same value and gradient as the BYM2 model of votes for one party, at any point."""
    posterior = make_posterior("separable", family, parties=1, structure=structure)
    alone = posterior.of_one(0)
    assert alone.family == of_one
    assert posterior.n_dim == alone.n_dim
    for seed in range(3):
        point = starting_point(posterior, np.random.default_rng(seed))
        value, gradient = posterior.function()(point)
        expected, slope = alone.function()(point)
        assert value == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(gradient, slope, rtol=1e-8, atol=1e-7)


def hyper_at(covariance_of_fields, rho):
    """Hyperparameters that give a covariance between the logits' fields."""
    sigma = np.sqrt(np.diag(covariance_of_fields))
    lower = np.linalg.cholesky(covariance_of_fields / np.outer(sigma, sigma))
    return Hyper(sigma, rho, np.ascontiguousarray(lower), 0.01, np.ones(1), True)


def moved(posterior, transform, counts, stood):
    """The same posterior's arrays with other logits: eta' = transform eta."""
    level = transform @ posterior.level
    return posterior.arrays._replace(
        counts=np.ascontiguousarray(counts),
        present=np.ascontiguousarray(stood, dtype=np.float64),
        level=level,
    )


@pytest.mark.parametrize("family", list(CODES))
def test_the_order_of_parties_does_not_matter(make_posterior, family):
    posterior = make_posterior("separable", family)
    rng = np.random.default_rng(3)
    eta = posterior.level[:, None] + rng.normal(size=(3, posterior.n))
    root = rng.normal(size=(3, 3))
    fields, rho = root @ root.T + np.eye(3), np.array([0.6])
    before = log_density(eta, hyper_at(fields, rho), posterior.arrays)[0]
    order = np.array([2, 0, 1])
    transform = np.eye(3)[order]
    arrays = moved(posterior, transform, posterior.counts[:, [*order, 3]], posterior.stood[:, order])
    after = log_density(transform @ eta, hyper_at(transform @ fields @ transform.T, rho), arrays)[0]
    # Rounding of another factor, with a condition number near ten.
    assert after == pytest.approx(before, rel=1e-11)


@pytest.mark.parametrize("family", list(CODES))
def test_the_baseline_does_not_matter_given_the_fields(make_posterior, family):
    """Logits against the third party: the same votes, fields and coefficients have the same density."""
    posterior = make_posterior("separable", family)
    rng = np.random.default_rng(4)
    eta = posterior.level[:, None] + rng.normal(size=(3, posterior.n))
    root = rng.normal(size=(3, 3))
    fields, rho = root @ root.T + np.eye(3), np.array([0.6])
    before = log_density(eta, hyper_at(fields, rho), posterior.arrays)[0]
    # log(p_1 / p_3), log(p_2 / p_3), log(p_rest / p_3); the third party stood everywhere.
    transform = np.array([[1.0, 0, -1], [0, 1, -1], [0, 0, -1]])
    stood = np.column_stack([posterior.stood[:, :2], np.ones(posterior.n, dtype=bool)])
    arrays = moved(posterior, transform, posterior.counts[:, [0, 1, 3, 2]], stood)
    after = log_density(transform @ eta, hyper_at(transform @ fields @ transform.T, rho), arrays)[0]
    # Rounding of another factor, with a condition number near ten.
    assert after == pytest.approx(before, rel=1e-11)


def test_likelihood_in_the_density_is_that_of_the_draws(make_posterior):
    """Differences of the compiled density at two logits are those of `log_likelihood` and of the field."""
    posterior = make_posterior("separable", "dirichlet_multinomial")
    rng = np.random.default_rng(5)
    hyper = hyper_at(np.diag([0.2, 0.5, 0.3]), np.array([0.5]))
    mixing = np.diag(hyper.sigma)
    values = []
    for _ in range(2):
        eta = posterior.level[:, None] + rng.normal(size=(3, posterior.n))
        likelihood = log_likelihood(
            posterior.family, eta.T[None], posterior.counts, posterior.stood, hyper.dispersion
        ).sum()
        field = field_of(posterior, eta - posterior.level[:, None], mixing, hyper.rho)[0]
        values.append(log_density(eta, hyper, posterior.arrays)[0] - likelihood - field)
    assert values[0] == pytest.approx(values[1], abs=1e-8)


def test_beyond_what_the_scales_hold_the_density_is_zero(make_posterior):
    posterior = make_posterior("coregional")
    point = starting_point(posterior, np.random.default_rng(6))
    for at, value in ((0, 800.0), (3, 60.0), (6, 20.0)):
        far = point.copy()
        far[at] = value
        assert not unpack(far[: posterior.n_hyper], posterior.arrays).inside
        assert posterior.function()(far)[0] == -np.inf
