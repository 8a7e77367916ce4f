# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Measures what the custom ops of a bundle cost on emulated Cortex-M cores, and that they do there what they do on the host.

Every custom op of a training step and of an inference is recorded on the host and replayed on each core: instructions
and stack of its Invoke, and every byte that it leaves compared. The ops that TFLM brings are listed, not measured.

    python benchmarks/boards.py && python benchmarks/board_figures.py
    python benchmarks/boards.py --data_dir=DATA     # MobileNetV2, too
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import code_size
import example_bundles
from absl import app, flags
from board_replay import build, record, replay, summarize
from recorded_bundle import RecordedBundle, RecordedOp
from tfdgsu.micro_runtime.emulator import BOARDS, COMPILER, QEMU, missing_tools
from tfdgsu.micro_runtime.recommended_arena import recommend_arena

from tfdgsu.atomic_write import atomic_write

OPTIMIZATIONS = ("-O2", "-Os")

_OUTPUT = flags.DEFINE_string("output", "benchmarks/results/boards.json", "Where to write the results.")
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder with the MobileNetV2. Default: TFDGSU_DATA_DIR, or without it."
)


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
