# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Shape rules of the builtin ops that bundles are made of: what the kernels compute from the inputs' shapes and the
options must be the shapes that the file states. `RULES` maps builtin code to `rule(operator, inputs, outputs)`.

Operands are float32 or int8; `int8_rules.py` holds what must be true of scales and zero points besides.
"""

import math

import numpy as np

from .model import Operator, Tensor

_SAME, _VALID = 0, 1
_UNARY = (8, 11, 14, 19, 20, 21, 28, 47, 50, 59, 66, 73, 75, 76, 92, 98, 101, 104, 108, 111, 116, 117)
_BINARY = (0, 18, 41, 42, 54, 55, 57, 99)  # ADD MUL SUB DIV PRELU MAXIMUM MINIMUM SQUARED_DIFFERENCE
_REDUCTIONS = (40, 74, 82, 89)  # MEAN SUM REDUCE_MAX REDUCE_MIN
_OPTIONS = {1: 5, 2: 10, 3: 1, 4: 2, 9: 8, 17: 5, 25: 9, 40: 27, 74: 27, 82: 27, 89: 27, 98: 75, 23: 15, 97: 74}
_DTYPES = ("float32", "int8")
_MAX_CONCATENATION_INPUTS = 10  # of TFLM
_MAX_RESIZED = 1024  # TFLM's int8 kernel calculates in 1/1024 pixels; with more its rounding errors leave the image
_BIAS_TYPE, _BIAS_TYPES = {3: 6, 9: 4}, (0, 2, 4)  # field of the options; float32 (none said), int32, int64
_ALIGN_CORNERS = {23: 2, 97: 0}  # field of the options; whether pixels are centered is the next one


def _same_shape(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    _numbers(inputs, 1)
    _require(operator.builtin_code != 25 or inputs[0].shape, "softmax needs an axis", inputs[0].shape)
    _output(outputs, inputs[0].shape, inputs[0].dtype)


def _conversion(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    dtypes = (("float32", "int8"), ("int8", "int8")) if operator.builtin_code == 114 else (("int8", "float32"),)
    _require(len(inputs) == len(outputs) == 1 and None not in inputs, "needs one input and one output", len(inputs))
    received = inputs[0].dtype, outputs[0].dtype
    _require(received in dtypes, f"input and output must be one of {dtypes}", received)
    _require(inputs[0].shape == outputs[0].shape, f"output must have shape {inputs[0].shape}", outputs[0].shape)


def _broadcast(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    _numbers(inputs, 2)
    _require(max(len(t.shape) for t in inputs) <= 4, "operands must have at most four axes", inputs[0].shape)
    first, second = inputs[0].shape, inputs[1].shape
    pairs = zip(reversed(first), reversed(second))
    _require(all(1 in pair or pair[0] == pair[1] for pair in pairs), "shapes must agree or be 1", (first, second))
    _output(outputs, np.broadcast_shapes(first, second), inputs[0].dtype)


def _convolution(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    is_depthwise = operator.builtin_code == 4
    _weighted(operator, inputs)
    x, w = inputs[0].shape, inputs[1].shape
    _require(len(x) == len(w) == 4, "input and filter must be 4-D", (x, w))
    out_c = w[3] if is_depthwise else w[0]
    options = operator.options
    if is_depthwise:
        multiplier = options.scalar(3, "i")
        _require(
            w[0] == 1 and multiplier >= 1 and x[3] * multiplier == out_c, "channels must agree", (x, w, multiplier)
        )
        dilation = options.scalar(5, "i", 1), options.scalar(6, "i", 1)
    else:
        n_groups = x[3] // w[3] if w[3] else 0
        _require(n_groups and x[3] == n_groups * w[3] and out_c % n_groups == 0, "channels must agree", (x, w))
        dilation = options.scalar(4, "i", 1), options.scalar(5, "i", 1)
    if len(inputs) == 3 and inputs[2] is not None:
        _require(inputs[2].shape == (out_c,), f"bias must have shape [{out_c}]", inputs[2].shape)
    _require(1 <= min(dilation) and max(dilation) < 1 << 16, "dilation must be positive", dilation)
    extent = [(w[1 + axis] - 1) * dilation[1 - axis] + 1 for axis in range(2)]
    _output(outputs, (x[0], *_slide(options, x[1:3], extent), out_c), inputs[0].dtype)


def _pool(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    _numbers(inputs, 1)
    x, options = inputs[0].shape, operator.options
    _require(len(x) == 4, "input must be 4-D", x)
    window = options.scalar(4, "i"), options.scalar(3, "i")
    _require(1 <= min(window) and max(window) < 1 << 16, "window must be positive", window)
    _output(outputs, (x[0], *_slide(options, x[1:3], window), x[3]), inputs[0].dtype)


def _slide(options, image, window) -> list[int]:
    """Output height and width of a sliding window; options fields 0 to 2 are the same for all such ops."""
    padding, strides = options.scalar(0, "b"), (options.scalar(2, "i"), options.scalar(1, "i"))
    _require(padding in (_SAME, _VALID), "padding must be SAME or VALID", padding)
    _require(1 <= min(strides) and max(strides) < 1 << 16, "strides must be positive", strides)
    if padding == _SAME:
        return [-(-size // stride) for size, stride in zip(image, strides)]
    _require(all(w <= size for w, size in zip(window, image)), "the window must fit into the image", (window, image))
    return [-(-(size - w + 1) // stride) for size, stride, w in zip(image, strides, window)]


def _fully_connected(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    _weighted(operator, inputs)
    x, w = inputs[0], inputs[1].shape
    _require(len(w) == 2 and len(x.shape) >= 1 and x.n_elements % w[1] == 0, "sizes must agree", (x.shape, w))
    if len(inputs) == 3 and inputs[2] is not None:
        _require(inputs[2].shape == (w[0],), f"bias must have shape [{w[0]}]", inputs[2].shape)
    _require(operator.options.scalar(1, "b") == 0, "weights must be in plain order", "shuffled")
    batches = x.n_elements // w[1]
    shape = _only(outputs, x.dtype).shape
    _require(shape[-1:] == (w[0],) and math.prod(shape[:-1]) == batches, f"output must be {batches} x {w[0]}", shape)


def _concatenation(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    _require(len(inputs) <= _MAX_CONCATENATION_INPUTS, f"needs up to {_MAX_CONCATENATION_INPUTS} inputs", len(inputs))
    _numbers(inputs, max(len(inputs), 1))
    _require(operator.options is not None and operator.options_type == 10, "options are needed", operator.options_type)
    shapes = [t.shape for t in inputs]
    rank = len(shapes[0])
    axis, activation = operator.options.scalar(0, "i"), operator.options.scalar(1, "b")
    _require(activation == 0, "concatenations have no activation", activation)
    _require(1 <= rank <= 4 and -rank <= axis < rank, f"axis must be one of {rank}", axis)
    axis %= rank
    rests = {shape[:axis] + shape[axis + 1 :] for shape in shapes}
    _require(len(rests) == 1 and all(len(s) == rank for s in shapes), "inputs must differ in one axis only", shapes)
    total = sum(shape[axis] for shape in shapes)
    _output(outputs, (*shapes[0][:axis], total, *shapes[0][axis + 1 :]), inputs[0].dtype)


def _reshape(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    _require(1 <= len(inputs) <= 2 and len(outputs) == 1, "needs one or two inputs and one output", len(inputs))
    x, y = inputs[0], outputs[0]
    _require(x is not None and x.dtype == y.dtype and x.n_elements == y.n_elements, "elements must agree", y.shape)
    if len(inputs) == 2:
        shape = _constant_ints(inputs[1], "shape")
        _require(len(shape) == len(y.shape), "shape must be that of the output", shape.tolist())
        fits = [stated in (size, -1) for stated, size in zip(shape.tolist(), y.shape)]
        _require(all(fits), "shape must be that of the output", shape.tolist())
    else:
        _require(operator.options_type == 17, "options are needed", operator.options_type)
        _require(operator.options.numbers(0, "i") == y.shape, "options must hold the output's shape", y.shape)


def _pad(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    n_inputs = 3 if operator.builtin_code == 60 else 2
    _require(len(inputs) == n_inputs and None not in inputs, f"needs {n_inputs} inputs", len(inputs))
    x = inputs[0]
    _numbers(inputs[:1], 1)
    _require(len(x.shape) <= 4, "input must have at most four axes", x.shape)
    pads = _constant_ints(inputs[1], "paddings").tolist()
    _require(inputs[1].shape == (len(x.shape), 2) and min(pads) >= 0, "paddings must fit the input", pads)
    if n_inputs == 3:
        value = inputs[2]
        is_one = value.dtype == x.dtype and value.data is not None and value.n_elements == 1
        _require(is_one, f"value must be one {x.dtype}", value.shape)
    _output(outputs, tuple(size + pads[2 * i] + pads[2 * i + 1] for i, size in enumerate(x.shape)), x.dtype)


def _resize(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    _require(len(inputs) == 2 and None not in inputs, "needs two inputs", len(inputs))
    _numbers(inputs[:1], 1)
    x, sizes = inputs[0], _constant_ints(inputs[1], "sizes")
    _require(len(x.shape) == 4 and inputs[1].shape == (2,), "an image needs two sizes", (x.shape, inputs[1].shape))
    both = operator.options.scalar(_ALIGN_CORNERS[operator.builtin_code], "B") and operator.options.scalar(
        _ALIGN_CORNERS[operator.builtin_code] + 1, "B"
    )
    _require(not both, "corners must be aligned or pixels centered, not both", "both")
    largest = max(*x.shape[1:3], *sizes.tolist())
    _require(largest <= _MAX_RESIZED, f"images must be at most {_MAX_RESIZED} high and wide", largest)
    _output(outputs, (x.shape[0], *sizes.tolist(), x.shape[3]), x.dtype)


def _reduction(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    _require(len(inputs) == 2 and None not in inputs, "needs two inputs", len(inputs))
    x, rank = inputs[0], len(inputs[0].shape)
    _numbers(inputs[:1], 1)
    _require(1 <= rank <= 4, "input must have one to four axes", x.shape)
    axes = _constant_ints(inputs[1], "axes").tolist()
    _require(all(-rank <= axis < rank for axis in axes) and len(axes) <= rank, f"axes must be of {rank}", axes)
    reduced = {axis % rank for axis in axes}
    keeps = bool(operator.options.scalar(0, "B"))
    kept = [1 if i in reduced else size for i, size in enumerate(x.shape) if keeps or i not in reduced]
    _output(outputs, tuple(kept), x.dtype)


def _with_options(rule):
    """The rule, behind a check that the op has options of its own type."""

    def checked(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        expected = _OPTIONS.get(operator.builtin_code)
        if expected is not None:
            has_options = operator.options is not None and operator.options_type == expected
            _require(has_options, f"options must be of type {expected}", operator.options_type)
        rule(operator, inputs, outputs)

    return checked


def _numbers(inputs: list[Tensor | None], count: int) -> None:
    """`count` inputs, all float32 or all int8."""
    dtypes = [tensor and tensor.dtype for tensor in inputs]
    _require(len(inputs) == count, f"needs {count} inputs", len(inputs))
    _require(dtypes in ([dtype] * count for dtype in _DTYPES), f"inputs must all be of one of {_DTYPES}", dtypes)


def _weighted(operator: Operator, inputs: list[Tensor | None]) -> None:
    """Input, filter and maybe a bias: all float32, or int8 with a bias of int32."""
    _require(2 <= len(inputs) <= 3, "needs 2 to 3 inputs", len(inputs))
    _numbers(inputs[:2], 2)
    if len(inputs) == 3 and inputs[2] is not None:
        expected = "int32" if inputs[0].dtype == "int8" else "float32"
        _require(inputs[2].dtype == expected, f"bias must be {expected}", inputs[2].dtype)
    field = _BIAS_TYPE.get(operator.builtin_code)
    bias_type = 0 if field is None else operator.options.scalar(field, "b")
    _require(bias_type in _BIAS_TYPES, f"type of biases must be one of {_BIAS_TYPES}", bias_type)


def _output(outputs: list[Tensor], shape: tuple[int, ...], dtype: str) -> None:
    output = _only(outputs, dtype)
    _require(output.shape == tuple(shape), f"output must have shape {tuple(shape)}", output.shape)


def _only(outputs: list[Tensor], dtype: str) -> Tensor:
    dtypes = [tensor.dtype for tensor in outputs]
    _require(dtypes == [dtype], f"there must be one {dtype} output", dtypes)
    return outputs[0]


def _constant_ints(tensor: Tensor | None, what: str) -> np.ndarray:
    is_constant = tensor is not None and tensor.dtype == "int32" and tensor.data is not None
    _require(is_constant, f"{what} must be a constant int32 tensor", tensor and tensor.name)
    return np.frombuffer(tensor.data, np.int32)


def _require(condition: bool, rule: str, received) -> None:
    if not condition:
        raise ValueError(f"{rule}. Received: {received}.")


RULES = {
    **{code: _with_options(_same_shape) for code in (*_UNARY, 25)},
    **{code: _with_options(_broadcast) for code in _BINARY},
    **{code: _with_options(_reduction) for code in _REDUCTIONS},
    **{code: _with_options(_pool) for code in (1, 17)},
    **{code: _with_options(_convolution) for code in (3, 4)},
    **{code: _pad for code in (34, 60)},
    **{code: _with_options(_resize) for code in (23, 97)},
    **{code: _conversion for code in (6, 114)},
    2: _with_options(_concatenation),
    9: _with_options(_fully_connected),
    22: _reshape,
}
