"""The PyMC distribution and the PyMC form of a model, against dense algebra and against our density."""

import numpy as np
import pymc as pm
import pytest
from pytensor.compile.mode import Mode
from scipy.stats import multivariate_normal

from spatialvote.models.bym2 import BYM2
from spatialvote.models.correlated import block_root
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit_groups import by_term
from spatialvote.models.priors import BetaRho, HalfNormal, PCRho, PCSigma, Priors
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.sparse_field import SparseField
from spatialvote.models.structures import bind_graph
from spatialvote.models.structures.dispatch import weights
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


@pytest.mark.parametrize("structure", ["bym2", "sar"])
def test_draws_have_the_covariance_of_the_density(graph, structure):
    mu, field = np.linspace(-1, 1, graph.n), bind_graph(structure, graph)
    covariance = np.linalg.inv(dense_precision(field, 0.5, 0.6))
    with pm.Model():
        if field.precision is None:
            eta = BYM2("eta", mu, 0.5, 0.6, graph)
        else:
            eta = SparseField("eta", mu, 0.5, 0.6, field.precision)
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


def test_sparse_field_is_the_dense_normal(graph):
    mu, precision = np.linspace(-1, 1, graph.n), bind_graph("dagar", graph).precision
    with pm.Model() as model:
        sigma = pm.HalfNormal("sigma", 1.0)
        rho = pm.Uniform("rho", 0.0, 1.0)
        eta = SparseField("eta", mu, sigma, rho, precision)
    value = np.random.default_rng(1).normal(size=graph.n)
    covariance = np.linalg.inv(dense_precision(bind_graph("dagar", graph), 0.5, 0.6))
    point = {"eta": value, "sigma_log__": np.log(0.5), "rho_interval__": np.log(0.6 / 0.4)}
    expected = multivariate_normal(mu, covariance).logpdf(value)
    assert model.compile_logp(vars=[eta], mode=INTERPRETED)(point) == pytest.approx(expected, abs=1e-7)
    by_eta = model.compile_dlogp(vars=[eta], mode=INTERPRETED)(point)
    np.testing.assert_allclose(by_eta, -np.linalg.solve(covariance, value - mu), rtol=1e-7, atol=1e-7)
    logp, slope = model.compile_logp(mode=INTERPRETED), model.compile_dlogp(mode=INTERPRETED)(point)
    for name, at in (("sigma_log__", 0), ("rho_interval__", 1)):
        ahead, behind = ({**point, name: point[name] + h} for h in (1e-5, -1e-5))
        assert slope[at] == pytest.approx((logp(ahead) - logp(behind)) / 2e-5, rel=1e-5)


def dense_precision(field, sigma, rho):
    """Q of any field, by dense algebra."""
    graph, one = field.graph, field.precision
    if one is None:
        inverse = np.linalg.pinv(graph.matrix.toarray(), rcond=1e-10, hermitian=True)
        return np.linalg.inv(sigma**2 * ((1 - rho) * np.eye(graph.n) + rho * inverse))
    order, start, index = one.pattern[:3]
    share = weights(one.code, rho, one.table)[0] / sigma**2
    rows = np.repeat(np.arange(one.n), np.diff(start))
    permuted = np.diag(share @ one.diagonal_terms)
    permuted[rows, index] = permuted[index, rows] = share @ one.below_terms
    place = np.argsort(order)
    return permuted[np.ix_(place, place)]


@pytest.mark.parametrize(
    ("structure", "family", "priors"),
    [
        ("bym2", "binomial", Priors(sigma=PCSigma(), rho=PCRho())),
        ("bym2", "poisson", Priors(intercept_mean=0.2, sigma=HalfNormal(0.8), rho=BetaRho(2.0, 0.7))),
        ("iid", "binomial", Priors()),
        ("none", "poisson", Priors()),
        ("leroux", "beta_binomial", Priors()),
        ("proper_car", "gaussian", Priors(noise=HalfNormal(0.4))),
        ("sar", "poisson", Priors(rho=BetaRho(3.0, 2.0))),
        ("dagar", "binomial", Priors(group=HalfNormal(0.5))),
    ],
)
@pytest.mark.parametrize("term", ["education", "(1 | quarter)"])
def test_pymc_joint_is_our_marginal_times_the_coefficients_conditional(
    make_districts, structure, family, priors, term
):
    districts = make_districts()
    party = "cases" if family == "poisson" else "party"
    model = VoteShareModel(f"{party} ~ migrants + {term}", family, structure, priors)
    posterior, _ = model.posterior(districts)
    built = model.to_pymc(districts)
    density, logp = posterior.function(), built.compile_logp(mode=INTERPRETED)
    names = {v.name.partition("_log")[0].partition("_interval")[0]: v.name for v in built.value_vars}
    rng = np.random.default_rng(7)
    differences = []
    for _ in range(3):
        theta = rng.normal(-1, 0.5, posterior.n_hyper)
        at = {name: float(value) for name, value in posterior.constrain(theta).items()}
        sd = posterior.coefficient_sd(theta)
        coefficients = rng.normal(0, 0.5, len(sd)) * sd + posterior.prior_mean
        point = {names[name]: value for name, value in zip(posterior.hyperparameters, theta, strict=True)}
        named = by_term(posterior, coefficients)
        point |= {name: np.asarray(value) for name, value in named.items()}
        if structure == "none":
            ours = density(np.r_[theta, coefficients])[0]
        else:
            eta = rng.normal(-1.0, 0.5, districts.n)
            point["eta"] = eta
            precision = dense_precision(posterior.field, at["sigma"], at.get("rho", 0.5))
            conditional = _log_conditional(posterior, eta, coefficients, sd, precision)
            ours = density(np.r_[theta, eta])[0] + conditional
        differences.append(float(logp(point)) - ours)
    # What remains is the family's normalising constant, the same at every point.
    np.testing.assert_allclose(differences, differences[0], atol=1e-6)


