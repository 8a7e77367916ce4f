# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A convolution block against the chain of builtin ops in TFLM, its gate, its scratch, and what it refuses."""

import numpy as np
import one_op_model
import pytest
from conv_block_cases import BLOCKS, NAME, make
from conv_block_chain import make_chain
from tfdgsu.export.arena import predict_arena
from tfdgsu.export.ops.custom import REGISTRY, TensorSpec
from tfdgsu.export.ops.custom.masks import pack_bits
from tfdgsu.micro_runtime import InterpreterError
from tfdgsu.micro_runtime.interpreter import Interpreter
from tflm_arena import measure_arena, probe_arenas

_ARENA_BYTES = 1 << 20


def _run_chain(block):
    model, x = make_chain(block)
    interpreter = Interpreter(model, _ARENA_BYTES)
    interpreter.set_input(0, x)
    interpreter.invoke()
    n_results = sum(stage is not None for stage in (block.conv, block.depthwise, block.project)) + block.has_add
    return [interpreter.get_output(i) for i in range(n_results)]


def _outputs(outputs, value=0):
    return [np.full(shape, value, dtype) for shape, dtype in outputs]


@pytest.mark.parametrize("name", BLOCKS)
def test_equals_the_chain_of_builtin_ops(name):
    block = BLOCKS[name]
    inputs, options, outputs = make(block)
    results = _run_chain(block)
    _, (y, *masks) = one_op_model.run(NAME, inputs, options, _outputs(outputs))
    np.testing.assert_array_equal(y, results[-1])
    stages = [stage for stage in ("conv", "depthwise", "project") if getattr(block, stage) is not None]
    kept = [stage for stage in ("conv", "depthwise") if stage in block.masks]
    for stage, mask in zip(kept, masks, strict=True):
        q = results[stages.index(stage)].astype(int)
        inside = (q > options[f"{stage}_mask_low"]) & (q < options[f"{stage}_mask_high"])
        np.testing.assert_array_equal(mask, pack_bits(inside))


def test_cases_show_more_than_saturation():
    n_values = {name: len(np.unique(_run_chain(block)[-1])) for name, block in BLOCKS.items()}
    assert sum(n > 20 for n in n_values.values()) > 30, n_values


@pytest.mark.parametrize("train", [0, 2, -1])
def test_forward_pass_runs_without_training_but_keeps_no_masks(train):
    inputs, options, outputs = make(BLOCKS["full"])
    expected = REGISTRY[NAME].reference(inputs, options, None)[0]
    inputs[0][:] = train
    before = _outputs(outputs, 85)
    _, (y, *masks) = one_op_model.run(NAME, inputs, options, before)
    np.testing.assert_array_equal(y, expected)
    for mask, untouched in zip(masks, before[1:], strict=True):
        np.testing.assert_array_equal(mask, untouched)


def test_overlay_stands_for_the_merged_filter():
    inputs, options, outputs = make(BLOCKS["conv_overlay"])
    _, with_overlay = one_op_model.run(NAME, inputs, options, _outputs(outputs))
    w, (overlay, channels) = inputs[2].copy(), inputs[14:]
    w[..., channels] = overlay
    _, merged = one_op_model.run(NAME, [*inputs[:2], w, *inputs[3:14], None, None], options, _outputs(outputs))
    np.testing.assert_array_equal(with_overlay[0], merged[0])


def _model(name):
    inputs, options, outputs = make(BLOCKS[name])
    return one_op_model.build(NAME, [None if a is None else (a.shape, a.dtype) for a in inputs], outputs, options)


def test_arena_is_predicted_exactly_with_its_scratch():
    models = [_model(name) for name in BLOCKS]
    for name, model, (usage, printed) in zip(BLOCKS, models, probe_arenas([(m, _ARENA_BYTES) for m in models])):
        assert usage is not None, printed
        prediction = predict_arena(model)
        assert prediction.exact
        assert (prediction.head_bytes, prediction.tail_bytes) == (usage.head_bytes, usage.tail_bytes), name


def test_scratch_is_a_few_rows():
    inputs, options, _ = make(BLOCKS["stem"])
    shapes = [None if a is None else a.shape for a in inputs]
    # Of 8 x 7 results with 16 channels: 3 rows for the depthwise filter, and the depthwise result's row.
    assert REGISTRY[NAME].scratch_bytes(shapes, options) == (3 + 1) * 7 * 16
    assert measure_arena(_model("conv3x3")).head_bytes == measure_arena(_model("conv1x1")).head_bytes


