"""Points of the hyperparameters: when more of them are asked for."""

import numpy as np
import pytest

from spatialvote.models.laplace import outer
from spatialvote.models.laplace.engine import start
from spatialvote.models.laplace.outer import choose_points, find_mode, look_around
from spatialvote.models.laplace.target import Target
from spatialvote.models.vote_share import VoteShareModel

COUNT = 32


def in_turn(function, items):
    return [function(one) for one in items]


@pytest.fixture(scope="module")
def around(make_districts):
    posterior, _ = VoteShareModel("party ~ migrants").posterior(make_districts())
    target = Target.of(posterior)
    return target, look_around(target, find_mode(target, start(target)), in_turn)


@pytest.mark.parametrize(
    ("fails_below", "most", "expected"),
    [
        # A k-hat that passes at once; one that more points bring down; one that is not given more.
        (0, 1000, [32]),
        (3 * COUNT, 1000, [32, 64, 96]),
        (1000, 1000, [32, 64, 96, 128]),
        (3 * COUNT, 2 * COUNT, [32, 64]),
    ],
)
def test_more_points_of_the_same_proposal_where_only_k_hat_fails(
    around, monkeypatch, fails_below, most, expected
):
    asked = []

    def judged(log_weight):
        asked.append(len(log_weight))
        # These weights are even: k-hat alone is at stake.
        return log_weight, 0.9 if len(log_weight) < fails_below else 0.3

    monkeypatch.setattr(outer, "smooth", judged)
    monkeypatch.setattr(outer, "_EVEN_ENOUGH", 0.5)
    monkeypatch.setattr(outer, "_ROUNDS", 0)
    points = choose_points(*around, COUNT, np.random.default_rng(1), in_turn, most)
    assert asked == expected
    assert points.theta.shape == (expected[-1], 2)
    assert sorted(points.starts) == list(range(expected[-1]))
    # All are points of one proposal, each by its own scrambled sequence: none comes twice.
    assert points.rounds == 1
    assert len(np.unique(points.theta, axis=0)) == expected[-1]
