import numpy as np
import pytest
from scipy.special import logit

from spatialvote.models.families import FAMILIES
from spatialvote.models.glm import fit_without_effects
from spatialvote.models.posterior import Posterior
from spatialvote.models.priors import Priors
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.spectrum import spectrum
from spatialvote.models.structures import Field

NO_LINKS = np.zeros(0, dtype=np.int64)


def posterior_of(family: str, eta: np.ndarray, columns: np.ndarray, rng, prior_sd: float = 1.0) -> Posterior:
    n = len(eta)
    size = rng.integers(200, 2000, n).astype(float)
    votes = FAMILIES[family].draw(rng, eta, size.astype(np.int64)).astype(float)
    graph = scale_graph(n, NO_LINKS, NO_LINKS)
    design = np.column_stack([np.ones(n), columns])
    p = design.shape[1]
    field = Field("none", graph, spectrum(graph))
    return Posterior(family, votes, size, design, np.zeros(p), np.full(p, prior_sd), field, Priors())


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_slope_of_the_log_posterior_is_zero_at_the_mode(family):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((80, 2))
    posterior = posterior_of(family, -1.5 + 0.4 * x[:, 0], x, rng)
    fitted = fit_without_effects(posterior)
    mean = posterior.size * FAMILIES[family].mean(fitted.eta)
    slope = posterior.design.T @ (posterior.votes - mean) - fitted.coefficients
    # The sum has terms up to 2,000 votes: 1e-6 is rounding.
    np.testing.assert_allclose(slope, 0, atol=1e-6)


def test_intercept_alone_is_the_overall_share():
    rng = np.random.default_rng(2)
    posterior = posterior_of("binomial", np.full(50, -1.0), np.empty((50, 0)), rng, prior_sd=1e4)
    fitted = fit_without_effects(posterior)
    assert fitted.coefficients[0] == pytest.approx(
        logit(posterior.votes.sum() / posterior.size.sum()), abs=1e-9
    )


def test_separated_districts_have_a_mode_because_the_prior_is_proper():
    rng = np.random.default_rng(3)
    posterior = posterior_of(
        "binomial", np.repeat([-60.0, 60.0], 10), np.repeat([-1.0, 1.0], 10)[:, None], rng
    )
    fitted = fit_without_effects(posterior)
    assert np.isfinite(fitted.residuals).all()
    assert 2 < fitted.coefficients[1] < 10


def test_extra_variance_is_found():
    rng = np.random.default_rng(4)
    n, sd = 1500, 0.4
    x = rng.standard_normal((n, 1))
    eta = -1 + 0.3 * x[:, 0] + sd * rng.standard_normal(n)
    found = np.sqrt(fit_without_effects(posterior_of("binomial", eta, x, rng)).extra_variance)
    # The standard error of a standard deviation of 1,500 is 1.8 %; expanding to first order biases by a few.
    assert found == pytest.approx(sd, rel=0.1)


def test_extra_variance_is_nil_where_counting_explains_all():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((400, 1))
    fitted = fit_without_effects(posterior_of("binomial", -1 + 0.3 * x[:, 0], x, rng))
    # Information is 30 to 400 a district; 0.02 squared is a tenth of the smallest counting variance.
    assert fitted.extra_variance < 0.02**2
    assert (fitted.residuals**2).sum() <= 400


def test_reference_is_orthogonal_to_the_design_as_the_residuals_are():
    rng = np.random.default_rng(6)
    x = rng.standard_normal((60, 2))
    posterior = posterior_of("binomial", -1 + 0.4 * rng.standard_normal(60), x, rng, prior_sd=1e5)
    fitted = fit_without_effects(posterior)
    weight = FAMILIES["binomial"].information(fitted.eta, posterior.size)
    sd = np.sqrt(1 / weight + fitted.extra_variance)
    reference = fitted.reference(rng.standard_normal((3, 60)))
    for residuals in (fitted.residuals, *reference):
        scores = posterior.design.T @ (weight * residuals * sd)
        np.testing.assert_allclose(scores, 0, atol=1e-5)


def test_does_not_depend_on_the_order_of_the_districts():
    rng = np.random.default_rng(7)
    x = rng.standard_normal((30, 1))
    posterior = posterior_of("poisson", 0.2 * x[:, 0], x, rng)
    order = rng.permutation(30)
    moved = Posterior(
        "poisson",
        posterior.votes[order],
        posterior.size[order],
        posterior.design[order],
        posterior.prior_mean,
        posterior.prior_sd,
        posterior.field,
        posterior.priors,
    )
    one, other = fit_without_effects(posterior), fit_without_effects(moved)
    np.testing.assert_allclose(one.residuals[order], other.residuals, rtol=1e-8)
