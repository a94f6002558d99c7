"""Folds grown on a graph: a partition, contiguous, balanced; and buffers of whole rings."""

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components, dijkstra

from spatialvote.analysis.blocks import buffer_of, grow_folds, links_of
from spatialvote.data.errors import ModelError
from spatialvote.data.simulate import simulate_city


@pytest.fixture(scope="module", params=["grid and islands", "city"])
def some(request, districts):
    return (
        districts if request.param == "grid and islands" else simulate_city(n_districts=90, seed=3).districts
    )


@pytest.mark.parametrize("count", [2, 5, 10, 17])
def test_folds_partition_the_districts_and_hold_together(some, count):
    fold = grow_folds(some, count)
    assert fold.shape == (some.n,)
    assert np.unique(fold).tolist() == list(range(count))
    links = links_of(some)
    _, component = connected_components(links, directed=False)
    for number in range(count):
        members = np.flatnonzero(fold == number)
        for one in np.unique(component[members]):
            inside = members[component[members] == one]
            pieces, _ = connected_components(links[inside, :][:, inside], directed=False)
            assert pieces == 1, (number, one)
    sizes = np.bincount(fold)
    # Each takes its share of what is left; pieces cut off join a fold whole, so up to about twice a share.
    assert sizes.max() <= 2.2 * some.n / count
    assert sizes.min() >= 0.25 * some.n / count


def test_a_buffer_is_whole_rings(some):
    fold = grow_folds(some, 6)
    members = fold == 2
    hops = dijkstra(links_of(some), unweighted=True)[members].min(axis=0)
    for rings in (0, 1, 2, 3):
        np.testing.assert_array_equal(buffer_of(some, members, rings), (hops > 0) & (hops <= rings))


def test_one_district_a_fold(districts):
    np.testing.assert_array_equal(grow_folds(districts, districts.n), np.arange(districts.n))


@pytest.mark.parametrize("count", [1, 147, 2.5, True])
def test_impossible_numbers_of_blocks(districts, count):
    with pytest.raises(ModelError, match="number of blocks must be a whole number from 2 to 146"):
        grow_folds(districts, count)
