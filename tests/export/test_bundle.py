# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The exported file as a whole: what it holds, what refuses to be exported, what opens it."""

import contextlib
import dataclasses
import io

import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
import tolerances
from keras import layers
from optimizers import make_optimizer
from tfdgsu.export.metadata import unpack_metadata
from tfdgsu.export.schema import read_graph

import tfdgsu

LEARNING_RATE = 0.01


def _compiled(model=None, loss="sparse_categorical_crossentropy", momentum=0.0, **plan_options):
    model = model or model_zoo.small_conv_net()
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, **{"update_fraction": 0.3, **plan_options}))
    sparse.compile(make_optimizer(LEARNING_RATE, momentum), loss=loss)
    return sparse


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.tflite"


def test_metadata_tells_the_plan_and_the_arena(path):
    sparse = _compiled()
    report = tfdgsu.export.export_training_bundle(sparse, path, preprocessing={"scale": 0.5})
    header, document = unpack_metadata(path.read_bytes())
    assert header.arena_bytes_x86_64 == report.arena.total_bytes
    assert header.arena_bytes_cortex_m == report.arena_cortex_m.total_bytes
    assert document["preprocessing"] == {"scale": 0.5}
    assert document["n_classes"] == 5
    assert tfdgsu.SparseUpdatePlan.from_dict(document["plan"]).layers == sparse.plan.layers


def test_bundle_opens_in_the_schema_tools(path):
    """LiteRT's analyzer verifies the flatbuffer and prints every op; Netron reads the same schema."""
    tfdgsu.export.export_training_bundle(_compiled(), path)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        tf.lite.experimental.Analyzer.analyze(model_content=path.read_bytes())
    for kind in {op.kind for op in read_graph(path.read_bytes()).ops}:
        assert kind in printed.getvalue()


def test_bundle_has_no_flex_op_and_versioned_options(path):
    tfdgsu.export.export_training_bundle(_compiled(), path)
    data = path.read_bytes()
    assert b"Flex" not in data
    custom = [op for op in read_graph(data).ops if op.is_custom]
    assert custom and all(op.version == 1 for op in custom)


def test_same_model_gives_the_same_file(path, tmp_path):
    sparse = _compiled()
    tfdgsu.export.export_training_bundle(sparse, path)
    tfdgsu.export.export_training_bundle(sparse, tmp_path / "again.tflite")
    assert path.read_bytes() == (tmp_path / "again.tflite").read_bytes()


def test_export_leaves_the_model_as_it_was(path):
    sparse = _compiled()
    before = [w.numpy().copy() for w in sparse.variables]
    tfdgsu.export.export_training_bundle(sparse, path)
    for weight, value in zip(sparse.variables, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


@pytest.mark.parametrize("every, momentum", [(4, 0.9), (3, 0.0), (4, "lars")])
def test_export_in_the_middle_of_training_continues_it(path, every, momentum):
    """Step counter, channels, velocity and rates travel with the bundle, between two re-draws too."""
    sparse = _compiled(momentum=momentum)
    callback = tfdgsu.DynamicSparseCallback(policy="random", every=every, seed=9)
    x, y = model_zoo.random_batch(sparse.model, 20, seed=2)
    fit = {"batch_size": 1, "shuffle": False, "verbose": 0, "callbacks": [callback]}
    sparse.fit(x[:10], y[:10], **fit)
    tfdgsu.export.export_training_bundle(sparse, path)
    device = tfdgsu.micro_runtime.Session(path)
    sparse.fit(x[10:], y[10:], **fit)
    for image, label in zip(x[10:], y[10:], strict=True):
        device.train(image, label, learning_rate=LEARNING_RATE)
    for name, channels in sparse.channels.items():
        np.testing.assert_array_equal(device.variables()[f"{name}/channels"], channels.numpy())
    np.testing.assert_allclose(
        device.infer(x[0]).reshape(-1),
        sparse.predict(x[:1], verbose=0)[0],
        rtol=tolerances.TRAJECTORY_RTOL,
        atol=tolerances.TRAJECTORY_ATOL,
    )


@pytest.mark.parametrize("batch_size", [2, np.int64(5)])
def test_batches_train_as_in_keras(path, batch_size):
    sparse = _compiled(momentum=0.5)
    x, y = model_zoo.random_batch(sparse.model, batch_size, seed=4)
    tfdgsu.export.export_training_bundle(sparse, path, batch_size=batch_size)
    device = tfdgsu.micro_runtime.Session(path)
    for _ in range(5):
        expected = sparse.fit(x, y, batch_size=batch_size, verbose=0).history["loss"][0]
        loss = device.train(x, y, learning_rate=LEARNING_RATE)
        np.testing.assert_allclose(loss, expected, rtol=tolerances.TRAJECTORY_RTOL)


@pytest.mark.parametrize(
    "loss, activation, n_out",
    [
        ("sparse_categorical_crossentropy", "softmax", 4),
        ("categorical_crossentropy", "softmax", 4),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), None, 4),
        (keras.losses.CategoricalCrossentropy(from_logits=True), None, 4),
        ("binary_crossentropy", "sigmoid", 1),
        ("binary_crossentropy", "sigmoid", 3),
        (keras.losses.BinaryCrossentropy(from_logits=True), None, 2),
        ("mse", None, 3),
        ("mse", "softmax", 3),
    ],
)
def test_every_loss_trains_as_in_keras(path, loss, activation, n_out):
    x = keras.Input((6,))
    hidden = layers.Dense(8, activation="relu", name="hidden")(x)
    model = keras.Model(x, layers.Dense(n_out, activation=activation, name="head")(hidden))
    sparse = _compiled(model, loss, layers={"hidden": 3, "head": 8}, update_fraction=None, train_head=False)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(10, 6)).astype(np.float32)
    if getattr(loss, "name", loss).startswith("sparse"):
        labels = rng.integers(0, n_out, 10).astype(np.int32)
    else:
        labels = np.eye(n_out, dtype=np.float32)[rng.integers(0, n_out, 10)]
    tfdgsu.export.export_training_bundle(sparse, path)
    device = tfdgsu.micro_runtime.Session(path)
    for image, label in zip(images, labels, strict=True):
        expected = sparse.fit(image[None], label[None], batch_size=1, verbose=0).history["loss"][0]
        actual = device.train(image, label, learning_rate=LEARNING_RATE)
        np.testing.assert_allclose(actual, expected, rtol=tolerances.TRAJECTORY_RTOL, atol=tolerances.TRAJECTORY_ATOL)


