# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Every gradient rule against finite differences in float64 and against `tf.GradientTape`."""

import dense_reference
import keras
import numpy as np
import pytest
import tensorflow as tf
import tolerances
from keras import layers

import tfdgsu
from tfdgsu.gradient_rules import RULES

# In front of each layer stands a fully updated 1x1 convolution, so gradient has to pass through the layer.
PASSED_THROUGH = {
    "relu": ((5, 6, 4), lambda x: layers.ReLU()(x)),
    "relu6": (
        (5, 6, 4),
        lambda x: layers.ReLU(6.0)(layers.Conv2D(4, 1, kernel_initializer=keras.initializers.Orthogonal(8.0))(x)),
    ),
    "relu_max_value": ((5, 6, 4), lambda x: layers.ReLU(1.5)(x)),
    "relu_slope": ((5, 6, 4), lambda x: layers.ReLU(negative_slope=0.3)(x)),
    "leaky_relu": ((5, 6, 4), lambda x: layers.LeakyReLU(0.2)(x)),
    "activation_relu": ((5, 6, 4), lambda x: layers.Activation("relu")(x)),
    "sigmoid": ((5, 6, 4), lambda x: layers.Activation("sigmoid")(x)),
    "linear": ((5, 6, 4), lambda x: layers.Activation("linear")(x)),
    "softmax": ((5, 4), lambda x: layers.Softmax()(x)),
    "activation_softmax": ((5, 6, 4), lambda x: layers.Activation("softmax")(x)),
    "batch_norm": ((5, 6, 4), lambda x: _random_norm(layers.ReLU()(x))),
    "batch_norm_no_scale": ((5, 6, 4), lambda x: _random_norm(layers.ReLU()(x), scale=False)),
    "add": ((5, 6, 4), lambda x: layers.Add()([x, layers.ReLU()(x), x])),
    "plus": ((5, 6, 4), lambda x: x + layers.ReLU()(x)),
    "concatenate": ((5, 6, 4), lambda x: layers.Concatenate()([layers.ReLU()(x), x])),
    "concatenate_rows": ((5, 6, 4), lambda x: layers.Concatenate(axis=1)([layers.ReLU()(x), x])),
    "max_pool": ((5, 6, 4), lambda x: layers.MaxPooling2D(2)(x)),
    "max_pool_overlap": ((5, 6, 4), lambda x: layers.MaxPooling2D(3, strides=2, padding="same")(x)),
    "max_pool_1d": ((7, 4), lambda x: layers.MaxPooling1D(2, padding="same")(x)),
    "average_pool": ((5, 6, 4), lambda x: layers.AveragePooling2D((2, 3))(x)),
    "average_pool_same": ((5, 6, 4), lambda x: layers.AveragePooling2D(3, strides=2, padding="same")(x)),
    "average_pool_1d": ((7, 4), lambda x: layers.AveragePooling1D(3, strides=2, padding="same")(x)),
    "global_average": ((5, 6, 4), lambda x: layers.GlobalAveragePooling2D()(x)),
    "global_average_keepdims": ((5, 6, 4), lambda x: layers.GlobalAveragePooling2D(keepdims=True)(x)),
    "global_average_1d": ((7, 4), lambda x: layers.GlobalAveragePooling1D()(x)),
    "global_max": ((5, 6, 4), lambda x: layers.GlobalMaxPooling2D()(x)),
    "global_max_keepdims": ((5, 6, 4), lambda x: layers.GlobalMaxPooling2D(keepdims=True)(x)),
    "global_max_1d": ((7, 4), lambda x: layers.GlobalMaxPooling1D()(x)),
    "zero_padding": ((5, 6, 4), lambda x: layers.ZeroPadding2D(((1, 2), (0, 3)))(x)),
    "zero_padding_1d": ((7, 4), lambda x: layers.ZeroPadding1D((2, 1))(x)),
    "flatten": ((5, 6, 4), lambda x: layers.Flatten()(x)),
    "reshape": ((5, 6, 4), lambda x: layers.Reshape((10, 12))(x)),
    "dropout_0": ((5, 6, 4), lambda x: layers.Dropout(0.0)(x)),
    "frozen_conv": ((5, 6, 4), lambda x: layers.Conv2D(3, 3, strides=2, padding="same")(x)),
    "frozen_depthwise": ((5, 6, 4), lambda x: layers.DepthwiseConv2D(3, depth_multiplier=2)(x)),
    "frozen_dense": ((5, 4), lambda x: layers.Dense(3)(x)),
}

