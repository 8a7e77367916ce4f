# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The builtin ops that a convolution block stands for, as a `.tflite` of its own."""

import numpy as np
from conv_block_cases import STAGES, Maker
from flat_graphs import FlatGraph
from tensorflow.lite.python.schema_py_generated import ActivationFunctionType, Padding
from tfdgsu.export.ops.custom.conv_block_stages import merge_overlay


def make_chain(block, keeps_all=True, pads_by_op=True):
    """Builds the chain of a `conv_block_cases.Block`.

    Args:
        block: What to build.
        keeps_all: Whether the result of each stage is an output of the model, or only the chain's.
        pads_by_op: Whether the padding is a PAD, also where a convolution could pad by itself.

    Returns:
        (model, the image).
    """
    maker = Maker(block)
    inputs, _, _ = maker.make()
    x = inputs[1]
    graph = FlatGraph()
    first = value = graph.tensor(x.shape, "int8", scales=[block.x_scale], zero_point=block.x_zero_point)
    results = []
    for i, name in enumerate(STAGES):
        stage = getattr(block, name)
        if stage is not None:
            w, bias = inputs[2 + 4 * i : 4 + 4 * i]
            if name == "conv" and inputs[14] is not None:
                w = merge_overlay(w, inputs[14], inputs[15])
            value = _add_stage(graph, name, stage, value, w, bias, maker.w_scales[name], pads_by_op)
            results.append(value)
    if block.has_add:
        result = graph.tensor(x.shape, "int8", scales=[block.add_scale], zero_point=block.add_zero_point)
        graph.op("ADD", [first, value], [result], ("AddOptions", {}))
        results.append(result)
    return graph.build([first], results if keeps_all else results[-1:]), x


def _add_stage(graph, name, stage, x, w, bias, w_scales, pads_by_op):
    x_scale, x_zero_point = graph.quantization(x)
    batches, *hw, channels = graph.shape(x)
    pads, out = stage.geometry(hw)
    ends = [(o - 1) * s + f - i - p for o, s, f, i, p in zip(out, stage.stride, stage.filter, hw, pads)]
    borders = [[0, 0], *([p, max(0, end)] for p, end in zip(pads, ends)), [0, 0]]
    padding = Padding.VALID
    if stage.padding == "SAME" and not pads_by_op:
        padding = Padding.SAME
    elif np.any(borders):
        padded = [batches, hw[0] + sum(borders[1]), hw[1] + sum(borders[2]), channels]
        y = graph.tensor(padded, "int8", scales=[x_scale], zero_point=x_zero_point)
        graph.op("PAD", [x, graph.tensor([4, 2], "int32", borders)], [y])
        x = y
    is_depthwise = name == "depthwise"
    filters = graph.tensor(w.shape, "int8", w, scales=w_scales, axis=3 if is_depthwise else 0)
    biases = -1
    if bias is not None:
        biases = graph.tensor(bias.shape, "int32", bias, scales=np.float32(x_scale) * w_scales)
    y = graph.tensor([batches, *out, len(w_scales)], "int8", scales=[stage.scale], zero_point=stage.zero_point)
    fields = {"padding": padding, "strideH": stage.stride[0], "strideW": stage.stride[1]}
    fields["fusedActivationFunction"] = getattr(ActivationFunctionType, stage.activation)
    if is_depthwise:
        fields["depthMultiplier"] = 1
    kind, option_type = (
        ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if is_depthwise else ("CONV_2D", "Conv2DOptions")
    )
    graph.op(kind, [x, filters, biases], [y], (option_type, fields))
    return y