def test_confidently_wrong_prediction_still_learns(path):
    """Probabilities below 1e-7 are clipped by Keras' loss; behind a softmax the loss is taken of the logits instead."""
    x = keras.Input((2,))
    model = keras.Model(x, layers.Dense(2, activation="softmax", name="head")(x))
    model.get_layer("head").kernel.assign([[60.0, 0.0], [0.0, 0.0]])
    sparse = _compiled(model, layers={"head": 2}, update_fraction=None, train_head=False)
    tfdgsu.export.export_training_bundle(sparse, path)
    device = tfdgsu.micro_runtime.Session(path)
    image, label = np.array([[1.0, 0.0]], np.float32), np.array([1], np.int32)
    loss = device.train(image, label, learning_rate=LEARNING_RATE)
    expected = sparse.fit(image, label, batch_size=1, verbose=0).history["loss"][0]
    assert expected == pytest.approx(60.0)
    assert loss == pytest.approx(expected)
    np.testing.assert_allclose(device.variables()["head/kernel"], sparse.model.get_layer("head").kernel.numpy().T)
    assert device.variables()["head/kernel"][0, 0] < 60.0


def test_inference_model_equals_keras(path):
    model = model_zoo.depthwise_residual_net()
    report = tfdgsu.export.export_inference_model(model, path)
    x, _ = model_zoo.random_batch(model, 1)
    interpreter = tf.lite.Interpreter(model_content=path.read_bytes())
    output = interpreter.get_signature_runner("infer")(x=x)["output"]
    np.testing.assert_allclose(
        output, model.predict(x, verbose=0), rtol=tolerances.FORWARD_RTOL, atol=tolerances.FORWARD_ATOL
    )
    assert not any(op.is_custom for op in read_graph(path.read_bytes()).ops)
    assert report.plan is None


def test_inference_model_has_the_trained_weights(path):
    sparse = _compiled()
    x, y = model_zoo.random_batch(sparse.model, 8)
    sparse.fit(x, y, epochs=3, verbose=0)
    tfdgsu.export.export_inference_model(sparse, path)
    interpreter = tf.lite.Interpreter(model_content=path.read_bytes())
    output = interpreter.get_signature_runner("infer")(x=x[:1])["output"]
    expected = sparse.predict(x[:1], verbose=0)
    np.testing.assert_allclose(output, expected, rtol=tolerances.FORWARD_RTOL, atol=tolerances.FORWARD_ATOL)


