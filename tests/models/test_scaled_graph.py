"""Scaling within components: dense algebra, published factors, and what must not change it."""

import numpy as np
import pytest

from spatialvote.models.field_kernel import centre_in_place
from spatialvote.models.scaled_graph import scale_graph


def lattice(rows, columns, first=0):
    index = np.arange(rows * columns).reshape(rows, columns) + first
    return (
        np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()]),
        np.concatenate([index[:, 1:].ravel(), index[1:].ravel()]),
    )


def test_marginal_variances_are_those_of_the_pseudo_inverse(graph):
    inverse = np.linalg.pinv(graph.matrix.toarray(), rcond=1e-10, hermitian=True)
    np.testing.assert_allclose(graph.marginal_variance, np.diag(inverse), rtol=1e-9)
    for c in range(graph.sizes.size):
        members = graph.component == c
        assert np.exp(np.log(graph.marginal_variance[members]).mean()) == pytest.approx(1.0, abs=1e-12)


def test_ten_by_ten_lattice_has_the_published_factor():
    # The value for one lattice that car_scale of brms and the PyMC gallery's formula agree on.
    assert scale_graph(100, *lattice(10, 10)).scaling == pytest.approx([0.645], abs=5e-4)


def test_two_copies_scale_as_one_and_an_island_changes_nothing():
    i, j = lattice(10, 10)
    one = scale_graph(100, i, j)
    i2, j2 = lattice(10, 10, first=100)
    two = scale_graph(201, np.r_[i, i2], np.r_[j, j2])
    np.testing.assert_allclose(two.scaling, np.repeat(one.scaling, 2), rtol=1e-12)
    np.testing.assert_allclose(two.matrix.toarray()[:100, :100], one.matrix.toarray(), rtol=1e-12)
    assert two.islands.tolist() == [200]
    assert two.matrix.toarray()[200, 200] == 1.0


def test_permuting_districts_permutes_the_matrix(links):
    n, i, j, weight = links
    order = np.random.default_rng(3).permutation(n)
    place = np.argsort(order)
    moved = scale_graph(n, place[i], place[j], weight)
    expected = scale_graph(n, i, j, weight).matrix.toarray()[np.ix_(order, order)]
    np.testing.assert_allclose(moved.matrix.toarray(), expected, atol=1e-12)


def test_weights_on_all_links_cancel_in_the_scaling(links):
    n, i, j, weight = links
    once, twice = scale_graph(n, i, j, weight), scale_graph(n, i, j, 2 * weight)
    np.testing.assert_allclose(twice.matrix.toarray(), once.matrix.toarray(), atol=1e-12)


def test_centring_removes_component_means_and_leaves_islands(graph):
    values = np.random.default_rng(0).normal(size=(3, graph.n))
    columns = np.ascontiguousarray(values.T)
    centre_in_place(columns, graph.component, graph.sizes)
    centred = columns.T
    for c in range(graph.sizes.size):
        np.testing.assert_allclose(centred[:, graph.component == c].mean(axis=1), 0, atol=1e-12)
    np.testing.assert_array_equal(centred[:, graph.islands], values[:, graph.islands])
