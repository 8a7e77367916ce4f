# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Rules of int8 ops: sound ones pass, each kind of damage is named, and nothing that passes kills the process."""

import json
import os
import pathlib
import subprocess
import sys

import builtin_op_graphs
import flatbuffers
import numpy as np
import pytest
from damaged_int8_ops import run
from flat_graphs import FlatGraph
from int8_bundle import edit, make_int8_bundle
from tensorflow.lite.python import schema_py_generated as schema_fb
from tfdgsu.export.schema.types import OPERATOR_NUMBERS
from tfdgsu.micro_runtime import BundleError, Session
from tfdgsu.micro_runtime.int8_rules import INT8_RULES
from tfdgsu.micro_runtime.model import read_model
from tfdgsu.micro_runtime.operator_rules import OTHER_OPS, check_operators
from tfdgsu.micro_runtime.shape_rules import RULES

TESTS = pathlib.Path(__file__).resolve().parent.parent
# What the shared graphs leave out because TFLM has defaults for it, and a file always says.
_OPTIONS = {
    "LEAKY_RELU": ("LeakyReluOptions", {"alpha": 0.1}),
    "RESIZE_BILINEAR": ("ResizeBilinearOptions", {}),
    "RESIZE_NEAREST_NEIGHBOR": ("ResizeNearestNeighborOptions", {}),
    "STRIDED_SLICE": ("StridedSliceOptions", {}),
}
_INT8 = sorted({name for name, dtype in builtin_op_graphs.CASES if dtype == "int8"} | {"QUANTIZE", "DEQUANTIZE"})
_ACCEPTED = [name for name in _INT8 if OPERATOR_NUMBERS[name] in INT8_RULES]
_REFUSED = [name for name in _INT8 if OPERATOR_NUMBERS[name] not in INT8_RULES]


def one_op(name, change=None):
    """The shared graph of an op, changed; `change` gets its tensors by input and output position, and its op."""
    dtype = "float32" if name in ("QUANTIZE", "DEQUANTIZE") else "int8"
    model = schema_fb.ModelT.InitFromObj(
        schema_fb.Model.GetRootAs(builtin_op_graphs.make_repeated_op_graph(name, dtype, n_copies=1))
    )
    subgraph = model.subgraphs[0]
    operator = subgraph.operators[0]
    if name in _OPTIONS:
        kind, fields = _OPTIONS[name]
        operator.builtinOptionsType = getattr(schema_fb.BuiltinOptions, kind)
        operator.builtinOptions = getattr(schema_fb, kind + "T")()
        for field, value in fields.items():
            setattr(operator.builtinOptions, field, value)
    if change is not None:
        inputs = [subgraph.tensors[i] if i >= 0 else None for i in operator.inputs]
        change(inputs, [subgraph.tensors[i] for i in operator.outputs], operator)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def quantized(tensor, scale, zero_point=0, axis=0):
    tensor.quantization = schema_fb.QuantizationParametersT()
    tensor.quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
    tensor.quantization.zeroPoint = np.broadcast_to(np.int64(zero_point), tensor.quantization.scale.shape)
    tensor.quantization.quantizedDimension = axis


def test_list_of_int8_ops_is_one_of_ops_that_bundles_hold():
    assert INT8_RULES.keys() <= {*RULES, *OTHER_OPS}
    assert len(_ACCEPTED) > 25 and {"BATCH_MATMUL", "ABS"} <= set(_REFUSED)


@pytest.mark.parametrize("name", _ACCEPTED)
def test_sound_ops_pass_and_run(name):
    run(one_op(name))


@pytest.mark.parametrize("name", _REFUSED)
def test_other_ops_are_refused(name):
    with pytest.raises(BundleError, match="it must be an op that bundles may hold"):
        check_operators(read_model(one_op(name)))


def scale(which, position, *arguments):
    return lambda x, y, op: quantized((x if which == "x" else y)[position], *arguments)


def option(field, value):
    return lambda x, y, op: setattr(op.builtinOptions, field, value)


def unquantized(which, position):
    return lambda x, y, op: setattr((x if which == "x" else y)[position], "quantization", None)


def typed(which, position, dtype):
    return lambda x, y, op: setattr((x if which == "x" else y)[position], "type", getattr(schema_fb.TensorType, dtype))