def test_arena_over_budget_is_refused_before_anything_is_written(path, tmp_path):
    with pytest.raises(
        ValueError, match=r"Arena needs [\d,]+ bytes, budget is 8,192\. Received: a model whose largest "
    ):
        tfdgsu.export.export_training_bundle(_compiled(), path, ram="8KB", c_array_path=tmp_path / "model.c")
    assert list(tmp_path.iterdir()) == []


def test_c_array_is_written_on_request(path, tmp_path):
    tfdgsu.export.export_training_bundle(_compiled(), path, c_array_path=tmp_path / "model.c")
    assert f"model_tflite_bytes = {path.stat().st_size};" in (tmp_path / "model.c").read_text()


def test_model_that_is_not_sparse_is_refused(path):
    with pytest.raises(TypeError, match="Received: Functional"):
        tfdgsu.export.export_training_bundle(model_zoo.small_conv_net(), path)


@pytest.mark.parametrize("callback", ["random", keras.callbacks.EarlyStopping()], ids=["name", "other"])
def test_callback_that_draws_no_channels_is_refused(path, callback):
    with pytest.raises(TypeError, match="must be a tfdgsu.DynamicSparseCallback"):
        tfdgsu.export.export_training_bundle(_compiled(), path, callback=callback)


def test_model_that_was_not_compiled_is_refused(path):
    model = model_zoo.small_conv_net()
    with pytest.raises(ValueError, match="not compiled"):
        tfdgsu.export.export_training_bundle(tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model)), path)


def test_update_method_without_a_compiler_is_refused(path, monkeypatch):
    """The seam for other methods: they may train in Keras before the compiler knows them."""
    sparse = _compiled()
    sparse.plan = dataclasses.replace(sparse.plan, method="gradient_filtering")
    with pytest.raises(ValueError, match="Received: a plan with method 'gradient_filtering'"):
        tfdgsu.export.export_training_bundle(sparse, path)


def test_folder_that_does_not_exist_is_an_error(path, tmp_path):
    nowhere = tmp_path / "nowhere"
    with pytest.raises(FileNotFoundError, match="Remedy: make .*nowhere"):
        tfdgsu.export.export_training_bundle(_compiled(), nowhere / "model.tflite", c_array_path=tmp_path / "model.c")
    with pytest.raises(FileNotFoundError, match="Remedy: make .*nowhere"):
        tfdgsu.export.export_inference_model(model_zoo.small_conv_net(), path, c_array_path=nowhere / "model.c")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, "2", True, None])
def test_batch_size_must_be_a_positive_integer(path, batch_size):
    with pytest.raises(ValueError, match="Received: batch_size="):
        tfdgsu.export.export_training_bundle(_compiled(), path, batch_size=batch_size)


@pytest.mark.parametrize("preprocessing", [{"mean": float("nan")}, {"mean": np.ones(3)}, {1, 2}])
def test_preprocessing_must_be_json(path, preprocessing):
    with pytest.raises(ValueError, match="preprocessing is stored as JSON"):
        tfdgsu.export.export_training_bundle(_compiled(), path, preprocessing=preprocessing)


def test_export_is_quiet(path, capfd):
    sparse = _compiled()
    capfd.readouterr()
    tfdgsu.export.export_training_bundle(sparse, path)
    assert capfd.readouterr() == ("", "")


def test_report_names_sizes_and_peak(path):
    report = tfdgsu.export.export_training_bundle(_compiled(), path)
    text = report.summary()
    assert f"{path.stat().st_size:,} bytes of flash" in text
    assert f"{report.arena.head_bytes:,}" in text and f"{report.arena.tail_bytes:,}" in text
    assert report.arena.peak_buffers[0].name in text
    assert report.arena_cortex_m.total_bytes < report.arena.total_bytes
    assert report.graph_text.startswith("graph(%x: float32[1,12,12,3]")


def test_inference_model_of_something_else_is_refused(path):
    with pytest.raises(TypeError, match="Received: int"):
        tfdgsu.export.export_inference_model(3, path)
    with pytest.raises(ValueError, match="which was not built"):
        tfdgsu.export.export_inference_model(keras.Sequential([layers.Dense(2)]), path)


@pytest.mark.parametrize("name", ["two words", "größe", "a;b"])
def test_layer_names_that_tensorflow_cannot_trace_are_refused(path, name):
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(3, activation="softmax", name="head")(layers.Dense(2, name=name)(x)))
    with pytest.raises(ValueError, match=f"a layer called '{name}'. Remedy: give the layer another name"):
        tfdgsu.export.export_training_bundle(_compiled(model, update_fraction=None, layers={"head": 2}), path)
    assert not path.exists()
