# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The fused backward pass of a chain of convolutions has the bits of the separate ops, all in TFLM."""

import numpy as np
import one_op_model
import pytest
from conv_block_grad_cases import NAME, all_conv_block_grad_cases
from tfdgsu.export.arena.predict import predict_arena
from tfdgsu.export.ops.custom import REGISTRY, TensorSpec
from tfdgsu.micro_runtime import InterpreterError
from tfdgsu.micro_runtime.interpreter import Interpreter

OP = REGISTRY[NAME]
CASES = all_conv_block_grad_cases()
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
POINTWISE = {"stride_h": 1, "stride_w": 1, "pad_top": 0, "pad_left": 0}


def _assert_same_bits(actual, expected, what):
    assert (actual is None) == (expected is None), what
    if actual is not None:
        np.testing.assert_array_equal(actual, expected, err_msg=what)
        if actual.dtype == np.float32:
            finite = np.isfinite(expected)
            np.testing.assert_array_equal(actual.view(np.uint32)[finite], expected.view(np.uint32)[finite], what)


def _assert_same_results(actual, expected):
    (inputs, outputs), (expected_inputs, expected_outputs) = actual, expected
    for operand, a, b in zip(OP.INPUTS, inputs, expected_inputs, strict=True):
        _assert_same_bits(a, b, operand.name)
    for a, b in zip(outputs, expected_outputs, strict=True):
        _assert_same_bits(a, b, "dx")


@each_case
def test_op_equals_the_separate_ops(case):
    _assert_same_results(one_op_model.run(*case[1:]), _run_separate_ops(case))


def _run_separate_ops(case):
    """The chain, op by op, in TFLM: inputs afterwards and outputs, as the fused op's."""
    names = [operand.name for operand in OP.INPUTS]
    values, options = dict(zip(names, case.inputs, strict=True)), case.options
    m, dy = values["depthwise_w"].shape[3], values["dy"]

    def run(name, operands, options, outputs=()):
        inputs, results = one_op_model.run(
            name, [values["train"], *(values.get(o) for o in operands)], options, outputs
        )
        values.update({o: array for o, array in zip(operands, inputs[1:]) if o is not None})
        return results

    def pick(name, **changes):
        merged = options | changes
        return {field.name: merged[field.name] for field in REGISTRY[name].OPTIONS}

    def update_bias(layer, layer_id):
        if values[f"{layer}_bias"] is not None:
            name, own = "TfdgsuBiasGradInt32", [f"{layer}_bias{what}" for what in ("", "_scales", "_velocity")]
            run(name, ["lr", "dz", *own, "step"], pick(name, layer_id=layer_id))

    name = "TfdgsuConv2DGradInputInt8"
    operands = ["dy", "project_w", "project_scales", None, "depthwise_bits"]
    end = pick(name, **POINTWISE, mask_alpha=options["depthwise_mask_alpha"])
    (values["dz"],) = run(name, operands, end, [np.zeros((*dy.shape[:3], m), np.float32)])
    update_bias("depthwise", options["depthwise_layer_id"])
    name = "TfdgsuDepthwiseConv2DGradInputInt8"
    operands = ["dz", "depthwise_w", "depthwise_scales", None, "conv_bits"]
    wide = (dy.shape[0], options["in_h"], options["in_w"], m)
    end = pick(name, mask_alpha=options["conv_mask_alpha"])
    (values["dz"],) = run(name, operands, end, [np.zeros(wide, np.float32)])
    name = "TfdgsuConv2DGradInputInt8"
    operands = ["dz", "conv_w", "conv_scales", "addend", "bits"]
    outputs = [run(name, operands, pick(name, **POINTWISE), [output])[0] for output in case.outputs]
    if values["x_sel"] is not None:
        name = "TfdgsuConv2DGradFilterInt8"
        operands = ["lr", "x_sel", "dz", "channels", "conv_w", "conv_scales", "conv_velocity", "remainder", "step"]
        run(name, operands, pick(name, **POINTWISE))
    update_bias("conv", options["layer_id"])
    return [values[name] for name in names], outputs


@each_case
def test_arena_is_predicted_with_the_scratch(case):
    specs = [None if a is None else (a.shape, a.dtype) for a in case.inputs]
    results = [(a.shape, a.dtype) for a in case.outputs]
    model = one_op_model.build(case.name, specs, results, case.options)
    prediction = predict_arena(model)
    assert prediction.total_bytes == Interpreter(model, 1 << 20).arena_usage().total_bytes
    b, h, w = case.inputs[2].shape[0], case.options["in_h"], case.options["in_w"]
    pixels = b * (h * w + case.inputs[2].shape[1] * case.inputs[2].shape[2])
    scratch = [buffer.n_bytes for buffer in prediction.buffers if buffer.is_scratch]
    assert scratch == [4 * pixels * min(case.options["tile_channels"], case.inputs[9].shape[3])]


def test_every_operand_is_needed_where_the_options_say_so():
    whole = CASES[0]
    for position, operand in enumerate(OP.INPUTS):
        if operand.name in ("lr", "step", "x_sel", "depthwise_bias_scales", "conv_bias_scales", "depthwise_bias"):
            inputs = [None if i == position else a for i, a in enumerate(whole.inputs)]
            specs = [None if a is None else TensorSpec(a.shape, a.dtype.name) for a in inputs]
            with pytest.raises(ValueError, match="TfdgsuConvBlockGrad"):
                OP.check(specs, [TensorSpec(a.shape) for a in whole.outputs], whole.options)
            with pytest.raises(InterpreterError, match="failed to prepare"):
                one_op_model.run(NAME, inputs, whole.options, whole.outputs)


@pytest.mark.parametrize("is_negative", [True, False])
def test_invoke_refuses_channels_out_of_range(is_negative):
    case = next(case for case in CASES if case.inputs[15] is not None)
    inputs = list(case.inputs)
    inputs[15] = np.full_like(inputs[15], -1 if is_negative else inputs[12].shape[3])
    with pytest.raises(InterpreterError, match="failed to invoke"):
        one_op_model.run(NAME, inputs, case.options, case.outputs)


def test_cases_cover_each_operand_there_and_absent():
    for i, operand in enumerate(OP.INPUTS):
        present = {case.inputs[i] is not None for case in CASES}
        assert present == ({True, False} if operand.optional else {True}), operand.name
