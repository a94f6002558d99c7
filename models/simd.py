"""Four doubles at once: the few vector operations that the dense kernels are written with.

A compiler rarely turns a loop over several moving windows of one array into vector instructions, because it
cannot know that the windows do not overlap. These operations say so. They stand for LLVM's own vector type,
which becomes one AVX register, two of SSE or two of NEON, so that the kernels run wherever numba runs.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model
from numba.np.arrayobj import make_array

#: Doubles in a vector.
WIDTH = 4

_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
#: A product and the following sum may be rounded once, as one instruction.
_FUSED = ("contract",)


class _Vector(types.Type):
    """Type of a vector inside compiled code."""

    def __init__(self):
        super().__init__(name=f"vector_of_{WIDTH}_doubles")


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    """A vector is held as LLVM's vector."""

    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _VECTOR)


_vector = _Vector()


def _address(context, builder, array_type, array, index):
    data = make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


def _load(typingctx, array, index):
    """Elements index, ..., index + 3 of a one-dimensional array; the caller sees to the bounds."""

    def codegen(context, builder, signature, arguments):
        address = _address(context, builder, signature.args[0], *arguments)
        return builder.load(address, align=8)

    return _vector(array, types.intp), codegen


def _store(typingctx, array, index, vector):
    """Write a vector to elements index, ..., index + 3."""

    def codegen(context, builder, signature, arguments):
        address = _address(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], address, align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, _vector), codegen


def _repeated(builder, number):
    lane = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(lane, ir.Constant(_VECTOR, ir.Undefined), zeros)


def _spread(typingctx, number):
    """A vector of four times the same number."""

    def codegen(context, builder, signature, arguments):
        return _repeated(builder, arguments[0])

    return _vector(types.float64), codegen


def _spread_from(typingctx, array, index):
    """A vector of four times one element, without the check for negative positions of ``array[index]``."""

    def codegen(context, builder, signature, arguments):
        data = make_array(signature.args[0])(context, builder, arguments[0]).data
        return _repeated(builder, builder.load(builder.gep(data, [arguments[1]])))

    return _vector(array, types.intp), codegen


def _times(typingctx, left, right):
    """Product of two vectors, element by element."""

    def codegen(context, builder, signature, arguments):
        return builder.fmul(*arguments, flags=_FUSED)

    return _vector(_vector, _vector), codegen


def _minus_product(typingctx, start, left, right):
    """start - left * right, element by element."""

    def codegen(context, builder, signature, arguments):
        product = builder.fmul(arguments[1], arguments[2], flags=_FUSED)
        return builder.fsub(arguments[0], product, flags=_FUSED)

    return _vector(_vector, _vector, _vector), codegen


def _plus(typingctx, left, right):
    """Sum of two vectors, element by element."""

    def codegen(context, builder, signature, arguments):
        return builder.fadd(*arguments)

    return _vector(_vector, _vector), codegen


def _total(typingctx, vector):
    """Sum of the elements of a vector, in a fixed order."""

    def codegen(context, builder, signature, arguments):
        lanes = [builder.extract_element(arguments[0], ir.Constant(ir.IntType(32), q)) for q in range(WIDTH)]
        return builder.fadd(builder.fadd(lanes[0], lanes[2]), builder.fadd(lanes[1], lanes[3]))

    return types.float64(_vector), codegen


# Compiled code calls these without the first argument.
load: Any = intrinsic(_load)
store: Any = intrinsic(_store)
spread: Any = intrinsic(_spread)
spread_from: Any = intrinsic(_spread_from)
times: Any = intrinsic(_times)
minus_product: Any = intrinsic(_minus_product)
plus: Any = intrinsic(_plus)
total: Any = intrinsic(_total)
