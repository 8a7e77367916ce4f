# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The fuzz targets: seeds and earlier finds under sanitizers with any compiler, a bounded run with clang."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from corrupt_bundles import corrupt, reseal
from tfdgsu.export.ops.custom import REGISTRY, TensorSpec, pack_options
from tfdgsu.micro_runtime import BundleError
from tfdgsu.micro_runtime.bundle import Bundle
from tfdgsu.micro_runtime.model import CUSTOM, read_model
from tiny_bundle import export_tiny

from fuzz import harness, seeds

RUNTIME = harness.ROOT / "micro_runtime"
RUNS = {"bundle_header": 20_000, "checkpoint": 5_000, "ops": 20_000}
# A check taken out of a copy of the sources: (target, file, what, instead of what).
BROKEN = {
    "header_behind_the_end": ("bundle_header", "trainer/bundle_header.c", " || end - start < kHeaderBytes", ""),
    "checksum_of_no_length": (
        "bundle_header",
        "trainer/bundle_header.c",
        "!= bytes) return kTfdgsuStatusBundleL",
        "> bytes) return kTfdgsuStatusBundleL",
    ),
    "blob_beyond_its_slot": ("checkpoint", "checkpoint/tfdgsu_checkpoint_inspect.c", " || bytes > slot_bytes", ""),
    "older_checkpoint_first": ("checkpoint", "checkpoint/blob.h", "a - b < 0x80000000u", "a > b"),
    "addend_of_another_size": ("ops", "tflm/adapter.c", "if (addend && TfdgsuElements(addend) != n) return false;", ""),
    "channel_out_of_range": ("ops", "tflm/adapter.c", "channels->data.i32[i] < 0 || ", ""),
}

needs_clang = pytest.mark.skipif(not shutil.which("clang"), reason="needs clang with libclang-rt")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """program(target, compiler), built once."""
    folder, built = tmp_path_factory.mktemp("fuzz"), {}

    def get(target, compiler):
        if (target, compiler) not in built:
            built[target, compiler] = harness.build(target, folder / target, compiler)
        return built[target, compiler]

    return get


@pytest.mark.parametrize("target", harness.TARGETS)
def test_seeds_and_earlier_finds_stop_no_target(program, tmp_path, target):
    paths = harness.write_corpus(target, tmp_path)
    done = harness.replay(program(target, "gcc"), paths)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == f"{len(paths)} inputs\n"


def test_a_draw_from_two_billion_channels_is_refused(program, tmp_path):
    """It took minutes, on a microcontroller more."""
    options = {"policy": 2, "period_steps": 1, "seed": 7, "layer_id": 0, "n_channels": 2**31 - 1}
    step, channels = np.zeros(1, np.int32), np.zeros(1, np.int32)
    packed = pack_options("TfdgsuSelectChannels", options)
    data = seeds.op_seed("TfdgsuSelectChannels", packed, [step + 1, step, channels, None], [])
    (tmp_path / "draw").write_bytes(data)
    command = [program("ops", "gcc"), *[tmp_path / "draw"] * 40]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    specs = [TensorSpec((1,), "int32")] * 3
    with pytest.raises(ValueError, match=r"n_channels must be at most 16777216\. Received: 2147483647"):
        REGISTRY["TfdgsuSelectChannels"].check([*specs, None], [], options)


def test_every_op_has_a_seed():
    assert {data[0] for data in seeds.ops_seeds()} == set(range(len(seeds.op_names())))


def test_stored_inputs_are_small():
    stored = [data for target in harness.TARGETS for data in harness.stored_inputs(target)]
    assert stored and sum(map(len, stored)) < 100_000
    assert not {path.stem for path in (harness.FUZZ / "corpus").iterdir()} - set(harness.TARGETS)