# The update layer itself: input shape, layer. Two of its channels are selected.
UPDATED = {
    "conv_3x3": ((5, 6, 4), lambda: layers.Conv2D(3, 3, padding="same")),
    "conv_valid_stride": ((7, 6, 4), lambda: layers.Conv2D(3, (3, 2), strides=(2, 1))),
    "conv_same_stride": ((7, 6, 4), lambda: layers.Conv2D(3, 3, strides=2, padding="same")),
    "conv_1x1": ((5, 6, 4), lambda: layers.Conv2D(3, 1)),
    "conv_1x1_stride": ((5, 6, 4), lambda: layers.Conv2D(3, 1, strides=2, use_bias=False)),
    "depthwise": ((5, 6, 4), lambda: layers.DepthwiseConv2D(3, padding="same")),
    "depthwise_multiplier": ((5, 6, 4), lambda: layers.DepthwiseConv2D((2, 3), depth_multiplier=3)),
    "depthwise_stride": ((7, 6, 4), lambda: layers.DepthwiseConv2D(3, strides=2, padding="same")),
    "conv_1d": ((9, 4), lambda: layers.Conv1D(3, 3, strides=2, padding="same")),
    "conv_1d_valid": ((9, 4), lambda: layers.Conv1D(3, 4)),
    "conv_1d_causal": ((9, 4), lambda: layers.Conv1D(3, 3, padding="causal")),
    "conv_1d_1": ((9, 4), lambda: layers.Conv1D(3, 1)),
    "dense": ((4,), lambda: layers.Dense(3)),
    "dense_rank_3": ((5, 4), lambda: layers.Dense(3)),
}


@pytest.fixture(autouse=True)
def float64_layers():
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx("float64")  # Input layers follow floatx, all others the policy.
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(policy)
    keras.config.set_floatx(floatx)


def _random_norm(x, **kwargs):
    norm = layers.BatchNormalization(**kwargs)
    y = norm(x)
    rng = np.random.default_rng(0)
    norm.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in norm.weights])
    return y


def _check(sparse, x):
    rng = np.random.default_rng(1)
    factor = rng.standard_normal(sparse.model(x).shape)

    def loss_of(y_pred):
        return tf.reduce_sum(factor * y_pred + 0.5 * y_pred**2)

    ours = dense_reference.sparse_gradients(sparse, x, loss_of)
    dense_kernels, dense_biases = dense_reference.tape_gradients(sparse, x, loss_of)
    rtol, atol = tolerances.GRADIENT_FLOAT64_RTOL, tolerances.GRADIENT_FLOAT64_ATOL
    assert set(ours.kernels) == set(dense_kernels)
    for name, gradient in ours.kernels.items():
        expected = dense_reference.selected(sparse, name, dense_kernels[name])
        np.testing.assert_allclose(gradient, expected, rtol, atol * np.abs(expected).max() + atol)
    for name, gradient in ours.biases.items():
        np.testing.assert_allclose(gradient, dense_biases[name], rtol, atol * 1e3)
    for name, gradient in ours.kernels.items():
        _check_finite_differences(sparse, name, gradient.numpy(), lambda: loss_of(sparse.model(x)))


