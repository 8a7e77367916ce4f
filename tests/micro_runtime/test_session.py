# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A session: training, persistence, and clear errors for whatever a caller may get wrong."""

import importlib.metadata
import struct
import zlib

import keras
import numpy as np
import pytest
from tfdgsu.micro_runtime import ArenaError, NonFiniteLossError, Session, WeightsFileError, wheel
from tiny_bundle import export_tiny

import tfdgsu


@pytest.fixture
def device(bundle_path):
    return Session(bundle_path)


def assert_same(actual, expected):
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)


def test_training_lowers_the_loss_and_infer_trains_nothing(device, examples):
    x, y = examples
    before = device.evaluate(x, y)
    weights = device.variables()
    device.infer(x[0])
    assert_same(device.variables(), weights)
    for _ in range(5):
        for image, label in zip(x, y):
            assert isinstance(device.train(image, label, learning_rate=0.02), float)
    after = device.evaluate(x, y)
    assert after.loss < before.loss and after.accuracy >= before.accuracy
    assert device.variables()["step"][0] == 80


def test_single_examples_and_batches_are_the_same(device, examples):
    x, y = examples
    np.testing.assert_array_equal(device.infer(x[0]), device.infer(x[:1])[0])
    loss = device.train(x[0], y[0], 0.1)
    device.reset()
    assert device.train(x[:1], y[:1], 0.1) == loss
    device.reset()
    assert device.train(x[0].astype(np.float64), int(y[0]), np.float32(0.1)) == loss


def test_larger_batch(tmp_path, examples):
    x, y = examples
    device = Session(export_tiny(tmp_path / "batch.tflite", batch_size=4))
    assert device.infer(x[:4]).shape == (4, 4)
    device.train(x[:4], y[:4], 0.05)
    assert device.evaluate(x[:7], y[:7]).accuracy is not None
    with pytest.raises(ValueError, match="baked in"):
        device.train(x[0], y[:1], 0.05)


def test_save_reset_restore(device, examples, tmp_path):
    x, y = examples
    factory = device.variables()
    for image, label in zip(x, y):
        device.train(image, label, 0.05)
    trained = device.variables()
    device.save(tmp_path / "w.tfdw")
    device.reset()
    assert_same(device.variables(), factory)
    device.restore(tmp_path / "w.tfdw")
    assert_same(device.variables(), trained)


def test_restore_into_a_fresh_session_continues_bit_for_bit(bundle_path, examples, tmp_path):
    x, y = examples
    first, second = Session(bundle_path), Session(bundle_path)
    for image, label in zip(x[:8], y[:8]):
        first.train(image, label, 0.05)
    first.save(tmp_path / "w.tfdw")
    second.restore(tmp_path / "w.tfdw")  # before its first invoke
    for image, label in zip(x[8:], y[8:]):
        assert first.train(image, label, 0.05) == second.train(image, label, 0.05)
    assert_same(second.variables(), first.variables())


def test_reset_forgets_the_train_flag_and_the_restored_values(device, examples, tmp_path):
    factory = device.variables()
    device.train(examples[0][0], examples[1][0], 0.1)
    device.reset()
    assert_same(device.variables(), factory)


