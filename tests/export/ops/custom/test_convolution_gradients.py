# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""References of the convolution and fully connected gradients against automatic differentiation, in float64."""

import numpy as np
import op_cases
import pytest
import tensorflow as tf
import tolerances
from tfdgsu.export.ops.custom import REGISTRY

CLOSE = {"rtol": tolerances.GRADIENT_FLOAT64_RTOL, "atol": tolerances.GRADIENT_FLOAT64_ATOL}
PLAIN = {"momentum": 0.0, "nesterov": 0}
WINDOWS = pytest.mark.parametrize("window", op_cases.WINDOWS.values(), ids=list(op_cases.WINDOWS))
# TensorFlow has no depthwise convolution with unequal strides.
EQUAL_STRIDES = {name: w for name, w in op_cases.WINDOWS.items() if w.stride[0] == w.stride[1]}
RNG = np.random.default_rng(0)


def gradients(forward, x, w):
    """(dy, dx, dw) for a random dy, by tape."""
    x, w = tf.constant(x), tf.constant(w)
    with tf.GradientTape() as tape:
        tape.watch([x, w])
        y = forward(x, w)
    dy = RNG.standard_normal(y.shape)
    return (dy, *(g.numpy() for g in tape.gradient(y, [x, w], output_gradients=tf.constant(dy))))


def updated(name, x, dy, channels, w, options, lr=0.5):
    """w after the filter gradient op."""
    w = w.copy()
    REGISTRY[name].reference([None, np.array([lr]), x, dy, channels, w, None], options, [])
    return w


@WINDOWS
@pytest.mark.parametrize("k", [1, 3, 5])
def test_conv_2d(window, k):
    x, w = RNG.standard_normal((window.batch, *window.image, 5)), RNG.standard_normal((*window.filter, 5, 4))
    dy, dx, dw = gradients(lambda x, w: tf.nn.conv2d(x, w, [1, *window.stride, 1], window.padding), x, w)
    w, dw = w.transpose(3, 0, 1, 2), dw.transpose(3, 0, 1, 2)
    options = {**window.options, "mask_alpha": 0.0}
    (actual,) = REGISTRY["TfdgsuConv2DGradInput"].reference([None, dy, w, None, None], options, [x.shape])
    np.testing.assert_allclose(actual, dx, **CLOSE)

    channels = RNG.permutation(5)[:k]
    after = updated("TfdgsuConv2DGradFilter", x[..., channels], dy, channels, w, {**window.options, **PLAIN})
    expected = w.copy()
    expected[..., channels] -= 0.5 * dw[..., channels]
    np.testing.assert_allclose(after, expected, **CLOSE)


@pytest.mark.parametrize("window", EQUAL_STRIDES.values(), ids=list(EQUAL_STRIDES))
@pytest.mark.parametrize("m", [1, 2])
def test_depthwise_conv_2d(window, m):
    x, w = RNG.standard_normal((window.batch, *window.image, 3)), RNG.standard_normal((*window.filter, 3, m))
    dy, dx, dw = gradients(lambda x, w: tf.nn.depthwise_conv2d(x, w, [1, *window.stride, 1], window.padding), x, w)
    w, dw = w.reshape(1, *window.filter, 3 * m), dw.reshape(1, *window.filter, 3 * m)
    options = {**window.options, "mask_alpha": 0.0}
    (actual,) = REGISTRY["TfdgsuDepthwiseConv2DGradInput"].reference([None, dy, w, None, None], options, [x.shape])
    np.testing.assert_allclose(actual, dx, **CLOSE)

    options = {**window.options, **PLAIN, "depth_multiplier": m}
    channels = np.array([2, 0])
    after = updated("TfdgsuDepthwiseConv2DGradFilter", x[..., channels], dy, channels, w, options)
    expected = w - 0.5 * dw
    expected[..., m : 2 * m] = w[..., m : 2 * m]  # channel 1 is not selected
    np.testing.assert_allclose(after, expected, **CLOSE)
    after = updated("TfdgsuDepthwiseConv2DGradFilter", x, dy, None, w, options)
    np.testing.assert_allclose(after, w - 0.5 * dw, **CLOSE)


def test_fully_connected():
    x, w = RNG.standard_normal((3, 7)), RNG.standard_normal((7, 4))
    dy, dx, dw = gradients(tf.matmul, x, w)
    op = REGISTRY["TfdgsuFullyConnectedGradInput"]
    (actual,) = op.reference([None, dy, w.T, None, None], {"mask_alpha": 0.0}, [(3, 7)])
    np.testing.assert_allclose(actual, dx, **CLOSE)
    channels = np.array([6, 0, 3])
    after = updated("TfdgsuFullyConnectedGradFilter", x[:, channels], dy, channels, w.T.copy(), PLAIN)
    expected = w.T.copy()
    expected[:, channels] -= 0.5 * dw.T[:, channels]
    np.testing.assert_allclose(after, expected, **CLOSE)


def test_input_gradient_by_finite_differences():
    """A source that is no automatic differentiation: the loss itself, in float64."""
    window = op_cases.WINDOWS["same5_stride3x2"]
    x, w = RNG.standard_normal((2, *window.image, 2)), RNG.standard_normal((*window.filter, 2, 3))

    def forward(x):
        return tf.nn.conv2d(tf.constant(x), w, [1, *window.stride, 1], window.padding).numpy()

    dy = RNG.standard_normal(forward(x).shape)
    inputs = [None, dy, w.transpose(3, 0, 1, 2), None, None]
    options = {**window.options, "mask_alpha": 0.0}
    (dx,) = REGISTRY["TfdgsuConv2DGradInput"].reference(inputs, options, [x.shape])
    step = 1e-5
    for at in [tuple(RNG.integers(0, x.shape)) for _ in range(40)]:
        up, down = x.copy(), x.copy()
        up[at] += step
        down[at] -= step
        slope = ((forward(up) - forward(down)) * dy).sum() / (2 * step)
        close = {"rtol": tolerances.FINITE_DIFFERENCE_RTOL, "atol": tolerances.FINITE_DIFFERENCE_ATOL}
        np.testing.assert_allclose(dx[at], slope, **close)


def test_epilogue_adds_then_masks():
    dy, w = RNG.standard_normal((1, 4)), RNG.standard_normal((4, 11))
    addend, keep = RNG.standard_normal((1, 11)), RNG.random(11) < 0.5
    op = REGISTRY["TfdgsuFullyConnectedGradInput"]
    inputs = [None, dy, w, addend, np.packbits(keep, bitorder="little")]
    (dx,) = op.reference(inputs, {"mask_alpha": 0.5}, [(1, 11)])
    total = dy @ w + addend
    np.testing.assert_allclose(dx, np.where(keep, total, 0.5 * total), **CLOSE)