DAMAGES = [
    ("RELU", scale("x", 0, 0.0), "finite, positive scales"),
    ("RELU", scale("x", 0, -0.5), "finite, positive scales"),
    ("RELU", scale("x", 0, np.nan), "finite, positive scales"),
    ("RELU", scale("x", 0, np.inf), "finite, positive scales"),
    ("RELU", scale("x", 0, 0.5, 128), r"zero points in \[-128, 127\]"),
    ("RELU", scale("x", 0, 0.5, 2**40), r"zero points in \[-128, 127\]"),
    ("RELU", scale("x", 0, [0.5] * 8, 0, 3), "must have one scale and zero point. Received: 8"),
    ("RELU", scale("x", 0, [0.5] * 7, 0, 3), "1 scale or one for each index of axis 3"),
    ("RELU", scale("x", 0, [0.5] * 8, 1, 3), "zero points of 0 along an axis"),
    ("RELU", scale("x", 0, 0.5, 0, 4), "along one of its axes"),
    ("RELU", scale("x", 0, 0.5, 0, -1), "along one of its axes"),
    ("RELU", unquantized("x", 0), "must have one scale and zero point. Received: 0"),
    ("RELU", unquantized("y", 0), "must have one scale and zero point. Received: 0"),
    ("RELU", typed("y", 0, "FLOAT32"), "must be int8 or int32 to be quantized"),
    ("RELU", scale("y", 0, 1e-30), r"must be below 2\^30"),
    ("RELU6", scale("y", 0, 0.25), "must have the output's scale"),
    ("CONV_2D", scale("x", 1, [0.1] * 4), "1 scale or one for each index of axis 0"),
    ("CONV_2D", scale("x", 1, [0.1] * 8, 0, 3), "filter must have 1 or 5 scales"),
    ("CONV_2D", scale("x", 1, [0.1], 3), "filter must have zero points of 0"),
    ("CONV_2D", unquantized("x", 1), "filter 't.' must be quantized"),
    ("CONV_2D", scale("x", 1, [0.1, 0.1, 0.1, 0.1, 3e38]), r"must be below 2\^30"),
    ("CONV_2D", scale("y", 0, 1e-38), r"must be below 2\^30"),
    ("CONV_2D", scale("x", 2, [0.05] * 4 + [0.06]), "bias must have the scales of input times filter"),
    ("CONV_2D", scale("x", 2, [0.05] * 5, 1), r"zero points in \[0, 0\]"),
    ("CONV_2D", typed("x", 2, "FLOAT32"), "must be int8 or int32 to be quantized"),
    ("DEPTHWISE_CONV_2D", scale("x", 1, [0.1] * 8, 0, 0), "one for each index of axis 0"),
    ("DEPTHWISE_CONV_2D", scale("x", 1, [0.1] * 3, 0, 1), "filter must have 1 or 8 scales"),
    ("FULLY_CONNECTED", scale("x", 1, [0.1] * 24, 0, 1), "filter must have 1 or 7 scales"),
    ("ADD", scale("y", 0, 1e-7), r"must be below 2\^0"),
    ("SUB", scale("y", 0, 1e-7), r"must be below 2\^0"),
    (
        "SUB",
        lambda x, y, op: (quantized(x[0], 1e-45), quantized(x[1], 8), quantized(y[0], 8)),
        "scale of an input by the larger one must be finite and positive",  # 0 in float32
    ),
    ("ADD", typed("x", 1, "INT32"), "inputs must all be of one of"),
    ("MUL", scale("y", 0, 1e-30), r"must be below 2\^30"),
    ("MEAN", scale("y", 0, 1e-30), r"must be below 2\^30"),
    ("SUM", scale("y", 0, 1e-30), r"must be below 2\^30"),
    ("AVERAGE_POOL_2D", scale("y", 0, 0.51), "one scale and zero point"),
    ("MAX_POOL_2D", scale("y", 0, 0.5, 1), "one scale and zero point"),
    ("AVERAGE_POOL_2D", scale("y", 0, 0.5, 1), "one scale and zero point"),
    ("CONCATENATION", scale("x", 1, 0.25), "must have the output's scale"),
    ("RESHAPE", scale("x", 0, 0.25), "must have the output's scale"),
    ("PAD", scale("x", 0, 0.5, 3), "must have the output's scale"),
    ("PADV2", scale("x", 2, 0.25), "must have the output's scale"),
    ("REDUCE_MAX", scale("y", 0, 0.25), "must have the output's scale"),
    ("MAXIMUM", scale("x", 1, 0.25), "must have the output's scale"),
    ("RESIZE_BILINEAR", scale("y", 0, 0.25), "must have the output's scale"),
    ("TRANSPOSE", scale("y", 0, 0.25), "must have the output's scale"),
    ("TRANSPOSE", typed("y", 0, "UINT8"), "must be int8 or int32 to be quantized"),
    ("LOGISTIC", scale("y", 0, 1 / 128, -128), "output must have scale 0.00390625 and zero point -128"),
    ("LOGISTIC", scale("y", 0, 1 / 256, 0), "output must have scale 0.00390625 and zero point -128"),
    ("LOGISTIC", scale("x", 0, 1e-9), r"scale of input must be at least 2\^-28"),
    ("TANH", scale("y", 0, 1 / 256), "output must have scale 0.0078125 and zero point 0"),
    ("SOFTMAX", scale("y", 0, 1 / 128, -128), "output must have scale 0.00390625"),
    ("SOFTMAX", option("beta", 0.0), "must exceed 2"),
    ("SOFTMAX", option("beta", -1.0), "must exceed 2"),
    ("SOFTMAX", option("beta", float("nan")), "beta must be finite"),
    ("SOFTMAX", scale("x", 0, 1e-9), "must exceed 2"),
    ("HARD_SWISH", scale("y", 0, 1e-3), "at most 128 times that of the output"),
    ("LEAKY_RELU", option("alpha", float("inf")), "alpha must be finite"),
    ("LEAKY_RELU", option("alpha", 1e20), r"must be below 2\^30"),
    ("CONV_2D", option("fusedActivationFunction", 7), None),
    ("QUANTIZE", unquantized("y", 0), "must have one scale and zero point"),
    ("DEQUANTIZE", unquantized("x", 0), "must have one scale and zero point"),
    ("DEQUANTIZE", scale("x", 0, [0.5] * 8, 0, 3), "must have one scale and zero point"),
]