def _check_finite_differences(sparse, name, gradient, evaluate):
    kernel = sparse.model.get_layer(name).kernel
    dense_positions = np.arange(kernel.numpy().size).reshape(kernel.shape)
    positions = dense_reference.selected(sparse, name, dense_positions).ravel()
    chosen = np.random.default_rng(2).choice(positions.size, min(positions.size, 12), replace=False)
    expected = dense_reference.finite_difference(kernel, evaluate, positions[chosen].tolist())
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(
        gradient.ravel()[chosen], expected, tolerances.FINITE_DIFFERENCE_RTOL, tolerances.FINITE_DIFFERENCE_ATOL * scale
    )


@pytest.mark.parametrize("name", PASSED_THROUGH)
def test_gradient_passes_through(name):
    shape, apply = PASSED_THROUGH[name]
    keras.utils.set_random_seed(0)
    inputs = keras.Input(shape)
    probe = layers.Conv2D if len(shape) == 3 else layers.Conv1D
    outputs = apply(probe(4, 1, name="probe")(inputs))
    model = keras.Model(inputs, outputs)
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={"probe": 4}, train_head=False))
    _check(sparse, np.random.default_rng(0).standard_normal((3, *shape)))


@pytest.mark.parametrize("n_selected", [0, 2, 4])
@pytest.mark.parametrize("name", UPDATED)
def test_kernel_slices(name, n_selected):
    shape, make = UPDATED[name]
    keras.utils.set_random_seed(0)
    layer = make()
    if n_selected == 0 and not layer.use_bias:
        pytest.skip("neither channels nor a bias to update")
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layers.ReLU()(layer(inputs)))
    plan = tfdgsu.plan(model, layers={layer.name: n_selected}, train_head=False)
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    if n_selected == 2:
        sparse.set_channels({layer.name: np.array([3, 1])})  # Not sorted, as the cyclic policy has it.
    if n_selected == 0:
        assert sparse.slices == {}
        return
    _check(sparse, np.random.default_rng(0).standard_normal((3, *shape)))


def test_strided_1x1_convolution_does_without_the_op_that_writes_beyond_its_result(monkeypatch):
    """With oneDNN, Conv2DBackpropFilter of a 1x1 kernel with strides corrupts the heap (TensorFlow 2.21)."""

    def refuse(**_):
        raise RuntimeError("Conv2DBackpropFilter called for a strided 1x1 kernel")

    monkeypatch.setattr(tf.raw_ops, "Conv2DBackpropFilter", refuse)
    inputs = keras.Input((5, 6, 4))
    model = keras.Model(inputs, layers.Conv2D(3, 1, strides=2, name="conv")(inputs))
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={"conv": 2}, train_head=False))
    sparse.compile(keras.optimizers.SGD(0.1), loss="mse")
    sparse.train_on_batch(np.ones((1, 5, 6, 4)), np.zeros((1, 3, 3, 3)))


def test_dropout_passes_gradient_where_it_let_values_pass():
    inputs = keras.Input((6, 4))
    model = keras.Model(inputs, layers.Dropout(0.5, seed=3)(layers.Conv1D(4, 1, name="probe")(inputs)))
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={"probe": 0}, train_head=False))
    x = np.random.default_rng(0).standard_normal((5, 6, 4))
    ours = dense_reference.sparse_gradients(sparse, x, tf.reduce_sum)
    passed = ours.y_pred.numpy() != 0
    assert 0.2 < passed.mean() < 0.8
    np.testing.assert_allclose(ours.biases["probe"], 2.0 * passed.sum((0, 1)))


def test_every_rule_is_tested():
    tested = set()
    for shape, apply in PASSED_THROUGH.values():
        inputs = keras.Input(shape)
        tested.update(type(layer) for layer in keras.Model(inputs, apply(inputs)).layers)
    tested.update(type(make()) for _, make in UPDATED.values())
    assert set(RULES) - tested - {layers.Dropout} == set()
