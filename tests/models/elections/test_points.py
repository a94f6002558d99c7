"""Points of the hyperparameters: their scores, and a posterior that is the prior."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import norm

from spatialvote.models.elections.points import Explorer, Scores
from spatialvote.models.laplace.outer import find_mode, look_around
from spatialvote.models.laplace.target import Start
from spatialvote.models.latent.term import Hyper
from spatialvote.models.priors import BetaRho, PCSigma

HYPERS = (
    Hyper("sigma", PCSigma(1.0, 0.01)),
    Hyper("sigma_own", PCSigma(0.5, 0.01)),
    Hyper("persistence", BetaRho(2.0, 3.0)),
)
_NOWHERE = Start(np.zeros(1), np.zeros(1), np.zeros(1))


class _Mode(NamedTuple):
    theta: np.ndarray
    value: float
    start: Start


class PriorAlone:
    """A target whose posterior is the prior."""

    names = tuple(hyper.name for hyper in HYPERS)
    posterior = None

    def cold(self) -> Start:
        return _NOWHERE

    def mode(self, theta: np.ndarray, begin: Start) -> _Mode:
        rates = np.array([HYPERS[0].code()[1], HYPERS[1].code()[1]])
        sds = (np.log(rates) + theta[:2] - rates * np.exp(theta[:2])).sum()
        # Beta(2, 3) on the logit's scale.
        own = -2 * np.log1p(np.exp(-theta[2])) - 3 * np.log1p(np.exp(theta[2]))
        return _Mode(theta, float(sds + own), _NOWHERE)

    def slope(self, mode: _Mode) -> np.ndarray:
        step = 1e-5 * np.eye(3)
        return np.array(
            [
                (self.mode(mode.theta + one, _NOWHERE).value - self.mode(mode.theta - one, _NOWHERE).value)
                / 2e-5
                for one in step
            ]
        )


def test_scores_are_normal_under_the_prior_and_go_back():
    scores = Scores.of(HYPERS)
    rng = np.random.default_rng(1)
    sigma = HYPERS[1].prior.draw(rng, 5000)
    theta = np.tile([-1.0, 0.0, 0.3], (5000, 1))
    theta[:, 1] = np.log(sigma)
    z = scores.score(theta)
    # Kolmogorov distance of 5,000 draws: 0.023 at one in a hundred.
    assert np.abs(np.sort(norm.cdf(z[:, 1])) - np.arange(5000) / 5000).max() < 0.025
    back, slope = scores.theta(z)
    assert np.allclose(back, theta, atol=1e-8)
    ahead, behind = scores.theta(z + 1e-6)[0], scores.theta(z - 1e-6)[0]
    assert np.allclose(slope, (ahead - behind) / 2e-6, rtol=1e-4)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_points_of_a_posterior_that_is_the_prior_are_the_priors(seed):
    target = PriorAlone()
    rng = np.random.default_rng(seed)
    mode = find_mode(target, np.array([-1.5, -2.5, 0.0]))
    around = look_around(target, mode, lambda function, items: list(map(function, items)))
    explorer = Explorer(HYPERS)
    points = explorer.choose(target, around, 512, rng, lambda function, items: list(map(function, items)))
    assert explorer.report["k_hat_points"] < 0.7
    effective = explorer.report["effective_points"]
    sigma, own = np.exp(points.theta[:, :2]).T
    fraction = 1 / (1 + np.exp(-points.theta[:, 2]))
    for draws, rate in ((sigma, -np.log(0.01)), (own, -np.log(0.01) / 0.5)):
        # Five standard errors; also of the small ones, which a proposal on logarithms would miss.
        assert abs(draws.mean() * rate - 1) < 5 / np.sqrt(effective)
        for below in (0.02, 0.1, 0.5):
            share = 1 - np.exp(-rate * below)
            error = np.sqrt(share * (1 - share) / effective)
            assert abs((draws < below).mean() - share) < 5 * error + 1 / 512
    assert abs(fraction.mean() - 0.4) < 5 * 0.2 / np.sqrt(effective)
