# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Asks TFLM itself how much arena a model takes, in a process of its own.

A failing allocation may end the process rather than raise, and the figures are printed, not returned. So this file
is also a script: it tries each model in a fork and prints a line of JSON for each.
"""

import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import NamedTuple

PLENTY_BYTES = 1 << 25
_WHEEL = pathlib.Path(__file__).parents[1] / "micro_runtime" / "wheel.py"
_TIMEOUT_S = 120


class ArenaUsage(NamedTuple):
    """What the recording allocator printed, in bytes; `by_kind` with its own names for kinds of data."""

    head_bytes: int
    tail_bytes: int
    total_bytes: int
    by_kind: dict[str, int]


def measure_arena(model: bytes, arena_bytes: int = PLENTY_BYTES) -> ArenaUsage:
    """Allocates a model.

    Raises:
        RuntimeError: TFLM can't, with what it printed.
    """
    [(usage, printed)] = probe_arenas([(model, arena_bytes)])
    if usage is None:
        raise RuntimeError(f"TFLM must allocate the model. It printed: {printed}")
    return usage


def probe_arenas(attempts: list[tuple[bytes, int]]) -> list[tuple[ArenaUsage | None, str]]:
    """Tries models with arena sizes; the usage is None where it failed. Also returns what was printed."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = []
        for i, (model, arena_bytes) in enumerate(attempts):
            path = pathlib.Path(folder, f"{i}.tflite")
            path.write_bytes(model)
            arguments += [str(path), str(arena_bytes)]
        done = subprocess.run(
            [sys.executable, __file__, *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    return [_parse(json.loads(line)) for line in done.stdout.splitlines()]


def _parse(printed: str) -> tuple[ArenaUsage | None, str]:
    parts = {k: int(v) for k, v in re.findall(r"Arena allocation (total|head|tail) (\d+) bytes", printed)}
    if not parts:
        return None, printed
    kinds = {k: int(v) for k, v in re.findall(r"'([^']+)' used (\d+) bytes", printed)}
    return ArenaUsage(parts["head"], parts["tail"], parts["total"], kinds), printed


def _load_native_runtime():
    spec = importlib.util.spec_from_file_location("wheel", _WHEEL)
    wheel = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(wheel)
    return wheel.load_native_runtime(), wheel.REGISTERER


def _main(arguments: list[str]) -> None:
    native, registerer = _load_native_runtime()
    for path, arena_bytes in zip(arguments[::2], arguments[1::2], strict=True):
        with tempfile.TemporaryFile() as printed:
            child = os.fork()
            if child == 0:
                os.dup2(printed.fileno(), 2)
                _allocate(native, registerer, pathlib.Path(path).read_bytes(), int(arena_bytes))
                os._exit(0)
            os.waitpid(child, 0)
            printed.seek(0)
            print(json.dumps(printed.read().decode(errors="replace")), flush=True)


def _allocate(native, registerer: str, model: bytes, arena_bytes: int) -> None:
    recording = native.PythonInterpreterConfig.kAllocationRecording
    try:
        interpreter = native.InterpreterWrapper(model, [registerer], arena_bytes, 0, recording)
        interpreter.PrintAllocations()
    except RuntimeError as error:
        os.write(2, str(error).encode())


if __name__ == "__main__":
    _main(sys.argv[1:])
