# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What the loss ops share: Keras' definitions, mean over the batch, refusal of bad steps."""

from typing import ClassVar

import numpy as np

from .base import CustomOp, Field, Operand
from .deterministic_math import exp, sequential_sum

EPSILON = 1e-7  # keras.config.epsilon()
FROM_LOGITS = (Field("from_logits", "i"),)


def clip_probabilities(p):
    """Keras' clip of probabilities, and where its gradient passes."""
    low, high = p.dtype.type(EPSILON), p.dtype.type(1 - EPSILON)
    return np.clip(p, low, high), (p >= low) & (p <= high)


def softmax_parts(logits):
    """(exp(z - max), its sum, z - max) over the last axis, z the logits: softmax and its logarithm without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    powers = exp(shifted)
    return powers, sequential_sum(powers), shifted


class LossOp(CustomOp):
    """Base of the loss ops: (loss, dy_pred) of predictions and labels.

    `per_example` returns a loss per example [B] and its gradient [B,N]; here follow
    the mean over the batch and the rule that a non-finite loss writes 0 into
    `train`, so that every later op of the step does nothing and no weight moves.

    Attributes:
        KERAS_NAME: The loss function's name in keras.losses; what the metadata of a bundle stores.
    """

    KERAS_NAME: ClassVar[str]
    OUTPUTS = (Operand("loss"), Operand("dy_pred"))
    MUTATES = (0,)

    @classmethod
    def may_overwrite(cls, options):
        """The gradient may lie over logits; one of probabilities needs them again."""
        return ((1, 1),) if options.get("from_logits") else ()

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, y_pred, label = inputs
        loss, dy_pred = outputs
        cls.require(len(y_pred) == 2, "`y_pred` must be 2-D", y_pred)
        expected = y_pred[:1] if cls.INPUTS[2].dtype == "int32" else y_pred
        cls.require(label == expected, f"`label` must have shape {expected}", label)
        cls.require(loss == (1,) and dy_pred == y_pred, "`loss` must be [1], `dy_pred` as `y_pred`", outputs)
        if options:
            cls.require(options["from_logits"] in (0, 1), "from_logits must be 0 or 1", options["from_logits"])

    @classmethod
    def per_example(cls, y_pred, label, from_logits):
        """Loss of each example and its gradient.

        Args:
            y_pred: Predictions [B, N], floating point.
            label: int32 class numbers [B], or values [B, N] in the precision of `y_pred`.
            from_logits: Whether `y_pred` are logits; without meaning for a loss that takes no probabilities.

        Returns:
            (losses [B], gradients [B, N] of the same, not yet divided by B).
        """
        raise NotImplementedError

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        train, y_pred, label = inputs
        with np.errstate(all="ignore"):
            losses, gradient = cls.per_example(y_pred, label, bool(options.get("from_logits", 0)))
            loss = sequential_sum(losses) / y_pred.dtype.type(len(y_pred))
        if not np.isfinite(loss[0]):
            train[0] = 0
        return [loss, (gradient / y_pred.dtype.type(len(y_pred))).astype(y_pred.dtype)]
