# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A quiet TensorFlow Lite Micro interpreter with the tfdgsu ops registered."""

import re
from typing import NamedTuple

import numpy as np

from ..captured_output import captured_output
from .errors import InterpreterError
from .wheel import REGISTERER, load_native_runtime


class ArenaUsage(NamedTuple):
    """Bytes of the arena as the interpreter's recording allocator counts them."""

    head_bytes: int  # activations, planned to share memory
    tail_bytes: int  # variables and the interpreter's structures
    total_bytes: int


class Interpreter:
    """Runs one model. Whoever constructs it vouches for the model: TFLM verifies nothing.

    Args:
        model: The bytes of a `.tflite` file, kept alive by this object.
        arena_bytes: Size of the arena.

    Raises:
        InterpreterError: TFLM could not allocate the model; says what it printed.
    """

    def __init__(self, model: bytes, arena_bytes: int):
        native = load_native_runtime()
        self._model = model
        with captured_output() as printed:
            try:
                self._native = native.InterpreterWrapper(
                    model, [REGISTERER], arena_bytes, 0, native.PythonInterpreterConfig.kAllocationRecording
                )
            except (RuntimeError, ValueError) as error:
                raise _error("accept", printed.text(), error) from error

    def set_input(self, index: int, value: np.ndarray) -> None:
        """Copies `value` into the subgraph's input at `index`; shape and dtype must match."""
        self._native.SetInputTensor(np.ascontiguousarray(value), index)

    def get_output(self, index: int) -> np.ndarray:
        """A copy of the subgraph's output at `index`."""
        return self._native.GetOutputTensor(index)

    def invoke(self) -> None:
        """Runs the subgraph once."""
        with captured_output() as printed:
            try:
                self._native.Invoke()
            except RuntimeError as error:
                raise _error("run", printed.text(), error) from error

    def reset(self) -> None:
        """Zeroes the variables and resets every op."""
        with captured_output() as printed:
            status = self._native.Reset()
        if status != 0:
            raise _error("reset", printed.text(), None)

    def arena_usage(self) -> ArenaUsage:
        """What the recording allocator counted."""
        with captured_output() as printed:
            self._native.PrintAllocations()
        counts = dict(re.findall(r"Arena allocation (total|head|tail) (\d+) bytes", printed.text()))
        return ArenaUsage(*(int(counts[part]) for part in ("head", "tail", "total")))


def _error(what: str, printed: str, error: Exception | None) -> InterpreterError:
    said = "; ".join(line.strip() for line in printed.splitlines() if line.strip())
    return InterpreterError(
        f"TFLM must {what} the model. Received: {said or error or 'no reason given'}. "
        "Remedy: give it a larger arena if it names one; else export the bundle again with this release."
    )
