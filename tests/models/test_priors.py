"""Priors: they integrate to one, say what they claim, and draw from themselves."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest

from spatialvote.data.errors import ModelError
from spatialvote.models.priors import (
    BetaRho,
    HalfNormal,
    PCOverdispersion,
    PCRho,
    PCSigma,
    Priors,
    log_prior_overdispersion,
    log_prior_rho,
    log_prior_sigma,
    rho_distance,
)
from spatialvote.models.spectrum import spectrum

SIGMA = [PCSigma(), PCSigma(0.5, 0.05), HalfNormal(0.7)]
OVERDISPERSION = [PCOverdispersion(), PCOverdispersion(0.02, 0.05), PCOverdispersion(0.5, 0.29)]
RHO = [PCRho(), PCRho(0.3, 0.5), BetaRho(), BetaRho(0.5, 0.5)]


def _density_of_logit(prior, graph):
    nodes = spectrum(graph)
    kind, first, second = prior.code(nodes)

    def density(logit):
        rho = 1 / (1 + np.exp(-logit))
        return np.exp(log_prior_rho(rho, kind, first, second, nodes.value, nodes.weight)[0])

    return density


@pytest.mark.parametrize("prior", SIGMA, ids=str)
def test_prior_of_sigma_integrates_to_one_and_draws_follow_it(prior):
    kind, first, _ = prior.code()

    def density(log_sigma):
        return np.exp(log_prior_sigma(np.exp(log_sigma), kind, first)[0])

    assert quad(density, -30, 5, limit=200)[0] == pytest.approx(1, abs=1e-6)
    draws = np.log(prior.draw(np.random.default_rng(1), 2000))
    cdf = np.vectorize(lambda x: quad(density, -30, x, limit=200)[0])
    assert kstest(draws, cdf).pvalue > 1e-4


def test_pc_prior_of_sigma_has_the_tail_it_names():
    draws = PCSigma(0.5, 0.05).draw(np.random.default_rng(2), 40_000)
    # Four binomial standard errors.
    assert np.mean(draws > 0.5) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 40_000))


@pytest.mark.parametrize("prior", OVERDISPERSION, ids=str)
def test_prior_of_the_overdispersion_integrates_to_one_has_its_tail_and_draws_follow_it(prior):
    _, rate, log_mass = prior.code()

    def density(logit):
        return np.exp(log_prior_overdispersion(1 / (1 + np.exp(-logit)), rate, log_mass)[0])

    def mass(logit):
        return quad(density, -36, logit, limit=400)[0]

    # Below -36 lies sqrt(delta) < 1.5e-8, whose mass is at most 15 times that.
    assert mass(36) == pytest.approx(1, abs=1e-6)
    assert mass(np.log(prior.upper / (1 - prior.upper))) == pytest.approx(1 - prior.tail, abs=1e-6)
    draws = prior.draw(np.random.default_rng(4), 2000)
    assert draws.min() > 0
    assert draws.max() < 1
    assert kstest(np.log(draws) - np.log1p(-draws), np.vectorize(mass)).pvalue > 1e-4


@pytest.mark.parametrize("prior", OVERDISPERSION, ids=str)
@pytest.mark.parametrize("logit", [-20.0, -3.0, 0.5, 6.0])
def test_derivative_of_the_prior_of_the_overdispersion(prior, logit):
    _, rate, log_mass = prior.code()

    def value(x):
        return log_prior_overdispersion(1 / (1 + np.exp(-x)), rate, log_mass)

    difference = (value(logit + 1e-5)[0] - value(logit - 1e-5)[0]) / 2e-5
    assert value(logit)[1] == pytest.approx(difference, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("prior", [*SIGMA, *OVERDISPERSION], ids=str)
def test_half_of_the_draws_lie_below_the_median(prior):
    draws = prior.draw(np.random.default_rng(5), 40_000)
    # Four binomial standard errors.
    assert np.mean(draws < prior.median()) == pytest.approx(0.5, abs=4 * 0.5 / 200)


def test_the_structure_chooses_the_prior_of_rho_that_was_left_open():
    both = ("sigma", "rho")
    assert Priors().resolved("bym2", both).rho == PCRho()
    assert Priors().resolved("leroux", both).rho == BetaRho(1.0, 1.0)
    assert Priors().resolved("iid", ("sigma",)).rho is None
    assert Priors(rho=BetaRho(2, 3)).resolved("sar", both).rho == BetaRho(2, 3)
    with pytest.raises(ModelError, match="PC prior of rho is made for structure 'bym2', not for 'dagar'"):
        Priors(rho=PCRho()).resolved("dagar", both)


@pytest.mark.parametrize("prior", RHO, ids=str)
def test_prior_of_rho_integrates_to_one_and_draws_follow_it(graph, prior):
    density = _density_of_logit(prior, graph)
    assert quad(density, -34, 34, limit=400)[0] == pytest.approx(1, abs=1e-6)
    rho = prior.draw(np.random.default_rng(3), 1000, spectrum(graph))
    logit = np.clip(np.log(rho) - np.log1p(-rho), -34, 34)
    cdf = np.vectorize(lambda x: quad(density, -34, x, limit=200)[0])
    assert kstest(logit, cdf).pvalue > 1e-4


@pytest.mark.parametrize("prior", [PCRho(), PCRho(0.3, 0.5)], ids=str)
def test_pc_prior_of_rho_has_the_mass_it_names(graph, prior):
    density = _density_of_logit(prior, graph)
    upper = np.log(prior.upper / (1 - prior.upper))
    assert quad(density, -34, upper, limit=400)[0] == pytest.approx(prior.mass, abs=1e-6)


def test_distance_of_rho_is_the_kullback_leibler_divergence_off_the_null_vectors(graph, dense):
    nodes = spectrum(graph)
    _, vectors = np.linalg.eigh(graph.matrix.toarray())
    kept = vectors[:, graph.sizes.size :]
    for rho in (1e-3, 0.3, 0.9, 1.0):
        covariance = kept.T @ dense(graph, 1.0, rho) @ kept
        twice = np.trace(covariance) - len(covariance) - np.linalg.slogdet(covariance)[1]
        assert rho_distance(rho, nodes.value, nodes.weight)[0] == pytest.approx(np.sqrt(twice), rel=1e-5)


def test_mass_that_no_rate_can_reach_is_refused(graph):
    with pytest.raises(ModelError, match=r"cannot have P\(rho < 0.9\) = 0.01 on this graph: choose a mass"):
        PCRho(0.9, 0.01).code(spectrum(graph))


@pytest.mark.parametrize("prior", RHO, ids=str)
@pytest.mark.parametrize("logit", [-8.0, -1.0, 2.0, 7.0])
def test_derivative_of_the_prior_of_rho(graph, prior, logit):
    nodes = spectrum(graph)
    code = prior.code(nodes)

    def value(x):
        return log_prior_rho(1 / (1 + np.exp(-x)), *code, nodes.value, nodes.weight)

    difference = (value(logit + 1e-4)[0] - value(logit - 1e-4)[0]) / 2e-4
    assert value(logit)[1] == pytest.approx(difference, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("prior", SIGMA, ids=str)
def test_derivative_of_the_prior_of_sigma(prior):
    kind, first, _ = prior.code()

    def value(x):
        return log_prior_sigma(np.exp(x), kind, first)

    assert value(-0.4)[1] == pytest.approx((value(-0.4 + 1e-5)[0] - value(-0.4 - 1e-5)[0]) / 2e-5, rel=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PCSigma(upper=-1), "upper of the prior of a standard deviation must be positive, got -1"),
        (lambda: PCSigma(tail=1.5), "tail of the prior of a standard deviation must be a probability"),
        (lambda: HalfNormal(0), "scale of the prior of a standard deviation must be positive"),
        (lambda: PCOverdispersion(upper=1), "upper of the prior of the overdispersion must be a probability"),
        (
            lambda: PCOverdispersion(0.25, 0.5),
            r"cannot have P\(overdispersion > 0.25\) = 0.5: choose a tail below 0.5, or a smaller upper",
        ),
        (lambda: PCRho(upper=1), "upper of the prior of rho must be a probability"),
        (lambda: PCRho(mass=0), "mass of the prior of rho must be a probability"),
        (lambda: BetaRho(a=-2), "a of the prior of rho must be positive"),
        (lambda: Priors(coefficient_sd=0), "coefficient_sd must be positive"),
        (lambda: Priors(intercept_sd=float("nan")), "intercept_sd must be positive"),
    ],
)
def test_impossible_priors_are_refused(make, message):
    with pytest.raises(ModelError, match=message):
        make()
