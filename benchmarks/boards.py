# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Measures what the custom ops of a bundle cost on emulated Cortex-M cores, and that they do there what they do on the host.

Every custom op of a training step and of an inference is recorded on the host and replayed on each core: instructions
and stack of its Invoke, and every byte that it leaves compared. The ops that TFLM brings are listed, not measured.

    python benchmarks/boards.py && python benchmarks/board_figures.py
    python benchmarks/boards.py --data_dir=DATA     # MobileNetV2, too
"""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import code_size
import example_bundles
from absl import app, flags
from case_file import write_case
from recorded_bundle import RecordedBundle, RecordedOp
from tfdgsu.micro_runtime.emulator import BOARDS, COMPILER, QEMU, Board, missing_tools
from tfdgsu.micro_runtime.recommended_arena import recommend_arena

from tfdgsu.atomic_write import atomic_write

ROOT = pathlib.Path(__file__).resolve().parents[1]
OPTIMIZATIONS = ("-O2", "-Os")
RUNS = ("load", "draw", "train", "infer")

_OUTPUT = flags.DEFINE_string("output", "benchmarks/results/boards.json", "Where to write the results.")
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder with the MobileNetV2. Default: TFDGSU_DATA_DIR, or without it."
)


@dataclasses.dataclass(frozen=True)
class Measured:
    """One run of one op on a core.

    Attributes:
        instructions: Of its Invoke.
        stack_bytes: Of the same, adapter, kernels and library.
        n_differing: Bytes of its operands and results, all compared, that are not the host's.
    """

    instructions: int
    stack_bytes: int
    n_differing: int


def record(path: pathlib.Path, x, y, learning_rate: float) -> tuple[RecordedBundle, dict[str, list[RecordedOp]]]:
    """A bundle and its custom ops by run: the variables' load, a step that draws channels, one that does not, an inference."""
    bundle = RecordedBundle(path)
    steps = [bundle.train(x, y, learning_rate) for _ in range(2)]
    return bundle, dict(zip(RUNS, (bundle.load, *steps, bundle.infer(x)), strict=True))


def build(board: Board, objects: list[pathlib.Path], compile_flags: list[str], program: pathlib.Path) -> None:
    """Links the program that replays."""
    tests = f"-I{ROOT / 'tests' / 'micro_runtime'}"
    board.build(program, [ROOT / "benchmarks" / "measure_cases.c", *objects], [*compile_flags, tests])


def replay(board: Board, program: pathlib.Path, ops: Iterable[RecordedOp]) -> list[Measured]:
    """Runs recorded ops on a core."""
    ops, folder = list(ops), program.parent
    with open(folder / "cases", "wb") as file:
        for op in ops:
            write_case(file, op.case, op.constants)
    lines = board.run(program, ["cases", "results"], folder=folder, timeout_seconds=300).splitlines()
    results = (folder / "results").read_bytes()
    measured = []
    for op, line in zip(ops, lines, strict=True):
        ticks, stack_bytes = map(int, line.split())
        expected = b"".join(array.tobytes() for array in op.after if array is not None)
        actual, results = results[: len(expected)], results[len(expected) :]
        n_differing = sum(one != two for one, two in zip(actual, expected, strict=True))
        measured.append(Measured(round(board.instructions(ticks)), stack_bytes, n_differing))
    if results:
        raise RuntimeError(f"A board must write what the host wrote. Received: {len(results)} bytes more.")
    return measured


def summarize(runs: dict[str, list[RecordedOp]], measured: list[Measured]) -> dict:
    """Sums of one bundle on one core, by run, and what they consist of."""
    names = [(run, op.case.name) for run, ops in runs.items() for op in ops]
    by_op: dict[str, dict[str, int]] = {run: {} for run in runs}
    for (run, name), one in zip(names, measured, strict=True):
        by_op[run][name] = by_op[run].get(name, 0) + one.instructions
    deepest = max(range(len(measured)), key=lambda i: measured[i].stack_bytes)
    return {
        "instructions": {run: sum(counts.values()) for run, counts in by_op.items()},
        "stack_bytes": measured[deepest].stack_bytes,
        "deepest_op": names[deepest][1],
        "n_bytes_differing": sum(one.n_differing for one in measured),
        "by_op": {run: dict(sorted(by_op[run].items(), key=lambda item: -item[1])) for run in ("train", "infer")},
    }


