"""A slope that varies over the map: its density, its fits by both engines, what is kept, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import multivariate_normal

from spatialvote.analysis.local_slopes import local_slopes
from spatialvote.data.errors import ModelError
from spatialvote.models.fit import Fit
from spatialvote.models.fit_groups import draw_prior
from spatialvote.models.latent.exact import field_density
from spatialvote.models.latent.levels import as_latent
from spatialvote.models.latent.system import combine_bases
from spatialvote.models.latent.terms import GROUND
from spatialvote.models.vote_share import VoteShareModel

FORMULA = "party ~ migrants + education"
ROWS, COLUMNS = 9, 10


def with_slope(districts, slope):
    """The districts with votes of a slope (n,) per standard deviation of the migrants, and little else."""
    rng = np.random.default_rng(11)
    x = districts.table["migrants"].to_numpy()
    x = (x - x.mean()) / x.std()
    table = districts.table.copy()
    eta = -1.2 + slope * x + rng.normal(0, 0.1, districts.n)
    table["party"] = rng.binomial(table["valid"], expit(eta))
    return replace(districts, table=table)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Slopes that rise from the top to the bottom of the lattice; the island has the average."""
    return np.r_[np.repeat(np.linspace(-0.6, 0.2, ROWS), COLUMNS), -0.2]


@pytest.fixture(scope="module")
def districts(make_districts, truth):
    return with_slope(make_districts(ROWS, COLUMNS, seed=3, mean_votes=1500), truth)


@pytest.fixture(scope="module")
def fast(districts) -> Fit:
    model = VoteShareModel(FORMULA, varying="migrants")
    return model.fit(districts, "laplace", seed=1, draws=400, progress=False)


def test_density_of_eta_is_that_of_dense_algebra(make_districts, dense):
    districts = make_districts()
    model = VoteShareModel("party ~ migrants + (1 | quarter)", varying="migrants")
    posterior, design = model.posterior(districts)
    latent = as_latent(posterior, design)
    assert (
        latent.hyperparameters == posterior.hyperparameters == ("sigma", "rho", "sd_quarter", "sigma_slope")
    )
    x = design.standardised[:, 0]
    eta = posterior.offset + np.random.default_rng(2).normal(0, 0.4, districts.n)
    excess = []
    for shift in (0.0, 0.4, -0.3):
        theta = np.array([-1.0, 0.3, -0.8, -1.2]) + shift
        values = posterior.constrain(theta)
        total = dense(posterior.field.graph, float(values["sigma"]), float(values["rho"]))
        total += posterior.design @ posterior.coefficient_covariance(values) @ posterior.design.T
        total += np.outer(x, x) * dense(posterior.field.graph, float(values["sigma_slope"]), 1.0)
        scales = latent.scales(theta)
        value = field_density(
            eta, np.exp(scales.log_t), combine_bases(scales.weights, latent.layout), latent.design,
            latent.prior_mean, latent.prior_sd**-2.0, latent.layout,
        )[0]  # fmt: skip
        excess.append(value + scales.log_det / 2 - multivariate_normal(posterior.offset, total).logpdf(eta))
        assert latent.log_prior(theta)[0] == pytest.approx(posterior.log_prior(theta)[0])
    # The slope's field is grounded at one district.
    assert excess == pytest.approx([excess[0]] * 3, abs=10 * GROUND)


def test_prior_draws_have_the_covariance_of_the_slope(districts):
    posterior, design = VoteShareModel(FORMULA, varying="migrants").posterior(districts)
    drawn = draw_prior(posterior, 2000, np.random.default_rng(3))
    white = drawn["slope"] / drawn["sigma_slope"][:, None]
    covariance = np.linalg.pinv(posterior.field.graph.matrix.toarray(), rcond=1e-10, hermitian=True)
    variance = np.diag(covariance)
    error = np.sqrt((np.outer(variance, variance) + covariance**2) / 2000)
    assert np.abs((white.T @ white / 2000 - covariance) / error).max() < 5
    others = drawn["eta"] - drawn["slope"] * design.standardised[:, 0]
    fixed = drawn["intercept"][:, None] + drawn["beta"] @ design.standardised.T
    # What is left are the effects of districts, which know nothing of the slope.
    left = others - fixed
    correlation = (left * white).mean() / np.sqrt((left**2).mean() * (white**2).mean())
    assert abs(correlation) < 4 / np.sqrt(2000)


