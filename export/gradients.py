# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Reverse-mode differentiation of the graph.

The walk knows no op by name: every rule stands with its op in ``ops/builtin``.
A tensor needs a gradient when an update layer lies at or above it; nothing in front
of the deepest update layer does, so nothing there is kept or differentiated.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from .ir import Graph, Op, Tensor
from .ops.builtin import GRADIENT_RULES
from .ops.custom import REGISTRY


@dataclasses.dataclass(frozen=True)
class UpdateTensors:
    """The tensors with which one op's weights are updated; None where something is not trained.

    A kernel with a ``pool`` holds the weights of those input channels only, the overlay of the constant that the op reads,
    which is 0 there; ``channels`` are then positions in it.
    ``rate`` is the kernel's own learning rate, None for that of the step.
    ``layer_id`` keeps the random numbers of layers apart where an int8 update is rounded with them.
    """

    kernel: Tensor | None
    bias: Tensor | None
    channels: Tensor | None = None
    kernel_velocity: Tensor | None = None
    bias_velocity: Tensor | None = None
    kernel_remainder: Tensor | None = None
    layer_id: int = 0
    pool: Tensor | None = None
    rate: Tensor | None = None


@dataclasses.dataclass
class Backward:
    """The backward pass under construction, as a rule sees it."""

    graph: Graph
    train: Tensor
    learning_rate: Tensor
    updates: dict[int, UpdateTensors]  # by id of the op that owns the weights
    sgd_options: dict
    step: Tensor | None = None  # the step counter, if there is one
    rounding_options: dict = dataclasses.field(default_factory=dict)  # of updates of integer weights
    _needs: set[int] = dataclasses.field(default_factory=set)
    _gradients: dict[int, Tensor] = dataclasses.field(default_factory=dict)
    _constants: dict[str, Tensor] = dataclasses.field(default_factory=dict)

    def needs(self, tensor: Tensor | None) -> bool:
        """Whether the loss depends on an update layer through this tensor."""
        return tensor is not None and id(tensor) in self._needs

    def update_of(self, op: Op) -> UpdateTensors | None:
        """What of ``op``'s weights is updated, or None for an op that is no update layer."""
        return self.updates.get(id(op))

    def constant(self, name: str, value: np.ndarray) -> Tensor:
        """A float32 constant; the same tensor whenever it is asked for by the same name."""
        return self._constants.setdefault(name, Tensor(name, value.shape, "float32", value.astype(np.float32)))

    def emit(self, kind: str, inputs: list[Tensor | None], like: Tensor, **options) -> Tensor:
        """Appends a gradient op whose only result, float32, has the shape of ``like``."""
        result = Tensor(f"grad/{like.name}", like.shape)
        self._append(kind, inputs, [result], options)
        return result

    def emit_update(self, kind: str, inputs: list[Tensor | None], **options) -> None:
        """Appends an op that updates weights in place and has no result."""
        self._append(kind, inputs, [], options)

    def keep(self, kind: str, inputs: list[Tensor], after: Op, kept: Tensor, **options) -> Tensor:
        """Inserts a forward op right after ``after`` that keeps something small for backward."""
        self.graph.insert_after(after, custom_op(kind, [self.train, *inputs], [kept], options))
        return kept

    def _append(self, kind: str, inputs: list[Tensor | None], outputs: list[Tensor], options: dict) -> None:
        self.graph.ops.append(custom_op(kind, [self.train, *inputs], outputs, options))

    def run(self, loss_input: Tensor, gradient: Tensor) -> None:
        """Walks the forward ops in reverse from ``d loss / d loss_input``."""
        forward = [op for op in self.graph.ops if not op.is_custom]
        self._mark_needs(forward)
        self._gradients[id(loss_input)] = gradient
        for op in reversed(forward):
            dy = self._gradients.pop(id(op.outputs[0]), None)
            if dy is None or not (self.needs(op.outputs[0])):
                continue
            for tensor, dx in zip(op.inputs, self._rule(op)(op, dy, self)):
                if dx is not None:
                    self._accumulate(tensor, dx)

    def _mark_needs(self, forward: list[Op]) -> None:
        for op in forward:
            if id(op) in self.updates or any(self.needs(t) for t in op.inputs):
                self._needs.update(id(t) for t in op.outputs)

    def _accumulate(self, tensor: Tensor, dx: Tensor) -> None:
        earlier = self._gradients.get(id(tensor))
        if earlier is not None:
            dx = self.emit("TfdgsuAddGradients", [earlier, dx], like=tensor)
        self._gradients[id(tensor)] = dx

    def _rule(self, op: Op):
        if op.kind in GRADIENT_RULES:
            return GRADIENT_RULES[op.kind]
        raise ValueError(
            "Every op between the deepest update layer and the loss needs a gradient rule. "
            f"Received: {op.kind} (makes '{op.outputs[0].name}'). "
            f"Remedy: replace that layer by one of the supported ones ({', '.join(sorted(GRADIENT_RULES))}), "
            "or plan only update layers behind it."
        )


def custom_op(kind: str, inputs: list[Tensor | None], outputs: list[Tensor], options: dict) -> Op:
    """A custom op with its mutated operands filled in from its definition."""
    mutated = tuple(inputs[i] for i in REGISTRY[kind].mutates(options) if inputs[i] is not None)
    return Op(kind, inputs, outputs, options, is_custom=True, mutates=mutated)
