# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What can go wrong on the device's side."""

from ..export.metadata import BundleError


class ArenaError(MemoryError):
    """The arena is smaller than the interpreter needs."""


class InterpreterError(RuntimeError):
    """TensorFlow Lite Micro refused a model or a step; the message holds what it printed."""


class NonFiniteLossError(FloatingPointError):
    """The loss of a training step was NaN or infinite. The step was not applied."""


__all__ = ["ArenaError", "BundleError", "InterpreterError", "NonFiniteLossError"]