@pytest.mark.parametrize(
    ("x", "y", "rate", "error", "text"),
    [
        (np.zeros((5, 6, 3), np.float32), 0, 0.1, ValueError, "x must have the shape"),
        (np.zeros((2, 6, 6, 3), np.float32), 0, 0.1, ValueError, "x must have the shape"),
        (np.zeros((6, 6, 3), np.uint8), 0, 0.1, TypeError, "x must be float32.* scale as in training"),
        (np.full((6, 6, 3), "a"), 0, 0.1, TypeError, "x must be float32"),
        (np.full((6, 6, 3), np.nan, np.float32), 0, 0.1, ValueError, "x must be finite"),
        (np.full((6, 6, 3), np.inf, np.float32), 0, 0.1, ValueError, "x must be finite"),
        (np.full((6, 6, 3), 1e300), 0, 0.1, ValueError, "x must be finite"),
        (np.zeros((6, 6, 3), np.float32), 4, 0.1, ValueError, r"y must be in \[0, 3\]"),
        (np.zeros((6, 6, 3), np.float32), -1, 0.1, ValueError, r"y must be in \[0, 3\]"),
        (np.zeros((6, 6, 3), np.float32), 2**40, 0.1, ValueError, r"y must be in \[0, 3\]"),
        (np.zeros((6, 6, 3), np.float32), [0, 1], 0.1, ValueError, "y must have the shape"),
        (np.zeros((6, 6, 3), np.float32), 1.0, 0.1, TypeError, "class numbers"),
        (
            np.zeros((6, 6, 3), np.float32),
            np.eye(4)[1],
            0.1,
            TypeError,
            r"Received: float64 \[4\].* np.argmax\(y, -1\)",
        ),
        (np.zeros((6, 6, 3), np.float32), 1, -0.1, ValueError, "learning_rate must be finite"),
        (np.zeros((6, 6, 3), np.float32), 1, float("nan"), ValueError, "learning_rate must be finite"),
        (np.zeros((6, 6, 3), np.float32), 1, float("inf"), ValueError, "learning_rate must be finite"),
        (np.zeros((6, 6, 3), np.float32), 1, "0.1", TypeError, "learning_rate must be a number"),
        (np.zeros((6, 6, 3), np.float32), 1, True, TypeError, "learning_rate must be a number"),
    ],
)
def test_bad_arguments_run_nothing(device, x, y, rate, error, text):
    before = device.variables()
    with pytest.raises(error, match=text) as info:
        device.train(x, y, rate)
    assert "Received:" in str(info.value)
    assert_same(device.variables(), before)


def test_evaluate_wants_as_many_labels_as_examples(device, examples):
    with pytest.raises(ValueError, match="same number"):
        device.evaluate(examples[0], examples[1][:-1])


def test_non_finite_loss_leaves_the_weights(tmp_path, examples):
    device = Session(export_tiny(tmp_path / "mse.tflite", loss="mean_squared_error"))
    weights = device.variables()
    x = np.full_like(examples[0][0], 3e38)
    with pytest.raises(NonFiniteLossError, match="not applied"):
        device.train(x, np.zeros(4, np.float32), 0.1)
    after = device.variables()
    for name, value in weights.items():
        if not name.endswith(("channels", "velocity")):
            np.testing.assert_array_equal(after[name], value, err_msg=name)
    assert device.train(examples[0][0], np.zeros(4, np.float32), 0.1) > 0


def test_small_arenas_are_refused(bundle_path):
    given = Session(bundle_path).arena_report().arena_bytes
    for arena_bytes in (-5, 0, 1, 100, 1000, given - 16):
        with pytest.raises(ArenaError, match=f"Arena needs {given:,} bytes on this machine. Received: "):
            Session(bundle_path, arena_bytes=arena_bytes)
    for arena_bytes in (given, given + 1, 4 * given):
        assert Session(bundle_path, arena_bytes=arena_bytes).infer(np.zeros((6, 6, 3), np.float32)).shape == (4,)
    with pytest.raises(TypeError, match="arena_bytes must be an integer"):
        Session(bundle_path, arena_bytes=1e6)


def test_arena_that_the_prediction_did_not_catch_is_explained(bundle_path, monkeypatch):
    monkeypatch.setattr(Session, "_choose_arena", lambda self, arena_bytes: 4096)
    with pytest.raises(ArenaError, match="Received: arena_bytes=4,096.*TFLM says"):
        Session(bundle_path)


def test_model_with_an_op_of_unknown_cost_gets_room(tmp_path):
    """Frozen layers may be anything: where the prediction is a lower bound, the session adds to it."""
    x = keras.Input((6, 6, 3))
    y = keras.layers.Lambda(lambda t: keras.ops.ceil(4 * t))(x)
    y = keras.layers.Flatten()(y)
    model = keras.Model(x, keras.layers.Dense(4, activation="softmax", name="head")(y))
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model))
    sparse.compile(keras.optimizers.SGD(0.05), loss="sparse_categorical_crossentropy")
    report = tfdgsu.export.export_training_bundle(sparse, tmp_path / "model.tflite")
    device = Session(tmp_path / "model.tflite")
    assert device.train(np.ones((6, 6, 3), np.float32), 1, 0.1) > 0
    assert report.arena.unknown_ops == ("CEIL",)
    assert device.arena_report().total_bytes >= report.arena.total_bytes


