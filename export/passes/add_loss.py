# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Adds the step's inputs and the op that computes the loss and its gradient."""

from __future__ import annotations

from ..gradients import custom_op
from ..ir import Graph, Tensor
from ..training_spec import LossSpec
from ..training_step import TrainingStep

_KIND_BY_LOSS = {
    "sparse_categorical_crossentropy": "TfdgsuSparseCategoricalCrossentropy",
    "categorical_crossentropy": "TfdgsuCategoricalCrossentropy",
    "binary_crossentropy": "TfdgsuBinaryCrossentropy",
    "mean_squared_error": "TfdgsuMeanSquaredError",
}
SUPPORTED_LOSSES = tuple(_KIND_BY_LOSS)


def run(graph: Graph, step: TrainingStep) -> Graph:
    step.output = graph.outputs[0]
    step.label = _label(step.output, step.spec.loss)
    step.loss = Tensor("loss", (1,))
    gradient = Tensor(f"grad/{step.output.name}", step.output.shape)
    options = {} if step.spec.loss.name == "mean_squared_error" else {"from_logits": int(step.spec.loss.from_logits)}
    inputs = [step.train, step.output, step.label]
    graph.ops.append(custom_op(_KIND_BY_LOSS[step.spec.loss.name], inputs, [step.loss, gradient], options))
    graph.inputs += [step.label, step.learning_rate, step.train]
    graph.outputs += [step.loss]
    return graph


def _label(output: Tensor, loss: LossSpec) -> Tensor:
    if len(output.shape) != 2:
        raise ValueError(
            "The model's output is one row per example. "
            f"Received: output of shape {list(output.shape)}. Remedy: end the model with Flatten or a pooling layer."
        )
    if loss.name == "sparse_categorical_crossentropy":
        return Tensor("y", output.shape[:1], "int32")
    return Tensor("y", output.shape)
