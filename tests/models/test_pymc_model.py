"""The PyMC distribution and the PyMC form of a model, against dense algebra and against our density."""

import numpy as np
import pymc as pm
import pytest
from pytensor.compile.mode import Mode
from scipy.stats import multivariate_normal

from spatialvote.models.bym2 import BYM2
from spatialvote.models.field_kernel import coefficient_posterior, smooth
from spatialvote.models.priors import BetaRho, HalfNormal, PCRho, PCSigma, Priors
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.vote_share import VoteShareModel

# PyTensor says that draws of a distribution with a Python sampler leave compiled code; that is meant.
pytestmark = pytest.mark.filterwarnings("ignore:Numba will use object mode:UserWarning")

#: Interpreted evaluation: these tests ask for values, not for speed, and compiling takes ten seconds each.
INTERPRETED = Mode(linker="py", optimizer="fast_compile")


def test_bym2_density_and_gradient_are_those_of_the_dense_normal(graph, dense):
    mu = np.linspace(-1, 1, graph.n)
    with pm.Model() as model:
        sigma = pm.HalfNormal("sigma", 1.0)
        eta = BYM2("eta", mu, sigma, 0.6, graph)
    value = np.random.default_rng(1).normal(size=graph.n)
    covariance = dense(graph, 0.5, 0.6)
    expected = multivariate_normal(mu, covariance).logpdf(value)
    point = {"eta": value, "sigma_log__": np.array(np.log(0.5))}
    assert model.compile_logp(vars=[eta], mode=INTERPRETED)(point) == pytest.approx(expected, abs=1e-7)

    by_eta = model.compile_dlogp(vars=[eta], mode=INTERPRETED)(point)
    np.testing.assert_allclose(by_eta, -np.linalg.solve(covariance, value - mu), rtol=1e-7, atol=1e-7)
    logp = model.compile_logp(mode=INTERPRETED)
    ahead, behind = ({**point, "sigma_log__": np.array(np.log(0.5) + h)} for h in (1e-5, -1e-5))
    by_sigma = model.compile_dlogp(vars=[sigma], mode=INTERPRETED)(point)
    assert by_sigma[0] == pytest.approx((logp(ahead) - logp(behind)) / 2e-5, rel=1e-5)


def test_bym2_draws_have_the_covariance_of_its_density(graph, dense):
    mu, covariance = np.linspace(-1, 1, graph.n), dense(graph, 0.5, 0.6)
    with pm.Model():
        eta = BYM2("eta", mu, 0.5, 0.6, graph)
    draws = pm.draw(eta, draws=5000, random_seed=2, mode=INTERPRETED) - mu
    sample = draws.T @ draws / len(draws)
    error = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / len(draws))
    assert np.max(np.abs(sample - covariance) / error) < 5


def test_compiled_graphs_do_not_share_arrays():
    # Compiled, unlike the other tests: it is the compiled code that PyTensor keeps by an operation's
    # properties.
    value = np.array([0.3, -0.2, 0.9])
    densities = []
    for links in ([0], [1]), ([0, 1], [1, 2]):
        graph = scale_graph(3, np.array(links[0]), np.array(links[1]))
        with pm.Model() as model:
            BYM2("eta", 0.0, 0.5, 0.6, graph)
        inverse = np.linalg.pinv(graph.matrix.toarray(), rcond=1e-10, hermitian=True)
        covariance = 0.25 * (0.4 * np.eye(3) + 0.6 * inverse)
        densities.append(float(model.compile_logp()({"eta": value})))
        assert densities[-1] == pytest.approx(multivariate_normal(np.zeros(3), covariance).logpdf(value))
    assert densities[0] != pytest.approx(densities[1], abs=1e-3)


@pytest.mark.parametrize(
    ("structure", "family", "priors"),
    [
        ("bym2", "binomial", Priors(sigma=PCSigma(), rho=PCRho())),
        ("bym2", "poisson", Priors(intercept_mean=0.2, sigma=HalfNormal(0.8), rho=BetaRho(2.0, 0.7))),
        ("iid", "binomial", Priors()),
    ],
)
def test_pymc_joint_is_our_marginal_times_the_coefficients_conditional(
    make_districts, structure, family, priors
):
    districts = make_districts()
    party = "party" if family == "binomial" else "cases"
    model = VoteShareModel(f"{party} ~ migrants + education", family, structure, priors)
    posterior, _ = model.posterior(districts)
    built = model.to_pymc(districts)
    density = posterior.function()
    logp = built.compile_logp(mode=INTERPRETED)
    rng = np.random.default_rng(7)
    differences = []
    for _ in range(4):
        log_sigma, logit_rho = rng.normal(-1, 0.5), rng.normal(0.5, 1.0)
        eta = rng.normal(-1.0, 0.5, districts.n)
        hyper = [log_sigma, logit_rho][: posterior.n_hyper]
        coefficients = rng.normal(0, 0.5, 3) + posterior.prior_mean
        conditional = _log_conditional(posterior, eta, coefficients, np.exp(log_sigma), logit_rho)
        ours = density(np.r_[hyper, eta])[0] + conditional
        point = {"intercept": coefficients[0], "beta": coefficients[1:], "eta": eta}
        point["sigma_log__"] = log_sigma
        if posterior.n_hyper == 2:
            name = next(v.name for v in built.value_vars if v.name.startswith("rho"))
            point[name] = logit_rho
        differences.append(float(logp(point)) - ours)
    # What remains is the family's normalising constant, the same at every point.
    np.testing.assert_allclose(differences, differences[0], atol=1e-6)


def _log_conditional(posterior, eta, coefficients, sigma, logit_rho):
    """log p(b | eta, sigma, rho) of the coefficients, at given values."""
    graph = posterior.field.graph
    rho = 1 / (1 + np.exp(-logit_rho)) if posterior.n_hyper == 2 else 0.5
    k, t = rho / (1 - rho), 1 / (sigma**2 * (1 - rho))
    columns = np.column_stack([eta - posterior.offset, posterior.design])
    x, centred, _ = smooth(columns, k, graph.component, graph.sizes, tuple(graph.pattern))
    mean, lower, _ = coefficient_posterior(columns, x, centred, posterior.prior_sd, t, k)
    covariance = np.linalg.inv(lower @ lower.T)
    return multivariate_normal(posterior.prior_mean + mean, covariance).logpdf(coefficients)


def test_prior_predictive_of_the_pymc_form_matches_ours(make_districts):
    districts = make_districts(rows=3, columns=3)
    model = VoteShareModel("party ~ migrants", priors=Priors(rho=PCRho()))
    tree = pm.sample_prior_predictive(
        draws=4000, model=model.to_pymc(districts), random_seed=3, compile_kwargs={"mode": INTERPRETED}
    )
    theirs = tree["prior"]["eta"].to_numpy()[0]
    fit = model.fit(districts, seed=1, draws=5, tune=20, chains=1, progress=False)
    ours = fit.tree["prior"]["eta"].to_numpy()[0]
    # Standard errors of both means and of both standard deviations (kurtosis bounded by 9 here).
    error = np.sqrt(theirs.var(axis=0) / 4000 + ours.var(axis=0) / 1000)
    assert np.max(np.abs(theirs.mean(axis=0) - ours.mean(axis=0)) / error) < 5
    ratio = theirs.std(axis=0) / ours.std(axis=0)
    assert np.max(np.abs(np.log(ratio))) < 5 * np.sqrt(2 / 1000)
