# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Edge shapes of the fused backward pass of a chain of int8 convolutions, with every operand there and absent."""

import numpy as np
from op_case import DEPTHWISE_WINDOWS, WINDOWS, Case, Window

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
_UPDATES = ("conv_x_sel", "conv_bias", "depthwise_x_sel", "depthwise_bias")

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
    for absent in (*_MASKS, "addend", "dx", *_UPDATES):
        cases.append(_case(f"without_{absent}", WINDOWS["same3"], _CHANNELS[1], absent=(absent,)))
    subsets = {
        "only_dx": (*_UPDATES, *_MASKS, "addend"),
        "deepest_filter": ("dx", "conv_bias", "depthwise_x_sel", "depthwise_bias"),
        "deepest_bias": ("dx", "conv_x_sel", "depthwise_x_sel"),
        "depthwise_only": ("dx", "conv_x_sel", "conv_bias"),
        "depthwise_filter_only": ("dx", "conv_x_sel", "conv_bias", "depthwise_bias", "depthwise_bits"),
        "depthwise_bias_only": ("dx", "conv_x_sel", "conv_bias", "depthwise_x_sel"),
    }
    for tag, absent in subsets.items():
        optimizer = 0 if tag == "only_dx" else 1
        cases.append(_case(tag, WINDOWS["same3"], _CHANNELS[1], absent=absent, optimizer=optimizer))
    for i, (sizes, q) in enumerate((((5, 7, 3, 2, 4), 3), ((1, 1, 1, 1, 4), 1), ((33, 17, 9, 4, 8), 20))):
        how = {"rounding": 2 - i, "optimizer": (i + 1) % 3, "n_overlay": q, "rates": "all"}
        cases.append(_case(f"overlay{q}", WINDOWS["same3"], sizes, **how))
        how |= {"optimizer": 0, "rates": ""}  # without velocities
        cases.append(_case(f"overlay{q}_only_dx", WINDOWS["same3"], sizes, absent=subsets["only_dx"], **how))
    cases.append(_case("overlay_without_filter", WINDOWS["same3"], _CHANNELS[1], absent=("conv_x_sel",), n_overlay=3))
    cases.append(_case("many_channels", WINDOWS["same3_stride2"], (4, 70, 6, 4, 64), rounding=2))
    for tag, absent in (("all", ()), *subsets.items()):
        if tag != "only_dx":
            cases.append(_case(f"lars_{tag}", WINDOWS["same3"], _CHANNELS[1], absent=absent, rates="filters"))
    for i, tag in enumerate(("7x7_stride2", "many_parts", "filter_of_two_parts", "stride_near_filter")):
        cases.append(_case(tag, DEPTHWISE_WINDOWS[tag], (3, 11, 2, 2, 6), rounding=i % 3, optimizer=i % 2))
    cases.append(_case("not_finite", WINDOWS["same3"], _CHANNELS[3], odd=(np.nan, np.inf, -np.inf)))
    return cases


