# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Predictions of whole models against what TFLM prints."""

import json

import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
from flat_graphs import FlatGraph
from keras import layers
from optimizers import make_optimizer
from tfdgsu.export.arena import CUSTOM_PERSISTENT_BYTES, predict_arena, verify_no_overlap
from tflm_arena import measure_arena, probe_arenas

import tfdgsu

_N_RANDOM_MODELS = 4


def _convert(model: keras.Model, int8: bool) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if int8:
        rng = np.random.default_rng(0)
        shape = (1, *model.input_shape[1:])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([rng.standard_normal(shape, np.float32)] for _ in range(2))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def _random_model(seed: int) -> keras.Model:
    """Convolutions, branches, poolings and a classifier, all of random size."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    x = inputs = keras.Input(
        (int(rng.integers(8, 14)), int(rng.integers(8, 14)), int(rng.integers(1, 5))), batch_size=1
    )
    for _ in range(int(rng.integers(2, 5))):
        channels = int(rng.integers(1, 20))
        left = layers.Conv2D(channels, int(rng.integers(1, 4)), padding="same", activation="relu6")(x)
        right = layers.SeparableConv2D(channels, 3, padding="same")(x)
        if rng.random() < 0.5:
            left, right = layers.LeakyReLU()(left), layers.Activation("sigmoid")(right)
        x = (layers.Add if rng.random() < 0.5 else layers.Concatenate)()([left, right])
        if rng.random() < 0.4:
            x = layers.ZeroPadding2D(1)(x)
    x = (layers.GlobalAveragePooling2D if rng.random() < 0.5 else layers.Flatten)()(layers.MaxPooling2D(2)(x))
    return keras.Model(inputs, layers.Dense(int(rng.integers(2, 9)), activation="softmax")(x))


def _bundle(name: str, momentum: float | str, path) -> bytes:
    model = model_zoo.build(name)
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, update_fraction=0.2))
    sparse.compile(make_optimizer(0.05, momentum), loss="sparse_categorical_crossentropy")
    tfdgsu.export.export_training_bundle(sparse, path)
    return path.read_bytes()


def assert_as_measured(model: bytes):
    """Byte for byte, and the least arena works while 16 bytes less do not."""
    prediction = predict_arena(model)
    verify_no_overlap(prediction)
    least = prediction.minimum_arena_bytes
    (usage, printed), (again, printed_again), (too_small, _) = probe_arenas(
        [(model, 1 << 25), (model, least), (model, least - 16)]
    )
    assert usage is not None, printed
    assert prediction.exact
    assert (prediction.head_bytes, prediction.tail_bytes) == (usage.head_bytes, usage.tail_bytes)
    assert prediction.total_bytes == usage.total_bytes
    assert again == usage, printed_again
    assert too_small is None


# TensorFlow warns so of every int8 conversion.
@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected:UserWarning")
@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
@pytest.mark.parametrize("seed", range(_N_RANDOM_MODELS))
def test_random_keras_model(seed, int8):
    assert_as_measured(_convert(_random_model(seed), int8))


@pytest.mark.parametrize(
    ("name", "momentum"),
    [("small_conv_net", 0.0), ("depthwise_residual_net", 0.9), ("conv_1d_net", 0.9), ("small_conv_net", "lars")],
)
def test_training_bundle(name, momentum, tmp_path):
    assert_as_measured(_bundle(name, momentum, tmp_path / "bundle.tflite"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return _bundle("nested_model", 0.9, tmp_path_factory.mktemp("bundle") / "bundle.tflite")


def test_kinds_of_tail_equal_the_recorded_ones(bundle):
    ours, theirs = predict_arena(bundle).tail_by_kind, measure_arena(bundle).by_kind
    assert ours["eval_tensors"] == theirs["TfLiteEvalTensor data"]
    assert ours["nodes"] == theirs["NodeAndRegistration struct"]
    assert ours["variables"] == theirs["TfLiteTensor variable buffer data"]


@pytest.mark.parametrize("target", ["x86_64", "cortex_m"])
def test_tail_is_the_sum_of_its_kinds(bundle, target):
    prediction = predict_arena(bundle, target)
    assert sum(prediction.tail_by_kind.values()) == prediction.tail_bytes
    per_op = sum(op.n_bytes for op in prediction.op_tails)
    assert per_op == sum(prediction.tail_by_kind[kind] for kind in ("nodes", "op_options", "op_data"))


def test_declared_persistent_bytes_enter_the_tail(monkeypatch):
    graph = FlatGraph()
    x, y = graph.tensor([4]), graph.tensor([4])
    graph.op("TfdgsuSomethingNew", [x], [y], custom_options=b"\1\0\0\0")
    model = graph.build([x], [y])
    before = predict_arena(model)
    monkeypatch.setitem(CUSTOM_PERSISTENT_BYTES, "TfdgsuSomethingNew", 20)
    assert predict_arena(model).tail_bytes == before.tail_bytes + 32


def test_variables_live_in_the_tail_and_take_no_head():
    graph = FlatGraph()
    x, w, y = graph.tensor([2, 8]), graph.tensor([3, 8], variable=True), graph.tensor([2, 3])
    graph.op("FULLY_CONNECTED", [x, w, -1], [y], ("FullyConnectedOptions", {}))
    model = graph.build([x, w], [y, w])
    prediction = predict_arena(model)
    assert [b.name for b in prediction.buffers] == ["t0", "t2"]
    assert prediction.tail_by_kind["variables"] >= 4 * 3 * 8
    assert_as_measured(model)


def test_tensors_that_no_op_touches():
    """TFLM gives them a place of their own, at no moment in particular."""
    graph = FlatGraph()
    x, unused, passed_on = graph.tensor([5]), graph.tensor([70]), graph.tensor([9])
    graph.tensor([0])
    y = graph.tensor([5])
    graph.op("RELU", [x], [y])
    model = graph.build([x, passed_on], [y, passed_on])
    lifetimes = {b.name: (b.first_used, b.last_used) for b in predict_arena(model).buffers}
    assert lifetimes == {f"t{x}": (0, 1), f"t{unused}": (-1, -1), f"t{passed_on}": (0, 1), f"t{y}": (1, 1)}
    assert_as_measured(model)


def test_no_ops_at_all():
    graph = FlatGraph()
    x = graph.tensor([6])
    assert_as_measured(graph.build([x], [x]))


def test_prescribed_offsets_are_kept():
    graph = FlatGraph()
    x, y, z, v = graph.tensor([8]), graph.tensor([8]), graph.tensor([8]), graph.tensor([4], variable=True)
    graph.op("RELU", [x], [y])
    graph.op("ADD", [y, y], [z], ("AddOptions", {}))
    graph.prescribe_offsets([64, -1, -1, 128])
    model = graph.build([x, v], [z, v])
    prediction = predict_arena(model)
    offsets = {b.name: b.offset for b in prediction.buffers}
    assert offsets[f"t{x}"] == 64 and offsets[f"t{v}"] == 128
    assert "variables" not in prediction.tail_by_kind
    assert prediction.total_bytes == measure_arena(model).total_bytes


def test_offline_plan_that_does_not_fit_is_an_error():
    graph = FlatGraph()
    x, y = graph.tensor([8]), graph.tensor([8])
    graph.op("RELU", [x], [y])
    graph.prescribe_offsets([0])
    with pytest.raises(ValueError, match="1 offsets for 2 tensors"):
        predict_arena(graph.build([x], [y]))


def test_control_flow_has_an_exact_head_and_a_lower_bound_of_the_tail():
    @tf.function(input_signature=[tf.TensorSpec([1, 8], tf.float32)])
    def loop(x):
        _, y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.nn.relu(y) * 2.0 + tf.tanh(y)), [0, x])
        return tf.cond(tf.reduce_sum(y) > 0, lambda: tf.exp(y) - y, lambda: tf.nn.relu(y))

    model = tf.lite.TFLiteConverter.from_concrete_functions([loop.get_concrete_function()]).convert()
    prediction, usage = predict_arena(model), measure_arena(model)
    assert not prediction.exact
    assert {"IF", "WHILE"} <= set(prediction.unknown_ops)
    assert prediction.head_bytes == usage.head_bytes
    assert prediction.tail_bytes < usage.tail_bytes


@pytest.mark.parametrize("name", ["SomebodyElses", "LOG_SOFTMAX"])
def test_unknown_op_is_named(name):
    graph = FlatGraph()
    x, y = graph.tensor([4]), graph.tensor([4])
    graph.op(name, [x], [y])
    prediction = predict_arena(graph.build([x], [y]))
    assert not prediction.exact
    assert prediction.unknown_ops == (name,)


def test_unknown_target_is_an_error():
    with pytest.raises(ValueError, match="Received: target='z80'"):
        predict_arena(b"", "z80")


def test_peak_is_where_most_is_alive():
    graph = FlatGraph()
    x, a, b, y = graph.tensor([4]), graph.tensor([64]), graph.tensor([64]), graph.tensor([4])
    graph.op("TfdgsuGrow", [x], [a])
    graph.op("RELU", [a], [b])
    graph.op("TfdgsuShrink", [b], [y])
    prediction = predict_arena(graph.build([x], [y]))
    assert (prediction.peak_moment, prediction.peak_op) == (2, "RELU")
    assert {b.name for b in prediction.peak_buffers} == {"t1", "t2"}
    assert prediction.peak_live_bytes == prediction.head_bytes == 512


def test_dictionary_goes_through_json():
    graph = FlatGraph()
    x, y = graph.tensor([4]), graph.tensor([4])
    graph.op("RELU", [x], [y])
    prediction = predict_arena(graph.build([x], [y]))
    document = json.loads(json.dumps(prediction.to_dict()))
    assert document["total_bytes"] == prediction.total_bytes
    assert [b["name"] for b in document["buffers"]] == ["t0", "t1"]
    assert sorted(document["peak_buffers"]) == ["t0", "t1"]
