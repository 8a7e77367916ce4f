# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A thousand training steps of int8 bundles: every variable in TFLM equals that of a NumPy interpreter, bit for bit.

Channels are re-drawn at random along the way.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy_interpreter import NumpyInterpreter
from optimizers import make_optimizer, plan_arguments
from tfdgsu.export.schema import read_graph
from tfdgsu.micro_runtime.interpreter import Interpreter

import tfdgsu

IMAGE, N_CLASSES, N_STEPS, EVERY = (8, 8, 3), 4, 1000, 7
_RNG = np.random.default_rng(0)
EXAMPLES = _RNG.uniform(-1, 1, (40, *IMAGE)).astype(np.float32)
LABELS = _RNG.integers(0, N_CLASSES, len(EXAMPLES)).astype(np.int32)
LAYERS = {"stem": 2, "expand": 3, "depthwise": 6, "project": 5, "head": 6}


def _net():
    """Strided convolution, a residual block of pointwise, depthwise and pointwise convolutions, and a head."""
    keras.utils.set_random_seed(0)
    x = keras.Input(IMAGE)
    y = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="stem")(x)
    z = layers.ReLU(6.0)(layers.Conv2D(9, 1, name="expand")(y))
    z = layers.ReLU(6.0)(layers.DepthwiseConv2D(3, padding="same", name="depthwise")(z))
    z = layers.Conv2D(6, 1, name="project")(z)
    y = layers.GlobalAveragePooling2D()(layers.Add()([y, z]))
    return keras.Model(x, layers.Dense(N_CLASSES, activation="softmax", name="head")(y))


def _pooling_net():
    """Explicit padding, and both poolings on the gradient path."""
    keras.utils.set_random_seed(0)
    x = keras.Input(IMAGE)
    y = layers.Conv2D(6, 3, strides=2, activation="relu", name="stem")(layers.ZeroPadding2D(((2, 1), (1, 2)))(x))
    y = layers.AveragePooling2D(3, strides=1)(y)
    y = layers.Conv2D(8, 3, padding="same", activation="relu", name="expand")(y)
    y = layers.MaxPooling2D(2, strides=1)(y)
    y = layers.Conv2D(6, 1, name="project")(y)
    return keras.Model(x, layers.Dense(N_CLASSES, name="head")(layers.GlobalAveragePooling2D()(y)))


def _export(path, net, plan_layers, rounding, momentum, nesterov=False):
    sparse = tfdgsu.SparseUpdateModel(net, tfdgsu.plan(net, layers=plan_layers, **plan_arguments(momentum)))
    optimizer = make_optimizer(0.05, momentum)
    optimizer.nesterov = nesterov
    from_logits = net.layers[-1].activation is keras.activations.linear
    sparse.compile(optimizer, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits))
    callback = tfdgsu.DynamicSparseCallback(policy="random", every=EVERY, seed=3)
    settings = {"quantize": "int8", "representative_data": EXAMPLES, "rounding": rounding, "callback": callback}
    tfdgsu.export.export_training_bundle(sparse, path, **settings)


def _train_both(path, n_steps):
    """(device, NumPy, losses of the device) after training on single images; losses are compared at every step."""
    device, reference, losses = tfdgsu.micro_runtime.Session(path), NumpyInterpreter(path.read_bytes()), []
    scale, zero_point = device.input_quantization
    images = np.clip(np.rint(EXAMPLES / np.float32(scale)) + zero_point, -128, 127).astype(np.int8)
    for step in range(n_steps):
        i = step * 7 % len(EXAMPLES)
        losses.append(device.train(images[i : i + 1], LABELS[i : i + 1], learning_rate=0.05))
        assert losses[-1] == reference.train(images[i : i + 1], LABELS[i : i + 1], learning_rate=0.05), step
    return device, reference, losses


def _assert_variables_equal(device, reference):
    variables, expected = device.variables(), reference.variables()
    assert variables.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(variables[name], value, err_msg=name)


@pytest.mark.parametrize(
    ("rounding", "momentum", "nesterov", "n_steps"),
    [
        ("stochastic", 0.0, False, N_STEPS),
        ("stochastic", 0.9, False, N_STEPS),
        ("stochastic", "lars", False, N_STEPS // 5),
        ("remainder", 0.0, False, N_STEPS),
        ("nearest", 0.9, True, N_STEPS),
    ],
)
def test_a_thousand_steps_equal_numpy_bit_for_bit(tmp_path, rounding, momentum, nesterov, n_steps):
    path = tmp_path / "model.tflite"
    _export(path, _net(), LAYERS, rounding, momentum, nesterov)
    start = tfdgsu.micro_runtime.Session(path).variables()
    device, reference, losses = _train_both(path, n_steps)
    _assert_variables_equal(device, reference)
    after = device.variables()
    moved = [name for name in after if name.endswith("/kernel") and (after[name] != start[name]).any()]
    assert sorted(moved) == sorted(f"{name}/kernel" for name in LAYERS)
    assert np.mean(losses[-100:]) < np.mean(losses[:100])


def _without_head(net):
    return keras.Model(net.input, net.layers[-3].output)


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs")
@pytest.mark.parametrize("net", [_net, _pooling_net], ids=["residual", "pooling"])
def test_builtin_ops_equal_tflm_bit_for_bit(net):
    """The NumPy interpreter itself, on what TensorFlow Lite's converter makes of a network: no op is fused away."""
    converter = tf.lite.TFLiteConverter.from_keras_model(_without_head(net()))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[np.newaxis]] for x in EXAMPLES)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    flat = converter.convert()
    kinds = {op.kind for op in read_graph(flat).ops}
    expected = {"DEPTHWISE_CONV_2D", "ADD"} if net is _net else {"PAD", "AVERAGE_POOL_2D", "MAX_POOL_2D"}
    assert {"QUANTIZE", "CONV_2D", "DEQUANTIZE"} | expected <= kinds
    device, reference = Interpreter(flat, 1 << 17), NumpyInterpreter(flat)
    for x in EXAMPLES:
        device.set_input(0, x[np.newaxis])
        device.invoke()
        np.testing.assert_array_equal(reference.infer(x[np.newaxis]), device.get_output(0))


def test_poolings_equal_numpy_bit_for_bit(tmp_path):
    """Velocities are float32 and show the last bit of every gradient."""
    path = tmp_path / "model.tflite"
    _export(path, _pooling_net(), {"stem": 2, "expand": 3, "project": 5}, "stochastic", 0.9)
    kinds = {op.kind for op in read_graph(path.read_bytes()).ops}
    assert {"AVERAGE_POOL_2D", "MAX_POOL_2D", "TfdgsuMaxPool2DArgmax"} <= kinds
    device, reference, _ = _train_both(path, 50)
    _assert_variables_equal(device, reference)


def test_the_same_bundle_trains_to_the_same_weights(tmp_path):
    finals = []
    for name in ("first", "second"):
        path = tmp_path / f"{name}.tflite"
        _export(path, _net(), LAYERS, "stochastic", 0.9)
        device = tfdgsu.micro_runtime.Session(path)
        for i in range(len(EXAMPLES)):
            device.train(EXAMPLES[i], LABELS[i], learning_rate=0.05)
        finals.append(device.variables())
    assert finals[0].keys() == finals[1].keys()
    for name, value in finals[0].items():
        np.testing.assert_array_equal(value, finals[1][name], err_msg=name)
