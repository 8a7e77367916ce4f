# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Backward pass of an int8 chain conv 1x1 -> depthwise -> conv 1x1 in one op, a few expanded channels at a time."""

from .base import TRAIN, CustomOp, Field, Operand
from .bias_grad_int32 import BiasGradInt32
from .conv_2d_grad_filter_int8 import Conv2DGradFilterInt8
from .conv_2d_grad_input_int8 import Conv2DGradInputInt8
from .depthwise_conv_2d_grad_input_int8 import DepthwiseConv2DGradInputInt8
from .int8_update import INT8_UPDATE_OPTIONS, check_scales
from .masks import check_epilogue
from .windows import STRIDE_AND_PADDING, check_windows

MAX_TILE_CHANNELS = 256
_POINTWISE = {"stride_h": 1, "stride_w": 1, "pad_top": 0, "pad_left": 0}


class ConvBlockGrad(CustomOp):
    """dx, and the updates of the first convolution and of both biases, from dy of the last convolution.

    M channels lie between the two pointwise convolutions, `conv` C -> M and `project` M -> P. What the separate ops
    compute, bit for bit, in this order: the input gradient of `project`, the update of the depthwise bias, the input
    gradient of the depthwise convolution, the input gradient of `conv`, the updates of its filter and bias. The two
    gradients of M channels never exist as a whole: a tile of their channels at a time goes through the chain.
    """

    NAME = "TfdgsuConvBlockGrad"
    # Strides and padding are the depthwise convolution's; in_h, in_w the size of its input. Each gradient has the
    # slope of its mask. x_scale and x_zero_point are those of `x_sel`, layer_id is that of `conv`.
    OPTIONS = (
        *STRIDE_AND_PADDING,
        Field("in_h", "i"),
        Field("in_w", "i"),
        Field("depthwise_mask_alpha", "f"),
        Field("conv_mask_alpha", "f"),
        Field("mask_alpha", "f"),
        *INT8_UPDATE_OPTIONS,
        Field("depthwise_layer_id", "i"),
        Field("tile_channels", "i"),
        Field("has_dx", "i"),
        Field("trains_conv", "i"),
    )
    INPUTS = (
        TRAIN,
        Operand("lr", optional=True),
        Operand("dy"),
        Operand("project_w", "int8"),
        Operand("project_scales"),
        Operand("depthwise_bits", "uint8", optional=True),
        Operand("depthwise_bias", "int32", optional=True),
        Operand("depthwise_bias_scales", optional=True),
        Operand("depthwise_bias_velocity", optional=True),
        Operand("depthwise_w", "int8"),
        Operand("depthwise_scales"),
        Operand("conv_bits", "uint8", optional=True),
        Operand("conv_w", "int8"),
        Operand("conv_scales"),
        Operand("x_sel", "int8", optional=True),
        Operand("channels", "int32", optional=True),
        Operand("conv_velocity", optional=True),
        Operand("remainder", "int8", optional=True),
        Operand("conv_bias", "int32", optional=True),
        Operand("conv_bias_scales", optional=True),
        Operand("conv_bias_velocity", optional=True),
        Operand("step", "int32", optional=True),
        Operand("addend", optional=True),
        Operand("bits", "uint8", optional=True),
    )
    OUTPUTS = (Operand("dx"),)
    # Positions of what one layer's update writes.
    DEPTHWISE_BIAS, CONV, CONV_BIAS = (6, 8), (12, 16, 17), (18, 20)

    @classmethod
    def outputs(cls, options):
        """None for the deepest block, in front of which nothing is trained."""
        return cls.OUTPUTS if options["has_dx"] else ()

    @classmethod
    def mutates(cls, options):
        """`conv_w` counts only where it is trained: a frozen one is a constant."""
        return cls.DEPTHWISE_BIAS + (cls.CONV if options["trains_conv"] else ()) + cls.CONV_BIAS

    @classmethod
    def may_overwrite(cls, options):
        """Nothing: dx grows tile by tile while dy and the addend are still read."""
        del options
        return ()

    @classmethod
    def scratch_bytes(cls, inputs, options):
        """Bytes that the kernel requests while it runs, from the inputs' shapes; as `tfdgsu_conv_block_grad_scratch_bytes`."""
        named = cls._by_name(inputs)
        dy = named["dy"]
        n_channels = min(options["tile_channels"], named["depthwise_w"][3])
        return 4 * dy[0] * n_channels * (dy[1] * dy[2] + options["in_h"] * options["in_w"])

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        named = cls._by_name(inputs)
        dy, w, project_w, conv_w = (named[name] for name in ("dy", "depthwise_w", "project_w", "conv_w"))
        sizes = [len(shape) for shape in (dy, w, project_w, conv_w)]
        cls.require(sizes == [4] * 4, "`dy` and all weights must be 4-D", sizes)
        m, image = w[3], (dy[0], options["in_h"], options["in_w"])
        cls.require(w[0] == 1, "`depthwise_w` must be [1,kh,kw,M]", w)
        cls.require(project_w == (dy[3], 1, 1, m), f"`project_w` must be [{dy[3]},1,1,{m}]", project_w)
        cls.require(conv_w[:3] == (m, 1, 1), f"`conv_w` must be [{m},1,1,C]", conv_w)
        check_scales(cls, named["project_scales"], dy[3])
        check_scales(cls, named["depthwise_scales"], m)
        check_scales(cls, named["conv_scales"], m)
        check_windows(cls, image[1:], dy[1:3], w[1:3], options)
        check_epilogue(cls, (*dy[:3], m), None, named["depthwise_bits"])
        check_epilogue(cls, (*image, m), None, named["conv_bits"])
        cls._check_dx(named, outputs, (*image, conv_w[3]), options)
        cls._check_updates(named, (*image, m), options)
        tile = options["tile_channels"]
        cls.require(1 <= tile <= MAX_TILE_CHANNELS, f"tile_channels must be in [1, {MAX_TILE_CHANNELS}]", tile)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        i = cls._by_name(inputs)
        dy, train, m = i["dy"], i["train"], i["depthwise_w"].shape[3]
        shape = (dy.shape[0], options["in_h"], options["in_w"], m)
        ends = [{"mask_alpha": options[f"{name}mask_alpha"]} for name in ("depthwise_", "conv_", "")]
        operands = [train, dy, i["project_w"], i["project_scales"], None, i["depthwise_bits"]]
        (dz,) = Conv2DGradInputInt8.reference(operands, _POINTWISE | ends[0], [(*dy.shape[:3], m)])
        cls._update_bias(i, dz, "depthwise", options, options["depthwise_layer_id"])
        operands = [train, dz, i["depthwise_w"], i["depthwise_scales"], None, i["conv_bits"]]
        (dz,) = DepthwiseConv2DGradInputInt8.reference(operands, options | ends[1], [shape])
        operands = [train, dz, i["conv_w"], i["conv_scales"], i["addend"], i["bits"]]
        dx = [Conv2DGradInputInt8.reference(operands, _POINTWISE | ends[2], [s])[0] for s in output_shapes]
        if i["x_sel"] is not None:
            operands = [train, i["lr"], i["x_sel"], dz, i["channels"], i["conv_w"], i["conv_scales"]]
            operands += [i["conv_velocity"], i["remainder"], i["step"]]
            Conv2DGradFilterInt8.reference(operands, options | _POINTWISE, [])
        cls._update_bias(i, dz, "conv", options, options["layer_id"])
        return dx

    @classmethod
    def _by_name(cls, values):
        return dict(zip((operand.name for operand in cls.INPUTS), values, strict=True))

    @classmethod
    def _check_dx(cls, named, outputs, shape, options):
        cls.require(options["has_dx"] in (0, 1), "has_dx must be 0 or 1", options["has_dx"])
        if options["has_dx"]:
            cls.require(outputs[0] == shape, f"`dx` must have shape {shape}", outputs[0])
            check_epilogue(cls, shape, named["addend"], named["bits"])
            return
        ends = named["addend"], named["bits"]
        cls.require(ends == (None, None), "without `dx` there must be no `addend` and no `bits`", ends)

    @classmethod
    def _check_updates(cls, named, dz, options):
        trains = cls._trained(named)
        cls.require(options["trains_conv"] == int(trains["conv_w"]), "trains_conv must tell of `x_sel`", options)
        if any(trains.values()):
            cls.require(None not in (named["lr"], named["step"]), "updates need `lr` and `step`", named["step"])
        rounding = {field.name: options[field.name] for field in BiasGradInt32.OPTIONS}
        for layer, layer_id in (("depthwise", options["depthwise_layer_id"]), ("conv", options["layer_id"])):
            b, scales, velocity = (named[f"{layer}_bias{what}"] for what in ("", "_scales", "_velocity"))
            if b is None:
                absent = "without a bias there must be no scales and no velocity of it"
                cls.require((scales, velocity) == (None, None), absent, (scales, velocity))
                continue
            cls.require(scales is not None, f"`{layer}_bias` needs its scales", scales)
            operands = [named["train"], named["lr"], dz, b, scales, velocity, named["step"]]
            BiasGradInt32.check_shapes(operands, [], rounding | {"layer_id": layer_id})
        names = ("channels", "conv_w", "conv_scales", "conv_velocity", "remainder", "step")
        if trains["conv_w"]:
            operands = [named["train"], named["lr"], named["x_sel"], dz, *(named[name] for name in names)]
            Conv2DGradFilterInt8.check_shapes(operands, [], options | _POINTWISE)
            return
        unused = [named[name] for name in ("channels", "conv_velocity", "remainder")]
        cls.require(unused == [None] * 3, "without `x_sel` there must be nothing else of its update", unused)

    @classmethod
    def _trained(cls, named):
        return {
            "conv_w": named["x_sel"] is not None,
            "conv_bias": named["conv_bias"] is not None,
            "depthwise_bias": named["depthwise_bias"] is not None,
        }

    @classmethod
    def _update_bias(cls, named, dz, layer, options, layer_id):
        b, scales, velocity = (named[f"{layer}_bias{what}"] for what in ("", "_scales", "_velocity"))
        if b is not None:
            operands = [named["train"], named["lr"], dz, b, scales, velocity, named["step"]]
            BiasGradInt32.reference(operands, options | {"layer_id": layer_id}, [])