@pytest.mark.parametrize(("name", "change", "rule"), DAMAGES)
def test_damage_is_named(name, change, rule):
    model = one_op(name, change)
    if rule is None:  # TFLM takes an unknown activation for none.
        run(model)
        return
    with pytest.raises(BundleError, match=rule) as info:
        check_operators(read_model(model))
    assert "Received:" in str(info.value) and "Remedy:" in str(info.value)


@pytest.mark.parametrize(("activation", "y_scale"), [(3, 1e-9), (2, 1e-10)])
def test_fused_bounds_must_be_countable(activation, y_scale):
    def change(x, y, op):
        quantized(x[0], 1e-9)
        quantized(y[0], y_scale)
        op.builtinOptionsType = schema_fb.BuiltinOptions.MulOptions
        op.builtinOptions = schema_fb.MulOptionsT()
        op.builtinOptions.fusedActivationFunction = activation

    with pytest.raises(BundleError, match="output's scale must be large enough"):
        check_operators(read_model(one_op("MUL", change)))


def softmax(n_classes):
    graph = FlatGraph()
    x = graph.tensor((1, n_classes), "int8", scales=[0.1])
    y = graph.tensor((1, n_classes), "int8", scales=[1 / 256], zero_point=-128)
    graph.op("SOFTMAX", [x], [y], ("SoftmaxOptions", {"beta": 1.0}))
    return graph.build([x], [y])


_RUN_UNCHECKED = """
import os, sys
import numpy as np
from tfdgsu.micro_runtime.interpreter import Interpreter
from tfdgsu.micro_runtime.model import read_model
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    child = os.fork()
    if child == 0:
        interpreter = Interpreter(data, 1 << 16)
        model = read_model(data)
        for position, i in enumerate(model.inputs):
            interpreter.set_input(position, np.zeros(model.tensors[i].shape, np.int8))
        interpreter.invoke()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # Or children print it again.
"""


def test_tflm_dies_of_what_is_refused(tmp_path):
    """Rules that cost a model most are needed: the nearest sound model runs, and the other kills its process."""
    sound = [softmax(511), one_op("ADD"), one_op("SUB"), one_op("SOFTMAX")]
    deadly = [softmax(512), *(one_op(name, scale("y", 0, 1e-7)) for name in ("ADD", "SUB"))]
    deadly.append(one_op("SOFTMAX", option("beta", 0.0)))
    paths = []
    for i, data in enumerate(sound + deadly):
        paths.append(str(tmp_path / f"{i}.tflite"))
        (tmp_path / f"{i}.tflite").write_bytes(data)
    for data in sound:
        check_operators(read_model(data))
    for data in deadly:
        with pytest.raises(BundleError):
            check_operators(read_model(data))
    command = [sys.executable, "-c", _RUN_UNCHECKED, *paths]
    environment = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=True)
    statuses = [int(line) for line in result.stdout.split()]
    assert statuses[: len(sound)] == [0] * len(sound)
    assert len(statuses) == len(paths) and max(statuses[len(sound) :]) < 0


@pytest.mark.slow
def test_nothing_that_passes_the_checks_kills_the_process(tmp_path):
    for name in _ACCEPTED:
        (tmp_path / f"{name}.tflite").write_bytes(one_op(name))
    progress = tmp_path / "progress"
    command = [sys.executable, str(TESTS / "damaged_int8_ops.py"), str(tmp_path), "4000", "1", str(progress)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, check=False)
    assert result.returncode == 0, f"{progress.read_text()}: status {result.returncode}\n{result.stderr[-2000:]}"
    counts = json.loads(result.stdout.splitlines()[-1])
    assert counts["refused"] > 1000 and counts["ran"] > 500
    assert counts["failed"] == 0  # with an error of TFLM's


def test_input_of_a_bundle_must_have_one_scale(tmp_path):
    def change(model):
        x = model.subgraphs[0].tensors[0]
        quantized(x, [0.01] * 3, 0, 3)

    (tmp_path / "x.tflite").write_bytes(edit(make_int8_bundle(), change))
    with pytest.raises(BundleError, match="must have one scale"):
        Session(tmp_path / "x.tflite")