def test_slopes_of_a_simulated_map_are_recovered(fast, truth):
    assert fast.record["laplace"]["k_hat"] < 0.7
    scale = 10.0 / fast.constant("scale")[0]
    slopes = local_slopes(fast)
    table = slopes.table / scale
    lattice = slice(0, ROWS * COLUMNS)
    assert np.corrcoef(table["mean"][lattice], truth[lattice])[0, 1] > 0.9
    # Of ninety intervals that depend on each other.
    inside = (table["low"] < truth) & (truth < table["high"])
    assert inside.mean() > 0.85
    assert slopes.average.mean() / scale == pytest.approx(-0.2, abs=4 * slopes.average.std() / scale)
    # The sign turns at three quarters of the way down.
    above = slopes.table["probability_positive"].to_numpy()
    assert above[:COLUMNS].max() < 0.01
    assert above[-COLUMNS - 1 : -1].mean() > 0.75
    below, above = slopes.settled()
    assert below > above > 0


def test_without_variation_the_spread_is_small(make_districts, fast):
    flat = with_slope(make_districts(ROWS, COLUMNS, seed=3, mean_votes=1500), -0.2)
    model = VoteShareModel(FORMULA, varying="migrants")
    fit = model.fit(flat, "laplace", seed=1, draws=400, progress=False)
    spread = fit.draws("sigma_slope")
    # The true spread of the other map is 0.25.
    assert np.quantile(spread, 0.95) < 0.1 < np.quantile(fast.draws("sigma_slope"), 0.05)
    assert fit.draws("beta")[:, 0].mean() == pytest.approx(-0.2, abs=4 * fit.draws("beta")[:, 0].std())


def test_a_fit_has_the_slope_and_comes_back_from_its_file(fast, tmp_path):
    assert fast.hyperparameters == ("sigma", "rho", "sigma_slope")
    again = Fit.load(fast.save(tmp_path / "fit.nc"))
    assert again.model == fast.model
    assert again.model.varying == "migrants"
    np.testing.assert_array_equal(again.draws("slope"), fast.draws("slope"))
    # mu, and the change of eta, by hand.
    x, slope = fast.standardised, fast.draws("slope")
    mu = fast.draws("intercept")[:, None] + fast.draws("beta") @ x.T + slope * x[:, 0]
    np.testing.assert_allclose(fast.fixed_part(), mu)
    np.testing.assert_allclose(fast.fixed_part(np.array([3]))[0], mu[3])
    part = slice(5, 9)
    shift = np.column_stack([np.full(4, 5.0), np.full(4, 2.0)]) / 1.0
    by_hand = fast.draws("beta") @ (shift / fast.constant("scale")).T
    by_hand += slope[:, part] * 5.0 / fast.constant("scale")[0]
    np.testing.assert_allclose(fast.change(shift, part), by_hand)
    # Departures sum to zero over a component.
    assert np.abs(slope[:, : ROWS * COLUMNS].mean(axis=1)).max() < 1e-5


@pytest.mark.slow
def test_engines_agree(make_districts):
    districts, model = make_districts(), VoteShareModel(FORMULA, varying="migrants")
    fast = model.fit(districts, "laplace", seed=1, draws=400, progress=False)
    exact = model.fit(districts, seed=2, draws=100, target_accept=0.95, chains=2, progress=False)
    assert int(exact.tree["sample_stats"]["diverging"].sum()) <= 4
    for name in ("intercept", "sigma", "sigma_slope"):
        one, other = fast.draws(name), exact.draws(name)
        # About 50 effective draws on either side.
        error = np.hypot(one.std(), other.std()) / np.sqrt(50)
        assert one.mean() == pytest.approx(other.mean(), abs=4 * error)
    one, other = fast.draws("slope"), exact.draws("slope")
    error = np.hypot(one.std(axis=0), other.std(axis=0)) / np.sqrt(50)
    assert (np.abs(one.mean(axis=0) - other.mean(axis=0)) / error).max() < 4.5


def test_what_cannot_vary_is_refused(make_districts, fast):
    districts = make_districts()
    with pytest.raises(
        ModelError, match="structure 'leroux' does not go with a slope that varies over the map"
    ):
        VoteShareModel(FORMULA, structure="leroux", varying="migrants")
    with pytest.raises(
        ModelError, match=r"'expected' cannot vary .* columns of numbers \('migrants', 'education'\)"
    ):
        VoteShareModel(FORMULA, varying="expected").posterior(districts)
    with pytest.raises(ModelError, match="it is no covariate of numbers"):
        VoteShareModel("party ~ quarter", varying="quarter[old]").posterior(districts)
    flat = districts.table.assign(migrants=np.r_[np.ones(districts.n - 1), 2.0])
    with pytest.raises(ModelError, match=r"'migrants' cannot vary .* one value within each connected part"):
        VoteShareModel(FORMULA, varying="migrants").posterior(replace(districts, table=flat))
    with pytest.raises(ModelError, match="no slope of this model varies over the map"):
        local_slopes(replace(fast, model=replace(fast.model, varying=None)))