def describe(bundle: RecordedBundle, runs: dict[str, list[RecordedOp]]) -> dict:
    """What does not depend on the core."""
    flat = bundle.bundle
    ran = [op for ops in runs.values() for op in ops if op.has_reference_bits is not None]
    return {
        "arena_bytes_cortex_m": recommend_arena(flat, flat.header.minimum_arena_bytes_cortex_m),
        "bundle_bytes": len(flat.data),
        "builtin_ops": bundle.builtin_ops,
        "custom_ops": bundle.custom_ops,
        "n_ops_compared": len(ran),
        "n_output_bytes_compared": sum(op.n_output_bytes for op in ran),
        "n_ops_with_bits_of_numpy": sum(bool(op.has_reference_bits) for op in ran),
        "code_bytes_os": {},
        "cores": {},
    }


def measure(examples: list[example_bundles.Example], folder: pathlib.Path) -> dict[str, dict]:
    """Everything, by name of the bundle."""
    records = {e.name: record(e.path, e.x, e.y, e.learning_rate) for e in examples}
    results = {e.name: describe(*records[e.name]) for e in examples}
    for core, board in BOARDS.items():
        for optimization in OPTIMIZATIONS:
            start = time.monotonic()
            compile_flags = code_size.compile_flags(optimization, folder)
            objects = code_size.compile_runtime(board, compile_flags, folder / f"{core}{optimization}")
            program = folder / f"{core}{optimization}.elf"
            build(board, objects, compile_flags, program)
            for name, (bundle, runs) in records.items():
                measured = replay(board, program, (op for ops in runs.values() for op in ops))
                results[name]["cores"].setdefault(core, {})[optimization] = summarize(runs, measured)
                if optimization == "-Os":
                    size = code_size.code_bytes(board, objects, bundle.custom_ops, folder)
                    results[name]["code_bytes_os"][core] = size
            print(f"{core} {optimization}: {time.monotonic() - start:.0f} s", flush=True)
    return results


def tool_version(tool: str) -> str:
    """A tool's name and version, e.g. "arm-none-eabi-gcc 12.2.1"."""
    printed = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"\s([0-9]+[.][0-9.]*[0-9])", printed)[1]
    return f"{tool} {version}"


def show(results: dict[str, dict]) -> bool:
    """Prints the verdicts; whether all hold."""
    holds = True
    for name, bundle in results.items():
        code = bundle["code_bytes_os"]["M4F"]
        n_bytes = code["own"] + code["library"]
        fits = n_bytes <= code_size.LIMIT_BYTES
        differing = sum(run["n_bytes_differing"] for core in bundle["cores"].values() for run in core.values())
        verdicts = ("TOO LARGE", "holds"), (f"{differing:,} BYTES DIFFER", "every byte is the host's")
        print(f"{name}: code at -Os on M4F {n_bytes:,} of {code_size.LIMIT_BYTES:,} bytes: {verdicts[0][fits]}")
        print(f"{name}: {verdicts[1][not differing]}")
        holds = holds and fits and not differing
    return holds


def main(_) -> None:
    if missing_tools():
        raise app.UsageError(f"This benchmark {missing_tools()}.")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        results = measure(example_bundles.make_all(folder, _DATA_DIR.value), folder)
    tools = [tool_version(COMPILER), tool_version(QEMU)]
    document = {"tools": tools, "code_limit_bytes": code_size.LIMIT_BYTES, "bundles": results}
    atomic_write(_OUTPUT.value, (json.dumps(document, indent=2) + "\n").encode())
    if not show(results):
        raise SystemExit(1)


if __name__ == "__main__":
    app.run(main)
