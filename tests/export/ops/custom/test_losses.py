# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""References of the loss ops against Keras' losses and automatic differentiation, in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tolerances
from tfdgsu.export.ops.custom import REGISTRY

CLOSE = {"rtol": tolerances.GRADIENT_FLOAT64_RTOL, "atol": tolerances.GRADIENT_FLOAT64_ATOL}
RNG = np.random.default_rng(0)
LOGITS = 3 * RNG.standard_normal((5, 4))
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=-1, keepdims=True)
PROBABILITIES[0, 1] = 1e-9  # the clip acts below 1e-7
PROBABILITIES[1, 2] = 1.0
CLASSES = RNG.integers(0, 4, 5).astype(np.int32)
ONEHOT = np.eye(4)[CLASSES]

LOSSES = {
    "TfdgsuSparseCategoricalCrossentropy": (keras.losses.sparse_categorical_crossentropy, CLASSES),
    "TfdgsuCategoricalCrossentropy": (keras.losses.categorical_crossentropy, ONEHOT),
    "TfdgsuBinaryCrossentropy": (keras.losses.binary_crossentropy, RNG.random((5, 4))),
}


def by_tape(loss, label, y_pred):
    y_pred = tf.constant(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = tf.reduce_mean(loss(label, y_pred))
    return value.numpy(), tape.gradient(value, y_pred).numpy()


def by_reference(name, label, y_pred, options):
    train = np.ones(1, np.int32)
    (loss,), dy = REGISTRY[name].reference([train, y_pred, label], options, [(1,), y_pred.shape])
    assert train[0] == 1
    return loss, dy


@pytest.mark.parametrize("name", list(LOSSES))
@pytest.mark.parametrize("from_logits", [0, 1])
def test_crossentropies(name, from_logits):
    function, label = LOSSES[name]
    y_pred = LOGITS if from_logits else PROBABILITIES
    expected = by_tape(lambda t, y: function(t, y, from_logits=bool(from_logits)), label, y_pred)
    for actual, value in zip(by_reference(name, label, y_pred, {"from_logits": from_logits}), expected):
        np.testing.assert_allclose(actual, value, **CLOSE)


def test_mean_squared_error():
    label = RNG.standard_normal((5, 4))
    expected = by_tape(keras.losses.mean_squared_error, label, LOGITS)
    for actual, value in zip(by_reference("TfdgsuMeanSquaredError", label, LOGITS, {}), expected):
        np.testing.assert_allclose(actual, value, **CLOSE)


@pytest.mark.parametrize("name", [*LOSSES, "TfdgsuMeanSquaredError"])
def test_a_non_finite_loss_closes_the_gate(name):
    y_pred, train = LOGITS.copy(), np.ones(1, np.int32)
    y_pred[2, 3] = np.nan
    label = LOSSES.get(name, (None, ONEHOT))[1]
    options = {"from_logits": 1} if name in LOSSES else {}
    (loss,), _ = REGISTRY[name].reference([train, y_pred, label], options, [(1,), y_pred.shape])
    assert np.isnan(loss) and train[0] == 0
