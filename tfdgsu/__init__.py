# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""On-device training with dynamic gradient sparse update, from Keras to TensorFlow Lite Micro."""

import importlib
from typing import TYPE_CHECKING

# isort: off
from . import quiet_tensorflow  # noqa: F401  (before anything else loads TensorFlow)

# isort: on
from . import policies
from .channel_history import ChannelHistory
from .dynamic_sparse_callback import DynamicSparseCallback
from .expected_gain import measure_gain
from .frozen_front import split_frozen_front
from .int8_checkpoint import load_int8_checkpoint
from .int8_scales import Int8Scales
from .lars import LARS
from .planning import plan
from .sparse_update_model import SparseUpdateModel
from .sparse_update_plan import SparseUpdatePlan

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__version__ = "0.1.0"

__all__ = [
    "LARS",
    "ChannelHistory",
    "DynamicSparseCallback",
    "Int8Scales",
    "SparseUpdateModel",
    "SparseUpdatePlan",
    "__version__",
    "load_int8_checkpoint",
    "measure_gain",
    "plan",
    "policies",
    "split_frozen_front",
]

# These load only when asked for: training in Keras needs none of them.
_LAZY = ("export", "micro_runtime", "plots")
_LAZY_FUNCTIONS = {"load_checkpoint": "micro_runtime"}


def __getattr__(name: str) -> "ModuleType | Callable":
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _LAZY_FUNCTIONS:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY_FUNCTIONS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_LAZY, *_LAZY_FUNCTIONS])
