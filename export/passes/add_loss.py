# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Adds the step's inputs and the op that computes the loss and its gradient."""

from __future__ import annotations

from ..gradients import custom_op
from ..ir import Graph, Tensor
from ..ops.custom import LOSSES
from ..training_spec import LossSpec
from ..training_step import TrainingStep

# Losses on probabilities that are exact on the logits in front of this op, as Keras takes them
# (keras/src/backend/tensorflow/nn.py, _get_logits).
_FOLDED_ACTIVATION = {
    "sparse_categorical_crossentropy": "SOFTMAX",
    "categorical_crossentropy": "SOFTMAX",
    "binary_crossentropy": "LOGISTIC",
}


def run(graph: Graph, step: TrainingStep) -> Graph:
    """Adds label, learning rate and ``train`` to the inputs, the loss to the outputs, and the op; returns the graph.

    Raises:
        ValueError: unless the model's output is ``[batch, N]``.
    """
    step.output = graph.outputs[0]
    step.label = _label(step.output, step.spec.loss)
    step.loss = Tensor("loss", (1,))
    predicted, from_logits = _loss_operand(graph, step.output, step.spec.loss)
    step.loss_operand = predicted
    step.loss_gradient = Tensor(f"grad/{predicted.name}", predicted.shape)
    options = {} if step.spec.loss.name == "mean_squared_error" else {"from_logits": int(from_logits)}
    inputs = [step.train, predicted, step.label]
    results = [step.loss, step.loss_gradient]
    graph.ops.append(custom_op(LOSSES[step.spec.loss.name].NAME, inputs, results, options))
    graph.inputs += [step.label, step.learning_rate, step.train]
    graph.outputs += [step.loss]
    return graph


def _loss_operand(graph: Graph, output: Tensor, loss: LossSpec) -> tuple[Tensor, bool]:
    """The tensor the loss is taken of, and whether it holds logits."""
    producer = graph.producer(output)
    activation = _FOLDED_ACTIVATION.get(loss.name)
    if loss.from_logits or producer.kind != activation or getattr(producer.options, "beta", 1.0) != 1.0:
        return output, loss.from_logits
    return producer.inputs[0], True


def _label(output: Tensor, loss: LossSpec) -> Tensor:
    if len(output.shape) != 2:
        raise ValueError(
            "The model's output is one row per example. "
            f"Received: output of shape {list(output.shape)}. Remedy: end the model with Flatten or a pooling layer."
        )
    if loss.name == "sparse_categorical_crossentropy":
        return Tensor("y", output.shape[:1], "int32")
    return Tensor("y", output.shape)
