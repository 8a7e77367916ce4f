# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Shape rules of builtin ops that only the frozen part of a bundle has, in float32.

TFLM's kernels take indices, blocks and the shape of the result as the file states them, and write where these lead.
`FROZEN_RULES` maps builtin code to `rule(operator, inputs, output)`, which comes after the checks of the operands'
number and dtypes.
"""

import math

import numpy as np

from .model import Operator, Tensor

_SAME, _VALID = 0, 1
_MAX_MATRIX_AXES = 5
_MAX_BROADCAST_AXES = 5
_OPTIONS = {36: 23, 67: 49, 126: 101}  # type of the options that the kernel reads


def _gather(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x, indices, rank = inputs[0].shape, inputs[1], len(inputs[0].shape)
    _require(indices.dtype == "int32" and indices.data is not None, "indices must be constant int32", indices.name)
    axis, n_batch = operator.options.scalar(0, "i"), operator.options.scalar(1, "i")
    axis += rank if axis < 0 else 0
    n_batch += len(indices.shape) if n_batch < 0 else 0
    fits = 0 <= n_batch <= axis < rank and n_batch <= len(indices.shape) and x[:n_batch] == indices.shape[:n_batch]
    _require(fits, f"axis must be one of {rank}, behind those of the batch", (axis, n_batch))
    values = np.frombuffer(indices.data, np.int32)
    _require(0 <= values.min() and values.max() < x[axis], f"indices must be below {x[axis]}", values[:4].tolist())
    _shape(output, (*x[:axis], *indices.shape[n_batch:], *x[axis + 1 :]))


def _space_and_batch(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x = inputs[0].shape
    _require(len(x) in (3, 4), "input must have three or four axes", x)
    n = len(x) - 2
    _require(
        (inputs[1].shape, inputs[2].shape) == ((n,), (n, 2)), f"{n} blocks and margins are needed", inputs[1].shape
    )
    blocks, margins = (np.frombuffer(tensor.data, np.int32).tolist() for tensor in inputs[1:3])
    _require(min(blocks) >= 1 and min(margins) >= 0, "blocks must be positive, margins not negative", (blocks, margins))
    margins = [margins[2 * i] + margins[2 * i + 1] for i in range(n)]
    count = math.prod(blocks)
    if operator.builtin_code == 38:  # SPACE_TO_BATCH_ND
        padded = [size + margin for size, margin in zip(x[1:], margins)]
        _require(all(p % b == 0 for p, b in zip(padded, blocks)), f"sizes must be multiples of {blocks}", padded)
        expected = x[0] * count, *(p // b for p, b in zip(padded, blocks)), x[-1]
    else:
        _require(x[0] % count == 0, f"batch must be a multiple of {count}", x[0])
        expected = x[0] // count, *(s * b - m for s, b, m in zip(x[1:], blocks, margins)), x[-1]
    _shape(output, expected)


def _transpose_conv(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    w, x, y = inputs[1].shape, inputs[2].shape, output.shape
    _require(len(w) == len(x) == len(y) == 4, "filter, input and output must be 4-D", (w, x, y))
    stated = tuple(np.frombuffer(inputs[0].data, np.int32).tolist())
    _require(stated == y, f"the stated shape must be {y}", stated)
    _require((w[3], w[0], x[0]) == (x[3], y[3], y[0]), "channels and batch must agree", (w, x, y))
    if len(inputs) == 4 and inputs[3] is not None:
        _require(inputs[3].shape == (w[0],), f"bias must have shape [{w[0]}]", inputs[3].shape)
    padding, strides = (
        operator.options.scalar(0, "b"),
        (operator.options.scalar(2, "i"), operator.options.scalar(1, "i")),
    )
    _require(padding in (_SAME, _VALID) and min(strides) >= 1, "padding and strides must be known", (padding, strides))
    windows = [1, 1] if padding == _SAME else w[1:3]
    sizes = tuple(-(-(size - window + 1) // stride) for size, window, stride in zip(y[1:3], windows, strides))
    _require(sizes == x[1:3], f"the output must be that of {x[1:3]}", y)


def _shape_of(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    _shape(output, (len(inputs[0].shape),))


def _batch_matmul(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    shapes = [list(tensor.shape) for tensor in inputs]
    fits = all(2 <= len(shape) <= _MAX_MATRIX_AXES for shape in shapes)
    _require(fits, f"matrices must have 2 to {_MAX_MATRIX_AXES} axes", shapes)
    for field, shape in enumerate(shapes):
        if operator.options.scalar(field, "B"):
            shape[-2:] = shape[:-3:-1]
    first, second = shapes
    _require(first[-1] == second[-2], "matrices must fit together", shapes)
    pairs = zip(reversed(first[:-2]), reversed(second[:-2]))
    _require(all(1 in pair or pair[0] == pair[1] for pair in pairs), "batches must agree or be 1", shapes)
    _shape(output, (*np.broadcast_shapes(tuple(first[:-2]), tuple(second[:-2])), first[-2], second[-1]))


def _broadcast_to(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x, y = inputs[0].shape, output.shape
    stated = tuple(np.frombuffer(inputs[1].data, np.int32).tolist())
    _require(inputs[1].shape == (len(y),) and stated == y, f"the stated shape must be {y}", stated)
    fits = len(x) <= len(y) <= _MAX_BROADCAST_AXES and all(a in (1, b) for a, b in zip(reversed(x), reversed(y)))
    _require(fits, "the input must be broadcast to the output", (x, y))


def _with_options(rule):
    """The rule, behind a check that the op has options of its own type."""

    def checked(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        expected = _OPTIONS.get(operator.builtin_code)
        if expected is not None:
            has_options = operator.options is not None and operator.options_type == expected
            _require(has_options, f"options must be of type {expected}", operator.options_type)
        rule(operator, inputs, outputs[0])

    return checked


def _shape(output: Tensor, shape) -> None:
    _require(output.shape == tuple(shape), f"output must have shape {tuple(shape)}", output.shape)


def _require(condition: bool, rule: str, received) -> None:
    if not condition:
        raise ValueError(f"{rule}. Received: {received}.")


FROZEN_RULES = {
    36: _with_options(_gather),
    **{code: _with_options(_space_and_batch) for code in (37, 38)},
    67: _with_options(_transpose_conv),
    77: _with_options(_shape_of),
    126: _with_options(_batch_matmul),
    130: _with_options(_broadcast_to),
}
