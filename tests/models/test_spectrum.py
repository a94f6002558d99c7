"""The compressed spectrum against all eigenvalues."""

import numpy as np
import pytest

from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.spectrum import log_ratio, spectrum


def _eigenvalues(graph):
    values = np.linalg.eigvalsh(graph.matrix.toarray())
    return values[graph.sizes.size :]


def test_log_determinant_and_slope_agree_with_eigenvalues(graph):
    nodes, values = spectrum(graph), _eigenvalues(graph)
    k = np.exp(np.linspace(-16, 16, 65))
    exact = np.log1p(k[:, None] / values).sum(axis=1)
    # Far below what a sampler or a diagnostic can notice; what is left is rounding in 100 determinants.
    np.testing.assert_allclose(log_ratio(nodes, k), exact, atol=1e-8)
    slope = (nodes.weight / (nodes.value + k[:, None])).sum(axis=1)
    np.testing.assert_allclose(slope, (1 / (values + k[:, None])).sum(axis=1), rtol=1e-7)


def test_large_lattice_needs_few_nodes():
    index = np.arange(900).reshape(30, 30)
    i = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    j = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    graph = scale_graph(900, i, j)
    nodes, values = spectrum(graph), _eigenvalues(graph)
    assert len(nodes.value) < 60
    assert nodes.weight.sum() == pytest.approx(899)
    k = np.exp(np.linspace(-14, 14, 57))
    np.testing.assert_allclose(log_ratio(nodes, k), np.log1p(k[:, None] / values).sum(axis=1), atol=1e-8)


def test_many_equal_eigenvalues_are_found_too():
    # Three cliques of fifty, linked in a chain: 147 eigenvalues near 50 and two near 0.02.
    first, second = np.triu_indices(50, 1)
    i = np.r_[first, first + 50, first + 100, 0, 50]
    j = np.r_[second, second + 50, second + 100, 50, 100]
    graph = scale_graph(150, i, j)
    nodes, values = spectrum(graph), _eigenvalues(graph)
    k = np.exp(np.linspace(-14, 14, 57))
    np.testing.assert_allclose(log_ratio(nodes, k), np.log1p(k[:, None] / values).sum(axis=1), atol=1e-8)


def test_graph_of_islands_alone_has_unit_eigenvalues():
    nodes = spectrum(scale_graph(5, np.zeros(0, int), np.zeros(0, int)))
    assert nodes.value.tolist() == [1.0]
    assert nodes.weight.tolist() == [5.0]
