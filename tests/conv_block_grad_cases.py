# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Edge shapes of the fused backward pass of a chain of int8 convolutions, with every operand there and absent."""

import numpy as np
from op_case import WINDOWS, Case, Window

NAME = "TfdgsuConvBlockGrad"
SYMMETRIC = {"pad_top": 1, "pad_left": 1}  # what a PAD in front of a depthwise convolution of stride 2 gives
_GEOMETRIES = {
    **WINDOWS,
    "7x7": Window(1, (6, 9), (7, 7), (1, 1), "SAME"),
    "5x5_stride2": Window(1, (8, 8), (5, 5), (2, 2), "SAME"),
    "one_pixel": Window(1, (1, 1), (3, 3), (1, 1), "SAME"),
}
# (C, M, P, k, tile): one channel, tiles that divide M and that do not, and one larger than M.
_CHANNELS = ((1, 1, 1, 1, 4), (5, 7, 3, 2, 4), (8, 16, 8, 8, 8), (9, 17, 33, 4, 8), (16, 33, 5, 1, 32), (3, 4, 2, 3, 1))
_OPTIMIZERS = ((0.0, 0), (0.75, 0), (0.75, 1))
_MASKS = ("depthwise_bits", "conv_bits", "bits")

_rng = np.random.default_rng(20260205)
_START = _rng.bit_generator.state


def all_conv_block_grad_cases():
    """Every case; the same at every call."""
    _rng.bit_generator.state = _START
    cases = []
    for i, (tag, window) in enumerate(_GEOMETRIES.items()):
        cases.append(_case(tag, window, _CHANNELS[1 + i % 4], rounding=i % 3, optimizer=i % 3))
    symmetric = Window(1, (6, 6), (3, 3), (2, 2), "SAME")
    cases.append(_case("symmetric", symmetric, _CHANNELS[1], padding=SYMMETRIC))
    for sizes in _CHANNELS:
        for rounding in range(3):
            tag = "-".join(map(str, (*sizes, rounding)))
            cases.append(_case(tag, WINDOWS["same3"], sizes, rounding=rounding, optimizer=(rounding + len(cases)) % 3))
    for absent in (*_MASKS, "addend", "dx", "x_sel", "depthwise_bias", "conv_bias"):
        cases.append(_case(f"without_{absent}", WINDOWS["same3"], _CHANNELS[1], absent=(absent,)))
    updates = ("x_sel", "depthwise_bias", "conv_bias")
    cases.append(_case("only_dx", WINDOWS["same3"], _CHANNELS[1], absent=(*updates, *_MASKS, "addend"), optimizer=0))
    cases.append(_case("only_bias", WINDOWS["same3"], _CHANNELS[1], absent=("dx", "x_sel", "depthwise_bias")))
    cases.append(_case("not_finite", WINDOWS["same3"], _CHANNELS[3], odd=(np.nan, np.inf, -np.inf)))
    return cases


def _case(tag, window, sizes, *, rounding=1, optimizer=1, padding=None, absent=(), odd=()):
    """One case; `absent` names operands to leave out with all that belongs to them, `odd` are values in dy."""
    c, m, p, k, tile = sizes
    b, (h, w), out_hw = window.batch, window.image, window.output
    momentum, nesterov = _OPTIMIZERS[optimizer]
    velocity = (lambda *shape: _floats(*shape)) if momentum else (lambda *shape: None)
    dy = _floats(b, *out_hw, p)
    for value in odd:
        dy[tuple(_rng.integers(0, size) for size in dy.shape)] = value
    inputs = {
        "train": np.array([1], np.int32),
        "lr": np.array([0.01], np.float32),
        "dy": dy,
        "project_w": _int8s(p, 1, 1, m),
        "project_scales": _scales(p),
        "depthwise_bits": _bits(b * out_hw[0] * out_hw[1] * m),
        "depthwise_bias": _biases(m),
        "depthwise_bias_scales": _scales(m) / np.float32(100),
        "depthwise_bias_velocity": velocity(m),
        "depthwise_w": _int8s(1, *window.filter, m),
        "depthwise_scales": _scales(m),
        "conv_bits": _bits(b * h * w * m),
        "conv_w": _int8s(m, 1, 1, c),
        "conv_scales": _scales(m),
        "x_sel": _int8s(b, h, w, k),
        "channels": None if k == c else _rng.permutation(c)[:k].astype(np.int32),
        "conv_velocity": velocity(m, 1, 1, k),
        "remainder": _int8s(m, 1, 1, c) if rounding == 2 else None,
        "conv_bias": _biases(m),
        "conv_bias_scales": _scales(m) / np.float32(100),
        "conv_bias_velocity": velocity(m),
        "step": np.array([41], np.int32),
        "addend": _floats(b, h, w, c),
        "bits": _bits(b * h * w * c),
    }
    _leave_out(inputs, absent)
    options = {
        **window.options,
        **(padding or {}),
        "in_h": h,
        "in_w": w,
        "depthwise_mask_alpha": 0.0,
        "conv_mask_alpha": 0.125,
        "mask_alpha": 0.25,
        "momentum": momentum,
        "nesterov": nesterov,
        "rounding": rounding,
        "seed": 0xFEDCBA98,
        "layer_id": 7,
        "depthwise_layer_id": 8,
        "x_scale": 0.02,
        "x_zero_point": -3,
        "tile_channels": tile,
        "has_dx": int("dx" not in absent),
        "trains_conv": int("x_sel" not in absent),
    }
    outputs = [_floats(b, h, w, c)] if options["has_dx"] else []
    return Case(f"conv_block_grad-{tag}", NAME, list(inputs.values()), options, outputs)


def _leave_out(inputs, absent):
    belongings = {
        "x_sel": ("channels", "conv_velocity", "remainder"),
        "dx": ("addend", "bits"),
        "depthwise_bias": ("depthwise_bias_scales", "depthwise_bias_velocity"),
        "conv_bias": ("conv_bias_scales", "conv_bias_velocity"),
    }
    for name in absent:
        for gone in (name, *belongings.get(name, ())):
            if gone in inputs:
                inputs[gone] = None
    if all(inputs[name] is None for name in ("x_sel", "depthwise_bias", "conv_bias")):
        inputs["lr"] = inputs["step"] = None


def _floats(*shape):
    return _rng.standard_normal(shape).astype(np.float32)


def _int8s(*shape):
    return _rng.integers(-127, 128, shape).astype(np.int8)


def _biases(n):
    return _rng.integers(-5000, 5000, n).astype(np.int32)


def _scales(n):
    return (0.002 + 0.01 * _rng.random(n)).astype(np.float32)


def _bits(n):
    packed = _rng.integers(0, 256, (n + 7) // 8, np.uint8)
    packed[-1] &= 255 >> (-n % 8)  # as the op that makes masks leaves them
    return packed
