# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Explicit padding of TFLite's SAME and VALID."""

from __future__ import annotations

from collections.abc import Sequence

from tensorflow.lite.python.schema_py_generated import Padding

from ....same_padding import same_padding


def window_options(options, x_shape: Sequence[int], filter_h: int, filter_w: int) -> dict[str, int]:
    """``stride_*`` and ``pad_*`` options of a gradient op.

    Args:
        options: The schema's options object of the forward convolution or pooling.
        x_shape: Shape of its input, ``[B, H, W, C]``.
        filter_h, filter_w: Size of its filter or pooling window.
    """
    return {
        "stride_h": options.strideH,
        "stride_w": options.strideW,
        "pad_top": _leading_padding(options.padding, x_shape[1], filter_h, options.strideH),
        "pad_left": _leading_padding(options.padding, x_shape[2], filter_w, options.strideW),
    }


def _leading_padding(padding: int, in_size: int, filter_size: int, stride: int) -> int:
    return 0 if padding == Padding.VALID else same_padding(in_size, filter_size, stride)[0]
