"""Effects without an iid part: the density of their corrected draws, and what the weights estimate."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from spatialvote.models.families import FAMILIES
from spatialvote.models.laplace.district import derivatives
from spatialvote.models.laplace.engine import laplace
from spatialvote.models.laplace.in_turn import draw_corrected
from spatialvote.models.laplace.sites import correct
from spatialvote.models.laplace.target import Target
from spatialvote.models.vote_share import VoteShareModel

SPARSE = ["leroux", "proper_car", "sar", "dagar"]


def bound(districts, structure, family="binomial", right="migrants"):
    party = "cases" if family == "poisson" else "party"
    posterior, _ = VoteShareModel(f"{party} ~ {right}", family, structure).posterior(districts)
    target = Target.of(posterior)
    values = {"sigma": -0.3, "rho": 0.4, "overdispersion": -3.0}
    theta = np.array([values[name] for name in posterior.hyperparameters])
    mode = target.mode(theta, target.cold())
    return target, mode, correct(target, mode)


def prior_precision(target, mode):
    """P as a dense matrix, permuted order."""
    _, start, index = target.pattern[:3]
    n = len(mode.x)
    dense = np.diag(mode.scales.diagonal)
    rows = np.repeat(np.arange(n), np.diff(start))
    dense[rows, index] = dense[index, rows] = mode.scales.below
    return dense


def log_likelihood(target, m, dispersion, i):
    family = FAMILIES[target.posterior.family].CODE
    vote, size = target.votes[i], target.size[i]
    return np.array([derivatives(family, one, vote, size, dispersion)[0] for one in m])


@pytest.mark.parametrize("family", ["binomial", "poisson", "beta_binomial"])
@pytest.mark.parametrize("structure", SPARSE)
def test_weights_are_the_posterior_over_the_density_of_the_draws(make_districts, structure, family):
    """The density of a draw by dense algebra, district after district, each normalised on a grid."""
    target, mode, sites = bound(make_districts(rows=2, columns=3, mean_votes=12), structure, family)
    n, p = target.design.shape
    x, c, ratio = draw_corrected(target, mode.scales.dispersion, sites, 2, np.random.default_rng(3))
    dispersion, prior = mode.scales.dispersion, prior_precision(target, mode)
    precision = prior + np.diag(sites.curvature)
    of_c = sites.lower @ sites.lower.T
    for q in range(2):
        m = x[:, q] + target.design @ c[:, q]
        log_q = multivariate_normal(sites.c, np.linalg.inv(of_c)).logpdf(c[:, q])
        mean = sites.x - sites.v @ (c[:, q] - sites.c)
        log_p = 0.5 * scale_of(target, mode)
        for i in range(n):
            # Of x_i given those after it, with those before it integrated out of the Gaussian.
            keep = np.arange(i, n)
            joint = np.linalg.inv(np.linalg.inv(precision)[np.ix_(keep, keep)])
            shift = joint[0, 1:] @ (x[i + 1 :, q] - mean[i + 1 :]) / joint[0, 0]
            centre = mean[i] - shift
            grid = centre + np.linspace(-15, 15, 1501) / np.sqrt(joint[0, 0])

            def log_density(at, i=i, centre=centre, root=joint[0, 0], c=c[:, q]):
                level = at + target.design[i] @ c
                apart = level - sites.m[i]
                site = sites.slope[i] * apart - 0.5 * sites.curvature[i] * apart**2
                return log_likelihood(target, level, dispersion, i) - site - 0.5 * root * (at - centre) ** 2

            mass = logsumexp(log_density(grid)) + np.log(grid[1] - grid[0])
            log_q += log_density(x[i : i + 1, q])[0] - mass
            log_p += log_likelihood(target, m[i : i + 1], dispersion, i)[0]
        log_p -= 0.5 * x[:, q] @ prior @ x[:, q]
        log_p -= 0.5 * np.sum(mode.scales.c_precision * (c[:, q] - target.posterior.prior_mean) ** 2)
        log_p -= 0.5 * (n + p) * np.log(2 * np.pi)
        # Quadrature with nine nodes is right to 1e-4 for single votes.
        assert sites.log_z + ratio[q] == pytest.approx(log_p - log_q, abs=n * 2e-4)


def scale_of(target, mode):
    """Twice what `Target.mode` adds to the objective that depends on no district."""
    scales = mode.scales
    prior, _ = target.posterior.log_prior(mode.theta)
    return 2 * prior + scales.log_det_prior + np.log(scales.c_precision).sum()


@pytest.mark.parametrize("structure", ["leroux", "dagar"])
def test_weights_estimate_the_normaliser_of_few_votes(make_districts, structure):
    """Three districts and an intercept, against quadrature on a grid of the three predictors."""
    target, mode, sites = bound(make_districts(rows=1, columns=2, mean_votes=8), structure, right="1")
    _, _, ratio = draw_corrected(target, 0.0, sites, 4000, np.random.default_rng(1))
    spread = np.linalg.inv(prior_precision(target, mode)) + target.posterior.prior_sd[0] ** 2
    axes = [at + np.linspace(-8, 6, 57) for at in sites.m]
    whole = multivariate_normal(np.full(3, target.posterior.prior_mean[0]), spread).logpdf(
        np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    )
    for i, axis in enumerate(axes):
        shape = [1, 1, 1]
        shape[i] = -1
        whole = whole + log_likelihood(target, axis, 0.0, i).reshape(shape)
    exact = logsumexp(whole) + 3 * np.log(0.25) + target.posterior.log_prior(mode.theta)[0]
    weight = np.exp(sites.log_z + ratio - exact)
    # Four standard errors of a mean, and the quadrature of Z with nine nodes.
    assert weight.mean() == pytest.approx(1, abs=4 * weight.std() / np.sqrt(len(weight)) + 1e-3)
    # Without the correction a Laplace approximation is off by more than that.
    assert weight.std() < 0.5


@pytest.mark.parametrize("structure", SPARSE)
def test_draws_of_few_votes_are_effective(make_districts, structure):
    """A dozen votes a district: of Gaussian draws at the mode a half would be lost."""
    districts = make_districts(rows=10, columns=12, mean_votes=30)
    posterior, _ = VoteShareModel("party ~ migrants", structure=structure).posterior(districts)
    report = laplace(posterior, 400, np.random.default_rng(1)).report
    assert report["k_hat_draws"] < 0.5
    assert report["importance_ess"] > 0.85 * 400


def test_logits_of_shares_need_no_correction(make_districts):
    """Their likelihood is Gaussian: sites reproduce it, and every weight is one."""
    posterior, _ = VoteShareModel("party ~ migrants", "gaussian", "leroux").posterior(make_districts())
    target = Target.of(posterior)
    theta = np.array([{"sigma": -0.3, "rho": 0.4, "noise": -1.0}[name] for name in target.names])
    mode = target.mode(theta, target.cold())
    sites = correct(target, mode)
    _, _, ratio = draw_corrected(target, mode.scales.dispersion, sites, 5, np.random.default_rng(1))
    assert sites.log_z == pytest.approx(mode.value, abs=1e-7)
    assert ratio == pytest.approx(np.zeros(5), abs=1e-7)
