# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Gradients of int8 layers against automatic differentiation of the dequantized layers, in float64."""

import numpy as np
import op_cases
import pytest
import tensorflow as tf
import tolerances
from tfdgsu.export.ops.custom import REGISTRY

CLOSE = {"rtol": tolerances.GRADIENT_FLOAT64_RTOL, "atol": tolerances.GRADIENT_FLOAT64_ATOL}
RNG = np.random.default_rng(0)
X_SCALE, ZERO_POINT = 0.03, -7
# TensorFlow has no depthwise convolution with unequal strides.
EQUAL_STRIDES = {name: w for name, w in op_cases.WINDOWS.items() if w.stride[0] == w.stride[1]}


def _tape(forward, x, w):
    """(dy, dx, dw) of real values for a random dy."""
    x, w = tf.constant(x), tf.constant(w)
    with tf.GradientTape() as tape:
        tape.watch([x, w])
        y = forward(x, w)
    dy = RNG.standard_normal(y.shape)
    return (dy, *(g.numpy() for g in tape.gradient(y, [x, w], output_gradients=tf.constant(dy))))


def _int8s(*shape, low=-127):
    return RNG.integers(low, 128, shape).astype(np.int8)


def _gradient(name, x, dy, channels, w, scales, options):
    """The filter gradient, read from the velocity of a first step with learning rate 1."""
    velocity = np.zeros((*w.shape[:3], x.shape[3] * options.get("depth_multiplier", 1)))
    options = {**options, "momentum": 0.5, "nesterov": 0, "x_scale": X_SCALE, "x_zero_point": ZERO_POINT}
    options |= {"rounding": 0, "seed": 0, "layer_id": 0}
    inputs = [None, np.ones(1), x, dy, channels, w.copy(), scales, velocity, None, np.zeros(1, np.int32)]
    REGISTRY[name].reference(inputs, options, [])
    return -velocity


@pytest.mark.parametrize("window", op_cases.WINDOWS.values(), ids=list(op_cases.WINDOWS))
def test_conv_2d(window):
    x, w = _int8s(window.batch, *window.image, 5, low=-128), _int8s(4, *window.filter, 5)
    scales = RNG.uniform(0.002, 0.02, 4)
    real_w = w * scales[:, None, None, None]
    dy, dx, dw = _tape(
        lambda x, w: tf.nn.conv2d(x, w, [1, *window.stride, 1], window.padding),
        X_SCALE * (x.astype(float) - ZERO_POINT),
        real_w.transpose(1, 2, 3, 0),
    )
    options = {**window.options, "mask_alpha": 0.0}
    op, operands = REGISTRY["TfdgsuConv2DGradInputInt8"], [None, dy, w, scales, None, None]
    (actual,) = op.reference([*operands, None, None], options, [x.shape])
    np.testing.assert_allclose(actual, dx, **CLOSE)
    pool = np.array([1, 2, 4])
    operands[2] = np.where(np.isin(np.arange(5), pool), 0, w).astype(np.int8)
    (overlaid,) = op.reference([*operands, w[..., pool], pool], options, [x.shape])
    np.testing.assert_array_equal(overlaid, actual)
    channels = np.array([4, 0, 3])
    for selected in (None, channels):
        kept = slice(None) if selected is None else selected
        gradient = _gradient("TfdgsuConv2DGradFilterInt8", x[..., kept], dy, selected, w, scales, window.options)
        np.testing.assert_allclose(gradient, dw.transpose(3, 0, 1, 2)[..., kept], **CLOSE)


@pytest.mark.parametrize("window", EQUAL_STRIDES.values(), ids=list(EQUAL_STRIDES))
@pytest.mark.parametrize("m", [1, 2])
def test_depthwise_conv_2d(window, m):
    x, w = _int8s(window.batch, *window.image, 3, low=-128), _int8s(1, *window.filter, 3 * m)
    scales = RNG.uniform(0.002, 0.02, 3 * m)
    dy, dx, dw = _tape(
        lambda x, w: tf.nn.depthwise_conv2d(x, w, [1, *window.stride, 1], window.padding),
        X_SCALE * (x.astype(float) - ZERO_POINT),
        (w[0] * scales).reshape(*window.filter, 3, m),
    )
    name, options = "TfdgsuDepthwiseConv2DGradInputInt8", {**window.options, "mask_alpha": 0.0}
    (actual,) = REGISTRY[name].reference([None, dy, w, scales, None, None], options, [x.shape])
    np.testing.assert_allclose(actual, dx, **CLOSE)
    options = {**window.options, "depth_multiplier": m}
    channels = np.array([2, 0])
    for selected in (None, channels):
        kept = slice(None) if selected is None else selected
        name = "TfdgsuDepthwiseConv2DGradFilterInt8"
        gradient = _gradient(name, x[..., kept], dy, selected, w, scales, options)
        expected = dw[:, :, kept].reshape(1, *window.filter, -1)
        np.testing.assert_allclose(gradient, expected, **CLOSE)


def test_bias():
    dy, b, velocity = RNG.standard_normal((2, 3, 5)), np.zeros(5, np.int32), np.zeros(5)
    options = {"momentum": 0.5, "nesterov": 0, "rounding": 0, "seed": 0, "layer_id": 0}
    scales = np.full(5, 1e-4)
    inputs = [None, np.ones(1), dy, b, scales, velocity, np.zeros(1, np.int32)]
    REGISTRY["TfdgsuBiasGradInt32"].reference(inputs, options, [])
    np.testing.assert_allclose(velocity, -dy.sum(axis=(0, 1)), **CLOSE)
    assert (np.abs(b * scales - velocity) <= scales / 2).all()
