"""The exact engine of elections: its density against quadrature, and its moves on a density that is known."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import binom, norm

from spatialvote.data.elections_simulate import simulate_elections
from spatialvote.models.elections.blocks import _Moves, _State, _walk
from spatialvote.models.elections.model import ElectionsModel
from spatialvote.models.elections.posterior import bind_elections
from spatialvote.models.laplace.outer import find_mode, look_around
from spatialvote.models.laplace.proposals import Mixture, Vague
from spatialvote.models.latent.fast import Drawn
from spatialvote.models.latent.system import forms, log_det_system
from spatialvote.models.latent.target import LatentTarget


@pytest.fixture(scope="module")
def moves() -> _Moves:
    """Ten districts at three elections, with too few votes for the approximation to be good."""
    elections = simulate_elections(3, 10, valid=(8, 30)).elections
    posterior = bind_elections(ElectionsModel("party ~ migrant_share", varying=True), elections).posterior
    target = LatentTarget(posterior)
    around = look_around(
        target, find_mode(target, target.begin()), lambda function, items: list(map(function, items))
    )
    return _Moves(target, around, None, np.empty(0))


def joint(moves: _Moves, state: _State) -> float:
    """Log density of scores and fields less that of the fields' approximation, term by term."""
    posterior, scales = moves.posterior, state.mode.scales
    theta, slope = moves.scores.theta(state.score)
    values = posterior.constrain(theta)
    inner = state.z.copy()
    off = (state.b - posterior.prior_mean) / posterior.prior_sd
    found = posterior.log_prior(theta)[0] + np.log(slope).sum() + 0.5 * scales.log_det
    found -= 0.5 * (scales.weights @ forms(posterior.layout, inner, inner) + off @ off)
    own = float(values["sigma_own"])
    for m, y, n in zip(state.moved[:, 0], posterior.votes, posterior.size, strict=True):

        def density(e, m=m, y=y, n=n):
            return binom.pmf(y, n, expit(m + own * e)) * norm.pdf(e)

        found += np.log(quad(density, -9, 9, epsabs=1e-13, points=[-1, 1])[0])
    # Less the log density of the fields that the noise makes, from the precision itself: the noise has more
    # directions than fields that sum to zero.
    mode = state.mode
    z, b, m = inner - mode.z, state.b - mode.b, state.moved[:, 0] - mode.m
    square = scales.weights @ forms(posterior.layout, z, z) + ((b / posterior.prior_sd) ** 2).sum()
    square += (mode.out[2] * m * m).sum()
    return found - 0.5 * log_det_system(posterior.layout, mode.system) + 0.5 * square


def test_weights_are_those_of_quadrature(moves):
    rng = np.random.default_rng(1)
    off = []
    for q in range(4):
        score = moves.scores.score(moves.around.mode.theta) + 0.4 * q * rng.standard_normal(
            len(moves.scores.rate)
        )
        size, p = moves.posterior.layout.pattern[4].size, len(moves.posterior.prior_mean)
        state = moves.at(score, rng.standard_normal(size), rng.standard_normal(p))
        assert state is not None
        off.append(state.value + state.ratio - joint(moves, state))
        # The ratio matters here: without it this test would pass for the wrong density.
        assert q == 0 or abs(state.ratio) > 0.05
    assert np.ptp(off) < 1e-6


class Toy(_Moves):
    """Scores of a skew density, noise with a ratio that depends on both."""

    def __init__(self):
        centres = np.random.default_rng(0).normal(0.3, 1.5, size=(50, 1))
        prior = Vague(
            lambda score: float(norm.logpdf(score[0], 0, 3)), np.random.default_rng(1).normal(0, 3, (4096, 1))
        )
        self.posterior = SimpleNamespace(
            layout=SimpleNamespace(pattern=[np.arange(1), None, None, None, np.arange(1)]),
            prior_mean=np.zeros(1),
        )
        self.proposal = Mixture.around(centres, np.full(50, 1 / 50), prior)
        self.root = np.array([[1.0]])

    def at(self, score, white_z, white_b):
        mode = SimpleNamespace(theta=score)
        # Of a Gamma density with shape 3 on the logarithm's scale.
        return self.with_noise(score, mode, float(3 * score[0] - np.exp(score[0])), white_z, white_b)

    def with_noise(self, score, mode, value, white_z, white_b):
        ratio = -0.5 * (white_z[0] - score[0]) ** 2
        return _State(score, mode, value, white_z, white_b, white_z, white_b, white_z[:, None], float(ratio))

    def eta(self, now, rng):
        return np.zeros(1)


def test_moves_leave_a_known_density_as_it_is():
    toy, draws = Toy(), 8000
    made = Drawn(np.empty((draws, 1)), np.empty((draws, 1)), np.empty((draws, 1)), np.empty((draws, 1)))
    accepted = _walk(toy, np.zeros(1), 100, slice(0, draws), made, np.random.default_rng(2))
    assert (accepted > 0.1).all()
    assert (accepted < 0.95).all()
    s, z = np.meshgrid(np.linspace(-8, 4, 1201), np.linspace(-8, 8, 801), indexing="ij")
    weight = np.exp(3 * s - np.exp(s) - 0.5 * (z - s) ** 2 - 0.5 * z**2)
    weight /= weight.sum()
    for ours, grid in ((made.theta[:, 0], s), (made.z[:, 0], z)):
        mean = (weight * grid).sum()
        sd = np.sqrt((weight * (grid - mean) ** 2).sum())
        # At least 1,000 effective draws: four standard errors of the mean are 0.13 sd, of the sd 9 %.
        assert abs(ours.mean() - mean) < 0.13 * sd
        assert abs(ours.std() / sd - 1) < 0.09
    # What is no noise of a ratio stays standard Normal.
    assert abs(made.b.std() - 1) < 0.09
