# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Records the custom ops of a bundle on the host, and replays them on an emulated core: instructions, stack, bytes."""

import dataclasses
import pathlib
from collections.abc import Iterable

from code_size import case_file
from recorded_bundle import RecordedBundle, RecordedOp
from tfdgsu.micro_runtime.emulator import Board

ROOT = pathlib.Path(__file__).resolve().parents[1]
RUNS = ("load", "draw", "train", "infer")


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
            case_file.write_case(file, op.case, op.constants)
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
