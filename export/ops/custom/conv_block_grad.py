# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Backward pass of an int8 chain conv 1x1 -> depthwise -> conv 1x1 in one op, a few expanded channels at a time."""

from .base import TRAIN, CustomOp, Field, Operand
from .bias_grad_int32 import BiasGradInt32
from .conv_2d_grad_filter_int8 import Conv2DGradFilterInt8
from .conv_2d_grad_input_int8 import Conv2DGradInputInt8
from .conv_block_stages import check_overlay
from .depthwise_conv_2d_grad_filter_int8 import DepthwiseConv2DGradFilterInt8
from .depthwise_conv_2d_grad_input_int8 import DepthwiseConv2DGradInputInt8
from .int8_update import check_scales
from .masks import check_epilogue
from .sgd import SGD_OPTIONS
from .windows import STRIDE_AND_PADDING, check_windows

MAX_TILE_CHANNELS = 256
POINTWISE = {"stride_h": 1, "stride_w": 1, "pad_top": 0, "pad_left": 0}
LAYERS = ("depthwise", "conv")
# Of one layer, in order; a layer's weights are followed by their scales.
_BIAS = ("bias", "bias_scales", "bias_velocity")
_FILTER_UPDATE = ("x_sel", "channels", "velocity", "remainder")
_DTYPES = {"bias": "int32", "w": "int8", "x_sel": "int8", "channels": "int32", "remainder": "int8"}
_MUTATED = ("bias", "bias_velocity", "w", "velocity", "remainder")


def _operands(layer):
    names = (*_BIAS, "w", "scales", *_FILTER_UPDATE)
    return tuple(Operand(f"{layer}_{name}", _DTYPES.get(name, "float32"), optional=True) for name in names)


def _layer_options(layer):
    return (
        Field(f"{layer}_mask_alpha", "f"),
        Field(f"trains_{layer}", "i"),
        Field(f"{layer}_layer_id", "i"),
        Field(f"{layer}_x_scale", "f"),
        Field(f"{layer}_x_zero_point", "i"),
    )


