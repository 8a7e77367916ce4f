# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Two training steps and an inference of the quickstart's bundles, op by op on every emulated core: the host's bits."""

import importlib
import pathlib

import numpy as np
import pytest
from tfdgsu.micro_runtime.emulator import BOARDS, COMPILER, missing_tools

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"
NAMES = ("digits_int8", "digits_float32")

needs_emulator = pytest.mark.skipif(bool(missing_tools()), reason=missing_tools())
needs_compiler = pytest.mark.skipif(bool(missing_tools(COMPILER)), reason=missing_tools(COMPILER))


@pytest.fixture(scope="module")
def modules():
    """The benchmark's: board_replay, code_size, example_bundles."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield [importlib.import_module(name) for name in ("board_replay", "code_size", "example_bundles")]


@pytest.fixture(scope="module")
def records(modules, tmp_path_factory):
    """(bundle, its ops by run) by name. Recording compares with a Session."""
    replay, _, example_bundles = modules
    examples = example_bundles.make_digits(tmp_path_factory.mktemp("digits"))
    return {e.name: replay.record(e.path, e.x, e.y, e.learning_rate) for e in examples}


@pytest.fixture(scope="module")
def make_program(modules, tmp_path_factory):
    """Builds the program that replays, once for a core."""
    replay, code_size, _ = modules
    folder, programs = tmp_path_factory.mktemp("programs"), {}

    def make(core):
        if core not in programs:
            compile_flags = code_size.compile_flags("-O2", folder)
            objects = code_size.compile_runtime(BOARDS[core], compile_flags, folder / core)
            programs[core] = folder / f"{core}.elf"
            replay.build(BOARDS[core], objects, compile_flags, programs[core])
        return programs[core]

    return make


@pytest.mark.slow
@needs_emulator
@pytest.mark.parametrize("core", BOARDS)
def test_bundles_have_the_host_s_bits(modules, records, make_program, core):
    replay = modules[0]
    program = make_program(core)
    assert sorted(records) == sorted(NAMES)
    for name, (bundle, runs) in records.items():
        n_custom = sum(bundle.custom_ops.values())
        assert [len(ops) for ops in runs.values()] == [1, n_custom - 1, n_custom - 1, n_custom - 1]
        assert all(op.n_output_bytes for op in runs["draw"]), name
        measured = replay.replay(BOARDS[core], program, [op for ops in runs.values() for op in ops])
        summary = replay.summarize(runs, measured)
        assert summary["n_bytes_differing"] == 0, name
        assert 0 < summary["instructions"]["infer"] < summary["instructions"]["train"] < summary["instructions"]["draw"]


@pytest.mark.slow
@needs_emulator
def test_another_byte_is_noticed(modules, records, make_program):
    replay = modules[0]
    op = records["digits_int8"][1]["infer"][-1]
    after = [None if array is None else array.copy() for array in op.after]
    after[-1].view(np.uint8)[0] ^= 1
    (measured,) = replay.replay(BOARDS["M4F"], make_program("M4F"), [op._replace(after=after)])
    assert measured.n_differing == 1


@pytest.mark.slow
def test_ops_of_the_int8_bundle_have_the_bits_of_their_references(records):
    _, runs = records["digits_int8"]
    assert [op.case.name for ops in runs.values() for op in ops if op.has_reference_bits is False] == []


def test_ops_that_do_not_do_what_the_bundle_does_are_noticed(modules, bundle_path, examples, monkeypatch):
    recorded_bundle = importlib.import_module("recorded_bundle")
    (x, other, *_), (y, *_) = examples
    bundle = recorded_bundle.RecordedBundle(bundle_path)
    assert bundle.train(x[None], y[None], 0.1)
    monkeypatch.setattr(recorded_bundle, "check_x", lambda *_: other[None])
    with pytest.raises(RuntimeError, match="other bits in: .*'loss'"):
        bundle.train(x[None], y[None], 0.1)


@pytest.mark.slow
@needs_compiler
def test_code_of_a_bundle_is_within_40_kb(modules, records, tmp_path):
    _, code_size, _ = modules
    board = BOARDS["M4F"]
    objects = code_size.compile_runtime(board, code_size.compile_flags("-Os", tmp_path), tmp_path)
    sizes = {name: code_size.code_bytes(board, objects, b.custom_ops, tmp_path) for name, (b, _) in records.items()}
    assert all(size["data"] == 0 for size in sizes.values()), sizes
    assert all(size["own"] + size["library"] <= 40 * 1024 for size in sizes.values()), sizes
    one = code_size.code_bytes(board, objects, ["TfdgsuAdvanceStep"], tmp_path)
    assert 0 < one["own"] < sizes["digits_float32"]["own"] < sizes["digits_int8"]["own"]


def test_the_sections_of_the_readme_are_those_of_the_stored_results(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    figures, generated_parts = (importlib.import_module(name) for name in ("board_figures", "generated_parts"))
    parts = figures.read_parts()
    assert parts
    assert generated_parts.outdated(figures.README, figures.SOURCE, parts) == [], (
        "run python benchmarks/board_figures.py"
    )
