# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The training step under construction: the tensors that passes hand to each other."""

from __future__ import annotations

import dataclasses

import numpy as np

from .gradients import UpdateTensors
from .ir import Op, Tensor
from .training_spec import TrainingSpec


@dataclasses.dataclass(frozen=True)
class Variable:
    """A tensor that keeps its value between invocations, under its public name.

    Attributes:
        tensor: The variable tensor; its name is the public one.
        role: kernel, bias, channels, velocity, remainder, layer_rates or step.
        layer: The update layer it belongs to, or "" for those of all.
        factory: Value after a reset, in the tensor's shape and dtype.
    """

    tensor: Tensor
    role: str
    layer: str
    factory: np.ndarray

    @property
    def name(self) -> str:
        """Public name: in signatures, metadata and weights files."""
        return self.tensor.name


@dataclasses.dataclass
class TrainingStep:
    """Filled in pass by pass.

    Attributes:
        spec: What to compile.
        layer_ops: The forward op of each update layer, by layer name.
        updates: The tensors of each update, by layer name.
        variables: All variables, in the order of their creation.
        train, learning_rate, label: The step's scalar inputs and its target.
        output, loss: What the step returns.
        loss_operand, loss_gradient: What the loss is taken of (logits where there are any), and its gradient.
    """

    spec: TrainingSpec
    layer_ops: dict[str, Op] = dataclasses.field(default_factory=dict)
    updates: dict[str, UpdateTensors] = dataclasses.field(default_factory=dict)
    variables: list[Variable] = dataclasses.field(default_factory=list)
    train: Tensor = dataclasses.field(default_factory=lambda: Tensor("train", (1,), "int32", is_variable=True))
    learning_rate: Tensor = dataclasses.field(default_factory=lambda: Tensor("learning_rate", (1,)))
    label: Tensor | None = None
    output: Tensor | None = None
    loss: Tensor | None = None
    loss_operand: Tensor | None = None
    loss_gradient: Tensor | None = None

    def add_variable(self, name: str, role: str, layer: str, factory: np.ndarray) -> Tensor:
        """Adds a variable that starts at ``factory``; the arguments are those of ``Variable``. Returns its tensor."""
        factory = np.ascontiguousarray(factory)
        tensor = Tensor(name, factory.shape, factory.dtype.name, is_variable=True)
        self.variables.append(Variable(tensor, role, layer, factory))
        return tensor

    @property
    def overlays(self) -> dict[int, list[Tensor]]:
        """By id of a forward op that has a pool of channels: their weights, and the channels."""
        updates = {id(self.layer_ops[name]): update for name, update in self.updates.items()}
        return {op: [update.kernel, update.pool] for op, update in updates.items() if update.pool is not None}

    def variable(self, name: str) -> Variable | None:
        """The variable called ``name``, or None."""
        return next((v for v in self.variables if v.name == name), None)
