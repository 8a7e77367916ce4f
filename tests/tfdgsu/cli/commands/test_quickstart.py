# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu quickstart`: the product's main job, as a user runs it."""

import json
import subprocess
import sys

import pytest

from tfdgsu.cli.main import EXIT_OK, EXIT_REFUSED, run

FILES = {"digits.tflite", "digits_int8.tflite", "digits.keras", "digits.npz", "quickstart.json", "quickstart.png"}
TIMEOUT_S = 600  # Ten times what it takes alone on two cores.


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quickstart")
    program = [sys.executable, "-m", "tfdgsu.cli.main", "quickstart", "--out_dir", "out"]
    process = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert process.returncode == EXIT_OK, process.stderr
    return folder, process, json.loads((folder / "out" / "quickstart.json").read_text())


@pytest.mark.slow
def test_writes_its_files_and_no_others(quickstart):
    folder, process, _ = quickstart
    assert {path.name for path in folder.iterdir()} == {"out"}
    assert {path.name for path in (folder / "out").iterdir()} == FILES
    assert (folder / "out" / "quickstart.png").read_bytes().startswith(b"\x89PNG")
    assert "Traceback" not in process.stderr


@pytest.mark.slow
def test_shift_hurts_and_fine_tuning_helps_on_both_sides(quickstart):
    accuracy = quickstart[2]["accuracy"]
    assert accuracy["upright"] > 0.9
    assert accuracy["keras_before"] < 0.4
    assert accuracy["keras_after"] > accuracy["keras_before"] + 0.3
    assert accuracy["tflm_before"] == accuracy["keras_before"]
    # Once rounding has let two runs part, they differ as two runs do: an accuracy of 397 images has an error of 0.022.
    assert abs(accuracy["tflm_after"] - accuracy["keras_after"]) < 0.05
    assert abs(accuracy["int8_after"] - accuracy["keras_after"]) < 0.05


@pytest.mark.slow
def test_both_sides_take_the_same_steps(quickstart):
    # Where rounding decides over a ReLU, they part sooner or later; that depends on the processor.
    assert quickstart[2]["n_equal_steps"] >= 100


@pytest.mark.slow
def test_the_arena_is_predicted_to_the_byte(quickstart):
    assert quickstart[2]["arena_predicted_bytes"] == quickstart[2]["arena_measured_bytes"]
    assert quickstart[2]["int8_arena_predicted_bytes"] == quickstart[2]["int8_arena_measured_bytes"]
    assert quickstart[2]["int8_arena_measured_bytes"] < 0.7 * quickstart[2]["arena_measured_bytes"]


@pytest.mark.slow
def test_other_commands_go_on_from_its_files(quickstart, tmp_path, capsys):
    out, plan, bundle = quickstart[0] / "out", str(tmp_path / "plan.json"), str(tmp_path / "model.tflite")
    network, data = str(out / "digits.keras"), str(out / "digits.npz")
    assert run(["inspect", str(out / "digits.tflite")]) == EXIT_OK
    assert run(["plan", network, "--ram", "96KB", "--update_fraction", "0.05", "--out", plan]) == EXIT_OK
    assert run(["export", network, "--plan", plan, "--out", bundle]) == EXIT_OK
    assert run(["run", bundle, "--data", data, "--steps", "20"]) == EXIT_OK
    for line in quickstart[1].stdout.splitlines():
        if line.startswith("  tfdgsu plan"):
            assert "--ram 96KB --update_fraction 0.05" in line


def test_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert run(["quickstart", "--out_dir", str(tmp_path / "out")]) == EXIT_REFUSED
    assert "tfdgsu[quickstart]" in capsys.readouterr().err
