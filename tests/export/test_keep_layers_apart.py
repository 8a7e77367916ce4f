# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Update layers next to other linear layers: the converter alone would merge their weights."""

import keras
import numpy as np
import pytest
import tolerances
from keras import layers
from tfdgsu.export.convert import convert_forward

import tfdgsu

N_STEPS = 5


def _head():
    return [layers.Flatten(), layers.Dense(3, activation="softmax", name="head")]


STACKS = {
    "norm_after_activation": [
        keras.Input((8, 8, 2)),
        layers.Conv2D(4, 3, activation="relu", name="first"),
        layers.BatchNormalization(),
        layers.Conv2D(4, 3, activation="relu", name="second"),
        layers.BatchNormalization(),
        *_head(),
    ],
    "norm_after_pooling": [
        keras.Input((8, 8, 2)),
        layers.Conv2D(4, 3, name="first"),
        layers.GlobalAveragePooling2D(),
        layers.BatchNormalization(),
        layers.Dense(4, name="second"),
        *_head(),
    ],
    "norm_after_dropout": [
        keras.Input((8, 8, 2)),
        layers.Conv2D(4, 3, name="first"),
        layers.Dropout(0.0),
        layers.BatchNormalization(),
        layers.DepthwiseConv2D(3, name="second"),
        *_head(),
    ],
    "linear_layers_in_a_row": [
        keras.Input((3, 3, 4)),
        layers.Conv2D(4, 3, name="first"),
        layers.Flatten(),
        layers.Dense(4, name="second"),
        *_head(),
    ],
    "rescaling_in_front": [
        keras.Input((8, 8, 2)),
        layers.Rescaling(0.5, offset=-1.0),
        layers.Conv2D(4, 3, name="first"),
        layers.ZeroPadding2D(1),
        layers.Conv2D(4, 3, name="second"),
        *_head(),
    ],
}


@pytest.mark.parametrize("update_layers", [{"first": 2, "second": 3}, {"first": 1}, {"second": 2}], ids=str)
@pytest.mark.parametrize("name", STACKS)
def test_bundle_trains_as_keras_next_to_linear_layers(name, update_layers, tmp_path):
    keras.utils.set_random_seed(1)
    model = keras.models.clone_model(keras.Sequential(STACKS[name]))
    for norm in [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]:
        norm.set_weights([np.random.uniform(0.5, 1.5, weight.shape) for weight in norm.get_weights()])
    update_layers = {layer: min(k, model.get_layer(layer).kernel.shape[-2]) for layer, k in update_layers.items()}
    plan = tfdgsu.plan(model, layers=update_layers, train_head=False)
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    sparse.compile(keras.optimizers.SGD(0.05), loss="sparse_categorical_crossentropy")
    tfdgsu.export.export_training_bundle(sparse, tmp_path / "model.tflite")
    device = tfdgsu.micro_runtime.Session(tmp_path / "model.tflite")
    x = np.random.default_rng(0).standard_normal((N_STEPS, 1, *model.input_shape[1:])).astype(np.float32)
    in_keras = [sparse.train_on_batch(x[i], np.array([i % 3])) for i in range(N_STEPS)]
    on_device = [device.train(x[i], i % 3, learning_rate=0.05) for i in range(N_STEPS)]
    np.testing.assert_allclose(on_device, in_keras, rtol=tolerances.TRAJECTORY_RTOL, atol=tolerances.TRAJECTORY_ATOL)


def test_padding_still_fuses_with_an_update_layer():
    model = keras.Sequential(
        [keras.Input((8, 8, 2)), layers.Conv2D(2, 1), layers.ZeroPadding2D(1), layers.Conv2D(2, 3, name="conv")]
    )
    plain = convert_forward(model, 1)
    kernel = model.get_layer("conv").kernel
    guarded = convert_forward(model, 1, {id(kernel): kernel.numpy()})
    assert [op.kind for op in guarded.ops] == [op.kind for op in plain.ops]
