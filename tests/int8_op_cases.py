# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Edge shapes and values of the ops of int8 layers; `op_cases.all_cases` appends them to its own."""

import numpy as np
from op_case import CHANNELS, DEPTHWISE_WINDOWS, WINDOWS, Case, Window

ROUNDINGS = (0, 1, 2)
ZERO_POINTS = (-128, 0, 127)
# More positions than are converted at once: in one line, in lines of a filter tap, in a line longer than that.
LARGE_WINDOWS = {
    "1x1_81": Window(1, (9, 9), (1, 1), (1, 1), "SAME"),
    "same3_2x81": Window(2, (9, 9), (3, 3), (1, 1), "SAME"),
    "same3_70": Window(1, (2, 70), (3, 3), (1, 1), "SAME"),
}
RATES = (0.01, 0.0, 1e30)  # in between: nothing moves; last: every weight saturates

_rng = np.random.default_rng(20260204)
_START = _rng.bit_generator.state


def all_int8_cases():
    """Every case; the same at every call."""
    _rng.bit_generator.state = _START
    makers = (_input_gradients, _filter_gradients, _updates, _biases, _gathers, _masks, _depthwise_parts)
    return [case for maker in makers for case in maker()]


def floats(*shape):
    return _rng.standard_normal(shape).astype(np.float32)


def int8s(*shape, low=-127):
    return _rng.integers(low, 128, shape).astype(np.int8)


def scales(n):
    return (0.002 + 0.01 * _rng.random(n)).astype(np.float32)


