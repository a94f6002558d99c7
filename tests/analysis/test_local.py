"""Local statistics are those of esda, find what was planted, and find no more by chance than they say."""

import esda
import numpy as np
import pytest
from libpysal.graph import Graph
from scipy.stats import binom, kstest

from spatialvote.analysis.local import (
    HIGH_HIGH,
    HIGH_LOW,
    LOW_HIGH,
    LOW_LOW,
    NO_CLASS,
    NONE,
    LocalStatistics,
    classify,
)

SIDE = 14


def grid(side: int = SIDE, islands: int = 0) -> LocalStatistics:
    at = np.arange(side * side).reshape(side, side)
    i = np.r_[at[:, :-1].ravel(), at[:-1].ravel()]
    j = np.r_[at[:, 1:].ravel(), at[1:].ravel()]
    return LocalStatistics.from_edges(side * side + islands, i, j)


def planted(side: int = SIDE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise with a block of high values in one corner; which districts must be found, and which have no part.

    Found must be those within the block that have three neighbours or more, all of them in it: three of the
    block's 15 of 195 values come together by shuffling with a probability of (15 14 13) / (195 194 193) =
    4e-4, well below the 0.05 x 15 / 196 = 4e-3 that 15 findings allow. No part have those that neither lie in
    it nor have a neighbour in it.
    """
    values = np.random.default_rng(5).standard_normal((side, side))
    values[:4, :4] += 8
    inner, away = np.zeros((side, side), dtype=bool), np.ones((side, side), dtype=bool)
    inner[:3, :3] = True
    inner[0, 0] = False
    away[:5, :5] = False
    return values.ravel(), inner.ravel(), away.ravel()


@pytest.fixture(scope="module")
def graph(districts) -> Graph:
    return districts.graph


def test_local_moran_equals_esda(districts, graph):
    values = np.random.default_rng(1).gamma(2, size=districts.n)
    moran, _ = LocalStatistics.of(districts).of_raw(values, np.random.default_rng(0))
    theirs = esda.Moran_Local(values, graph, transformation="r", permutations=0)
    np.testing.assert_allclose(moran.value[0], theirs.Is, rtol=1e-10, atol=1e-12)
    # esda's quadrants: 1 high-high, 2 low-high, 3 low-low, 4 high-low.
    quadrant = np.array([0, HIGH_HIGH, LOW_HIGH, LOW_LOW, HIGH_LOW])[theirs.q]
    linked = LocalStatistics.of(districts).degree > 0
    np.testing.assert_array_equal(moran.side[0][linked], quadrant[linked])


def test_gi_star_equals_esda(districts, graph):
    values = np.random.default_rng(1).gamma(2, size=districts.n)
    statistics = LocalStatistics.of(districts)
    _, star = statistics.of_raw(values, np.random.default_rng(0))
    theirs = esda.G_Local(values, graph, transform="B", star=True, permutations=0)
    np.testing.assert_allclose(star.value[0], theirs.Zs, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        statistics.of_field(values[None])[1].value[0], theirs.Zs, rtol=1e-10, atol=1e-12
    )


def test_conditional_permutation_has_the_moments_of_theory():
    """p by shuffling and p by moments agree for normal values, but for what a normal shape misses."""
    statistics, values = grid(), np.random.default_rng(2).standard_normal(SIDE * SIDE)
    shuffled = statistics.of_raw(values, np.random.default_rng(3))
    by_moments = statistics.of_field(values[None])
    z = (values - values.mean()) / values.std()
    skewness, kurtosis = float((z**3).mean()), float((z**4).mean() - 3)
    for one, other, terms in zip(
        shuffled, by_moments, (statistics.degree, statistics.degree + 1), strict=True
    ):
        # Edgeworth: what the sum of so many values adds to a normal distribution function is at most
        # 0.40 skew / 6, 0.55 kurt / 24 and 2.31 skew^2 / 72, the largest values of (1, z^2 - 1), of z^3 - 3 z
        # and of z^5 - 10 z^3 + 15 z times the normal density; a p-value of two sides has it twice.
        skew, kurt = abs(skewness) / np.sqrt(terms), abs(kurtosis) / terms
        shape = 2 * (0.40 * skew / 6 + 0.55 * kurt / 24 + 2.31 * skew**2 / 72)
        p_value = one.p_value[0]
        # 9,999 shuffles; five standard errors, for 196 districts.
        chance = 5 * 2 * np.sqrt((p_value / 2) * (1 - p_value / 2) / 9999) + 2 / 9999
        assert (np.abs(p_value - other.p_value[0]) < shape + chance).all()


@pytest.mark.parametrize("of", ["of_raw", "of_field", "of_noise"])
def test_a_planted_cluster_is_found(of):
    values, inner, away = planted()
    statistics = grid()
    found = (
        statistics.of_raw(values, np.random.default_rng(0))
        if of == "of_raw"
        else getattr(statistics, of)(values[None])
    )
    for local in found:
        classes = local.classes()[0]
        assert (classes[inner] == HIGH_HIGH).all()
        # With all of the block and its rim found a p-value must be below 0.05 x 25 / 196; so many of those
        # without a part in it are, and more once in a thousand.
        chance = 0.05 * 25 / SIDE**2
        assert (classes[away] > NONE).sum() <= binom.ppf(0.999, int(away.sum()), chance)


def test_a_district_unlike_its_neighbours_is_found():
    values = np.random.default_rng(4).standard_normal((SIDE, SIDE)) * 0.3
    values[4:9, 4:9] += 3
    values[6, 6] = -3
    moran, _ = grid().of_field(values.reshape(1, -1))
    classes = moran.classes()[0].reshape(SIDE, SIDE)
    assert classes[6, 6] == LOW_HIGH
    assert classes[5, 5] == HIGH_HIGH


@pytest.mark.parametrize("of", ["of_field", "of_noise"])
@pytest.mark.parametrize("which", [0, 1])
def test_false_discoveries_are_controlled_where_there_is_nothing(of, which):
    maps = 400
    white = np.random.default_rng(6).standard_normal((maps, SIDE * SIDE))
    local = getattr(grid(), of)(white)[which]
    false = int((local.classes() > 0).any(axis=1).sum())
    # Of maps without a cluster 5 % at most may have a discovery; a count beyond comes once in a thousand.
    assert false <= binom.ppf(0.999, maps, 0.05)
    if of == "of_noise":
        # Uniform in each district; districts far from each other on the grid are independent.
        assert kstest(local.p_value[:, 0], "uniform").pvalue > 1e-4


def test_false_discoveries_of_raw_values_are_controlled():
    statistics, maps = grid(8), 60
    false = np.zeros(2)
    for seed in range(maps):
        rng = np.random.default_rng(seed)
        # Skewed, as shares are.
        values = rng.gamma(1.0, size=64)
        false += [(one.classes() > 0).any() for one in statistics.of_raw(values, rng)]
    assert (false <= binom.ppf(0.999, maps, 0.05)).all()


def test_false_discoveries_beside_a_true_cluster():
    """The share of discoveries outside the block and its rim, averaged over maps, is 5 % at most."""
    statistics, rng = grid(), np.random.default_rng(7)
    white = rng.standard_normal((200, SIDE, SIDE))
    white[:, :5, :5] += 3
    away = np.ones((SIDE, SIDE), dtype=bool)
    away[:6, :6] = False
    found = statistics.of_noise(white.reshape(200, -1))[1].classes() > 0
    share = found[:, away.ravel()].sum(axis=1) / np.maximum(found.sum(axis=1), 1)
    # Four standard errors of the mean over 200 maps.
    assert share.mean() < 0.05 + 4 * share.std() / np.sqrt(200)
    assert found[:, ~away.ravel()].any(axis=1).all()


def test_islands_have_no_class_and_no_p_value():
    statistics = grid(6, islands=2)
    values = np.random.default_rng(8).standard_normal(38)
    for found in (
        statistics.of_raw(values, np.random.default_rng(0)),
        statistics.of_field(values[None]),
        statistics.of_noise(values[None]),
    ):
        for local in found:
            assert np.isnan(local.p_value[0, 36:]).all()
            assert (local.classes()[0, 36:] == NO_CLASS).all()
            assert (local.classes()[0, :36] >= NONE).all()


def test_order_of_districts_does_not_matter(districts):
    rng = np.random.default_rng(9)
    values, order = rng.standard_normal((3, districts.n)), rng.permutation(districts.n)
    i, j, weight = districts.edges
    position = np.argsort(order)
    moved = LocalStatistics.from_edges(districts.n, position[i], position[j], weight)
    here = LocalStatistics.of(districts)
    for of in ("of_field", "of_noise"):
        for one, other in zip(getattr(moved, of)(values[:, order]), getattr(here, of)(values), strict=True):
            np.testing.assert_allclose(one.p_value, other.p_value[:, order], rtol=1e-9)


def test_adjusted_by_hand():
    p_value = np.array([[0.01, 0.02, 0.2, np.nan]])
    side = np.array([[HIGH_HIGH, LOW_LOW, HIGH_LOW, HIGH_LOW]])
    # Of three: 0.01 x 3 / 1 and 0.02 x 3 / 2 are 0.03.
    np.testing.assert_array_equal(classify(p_value, side), [[HIGH_HIGH, LOW_LOW, NONE, NO_CLASS]])
    np.testing.assert_array_equal(classify(p_value, side, 0.02), [[NONE, NONE, NONE, NO_CLASS]])
