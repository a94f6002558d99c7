"""Effects that vary between levels: fits by both engines, and the latent form of the model."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from spatialvote.data.errors import ModelError
from spatialvote.models.correlated import correlations
from spatialvote.models.fit import Fit
from spatialvote.models.latent.exact import field_density
from spatialvote.models.latent.levels import as_latent
from spatialvote.models.latent.system import combine_bases
from spatialvote.models.vote_share import VoteShareModel

FORMULA = "party ~ migrants + education + (1 + migrants | quarter)"


@pytest.fixture(scope="module")
def districts(make_districts):
    return make_districts(7, 8, mean_votes=1500)


@pytest.fixture(scope="module")
def fast(districts) -> Fit:
    return VoteShareModel(FORMULA).fit(districts, "laplace", seed=1, draws=400, progress=False)


def test_latent_terms_are_the_columns_of_the_posterior(districts):
    """The density of eta by the latent form is that of the dense columns and their covariance."""
    model = VoteShareModel("party ~ migrants + education + (1 + migrants + education | quarter)")
    posterior, design = model.posterior(districts)
    assert posterior.latent
    latent = as_latent(posterior, design)
    assert latent.hyperparameters == posterior.hyperparameters
    eta = posterior.offset + np.random.default_rng(2).normal(0, 0.4, districts.n)
    excess = []
    for shift in (0.0, 0.4, -0.3):
        theta = np.array([-1.0, 0.3, -0.8, -1.2, -1.5, 0.4, -0.3, 0.2]) + shift
        values = posterior.constrain(theta)
        sigma, rho = float(values["sigma"]), float(values["rho"])
        inverse = np.linalg.pinv(posterior.field.graph.matrix.toarray(), rcond=1e-10, hermitian=True)
        total = sigma**2 * ((1 - rho) * np.eye(districts.n) + rho * inverse)
        total += posterior.design @ posterior.coefficient_covariance(values) @ posterior.design.T
        scales = latent.scales(theta)
        value = field_density(
            eta, np.exp(scales.log_t), combine_bases(scales.weights, latent.layout), latent.design,
            latent.prior_mean, latent.prior_sd**-2.0, latent.layout,
        )[0]  # fmt: skip
        excess.append(value + scales.log_det / 2 - multivariate_normal(posterior.offset, total).logpdf(eta))
        assert latent.log_prior(theta)[0] == pytest.approx(posterior.log_prior(theta)[0])
    assert excess == pytest.approx([excess[0]] * 3, abs=1e-8)


def test_a_fit_has_every_variable_and_comes_back_from_its_file(fast, districts, tmp_path):
    names = {"sd_quarter", "sd_migrants|quarter", "cor_migrants|quarter", "partial_migrants|quarter"}
    names |= {"effect_quarter", "effect_migrants|quarter"}
    assert names <= set(fast.tree["posterior"].data_vars)
    assert fast.groups == ("quarter", "migrants|quarter")
    assert fast.hyperparameters[-3:] == ("sd_quarter", "sd_migrants|quarter", "cor_migrants|quarter")
    again = Fit.load(fast.save(tmp_path / "fit.nc"))
    np.testing.assert_array_equal(
        again.draws("effect_migrants|quarter"), fast.draws("effect_migrants|quarter")
    )
    # mu by hand, at one draw.
    index = fast.constant("index_quarter")
    x = fast.standardised
    mu = fast.draws("intercept")[3] + x @ fast.draws("beta")[3] + fast.draws("effect_quarter")[3][index]
    mu += fast.draws("effect_migrants|quarter")[3][index] * x[:, 0]
    np.testing.assert_allclose(fast.fixed_part(np.array([3]))[0], mu)
    # The structured and the independent part are what mu leaves of eta.
    assert fast.district_effects().std() == pytest.approx(fast.draws("sigma").mean(), rel=0.5)
    assert fast.record["laplace"]["k_hat"] < 0.7


def test_a_change_has_the_slopes_of_the_levels(fast):
    shift = np.zeros((57, 2))
    shift[:, 0] = 5.0
    index, scale = fast.constant("index_quarter"), fast.constant("scale")[0]
    slope = fast.draws("beta")[:, [0]] + fast.draws("effect_migrants|quarter")[:, index]
    np.testing.assert_allclose(fast.change(shift), slope * 5.0 / scale)


@pytest.mark.slow
def test_engines_agree(fast, districts):
    exact = VoteShareModel(FORMULA).fit(
        districts, seed=2, draws=400, tune=300, chains=2, target_accept=0.9, progress=False
    )
    assert int(exact.tree["sample_stats"]["diverging"].sum()) <= 4
    for name in ("intercept", "sigma", "sd_quarter", "sd_migrants|quarter", "cor_migrants|quarter"):
        one, other = fast.draws(name), exact.draws(name)
        # About 200 effective draws on either side.
        error = np.hypot(one.std(), other.std()) / np.sqrt(200)
        assert one.mean() == pytest.approx(other.mean(), abs=4 * error)


def test_correlations_of_draws_are_those_of_the_effects_prior(districts):
    """Prior draws: the correlation of intercepts and slopes over many levels is what `cor_` says."""
    posterior, _ = VoteShareModel(FORMULA).posterior(districts)
    values = {"sd_quarter": 0.4, "sd_migrants|quarter": 0.2, "partial_migrants|quarter": 0.9}
    covariance = posterior.coefficient_covariance(values)
    levels = covariance[3:, 3:]
    # Columns: two intercepts, then two slopes.
    assert levels[0, 2] / np.sqrt(levels[0, 0] * levels[2, 2]) == pytest.approx(0.8)
    assert levels[0, 3] == levels[0, 1] == 0.0
    found = correlations(posterior.effects, {name: np.array([one]) for name, one in values.items()})
    assert found["cor_migrants|quarter"] == pytest.approx([0.8])


def test_slopes_need_a_structure_with_an_independent_part(districts):
    with pytest.raises(ModelError, match="structure 'leroux' does not go with effects that vary"):
        VoteShareModel(FORMULA, structure="leroux").fit(districts, "laplace", seed=1, progress=False)


def test_a_slope_of_a_column_without_variation_within_levels_is_refused(districts):
    table = pd.DataFrame(districts.table)
    districts.table["flat"] = (table["quarter"] == "old").astype(float)
    try:
        with pytest.raises(ModelError, match="'flat' has one value within each level of 'quarter'"):
            VoteShareModel("party ~ flat + (1 + flat | quarter)").posterior(districts)
    finally:
        del districts.table["flat"]
