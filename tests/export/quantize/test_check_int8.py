# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What is refused is what TFLM can't run: it is asked itself, in a process of its own."""

import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema_fb
from tfdgsu.export.ir import Graph, Op, Quantization, Tensor
from tfdgsu.export.quantize import check_int8
from tfdgsu.export.quantize.check_int8 import check_kinds
from tfdgsu.export.quantize.int8_kinds import CHANNEL_AXIS, KEEPS_SCALE, VERSIONS
from tfdgsu.export.schema import write_graph
from tflm_arena import probe_arenas


def _value(name, scale, zero_point=0, shape=(1, 4, 4, 2)):
    return Tensor(name, shape, "int8", quantization=Quantization.of(scale, zero_point))


def _graph(kind, inputs, output, options=None, constants=()):
    op = Op(kind, [*inputs, *constants], [output], options, VERSIONS[kind])
    return Graph([op], list(inputs), [output])


def _sum(a, b, y, kind="ADD"):
    options = getattr(schema_fb, f"{kind.title()}OptionsT")()
    return _graph(kind, [_value("a", a), _value("b", b)], _value("sum", y), options)


def _conv(x=0.1, w=0.01, y=0.1, bias=0, n_in=2, activation=0):
    options = schema_fb.Conv2DOptionsT()
    options.strideH = options.strideW = 1
    options.dilationHFactor = options.dilationWFactor = 1
    options.fusedActivationFunction = activation
    filters = np.full((3, 1, 1, n_in), 100, np.int8)
    weights = Tensor("w", filters.shape, "int8", filters, quantization=Quantization.of([w, w / 2, w], 0, 0))
    biases = Tensor("b", (3,), "int32", np.full(3, bias, np.int32), quantization=Quantization.of([1.0] * 3))
    x, y = _value("x", x, -128, (1, 4, 4, n_in)), _value("conv", y, 0, (1, 4, 4, 3))
    return _graph("CONV_2D", [x], y, options, [weights, biases])


def _unary(kind, x, y, zero_points=(0, 0), **fields):
    options = {
        "HARD_SWISH": schema_fb.HardSwishOptionsT,
        "LOGISTIC": None,
        "TANH": None,
        "LEAKY_RELU": schema_fb.LeakyReluOptionsT,
        "SOFTMAX": schema_fb.SoftmaxOptionsT,
        "QUANTIZE": schema_fb.QuantizeOptionsT,
        "RELU6": None,
    }[kind]
    options = options() if options else None
    for name, value in fields.items():
        setattr(options, name, value)
    return _graph(kind, [_value("x", x, zero_points[0])], _value("y", y, zero_points[1]), options)


def _wide_softmax(n_classes):
    graph = _unary("SOFTMAX", 0.05, 1 / 256, (0, -128), beta=1.0)
    for tensor in graph.tensors():
        tensor.shape = (1, n_classes)
    return graph


def _pool(x, y):
    options = schema_fb.Pool2DOptionsT()
    options.strideH = options.strideW = options.filterHeight = options.filterWidth = 2
    return _graph("AVERAGE_POOL_2D", [_value("x", x)], _value("pool", y, 0, (1, 2, 2, 2)), options)


def _concatenation(a, b, y):
    options = schema_fb.ConcatenationOptionsT()
    options.axis = 3
    return _graph("CONCATENATION", [_value("a", a), _value("b", b)], _value("concat", y, 0, (1, 4, 4, 4)), options)


def _mean(x, y):
    options = schema_fb.ReducerOptionsT()
    axis = Tensor("axis", (2,), "int32", np.array([1, 2], np.int32))
    return _graph("MEAN", [_value("x", x)], _value("mean", y, 0, (1, 2)), options, [axis])


