# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Trains bundles on emulated Cortex-M boards with 256 KB of RAM, under stock TFLM, and compares them with a Session.

    digits_int8, digits_float32   the quickstart's bundles, on every core
    mobilenet_v2_int8             the ImageNet MobileNetV2 (width 0.35, 128x128) on CIFAR-10, updating 2% of the
                                  convolutions' weights, planned for 256 KB, on the Cortex-M7

Every run must have the Session's losses and variables, bit for bit, and the arena that the exporter predicted. Counted
are instructions per training step and per inference (the counter of QEMU's -icount), code, RAM and stack.

    tfdgsu quickstart
    TFLM_DIR=... TFLM_LIBRARIES=... python benchmarks/board_training.py --data_dir=DATA --quickstart_dir=quickstart_out
"""

import json
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import board_firmware
import cifar10_images
import device_training
import numpy as np
import training_runs
from absl import app, flags
from tfdgsu.micro_runtime import Session
from tfdgsu.micro_runtime.bundle import read_bundle
from tfdgsu.micro_runtime.codegen import generate_code
from tfdgsu.micro_runtime.weights_file import read_weights

import tfdgsu
from tfdgsu.atomic_write import atomic_write

sys.path.insert(0, str(board_firmware.EXAMPLE))
import write_images

RAM_BYTES = 256 * 1024
MOBILENET, MOBILENET_CORE = "mobilenet_v2_int8", "M7"
N_MOBILENET_TEST = 2

_QUICKSTART_DIR = flags.DEFINE_string("quickstart_dir", "quickstart_out", "What tfdgsu quickstart wrote.")
_CORES = flags.DEFINE_list("cores", list(board_firmware.TOOLCHAINS), "Which cores.")
_MODELS = flags.DEFINE_list("models", ["digits_int8", "digits_float32", MOBILENET], "Which models.")
_N_DIGITS = flags.DEFINE_integer("n_digits", 200, "Steps on digits.", lower_bound=1)
_N_IMAGES = flags.DEFINE_integer("n_images", 10, "Steps of MobileNetV2.", lower_bound=1)
_BOARD_OUTPUT = flags.DEFINE_string(
    "board_output", "benchmarks/results/board_training.json", "Where to write; runs are added to it."
)


def digits(name: str) -> tuple:
    """(bundle, training images and labels, test images and labels, learning rate)."""
    folder = pathlib.Path(_QUICKSTART_DIR.value)
    bundle = folder / {"digits_int8": "digits_int8.tflite", "digits_float32": "digits.tflite"}[name]
    with np.load(folder / "digits.npz") as data:
        train, test = (data["x"], data["y"]), (data["x_test"], data["y_test"])
    return bundle, _for_firmware(bundle, *train, _N_DIGITS.value), _for_firmware(bundle, *test, 50), 0.002


def mobilenet(work: pathlib.Path) -> tuple:
    """The same of MobileNetV2 and CIFAR-10."""
    folder = cifar10_images.data_folder(device_training._DATA_DIR.value)
    model, scales = tfdgsu.load_int8_checkpoint(folder / device_training.CHECKPOINT, n_classes=cifar10_images.N_CLASSES)
    recipe = training_runs.Recipe(n_steps=_N_IMAGES.value)
    plan = tfdgsu.plan(model, quantize="int8", ram=RAM_BYTES, update_fraction=0.02)
    bundle = work / f"{MOBILENET}.tflite"
    sparse = training_runs.compiled(model, plan, recipe)
    tfdgsu.export.export_training_bundle(sparse, bundle, quantize="int8", scales=scales, callback=recipe.callback())
    parts = []
    for images, n in zip(cifar10_images.load(device_training._DATA_DIR.value), (_N_IMAGES.value, 2), strict=True):
        chosen = images.take(cifar10_images.shuffled(len(images), recipe.seed)[:n])
        parts.append(_for_firmware(bundle, cifar10_images.resized(chosen.images, recipe.image_size), chosen.labels, n))
    return bundle, *parts, recipe.learning_rate


def _for_firmware(bundle, x, y, n):
    return write_images.for_firmware(x[:n], bundle), np.asarray(y[:n], np.int32)


def train_in_session(bundle, train, learning_rate) -> tuple[np.ndarray, dict]:
    """Losses and variables after the same steps on the host."""
    device = Session(bundle)
    x = write_images.as_session_takes(train[0])
    losses = [device.train(image, label, learning_rate) for image, label in zip(x, train[1], strict=True)]
    return np.array(losses, np.float32), device.variables()


def run_on_board(core: str, model: tuple, build: pathlib.Path, work: pathlib.Path) -> dict:
    """What the results say of one run.

    Raises:
        RuntimeError: The board and the host, or prediction and measurement, differ.
    """
    bundle, train, test, learning_rate = model
    generated = work / "generated"
    generate_code(bundle, generated, "model")
    write_images.write_images(generated, train, test, learning_rate)
    program = board_firmware.build(core, generated, build)
    run = board_firmware.run(core, program, len(train[1]), work, timeout_seconds=3600)
    losses, variables = train_in_session(bundle, train, learning_rate)
    contents = read_bundle(bundle)
    on_board = read_weights(run.weights_path, contents)
    differing = [name for name in variables if variables[name].tobytes() != on_board[name].tobytes()]
    if differing or losses.tobytes() != run.losses.tobytes():
        raise RuntimeError(f"Board and host must agree bit for bit. Received: {core}, variables {differing}, {losses}.")
    predicted = contents.header.arena_bytes_cortex_m
    if run.numbers["arena_used_bytes"] != predicted:
        raise RuntimeError(f"The arena must be as predicted, {predicted:,}. Received: {run.numbers}.")
    sections, names = board_firmware.section_bytes(program), board_firmware.symbols(program)
    n_data = sum(names[name] for name in ("model", "train_images", "test_images", "train_labels", "test_labels"))
    static = sections[".data"] + sections[".bss"]
    return {
        "n_steps": len(train[1]),
        "n_test": len(test[1]),
        **run.numbers,
        "arena_predicted_bytes": predicted,
        "bundle_bytes": names["model"],
        "code_bytes": sections[".text"] - n_data + sections[".data"],
        "static_ram_bytes": static,
        "ram_bytes": static + run.numbers["stack_bytes"],
        "n_variables": len(variables),
        "is_equal_to_session": True,
    }


def format_table(runs: dict[str, dict]) -> str:
    """Markdown."""
    columns = ("model", "core", "arena", "stack", "RAM", "code", "instructions/step", "/inference")
    lines = [f"| {' | '.join(columns)} |", f"|---|---|{'---:|' * (len(columns) - 2)}"]
    for name, run in runs.items():
        keys = ("arena_used_bytes", "stack_bytes", "ram_bytes", "code_bytes")
        keys += ("instructions_per_step", "instructions_per_inference")
        lines.append(f"| {' | '.join([*name.split('/'), *(f'{run[key]:,}' for key in keys)])} |")
    return "\n".join(lines)


def main(argv):
    del argv
    reason = board_firmware.missing_prerequisite()
    if reason:
        raise SystemExit(f"The benchmark emulates boards. Remedy: {reason}.")
    output = pathlib.Path(_BOARD_OUTPUT.value)
    document = json.loads(output.read_text()) if output.exists() else {"runs": {}}
    document["what"] = "Training on boards that QEMU emulates, 256 KB of RAM, TFLM's reference kernels; bytes"
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        for name in _MODELS.value:
            model = mobilenet(work) if name == MOBILENET else digits(name)
            for core in [MOBILENET_CORE] if name == MOBILENET else _CORES.value:
                result = run_on_board(core, model, work / f"build-{core}", work)
                document["runs"] = dict(sorted({**document["runs"], f"{name}/{core}": result}.items()))
                print(format_table({f"{name}/{core}": result}), flush=True)
                output.parent.mkdir(parents=True, exist_ok=True)
                atomic_write(output, (json.dumps(document, indent=2) + "\n").encode())
    print(format_table(document["runs"]))


if __name__ == "__main__":
    app.run(main)
