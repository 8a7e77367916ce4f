# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Every permission to overlap, run in TFLM: the op computes bit for bit what it does with its operands apart."""

import dataclasses

import numpy as np
import pytest
from conv_block_cases import BLOCKS, NAME, make
from flat_graphs import FlatGraph
from op_cases import all_cases
from tfdgsu.export.arena import find_overlaps as planner
from tfdgsu.export.arena import predict_arena, verify_no_overlap
from tfdgsu.export.arena.layout import align_up
from tfdgsu.export.gradients import custom_op
from tfdgsu.export.ir import Graph, Tensor
from tfdgsu.export.ops.custom import REGISTRY, pack_options
from tfdgsu.micro_runtime.interpreter import Interpreter

_OPTIONS = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "RESHAPE": "ReshapeOptions"}
_TOGETHER = 1 << 14  # Where an output lies that overlaps, far below everything else.
_SHAPES = {"plain": ((2, 3, 5, 4), (2, 3, 5, 4)), "row": ((2, 3, 5, 4), (4,)), "scalar": ((2, 3, 5, 4), (1,))}


def _run(op, arrays, overlap=None, is_checked=True):
    """Runs one op with every tensor in a place of its own, or output `o` beginning `distance` bytes before input `i`.

    Args:
        op: (name, options for `FlatGraph.op`, custom options).
        arrays: Inputs (None: absent), then outputs, of which only shape and dtype count.
        overlap: (o, i, distance) or None.
        is_checked: Whether the plan must pass `verify_no_overlap`.
    """
    graph, (name, options, custom_options) = FlatGraph(), op
    inputs, outputs = arrays
    tensors = [-1 if a is None else graph.tensor(a.shape, a.dtype.name) for a in [*inputs, *outputs]]
    present = [a for a in [*inputs, *outputs] if a is not None]
    n_bytes = [align_up(a.nbytes) for a in present]
    offsets = np.cumsum([2 * _TOGETHER + 2 * sum(n_bytes), *n_bytes])[:-1]
    if overlap is not None:
        o, i, distance = overlap
        offsets[tensors[len(inputs) + o]], offsets[tensors[i]] = _TOGETHER, _TOGETHER + distance
    ins, outs = [t for t in tensors[: len(inputs)] if t >= 0], tensors[len(inputs) :]
    graph.op(name, tensors[: len(inputs)], outs, options, custom_options)
    graph.prescribe_offsets(offsets)
    model = graph.build(ins, outs)
    prediction = predict_arena(model)
    if is_checked:
        verify_no_overlap(prediction, model)
    interpreter = Interpreter(model, prediction.minimum_arena_bytes)
    for position, array in enumerate(a for a in inputs if a is not None):
        interpreter.set_input(position, array)
    interpreter.invoke()
    return [interpreter.get_output(position) for position in range(len(outs))]


def _assert_same(op, arrays, overlap):
    for apart, together in zip(_run(op, arrays), _run(op, arrays, overlap), strict=True):
        np.testing.assert_array_equal(apart, together)


def _builtin_cases():
    for name, pairs in planner._BUILTIN.items():
        for dtype in ("float32", "int8"):
            for o, i in pairs:
                for shapes in _SHAPES if name in ("ADD", "SUB", "MUL") else ["plain"]:
                    yield pytest.param(name, dtype, o, i, shapes, id=f"{name}-{dtype}-{i}-{shapes}")


@pytest.mark.parametrize(("name", "dtype", "o", "i", "shapes"), list(_builtin_cases()))
def test_builtin_op(name, dtype, o, i, shapes):
    rng = np.random.default_rng(0)
    values = [(rng.standard_normal(shape) * 50).astype(dtype) for shape in _SHAPES[shapes]]
    inputs = (values if i == 0 else values[::-1]) if len({p for _, p in planner._BUILTIN[name]}) > 1 else values[:1]
    result = np.empty((6, 20) if name == "RESHAPE" else values[0].shape, dtype)
    options = (_OPTIONS[name], {}) if name in _OPTIONS else None
    _assert_same((name, options, None), (inputs, [result]), (o, i, 0))


def _custom_cases():
    for case in all_cases():
        for o, i in REGISTRY[case.name].may_overwrite(case.options):
            if case.inputs[i] is not None:
                yield pytest.param(case, o, i, id=f"{case.id}-{o}-{i}")


_CUSTOM_CASES = list(_custom_cases())


def test_every_op_that_may_overwrite_has_a_case():
    covered = {parameters.values[0].name for parameters in _CUSTOM_CASES}
    options = {name: {field.name: 1 for field in op.OPTIONS} for name, op in REGISTRY.items()}  # From logits, too.
    assert covered == {name for name, op in REGISTRY.items() if op.may_overwrite(options[name])}


@pytest.mark.parametrize(("case", "o", "i"), _CUSTOM_CASES)
def test_custom_op(case, o, i):
    custom_options = pack_options(case.name, case.options)
    _assert_same((case.name, None, custom_options), (case.inputs, case.outputs), (o, i, 0))


def _conv_block(name, hw):
    """(op, arrays, distance that the planner keeps) of a case with an image of another size."""
    block = dataclasses.replace(BLOCKS[name], x_hw=hw, batches=1)
    inputs, options, outputs = make(block)
    tensors = [None if a is None else Tensor(f"i{k}", a.shape, a.dtype.name) for k, a in enumerate(inputs)]
    arrays = inputs, [np.zeros(shape, dtype) for shape, dtype in outputs]
    results = [Tensor(f"o{k}", shape, np.dtype(dtype).name) for k, (shape, dtype) in enumerate(outputs)]
    graph = Graph([custom_op(NAME, tensors, results, options)], [t for t in tensors if t is not None], results)
    distances = [o.distance for o in planner.find_overlaps(graph) if o.operand is tensors[1]]
    return (NAME, None, pack_options(NAME, options)), arrays, *distances


@pytest.mark.parametrize("hw", [(23, 9), (16, 12)], ids=str)
@pytest.mark.parametrize("name", list(BLOCKS))
def test_conv_block_slides_below_its_input(name, hw):
    op, arrays, distance = _conv_block(name, hw)
    assert distance < arrays[1][0].nbytes
    _assert_same(op, arrays, (0, 1, distance))


@pytest.mark.parametrize("name", ["stem", "channels8", "conv3x3", "depthwise_symmetric"])
def test_conv_block_too_near_its_input_is_refused(name):
    """And would compute something else, so that the test above can fail."""
    op, arrays, distance = _conv_block(name, (23, 9))
    nearest = next(d for d in range(distance, -arrays[0][1].nbytes, -16) if not _passes(op, arrays, d))
    three_rows = align_up(3 * arrays[1][0][0, 0].nbytes)
    wrong = _run(op, arrays, (0, 1, nearest - three_rows), is_checked=False)
    assert any(np.any(a != b) for a, b in zip(wrong, _run(op, arrays), strict=True))


def _passes(op, arrays, distance):
    try:
        _run(op, arrays, (0, 1, distance))
    except ValueError:
        return False
    return True
