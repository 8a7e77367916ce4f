# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Reader and writer against LiteRT's interpreter and the schema's own object API."""

import flatbuffers
import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
import tolerances
from tensorflow.lite.python import schema_py_generated as schema_fb
from tfdgsu.export.convert import convert_forward
from tfdgsu.export.ir import Graph, Op, Quantization, Tensor
from tfdgsu.export.schema import read_graph, write_graph


@pytest.mark.parametrize("name", model_zoo.ALL_MODELS)
def test_written_forward_runs_in_litert_as_in_keras(name):
    model = model_zoo.build(name)
    x, _ = model_zoo.random_batch(model, 1)
    interpreter = tf.lite.Interpreter(model_content=write_graph(convert_forward(model, 1)))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    output = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(
        output, model.predict(x, verbose=0), rtol=tolerances.FORWARD_RTOL, atol=tolerances.FORWARD_ATOL
    )


def test_read_of_written_graph_prints_the_same():
    graph = convert_forward(model_zoo.small_conv_net(), 1)
    assert str(read_graph(write_graph(graph))) == str(graph)


def test_written_constants_are_aligned_to_16_bytes():
    graph = convert_forward(model_zoo.conv_1d_net(), 1)
    data = write_graph(graph, {"note": b"abc"})
    model = schema_fb.Model.GetRootAs(data, 0)
    starts = []
    for i in range(model.BuffersLength()):
        offset = flatbuffers.number_types.UOffsetTFlags.py_type(model.Buffers(i)._tab.Offset(4))
        if offset:
            starts.append(model.Buffers(i)._tab.Vector(offset))
    assert len(starts) > 5
    assert all(start % 16 == 0 for start in starts)


def test_written_metadata_is_found_by_name():
    x = Tensor("x", (1, 2))
    data = write_graph(Graph([Op("RELU", [x], [Tensor("y", (1, 2))])], [x], []), {"note": b"abc"})
    flat = schema_fb.ModelT.InitFromPackedBuf(data, 0)
    assert [m.name for m in flat.metadata] == [b"note"]
    assert bytes(flat.buffers[flat.metadata[0].buffer].data) == b"abc"


def test_custom_op_options_survive_the_file():
    x, bits = Tensor("x", (1, 16)), Tensor("bits", (2,), "uint8")
    train = Tensor("train", (1,), "int32", is_variable=True)
    op = Op("TfdgsuReluMask", [train, x], [bits], {"low": 0.0, "high": 6.0}, is_custom=True)
    graph = read_graph(write_graph(Graph([op], [x, train], [bits])))
    assert graph.ops[0].kind == "TfdgsuReluMask"
    assert graph.ops[0].options == {"low": 0.0, "high": 6.0}


def test_convert_two_outputs_is_refused():
    x = keras.Input((4,))
    model = keras.Model(x, [keras.layers.Dense(2)(x), keras.layers.Dense(2)(x)])
    with pytest.raises(ValueError, match="1 inputs and 2 outputs"):
        convert_forward(model, 1)


def test_convert_unknown_dimension_is_refused():
    x = keras.Input((None, 4))
    model = keras.Model(x, keras.layers.Conv1D(2, 3)(x))
    with pytest.raises(ValueError, match=r"Received: input shape \(None, None, 4\)"):
        convert_forward(model, 1)


def test_convert_op_without_builtin_is_refused_quietly(capfd):
    x = keras.Input((4, 4, 1))
    outputs = keras.layers.Lambda(lambda t: tf.math.erfinv(tf.clip_by_value(t, -0.5, 0.5)))(x)
    with pytest.raises(ValueError, match="Remedy: replace the layer"):
        convert_forward(keras.Model(x, outputs), 1)
    assert capfd.readouterr() == ("", "")


def test_convert_is_quiet(capfd):
    convert_forward(model_zoo.conv_1d_net(), 1)
    assert capfd.readouterr() == ("", "")


def test_quantization_survives_the_file():
    x = Tensor("x", (1, 4), "int8", quantization=Quantization.of(0.5, -3))
    w = Tensor("w", (3, 4), "int8", np.ones((3, 4), np.int8), quantization=Quantization.of([0.1, 0.2, 0.3]))
    y = Tensor("y", (1, 3), "int8", quantization=Quantization.of(2.0, 7))
    read = read_graph(write_graph(Graph([Op("FULLY_CONNECTED", [x, w, None], [y])], [x], [y])))
    for tensor, expected in zip(read.tensors(), (x, w, y)):
        np.testing.assert_array_equal(tensor.quantization.scale, expected.quantization.scale)
        np.testing.assert_array_equal(tensor.quantization.zero_point, expected.quantization.zero_point)
        assert tensor.quantization.axis == expected.quantization.axis
