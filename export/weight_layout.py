# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Kernel layouts of Keras and of TFLite, and the way between them.

================  ====================  =====================
Keras layer       Keras kernel          TFLite filter
================  ====================  =====================
Conv2D            [kh, kw, I, O]        [O, kh, kw, I]
Conv1D            [k, I, O]             [O, 1, k, I]
DepthwiseConv2D   [kh, kw, C, m]        [1, kh, kw, C * m]
Dense             [I, O]                [O, I]
================  ====================  =====================

A slice of selected input channels (I = k, or C = k) converts the same way.
"""

from __future__ import annotations

import numpy as np


def to_tflite(kind: str, kernel: np.ndarray) -> np.ndarray:
    """Kernel of a Keras layer class in TFLite's layout, as a contiguous copy."""
    if kind == "Conv2D":
        converted = kernel.transpose(3, 0, 1, 2)
    elif kind == "Conv1D":
        converted = kernel.transpose(2, 0, 1)[:, np.newaxis]
    elif kind == "DepthwiseConv2D":
        converted = kernel.reshape(1, *kernel.shape[:2], -1)
    elif kind == "Dense":
        converted = kernel.T
    else:
        raise ValueError(_unknown(kind))
    return np.ascontiguousarray(converted)


def to_keras(kind: str, kernel: np.ndarray, keras_shape: tuple[int, ...]) -> np.ndarray:
    """Inverse of ``to_tflite``; ``keras_shape`` settles the depth multiplier."""
    if kind == "Conv2D":
        converted = kernel.transpose(1, 2, 3, 0)
    elif kind == "Conv1D":
        converted = kernel[:, 0].transpose(1, 2, 0)
    elif kind == "DepthwiseConv2D":
        converted = kernel.reshape(keras_shape)
    elif kind == "Dense":
        converted = kernel.T
    else:
        raise ValueError(_unknown(kind))
    return np.ascontiguousarray(converted)


def _unknown(kind: str) -> str:
    return (
        "Update layers are Conv2D, Conv1D, DepthwiseConv2D or Dense. "
        f"Received: a layer of class {kind}. Remedy: leave it out of the plan."
    )
