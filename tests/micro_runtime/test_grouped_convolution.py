# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A grouped convolution in the frozen front: a builtin op whose filter has fewer channels than its image."""

import keras
import numpy as np
import pytest
import tolerances
from keras import layers

import tfdgsu


@pytest.mark.parametrize(
    ("settings", "atol"), [({}, tolerances.FORWARD_ATOL), ({"quantize": "int8"}, tolerances.INT8_PROBABILITY_ATOL)]
)
@pytest.mark.parametrize("groups", [2, 4])
def test_grouped_convolution_in_the_frozen_front(tmp_path, settings, atol, groups):
    keras.utils.set_random_seed(0)
    x = keras.Input((6, 5, 4))
    y = layers.Conv2D(8, 3, groups=groups, padding="same", activation="relu")(x)
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 1, name="deep")(y))
    model = keras.Model(x, layers.Dense(3, activation="softmax", name="head")(y))
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={"deep": 2, "head": 3}))
    sparse.compile(keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
    examples = np.random.default_rng(0).uniform(-1, 1, (32, 6, 5, 4)).astype(np.float32)
    path, data = tmp_path / "model.tflite", {"representative_data": examples} if settings else {}
    report = tfdgsu.export.export_training_bundle(sparse, path, **settings, **data)
    device = tfdgsu.micro_runtime.Session(path)
    np.testing.assert_allclose(device.infer(examples[0]), model(examples[:1])[0], rtol=0, atol=atol)
    assert np.isfinite(device.train(examples[0], 1, learning_rate=0.1))
    assert device.arena_report().total_bytes == report.arena.total_bytes
