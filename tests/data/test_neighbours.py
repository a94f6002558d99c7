"""The builder of graphs from links by position, and the report on them."""

import numpy as np
import pytest
from libpysal.graph import Graph

from spatialvote.data.errors import GraphError
from spatialvote.data.neighbours import graph_from_edges, report_graph

IDS = ["z", "a", "m", "q"]


def test_order_of_ids_is_kept_not_sorted():
    graph = graph_from_edges(IDS, [0], [2], [2.0])
    assert list(graph.unique_ids) == IDS
    expected = np.zeros((4, 4))
    expected[0, 2] = expected[2, 0] = 2.0
    np.testing.assert_array_equal(graph.sparse.toarray(), expected)
    assert graph["z"].to_dict() == {"m": 2.0}


def test_islands_are_kept_as_libpysal_keeps_them():
    graph = graph_from_edges(IDS, [0], [2])
    assert list(graph.isolates) == ["a", "q"]
    assert graph.adjacency.loc["a"].to_dict() == {"a": 0.0}
    assert graph.n == 4
    assert graph.n_components == 3


def test_same_as_libpysal_from_its_own_arrays():
    ours = graph_from_edges(IDS, [0, 2], [2, 3], [2.0, 0.5])
    theirs = Graph.from_arrays(
        ["z", "a", "m", "m", "q"], ["m", "a", "z", "q", "m"], np.array([2.0, 0.0, 2.0, 0.5, 0.5])
    )
    assert ours.equals(theirs)


def test_repeated_and_reversed_links_count_once():
    graph = graph_from_edges(IDS, [0, 2, 0], [2, 0, 2], [3.0, 3.0, 3.0])
    assert report_graph(graph, "given links").n_edges == 1
    assert graph["z"].to_dict() == {"m": 3.0}


def test_lag_and_standardisation_work_on_it():
    graph = graph_from_edges(IDS, [0, 0], [2, 3])
    np.testing.assert_array_equal(graph.lag([1.0, 2.0, 3.0, 4.0]), [7.0, 0.0, 1.0, 1.0])
    np.testing.assert_array_equal(graph.transform("r").lag([1.0, 2.0, 3.0, 4.0]), [3.5, 0.0, 1.0, 1.0])


def test_report_counts_components_and_islands():
    graph = graph_from_edges([*"abcdefg"], [0, 1, 4], [1, 2, 5])
    report = report_graph(graph, "given links", added=[("e", "f")])
    assert report.component_sizes == (3, 2, 1, 1)
    assert report.islands == ("d", "g")
    assert report.n_edges == 3
    assert report.added == (("e", "f"),)
    assert report.method == "given links"


def test_no_links_and_no_districts():
    assert report_graph(graph_from_edges(["a", "b"], [], []), "none").component_sizes == (1, 1)
    assert report_graph(graph_from_edges([], [], []), "none").component_sizes == ()


@pytest.mark.parametrize(
    ("ids", "i", "j", "w", "told"),
    [
        (["a", "a"], [0], [1], None, "must be unique text"),
        ([1, 2], [0], [1], None, "must be unique text"),
        (IDS, [0], [4], None, "1 links point outside the 4 districts"),
        (IDS, [-1], [0], None, "1 links point outside the 4 districts"),
        (IDS, [1], [1], None, "linked with themselves: 'a'"),
        (IDS, [0], [1], [0.0], "not positive and finite for links 'z-a'"),
        (IDS, [0], [1], [np.nan], "not positive and finite for links 'z-a'"),
        (IDS, [0, 1], [1, 0], [1.0, 2.0], "two different weights for links 'z-a'"),
        (IDS, [0, 1], [1], None, r"differ in number \(2, 1 and 2\)"),
    ],
)
def test_what_is_no_graph(ids, i, j, w, told):
    with pytest.raises(GraphError, match=told):
        graph_from_edges(ids, i, j, w)


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(GraphError, match=r"^4 problems") as caught:
        graph_from_edges(IDS, [0, 1, 2, 0, 1], [9, 1, 3, 1, 0], [1.0, 1.0, -1.0, 1.0, 2.0])
    assert len(caught.value.problems) == 4
