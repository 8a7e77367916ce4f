# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A small bundle, exported in a second."""

import keras
import numpy as np

import tfdgsu


def export_tiny(
    path, policy="random", loss="sparse_categorical_crossentropy", batch_size=1, momentum=0.5, quantize=None
):
    """A bundle of a small conv net: 6x6x3 images, 4 outputs, one partly and one fully updated layer."""
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="front"),
            keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="deep"),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="softmax" if "categorical" in loss else None, name="head"),
        ]
    )
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={"deep": 3, "head": 54}))
    sparse.compile(keras.optimizers.SGD(0.05, momentum=momentum), loss=loss)
    callback = tfdgsu.DynamicSparseCallback(policy=policy, every=3, seed=1)
    data = np.random.default_rng(0).uniform(-1, 1, (16, 6, 6, 3)).astype(np.float32) if quantize else None
    tfdgsu.export.export_training_bundle(
        sparse, path, batch_size=batch_size, callback=callback, quantize=quantize, representative_data=data
    )
    return path
