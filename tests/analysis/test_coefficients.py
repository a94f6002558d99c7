import numpy as np
import pytest
from arviz_stats.base.array import array_stats

from spatialvote.analysis.coefficients import coefficients, hyperparameters, spatial_fraction
from spatialvote.data.errors import ModelError


def test_standardised_scale(fits):
    fit = fits("bym2")
    table = coefficients(fit)
    assert list(table.index) == ["intercept", "migrants", "income"]
    draws = np.column_stack([fit.draws("intercept"), fit.draws("beta")])
    np.testing.assert_allclose(table["mean"], draws.mean(axis=0))
    np.testing.assert_allclose(table["sd"], draws.std(axis=0, ddof=1))
    np.testing.assert_allclose(table[["low", "high"]].T, np.quantile(draws, [0.025, 0.975], axis=0))
    np.testing.assert_allclose(table["probability_positive"], (draws > 0).mean(axis=0))


def test_original_scale_gives_the_same_linear_predictor(fits, districts):
    fit = fits("bym2")
    table = coefficients(fit)
    at = districts.table[["migrants", "income"]].to_numpy()
    original = table["mean_original"].to_numpy()
    # Means of linear functions are linear functions of means.
    np.testing.assert_allclose(original[0] + at @ original[1:], fit.fixed_part().mean(axis=0), rtol=1e-9)
    ratio = table["sd"] / table["sd_original"]
    np.testing.assert_allclose(ratio[1:], at.std(axis=0), rtol=1e-9)


def test_true_slopes_are_inside(fits):
    table = coefficients(fits("bym2"))
    # The slopes of the simulated districts, see conftest.
    for name, truth in (("migrants", -0.03), ("income", 0.05)):
        assert table.loc[name, "low_original"] < truth < table.loc[name, "high_original"]


def test_units_and_diagnostics(fits):
    fit = fits("bym2")
    table = coefficients(fit)
    assert list(table["unit"]) == ["", "percent", "1000 EUR"]
    beta = fit.tree["posterior"]["beta"].to_numpy()[..., 0]
    assert table.loc["migrants", "ess_bulk"] == pytest.approx(float(array_stats.ess(beta, method="bulk")))
    assert table.loc["migrants", "r_hat"] == pytest.approx(float(array_stats.rhat(beta)))


@pytest.mark.parametrize(
    ("structure", "names"), [("bym2", ["sigma", "rho"]), ("iid", ["sigma"]), ("none", [])]
)
def test_hyperparameters(fits, structure, names):
    table = hyperparameters(fits(structure))
    assert list(table.index) == names
    assert list(table.columns) == ["mean", "sd", "low", "high", "r_hat", "ess_bulk", "ess_tail"]
    for name in names:
        assert table.loc[name, "mean"] == pytest.approx(fits(structure).draws(name).mean())


def test_spatial_fraction(fits):
    fit = fits("bym2")
    fraction = spatial_fraction(fit)
    assert fraction.shape == (6000,)
    s = 17
    structured = fit.draws("sigma")[s] * np.sqrt(fit.draws("rho")[s]) * fit.draws("phi")[s]
    rest = fit.draws("eta")[s] - fit.fixed_part()[s] - structured
    assert fraction[s] == pytest.approx(structured.var() / (structured.var() + rest.var()))
    # True rho is 0.9.
    assert np.quantile(fraction, 0.025) < 0.9 < np.quantile(fraction, 0.975)


@pytest.mark.parametrize("structure", ["iid", "none"])
def test_no_spatial_fraction_without_a_structured_part(fits, structure):
    with pytest.raises(
        ModelError, match=f"'{structure}' has no spatially structured part: fit structure 'bym2'"
    ):
        spatial_fraction(fits(structure))
