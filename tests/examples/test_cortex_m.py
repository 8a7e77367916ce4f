# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The firmware of examples/cortex_m, on stock TFLM and emulated boards with 256 KB of RAM, does what a Session does."""

import functools
import pathlib
import re
import sys

import numpy as np
import pytest
from tfdgsu.micro_runtime import Session
from tfdgsu.micro_runtime.bundle import read_bundle
from tfdgsu.micro_runtime.codegen import generate_code
from tfdgsu.micro_runtime.weights_file import read_weights

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "benchmarks"))
import board_firmware

CORES = tuple(board_firmware.TOOLCHAINS)
KINDS = ("int8", "float32")
N_STEPS, N_TEST, LEARNING_RATE = 50, 50, 0.002
STACK_BYTES = 16 * 1024  # What the linker script keeps free for it.

_MISSING = board_firmware.missing_prerequisite()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(_MISSING), reason=_MISSING)]


@pytest.fixture(scope="module")
def images(modules, digit_images, digit_bundles):
    """((x, y) to train, (x, y) to test) by kind, x as the firmware holds them."""
    import write_images

    def choose(examples, n, kind):
        return write_images.for_firmware(examples.x[:n], digit_bundles[kind]), examples.y[:n]

    return {
        kind: (choose(digit_images.fine_tune, N_STEPS, kind), choose(digit_images.held_out, N_TEST, kind))
        for kind in KINDS
    }


@pytest.fixture(scope="module")
def generated(images, digit_bundles, tmp_path_factory):
    """Folders with what the firmware compiles, by kind."""
    import write_images

    folders = {kind: tmp_path_factory.mktemp(kind) for kind in KINDS}
    for kind, folder in folders.items():
        generate_code(digit_bundles[kind], folder, "model")
        write_images.write_images(folder, *images[kind], LEARNING_RATE)
    return folders


@pytest.fixture(scope="module")
def build_folders(tmp_path_factory):
    """One for each core, so that its libraries are built once."""
    return {core: tmp_path_factory.mktemp(f"build_{core}") for core in CORES}


@pytest.fixture(scope="module")
def firmware(generated, build_folders, tmp_path_factory):
    """A function of core and kind: (program, what it did in N_STEPS steps)."""

    @functools.cache
    def build_and_run(core, kind):
        folder = tmp_path_factory.mktemp(f"{core}_{kind}")
        built = board_firmware.build(core, generated[kind], build_folders[core])
        program = folder / "train.elf"
        program.write_bytes(built.read_bytes())
        return program, board_firmware.run(core, program, N_STEPS, folder)

    return build_and_run


@pytest.fixture(scope="module")
def sessions(images, digit_bundles):
    """By kind: the losses of the same steps in a Session, its variables, and how many test images it gets right."""
    import write_images

    results = {}
    for kind in KINDS:
        (x, y), (x_test, y_test) = ((write_images.as_session_takes(x), y) for x, y in images[kind])
        device = Session(digit_bundles[kind])

        def n_right(device=device, x_test=x_test, y_test=y_test):
            return sum(
                int(np.argmax(device.infer(image))) == label for image, label in zip(x_test, y_test, strict=True)
            )

        before = n_right()
        losses = [device.train(image, label, LEARNING_RATE) for image, label in zip(x, y, strict=True)]
        results[kind] = np.array(losses, np.float32), device.variables(), (before, n_right())
    return results


both = pytest.mark.parametrize("kind", KINDS)
every_core = pytest.mark.parametrize("core", CORES)


@every_core
@both
def test_fifty_steps_equal_a_session_bit_for_bit(core, kind, firmware, sessions, digit_bundles):
    losses, variables, _ = sessions[kind]
    _, run = firmware(core, kind)
    np.testing.assert_array_equal(run.losses.view(np.int32), losses.view(np.int32))
    on_board = read_weights(run.weights_path, read_bundle(digit_bundles[kind]))
    assert [name for name in variables if variables[name].tobytes() != on_board[name].tobytes()] == []
    factory = Session(digit_bundles[kind]).variables()
    assert any((variables[name] != factory[name]).any() for name in variables if name.endswith("kernel"))


@every_core
@both
def test_arena_is_what_the_exporter_predicted(core, kind, firmware, digit_bundles):
    header = read_bundle(digit_bundles[kind]).header
    _, run = firmware(core, kind)
    assert run.numbers["arena_used_bytes"] == header.arena_bytes_cortex_m
    assert run.numbers["arena_bytes"] == header.minimum_arena_bytes_cortex_m


@every_core
@both
def test_a_restored_checkpoint_gives_the_same_accuracy(core, kind, firmware, sessions):
    _, _, (before, after) = sessions[kind]
    _, run = firmware(core, kind)
    assert "variables: changed by the reset, restored\n" in run.text
    assert (run.numbers["n_right_before"], run.numbers["n_right_after"]) == (before, after)
    assert run.numbers["n_right_restored"] == after


@both
def test_a_session_goes_on_from_the_board_s_checkpoint(kind, firmware, sessions, digit_bundles):
    _, run = firmware("M7", kind)
    device = Session(digit_bundles[kind])
    device.restore(run.weights_path)
    _, variables, _ = sessions[kind]
    assert all(value.tobytes() == variables[name].tobytes() for name, value in device.variables().items())


@every_core
@both
def test_no_heap_is_linked_and_the_stack_is_large_enough(core, kind, firmware):
    program, run = firmware(core, kind)
    names = board_firmware.symbols(program)
    assert "main" in names
    heap = re.compile(r"_?(m|c|re)alloc(_r)?|_?free(_r)?|_sbrk(_r)?|_Zn[wa].*|_Zd[la].*")
    assert [name for name in names if heap.fullmatch(name)] == []
    assert 0 < run.numbers["stack_bytes"] < STACK_BYTES


@every_core
def test_an_arena_that_does_not_fit_256_kb_does_not_link(core, generated, build_folders, tmp_path):
    folder = tmp_path / "generated"
    folder.mkdir()
    for path in generated["int8"].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    header = folder / "model.h"
    text, n = re.subn(r"(kModelArenaBytesCortexM) = \d+", r"\1 = 253952", header.read_text())
    assert n == 1
    header.write_text(text)
    with pytest.raises(RuntimeError, match="256 KB of RAM"):
        board_firmware.build(core, folder, build_folders[core])
