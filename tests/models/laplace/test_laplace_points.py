"""Points of the hyperparameters: which tails of their weights count, and what no point may miss."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from spatialvote.models.laplace.outer import choose_points, find_mode, look_around
from spatialvote.models.laplace.proposals import Defended, SplitT, propose
from spatialvote.models.laplace.tail import hidden_part, smooth
from spatialvote.models.laplace.target import Start
from spatialvote.models.laplace.weigh import allot, judge, weigh

SEEDS = range(40)


def judged(log_weight):
    smoothed, k = smooth(log_weight)
    return k, *judge(log_weight, smoothed, k)


def too_narrow(rng, size, k):
    """Weights of a standard normal under one of variance 1 - k: their tail has shape k."""
    x = rng.normal(0, np.sqrt(1 - k), size)
    return norm.logpdf(x) - norm.logpdf(x, scale=np.sqrt(1 - k))


def fringed(rng, size):
    """Weights that are alike but for a few of the fringe, a tenth larger at most."""
    x = rng.normal(size=size)
    return 0.01 * x + 0.1 * np.clip(np.abs(x) - 2, 0, 1)


@pytest.mark.parametrize("size", [128, 512])
def test_tails_that_matter_are_told_and_those_that_do_not_are_not(size):
    rng = np.random.default_rng(5)
    # A proposal that is too narrow is told as often as its k-hat alone tells it.
    for k in (0.7, 0.8, 0.95):
        assert not any(judged(too_narrow(rng, size, k))[1] for _ in SEEDS)
    found = [judged(fringed(rng, size)) for _ in SEEDS]
    # Bounded weights: what their k-hat says of them is noise and a change of scale.
    assert max(k for k, _, _ in found) > 0.7
    assert all(even for _, even, _ in found)


@pytest.mark.parametrize("k", [0.3, 0.8, 1.2])
def test_the_hidden_part_is_the_mean_excess_of_many_more_points(k):
    """Of Pareto weights beyond a level that few exceed; against the integral over a fine grid."""
    size, tail = 500, 68
    shape = (np.arange(size) + 0.5) / size
    weight = 1 + 0.1 * (np.minimum(shape / (tail / size), 1.0) ** -k - 1) / k
    exceeded = np.exp(np.linspace(np.log(1 / (100 * tail)), np.log(1 / tail), 20_001))
    above = 0.1 * (exceeded**-k - float(tail) ** k) / k
    expected = tail * np.trapezoid(above, exceeded) / weight.sum()
    # The scale is taken from the median of 68 weights, half a place off.
    assert hidden_part(np.log(weight), k) == pytest.approx(expected, rel=0.03)
    # It is a part of the sum: the scale of the weights is no matter, that of the tail is.
    assert hidden_part(np.log(7 * weight), k) == pytest.approx(hidden_part(np.log(weight), k), rel=1e-9)
    assert hidden_part(np.log(50 + weight), k) < expected / 20


def test_k_hat_of_points_does_not_count_where_they_are_even():
    rng, draws = np.random.default_rng(2), 1000
    point = rng.integers(0, 256, draws)
    ratio = rng.normal(0, 0.2, draws)
    fringe = next(one for one in (fringed(rng, 256) for _ in range(100)) if smooth(one)[1] > 0.7)
    _, even = weigh(fringe, ratio, point, rng)
    assert even["points_even"]
    assert even["k_hat_points"] > 0.7 > even["k_hat"] == even["k_hat_draws"]
    _, heavy = weigh(too_narrow(rng, 256, 0.8), ratio, point, rng)
    assert not heavy["points_even"]
    assert heavy["k_hat"] == max(heavy["k_hat_points"], heavy["k_hat_draws"])


def test_draws_are_shared_out_by_weight_and_weighed_by_their_number():
    rng = np.random.default_rng(4)
    log_weight = np.log(np.r_[np.full(30, 1e-3), np.full(60, 1.0), np.full(10, 3.0)])
    slots = allot(log_weight, 1000, rng)
    assert np.array_equal(np.sort(np.concatenate(slots)), np.arange(1000))
    counts = np.array([len(one) for one in slots])
    assert np.all(counts[:30] == 1)
    # The heavy ones have no more than those of mean weight, which is 0.9.
    assert counts[30:].min() >= counts[30:].max() - 1
    point = np.empty(1000, dtype=int)
    for q, one in enumerate(slots):
        point[one] = q
    ancestor, _ = weigh(log_weight, np.zeros(1000), point, rng)
    kept = np.bincount(point[ancestor], minlength=100)
    expected = np.exp(log_weight - logsumexp(log_weight)) * 1000
    # Smoothing may move the largest weights; systematic resampling is within one draw for each.
    np.testing.assert_allclose(kept[:90], expected[:90], atol=counts[30:].max())
    assert kept[:30].sum() <= 1 + 30 * 1e-3 * 1000 / 90


def test_a_defended_proposal_has_the_density_that_it_draws_from():
    near = SplitT(np.array([0.3, -1.0]), np.array([[1.0, 0.4], [0.2, 0.7]]), np.array([1.3, 0.8]), np.ones(2))
    proposal = Defended.of(near)
    points = propose(proposal, 4096, np.random.default_rng(3))
    # The mean of another density over it is one; both are bounded against each other.
    other = multivariate_normal([0.3, -1.0], np.diag([4.0, 2.0]))
    ratio = np.exp(other.logpdf(points) - proposal.log_density(points))
    assert ratio.mean() == pytest.approx(1, abs=4 * ratio.std() / np.sqrt(len(ratio)))
    far = propose(proposal.far, 4096, np.random.default_rng(3))
    assert np.all(proposal.log_density(far) >= proposal.far.log_density(far) + np.log(1 / 16) - 1e-9)


class Place(NamedTuple):
    theta: np.ndarray
    value: float
    start: Start


class TwoWidths:
    """A normal core with a twentieth of its mass in a part several times as wide."""

    names = ("sigma", "rho")
    posterior = None
    part, width = 0.05, 6.0

    def cold(self):
        return Start(np.zeros(1), np.zeros(1), np.zeros(1))

    def log_density(self, theta):
        square = (theta**2).sum(axis=-1)
        core = np.log1p(-self.part) - 0.5 * square
        wide = np.log(self.part) - 2 * np.log(self.width) - 0.5 * square / self.width**2
        return np.logaddexp(core, wide) - np.log(2 * np.pi)

    def mode(self, theta, begin):
        return Place(theta, float(self.log_density(theta)), self.cold())

    def slope(self, mode):
        step = 1e-5 * np.eye(2)
        return (self.log_density(mode.theta + step) - self.log_density(mode.theta - step)) / 2e-5


def in_turn(function, items):
    return [function(one) for one in items]


def test_a_wide_part_is_found_by_points_of_the_core():
    """A first proposal of the core's width has even weights and misses it."""
    target = TwoWidths()
    around = look_around(target, find_mode(target, np.array([0.5, -0.3])), in_turn)
    found, errors = [], []
    for seed in range(4):
        points = choose_points(target, around, 128, np.random.default_rng(seed), in_turn)
        weight = np.exp(points.log_weight - logsumexp(points.log_weight))
        square = points.theta[:, 0] ** 2
        found.append(weight @ square)
        errors.append(np.sum(weight**2 * (square - found[-1]) ** 2))
    exact = 1 - target.part + target.part * target.width**2
    # Four standard errors of the mean of the weighted means, from the points' own spread.
    assert np.mean(found) == pytest.approx(exact, abs=4 * np.sqrt(np.sum(errors)) / len(found))
    assert np.mean(found) > 1.8


def test_a_proposal_that_fails_is_not_asked_for_all_its_points(monkeypatch):
    """Its first points show that it fails: the others are not looked at."""
    target, looked = TwoWidths(), []
    around = look_around(target, find_mode(target, np.array([0.5, -0.3])), in_turn)

    def counting(function, items):
        looked.append(len(items))
        return in_turn(function, items)

    monkeypatch.setattr("spatialvote.models.laplace.outer._TRIAL", 128)
    points = choose_points(target, around, 512, np.random.default_rng(1), counting)
    assert points.rounds > 1
    assert len(points.theta) == 1024
    # After the probes: the first proposal fails on its trial, the last one gives all its points.
    assert looked[1:3] == [128, 128]
    assert looked[-2:] == [128, 1024 - 128]
    assert np.unique(points.theta, axis=0).shape == points.theta.shape
    assert sorted(points.starts) == list(range(1024))
