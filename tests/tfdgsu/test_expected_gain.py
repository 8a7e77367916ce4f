# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The expected gain of layers, against TensorFlow's own gradients and where it can be worked out by hand."""

import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
import tolerances
from keras import layers

import tfdgsu
from tfdgsu.expected_gain import N_PRIOR_EXAMPLES, octave_noise, prior_gain
from tfdgsu.prepare import prepare


@pytest.mark.parametrize("name", ["small_conv_net", "depthwise_residual_net", "nested_model"])
def test_measured_gain_is_the_mean_squared_norm_of_dense_gradients(name):
    model = model_zoo.build(name)
    x, y = model_zoo.random_batch(model, 6)
    gain = tfdgsu.measure_gain(model, x, y, "sparse_categorical_crossentropy", batch_size=3)
    prepared = prepare(model)
    assert gain
    expected = dict.fromkeys(gain, 0.0)
    weights = {key: getattr(prepared.get_layer(key.split("/")[0]), "bias" if "/" in key else "kernel") for key in gain}
    for part in (slice(0, 3), slice(3, 6)):
        with tf.GradientTape() as tape:
            picked = tf.gather(prepared(x[part]), y[part], axis=1, batch_dims=1)
            loss = -tf.reduce_mean(tf.math.log(picked))
        gradients = tape.gradient(loss, {key: weight.value for key, weight in weights.items()})
        for key, gradient in gradients.items():
            expected[key] += float(tf.reduce_sum(gradient**2)) / 2
    for key in gain:
        np.testing.assert_allclose(gain[key], expected[key], rtol=tolerances.TRAINED_WEIGHT_RTOL, atol=1e-9)


def test_prior_of_a_linear_layer_is_the_energy_of_its_input():
    """z = W mean(x) + b over the pixels, so E ||dz/dW||^2 = n_outputs * |mean(x)|^2, and n_outputs for b."""
    n_outputs = 600
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(n_outputs, 1, name="conv")(inputs)
    outputs = layers.Dense(2, kernel_initializer="zeros", name="head")(layers.GlobalAveragePooling2D()(x))
    gain = prior_gain(prepare(keras.Model(inputs, outputs)), ["conv"])
    noise = octave_noise(np.random.default_rng(0), (N_PRIOR_EXAMPLES, 4, 4, 3))
    energy = np.sum(noise.mean(axis=(1, 2)) ** 2) / N_PRIOR_EXAMPLES
    rtol = tolerances.PRIOR_GAIN_RTOL
    assert gain["conv/bias"] == pytest.approx(n_outputs / N_PRIOR_EXAMPLES, rel=rtol)
    assert gain["conv"] == pytest.approx(n_outputs * energy / N_PRIOR_EXAMPLES, rel=rtol)


def test_noise_has_unit_variance_and_is_smooth():
    noise = octave_noise(np.random.default_rng(1), (64, 32, 32, 3))
    assert noise.shape == (64, 32, 32, 3)
    assert noise.var() == pytest.approx(1.0, rel=tolerances.PRIOR_GAIN_RTOL)
    neighbours = np.mean(noise[:, 1:] * noise[:, :-1])
    assert 0.5 < neighbours < 1.0
    assert octave_noise(np.random.default_rng(1), (2, 7, 1)).shape == (2, 7, 1)
    assert octave_noise(np.random.default_rng(1), (2, 5)).shape == (2, 5)


def test_prior_needs_no_data_and_is_the_same_every_time():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, activation="relu", name="conv")(inputs)
    x = layers.DepthwiseConv2D(3, activation="relu", name="depthwise")(x)
    x = layers.Conv2D(8, 1, activation="relu", name="point")(x)
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, layers.Dense(2, name="head")(x))
    first, second = (tfdgsu.plan(model, update_fraction=0.2) for _ in range(2))
    assert first == second


def test_prior_on_a_pretrained_kind_of_net_ranks_pointwise_above_depthwise():
    plan = tfdgsu.plan(model_zoo.mobilenet_v2())
    gain = {reason.name: reason.gain for reason in plan.reasons if reason.gain is not None}
    for block in range(12, 17):
        assert gain[f"block_{block}_expand"] > gain[f"block_{block}_depthwise"]


def test_a_net_without_gradient_counts_all_layers_alike():
    model = model_zoo.nested_model()
    model.get_layer("body").get_layer("body_point").kernel.assign(np.zeros((1, 1, 8, 8), np.float32))
    plan = tfdgsu.plan(model, update_fraction=0.5)
    assert any(layer.n_selected for layer in plan.layers if layer.kind != "Dense")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": np.zeros((0, 12, 12, 3))}, "Every example needs a label. Received: 0 examples"),
        ({"y": np.zeros(3)}, "Received: 2 examples, 3 labels"),
        ({"batch_size": 0}, "Received: batch_size=0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    defaults = {"x": np.zeros((2, 12, 12, 3)), "y": np.zeros(2), "loss": "sparse_categorical_crossentropy"}
    with pytest.raises(ValueError, match=message):
        tfdgsu.measure_gain(model_zoo.small_conv_net(), **{**defaults, **arguments})
