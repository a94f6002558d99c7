"""The compiled field density as a PyTensor operation, with its exact gradient.

All arrays, those of the graph too, are inputs: PyTensor keeps compiled code by an operation's properties, so
an array frozen inside it would let two graphs share code, wrongly.
"""

import zlib
from pathlib import Path

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key

from spatialvote.models.cholesky import Pattern
from spatialvote.models.field_kernel import field_density
from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.spectrum import Spectrum


class FieldDensity(Op):
    """Log density of the BYM2 field and its gradient in (eta, sigma, rho) as four outputs.

    Inputs: eta (n,), design (n, p), prior_sd (p,), sigma, rho, then the arrays of `graph_inputs`. The
    gradient is computed together with the density; the pullback only multiplies.
    """

    __props__ = ()

    def make_node(self, eta, design, prior_sd, sigma, rho, *graph) -> Apply:
        """Check the number of graph arrays and type the outputs."""
        inputs = [pt.as_tensor_variable(one) for one in (eta, design, prior_sd, sigma, rho, *graph)]
        if len(inputs) != 5 + N_GRAPH_INPUTS:
            raise ValueError(f"expected {N_GRAPH_INPUTS} graph arrays, got {len(graph)}")
        return Apply(self, inputs, [pt.dscalar(), pt.dvector(), pt.dscalar(), pt.dscalar()])

    def perform(self, node, inputs, output_storage) -> None:
        """Evaluate with the compiled kernel (outside numba's own backend)."""
        eta, design, prior_sd, sigma, rho, component, sizes, value, weight, *pattern = inputs
        outputs = field_density(
            eta, design, prior_sd, float(sigma), float(rho), component, sizes, value, weight, tuple(pattern)
        )[:4]
        for storage, output in zip(output_storage, outputs, strict=True):
            storage[0] = np.asarray(output)

    def connection_pattern(self, node) -> list[list[bool]]:
        """Only the density, and only in eta, sigma and rho, can be differentiated."""
        return [[i in (0, 3, 4), False, False, False] for i in range(len(node.inputs))]

    def pullback(self, inputs, outputs, cotangents) -> list[Variable]:
        """Cotangent of the density times the stored gradient."""
        by_density = cotangents[0]
        gradients = {0: by_density * outputs[1], 3: by_density * outputs[2], 4: by_density * outputs[3]}
        return [gradients.get(i, DisconnectedType()()) for i in range(len(inputs))]


#: component, sizes, spectrum value and weight, and the arrays of a `Pattern`.
N_GRAPH_INPUTS = 4 + len(Pattern._fields)

#: Stands for the kernels' sources: PyTensor keeps compiled code on disk and would go on using code of another
#: version of this package, which takes other arrays for the same.
_SOURCES = zlib.crc32(b"".join(one.read_bytes() for one in sorted(Path(__file__).parent.glob("*.py"))))


def graph_inputs(graph: ScaledGraph, nodes: Spectrum) -> tuple[np.ndarray, ...]:
    """Arrays of a graph in the order that `FieldDensity` wants."""
    return (graph.component, graph.sizes, nodes.value, nodes.weight, *graph.pattern)


@register_funcify_default_op_cache_key(FieldDensity)
def _compile_field_density(op, node, **kwargs):
    @numba_njit
    def density(eta, design, prior_sd, sigma, rho, component, sizes, value, weight, *pattern):
        log_density, gradient, by_sigma, by_rho, _ = field_density(
            eta, design, prior_sd, sigma.item(), rho.item(), component, sizes, value, weight, pattern
        )
        return np.asarray(log_density), gradient, np.asarray(by_sigma), np.asarray(by_rho)

    return density, _SOURCES
