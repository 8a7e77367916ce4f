# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Gradients of a prepared model by TensorFlow's own tape and by finite differences, to compare the rules with."""

import keras
import numpy as np
import tensorflow as tf

from tfdgsu import SparseUpdateModel, methods
from tfdgsu.gradient_path import trace
from tfdgsu.layer_graph import flatten


def sparse_gradients(sparse: SparseUpdateModel, x, loss_of) -> methods.StepGradients:
    """Returns what a training step of `sparse` computes for a batch, without applying it."""
    graph = flatten(sparse.model)
    path = trace(graph, {update.name for update in sparse.plan.layers})
    updates = {graph.find(update.name): update for update in sparse.plan.layers}
    channels = {name: variable.value for name, variable in sparse.channels.items()}
    return methods.get(sparse.plan.method).gradients(path, updates, channels, [tf.convert_to_tensor(x)], loss_of)


def tape_gradients(sparse: SparseUpdateModel, x, loss_of) -> tuple[dict, dict]:
    """Returns the dense kernel and bias gradients of the update layers, by layer name, from `tf.GradientTape`."""
    kernels = {update.name: sparse.model.get_layer(update.name).kernel.value for update in sparse.plan.layers}
    biases = {name: bias.value for name, bias in sparse.biases.items()}
    with tf.GradientTape() as tape:
        loss = loss_of(sparse.model(x, training=False))
    return tape.gradient(loss, (kernels, biases))


def selected(sparse: SparseUpdateModel, layer_name: str, dense: np.ndarray) -> np.ndarray:
    """Returns the slices of a dense kernel-shaped array that the plan's layer updates."""
    if layer_name in sparse.channels:
        return np.take(dense, sparse.channels[layer_name].numpy(), axis=-2)
    return np.asarray(dense)


def finite_difference(variable: keras.Variable, evaluate, positions: list[int], step: float = 1e-5) -> np.ndarray:
    """Returns central differences of `evaluate()` by the elements of `variable` at flat `positions`."""
    original = variable.numpy()
    derivatives = []
    for position in positions:
        ends = []
        for sign in (1, -1):
            moved = original.copy()
            moved.flat[position] += sign * step
            variable.assign(moved)
            ends.append(float(evaluate()))
        derivatives.append((ends[0] - ends[1]) / (2 * step))
    variable.assign(original)
    return np.array(derivatives)
