# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Small graphs of every builtin op whose arena cost the exporter knows, float32 and int8."""

import numpy as np
from flat_graphs import FlatGraph

_IMAGE = (1, 4, 6, 8)
_SAME = 0  # schema_fb.Padding.SAME
_INT8_OUTPUT = {"SOFTMAX": (1 / 256, -128), "LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
_UNARY = ("HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "RELU", "RELU6", "RSQRT", "SOFTMAX", "TANH", "ABS")
_UNARY_FLOAT = ("COS", "EXP", "LOG", "NEG", "SIN", "SQRT", "SQUARE")
_BINARY = ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE")
_REDUCTIONS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")


def make_repeated_op_graph(name: str, dtype: str, n_copies: int = 8) -> bytes:
    """Returns a `.tflite` with independent ops called `name` on tensors of `dtype`.

    Several, because what follows in the tail is aligned: of a single op's bytes the last few would not show.
    """
    graph = FlatGraph()
    inputs, outputs = [], []
    for _ in range(n_copies):
        new_inputs, new_outputs = _MAKERS[name](graph, name, dtype)
        inputs += [i for i in new_inputs if i >= 0 and not graph.is_constant(i)]
        outputs += new_outputs
    return graph.build(inputs, outputs)


def _emit(graph, name, inputs, outputs, options=None):
    graph.op(name, inputs, outputs, options)
    return inputs, outputs


def _unary(graph, name, dtype):
    scale, zero_point = _INT8_OUTPUT.get(name, (0.5, 0))
    scales = [scale] if dtype == "int8" else None
    x = graph.tensor(_IMAGE, dtype)
    y = graph.tensor(_IMAGE, dtype, scales=scales, zero_point=zero_point)
    return _emit(graph, name, [x], [y], ("SoftmaxOptions", {"beta": 1.0}) if name == "SOFTMAX" else None)


def _binary(graph, name, dtype):
    x, y, z = (graph.tensor(_IMAGE, dtype) for _ in range(3))
    return _emit(graph, name, [x, y], [z])


def _convert(source, target):
    def make(graph, name, dtype):
        x, y = graph.tensor(_IMAGE, source), graph.tensor(_IMAGE, target)
        return _emit(graph, name, [x], [y])

    return make


def _conv(graph, name, dtype):
    n_channels, shape, axis = (5, (5, 3, 3, 8), 0) if name == "CONV_2D" else (8, (1, 3, 3, 8), 3)
    w_scales, b_scales = ([0.1] * n_channels, [0.05] * n_channels) if dtype == "int8" else (None, None)
    x = graph.tensor(_IMAGE, dtype)
    w = graph.tensor(shape, dtype, np.ones(shape), scales=w_scales, axis=axis)
    b_dtype = "int32" if dtype == "int8" else dtype
    b = graph.tensor([n_channels], b_dtype, np.ones(n_channels), scales=b_scales)
    y = graph.tensor((1, 4, 6, n_channels), dtype)
    fields = {"padding": _SAME, "strideH": 1, "strideW": 1}
    if name == "CONV_2D":
        return _emit(graph, name, [x, w, b], [y], ("Conv2DOptions", fields))
    return _emit(graph, name, [x, w, b], [y], ("DepthwiseConv2DOptions", {**fields, "depthMultiplier": 1}))


def _fully_connected(graph, name, dtype):
    x = graph.tensor((1, 24), dtype)
    w = graph.tensor((7, 24), dtype, np.ones((7, 24)), scales=[0.1] * 7 if dtype == "int8" else None)
    y = graph.tensor((1, 7), dtype)
    return _emit(graph, name, [x, w, -1], [y], ("FullyConnectedOptions", {}))


def _transpose_conv(graph, name, dtype):
    shape = graph.tensor([4], "int32", [1, 8, 12, 5])
    scales = [0.1] * 5 if dtype == "int8" else None
    w = graph.tensor((5, 3, 3, 8), dtype, np.ones((5, 3, 3, 8)), scales=scales)
    x, y = graph.tensor(_IMAGE, dtype), graph.tensor((1, 8, 12, 5), dtype)
    options = ("TransposeConvOptions", {"padding": _SAME, "strideH": 2, "strideW": 2})
    return _emit(graph, name, [shape, w, x], [y], options)


def _pool(graph, name, dtype):
    x, y = graph.tensor(_IMAGE, dtype), graph.tensor((1, 2, 3, 8), dtype)
    fields = {"padding": _SAME, "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
    return _emit(graph, name, [x], [y], ("Pool2DOptions", fields))


def _reduce(graph, name, dtype):
    x, axes, y = graph.tensor(_IMAGE, dtype), graph.tensor([2], "int32", [1, 2]), graph.tensor((1, 8), dtype)
    return _emit(graph, name, [x, axes], [y], ("ReducerOptions", {"keepDims": False}))


def _pad(graph, name, dtype):
    paddings = graph.tensor([4, 2], "int32", [[0, 0], [1, 1], [1, 1], [0, 0]])
    inputs = [graph.tensor(_IMAGE, dtype), paddings]
    if name == "PADV2":
        inputs.append(graph.tensor([], dtype, 0))
    return _emit(graph, name, inputs, [graph.tensor((1, 6, 8, 8), dtype)])


def _with_constants(out_shape, *constants, options=None):
    def make(graph, name, dtype):
        inputs = [graph.tensor(_IMAGE, dtype)]
        inputs += [graph.tensor(np.shape(c), "int32", c) for c in constants]
        return _emit(graph, name, inputs, [graph.tensor(out_shape, dtype)], options)

    return make


def _concatenation(graph, name, dtype):
    inputs = [graph.tensor(_IMAGE, dtype) for _ in range(3)]
    y = graph.tensor((1, 4, 6, 24), dtype)
    return _emit(graph, name, inputs, [y], ("ConcatenationOptions", {"axis": 3}))


def _pack(graph, name, dtype):
    inputs = [graph.tensor((4, 6), dtype) for _ in range(2)]
    return _emit(graph, name, inputs, [graph.tensor((2, 4, 6), dtype)], ("PackOptions", {"valuesCount": 2, "axis": 0}))


def _unpack(graph, name, dtype):
    outputs = [graph.tensor((4, 6), dtype) for _ in range(2)]
    return _emit(graph, name, [graph.tensor((2, 4, 6), dtype)], outputs, ("UnpackOptions", {"num": 2, "axis": 0}))


def _split(graph, name, dtype):
    axis, x = graph.tensor([], "int32", 3), graph.tensor(_IMAGE, dtype)
    outputs = [graph.tensor((1, 4, 6, 4), dtype) for _ in range(2)]
    if name == "SPLIT":
        return _emit(graph, name, [axis, x], outputs, ("SplitOptions", {"numSplits": 2}))
    sizes = graph.tensor([2], "int32", [4, 4])
    return _emit(graph, name, [x, sizes, axis], outputs, ("SplitVOptions", {"numSplits": 2}))


def _batch_matmul(graph, name, dtype):
    x, y, z = graph.tensor((2, 3, 5), dtype), graph.tensor((2, 5, 4), dtype), graph.tensor((2, 3, 4), dtype)
    return _emit(graph, name, [x, y], [z], ("BatchMatMulOptions", {"adjX": False, "adjY": False}))


def _shape(graph, name, dtype):
    return _emit(graph, name, [graph.tensor(_IMAGE, dtype)], [graph.tensor([4], "int32")], ("ShapeOptions", {}))


def _arg(graph, name, dtype):
    inputs = [graph.tensor(_IMAGE, dtype), graph.tensor([1], "int32", [3])]
    return _emit(graph, name, inputs, [graph.tensor((1, 4, 6), "int32")])


_MAKERS = {
    **dict.fromkeys((*_UNARY, *_UNARY_FLOAT), _unary),
    **dict.fromkeys((*_BINARY, "DIV"), _binary),
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), _conv),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _pool),
    **dict.fromkeys(_REDUCTIONS, _reduce),
    **dict.fromkeys(("PAD", "PADV2"), _pad),
    **dict.fromkeys(("SPLIT", "SPLIT_V"), _split),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), _arg),
    "BATCH_MATMUL": _batch_matmul,
    "CAST": _convert("int32", "float32"),
    "CONCATENATION": _concatenation,
    "DEQUANTIZE": _convert("int8", "float32"),
    "EXPAND_DIMS": _with_constants((1, 1, 4, 6, 8), [1]),
    "FULLY_CONNECTED": _fully_connected,
    "GATHER": _with_constants((1, 4, 6, 3), [0, 2, 5], options=("GatherOptions", {"axis": 3})),
    "PACK": _pack,
    "QUANTIZE": _convert("float32", "int8"),
    "RESHAPE": _with_constants((4, 48), [4, 48]),
    "RESIZE_BILINEAR": _with_constants((1, 8, 12, 8), [8, 12]),
    "RESIZE_NEAREST_NEIGHBOR": _with_constants((1, 8, 12, 8), [8, 12]),
    "SHAPE": _shape,
    "SLICE": _with_constants((1, 2, 2, 8), [0, 1, 1, 0], [1, 2, 2, 8]),
    "SQUEEZE": _with_constants((4, 6, 8), options=("SqueezeOptions", {"squeezeDims": [0]})),
    "STRIDED_SLICE": _with_constants((1, 2, 6, 8), [0, 0, 0, 0], [1, 4, 6, 8], [1, 2, 1, 1]),
    "TRANSPOSE": _with_constants((1, 8, 4, 6), [0, 3, 1, 2]),
    "TRANSPOSE_CONV": _transpose_conv,
    "UNPACK": _unpack,
}

_ONE_DTYPE = {name: "float32" for name in (*_UNARY_FLOAT, "DIV", "CAST", "QUANTIZE", "DEQUANTIZE")}
CASES = [
    (name, dtype) for name in sorted(_MAKERS) for dtype in ("float32", "int8") if _ONE_DTYPE.get(name, dtype) == dtype
]
