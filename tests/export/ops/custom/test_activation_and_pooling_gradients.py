# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""References of the elementwise, reducing and pooling gradients against automatic differentiation, in float64."""

import numpy as np
import op_cases
import pytest
import tensorflow as tf
import tolerances
from tfdgsu.export.ops.custom import REGISTRY

CLOSE = {"rtol": tolerances.GRADIENT_FLOAT64_RTOL, "atol": tolerances.GRADIENT_FLOAT64_ATOL}
RNG = np.random.default_rng(0)


def gradient(forward, x):
    """(y, dy, dx) for a random dy, by tape."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = forward(x)
    dy = RNG.standard_normal(y.shape)
    return y.numpy(), dy, tape.gradient(y, x, output_gradients=tf.constant(dy)).numpy()


def reference(name, inputs, options, shape):
    return REGISTRY[name].reference([None, *inputs], options, [shape])[0]


@pytest.mark.parametrize(
    ("activation", "high", "alpha"),
    [(tf.nn.relu, np.inf, 0.0), (tf.nn.relu6, 6.0, 0.0), (lambda x: tf.nn.leaky_relu(x, 0.25), np.inf, 0.25)],
    ids=["relu", "relu6", "leaky_relu"],
)
def test_masks(activation, high, alpha):
    x = 5 * RNG.standard_normal((3, 7))
    x[0, :3] = 0.0
    y, dy, dx = gradient(activation, x)
    bits = reference("TfdgsuReluMask", [y], {"low": 0.0, "high": high}, (3,))
    assert bits.shape == (3,) and bits[2] < 32, "unused bits of the last byte are zero"
    np.testing.assert_allclose(reference("TfdgsuApplyMask", [dy, bits], {"mask_alpha": alpha}, x.shape), dx, **CLOSE)


def test_softmax_and_logistic():
    x = RNG.standard_normal((3, 5))
    for name, forward in (("TfdgsuSoftmaxGrad", tf.nn.softmax), ("TfdgsuLogisticGrad", tf.sigmoid)):
        y, dy, dx = gradient(forward, x)
        np.testing.assert_allclose(reference(name, [y, dy], {}, x.shape), dx, **CLOSE)


def test_mul_and_add():
    x, a = RNG.standard_normal((2, 3, 4)), RNG.standard_normal(4)
    for factor in (a, a[:1]):
        _, dy, dx = gradient(lambda x, factor=factor: x * factor, x)
        np.testing.assert_allclose(reference("TfdgsuMulGrad", [dy, factor], {}, x.shape), dx, **CLOSE)
    _, dy, dx = gradient(lambda x: x + x, x)
    np.testing.assert_allclose(reference("TfdgsuAddGradients", [dy, dy], {}, x.shape), dx, **CLOSE)


def test_mean_and_reduce_max():
    x = RNG.integers(-2, 3, (2, 3, 4, 5)).astype(np.float64)  # with ties
    options = {"outer": 2, "reduced": 12, "inner": 5}
    _, dy, dx = gradient(lambda x: tf.reduce_mean(x, [1, 2]), x)
    unmasked = {**options, "mask_alpha": 0.0}
    np.testing.assert_allclose(reference("TfdgsuMeanGrad", [dy, None, None], unmasked, x.shape), dx, **CLOSE)
    y, dy, dx = gradient(lambda x: tf.reduce_max(x, [1, 2]), x)
    bits = reference("TfdgsuReduceMaxMask", [x, y], options, (15,))
    np.testing.assert_allclose(reference("TfdgsuReduceMaxGrad", [dy, bits], options, x.shape), dx, **CLOSE)


@pytest.mark.parametrize("window", op_cases.WINDOWS.values(), ids=list(op_cases.WINDOWS))
def test_pools(window):
    options = {"filter_h": window.filter[0], "filter_w": window.filter[1], **window.options}
    x = RNG.integers(-2, 3, (window.batch, *window.image, 3)).astype(np.float64)  # with ties
    arguments = {"ksize": window.filter, "strides": window.stride, "padding": window.padding}
    _, dy, dx = gradient(lambda x: tf.nn.max_pool2d(x, **arguments), x)
    argmax = reference("TfdgsuMaxPool2DArgmax", [x], options, dy.shape)
    np.testing.assert_allclose(reference("TfdgsuMaxPool2DGrad", [dy, argmax], options, x.shape), dx, **CLOSE)
    _, dy, dx = gradient(lambda x: tf.nn.avg_pool2d(x, **arguments), x)
    np.testing.assert_allclose(reference("TfdgsuAveragePool2DGrad", [dy], options, x.shape), dx, **CLOSE)


def test_slice_is_the_gradient_of_padding_and_of_concatenation():
    x = RNG.standard_normal((1, 3, 4, 2))
    _, dy, dx = gradient(lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]), x)
    box = {"in": dy.shape, "begin": (0, 1, 0, 0), "size": x.shape}
    options = {f"{what}_{axis}": values[axis] for what, values in box.items() for axis in range(4)}
    np.testing.assert_allclose(reference("TfdgsuSlice", [dy], options, x.shape), dx, **CLOSE)
    _, dy, dx = gradient(lambda x: tf.concat([tf.zeros((1, 3, 4, 3), tf.float64), x], axis=-1), x)
    box = {"in": dy.shape, "begin": (0, 0, 0, 3), "size": x.shape}
    options = {f"{what}_{axis}": values[axis] for what, values in box.items() for axis in range(4)}
    np.testing.assert_allclose(reference("TfdgsuSlice", [dy], options, x.shape), dx, **CLOSE)