def _log_conditional(posterior, eta, coefficients, sd, precision):
    """log p(b | eta, hyperparameters) of the coefficients, at given values, by dense algebra."""
    x = posterior.design
    m = x.T @ precision @ x + np.diag(sd**-2.0)
    mean = posterior.prior_mean + np.linalg.solve(m, x.T @ precision @ (eta - posterior.offset))
    return multivariate_normal(mean, np.linalg.inv(m)).logpdf(coefficients)


def test_districts_where_the_party_did_not_stand_are_not_observed(make_districts):
    districts = make_districts(mean_votes=20)
    districts.table.loc[districts.ids[:3], "party"] = 0
    built = VoteShareModel("party ~ migrants", absent="zero votes").to_pymc(districts)
    stood = int((districts.votes("party") > 0).sum())
    assert stood < districts.n
    assert built["votes"].eval().shape == (stood,)


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


def test_correlated_slopes_and_a_varying_one_are_those_of_the_latent_model(make_districts, dense):
    """Effects are D L white, the slope a root of its covariance; the joint density is that of its parts."""
    districts = make_districts()
    model = VoteShareModel("party ~ migrants + (1 + migrants | quarter)", varying="migrants")
    posterior, design = model.posterior(districts)
    built = model.to_pymc(districts)
    names = {v.name.partition("_log")[0].partition("_interval")[0]: v.name for v in built.value_vars}
    made = ["effect_quarter", "effect_migrants|quarter", "slope"]
    logp = built.compile_logp(mode=INTERPRETED)
    outputs = built.replace_rvs_by_values([built[name] for name in made])
    made_of = built.compile_fn(outputs, inputs=built.value_vars, mode=INTERPRETED, on_unused_input="ignore")
    rng, graph, differences = np.random.default_rng(7), posterior.field.graph, []
    for _ in range(3):
        theta = rng.normal(-1, 0.5, posterior.n_hyper)
        at = {name: float(value) for name, value in posterior.constrain(theta).items()}
        point = {names[name]: value for name, value in zip(posterior.hyperparameters, theta, strict=True)}
        point |= {"intercept": np.asarray(-1.1), "beta": rng.normal(0, 0.3, 1)}
        white = rng.standard_normal((2, 2))
        point |= {"white_quarter": white[0], "white_migrants|quarter": white[1]}
        point["white_slope"] = rng.standard_normal(graph.n - graph.sizes.size)
        point["eta"] = rng.normal(-1.0, 0.5, districts.n)
        intercepts, slopes, local = made_of(point)
        root = block_root(posterior.effects, {name: np.array([one]) for name, one in at.items()})[0]
        np.testing.assert_allclose([intercepts, slopes], root @ white)
        # The quadratic form of the slope's precision is that of the noise, and components sum to zero.
        form = local @ graph.matrix @ local / at["sigma_slope"] ** 2
        assert form == pytest.approx(point["white_slope"] @ point["white_slope"])
        assert local[graph.component == 0].sum() == pytest.approx(0.0, abs=1e-8)
        x, index = design.standardised[:, 0], design.groups[0].index
        mu = point["intercept"] + x * (point["beta"] + slopes[index] + local) + intercepts[index]
        parts = posterior.log_prior(theta)[0]
        parts += multivariate_normal(mu, dense(graph, at["sigma"], at["rho"])).logpdf(point["eta"])
        coefficients = (
            np.r_[point["intercept"], point["beta"]] - posterior.prior_mean[:2]
        ) / posterior.prior_sd[:2]
        noise = np.r_[white.ravel(), point["white_slope"], coefficients]
        parts -= 0.5 * noise @ noise
        family = FAMILIES["binomial"]
        parts += family.log_likelihood(point["eta"], posterior.votes, posterior.size, 0.0).sum()
        differences.append(float(logp(point)) - parts)
    np.testing.assert_allclose(differences, differences[0], atol=1e-6)
