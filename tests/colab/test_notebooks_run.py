# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The notebooks run from top to bottom and show what their text says."""

import pathlib
import re
import shutil
import sys

import pytest
from tfdgsu.micro_runtime import Session, inspect_bundle
from tfdgsu.micro_runtime.emulator import missing_tools

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import notebooks

pytestmark = pytest.mark.slow
BUDGET, TRAIN_IN_TFLM, BOARD = notebooks.PATHS


def check_outputs(notebook, plots):
    """Nothing but the named cells shows plots, nothing warns, and installing showed nothing: the package is there."""
    shown = {cell.id: n for cell in notebook.cells if cell.cell_type == "code" and (n := notebooks.n_images(cell))}
    assert shown == dict.fromkeys(plots, 1)
    assert notebooks.cell_of(notebook, "install").outputs == []
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert "warning" not in "".join(output.get("text", "") for output in outputs).lower()
    kinds = {output.output_type for output in outputs}
    assert kinds <= {"stream", "display_data"}  # No stray values of last lines, no errors.


def test_a_budget_is_planned_and_worth_it(tmp_path):
    notebook, values = notebooks.run(BUDGET, tmp_path, "accuracy_upright", "accuracy_before", "rows")
    check_outputs(notebook, ("data", "plot", "visited", "compare"))
    assert values["accuracy_upright"] > 0.95
    assert values["accuracy_before"] < 0.3
    accuracies = {name: accuracy for name, accuracy, _, _ in values["rows"]}
    n_bytes = {name: n for name, _, _, n in values["rows"]}
    sparse = accuracies.pop("20% of weights")
    assert min(accuracies.values()) > 0.6
    assert sparse > max(accuracies["head"], accuracies["biases and head"]) + 0.05
    assert (
        n_bytes["head"] < n_bytes["biases and head"] < n_bytes["20% of weights"] <= 96 * 1024 < n_bytes["all weights"]
    )
    assert "budget                                   98,304 bytes" in notebooks.text_of(
        notebooks.cell_of(notebook, "plan")
    )


def test_tflm_learns_what_keras_learns(tmp_path):
    names = [f"{side}_{when}" for side in ("keras", "tflm", "int8") for when in ("before", "after")]
    notebook, values = notebooks.run(
        TRAIN_IN_TFLM, tmp_path, *names, "tflm_reset", "tflm_restored", "keras_loaded", "tflm_losses"
    )
    check_outputs(notebook, ("arena",))
    assert values["tflm_before"] == pytest.approx(values["keras_before"], abs=1e-6)
    assert values["tflm_before"] < 0.3
    # An image or two may lie so close to the border between two classes that rounding decides.
    assert values["tflm_after"] == pytest.approx(values["keras_after"], abs=0.01)
    assert values["tflm_after"] > 0.6
    assert values["int8_after"] > 0.6
    assert len(values["tflm_losses"]) == 600
    assert values["tflm_reset"] == values["tflm_before"]
    assert values["tflm_restored"] == values["tflm_after"]
    assert values["keras_loaded"] == pytest.approx(values["tflm_after"], abs=0.006)
    arena = inspect_bundle(tmp_path / "digits.tflite").measured
    assert f"predicted {arena.total_bytes:,} bytes, measured {arena.total_bytes:,}" in "".join(
        map(notebooks.text_of, (cell for cell in notebook.cells if cell.cell_type == "code"))
    )
    assert (tmp_path / "digits.html").stat().st_size > 10_000
    Session(tmp_path / "digits.tflite").restore(tmp_path / "learned.tfdw")


def test_the_emulated_core_has_the_bits_of_this_computer(tmp_path):
    notebook, values = notebooks.run(BOARD, tmp_path, "before", "after", "here", "on_board")
    check_outputs(notebook, ())
    assert values["before"] < 0.3
    assert values["after"] > 0.5
    n_before, n_after = map(int, values["here"].splitlines()[0].split())
    assert n_before < 20
    assert n_after > 50
    assert "kModelArenaBytesCortexM" in notebooks.text_of(notebooks.cell_of(notebook, "codegen"))
    assert (tmp_path / "arduino/tfdgsu/library.properties").exists()
    said = notebooks.text_of(notebooks.cell_of(notebook, "build"))
    if missing_tools():
        assert values["on_board"] is None
        assert "Not run on the emulated Cortex-M4F" in said
        pytest.skip(missing_tools())
    assert values["on_board"] == values["here"]
    assert "0 of 960 weights differ" in said


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
def test_without_an_emulator_the_board_s_run_is_said_to_be_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    notebook = notebooks.read(BOARD)
    program = notebooks.cell_of(notebook, "program").source
    namespace = {"missing": ["qemu-system-arm"]}
    exec(f"import pathlib, subprocess, tfdgsu\n{program}", namespace)  # noqa: S102
    n_features = int(re.search(r"kSelected = (\d+)", program)[1]) + 1
    rows = "{{" + ",".join(["0.5f"] * n_features) + "}}"
    pathlib.Path("features.h").write_text(
        "#include <stdint.h>\n"
        f"enum {{ kFeatures = {n_features}, kClasses = 3, kTrain = 1, kJudge = 1 }};\n"
        f"static const float train_x[][kFeatures] = {rows}, judge_x[][kFeatures] = {rows};\n"
        "static const int32_t train_y[] = {2}, judge_y[] = {2};\n"
    )
    pathlib.Path("train_layer.c").write_text(namespace["PROGRAM"])
    exec(notebooks.cell_of(notebook, "build").source, namespace)  # noqa: S102
    said = capsys.readouterr().out
    assert "Not run on the emulated Cortex-M4F: qemu-system-arm missing." in said
    assert "0 of 100 right before, 1 after" in said
    assert "weights differ" not in said
