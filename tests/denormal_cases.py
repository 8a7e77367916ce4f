# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Cases of gradients below 2^-126, where a core that flushed such numbers to zero would give others than the host."""

import numpy as np
from op_case import WINDOWS, Case

_SCALES = {"operands": (1e-39, 1.0), "products": (1e-21, 1e-19), "vanishing": (1e-30, 1e-15)}  # of dy and of the rest


def all_denormal_cases():
    """Every case; the same at every call."""
    rng = np.random.default_rng(20260205)
    return [case for tag, scales in _SCALES.items() for case in _gradients(rng, tag, *scales)]


def _floats(rng, scale, *shape):
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def _gradients(rng, tag, dy_scale, scale):
    window, c, o = WINDOWS["same3"], 5, 4
    x_shape, dy_shape = (window.batch, *window.image, c), (window.batch, *window.output, o)
    on, rate, options = np.array([1], np.int32), np.array([0.5], np.float32), window.options
    dy, deep_dy = _floats(rng, dy_scale, *dy_shape), _floats(rng, dy_scale, *dy_shape[:3], c)
    x = _floats(rng, scale, *x_shape)
    w, deep_w = _floats(rng, scale, o, *window.filter, c), _floats(rng, scale, 1, *window.filter, c)
    end = {**options, "mask_alpha": 0.0}
    sgd = {**options, "momentum": 0.75, "nesterov": 1}

    one = {"depth_multiplier": 1}

    def case(name, inputs, options, outputs=()):
        return Case(f"denormal-{tag}-{name}", f"Tfdgsu{name}", inputs, options, list(outputs))

    dx = np.full(x_shape, 7, np.float32)
    yield case("Conv2DGradInput", [on, dy, w, None, None], end, [dx])
    yield case("DepthwiseConv2DGradInput", [on, deep_dy, deep_w, None, None], end, [dx])
    velocity, deep_velocity = _floats(rng, 1e-40, *w.shape), _floats(rng, 1e-40, *deep_w.shape)
    yield case("Conv2DGradFilter", [on, rate, x, dy, None, w * np.float32(1e-20), velocity], sgd)
    yield case(
        "DepthwiseConv2DGradFilter", [on, rate, x, deep_dy, None, deep_w * np.float32(1e-20), deep_velocity], sgd | one
    )
    quantized, deep_quantized = (rng.integers(-127, 128, each.shape).astype(np.int8) for each in (w, deep_w))
    scales, deep_scales = np.full(o, 0.01, np.float32), np.full(c, 0.01, np.float32)
    yield case("Conv2DGradInputInt8", [on, dy, quantized, scales, None, None, None, None], end, [dx])
    yield case("DepthwiseConv2DGradInputInt8", [on, deep_dy, deep_quantized, deep_scales, None, None], end, [dx])
    sgd = sgd | {"x_scale": 0.0235, "x_zero_point": 3, "rounding": 0, "seed": 1, "layer_id": 2}
    image, step = rng.integers(-128, 128, x_shape).astype(np.int8), np.array([1], np.int32)
    yield case("Conv2DGradFilterInt8", [on, rate, image, dy, None, quantized, scales, velocity, None, step], sgd)
    inputs = [on, rate, image, deep_dy, None, deep_quantized, deep_scales, deep_velocity, None, step]
    yield case("DepthwiseConv2DGradFilterInt8", inputs, sgd | one)
