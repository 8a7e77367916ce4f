# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""One int8 training step in TFLM against a float32 step in Keras."""

import keras
import numpy as np
import tolerances
from tfdgsu.export.schema import read_graph
from tfdgsu.export.weight_layout import to_tflite

import tfdgsu

LEARNING_RATE = 2.0  # Large, so that roundings to whole units are small beside the step.
BATCH = 32


def make_sparse(model, plan_layers, momentum=0.0):
    """A compiled model that updates the given channels of the given layers."""
    plan = tfdgsu.plan(model, layers=plan_layers, train_head=False)
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    sparse.compile(keras.optimizers.SGD(LEARNING_RATE, momentum=momentum), loss="sparse_categorical_crossentropy")
    return sparse


def assert_int8_step_matches(model, plan_layers, path, rounding="stochastic", momentum=0.0):
    """One step on a batch moves every layer's weights in int8 as in float32; returns the export's report.

    All labels are one class: gradients that cancel would leave nothing but noise. Weights that saturate are left out:
    the largest of each channel can't grow.
    """
    sparse = make_sparse(model, plan_layers, momentum)
    before = {name: _weights(sparse, name) for name in plan_layers}
    x = np.random.default_rng(0).uniform(-1, 1, (BATCH, *model.input_shape[1:])).astype(np.float32)
    # Re-drawn channels: whole kernels are variables.
    callback = tfdgsu.DynamicSparseCallback(policy="random", every=1_000_000) if sparse.channels else None
    export = {"quantize": "int8", "representative_data": x, "rounding": rounding, "batch_size": BATCH}
    report = tfdgsu.export.export_training_bundle(sparse, path, callback=callback, **export)
    device = tfdgsu.micro_runtime.Session(path)
    factory = device.variables()
    y = np.ones(BATCH, np.int32)
    device.train(x, y, learning_rate=LEARNING_RATE)
    sparse.train_on_batch(x, y)
    moved, scales = device.variables(), scales_of_variables(path)
    for name, old_weights in before.items():
        for role, old, new in zip(("kernel", "bias"), old_weights, _weights(sparse, name), strict=True):
            key = f"{name}/{role}"
            units = moved[key].astype(np.float64) - factory[key]
            if f"{key}/remainder" in moved:
                units += moved[f"{key}/remainder"].astype(np.float64) / 256
            ours = units * scales.get(key, 1.0)
            free = np.abs(moved[key]) < 127 if moved[key].dtype == np.int8 else np.full(old.shape, True)
            error = np.linalg.norm((ours - (new - old))[free]) / np.linalg.norm((new - old)[free])
            if not error < tolerances.INT8_STEP_RELATIVE_ERROR:
                raise AssertionError(f"{key} moved otherwise than in float32: relative error {error}")
    return report


def scales_of_variables(path):
    """Real value of one unit of each quantized variable, from the constants that its update reads."""
    scales = {}
    for op in read_graph(path.read_bytes()).ops:
        for i, tensor in enumerate(op.inputs):
            is_weight = tensor in op.mutates and tensor.name.endswith(("/kernel", "/bias"))
            if is_weight and tensor.dtype in ("int8", "int32") and op.kind != "TfdgsuLoadVariables":
                values = op.inputs[i + 1].data
                scales[tensor.name] = values.reshape((-1, 1, 1, 1) if tensor.shape[:1] == values.shape else (-1,))
                if tensor.dtype == "int32":
                    scales[tensor.name] = values
    return scales


def _weights(sparse, name):
    layer = sparse.model.get_layer(name)
    return to_tflite(type(layer).__name__, layer.kernel.numpy()), layer.bias.numpy()
