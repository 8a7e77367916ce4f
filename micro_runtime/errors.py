# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What can go wrong on the device's side."""

from ..export.metadata import BundleError

# For whatever a file holds that the exporter would not have written.
REMEDY = "Remedy: copy the bundle again, or export it again."


class ArenaError(MemoryError):
    """The arena is smaller than the interpreter needs."""


class InterpreterError(RuntimeError):
    """TensorFlow Lite Micro refused a model or a step; the message holds what it printed."""


class NonFiniteLossError(FloatingPointError):
    """The loss of a training step was NaN or infinite. The step was not applied."""


def require(condition: bool, rule: str, received) -> None:
    """Raises a BundleError unless `condition` holds; `rule` says what the bundle's part must be."""
    if not condition:
        raise BundleError(f"Bundle's {rule}. Received: {received}. {REMEDY}")


__all__ = ["REMEDY", "ArenaError", "BundleError", "InterpreterError", "NonFiniteLossError", "require"]
