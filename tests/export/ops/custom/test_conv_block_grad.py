# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The fused backward pass of a chain of convolutions has the bits of the separate ops, all in TFLM."""

import numpy as np
import one_op_model
import pytest
from conv_block_grad_cases import NAME, all_conv_block_grad_cases
from tfdgsu.export.arena.predict import predict_arena
from tfdgsu.export.ops.custom import REGISTRY, TensorSpec
from tfdgsu.export.ops.custom.conv_block_grad import POINTWISE
from tfdgsu.micro_runtime import InterpreterError
from tfdgsu.micro_runtime.interpreter import Interpreter

OP = REGISTRY[NAME]
CASES = all_conv_block_grad_cases()
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


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
    values, options = OP.by_name(case.inputs), case.options
    image, m = (values["dy"].shape[0], options["in_h"], options["in_w"]), values["project_w"].shape[3]

    def run(name, operands, alpha=None, geometry=POINTWISE, outputs=()):
        inputs, results = one_op_model.run(
            f"Tfdgsu{name}", [None if o is None else values[o] for o in operands], _pick(name, alpha, geometry), outputs
        )
        values.update({o: array for o, array in zip(operands, inputs) if o is not None})
        return results

    def _pick(name, alpha, geometry):
        layer = "depthwise" if geometry is options else "conv"
        own = {key: options[f"{layer}_{key}"] for key in ("layer_id", "x_scale", "x_zero_point")}
        merged = options | geometry | own | {"mask_alpha": alpha, "depth_multiplier": 1}
        if name.startswith("Bias"):
            merged["momentum"] = options["bias_momentum"]
        return {field.name: merged[field.name] for field in REGISTRY[f"Tfdgsu{name}"].OPTIONS}

    def update(layer, dz, filter_kind, geometry):
        if values[f"{layer}_bias"] is not None:
            own = [f"{layer}_{name}" for name in ("bias", "bias_scales", "bias_velocity")]
            run("BiasGradInt32", ["train", "lr", dz, *own, "step"], geometry=geometry)
        if values[f"{layer}_x_sel"] is not None:
            names = ("channels", "w", "scales", "velocity", "remainder")
            own = [f"{layer}_{name}" for name in names]
            if layer == "conv" and values["overlay"] is not None:
                own[1] = "overlay"
            rate = "lr" if values[f"{layer}_rate"] is None else f"{layer}_rate"
            run(filter_kind, ["train", rate, f"{layer}_x_sel", dz, *own, "step"], geometry=geometry)

    wide = [np.zeros((*values["dy"].shape[:3], m), np.float32)]
    operands = ["train", "dy", "project_w", "project_scales", None, "depthwise_bits"]
    operands += ["project_overlay", "project_overlay_channels"]
    (values["dz"],) = run("Conv2DGradInputInt8", operands, options["depthwise_mask_alpha"], outputs=wide)
    outputs = []
    if values["depthwise_w"] is not None:
        operands = ["train", "dz", "depthwise_w", "depthwise_scales", None, "conv_bits"]
        alpha, wide = options["conv_mask_alpha"], [np.zeros((*image, m), np.float32)]
        (values["dz_of_conv"],) = run("DepthwiseConv2DGradInputInt8", operands, alpha, options, wide)
    if options["has_dx"]:
        operands = ["train", "dz_of_conv", "conv_w", "conv_scales", "addend", "bits", "overlay", "overlay_channels"]
        outputs = run("Conv2DGradInputInt8", operands, options["mask_alpha"], outputs=case.outputs)
    update("depthwise", "dz", "DepthwiseConv2DGradFilterInt8", options)
    update("conv", "dz_of_conv", "Conv2DGradFilterInt8", POINTWISE)
    return [values[operand.name] for operand in OP.INPUTS], outputs


@each_case
def test_arena_is_predicted_with_the_scratch(case):
    specs = [None if a is None else (a.shape, a.dtype) for a in case.inputs]
    results = [(a.shape, a.dtype) for a in case.outputs]
    model = one_op_model.build(case.name, specs, results, case.options)
    prediction = predict_arena(model)
    assert prediction.total_bytes == Interpreter(model, 1 << 20).arena_usage().total_bytes
    assert [buffer.n_bytes for buffer in prediction.buffers if buffer.is_scratch] == [_scratch_bytes(case)]