def test_arena_report_adds_up(device):
    report = device.arena_report()
    assert report.head_bytes + report.tail_bytes == report.total_bytes <= report.arena_bytes
    assert 0 < report.predicted_cortex_m_bytes < report.predicted_bytes == report.total_bytes


def test_selected_channels_are_used(tmp_path, examples):
    device = Session(export_tiny(tmp_path / "importance.tflite", policy="importance"))
    x, y = examples
    device.train(x[0], y[0], 0.1)
    device.select_channels({"deep": [6, 1, 4]})
    before = device.variables()
    np.testing.assert_array_equal(before["deep/channels"], [6, 1, 4])
    assert not before["deep/kernel/velocity"].any()
    device.train(x[1], y[1], 0.1)
    moved = (device.variables()["deep/kernel"] != before["deep/kernel"]).any(axis=(0, 1, 2))
    np.testing.assert_array_equal(np.flatnonzero(moved), [1, 4, 6])
    for bad, error, text in (
        ({"deep": [1, 1, 2]}, ValueError, "distinct"),
        ({"deep": [0, 1, 8]}, ValueError, r"in \[0, 7\]"),
        ({"deep": [-1, 1, 2]}, ValueError, r"in \[0, 7\]"),
        ({"deep": [0, 1]}, ValueError, "3 integers"),
        ({"deep": [0.0, 1.0, 2.0]}, ValueError, "3 integers"),
        ({"head": [0]}, ValueError, "can be selected"),
        ({"nobody": [0]}, ValueError, "can be selected"),
    ):
        with pytest.raises(error, match=text):
            device.select_channels(bad)


def test_channels_drawn_by_the_device_cannot_be_set(device):
    with pytest.raises(ValueError, match="left to the device"):
        device.select_channels({"deep": [0, 1, 2]})


def test_damaged_weights_change_nothing(device, tmp_path, examples):
    path = tmp_path / "w.tfdw"
    device.train(examples[0][0], examples[1][0], 0.1)
    device.save(path)
    data = path.read_bytes()
    device.reset()
    before = device.variables()
    rng = np.random.default_rng(0)
    for _ in range(200):
        broken = bytearray(data[: rng.integers(0, len(data))] if rng.random() < 0.3 else data)
        if len(broken) == len(data):
            broken[rng.integers(len(data))] ^= 1 << rng.integers(8)
        path.write_bytes(broken)
        with pytest.raises(WeightsFileError):
            device.restore(path)
    assert_same(device.variables(), before)
    with pytest.raises(FileNotFoundError):
        device.restore(tmp_path / "absent.tfdw")


def test_weights_of_another_bundle_are_refused(device, tmp_path):
    other = Session(export_tiny(tmp_path / "other.tflite", policy="cyclic"))
    other.save(tmp_path / "other.tfdw")
    with pytest.raises(WeightsFileError, match="of another"):
        device.restore(tmp_path / "other.tfdw")


def test_weights_of_earlier_and_later_releases_are_refused(device, tmp_path):
    path = tmp_path / "w.tfdw"
    device.save(path)
    data = bytearray(path.read_bytes())
    path.write_bytes(b"TFDGSW\r\n" + struct.pack("<III", 1, 60, 0) + bytes(40))
    with pytest.raises(WeightsFileError, match="Received: 1, of an earlier release"):
        device.restore(path)
    data[8] = 3
    path.write_bytes(data[:-4] + struct.pack("<I", zlib.crc32(data[:-4])))
    with pytest.raises(WeightsFileError, match="Received: 3. Remedy: update"):
        device.restore(path)


def test_it_is_quiet(bundle_path, examples, capfd):
    device = Session(bundle_path)
    device.train(examples[0][0], examples[1][0], 0.1)
    device.evaluate(*examples)
    device.arena_report()
    device.reset()
    assert capfd.readouterr() == ("", "")


def test_other_versions_of_the_wheel_are_refused(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.dev20261001000000")
    with pytest.raises(ImportError, match=r"must be version 0\.dev20260203175027.*Received: 0\.dev2026100"):
        wheel.load_native_runtime.__wrapped__()


def test_several_sessions_do_not_share_state(bundle_path, examples):
    first, second = Session(bundle_path), Session(bundle_path)
    start = second.variables()
    first.train(examples[0][0], examples[1][0], 0.1)
    assert_same(second.variables(), start)
