# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Shape rules of builtin ops that move elements, or repeat them, and calculate nothing.

`MOVEMENT_RULES` maps builtin code to `rule(operator, inputs, outputs)`, which comes after the checks of the operands'
number and dtypes.
"""

import numpy as np

from .model import Operator, Tensor

_MAX_AXES = 4
_OPTIONS = {5: 94, 26: 19, 45: 32, 83: 59, 100: 77}  # type of the options that the kernel reads


def _same_elements(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x = inputs[0]
    _require(x.n_elements == output.n_elements, f"output must have {x.n_elements} elements", output.shape)


def _depth_and_space(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x, block = inputs[0].shape, operator.options.scalar(0, "i")
    _require(len(x) == len(output.shape) == 4 and block >= 1, "images and a block size are needed", (x, block))
    small, large = (x, output.shape) if operator.builtin_code == 5 else (output.shape, x)
    expected = (small[0], small[1] * block, small[2] * block)
    fits = large[:3] == expected and small[3] == large[3] * block * block
    _require(fits, f"sizes must agree with blocks of {block}", (x, output.shape))


def _transpose(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x, order = inputs[0].shape, _ints(inputs[1], len(inputs[0].shape))
    _require(sorted(order) == list(range(len(x))), f"order must name {len(x)} axes", order)
    _shape(output, [x[axis] for axis in order])


def _slice(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x = inputs[0].shape
    begins, sizes = _ints(inputs[1], len(x)), _ints(inputs[2], len(x))
    sizes = [whole - begin if size == -1 else size for whole, begin, size in zip(x, begins, sizes)]
    inside = all(begin >= 0 and size >= 1 and begin + size <= whole for whole, begin, size in zip(x, begins, sizes))
    _require(inside and len(x) <= _MAX_AXES, "slice must lie inside the input", (x, begins, sizes))
    _shape(output, sizes)


def _strided_slice(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x = inputs[0].shape
    _require(1 <= len(x) <= _MAX_AXES, f"input must have one to {_MAX_AXES} axes", x)
    begins, ends, strides = (_ints(tensor, len(x)) for tensor in inputs[1:])
    begin_mask, end_mask, ellipsis, new_axes, shrunk = (operator.options.scalar(field, "i") for field in range(5))
    # TFLM doesn't know them, and takes the last one for an offset of `end` to `begin`.
    plain = not ellipsis and not new_axes and not operator.options.scalar(5, "B")
    _require(plain and 0 not in strides, "slices must be plain, with strides", (ellipsis, new_axes, strides))
    expected = []
    for axis, (whole, begin, end, stride) in enumerate(zip(x, begins, ends, strides)):
        begin, end = None if begin_mask >> axis & 1 else begin, None if end_mask >> axis & 1 else end
        if shrunk >> axis & 1:
            _require(begin is not None and -whole <= begin < whole, f"index must be inside axis {axis}", begin)
        else:
            expected.append(len(range(*slice(begin, end, stride).indices(whole))))
    _shape(output, expected)


def _pack(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    shapes, rank = [tensor.shape for tensor in inputs], len(inputs[0].shape) + 1
    n, axis = operator.options.scalar(0, "i"), operator.options.scalar(1, "i")
    _require(len(set(shapes)) == 1 and n == len(shapes), f"{n} inputs must have one shape", shapes)
    _require(-rank <= axis < rank, f"axis must be one of {rank}", axis)
    _shape(output, [*shapes[0][: axis % rank], n, *shapes[0][axis % rank :]])


def _mirror_pad(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x, mode = inputs[0].shape, operator.options.scalar(0, "b")
    pads = _ints(inputs[1], 2 * len(x))
    _require(mode in (0, 1) and inputs[1].shape == (len(x), 2), "paddings must fit the input", (mode, inputs[1].shape))
    longest = [size - 1 if mode == 0 else size for size in x for _ in range(2)]
    _require(all(0 <= pad <= most for pad, most in zip(pads, longest)), f"paddings must be at most {longest}", pads)
    _shape(output, [size + pads[2 * i] + pads[2 * i + 1] for i, size in enumerate(x)])


def _with_options(rule):
    """The rule for an op with one output, behind a check that it has options of its own type."""

    def checked(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        expected = _OPTIONS.get(operator.builtin_code)
        has_options = expected is None or (operator.options is not None and operator.options_type == expected)
        _require(has_options, f"options must be of type {expected}", operator.options_type)
        rule(operator, inputs, outputs[0])

    return checked


def _ints(tensor: Tensor, count: int) -> list[int]:
    _require(tensor.dtype == "int32" and tensor.data is not None, "numbers must be constant int32", tensor.name)
    _require(tensor.n_elements == count, f"'{tensor.name}' must have {count} numbers", tensor.n_elements)
    return np.frombuffer(tensor.data, np.int32).tolist()


def _shape(output: Tensor, shape) -> None:
    _require(output.shape == tuple(shape), f"output must have shape {tuple(shape)}", output.shape)


def _require(condition: bool, rule: str, received) -> None:
    if not condition:
        raise ValueError(f"{rule}. Received: {received}.")


MOVEMENT_RULES = {
    **{code: _with_options(_same_elements) for code in (43, 70)},  # SQUEEZE, EXPAND_DIMS
    **{code: _with_options(_depth_and_space) for code in (5, 26)},
    39: _with_options(_transpose),
    45: _with_options(_strided_slice),
    65: _with_options(_slice),
    83: _with_options(_pack),
    100: _with_options(_mirror_pad),
}
