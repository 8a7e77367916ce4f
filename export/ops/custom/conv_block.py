# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A chain of int8 convolutions in one op, whose wide intermediate results never exist as a whole."""

import numpy as np

from . import conv_block_stages as stages
from .base import TRAIN, CustomOp, Field, Operand
from .fixed_point import INT8_MAX, INT8_MIN, MAX_SHIFT, MIN_SHIFT, AddScalings, Scaling, add_int8
from .masks import mask_bytes, pack_bits

_WINDOW = ("stride_h", "stride_w", "pad_top", "pad_left", "out_h", "out_w")
_RESULT = ("zero_point", "min", "max")
_ADD = ("x_multiplier", "x_shift", "y_multiplier", "y_shift", "multiplier", "shift", *_RESULT)
_SPATIAL = ("conv", "depthwise")
_STAGES = (*_SPATIAL, "project")

# A sum has at most so many products of 9 and 8 bits: 2**16 * 255 * 128 < 2**31.
MAX_SUMMANDS = 1 << 16
_MAX_ELEMENTS = 2**31 - 1


def _fields(prefix, names):
    return tuple(Field(f"{prefix}_{name}", "i") for name in names)


def _operands(stage):
    return (
        Operand(f"{stage}_w", "int8", optional=True),
        Operand(f"{stage}_bias", "int32", optional=True),
        Operand(f"{stage}_multiplier", "int32", optional=True),
        Operand(f"{stage}_shift", "int32", optional=True),
    )