def _scratch_bytes(case):
    values, options = OP.by_name(case.inputs), case.options
    n_channels = min(options["tile_channels"], values["project_w"].shape[3])
    n_bytes = values["dy"][..., 0].nbytes
    if options["has_dx"] or values["conv_x_sel"] is not None or values["conv_bias"] is not None:
        n_bytes += 4 * values["dy"].shape[0] * options["in_h"] * options["in_w"]
    if values["depthwise_x_sel"] is not None:
        n_bytes += values["depthwise_w"][..., 0].nbytes
    return -(-n_channels * n_bytes // 16) * 16  # as TFLM aligns it


def test_every_operand_is_needed_where_the_options_say_so():
    whole = next(case for case in CASES if not any(array is None for array in case.inputs))
    for position, operand in enumerate(OP.INPUTS):
        # Without a rate of its own, a filter has that of all.
        if operand.optional and not operand.name.endswith(("bits", "addend", "rate")):
            inputs = [None if i == position else a for i, a in enumerate(whole.inputs)]
            specs = [None if a is None else TensorSpec(a.shape, a.dtype.name) for a in inputs]
            with pytest.raises(ValueError, match="^Tfdgsu"):
                OP.check(specs, [TensorSpec(a.shape) for a in whole.outputs], whole.options)
            with pytest.raises(InterpreterError, match="failed to prepare"):
                one_op_model.run(NAME, inputs, whole.options, whole.outputs)


@pytest.mark.parametrize("operand_name", ["overlay_channels", "project_overlay_channels"])
@pytest.mark.parametrize("wrong", [-1, 1000, 0])
def test_invoke_refuses_overlay_channels_that_do_not_ascend_in_range(operand_name, wrong):
    case = next(case for case in CASES if "overlay3" in case.id)
    inputs = list(case.inputs)
    position = [operand.name for operand in OP.INPUTS].index(operand_name)
    first, _, last = inputs[position]
    inputs[position] = np.array([max(first, wrong == 0), wrong, last], np.int32)
    with pytest.raises(InterpreterError, match="failed to invoke"):
        one_op_model.run(NAME, inputs, case.options, case.outputs)


@pytest.mark.parametrize("is_negative", [True, False])
@pytest.mark.parametrize("layer", ["depthwise", "conv"])
def test_invoke_refuses_channels_out_of_range(layer, is_negative):
    position = [operand.name for operand in OP.INPUTS].index(f"{layer}_channels")
    case = next(case for case in CASES if case.inputs[position] is not None)
    inputs = list(case.inputs)
    inputs[position] = np.full_like(inputs[position], -1 if is_negative else 1000)
    with pytest.raises(InterpreterError, match="failed to invoke"):
        one_op_model.run(NAME, inputs, case.options, case.outputs)


@pytest.mark.parametrize(
    "wrong",
    [
        {"in_h": 0},
        {"in_w": 99},
        {"tile_channels": 0},
        {"tile_channels": 257},
        {"trains_conv": 0},
        {"trains_depthwise": 2},
        {"has_overlay": 1},
    ],
)
def test_wrong_options_are_refused(wrong):
    case, options = CASES[1], CASES[1].options | wrong
    specs = [None if a is None else TensorSpec(a.shape, a.dtype.name) for a in case.inputs]
    with pytest.raises(ValueError, match="^Tfdgsu"):
        OP.check(specs, [TensorSpec(a.shape) for a in case.outputs], options)
    with pytest.raises(InterpreterError, match="failed to prepare"):
        one_op_model.run(NAME, case.inputs, options, case.outputs)


def test_cases_cover_each_operand_there_and_absent():
    for i, operand in enumerate(OP.INPUTS):
        present = {case.inputs[i] is not None for case in CASES}
        assert present == ({True, False} if operand.optional else {True}), operand.name
