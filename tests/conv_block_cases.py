# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Convolution blocks on edge shapes: operands, options and results' shapes of `TfdgsuConvBlock`."""

import dataclasses

import numpy as np
from op_case import Case
from tfdgsu.export.ops.custom import REGISTRY
from tfdgsu.export.ops.custom.fixed_point import add_scalings, convolution_scalings
from tfdgsu.export.ops.custom.masks import mask_bytes

NAME = "TfdgsuConvBlock"
STAGES = ("conv", "depthwise", "project")


@dataclasses.dataclass(frozen=True)
class Stage:
    """One convolution: filter, stride, padding ("SAME", "VALID" or (top, left, bottom, right)), result's channels."""

    filter: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: str | tuple[int, int, int, int] = "SAME"
    channels: int = 0  # of the result; a depthwise stage keeps those it gets
    zero_point: int = -128
    activation: str = "NONE"
    scale: float = 0.05
    w_scale: float = 0.01
    has_bias: bool = True

    @property
    def range(self):
        """Smallest and largest result: ReLU6 ends where the int8 range does, or before."""
        if self.activation == "NONE":
            return -128, 127
        return max(-128, self.zero_point), min(127, self.zero_point + round(6 / self.scale))

    def geometry(self, hw):
        """(pads of both axes, output height and width)."""
        if self.padding == "SAME":
            out = tuple(-(-size // s) for size, s in zip(hw, self.stride))
            totals = [max(0, (o - 1) * s + f - i) for o, s, f, i in zip(out, self.stride, self.filter, hw)]
            return tuple(total // 2 for total in totals), out
        pads = (0, 0, 0, 0) if self.padding == "VALID" else self.padding
        sizes = [hw[0] + pads[0] + pads[2], hw[1] + pads[1] + pads[3]]
        return pads[:2], tuple((i - f) // s + 1 for i, f, s in zip(sizes, self.filter, self.stride))


@dataclasses.dataclass(frozen=True)
class Block:
    """A chain of stages; `x_hw` and `x_channels` of the image."""

    conv: Stage | None = None
    depthwise: Stage | None = None
    project: Stage | None = None
    batches: int = 1
    x_hw: tuple[int, int] = (5, 6)
    x_channels: int = 3
    x_zero_point: int = 3
    x_scale: float = 0.04
    masks: tuple[str, ...] = ()
    has_add: bool = False
    add_zero_point: int = -5
    add_scale: float = 0.06
    n_overlay: int = 0
    is_saturated: bool = False
    ends: tuple[int, int] = (-128, -127)  # of image and weights, all of them, if is_saturated
    is_small: bool = False  # image and weights lie in [-3, 3], so that results are not clamped


CONV3 = Stage((3, 3), channels=5)
EXPAND = Stage(channels=9)
DEPTHWISE = Stage((3, 3))
PROJECT = Stage(channels=4, zero_point=7)
TINY = {"scale": 40.0, "w_scale": 1e-9}
LARGE = {"scale": 0.001, "w_scale": 0.9}
SYMMETRIC = {"stride": (2, 2), "padding": (1, 1, 1, 1)}

BLOCKS = {
    "conv1x1": Block(EXPAND),
    "conv1x1_to_1": Block(Stage(channels=1), x_channels=1),
    "conv3x3": Block(CONV3, masks=("conv",)),
    "conv_same_stride2": Block(Stage((3, 3), (2, 2), channels=17), x_hw=(7, 8), batches=2),
    "conv_symmetric_stride2": Block(Stage((3, 3), channels=8, **SYMMETRIC), x_hw=(6, 8), x_zero_point=-128),
    "conv_valid": Block(Stage((2, 3), (2, 1), "VALID", 7), x_hw=(7, 6), x_zero_point=127),
    "conv_image_below_filter": Block(Stage((5, 5), channels=2), x_hw=(2, 1)),
    "conv_no_bias": Block(Stage((3, 3), channels=4, has_bias=False)),
    "conv_add": Block(Stage((3, 3), channels=3, zero_point=127), has_add=True),
    "conv_overlay": Block(Stage((3, 3), channels=6), x_channels=7, n_overlay=3),
    "conv_overlay_wide": Block(Stage((3, 3), channels=6), x_hw=(3, 19), x_channels=7, n_overlay=3),
    "conv1x1_overlay_wide": Block(EXPAND, x_hw=(2, 9), x_channels=5, n_overlay=2, masks=("conv",)),
    "conv1x1_overlay_all": Block(EXPAND, x_channels=5, n_overlay=5, masks=("conv",)),
    "project_alone": Block(project=PROJECT),
    "wide_sums": Block(Stage((3, 3), channels=3), x_channels=150, x_hw=(3, 3), is_saturated=True),
    "depthwise": Block(depthwise=DEPTHWISE, x_channels=17, masks=("depthwise",)),
    "depthwise_1_channel": Block(depthwise=DEPTHWISE, x_channels=1, x_hw=(4, 3)),
    "depthwise5_add": Block(depthwise=Stage((5, 5)), x_channels=16, has_add=True, batches=2),
    "depthwise7": Block(depthwise=Stage((7, 7), zero_point=127), x_channels=33, x_hw=(9, 8)),
    "depthwise_stride2": Block(depthwise=Stage((3, 3), (2, 2)), x_hw=(6, 7), x_channels=15),
    "depthwise_symmetric": Block(depthwise=Stage((5, 5), (2, 2), (2, 2, 2, 2)), x_hw=(8, 6), x_channels=8),
    "conv_depthwise": Block(EXPAND, DEPTHWISE, masks=("conv", "depthwise")),
    "conv_project": Block(CONV3, None, PROJECT, masks=("conv",)),
    "depthwise_project_add": Block(None, DEPTHWISE, Stage(channels=3), has_add=True),
    "stem": Block(Stage((3, 3), channels=16, **SYMMETRIC), DEPTHWISE, PROJECT, x_hw=(16, 14), masks=("conv",)),
    "full": Block(EXPAND, DEPTHWISE, Stage(channels=3), has_add=True, masks=("conv", "depthwise"), batches=2),
    "full_stride2": Block(EXPAND, Stage((3, 3), (2, 2)), PROJECT, x_hw=(7, 8), masks=("depthwise", "conv")),
    "full_symmetric7": Block(EXPAND, Stage((7, 7), (2, 2), (3, 3, 3, 3)), PROJECT, x_hw=(8, 8)),
    "full_1x1_image": Block(EXPAND, DEPTHWISE, Stage(channels=3), x_hw=(1, 1), has_add=True),
    "full_image_below_filter": Block(EXPAND, Stage((7, 7)), PROJECT, x_hw=(3, 2)),
    "rows_nobody_reads": Block(EXPAND, Stage((1, 2), (3, 3), "VALID"), PROJECT, x_hw=(8, 9), masks=("conv",)),
    "full_overlay": Block(EXPAND, DEPTHWISE, PROJECT, x_channels=6, n_overlay=2),
    "zero_points_high": Block(
        Stage(channels=8, zero_point=127),
        Stage((3, 3), zero_point=127),
        Stage(channels=8, zero_point=127),
        1,
        (4, 4),
        8,
    ),
    "below_6": Block(
        Stage(channels=9, activation="RELU6"),
        Stage((3, 3), zero_point=-90, activation="RELU6", scale=0.03),
        Stage(channels=4, zero_point=-30, activation="RELU6", scale=0.07),
        masks=("conv", "depthwise"),
    ),
    "tiny_multipliers": Block(Stage(channels=9, **TINY), Stage((3, 3), **TINY), PROJECT),
    "large_multipliers": Block(
        Stage(channels=9, zero_point=0, **LARGE), Stage((3, 3), zero_point=0, **LARGE), Stage(channels=4, **LARGE)
    ),
    "saturated": Block(EXPAND, DEPTHWISE, PROJECT, is_saturated=True, x_zero_point=127, x_channels=40),
    **{
        f"channels{c}": Block(Stage(channels=c), DEPTHWISE, Stage(channels=c), (1), (3, 5), c, has_add=True)
        for c in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33)
    },
    # Elements of a window, around the vectors of 4 and 16 elements and the blocks of 32, 64 and 256 of them.
    **{
        f"elements{n}": Block(Stage(channels=6), x_channels=n, x_hw=(1, 3))
        for n in (2, 6, 13, 14, 31, 32, 34, 63, 64, 65, 255, 256, 257)
    },
    "elements_256_in_blocks": Block(Stage((2, 2), channels=3), x_channels=64, x_hw=(2, 5)),
    "elements_261_in_blocks": Block(Stage((3, 3), channels=3), x_channels=29, x_hw=(3, 3), n_overlay=7),
    # Results in a row, around the groups of 4 and 8 pixels, and channels around the tiles of 16 and 32.
    **{f"columns{n}": Block(Stage((1, 3), channels=17), x_hw=(1, n)) for n in (1, 2, 4, 5, 8, 9, 12, 13, 17)},
    **{f"depthwise_columns{n}": Block(depthwise=DEPTHWISE, x_hw=(2, n), x_channels=5) for n in (1, 2, 7, 8, 9, 17)},
    **{f"results{n}": Block(Stage(channels=n), x_channels=5, x_hw=(1, 5)) for n in (31, 32, 47, 65)},
    "pixels_between": Block(Stage((1, 1), (2, 3), channels=5), x_channels=7, x_hw=(5, 11)),
    "depthwise_far_apart": Block(depthwise=Stage((2, 9), (1, 5), "VALID"), x_hw=(3, 40), x_channels=6),
    "depthwise_one_by_one": Block(depthwise=Stage((3, 9), (1, 8), "VALID"), x_hw=(4, 40), x_channels=6),
    "depthwise_tall": Block(depthwise=Stage((9, 3), (2, 1)), x_hw=(12, 5), x_channels=6),
    **{
        f"depthwise{taps}_by_{stride}_columns{n}": Block(
            depthwise=Stage((taps, taps), (stride, stride)), x_hw=(4, n * stride), x_channels=5
        )
        for taps, stride, n in ((3, 2, 3), (3, 2, 8), (3, 2, 9), (5, 1, 4), (5, 1, 9), (5, 2, 4), (7, 1, 8))
    },
    "depthwise_wide": Block(depthwise=Stage((1, 27)), x_hw=(2, 30), x_channels=18),
    # Shifts around 0, for which scaling has cases of its own.
    **{
        f"scale{scale}": Block(
            Stage(channels=17, zero_point=0, scale=scale),
            Stage((3, 3), zero_point=0, scale=scale * scale),
            x_channels=1,
            x_zero_point=0,
            x_scale=1.0,
            is_small=True,
        )
        for scale in (0.5, 0.02, 0.01, 0.005, 0.003)
    },
    **{
        f"saturated_{x}_{w}": Block(
            Stage((3, 3), channels=2),
            DEPTHWISE,
            x_channels=40,
            is_saturated=True,
            x_zero_point=127 if x < 0 else -128,
            ends=(x, w),
        )
        for x in (-128, 127)
        for w in (-127, 127)
    },
}


def make(block, seed=0):
    """(inputs, options, output shapes with dtypes) of a block, with random numbers and all inputs present."""
    return Maker(block, seed).make()


def all_conv_block_cases():
    """Every block as a case; outputs hold what the op must overwrite."""
    cases = []
    for tag, block in BLOCKS.items():
        inputs, options, outputs = make(block)
        cases.append(
            Case(f"block-{tag}", NAME, inputs, options, [np.full(shape, 85, dtype) for shape, dtype in outputs])
        )
    return cases


class Maker:
    """Makes a block's operands and options; `w_scales` holds the filters' scales by stage after that."""

    def __init__(self, block, seed=0):
        self._block, self._rng, self.w_scales = block, np.random.default_rng(seed), {}
        names = [field.name for field in REGISTRY[NAME].OPTIONS]
        self._options = dict.fromkeys(names, 0)
        self._shape = (block.batches, *block.x_hw, block.x_channels)
        self._results = {}

    def make(self):
        """(inputs, options, output shapes with dtypes)."""
        block, options = self._block, self._options
        x = self._int8(self._shape)
        inputs = [np.array([1], np.int32), x]
        options["x_zero_point"] = block.x_zero_point
        scale = block.x_scale
        for name in STAGES:
            stage = getattr(block, name)
            inputs += [None] * 4 if stage is None else self._stage(name, stage, scale)
            scale = stage.scale if stage else scale
        inputs += self._overlay(inputs[2])
        outputs = [(self._shape, np.int8)]
        for name in ("conv", "depthwise"):
            if name in block.masks:
                options[f"keeps_{name}_mask"] = 1
                outputs.append(((mask_bytes(int(np.prod(self._results[name]))),), np.uint8))
        if block.has_add:
            self._add(scale)
        return inputs, options, outputs

    def _int8(self, shape, low=-128):
        if self._block.is_saturated:
            return np.full(shape, self._block.ends[low != -128], np.int8)
        if self._block.is_small:
            return self._rng.integers(-3, 4, shape, np.int8)
        return self._rng.integers(low, 128, shape, np.int8)

    def _stage(self, name, stage, x_scale):
        (batches, *hw, channels), options = self._shape, self._options
        pads, out = stage.geometry(hw)
        out_c = channels if name == "depthwise" else stage.channels
        if name != "project":
            for axis, i in (("h", 0), ("w", 1)):
                options[f"{name}_stride_{axis}"] = stage.stride[i]
                options[f"{name}_out_{axis}"] = out[i]
            options[f"{name}_pad_top"], options[f"{name}_pad_left"] = pads
            options[f"{name}_mask_low"] = stage.zero_point
            options[f"{name}_mask_high"] = stage.zero_point + 90
        options[f"{name}_zero_point"] = stage.zero_point
        options[f"{name}_min"], options[f"{name}_max"] = stage.range
        w_shape = (1, *stage.filter, channels) if name == "depthwise" else (out_c, *stage.filter, channels)
        scales = self.w_scales[name] = (stage.w_scale * self._rng.uniform(0.5, 2.0, out_c)).astype(np.float32)
        multiplier, shift = convolution_scalings(x_scale, scales, stage.scale, out_c)
        limit = 3 if self._block.is_small else 3000
        bias = self._rng.integers(-limit, limit, out_c, np.int32) if stage.has_bias else None
        self._shape = self._results[name] = (batches, *out, out_c)
        return [self._int8(w_shape, -127), bias, multiplier, shift]

    def _overlay(self, w):
        n = self._block.n_overlay
        if not n:
            return [None, None]
        channels = self._rng.permutation(w.shape[3])[:n].astype(np.int32)
        overlay = w[..., channels].copy()
        w[..., channels] = 0
        return [overlay, channels]

    def _add(self, y_scale):
        options, block = self._options, self._block
        options["has_add"] = 1
        scalings = add_scalings(block.x_scale, y_scale, block.add_scale)
        for prefix, scaling in zip(("add_x", "add_y", "add"), scalings):
            options[f"{prefix}_multiplier"], options[f"{prefix}_shift"] = scaling
        options["add_zero_point"], options["add_min"], options["add_max"] = block.add_zero_point, -128, 127
