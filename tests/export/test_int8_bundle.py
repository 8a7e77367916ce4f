# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Int8 exports as a whole: against TFLite's own int8 conversion, and against a float32 step in Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from int8_step import assert_int8_step_matches, make_sparse
from keras import layers
from tfdgsu.export.metadata import unpack_metadata
from tfdgsu.export.schema import read_graph

import tfdgsu

IMAGE = (8, 8, 3)
EXAMPLES = np.random.default_rng(0).uniform(-1, 1, (64, *IMAGE)).astype(np.float32)


def _net(n_classes=4):
    keras.utils.set_random_seed(0)
    x = keras.Input(IMAGE)
    y = layers.Conv2D(8, 3, padding="same", activation="relu", name="stem")(x)
    z = layers.Conv2D(16, 1, name="expand")(y)
    z = layers.ReLU(6.0)(z)
    z = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(z)
    z = layers.ReLU(6.0)(z)
    z = layers.Conv2D(8, 1, name="project")(z)
    y = layers.GlobalAveragePooling2D()(layers.Add()([y, z]))
    return keras.Model(x, layers.Dense(n_classes, activation="softmax", name="head")(y))


def _sparse():
    return make_sparse(_net(), {"expand": 4, "depthwise": 16, "head": 8})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.tflite"


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs")
def test_inference_model_equals_tflites_own_int8_conversion(path):
    """Up to the pooling in front of the head, which goes into float32 here."""
    net = _net()
    model = keras.Model(net.input, net.layers[-2].input)
    tfdgsu.export.export_inference_model(model, path, quantize="int8", representative_data=EXAMPLES)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[np.newaxis]] for x in EXAMPLES)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    ours, theirs = _interpreter(path.read_bytes()), _interpreter(converter.convert())
    scale, zero_point = ours.get_input_details()[0]["quantization"]
    assert (scale, zero_point) == theirs.get_input_details()[0]["quantization"]
    for image in EXAMPLES[:8]:
        x = np.clip(np.rint(image / scale) + zero_point, -128, 127).astype(np.int8)[np.newaxis]
        np.testing.assert_array_equal(_run(ours, x), _run(theirs, x))


def _interpreter(model):
    interpreter = tf.lite.Interpreter(
        model_content=model,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    return interpreter


def _run(interpreter, x):
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def test_bundle_is_int8_but_for_its_head(path):
    report = tfdgsu.export.export_training_bundle(_sparse(), path, quantize="int8", representative_data=EXAMPLES)
    graph = read_graph(path.read_bytes())
    dtypes = {t.name: t.dtype for t in graph.inputs}
    assert dtypes["x"] == "int8"
    assert (dtypes["expand/kernel"], dtypes["expand/bias"]) == ("int8", "int32")
    assert (dtypes["head/kernel"], dtypes["head/bias"]) == ("float32", "float32")
    assert graph.signatures["train"].outputs["output"].dtype == "float32"
    assert unpack_metadata(path.read_bytes())[1]["rounding"] == "stochastic"
    assert "TfdgsuConvBlock(" in report.graph_text
    assert "CONV_2D" not in report.graph_text.replace("DEPTHWISE_CONV_2D", "CONV_2D").split("TfdgsuSparse")[0]


@pytest.mark.parametrize("rounding", ["nearest", "stochastic", "remainder"])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_step_moves_weights_as_a_float_step_does(path, rounding, momentum):
    assert_int8_step_matches(_net(), {"expand": 4, "depthwise": 16, "head": 8}, path, rounding, momentum)


def test_a_plan_for_int8_makes_an_int8_bundle(path):
    model = _net()
    plan = tfdgsu.plan(model, update_fraction=0.5, quantize="int8", rounding="remainder")
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    sparse.compile(keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="takes its scales from representative_data"):
        tfdgsu.export.export_training_bundle(sparse, path)
    tfdgsu.export.export_training_bundle(sparse, path, representative_data=EXAMPLES)
    assert unpack_metadata(path.read_bytes())[1]["rounding"] == "remainder"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quantize": "int4"}, "Received: quantize='int4'"),
        ({"quantize": "int8"}, "Received: neither"),
        ({"representative_data": EXAMPLES}, "Received: representative_data without quantize"),
        ({"rounding": "nearest"}, "Received: rounding without quantize"),
        (
            {"quantize": "int8", "representative_data": EXAMPLES, "rounding": "up"},
            "rounding is one of nearest, stochastic, remainder. Received: rounding='up'",
        ),
    ],
)
def test_incomplete_settings_are_refused_before_anything_is_written(path, arguments, message):
    with pytest.raises(ValueError, match=message):
        tfdgsu.export.export_training_bundle(_sparse(), path, **arguments)
    assert not path.exists()


def test_reshapes_that_the_quantizer_merges_leave_nothing_behind(path):
    """A Conv1D is a Conv2D between reshapes, of which the quantizer makes one with those beside it."""
    keras.utils.set_random_seed(0)
    x = keras.Input(IMAGE)
    y = layers.Reshape((8, 8, 4))(layers.Conv1D(4, 3, padding="same", dilation_rate=2)(layers.Reshape((64, 3))(x)))
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation="relu", name="deep")(y))
    model = keras.Model(x, layers.Dense(4, activation="softmax", name="head")(y))
    sparse = make_sparse(model, {"deep": 2, "head": 6})
    tfdgsu.export.export_training_bundle(sparse, path, quantize="int8", representative_data=EXAMPLES)
    y = tfdgsu.micro_runtime.Session(path).infer(EXAMPLES[:1])
    np.testing.assert_allclose(y, model.predict(EXAMPLES[:1], verbose=0), atol=0.01)
