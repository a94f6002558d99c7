import numpy as np
import pytest
import xarray as xr
from scipy.stats import kstest

from spatialvote.analysis.residuals import FARTHEST, pivotal_residuals, thin
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel


def test_thin_keeps_the_ends_and_takes_all_where_there_are_few(fits):
    at = thin(fits("iid"), 7)
    assert at.size == 7
    assert (at[0], at[-1]) == (0, 5999)
    np.testing.assert_array_equal(thin(fits("iid"), 10_000), np.arange(6000))


def test_bym2_residual_and_structured_part_give_eta_back(fits):
    fit, at = fits("bym2"), np.array([0, 5, 5999])
    theta = pivotal_residuals(fit, at, np.random.default_rng(0))
    sigma, rho = (fit.draws(name)[at][:, None] for name in ("sigma", "rho"))
    eta = fit.fixed_part()[at] + sigma * (np.sqrt(1 - rho) * theta + np.sqrt(rho) * fit.draws("phi")[at])
    # eta is kept in single precision.
    np.testing.assert_allclose(eta, fit.draws("eta")[at], rtol=1e-6, atol=1e-6)


def test_iid_residual_is_the_standardised_effect(fits):
    fit, at = fits("iid"), np.array([1, 2])
    expected = (fit.draws("eta") - fit.fixed_part())[at] / fit.draws("sigma")[at][:, None]
    np.testing.assert_allclose(pivotal_residuals(fit, at, np.random.default_rng(0)), expected)
    np.testing.assert_allclose(fit.fixed_part(at), fit.fixed_part()[at])


def counts_at(eta: np.ndarray, votes: np.ndarray, size: np.ndarray, family: str) -> Fit:
    """A fit with nothing in it but one draw of eta, and the votes."""
    size_name = "exposure" if family == "poisson" else "trials"
    dispersion = {"beta_binomial": {"overdispersion": 0.2}, "gaussian": {"noise": 0.2}}.get(family, {})
    drawn = {name: (("chain", "draw"), [[value]]) for name, value in dispersion.items()}
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"eta": (("chain", "draw", "district"), eta[None, None]), **drawn}),
            "observed_data": xr.Dataset({"votes": ("district", votes)}),
            "constant_data": xr.Dataset({size_name: ("district", size)}),
        }
    )
    return Fit(tree, VoteShareModel("a ~ b", family=family, structure="none"), {})


@pytest.mark.parametrize("family", list(FAMILIES))
def test_quantile_residuals_are_standard_normal_at_the_truth(family):
    rng, n = np.random.default_rng(8), 4000
    # Few votes, so that the randomisation matters.
    size = rng.integers(1, 12, n)
    eta = rng.normal(-1, 0.7, n)
    votes = FAMILIES[family].draw(rng, eta, size, 0.2)
    residuals = pivotal_residuals(counts_at(eta, votes, size, family), np.array([0]), rng)[0]
    # One fixed seed: a wrong residual of 4,000 districts gives far less.
    assert kstest(residuals, "norm").pvalue > 0.001


def test_quantile_residuals_stay_finite_and_exact_in_the_tails():
    eta, size = np.array([8.0, -8.0, 0.0, 0.0]), np.array([10_000, 10_000, 1000, 1000])
    fit = counts_at(eta, np.array([0, 10_000, 650, 350]), size, "binomial")
    residuals = pivotal_residuals(fit, np.array([0]), np.random.default_rng(0))[0]
    np.testing.assert_allclose(residuals[:2], [-FARTHEST, FARTHEST])
    # 150 votes from the mean with sd 15.8: the normal approximation of the tail is within a few per cent.
    np.testing.assert_allclose(residuals[2:], [9.49, -9.49], rtol=0.03)


def test_draws_at_positions_are_those_of_the_joined_chains(fits):
    fit = fits("none")
    np.testing.assert_array_equal(fit.draws("beta", np.array([1500])), fit.draws("beta")[1500:1501])