# (name of the case, changes of options)
_BAD_OPTIONS = {
    "stride": ("conv3x3", {"conv_stride_h": 0}),
    "padding": ("conv3x3", {"conv_pad_left": 3}),
    "negative_padding": ("full", {"depthwise_pad_top": -1}),
    "last_window_outside": ("conv_valid", {"conv_stride_h": 1 << 20}),
    "no_rows": ("conv3x3", {"conv_out_h": 0}),
    "other_height": ("full", {"conv_out_h": 4}),
    "absent_stage_with_rows": ("conv3x3", {"depthwise_out_h": 5}),
    "zero_point": ("conv3x3", {"conv_zero_point": 128}),
    "x_zero_point": ("conv3x3", {"x_zero_point": -129}),
    "range": ("full", {"project_min": 100, "project_max": 99}),
    "range_beyond_int8": ("full", {"depthwise_max": 128}),
    "mask_of_no_stage": ("conv3x3", {"keeps_conv_mask": 0, "keeps_depthwise_mask": 1}),
    "add_shift": ("full", {"add_shift": 1}),
    "add_multiplier": ("full", {"add_x_multiplier": -1}),
    "add_range": ("full", {"add_min": -129}),
    "add_of_another_shape": ("conv1x1", {"has_add": 1}),
}


@pytest.mark.parametrize("what", _BAD_OPTIONS)
def test_bad_options_are_refused(what):
    name, changes = _BAD_OPTIONS[what]
    inputs, options, outputs = make(BLOCKS[name])
    options |= changes
    specs = [None if a is None else TensorSpec(a.shape, a.dtype.name) for a in inputs]
    with pytest.raises(ValueError, match=NAME):
        REGISTRY[NAME].check(specs, [TensorSpec(shape, np.dtype(dtype).name) for shape, dtype in outputs], options)
    with pytest.raises(InterpreterError, match="failed to prepare"):
        one_op_model.run(NAME, inputs, options, _outputs(outputs))


def _without(inputs, *positions):
    return [None if i in positions else a for i, a in enumerate(inputs)]


# name of the case, and what happens to its inputs
_BAD_INPUTS = {
    "no_stage": ("conv3x3", lambda a: _without(a, *range(2, 14))),
    "no_multiplier": ("conv3x3", lambda a: _without(a, 4)),
    "no_shift": ("full", lambda a: _without(a, 9)),
    "bias_of_no_stage": ("depthwise", lambda a: [*a[:3], np.zeros(17, np.int32), *a[4:]]),
    "overlay_without_channels": ("conv_overlay", lambda a: _without(a, 15)),
    "channels_without_overlay": ("conv_overlay", lambda a: _without(a, 14)),
    "overlay_without_conv": ("depthwise", lambda a: [*a[:14], np.zeros((1, 3, 3, 1), np.int8), np.zeros(1, np.int32)]),
    "wide_project": ("full", lambda a: [*a[:10], np.zeros((3, 2, 1, 9), np.int8), *a[11:]]),
    "too_many_products": ("conv1x1", lambda a: [a[0], np.zeros((1, 5, 6, 65537), np.int8), *a[2:]]),
}


@pytest.mark.parametrize("what", _BAD_INPUTS)
def test_bad_inputs_are_refused(what):
    name, change = _BAD_INPUTS[what]
    inputs, options, outputs = make(BLOCKS[name])
    inputs = change(inputs)
    if what == "too_many_products":
        inputs[2] = np.zeros((9, 1, 1, 65537), np.int8)
    specs = [None if a is None else TensorSpec(a.shape, a.dtype.name) for a in inputs]
    with pytest.raises(ValueError, match=NAME):
        REGISTRY[NAME].check(specs, [TensorSpec(shape, np.dtype(dtype).name) for shape, dtype in outputs], options)
    with pytest.raises(InterpreterError, match="failed to prepare"):
        one_op_model.run(NAME, inputs, options, _outputs(outputs), arena_bytes=1 << 23)


@pytest.mark.parametrize(("position", "value"), [(4, -1), (5, 31), (5, -32), (8, -1), (13, 40), (15, -1), (15, 6)])
def test_bad_values_are_refused_at_run_time(position, value):
    inputs, options, outputs = make(BLOCKS["full_overlay"])
    inputs[position][-1] = value
    with pytest.raises(InterpreterError, match="failed to invoke"):
        one_op_model.run(NAME, inputs, options, _outputs(outputs))
