# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""One stage of a `ConvBlock`: its geometry, its arithmetic, and the scratch that all stages together need."""

import dataclasses

import numpy as np

from .fixed_point import scale_sums
from .windows import check_windows, pad_image, tap


@dataclasses.dataclass(frozen=True)
class Stage:
    """A convolution of a block: conv, depthwise or project.

    Attributes:
        name: Which of them.
        in_hw, out_hw: Height and width of the image and of the result.
        w_shape: Of the filter.
        vector_shapes: Of bias, multiplier and shift; None for an absent bias.
        window: `stride_h`, `stride_w`, `pad_top`, `pad_left`.
        zero_point, low, high: Zero point and range of the result.
    """

    name: str
    in_hw: tuple[int, int]
    out_hw: tuple[int, int]
    w_shape: tuple[int, ...]
    vector_shapes: tuple
    window: dict[str, int]
    zero_point: int
    low: int
    high: int

    @classmethod
    def of(cls, name, in_hw, shapes, options):
        """From the shapes of filter, bias, multiplier and shift, and the block's options."""
        window, out_hw = {"stride_h": 1, "stride_w": 1, "pad_top": 0, "pad_left": 0}, tuple(in_hw)
        if name != "project":
            window = {key: options[f"{name}_{key}"] for key in window}
            out_hw = (options[f"{name}_out_h"], options[f"{name}_out_w"])
        low, high = options[f"{name}_min"], options[f"{name}_max"]
        vectors = tuple(shapes[1:])
        return cls(name, tuple(in_hw), out_hw, shapes[0], vectors, window, options[f"{name}_zero_point"], low, high)

    @property
    def is_depthwise(self):
        """Whether every channel is filtered by itself."""
        return self.name == "depthwise"

    @property
    def out_c(self):
        """Channels of the result."""
        return self.w_shape[3 if self.is_depthwise else 0]

    @property
    def n_summands(self):
        """Products in one sum."""
        _, height, width, channels = self.w_shape
        return height * width * (1 if self.is_depthwise else channels)

    def output_shape(self, batches):
        """[B,H,W,C] of the result."""
        return (batches, *self.out_hw, self.out_c)

    def check_windows(self, op):
        """The rules of `windows.check_windows`, and a result that is not empty."""
        op.require(min(self.out_hw) >= 1, f"{self.name}_out_h and {self.name}_out_w must be positive", self.out_hw)
        check_windows(op, self.in_hw, self.out_hw, self.w_shape[1:3], self.window)


def run(stage, x, x_zero_point, w, bias, scaling):
    """The stage's int8 result, by exact integers."""
    padded = pad_image(x.astype(np.int64) - x_zero_point, stage.out_hw, w.shape[1:3], stage.window)
    sums = np.zeros(stage.output_shape(x.shape[0]), np.int64) + (0 if bias is None else bias.astype(np.int64))
    for ky in range(w.shape[1]):
        for kx in range(w.shape[2]):
            values = tap(padded, ky, kx, stage.out_hw, stage.window)
            if stage.is_depthwise:
                sums += values * w[0, ky, kx].astype(np.int64)
            else:
                sums += values @ w[:, ky, kx].astype(np.int64).T
    return np.clip(scale_sums(sums, *scaling) + stage.zero_point, stage.low, stage.high).astype(np.int8)


def merge_overlay(w, overlay, channels):
    """The filter with the overlay's channels added in."""
    merged = w.astype(np.int64)
    np.add.at(merged, (..., channels), overlay.astype(np.int64))
    return merged


def put_overlay(w, overlay, channels):
    """The filter with the overlay's channels in place of its own; without overlay the filter itself."""
    if overlay is None:
        return w
    merged = w.copy()
    merged[..., channels] = overlay
    return merged


def check_overlay(op, w, overlay, channels):
    """The rule of an overlay's shapes, given the filter's; all may be None."""
    op.require((overlay is None) == (channels is None), "an overlay needs its channels", (overlay, channels))
    if overlay is None:
        return
    op.require(w is not None and len(w) == 4, "an overlay needs a filter", w)
    op.require(len(channels) == 1 and channels[0] <= w[3], f"`overlay_channels` must be [Q <= {w[3]}]", channels)
    expected = (*w[:3], *channels)
    op.require(overlay == expected, f"`overlay` must have shape {expected}", overlay)


def scratch_bytes(block):
    """Rows of the conv stage's result as far as the depthwise filter reaches, and a row of the depthwise result."""
    by_name = {stage.name: stage for stage in block}
    conv, depthwise = by_name.get("conv"), by_name.get("depthwise")
    total = 0
    if conv and conv is not block[-1]:
        n_rows = min(depthwise.w_shape[1], conv.out_hw[0]) if depthwise else 1
        total += n_rows * conv.out_hw[1] * conv.out_c
    if depthwise and depthwise is not block[-1]:
        total += depthwise.out_hw[1] * depthwise.out_c
    return total
