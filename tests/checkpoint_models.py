# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Models to load checkpoints into, each made anew in the same way."""

import keras
import model_zoo
import numpy as np
from keras import layers
from optimizers import make_optimizer

import tfdgsu

EVERY = 5
POOLS = {"expand": (3, 5), "project": (7, 20)}


def pooled_net():
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(8, 3, strides=2, activation="relu", name="stem")(x)
    z = layers.ReLU(6.0)(layers.Conv2D(48, 1, name="expand")(y))
    z = layers.ReLU(6.0)(layers.DepthwiseConv2D(3, padding="same", name="depthwise")(z))
    y = layers.Add()([y, layers.Conv2D(8, 1, name="project")(z)])
    return keras.Model(x, layers.Dense(4, activation="softmax", name="head")(layers.GlobalAveragePooling2D()(y)))


def make_pooled(pools=None):
    model = pooled_net()
    plan = {**POOLS, "depthwise": 9, "head": 8}
    plan = tfdgsu.plan(model, layers=plan, quantize="int8", train_head=False)
    sparse = tfdgsu.SparseUpdateModel(model, plan, pools=pools)
    sparse.compile(keras.optimizers.SGD(0.05), loss="sparse_categorical_crossentropy")
    return sparse


def make_sparse(name, policy, momentum, learning_rate=0.01, **plan):
    model = model_zoo.build(name)
    update_layers = model_zoo.INT8_UPDATE_LAYERS if "quantize" in plan else model_zoo.UPDATE_LAYERS
    plan = tfdgsu.plan(model, layers=update_layers[name], **plan)
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    sparse.compile(make_optimizer(learning_rate, momentum), loss="sparse_categorical_crossentropy")
    return sparse, tfdgsu.DynamicSparseCallback(policy=policy, every=EVERY, seed=3)


def train(device, x, y, learning_rate):
    return [device.train(image, label, learning_rate) for image, label in zip(x, y)]


def weights_of(model):
    return {weight.path: weight.numpy().copy() for weight in model.weights}


def assert_unchanged(model, before):
    for weight in model.weights:
        np.testing.assert_array_equal(weight.numpy(), before[weight.path], err_msg=weight.path)
