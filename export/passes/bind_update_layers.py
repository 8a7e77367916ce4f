# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the op of every update layer and gives its weights their true values.

The converter renames, transposes and shares constants, so names say little. The
forward pass is therefore converted with *marks* in place of the update layers'
weights: arrays of random numbers that occur nowhere else. Whatever op holds a mark
is the layer, and no two layers can have been merged into one constant.
"""

from __future__ import annotations

import numpy as np

from ..ir import Graph, Op, Tensor
from ..training_spec import LayerSpec
from ..training_step import TrainingStep

_WEIGHTED_KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def make_marks(layers: tuple[LayerSpec, ...]) -> dict[tuple[str, str], np.ndarray]:
    """Random stand-ins, by (layer name, "kernel" or "bias"), in TFLite's layout."""
    rng = np.random.default_rng(0)
    marks = {}
    for layer in layers:
        for role, value in (("kernel", layer.kernel), ("bias", layer.bias)):
            if value is not None:
                marks[layer.name, role] = rng.uniform(0.5, 1.0, value.shape).astype(np.float32)
    return marks


def run(graph: Graph, step: TrainingStep, marks: dict[tuple[str, str], np.ndarray]) -> Graph:
    """Notes the op of every update layer in ``step.layer_ops``, replaces its marks; returns the graph.

    Raises:
        ValueError: naming the layer whose mark the converter changed.
    """
    for layer in step.spec.layers:
        op = _find(graph, layer.name, marks[layer.name, "kernel"])
        step.layer_ops[layer.name] = op
        op.inputs[1] = _weight(layer.name, "kernel", layer.kernel)
        if layer.bias is not None:
            if not _equals(op.inputs[2], marks[layer.name, "bias"]):
                raise ValueError(_rewritten(layer.name, "bias"))
            op.inputs[2] = _weight(layer.name, "bias", layer.bias)
    return graph


def _find(graph: Graph, layer_name: str, mark: np.ndarray) -> Op:
    for op in graph.ops:
        if op.kind in _WEIGHTED_KINDS and _equals(op.inputs[1], mark):
            return op
    raise ValueError(_rewritten(layer_name, "kernel"))


def _equals(tensor: Tensor | None, mark: np.ndarray) -> bool:
    return tensor is not None and tensor.is_constant and np.array_equal(tensor.data, mark)


def _weight(layer_name: str, role: str, value: np.ndarray) -> Tensor:
    return Tensor(f"{layer_name}/{role}", value.shape, "float32", value)


def _rewritten(layer_name: str, role: str) -> str:
    return (
        "An update layer's weights must reach TensorFlow Lite unchanged. "
        f"Received: the converter merged the {role} of '{layer_name}' with a neighbouring constant. "
        "Remedy: fold scalings that follow the layer into its weights, or leave the layer out of the plan."
    )
