# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from tfdgsu.export.ir import Graph, Op, Tensor
from tfdgsu.export.quantize.apply_scales import apply_scales

from tfdgsu.int8_scales import Int8Scales, LayerScales, bias_values

_SHAPE = (1, 4, 4, 2)
_SCALES = np.array([0.5, 0.25], np.float32)


def _graph(kernel_name="conv/kernel", result_name="conv", bias=(1.0, -2.0)):
    """PAD, then CONV_2D."""
    x, padded = Tensor("x", _SHAPE), Tensor("padded", (1, 5, 5, 2))
    padding = Tensor("padding", (4, 2), "int32", np.array([[0, 0], [0, 1], [0, 1], [0, 0]], np.int32))
    kernel = np.array([[3.0, -1.5], [0.3, 10.0]], np.float32).reshape(2, 1, 1, 2)
    inputs = [padded, Tensor(kernel_name, kernel.shape, "float32", kernel)]
    inputs.append(Tensor("conv/bias", (2,), "float32", np.array(bias, np.float32)))
    result = Tensor(result_name, (1, 5, 5, 2))
    return Graph([Op("PAD", [x, padding], [padded]), Op("CONV_2D", inputs, [result])], [x], [result])


def _apply(graph, layers):
    apply_scales(graph, graph.ops, Int8Scales(0.125, 3, layers))
    return graph.ops[-1]


@pytest.mark.parametrize(
    "kernel_name, result_name",
    [
        ("conv/kernel", "relu"),  # an update layer's weights are named after it
        ("conv/convolution", "conv"),
        ("other/convolution", "conv"),  # the converter's names of weights may be of a neighbour
        ("conv/convolution", "relu"),
        ("arith.constant", "conv_1"),
    ],
)
def test_integers_by_hand(kernel_name, result_name):
    op = _apply(_graph(kernel_name, result_name), {"conv": LayerScales(0.1, -7, _SCALES)})
    x, kernel, bias = op.inputs
    assert (x.dtype, x.quantization.scale[0], x.quantization.zero_point[0]) == ("int8", 0.125, 3)
    assert kernel.data.ravel().tolist() == [6, -3, 1, 40] and kernel.dtype == "int8"
    assert bias.data.tolist() == [16, -64] and bias.dtype == "int32"
    assert bias.quantization.scale.tolist() == [0.0625, 0.03125]
    y = op.outputs[0]
    assert (y.dtype, y.quantization.scale[0], y.quantization.zero_point[0]) == ("int8", np.float32(0.1), -7)


def test_bias_of_many_bits_is_the_checkpoints_own_where_it_is_unchanged():
    own = np.array([160_704_353, 5], np.int32)
    real = bias_values(own, 0.125, _SCALES)
    changed = (real[0], real[1] + 1.0)
    op = _apply(_graph(bias=changed), {"conv": LayerScales(0.1, 0, _SCALES, own)})
    assert op.inputs[2].data.tolist() == [160_704_353, 5 + 32]
    rounded = _apply(_graph(bias=changed), {"conv": LayerScales(0.1, 0, _SCALES)})
    assert rounded.inputs[2].data[0] != 160_704_353


@pytest.mark.parametrize(
    "layers, received",
    [
        ({}, "none for CONV_2D 'conv'"),
        ({"conv": LayerScales(0.1, 0)}, "none for CONV_2D 'conv'"),
        ({"conv": LayerScales(0.1, 0, np.ones(3, np.float32))}, r"scales \[3\] for 'conv/kernel'"),
        ({"conv": LayerScales(0.1, 0, _SCALES / 100)}, "of 4 weights of 'conv/kernel' beyond that, up to 4000 units"),
        ({"conv": LayerScales(0.1, 0, np.array([1.0, np.nan], np.float32))}, "'conv/bias' with up to nan"),
    ],
)
def test_scales_that_do_not_fit_are_refused(layers, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        _apply(_graph(), layers)


def test_bias_beyond_31_bits_is_refused():
    with pytest.raises(ValueError, match="'conv/bias' with up to 1.6e"):
        _apply(_graph(bias=(1e9, 0.0)), {"conv": LayerScales(0.1, 0, _SCALES)})


def test_constant_that_no_layer_owns_is_refused():
    graph = _graph()
    offset, result = Tensor("offset", (1,), "float32", np.ones(1, np.float32)), Tensor("shifted", (1, 5, 5, 2))
    graph.ops.append(Op("ADD", [graph.outputs[0], offset], [result]))
    with pytest.raises(ValueError, match="Received: ADD 'shifted' with the constant 'offset'"):
        _apply(graph, {"conv": LayerScales(0.1, 0, _SCALES), "shifted": LayerScales(0.1, 0)})
