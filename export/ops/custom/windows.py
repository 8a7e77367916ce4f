# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Geometry of sliding windows: explicit top/left padding, the rest follows from shapes."""

import numpy as np

from .base import Field

STRIDE_AND_PADDING = (
    Field("stride_h", "i"),
    Field("stride_w", "i"),
    Field("pad_top", "i"),
    Field("pad_left", "i"),
)


def check_windows(op, image_hw, output_hw, filter_hw, options):
    """Every window must touch the image: so no output is made of padding only."""
    axes = zip("hw", image_hw, output_hw, filter_hw, (options["pad_top"], options["pad_left"]))
    for axis, image, output, size, pad in axes:
        stride = options[f"stride_{axis}"]
        op.require(stride >= 1, "strides must be positive", stride)
        op.require(0 <= pad < size, f"padding must be in [0, filter size {size})", pad)
        last = (output - 1) * stride - pad
        op.require(last < image, f"the last window must start inside the image of {image}", last)


def pad_image(x, output_hw, filter_hw, options, value=0):
    """Pads `x` [B,H,W,C] so that every window lies inside. Returns the padded copy."""
    top, left = options["pad_top"], options["pad_left"]
    height = (output_hw[0] - 1) * options["stride_h"] + filter_hw[0]
    width = (output_hw[1] - 1) * options["stride_w"] + filter_hw[1]
    bottom = max(0, height - top - x.shape[1])
    right = max(0, width - left - x.shape[2])
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)


def pad_columns(x, output_w, filter_w, options):
    """Pads `x` [B,H,W,C] to the left and the right only, by zeros. Returns the padded copy."""
    left = options["pad_left"]
    width = (output_w - 1) * options["stride_w"] + filter_w
    return np.pad(x, ((0, 0), (0, 0), (left, max(0, width - left - x.shape[2])), (0, 0)))


def tap(padded, ky, kx, output_hw, options):
    """View [B,Ho,Wo,C] of the elements that every window holds at offset (ky, kx)."""
    stride_h, stride_w = options["stride_h"], options["stride_w"]
    rows = slice(ky, ky + (output_hw[0] - 1) * stride_h + 1, stride_h)
    columns = slice(kx, kx + (output_hw[1] - 1) * stride_w + 1, stride_w)
    return padded[:, rows, columns]


def crop_image(padded, image_shape, options):
    """The image inside a padded array; inverse of `pad_image`."""
    top, left = options["pad_top"], options["pad_left"]
    return padded[:, top : top + image_shape[1], left : left + image_shape[2]].copy()


def positions_of_tap(ky, kx, image_shape, output_shape, options):
    """Pairs of indices (b, y, x), (b, oy, ox): image positions that a tap reads and for which outputs, in their order."""
    for b in range(output_shape[0]):
        for oy in range(output_shape[1]):
            y = oy * options["stride_h"] - options["pad_top"] + ky
            for ox in range(output_shape[2]):
                x = ox * options["stride_w"] - options["pad_left"] + kx
                if 0 <= y < image_shape[1] and 0 <= x < image_shape[2]:
                    yield (b, y, x), (b, oy, ox)