ACCEPTED = {
    "add": lambda: _sum(0.5, 0.001, 0.5),
    "sub": lambda: _sum(0.1, 0.2, 0.1, "SUB"),
    "mul": lambda: _sum(0.1, 0.2, 0.01, "MUL"),
    "conv": _conv,
    "conv with a multiplier above 1": lambda: _conv(0.5, 0.5, 0.1, activation=3),
    "conv with a filter that counts for nothing": lambda: _conv(0.1, 1e-20, 0.1),
    "logistic": lambda: _unary("LOGISTIC", 0.05, 1 / 256, (3, -128)),
    "tanh": lambda: _unary("TANH", 0.05, 1 / 128),
    "softmax": lambda: _unary("SOFTMAX", 0.05, 1 / 256, (0, -128), beta=1.0),
    "softmax of many classes": lambda: _wide_softmax(511),
    "hard swish": lambda: _unary("HARD_SWISH", 0.05, 0.03),
    "leaky relu": lambda: _unary("LEAKY_RELU", 0.05, 0.03, alpha=0.1),
    "rescaling": lambda: _unary("QUANTIZE", 0.05, 0.03),
    "average pool": lambda: _pool(0.1, 0.1),
    "concatenation": lambda: _concatenation(0.1, 0.1, 0.1),
    "mean": lambda: _mean(0.1, 0.05),
}
# By what is wrong: the graph, what the message says.
ABORTS = {
    "sum too fine": (lambda: _sum(1.0, 1.0, 1e-6), "ADD lie within a factor"),
    "difference too fine": (lambda: _sum(1.0, 1.0, 1e-6, "SUB"), "SUB lie within a factor"),
    "operand without a scale": (lambda: _sum(1.0, 0.0, 1.0), "Received: 0.0 for 'b'"),
    "logistic with another zero point": (lambda: _unary("LOGISTIC", 0.05, 1 / 256), "LOGISTIC has output scale"),
    "softmax with another scale": (lambda: _unary("SOFTMAX", 0.05, 1 / 128, (0, -128), beta=1.0), "SOFTMAX has output"),
    "hard swish to a finer scale": (lambda: _unary("HARD_SWISH", 1.0, 1e-3), "128 times its output"),
    "average pool that rescales": (lambda: _pool(0.1, 0.2), "AVERAGE_POOL_2D keeps the scale"),
    "concatenation that rescales": (lambda: _concatenation(0.1, 0.2, 0.1), "CONCATENATION keeps the scale"),
    "bounds beyond 32 bits": (lambda: _conv(1e-9, 1e-3, 1e-9, activation=3), "fused activation"),
}
# TFLM runs these and gets a wrong result, or none that is defined.
WRONG = {
    "negative scale": (lambda: _sum(1.0, -1.0, 1.0), "Received: -1.0 for 'b'"),
    "subnormal scale": (lambda: _conv(w=1e-44), "for 'w'"),
    "infinite scale": (lambda: _conv(x=np.inf), "Received: inf for 'x'"),
    "scale that is no number": (lambda: _conv(y=np.nan), "Received: nan for 'conv'"),
    "sums beyond 32 bits": (lambda: _conv(bias=2**30, n_in=40_000), "CONV_2D, rescaled"),
    "left shift beyond 32 bits": (lambda: _conv(10.0, 1.0, 1e-6), "CONV_2D, rescaled"),
    "product that overflows": (lambda: _sum(10.0, 10.0, 1e-6, "MUL"), "MUL, rescaled"),
    "mean that overflows": (lambda: _mean(10.0, 1e-8), "MEAN, rescaled"),
    "leaky relu that overflows": (lambda: _unary("LEAKY_RELU", 10.0, 1e-7, alpha=0.1), "LEAKY_RELU, rescaled"),
    "rescaling that overflows": (lambda: _unary("QUANTIZE", 10.0, 1e-7), "QUANTIZE, rescaled"),
    "tanh with a coarse input": (lambda: _unary("TANH", 20.0, 1 / 128), "between 2"),
    "tanh to another scale": (lambda: _unary("TANH", 0.1, 1 / 256), "TANH has output scale"),
    "softmax of many classes": (lambda: _wide_softmax(512), "at most 511 classes"),
    "relu6 that rescales": (lambda: _unary("RELU6", 0.1, 0.05), "RELU6 keeps the scale.*the two become one op"),
    "zero point beyond int8": (lambda: _unary("TANH", 0.1, 1 / 128, (200, 0)), r"\[200\] for 'x'"),
}


def test_graphs_that_pass_run_in_tflm():
    graphs = [check_int8(build()) for build in ACCEPTED.values()]
    ran = probe_arenas([(write_graph(graph), 1 << 20) for graph in graphs])
    assert [name for name, (usage, _) in zip(ACCEPTED, ran, strict=True) if usage is None] == []


@pytest.mark.parametrize("name", [*ABORTS, *WRONG])
def test_graph_is_refused(name):
    build, received = {**ABORTS, **WRONG}[name]
    with pytest.raises(ValueError, match=received):
        check_int8(build())


def test_tflm_does_not_prepare_what_is_refused():
    ran = probe_arenas([(write_graph(build()), 1 << 20) for build, _ in ABORTS.values()])
    assert [name for name, (usage, _) in zip(ABORTS, ran, strict=True) if usage is not None] == []


def test_tensor_without_scale_is_refused():
    graph = _sum(0.1, 0.1, 0.1)
    graph.inputs[0].quantization = None
    with pytest.raises(ValueError, match="Received: 'a' without one"):
        check_int8(graph)


def test_float_operand_of_an_int8_op_is_refused():
    graph = _sum(0.1, 0.1, 0.1)
    graph.inputs[0].quantization, graph.inputs[0].dtype = None, "float32"
    with pytest.raises(ValueError, match="'a' of float32"):
        check_int8(graph)


def test_filter_with_zero_points_is_refused():
    graph = _conv()
    weights = graph.ops[0].inputs[1]
    weights.quantization = Quantization.of(weights.quantization.scale, [0, 1, 0])
    with pytest.raises(ValueError, match=r"Filters have zero point 0. Received: \[0, 1, 0\] for 'w'"):
        check_int8(graph)


def test_unknown_kind_is_refused_by_its_name():
    with pytest.raises(ValueError, match="Received: ELU, from 'y'"):
        check_kinds([Op("ELU", [_value("x", 1.0)], [_value("y", 1.0)])])


def test_lists_know_the_same_ops():
    assert KEEPS_SCALE | set(CHANNEL_AXIS) <= set(VERSIONS)