class ConvBlock(CustomOp):
    """y = project(depthwise(conv(x))) + x, in int8, each stage optional; y is made whatever `train` is.

    Bit for bit what the builtin ops CONV_2D, DEPTHWISE_CONV_2D, CONV_2D (1x1), ADD give one after another. The kernel
    works row by row: of the conv stage's result it keeps as many rows as the depthwise filter is high. The padded
    border counts as the zero point. An overlay replaces input channels of the conv stage, whose `conv_w` is 0 there:
    the result is that of the merged filter. The masks hold `mask_low < q < mask_high` for every element of a stage's
    result, and are written in training only. Of an absent stage's
    options, `out_h` is 0 and the others are not looked at.
    """

    NAME = "TfdgsuConvBlock"
    OPTIONS = (
        *(field for stage in _SPATIAL for field in _fields(stage, (*_WINDOW, *_RESULT, "mask_low", "mask_high"))),
        *_fields("project", _RESULT),
        Field("x_zero_point", "i"),
        Field("keeps_conv_mask", "i"),
        Field("keeps_depthwise_mask", "i"),
        Field("has_add", "i"),
        *_fields("add", _ADD),
    )
    INPUTS = (
        TRAIN,
        Operand("x", "int8"),
        *(operand for stage in _STAGES for operand in _operands(stage)),
        Operand("overlay", "int8", optional=True),
        Operand("overlay_channels", "int32", optional=True),
    )
    OUTPUTS = (Operand("y", "int8"),)

    @classmethod
    def outputs(cls, options):
        """`y`, then the masks that are kept."""
        kept = tuple(stage for stage in _SPATIAL if options[f"keeps_{stage}_mask"])
        return cls.OUTPUTS + tuple(Operand(f"{stage}_mask", "uint8") for stage in kept)

    @classmethod
    def rows_needed(cls, options, output_row):
        """The first row that is still read; the depthwise filter's height is not among the options, so 1 is assumed."""
        row, has_depthwise = output_row, options["depthwise_out_h"] > 0
        if has_depthwise:
            row = row * options["depthwise_stride_h"] - options["depthwise_pad_top"]
        if options["conv_out_h"] > 0:
            row = (row + has_depthwise) * options["conv_stride_h"] - options["conv_pad_top"]
        row = max(0, row)
        return min(row, output_row) if options["has_add"] else row

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        x, overlay, channels = inputs[1], inputs[14], inputs[15]
        cls.require(len(x) == 4, "`x` must be 4-D", x)
        cls._require_int8("x_zero_point", options["x_zero_point"])
        block = cls.geometry(inputs, options)
        cls.require(block, "at least one stage must be present", "none")
        cls._check_absent(block, inputs, options)
        cls._check_overlay(block[0], x, overlay, channels)
        shape = x
        for stage in block:
            cls._check_stage(stage, shape, options)
            shape = stage.output_shape(x[0])
            cls.require(int(np.prod(shape)) <= _MAX_ELEMENTS, "a stage's result must have below 2**31 elements", shape)
        cls.require(outputs[0] == shape, f"`y` must have shape {shape}", outputs[0])
        cls._check_masks(block, x[0], outputs[1:], options)
        if options["has_add"]:
            cls.require(shape == x, f"with has_add, `y` must have the shape of `x` {x}", shape)
            cls._check_result("add", options)
            for what in ("add_x", "add_y", "add"):
                cls._check_scaling(what, options[f"{what}_multiplier"], options[f"{what}_shift"], 0)
        cls.require(cls.scratch_bytes(inputs, options) <= _MAX_ELEMENTS, "scratch must stay below 2**31 bytes", x)

    @classmethod
    def geometry(cls, inputs, options):
        """The stages that are present, in order, from the inputs' shapes: a list of `conv_block_stages.Stage`."""
        present = [name for i, name in enumerate(_STAGES) if inputs[2 + 4 * i] is not None]
        block, hw = [], inputs[1][1:3]
        for name in present:
            first = 2 + 4 * _STAGES.index(name)
            block.append(stages.Stage.of(name, hw, tuple(inputs[first : first + 4]), options))
            hw = block[-1].out_hw
        return block

    @classmethod
    def scratch_bytes(cls, inputs, options):
        """Bytes that the kernel requests while it runs, from the inputs' shapes; as `tfdgsu_conv_block_scratch_bytes`."""
        return stages.scratch_bytes(cls.geometry(inputs, options))

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        del output_shapes
        x = inputs[1]
        shapes = [None if a is None else a.shape for a in inputs]
        value, zero_point, masks = x, options["x_zero_point"], []
        for stage in cls.geometry(shapes, options):
            w, bias, multiplier, shift = inputs[2 + 4 * _STAGES.index(stage.name) :][:4]
            if stage.name == "conv" and inputs[14] is not None:
                w = stages.merge_overlay(w, inputs[14], inputs[15])
            value = stages.run(stage, value, zero_point, w, bias, (multiplier, shift))
            zero_point = stage.zero_point
            if options.get(f"keeps_{stage.name}_mask"):
                low, high = (options[f"{stage.name}_mask_{end}"] for end in ("low", "high"))
                masks.append(pack_bits((value > low) & (value < high)))
        if options["has_add"]:
            scalings = AddScalings(
                *(Scaling(options[f"{s}_multiplier"], options[f"{s}_shift"]) for s in ("add_x", "add_y", "add"))
            )
            limits = (options["add_zero_point"], options["add_min"], options["add_max"])
            value = add_int8(x, options["x_zero_point"], value, zero_point, scalings, *limits)
        return [value, *masks]

    @classmethod
    def _check_stage(cls, stage, shape, options):
        w = stage.w_shape
        cls.require(len(w) == 4, f"`{stage.name}_w` must be 4-D", w)
        fits = (w[0], w[3]) == (1, shape[3]) if stage.is_depthwise else w[3] == shape[3]
        cls.require(fits, f"`{stage.name}_w` must fit {shape[3]} channels", w)
        if stage.name == "project":
            cls.require(w[1:3] == (1, 1), "`project_w` must be [P,1,1,M]", w)
        else:
            stage.check_windows(cls)
        cls.require(stage.n_summands <= MAX_SUMMANDS, f"a sum must have at most {MAX_SUMMANDS} products", w)
        bias, *scaling = stage.vector_shapes
        cls.require(bias in (None, (stage.out_c,)), f"`{stage.name}_bias` must be [{stage.out_c}]", bias)
        for what, vector in zip(("multiplier", "shift"), scaling):
            cls.require(vector == (stage.out_c,), f"`{stage.name}_{what}` must be [{stage.out_c}]", vector)
        cls._check_result(stage.name, options)

    @classmethod
    def _check_absent(cls, block, inputs, options):
        present = [stage.name for stage in block]
        for i, name in enumerate(_STAGES):
            if name not in present:
                operands = inputs[2 + 4 * i : 6 + 4 * i]
                cls.require(operands == [None] * 4, f"`{name}_w` must be present, or no operand of {name}", operands)
                out_h = options.get(f"{name}_out_h", 0)
                cls.require(out_h == 0, f"{name}_out_h must be 0 without `{name}_w`", out_h)

    @classmethod
    def _check_overlay(cls, head, x, overlay, channels):
        cls.require((overlay is None) == (channels is None), "an overlay needs its channels", (overlay, channels))
        if overlay is None:
            return
        w = head.w_shape
        cls.require(head.name == "conv", "an overlay needs a conv stage", head.name)
        expected = (*w[:3], *channels)
        cls.require(len(channels) == 1 and channels[0] <= x[3], f"`overlay_channels` must be [Q <= {x[3]}]", channels)
        cls.require(overlay == expected, f"`overlay` must have shape {expected}", overlay)
        n_summands = head.n_summands + int(np.prod(overlay[1:]))
        cls.require(n_summands <= MAX_SUMMANDS, f"a sum must have at most {MAX_SUMMANDS} products", n_summands)

    @classmethod
    def _check_masks(cls, block, batches, shapes, options):
        shapes = list(shapes)
        for name in _SPATIAL:
            if not options[f"keeps_{name}_mask"]:
                continue
            stage = next((stage for stage in block if stage.name == name), None)
            cls.require(stage is not None, f"keeps_{name}_mask needs a {name} stage", "none")
            expected = (mask_bytes(int(np.prod(stage.output_shape(batches)))),)
            shape = shapes.pop(0)
            cls.require(shape == expected, f"`{name}_mask` must have shape {expected}", shape)

    @classmethod
    def _check_result(cls, stage, options):
        zero_point, low, high = (options[f"{stage}_{what}"] for what in _RESULT)
        cls._require_int8(f"{stage}_zero_point", zero_point)
        rule = f"{stage}_min and {stage}_max must be ordered int8 numbers"
        cls.require(INT8_MIN <= low <= high <= INT8_MAX, rule, (low, high))

    @classmethod
    def _check_scaling(cls, what, multiplier, shift, max_shift=MAX_SHIFT):
        cls.require(multiplier >= 0, f"{what}_multiplier must not be negative", multiplier)
        cls.require(MIN_SHIFT <= shift <= max_shift, f"{what}_shift must be in [{MIN_SHIFT}, {max_shift}]", shift)

    @classmethod
    def _require_int8(cls, what, value):
        cls.require(INT8_MIN <= value <= INT8_MAX, f"{what} must be in [{INT8_MIN}, {INT8_MAX}]", value)
