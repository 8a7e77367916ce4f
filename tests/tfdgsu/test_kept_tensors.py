# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Measures what the traced training step keeps from forward to backward: only selected channels and masks."""

import collections

import keras
import model_zoo
import pytest
import tensorflow as tf
from keras import layers

import tfdgsu
from tfdgsu.layer_graph import flatten

BATCH_SIZE = 7


def _trace(sparse):
    sparse.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss="sparse_categorical_crossentropy")
    x = tf.TensorSpec((BATCH_SIZE, *sparse.model.input_shape[1:]), tf.float32)
    y = tf.TensorSpec((BATCH_SIZE,), tf.int32)
    step = tf.function(lambda x, y: sparse.train_step((x, y)))
    sparse.optimizer.build(sparse.trainable_variables)
    return step.get_concrete_function(x, y).graph


def _scope(tensor_or_op) -> str:
    return tensor_or_op.name.split("/")[0]


def _kept(graph) -> collections.Counter:
    """Counts (dtype, shape) of the values, not shapes or variables, that backward ops take from forward ops."""
    crossing = {}
    for op in graph.get_operations():
        if _scope(op) == "backward":
            for tensor in op.inputs:
                is_variable = tensor.dtype == tf.resource or tensor.op.type in ("Const", "ReadVariableOp")
                is_input = tensor.op.type == "Placeholder"
                if (_scope(tensor) == "forward" or is_input) and not is_variable:
                    crossing[tensor.name] = (tensor.dtype.name, tuple(tensor.shape))
    return collections.Counter(crossing.values())


def _expected(sparse) -> collections.Counter:
    """What the plan says should be kept, from layer shapes alone."""
    graph = flatten(sparse.model)
    kept = collections.Counter()
    reached = set()
    updates = {update.name: update for update in sparse.plan.layers}
    for call in graph.calls:
        shape = (BATCH_SIZE, *call.inputs[0].shape[1:])
        out_shape = (BATCH_SIZE, *call.output.shape[1:])
        update = updates.get(call.name)
        if update and update.n_selected:
            kept["float32", (*shape[:-1], update.n_selected)] += 1
        is_reached = any(value in reached for value in call.inputs)
        if is_reached and isinstance(call.layer, (layers.ReLU, layers.LeakyReLU)):
            kept["bool", out_shape] += 1
        if is_reached and isinstance(call.layer, layers.GlobalMaxPooling1D | layers.GlobalMaxPooling2D):
            kept["bool", shape] += 1
        if is_reached and isinstance(call.layer, layers.Softmax) and call.output not in graph.outputs:
            kept["float32", out_shape] += 1
        if is_reached or update:
            reached.update(call.outputs)
    return kept


@pytest.mark.parametrize("name", model_zoo.UPDATE_LAYERS)
def test_kept_values_are_selected_channels_and_masks(name):
    model = model_zoo.build(name)
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers=model_zoo.UPDATE_LAYERS[name]))
    assert _kept(_trace(sparse)) == _expected(sparse)


def test_mobilenet_keeps_what_the_plan_predicts():
    model = model_zoo.mobilenet_v2()
    plan = tfdgsu.plan(model, update_fraction=0.02, n_layers=31, batch_size=BATCH_SIZE)
    kept = _kept(_trace(tfdgsu.SparseUpdateModel(model, plan)))
    values = sum(
        4 * n * tf.TensorShape(shape).num_elements() for (dtype, shape), n in kept.items() if dtype == "float32"
    )
    masks = sum(
        n * -(-tf.TensorShape(shape).num_elements() // 8) for (dtype, shape), n in kept.items() if dtype == "bool"
    )
    assert values == plan.cost.kept_activation_bytes
    assert masks == plan.cost.relu_mask_bytes


@pytest.mark.parametrize("name", model_zoo.UPDATE_LAYERS)
def test_no_tensor_has_the_shape_of_a_dense_gradient(name):
    model = model_zoo.build(name)
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers=model_zoo.UPDATE_LAYERS[name], train_head=False))
    graph = _trace(sparse)
    sparse_shapes = [update.kernel_shape for update in sparse.plan.layers if update.is_sparse]
    forbidden = {*sparse_shapes, *(shape[-2:] for shape in sparse_shapes)}
    # The weights themselves have that shape; they are read, and viewed as a matrix or as an image of height 1.
    reads = {"ReadVariableOp", "StridedSlice", "VarHandleOp", "Placeholder"}
    for op in graph.get_operations():
        if _scope(op) != "forward" and op.type not in reads:
            for tensor in op.outputs:
                assert tuple(tensor.shape or ()) not in forbidden, f"{op.name} ({op.type}) makes {tensor.shape}"


def test_dense_training_would_keep_more():
    """The measurement itself: a fully updated layer shows up with its whole input."""
    model = model_zoo.small_conv_net()
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={"conv_1": 3, "conv_2": 8}))
    kept = _kept(_trace(sparse))
    assert kept["float32", (BATCH_SIZE, 12, 12, 3)] == 1  # conv_1's input
    assert kept["float32", (BATCH_SIZE, 12, 12, 8)] == 1  # pool's input, which TensorFlow's gradient wants
    assert kept["float32", (BATCH_SIZE, 6, 6, 8)] == 1  # conv_2's input, also pool's output
