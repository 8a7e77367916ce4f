# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Checks the memory plan that a bundle may prescribe, because TFLM takes its offsets over as they are.

The plan is a metadata buffer of int32: version 1, subgraph 0, the number of tensors, and for each the offset from the
arena's start, or -1 for a place that TFLM chooses around the others.

Two tensors that are alive at the same time must be apart. An op's result may lie over an operand that nobody needs
afterwards, if the op reads what it overwrites before it does so; `_may_share` holds when that is.
Source: tflite-micro, `micro_allocation_info.cc` for the format and for lifetimes.
"""

import numpy as np

from ..export.ops.custom import REGISTRY, unpack_options
from .errors import require
from .model import CUSTOM, Model, Operator

PLAN_NAME = "OfflineMemoryAllocation"
_ALIGNMENT = 16
_UNPLANNED = -1
_HEADER_WORDS = 3
# (output, input) that may have one address, by builtin code; of custom ops their definitions tell.
_MAY_OVERWRITE = {
    **{code: ((0, 0), (0, 1)) for code in (0, 18, 41)},  # ADD, MUL, SUB
    **{code: ((0, 0),) for code in (19, 21, 22)},  # RELU, RELU6, RESHAPE
}


def check_memory_plan(model: Model, arena_bytes: int) -> None:
    """Checks the plan of a model, if it has one.

    Args:
        model: The model, whose ops were checked before.
        arena_bytes: The smallest arena that it is run in.

    Raises:
        BundleError: naming the tensors and the rule.
    """
    if PLAN_NAME not in model.metadata:
        return
    offsets = _read_offsets(model)
    planned = [i for i, offset in enumerate(offsets) if offset != _UNPLANNED]
    for i in planned:
        _check_place(model, i, offsets[i], arena_bytes)
    lifetimes = _find_lifetimes(model)
    planned = sorted((i for i in planned if i in lifetimes), key=lambda i: offsets[i])
    for position, a in enumerate(planned):
        end = offsets[a] + model.tensors[a].n_bytes
        for b in planned[position + 1 :]:
            if offsets[b] >= end:
                break
            _check_pair(model, lifetimes, offsets, a, b)


def _read_offsets(model: Model) -> list[int]:
    data = model.metadata[PLAN_NAME]
    n_words = _HEADER_WORDS + len(model.tensors)
    require(len(data) == 4 * n_words, f"memory plan must have {4 * n_words} bytes", len(data))
    words = np.frombuffer(data, "<i4").tolist()
    expected = [1, 0, len(model.tensors)]
    require(words[:_HEADER_WORDS] == expected, f"memory plan must begin with {expected}", words[:_HEADER_WORDS])
    return words[_HEADER_WORDS:]


def _check_place(model: Model, i: int, offset: int, arena_bytes: int) -> None:
    tensor = model.tensors[i]
    what = f"memory plan's offset of '{tensor.name}'"
    # TFLM would take a planned variable for a buffer that others may share.
    is_buffer = tensor.data is None and not tensor.is_variable
    require(is_buffer, f"{what} must be -1, as of every constant and variable", offset)
    require(offset >= 0 and offset % _ALIGNMENT == 0, f"{what} must be a multiple of {_ALIGNMENT} or -1", offset)
    end = offset + -(-tensor.n_bytes // _ALIGNMENT) * _ALIGNMENT
    require(end <= arena_bytes, f"{what} must leave it inside the arena of {arena_bytes:,} bytes", offset)


def _find_lifetimes(model: Model) -> dict[int, tuple[int, int]]:
    """(first, last) moment by tensor: inputs arrive at 0, op i runs at i + 1, outputs stay until the last op."""
    lifetimes: dict[int, tuple[int, int]] = {}

    def use(i: int, moment: int) -> None:
        lifetimes[i] = (lifetimes.get(i, (moment,))[0], moment)

    for i in model.inputs:
        use(i, 0)
    for position, operator in enumerate(model.operators):
        for i in (*operator.inputs, *operator.outputs):
            if i >= 0:
                use(i, position + 1)
    for i in model.outputs:
        use(i, len(model.operators))
    return lifetimes


def _check_pair(model: Model, lifetimes: dict, offsets: list[int], a: int, b: int) -> None:
    """Two tensors that share bytes."""
    if lifetimes[a][1] < lifetimes[b][0] or lifetimes[b][1] < lifetimes[a][0]:
        return
    shared = any(
        lifetimes[result][0] == lifetimes[operand][1] >= 1
        and _may_share(model, model.operators[lifetimes[operand][1] - 1], offsets, result, operand)
        for result, operand in ((a, b), (b, a))
    )
    names = f"'{model.tensors[a].name}' and '{model.tensors[b].name}'"
    require(shared, f"memory plan must keep {names} apart, which are needed together", (offsets[a], offsets[b]))


def _may_share(model: Model, operator: Operator, offsets: list[int], result: int, operand: int) -> bool:
    """Whether an op may write `result` where `operand`, which it is the last to read, lies.

    Either both have one address and one size, and the op reads an element before it writes the one in its place. Or
    the op works row by row, and never writes a row where rows of the operand lie that it still reads.
    """
    if result not in operator.outputs or operand in model.outputs:
        return False
    output = operator.outputs.index(result)
    positions = [position for position, i in enumerate(operator.inputs) if i == operand]
    allowed, first_row = _MAY_OVERWRITE.get(operator.builtin_code, ()), None
    if operator.builtin_code == CUSTOM:
        op = REGISTRY[operator.custom_code]
        options = unpack_options(operator.custom_code, operator.custom_options)
        allowed = op.may_overwrite(options)
        if (output, positions) == (0, [1]) and op.rows_needed(options, 0) is not None:

            def first_row(row):
                return op.rows_needed(options, row)

    x, y = model.tensors[operand], model.tensors[result]
    in_place = offsets[result] == offsets[operand] and (x.n_bytes, x.dtype) == (y.n_bytes, y.dtype)
    if in_place and positions and all((output, position) in allowed for position in positions):
        return True
    if first_row is None or len(x.shape) != 4 or len(y.shape) != 4 or x.shape[0] != 1 or y.shape[0] != 1:
        return False
    return _rows_are_apart(x, y, offsets[result] - offsets[operand], first_row)


def _rows_are_apart(x, y, distance: int, first_row) -> bool:
    """Whether rows of `y`, which begins `distance` bytes behind `x`, avoid the rows of `x` that are still read."""
    x_row_bytes, y_row_bytes = x.n_bytes // x.shape[1], y.n_bytes // y.shape[1]
    for row in range(y.shape[1]):
        begin = distance + row * y_row_bytes
        needed = max(first_row(row), 0) * x_row_bytes
        if begin < x.n_bytes and begin + y_row_bytes > needed and needed < x.n_bytes:
            return False
    return True
