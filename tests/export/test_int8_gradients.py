# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Every gradient rule on an int8 forward pass: what lies between the update layer and the loss is an int8 op."""

import keras
import pytest
from int8_step import assert_int8_step_matches
from keras import layers


def _concatenate(y):
    """Branches with ranges of their own: TFLite rescales one with a QUANTIZE op."""
    return layers.Concatenate()([y, layers.Conv2D(4, 1, kernel_initializer="ones", name="wide")(y)])


def _se_gate(y):
    return layers.Activation("sigmoid")(layers.Conv2D(8, 1)(y))


BETWEEN = {
    "relu": layers.ReLU(),
    "relu6": layers.ReLU(6.0),
    "leaky_relu": layers.LeakyReLU(0.25),
    "max_pool": layers.MaxPooling2D(2),
    "average_pool": layers.AveragePooling2D(2),
    "same_average_pool": layers.AveragePooling2D(3, 2, padding="same"),
    "zero_padding": layers.ZeroPadding2D(((2, 1), (0, 3))),
    "strided_conv_behind_padding": keras.Sequential([layers.ZeroPadding2D(1), layers.Conv2D(6, 3, 2)]),
    "depthwise": layers.DepthwiseConv2D(3, 2, padding="same", depth_multiplier=2),
    "same_conv": layers.Conv2D(6, 5, padding="same", activation="relu"),
    "concatenate": _concatenate,
    "sigmoid": _se_gate,
    "residual": lambda y: layers.Add()([y, layers.Conv2D(8, 3, padding="same", activation="relu")(y)]),
}
POOLS = {"mean": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D, "flatten": layers.Flatten}


def _net(between, pool="mean"):
    keras.utils.set_random_seed(1)
    x = keras.Input((9, 8, 3))
    y = layers.Conv2D(8, 3, padding="same", activation="relu", name="stem")(x)
    y = layers.Conv2D(8, 1, bias_initializer="ones", name="deep")(y)
    y = between(y)
    y = layers.Conv2D(6, 1, name="shallow")(y)
    return keras.Model(x, layers.Dense(3, activation="softmax", name="head")(POOLS[pool]()(y)))


@pytest.mark.parametrize("name", BETWEEN)
def test_gradient_passes_int8_op(tmp_path, name):
    assert_int8_step_matches(_net(BETWEEN[name]), {"deep": 8}, tmp_path / "model.tflite", "remainder")


@pytest.mark.parametrize(
    ("pool", "plan_layers"),
    [("mean", {"deep": 3, "head": 6}), ("max", {"deep": 3, "head": 6}), ("flatten", {"deep": 3})],
)
def test_gradient_passes_the_border_to_the_float_tail(tmp_path, pool, plan_layers):
    assert_int8_step_matches(_net(BETWEEN["relu"], pool), plan_layers, tmp_path / "model.tflite", "remainder")
