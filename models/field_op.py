"""The compiled field densities as PyTensor operations, with their exact gradients.

All arrays, those of the graph too, are inputs: PyTensor keeps compiled code by an operation's properties, so
an array frozen inside it would let two graphs share code, wrongly.
"""

from collections.abc import Callable

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key

from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import field_density
from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.sparse_kernel import sparse_density
from spatialvote.models.spectrum import Spectrum
from spatialvote.models.structures.sparse_precision import SparsePrecision


@compiled()
def _collapsed(eta, sigma, rho, component, sizes, value, weight, *pattern):
    """Density of the BYM2 field without coefficients, and its gradient in eta, sigma and rho."""
    none, sd = np.zeros((eta.size, 0)), np.zeros(0)
    return field_density(eta, none, sd, sigma, rho, component, sizes, value, weight, pattern)[:4]


@compiled()
def _sparse(eta, sigma, rho, code, table, value, weight, constants, below, diagonal, order, start, index):
    """Density of a field with sparse precision without coefficients, and its gradient likewise."""
    none, sd, gram = np.zeros((eta.size, 0)), np.zeros(0), np.zeros((below.shape[0], 0, 0))
    nodes = (value, weight, constants)
    return sparse_density(
        eta, none, sd, sigma, rho, code[0], table, *nodes, below, diagonal, gram, order, start, index
    )[:4]


class FieldDensity(Op):
    """Log density of a field and its gradient in (eta, sigma, rho) as four outputs.

    Inputs: eta (n,), sigma, rho, then the arrays of the structure. The gradient is computed together with the
    density; the pullback only multiplies.
    """

    __props__ = ()
    kernel: Callable

    def make_node(self, eta, sigma, rho, *arrays) -> Apply:
        """Type inputs and outputs."""
        inputs = [pt.as_tensor_variable(one) for one in (eta, sigma, rho, *arrays)]
        return Apply(self, inputs, [pt.dscalar(), pt.dvector(), pt.dscalar(), pt.dscalar()])

    def perform(self, node, inputs, output_storage) -> None:
        """Evaluate with the compiled kernel (outside numba's own backend)."""
        eta, sigma, rho, *arrays = inputs
        outputs = type(self).kernel(eta, float(sigma), float(rho), *arrays)
        for storage, output in zip(output_storage, outputs, strict=True):
            storage[0] = np.asarray(output)

    def connection_pattern(self, node) -> list[list[bool]]:
        """Only the density, and only in eta, sigma and rho, can be differentiated."""
        return [[i < 3, False, False, False] for i in range(len(node.inputs))]

    def pullback(self, inputs, outputs, cotangents) -> list[Variable]:
        """Cotangent of the density times the stored gradient."""
        gradients = [cotangents[0] * one for one in outputs[1:]]
        return gradients + [DisconnectedType()() for _ in inputs[3:]]


class CollapsedDensity(FieldDensity):
    """BYM2; arrays of `collapsed_inputs`."""

    kernel = staticmethod(_collapsed)


class SparseDensity(FieldDensity):
    """Structures with a sparse precision; arrays of `sparse_inputs`."""

    kernel = staticmethod(_sparse)


def collapsed_inputs(graph: ScaledGraph, nodes: Spectrum) -> tuple[np.ndarray, ...]:
    """Arrays of a graph in the order that `CollapsedDensity` wants."""
    return (graph.component, graph.sizes, nodes.value, nodes.weight, *graph.pattern)


def sparse_inputs(precision: SparsePrecision) -> tuple[np.ndarray, ...]:
    """Arrays of a precision in the order that `SparseDensity` wants."""
    nodes = precision.nodes
    return (
        np.array([precision.code]),
        precision.table,
        nodes.value,
        nodes.weight,
        precision.constants,
        precision.below_terms,
        precision.diagonal_terms,
        *precision.pattern[:3],
    )


@register_funcify_default_op_cache_key(CollapsedDensity)
def _compile_collapsed(op, node, **kwargs):
    @numba_njit
    def density(eta, sigma, rho, *arrays):
        value, gradient, by_sigma, by_rho = _collapsed(eta, sigma.item(), rho.item(), *arrays)
        return np.asarray(value), gradient, np.asarray(by_sigma), np.asarray(by_rho)

    return density


@register_funcify_default_op_cache_key(SparseDensity)
def _compile_sparse(op, node, **kwargs):
    @numba_njit
    def density(eta, sigma, rho, *arrays):
        value, gradient, by_sigma, by_rho = _sparse(eta, sigma.item(), rho.item(), *arrays)
        return np.asarray(value), gradient, np.asarray(by_sigma), np.asarray(by_rho)

    return density
