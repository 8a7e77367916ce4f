# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Explicit padding of TFLite's SAME and VALID."""

from __future__ import annotations

from tensorflow.lite.python.schema_py_generated import Padding


def leading_padding(padding: int, in_size: int, out_size: int, filter_size: int, stride: int) -> int:
    """Rows (or columns) of zeros in front of the image.

    SAME puts the odd row behind (https://www.tensorflow.org/api_docs/python/tf/nn, "Notes on padding").
    """
    if padding == Padding.VALID:
        return 0
    return max((out_size - 1) * stride + filter_size - in_size, 0) // 2


def window_options(options, x_shape, y_shape, filter_h: int, filter_w: int) -> dict[str, int]:
    """``stride_*`` and ``pad_*`` options of a conv or pool gradient, NHWC shapes."""
    return {
        "stride_h": options.strideH,
        "stride_w": options.strideW,
        "pad_top": leading_padding(options.padding, x_shape[1], y_shape[1], filter_h, options.strideH),
        "pad_left": leading_padding(options.padding, x_shape[2], y_shape[2], filter_w, options.strideW),
    }
