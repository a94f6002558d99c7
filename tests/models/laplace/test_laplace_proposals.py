"""Mixtures of kernels around weighted points, and what they do to points that are weighed against them."""

from dataclasses import replace

import numpy as np
from scipy.special import logsumexp

from spatialvote.models.laplace.proposals import Mixture, SplitT, log_density_of_rounds, propose


def start(d: int) -> SplitT:
    return SplitT(np.zeros(d), np.eye(d), np.ones(d), np.ones(d))


def test_a_points_own_kernel_is_left_out():
    rng = np.random.default_rng(1)
    points, weights = rng.normal(size=(7, 2)), rng.dirichlet(np.ones(7))
    mixture = Mixture.around(points, weights, start(2))
    later = rng.normal(size=(3, 2))
    found = mixture.log_density_without_own(np.vstack([points, later]))
    for k in range(7):
        others = np.arange(7) != k
        rest = replace(
            mixture, centres=mixture.centres[others], weights=weights[others] / weights[others].sum()
        )
        assert np.isclose(found[k], rest.log_density(points[[k]])[0], rtol=1e-12)
    assert np.allclose(found[7:], mixture.log_density(later), rtol=1e-12)


def test_adapting_to_the_points_leaves_their_spread():
    """Three rounds on a standard Normal; with their own kernels the points' sd would be 0.938 on average."""
    rng, d = np.random.default_rng(0), 4
    found = []
    for _ in range(40):
        points, mixtures = propose(start(d), 128, rng), []
        for _ in range(2):
            weight = log_weights(points, mixtures)
            mixtures.append(Mixture.around(points, np.exp(weight - logsumexp(weight)), start(d)))
            points = np.vstack([points, propose(mixtures[-1], 128, rng)])
        weight = log_weights(points, mixtures)
        weight = np.exp(weight - logsumexp(weight))
        found.append(weight @ (points - weight @ points) ** 2)
    spread = np.sqrt(np.mean(found, axis=1))
    # Four standard errors of the mean over forty runs.
    assert abs(spread.mean() - 1) < 4 * spread.std() / np.sqrt(40)
    assert spread.std() / np.sqrt(40) < 0.005


def log_weights(points: np.ndarray, mixtures: list[Mixture]) -> np.ndarray:
    made = log_density_of_rounds(points, start(points.shape[1]), mixtures)
    return -0.5 * (points**2).sum(axis=1) - made