def mutations(data, count):
    """Copies with another number among the options of a custom op, or damaged anywhere, and a right checksum."""
    rng = np.random.default_rng(5)
    options = [op.custom_options for op in read_model(data).operators if op.custom_options]
    for i in range(count):
        broken = bytearray(data)
        if i % 4:
            chosen = options[rng.integers(len(options))]
            at = data.find(chosen) + 4 * int(rng.integers(len(chosen) // 4))
            broken[at : at + 4] = int(rng.choice([0, 1, 2, 3, 5, 8, 31, 255, 65536, 2**31 - 1, 2**32 - 1])).to_bytes(
                4, "little"
            )
        yield reseal(bytes(broken) if i % 4 else corrupt(data, rng))


def op_inputs(model):
    """The custom ops of a model as inputs of the target; constants as they are, else ones."""
    for op in model.operators:
        if op.builtin_code != CUSTOM:
            continue
        arrays = []
        for i in (*op.inputs, *op.outputs):
            tensor = model.tensors[i] if i >= 0 else None
            constant = tensor is not None and tensor.data is not None
            values = np.frombuffer(tensor.data, tensor.dtype) if constant else None
            arrays.append(
                None
                if tensor is None
                else values.reshape(tensor.shape)
                if constant
                else np.ones(tensor.shape, tensor.dtype)
            )
        n = len(op.inputs)
        yield seeds.op_seed(op.custom_code, op.custom_options, arrays[:n], arrays[n:])


@pytest.mark.slow
@pytest.mark.parametrize("quantize", [None, "int8"], ids=["float32", "int8"])
def test_what_the_checks_of_python_accept_is_safe_in_c(program, tmp_path, quantize):
    """Ops of bundles that were damaged and accepted nevertheless, every tensor in a block of its own."""
    data = export_tiny(tmp_path / "bundle.tflite", quantize=quantize).read_bytes()
    inputs, n_accepted = set(), 0
    for broken in mutations(data, 400):
        try:
            Bundle(broken)
        except BundleError:
            continue
        n_accepted += 1
        inputs.update(found for found in op_inputs(read_model(broken)) if found is not None)
    assert n_accepted > 40 and len(inputs) > 40
    paths = [tmp_path / str(i) for i in range(len(inputs))]
    for path, found in zip(paths, sorted(inputs), strict=True):
        path.write_bytes(found)
    done = harness.replay(program("ops", "gcc"), paths)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
@needs_clang
@pytest.mark.parametrize("target", harness.TARGETS)
def test_a_bounded_run_finds_nothing(program, tmp_path, target):
    harness.write_corpus(target, tmp_path / "corpus")
    crashes = tmp_path / "crashes"
    runs = (f"-runs={RUNS[target]}", "-seed=1")
    done = harness.fuzz(program(target, "clang"), tmp_path / "corpus", crashes, *runs)
    found = [path.read_bytes().hex() for path in crashes.iterdir()]
    assert done.returncode == 0 and not found, f"{found}\n{done.stderr[-3000:]}"
    executed = int(re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)[1])
    assert executed >= RUNS[target]


@pytest.mark.slow
@needs_clang
@pytest.mark.parametrize("name", BROKEN)
def test_a_missing_check_is_found(tmp_path, name):
    target, path, check, instead = BROKEN[name]
    runtime = tmp_path / "micro_runtime"
    shutil.copytree(RUNTIME, runtime, ignore=shutil.ignore_patterns("*.py", "*.so", "__pycache__"))
    source = runtime / path
    text = source.read_text()
    assert text.count(check) == 1
    source.write_text(text.replace(check, instead))
    broken = harness.build(target, tmp_path, runtime=runtime)
    harness.write_corpus(target, tmp_path / "corpus")
    done = harness.fuzz(broken, tmp_path / "corpus", tmp_path / "crashes", "-runs=100000", "-seed=1")
    assert done.returncode != 0
    assert re.search(r"AddressSanitizer|runtime error|fuzz/\w+\.c:\d+: ", done.stderr), done.stderr[-3000:]
    assert len(list((tmp_path / "crashes").iterdir())) == 1


@pytest.mark.slow
@needs_clang
def test_memory_of_who_starts_a_run_is_not_the_target_s(program, tmp_path):
    ballast = np.ones(1_200 << 20, np.uint8)  # Resident, and more than a target may take.
    harness.write_corpus("checkpoint", tmp_path / "corpus")
    done = harness.fuzz(program("checkpoint", "clang"), tmp_path / "corpus", tmp_path / "crashes", "-max_total_time=3")
    assert done.returncode == 0 and ballast.all(), done.stderr[-3000:]


def test_the_script_wants_targets_that_exist():
    command = [str(harness.FUZZ / "run"), "bundle"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=pathlib.Path("/"))
    assert done.returncode == 2 and "Received: bundle." in done.stderr


@pytest.mark.slow
@needs_clang
def test_the_script_runs_a_target(tmp_path):
    command = [str(harness.FUZZ / "run"), "--seconds", "2", "--out", str(tmp_path), "bundle_header"]
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0 and done.stdout.startswith("bundle_header: ok\n"), done.stdout + done.stderr
    assert len(list((tmp_path / "bundle_header" / "corpus").iterdir())) > len(seeds.bundle_header_seeds()) // 2
