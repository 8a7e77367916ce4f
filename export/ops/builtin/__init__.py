# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Builtin TFLite ops that a gradient can pass through, one file per op."""

from . import (  # noqa: F401  (importing a file registers its rule)
    add,
    concatenation,
    conv_2d,
    depthwise_conv_2d,
    fully_connected,
    logistic,
    mul,
    pad,
    pool_2d,
    quantize,
    reduction,
    relu,
    reshape,
    softmax,
)
from .registry import GRADIENT_RULES

__all__ = ["GRADIENT_RULES"]