def _case(tag, window, sizes, *, rounding=1, optimizer=1, padding=None, absent=(), odd=(), n_overlay=0, rates=""):
    """One case; `absent` names operands to leave out with all that belongs to them, `odd` are values in dy.

    Filters have rates of their own unless `rates` is empty; of "filters", biases have no momentum.
    """
    c, m, p, k, tile = sizes
    image, out_image = (window.batch, *window.image), (window.batch, *window.output)
    momentum, nesterov = _OPTIMIZERS[optimizer]
    dy = _floats(*out_image, p)
    for value in odd:
        dy[tuple(_rng.integers(0, size) for size in dy.shape)] = value
    how = {"momentum": momentum, "rounding": rounding}
    inputs = {
        "train": np.array([1], np.int32),
        "lr": np.array([0.01], np.float32),
        "dy": dy,
        "project_w": _int8s(p, 1, 1, m),
        "project_scales": _scales(p),
        "depthwise_bits": _bits(*out_image, m),
        **_layer("depthwise", m, (1, *window.filter, m), (image, 1 + m // 2, m), **how),
        "conv_bits": _bits(*image, m),
        **_layer("conv", m, (m, 1, 1, n_overlay or c), (image, k, n_overlay or c), **how),
        "step": np.array([41], np.int32),
        "addend": _floats(*image, c),
        "bits": _bits(*image, c),
        "overlay": None,
        "overlay_channels": None,
        "project_overlay": None,
        "project_overlay_channels": None,
        "depthwise_rate": np.array([0.003], np.float32) if rates else None,
        "conv_rate": np.array([0.03], np.float32) if rates else None,
    }
    if rates == "filters":
        inputs |= {"depthwise_bias_velocity": None, "conv_bias_velocity": None}
    if n_overlay:
        n = min(n_overlay, m)
        inputs |= {"project_overlay": _int8s(p, 1, 1, n)}
        inputs["project_overlay_channels"] = np.sort(_rng.permutation(m)[:n]).astype(np.int32)
        inputs |= {"overlay": inputs["conv_w"], "conv_w": _int8s(m, 1, 1, c)}
        inputs["overlay_channels"] = np.sort(_rng.permutation(c)[:n_overlay]).astype(np.int32)
    _leave_out(inputs, absent)
    options = {
        **window.options,
        **(padding or {}),
        "in_h": window.image[0],
        "in_w": window.image[1],
        "mask_alpha": 0.25,
        "momentum": momentum,
        "nesterov": nesterov,
        "rounding": rounding,
        "seed": 0xFEDCBA98,
        "tile_channels": tile,
        "has_dx": int("dx" not in absent),
        "has_overlay": int(n_overlay > 0),
        "bias_momentum": 0.0 if rates == "filters" else momentum,
    }
    for layer, alpha, layer_id, zero_point in (("depthwise", 0.0, 8, 127), ("conv", 0.125, 7, -3)):
        options |= {f"{layer}_mask_alpha": alpha, f"{layer}_layer_id": layer_id, f"{layer}_x_scale": 0.02}
        options |= {f"{layer}_x_zero_point": zero_point, f"trains_{layer}": int(f"{layer}_x_sel" not in absent)}
    if inputs["depthwise_w"] is None:
        options |= {"pad_top": 0, "pad_left": 0}
    outputs = [_floats(*image, c)] if options["has_dx"] else []
    return Case(f"conv_block_grad-{tag}", NAME, list(inputs.values()), options, outputs)


def _layer(layer, m, w_shape, selection, *, momentum, rounding):
    """What is trained of a layer; `selection` is the image of its input, and k of how many channels."""
    image, k, n_channels = selection
    sliced = (*w_shape[:3], k)
    values = {
        "bias": _rng.integers(-5000, 5000, m).astype(np.int32),
        "bias_scales": _scales(m) / np.float32(100),
        "bias_velocity": _floats(m) if momentum else None,
        "w": _int8s(*w_shape),
        "scales": _scales(m),
        "x_sel": _int8s(*image, k),
        "channels": None if k == n_channels else _rng.permutation(n_channels)[:k].astype(np.int32),
        "velocity": _floats(*sliced) if momentum else None,
        "remainder": _int8s(*w_shape) if rounding == 2 else None,
    }
    return {f"{layer}_{name}": value for name, value in values.items()}


def _leave_out(inputs, absent):
    gone = set(absent)
    gone |= {"addend", "bits"} if "dx" in gone else set()
    for layer in ("depthwise", "conv"):
        if f"{layer}_bias" in gone:
            gone |= {f"{layer}_bias_scales", f"{layer}_bias_velocity"}
        if f"{layer}_x_sel" in gone:
            gone |= {f"{layer}_{name}" for name in ("channels", "velocity", "remainder", "rate")}
    if {"dx", "conv_x_sel"} <= gone:
        gone |= {"conv_w", "conv_scales"}
        if "conv_bias" in gone:
            gone |= {"conv_bits"} | ({"depthwise_w", "depthwise_scales"} if "depthwise_x_sel" in gone else set())
    if set(_UPDATES) <= gone:
        gone |= {"lr", "step"}
    for name in gone & set(inputs):
        inputs[name] = None


def _floats(*shape):
    return _rng.standard_normal(shape).astype(np.float32)


def _int8s(*shape):
    return _rng.integers(-127, 128, shape).astype(np.int8)


def _scales(n):
    return (0.002 + 0.01 * _rng.random(n)).astype(np.float32)


def _bits(*shape):
    n = int(np.prod(shape))
    packed = _rng.integers(0, 256, (n + 7) // 8, np.uint8)
    packed[-1] &= 255 >> (-n % 8)  # as the op that makes masks leaves them
    return packed
