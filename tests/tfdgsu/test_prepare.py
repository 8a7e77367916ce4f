# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The prepared model computes what the user's model computes, and is flat and folded."""

import keras
import model_zoo
import numpy as np
import pytest
import tolerances
from keras import layers

from tfdgsu.layer_graph import flatten
from tfdgsu.prepare import prepare


@pytest.mark.parametrize("name", model_zoo.ALL_MODELS)
def test_output_equals_the_original(name):
    model = model_zoo.build(name)
    x, _ = model_zoo.random_batch(model, 4)
    prepared = prepare(model)
    expected = model(x, training=False)
    np.testing.assert_allclose(prepared(x), expected, tolerances.FOLDED_OUTPUT_RTOL, tolerances.FOLDED_OUTPUT_ATOL)
    assert not any(isinstance(layer, layers.BatchNormalization | keras.Model) for layer in prepared.layers)


@pytest.mark.parametrize("name", ["nested_model", "concat_net"])
def test_preparing_twice_changes_nothing(name):
    once = prepare(model_zoo.build(name))
    twice = prepare(once)
    assert [layer.name for layer in once.layers] == [layer.name for layer in twice.layers]
    for before, after in zip(once.get_weights(), twice.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_user_model_keeps_its_own_weights():
    model = model_zoo.small_conv_net()
    before = model.get_weights()
    prepared = prepare(model)
    for weight in prepared.weights:
        weight.assign(weight + 1.0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_separable_and_inline_activation_are_split():
    names = [layer.name for layer in prepare(model_zoo.concat_net()).layers]
    assert {"separable_depthwise", "separable_pointwise", "stem", "stem_activation"} <= set(names)
    assert "separable_norm" not in names


@pytest.mark.parametrize("after", ["activation", "second_reader", "output", "shared"])
def test_batch_norm_stays_where_it_cannot_be_folded(after):
    inputs = keras.Input((6, 6, 3))
    conv = layers.Conv2D(4, 3, padding="same", activation="relu" if after == "activation" else None)
    norm = layers.BatchNormalization()
    x = conv(inputs)
    y = norm(x)
    if after == "second_reader":
        y = layers.Add()([x, y])
    elif after == "shared":
        y = layers.Add()([y, norm(layers.Conv2D(4, 1)(inputs))])
    model = keras.Model(inputs, [x, y] if after == "output" else y)
    norm.set_weights([np.random.default_rng(0).uniform(0.5, 1.5, weight.shape) for weight in norm.weights])
    prepared = prepare(model)
    assert any(isinstance(layer, layers.BatchNormalization) for layer in prepared.layers)
    x = np.random.default_rng(0).standard_normal((2, 6, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(
        keras.tree.flatten(prepared(x))[-1], keras.tree.flatten(model(x))[-1], tolerances.FOLDED_OUTPUT_RTOL, 1e-6
    )


@pytest.mark.parametrize("kind", ["depthwise", "conv_1d", "dense", "causal"])
def test_folding_other_layers(kind):
    shape = (6, 6, 3) if kind == "depthwise" else (9, 3)
    layer = {
        "depthwise": layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
        "conv_1d": layers.Conv1D(5, 3),
        "dense": layers.Dense(5),
        "causal": layers.Conv1D(5, 3, padding="causal", dilation_rate=2),
    }[kind]
    norm = layers.BatchNormalization()
    model = keras.Sequential([keras.Input(shape), layer, norm])
    norm.set_weights([np.random.default_rng(0).uniform(0.5, 1.5, weight.shape) for weight in norm.weights])
    prepared = prepare(model)
    assert prepared.get_layer(layer.name).use_bias
    assert norm.name not in [other.name for other in prepared.layers]
    x = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    np.testing.assert_allclose(prepared(x), model(x), tolerances.FOLDED_OUTPUT_RTOL, 1e-6)


def test_repeated_names_of_nested_models_become_unique():
    def block(n_filters, n_channels):
        return keras.Sequential([keras.Input((6, 6, n_channels)), layers.Conv2D(n_filters, 1, name="conv")])

    prepared = prepare(keras.Sequential([keras.Input((6, 6, 3)), block(4, 3), block(5, 4)]))
    assert [layer.name for layer in prepared.layers if isinstance(layer, layers.Conv2D)] == ["conv", "conv_1"]


def test_shared_nested_model_keeps_sharing():
    block = keras.Sequential([keras.Input((6, 3)), layers.Dense(3, name="dense")])
    inputs = keras.Input((6, 3))
    prepared = prepare(keras.Model(inputs, block(block(inputs))))
    graph = flatten(prepared)
    assert len(graph.calls) == 2
    assert graph.calls[0].layer is graph.calls[1].layer


def test_unknown_layer_is_reused():
    class Doubled(layers.Layer):
        def call(self, x):
            return 2.0 * x

    doubled = Doubled()
    inputs = keras.Input((4,))
    prepared = prepare(keras.Model(inputs, layers.Dense(2)(doubled(inputs))))
    assert doubled in prepared.layers


def test_several_inputs_and_outputs_keep_their_structure():
    first, second = keras.Input((4,), name="first"), keras.Input((4,), name="second")
    model = keras.Model({"first": first, "second": second}, {"sum": layers.Add(name="sum")([first, second])})
    x = {"first": np.ones((2, 4), np.float32), "second": np.full((2, 4), 2.0, np.float32)}
    np.testing.assert_array_equal(prepare(model)(x)["sum"], np.full((2, 4), 3.0))


def test_subclassed_model_is_refused():
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(TypeError, match="Functional or Sequential"):
        prepare(Subclassed())


def test_unbuilt_sequential_is_refused():
    with pytest.raises(ValueError, match=r"keras\.Input"):
        prepare(keras.Sequential([layers.Dense(2)]))
