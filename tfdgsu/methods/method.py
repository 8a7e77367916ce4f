# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The seam behind which ways to train with little memory stand."""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from ..gradient_path import GradientPath
from ..layer_graph import LayerCall
from ..number_format import FLOAT32, NumberFormat
from ..sparse_update_plan import LayerUpdate, PlanCost


@dataclasses.dataclass(frozen=True)
class StepGradients:
    """What one training step computed.

    Attributes:
        y_pred: The model's output, in its structure.
        loss: Scalar loss.
        kernels: By layer name, the gradient of the selected slices [..., k, O] of its kernel.
        biases: By layer name, the gradient of its bias [O].
    """

    y_pred: Any
    loss: tf.Tensor
    kernels: dict[str, tf.Tensor]
    biases: dict[str, tf.Tensor]


class UpdateMethod:
    """How a step turns a batch into gradients of the update layers, and what that costs a device.

    A plan names its method; the model, the planner and the exporter ask the method and assume nothing about it.
    Subclasses are stateless. Register one with `tfdgsu.methods.register`.

    Attributes:
        NAME: What plans store.
    """

    NAME = ""

    def gradients(
        self,
        path: GradientPath,
        updates: dict[LayerCall, LayerUpdate],
        channels: dict[str, tf.Tensor],
        inputs: list[tf.Tensor],
        loss_of: Callable[[Any], tf.Tensor],
    ) -> StepGradients:
        """Runs one step's forward and backward.

        Args:
            path: The prepared model's graph and the part that takes part in backward.
            updates: The update layers' calls.
            channels: By layer name, int32 [k], for layers that update some of their channels.
            inputs: The model's inputs, flat.
            loss_of: Maps the model's output to the scalar loss.
        """
        raise NotImplementedError

    def cost(
        self,
        path: GradientPath,
        updates: tuple[LayerUpdate, ...],
        batch_size: int,
        momentum: bool,
        number_format: NumberFormat = FLOAT32,
        optimizer: str = "sgd",
    ) -> PlanCost:
        """Returns the predicted bytes of one step on a device, in a bundle of that number format and optimizer."""
        raise NotImplementedError
