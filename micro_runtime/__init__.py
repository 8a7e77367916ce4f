# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Training bundles on TensorFlow Lite Micro, in this process: `Session`."""

if __name__ != "tfdgsu.micro_runtime":
    raise ImportError(
        "This folder is imported as 'tfdgsu.micro_runtime'. "
        f"Received: import of '{__name__}'. Remedy: run 'pip install -e .' and use 'import tfdgsu.micro_runtime'."
    )

from .arena_report import ArenaReport
from .codegen import GeneratedCode, generate_code
from .errors import ArenaError, BundleError, InterpreterError, NonFiniteLossError
from .evaluation import Evaluation
from .inspection import BundleInspection, inspect_bundle
from .keras_checkpoint import load_checkpoint
from .session import Session
from .weights_file import WeightsFileError

__all__ = [
    "ArenaError",
    "ArenaReport",
    "BundleError",
    "BundleInspection",
    "Evaluation",
    "GeneratedCode",
    "InterpreterError",
    "NonFiniteLossError",
    "Session",
    "WeightsFileError",
    "generate_code",
    "inspect_bundle",
    "load_checkpoint",
]
