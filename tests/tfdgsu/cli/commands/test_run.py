# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu run`."""

import numpy as np
import pytest
from tfdgsu.micro_runtime import Session

from tfdgsu.cli.main import EXIT_OK, EXIT_REFUSED, run


def test_trains_as_the_session_does(bundle_path, data_path, tmp_path, capsys):
    path = tmp_path / "weights.tfdw"
    words = ["run", bundle_path, "--data", data_path, "--steps", "8", "--learning_rate", "0.02", "--save", str(path)]
    assert run(words) == EXIT_OK
    printed = capsys.readouterr().out
    data, device, restored = np.load(data_path), Session(bundle_path), Session(bundle_path)
    before = device.evaluate(data["x_test"], data["y_test"])
    for step in range(8):
        device.train(data["x"][step % 6], data["y"][step % 6], learning_rate=0.02)
    restored.restore(path)
    for name, value in device.variables().items():
        np.testing.assert_array_equal(restored.variables()[name], value, err_msg=name)
    assert f"Before: loss {before.loss:.5f}, accuracy {before.accuracy:.4f} on 6 held-out" in printed
    assert "Trained 8 steps" in printed


def test_restores_and_only_evaluates(bundle_path, data_path, tmp_path, capsys):
    path = str(tmp_path / "weights.tfdw")
    assert run(["run", bundle_path, "--data", data_path, "--save", path]) == EXIT_OK
    (after,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("After")]
    assert run(["run", bundle_path, "--data", data_path, "--steps", "0", "--restore", path]) == EXIT_OK
    printed = capsys.readouterr().out
    assert after.removeprefix("After") in printed
    assert "Trained" not in printed


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((2, 12, 12, 3), np.float32)}, "must hold the arrays x and y"),
        ({"x": np.zeros((2, 12, 12, 3), np.float32), "y": np.zeros(3, np.int32)}, "same number"),
        ({"x": np.zeros((2, 5, 5, 3), np.float32), "y": np.zeros(2, np.int32)}, "shape"),
        ({"x": np.zeros((2, 12, 12, 3), np.float32), "y": np.full(2, 99, np.int32)}, "99"),
        ({"x": np.zeros((2, 12, 12, 3), np.float32), "y": np.zeros(2, np.float32)}, "integers"),
        ({"x": np.full((2, 12, 12, 3), np.nan, np.float32), "y": np.zeros(2, np.int32)}, "finite"),
    ],
)
def test_wrong_data_is_refused(arrays, message, bundle_path, tmp_path, capsys):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    assert run(["run", bundle_path, "--data", str(path)]) == EXIT_REFUSED
    assert message in capsys.readouterr().err


def test_a_file_that_is_no_npz_is_refused(bundle_path, tmp_path, capsys):
    for content in (b"", b"PK\x03\x04 cut short", b"text"):
        path = tmp_path / "data.npz"
        path.write_bytes(content)
        assert run(["run", bundle_path, "--data", str(path)]) == EXIT_REFUSED
        assert ".npz" in capsys.readouterr().err


def test_an_arena_too_small_is_refused(bundle_path, data_path, capsys):
    assert run(["run", bundle_path, "--data", data_path, "--arena_bytes", "2000"]) == EXIT_REFUSED
    assert "2,000" in capsys.readouterr().err