def bits(n):
    return _rng.integers(0, 256, (n + 7) // 8, np.uint8)


def one(value, dtype=np.int32):
    return np.array([value], dtype)


def _input_gradients():
    for tag, window in WINDOWS.items():
        yield from _input_gradient(tag, window, 5, 3, 1 + len(tag) % 2)
    for c in CHANNELS:
        yield from _input_gradient(f"c{c}", WINDOWS["1x1"], c, 1 + c % 5, 1)
        yield from _input_gradient(f"c{c}s", WINDOWS["same3_stride2"], c, 4, 2)
    for tag, window in LARGE_WINDOWS.items():
        yield from _input_gradient(f"{tag}_o50", window, 13, 50, 1)  # more output channels than a panel of weights has


def _input_gradient(tag, window, c, o, m):
    shape = (window.batch, *window.image, c)
    n = int(np.prod(shape))
    for end, addend, mask, alpha in (("plain", None, None, 0.0), ("both", floats(*shape), bits(n), 0.25)):
        options = {**window.options, "mask_alpha": alpha}
        inputs = [one(1), floats(window.batch, *window.output, o), int8s(o, *window.filter, c), scales(o), addend, mask]
        name, outputs = "TfdgsuConv2DGradInputInt8", [floats(*shape)]
        yield Case(f"conv_input_int8-{tag}-{end}", name, [*inputs, None, None], options, outputs)
        for q in {1, (c + 1) // 2, c}:
            channels = np.sort(_rng.permutation(c)[:q]).astype(np.int32)
            overlay = [int8s(o, *window.filter, q), channels]
            yield Case(f"conv_input_int8-{tag}-{end}-overlay{q}", name, inputs + overlay, options, outputs)
        yield _depthwise_input(f"{tag}-{end}", window, c, m, addend, mask, alpha)


def _depthwise_input(tag, window, c, m, addend, mask, alpha):
    dy, w = floats(window.batch, *window.output, c * m), int8s(1, *window.filter, c * m)
    inputs = [one(1), dy, w, scales(c * m), addend, mask]
    options = {**window.options, "mask_alpha": alpha}
    outputs = [floats(window.batch, *window.image, c)]
    return Case(f"depthwise_input_int8-{tag}", "TfdgsuDepthwiseConv2DGradInputInt8", inputs, options, outputs)


def _filter_gradients():
    for i, (tag, window) in enumerate(WINDOWS.items()):
        yield from _filter_gradient(tag, window, 5, 6, 3, 1 + i % 2)
    for i, c in enumerate(CHANNELS):
        yield from _filter_gradient(f"c{c}", WINDOWS["1x1"], c, CHANNELS[-1 - i], c, 1)
        yield from _filter_gradient(f"c{c}_k", WINDOWS["same3_stride2"], c, 3, 1 + c // 2, 2)
    for tag, window in LARGE_WINDOWS.items():
        yield from _filter_gradient(f"{tag}_o50", window, 7, 50, 6, 1)  # more output channels than are summed at once


def _filter_gradient(tag, window, c, o, k, m):
    """Conv and depthwise, each with another optimizer, rounding and zero point."""
    geometry = (window.batch, *window.output)
    x = int8s(window.batch, *window.image, k, low=-128)
    i = len(tag) + c + k
    mode = {"rounding": i % 3, "zero_point": ZERO_POINTS[i % 3 - 1], "momentum": (0.0, 0.75)[i % 2]}
    dy, w = floats(*geometry, o), int8s(o, *window.filter, c)
    yield _update("conv", tag, window, x, dy, w, k, None, **mode)
    dy, w = floats(*geometry, c * m), int8s(1, *window.filter, c * m)
    yield _update("depthwise", tag, window, x, dy, w, k, m, **mode)


def _update(kind, tag, window, x, dy, w, k, m, *, rounding, zero_point, momentum, nesterov=0, rate=0.01):
    n_channels = w.shape[3] // (m or 1)
    slice_shape = (*w.shape[:3], k * (m or 1))
    inputs = [
        one(1),
        one(rate, np.float32),
        x,
        dy,
        None if k == n_channels else _rng.permutation(n_channels)[:k].astype(np.int32),
        w,
        scales(w.shape[3] if m else w.shape[0]),
        floats(*slice_shape) * np.float32(0.01) if momentum else None,
        _rng.integers(-128, 128, w.shape).astype(np.int8) if rounding == 2 else None,
        one(_rng.integers(1 << 31)),
    ]
    options = {"momentum": momentum, "nesterov": nesterov, "x_scale": 0.0235, "x_zero_point": zero_point}
    options |= {**window.options, "rounding": rounding, "seed": 0xFEDCBA98, "layer_id": 3}
    if m:
        options["depth_multiplier"] = m
    name = "TfdgsuDepthwiseConv2DGradFilterInt8" if m else "TfdgsuConv2DGradFilterInt8"
    case = f"{kind}_filter_int8-{tag}-{rounding}{zero_point}-{momentum}{nesterov}-{rate}"
    return Case(case, name, inputs, options, [])


def _updates():
    """Every rounding with every rate, optimizer and odd gradient, on one small layer."""
    window = WINDOWS["same3"]
    for rounding in ROUNDINGS:
        for rate in RATES:
            for momentum, nesterov in ((0.0, 0), (0.75, 0), (0.75, 1)):
                mode = {"rounding": rounding, "momentum": momentum, "nesterov": nesterov, "rate": rate}
                for zero_point in ZERO_POINTS:
                    x, dy = int8s(2, 5, 6, 4, low=-128), floats(2, 5, 6, 6)
                    w = np.where(_rng.random((6, 3, 3, 9)) < 0.2, 127, int8s(6, 3, 3, 9)).astype(np.int8)
                    yield _update("conv", "modes", window, x, dy, w, 4, None, zero_point=zero_point, **mode)
                dy = floats(2, 5, 6, 6)
                dy[0, 2, 3, :3] = (np.nan, np.inf, -np.inf)
                yield _update("conv", "odd", window, x, dy, int8s(6, 3, 3, 9), 4, None, zero_point=5, **mode)
                x, dy, w = int8s(2, 5, 6, 3, low=-128), floats(2, 5, 6, 6), int8s(1, 3, 3, 6)
                for odd in (np.nan, np.inf, -np.inf):
                    dy[0, 2, 3, _rng.integers(6)] = odd
                yield _update("depthwise", "odd", window, x, dy, w, 3, 2, zero_point=5, **mode)


def _biases():
    for i, c in enumerate(CHANNELS):
        for rounding in ROUNDINGS:
            momentum, nesterov = ((0.0, 0), (0.75, 0), (0.75, 1))[(i + rounding) % 3]
            dy = floats(2, 3, c)
            dy[0, 0, 0] = (0.5, np.nan, np.inf)[i % 3]
            b = _rng.integers(-5000, 5000, c).astype(np.int32)
            b[-1] = 1 << 30
            velocity = floats(c) if momentum else None
            inputs = [one(1), one(RATES[i % 3], np.float32), dy, b, scales(c) / 100, velocity, one(7 * i)]
            options = {"momentum": momentum, "nesterov": nesterov, "rounding": rounding, "seed": 11, "layer_id": i}
            yield Case(f"bias_int32-c{c}-{rounding}", "TfdgsuBiasGradInt32", inputs, options, [])


def _gathers():
    for n, p, k in ((1, 1, 1), (5, 5, 3), (33, 20, 20), (64, 9, 1)):
        pool, channels = (_rng.permutation(size)[:kept].astype(np.int32) for size, kept in ((n, p), (p, k)))
        for dtype, x in (("int8", int8s(2, 3, n, low=-128)), ("float32", floats(2, 3, n))):
            outputs = [np.zeros((2, 3, k), dtype)]
            for tag, from_pool in (("all", None), ("pool", pool)):
                inputs = [one(1), x, channels, from_pool]
                yield Case(f"gather-{dtype}-{n}-{k}-{tag}", "TfdgsuGatherChannels", inputs, {}, outputs)


def _masks():
    for n in (1, 8, 31, 256):
        y = int8s(n, low=-128)
        y[:1] = 127
        for low, high in ((-128, float("inf")), (-128, 127), (3, 300), (-500, -127), (-3.5, 6.5), (127, 128)):
            options = {"low": float(low), "high": float(high)}
            yield Case(f"relu_mask_int8-{n}-{low}-{high}", "TfdgsuReluMask", [one(1), y], options, [bits(n)])
    for tag, window in WINDOWS.items():
        # Few distinct values, so that there are ties; padding must lose against -128.
        x = _rng.choice(np.array([-128, -127, 127], np.int8), (window.batch, *window.image, 5))
        options = {"filter_h": window.filter[0], "filter_w": window.filter[1], **window.options}
        argmax = np.zeros((window.batch, *window.output, 5), np.uint8)
        yield Case(f"argmax_int8-{tag}", "TfdgsuMaxPool2DArgmax", [one(1), x], options, [argmax])
    for outer, reduced, inner in ((1, 1, 1), (2, 6, 5), (1, 49, 3)):
        options = {"outer": outer, "reduced": reduced, "inner": inner}
        x = _rng.integers(-2, 3, (outer, reduced, inner)).astype(np.int8)
        inputs, outputs = [one(1), x, x.max(axis=1)], [bits(x.size)]
        yield Case(f"max_mask_int8-{outer}-{reduced}-{inner}", "TfdgsuReduceMaxMask", inputs, options, outputs)


def _depthwise_parts():
    for i, (tag, window) in enumerate(DEPTHWISE_WINDOWS.items()):
        c, shape = 4 + i % 5, (window.batch, *window.image)
        yield _depthwise_input(f"{tag}-plain", window, c, 1, None, None, 0.0)
        addend, mask = floats(*shape, c), bits(int(np.prod(shape)) * c)
        yield _depthwise_input(f"{tag}-both", window, c, 1, addend, mask, 0.25)
        yield _depthwise_input(f"{tag}-mask", window, c, 1, None, mask, 0.25)
        k = 1 + i % 5 if i % 2 else c
        x, dy = int8s(*shape, k, low=-128), floats(window.batch, *window.output, c)
        if tag in ("wide_row", "5x5"):  # where the padded border takes part
            dy[0, 0, 0, 0], dy[0, -1, -1, 1] = np.inf, np.nan
        mode = {"rounding": i % 3, "zero_point": ZERO_POINTS[i % 3 - 1], "momentum": (0.0, 0.75)[i % 2]}
        yield _update("depthwise", tag, window, x, dy, int8s(1, *window.filter, c), k, 1, **mode)