class ConvBlockGrad(CustomOp):
    """dx, and the updates of the first two convolutions, from dy of the last one.

    M channels lie between the two pointwise convolutions, `conv` C -> M and `project` M -> P. What the separate ops
    compute, bit for bit, in this order: the input gradient of `project`, the updates of `depthwise`, the input
    gradients of `depthwise` (of its weights before their update) and of `conv`, the updates of `conv`. The two
    gradients of M channels never exist as a whole: a tile of their channels at a time goes through the chain.

    With `dx`, an overlay may hold weights of `conv`, those of ascending channels, in place of `conv_w`'s; then it is the
    filter that is updated, and `conv_w` is only read. One of `project` is only read.

    Without `dx` and an update of `conv` the chain ends at `depthwise`. Weights are there if something reads them.

    `lr` is the learning rate of all updates but those of filters that have a `rate` of their own; biases have a momentum
    of their own.
    """

    NAME = "TfdgsuConvBlockGrad"
    # Strides and padding are the depthwise convolution's; in_h, in_w the size of its input. Each of the three gradients
    # has the slope of its mask. Of each layer: whether its filter is updated, and its id, scale and zero point of
    # `x_sel` in that update.
    OPTIONS = (
        *STRIDE_AND_PADDING,
        Field("in_h", "i"),
        Field("in_w", "i"),
        Field("mask_alpha", "f"),
        *SGD_OPTIONS,
        Field("rounding", "i"),
        Field("seed", "u"),
        *_layer_options("depthwise"),
        *_layer_options("conv"),
        Field("tile_channels", "i"),
        Field("has_dx", "i"),
        Field("has_overlay", "i"),
        Field("bias_momentum", "f"),
    )
    INPUTS = (
        TRAIN,
        Operand("lr", optional=True),
        Operand("dy"),
        Operand("project_w", "int8"),
        Operand("project_scales"),
        Operand("depthwise_bits", "uint8", optional=True),
        *_operands("depthwise"),
        Operand("conv_bits", "uint8", optional=True),
        *_operands("conv"),
        Operand("step", "int32", optional=True),
        Operand("addend", optional=True),
        Operand("bits", "uint8", optional=True),
        Operand("overlay", "int8", optional=True),
        Operand("overlay_channels", "int32", optional=True),
        Operand("project_overlay", "int8", optional=True),
        Operand("project_overlay_channels", "int32", optional=True),
        Operand("depthwise_rate", optional=True),
        Operand("conv_rate", optional=True),
    )
    OUTPUTS = (Operand("dx"),)

    @classmethod
    def outputs(cls, options):
        """None for the deepest block, in front of which nothing is trained."""
        return cls.OUTPUTS if options["has_dx"] else ()

    @classmethod
    def mutates(cls, options):
        """Weights count only where they are trained: frozen ones are constants."""
        names = {f"{layer}_{name}" for layer in LAYERS for name in _MUTATED}
        names -= {f"{layer}_w" for layer in LAYERS if not options[f"trains_{layer}"]}
        if options["has_overlay"] and options["trains_conv"]:
            names = names - {"conv_w"} | {"overlay"}
        return tuple(i for i, operand in enumerate(cls.INPUTS) if operand.name in names)

    @classmethod
    def may_overwrite(cls, options):
        """Nothing: dx grows tile by tile while dy and the addend are still read."""
        del options
        return ()

    @classmethod
    def scratch_bytes(cls, inputs, options):
        """Bytes that the kernel requests, from the inputs' shapes; as `tfdgsu_conv_block_grad_scratch_bytes`."""
        named = cls.by_name(inputs)
        batch, out_h, out_w, _ = named["dy"]
        n_bytes = 4 * batch * out_h * out_w
        if cls._reaches_conv(named, options):
            n_bytes += 4 * batch * options["in_h"] * options["in_w"]
        if options["trains_depthwise"]:
            n_bytes += named["depthwise_w"][1] * named["depthwise_w"][2]
        return n_bytes * min(options["tile_channels"], named["project_w"][3])

    @classmethod
    def by_name(cls, values):
        """Dict of what `values` holds for each input."""
        return dict(zip((operand.name for operand in cls.INPUTS), values, strict=True))

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        named = cls.by_name(inputs)
        dy, project_w = named["dy"], named["project_w"]
        cls.require(len(dy) == len(project_w) == 4, "`dy` and `project_w` must be 4-D", (dy, project_w))
        m, image = project_w[3], (dy[0], options["in_h"], options["in_w"])
        cls.require(project_w == (dy[3], 1, 1, m), f"`project_w` must be [{dy[3]},1,1,M]", project_w)
        check_scales(cls, named["project_scales"], dy[3])
        for name in ("has_dx", "has_overlay", "trains_depthwise", "trains_conv"):
            cls.require(options[name] in (0, 1), f"{name} must be 0 or 1", options[name])
        cls.require(min(image) >= 1, "in_h and in_w must be positive", image)
        cls._check_weights(named, m, options)
        taps = (1, 1) if named["depthwise_w"] is None else named["depthwise_w"][1:3]
        check_windows(cls, image[1:], dy[1:3], taps, options)
        check_epilogue(cls, (*dy[:3], m), None, named["depthwise_bits"])
        check_epilogue(cls, (*image, m), None, named["conv_bits"])
        cls._check_dx(named, outputs, image, options)
        cls._check_overlay(named, options)
        for layer, dz in (("depthwise", (*dy[:3], m)), ("conv", (*image, m))):
            cls._check_bias(named, layer, dz, options)
            cls._check_filter(named, layer, dz, options)
        tile = options["tile_channels"]
        cls.require(1 <= tile <= MAX_TILE_CHANNELS, f"tile_channels must be in [1, {MAX_TILE_CHANNELS}]", tile)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        named = cls.by_name(inputs)
        dy, m = named["dy"], named["project_w"].shape[3]
        operands = [named["train"], dy, named["project_w"], named["project_scales"], None, named["depthwise_bits"]]
        operands += [named["project_overlay"], named["project_overlay_channels"]]
        end = POINTWISE | {"mask_alpha": options["depthwise_mask_alpha"]}
        (dz,) = Conv2DGradInputInt8.reference(operands, end, [(*dy.shape[:3], m)])
        dz_of_depthwise = dz
        if cls._reaches_conv(named, options):
            w, scales = named["depthwise_w"], named["depthwise_scales"]
            operands = [named["train"], dz, w, scales, None, named["conv_bits"]]
            shape = (dy.shape[0], options["in_h"], options["in_w"], m)
            end = options | {"mask_alpha": options["conv_mask_alpha"]}
            (dz,) = DepthwiseConv2DGradInputInt8.reference(operands, end, [shape])
        w, scales = named["conv_w"], named["conv_scales"]
        operands = [named["train"], dz, w, scales, named["addend"], named["bits"]]
        operands += [named["overlay"], named["overlay_channels"]]
        dx = [Conv2DGradInputInt8.reference(operands, options | POINTWISE, [s])[0] for s in output_shapes]
        for layer, gradient in (("depthwise", dz_of_depthwise), ("conv", dz)):
            if named[f"{layer}_bias"] is not None:
                BiasGradInt32.reference(*cls.bias_update(named, layer, gradient, options), [])
            if named[f"{layer}_x_sel"] is not None:
                op, operands, own = cls.filter_update(named, layer, gradient, options)
                op.reference(operands, own, [])
        return dx

    @classmethod
    def bias_update(cls, named, layer, dz, options):
        """(operands, options) of the TfdgsuBiasGradInt32 that updates a layer's bias."""
        own = options | {"layer_id": options[f"{layer}_layer_id"], "momentum": options["bias_momentum"]}
        values = {"dy": dz, "b": named[f"{layer}_bias"], "scales": named[f"{layer}_bias_scales"]}
        values["velocity"] = named[f"{layer}_bias_velocity"]
        return cls._separate(BiasGradInt32, named | values, own)

    @classmethod
    def filter_update(cls, named, layer, dz, options):
        """(op, operands, options) that update a layer's filter."""
        own = options if layer == "depthwise" else options | POINTWISE
        own = own | {name: options[f"{layer}_{name}"] for name in ("layer_id", "x_scale", "x_zero_point")}
        values = {name: named[f"{layer}_{name}"] for name in ("w", "scales", *_FILTER_UPDATE)}
        if layer == "conv" and named["overlay"] is not None:
            values["w"] = named["overlay"]
        if named[f"{layer}_rate"] is not None:
            values["lr"] = named[f"{layer}_rate"]
        op = DepthwiseConv2DGradFilterInt8 if layer == "depthwise" else Conv2DGradFilterInt8
        return (op, *cls._separate(op, named | values | {"dy": dz}, own | {"depth_multiplier": 1}))

    @classmethod
    def _separate(cls, op, values, options):
        operands = [values[operand.name] for operand in op.INPUTS]
        return operands, {field.name: options[field.name] for field in op.OPTIONS}

    @classmethod
    def _reaches_conv(cls, named, options):
        return bool(options["has_dx"] or options["trains_conv"] or named["conv_bias"] is not None)

    @classmethod
    def _check_weights(cls, named, m, options):
        reaches_conv = cls._reaches_conv(named, options)
        is_read = {"depthwise": reaches_conv or options["trains_depthwise"]}
        is_read["conv"] = options["has_dx"] or options["trains_conv"]
        for layer in LAYERS:
            w, scales = named[f"{layer}_w"], named[f"{layer}_scales"]
            present = (w is not None, scales is not None)
            rule = f"`{layer}_w` and its scales must be present exactly if they are read"
            cls.require(present == (bool(is_read[layer]),) * 2, rule, (w, scales))
            if w is not None:
                cls.require(len(w) == 4, f"`{layer}_w` must be 4-D", w)
                check_scales(cls, scales, m)
        w, conv_w = named["depthwise_w"], named["conv_w"]
        cls.require(w is None or w[::3] == (1, m), f"`depthwise_w` must be [1,kh,kw,{m}]", w)
        cls.require(conv_w is None or conv_w[:3] == (m, 1, 1), f"`conv_w` must be [{m},1,1,C]", conv_w)
        bits = named["conv_bits"]
        cls.require(reaches_conv or bits is None, "`conv_bits` needs a gradient to mask", bits)

    @classmethod
    def _check_dx(cls, named, outputs, image, options):
        ends = named["addend"], named["bits"]
        if not options["has_dx"]:
            cls.require(ends == (None, None), "without `dx` there must be no `addend` and no `bits`", ends)
            return
        shape = (*image, named["conv_w"][3])
        cls.require(outputs[0] == shape, f"`dx` must have shape {shape}", outputs[0])
        check_epilogue(cls, shape, *ends)

    @classmethod
    def _check_overlay(cls, named, options):
        overlay = named["overlay"]
        cls.require(options["has_overlay"] == (overlay is not None), "has_overlay must tell of `overlay`", overlay)
        cls.require(overlay is None or options["has_dx"], "an overlay needs `dx`", overlay)
        check_overlay(cls, named["conv_w"], overlay, named["overlay_channels"])
        check_overlay(cls, named["project_w"], named["project_overlay"], named["project_overlay_channels"])

    @classmethod
    def _check_bias(cls, named, layer, dz, options):
        b, *others = (named[f"{layer}_{name}"] for name in _BIAS)
        if b is None:
            cls.require(others == [None, None], f"without `{layer}_bias` there must be nothing of it", others)
            return
        cls._require_rate_and_step(named["lr"], named["step"])
        cls.require(others[0] is not None, f"`{layer}_bias` needs its scales", others[0])
        operands, own = cls.bias_update(named, layer, dz, options)
        BiasGradInt32.check_shapes(operands, [], own)

    @classmethod
    def _check_filter(cls, named, layer, dz, options):
        x, *others, rate = (named[f"{layer}_{name}"] for name in (*_FILTER_UPDATE, "rate"))
        cls.require(
            (x is not None) == bool(options[f"trains_{layer}"]), f"trains_{layer} must tell of `{layer}_x_sel`", x
        )
        if x is None:
            others.append(rate)
            cls.require(others == [None] * 4, f"without `{layer}_x_sel` there must be nothing of its update", others)
            return
        cls.require(rate in (None, (1,)), f"`{layer}_rate` must have shape [1]", rate)
        cls._require_rate_and_step(rate or named["lr"], named["step"])
        op, operands, own = cls.filter_update(named, layer, dz, options)
        op.check_shapes(operands, [], own)
        size = (dz[0], options["in_h"], options["in_w"])
        cls.require(x[:3] == size, f"`{layer}_x_sel` must be {[*size, 'k']}", x)

    @classmethod
    def _require_rate_and_step(cls, rate, step):
        cls.require(None not in (rate, step), "updates need `lr` and `step`", (rate, step))
