# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and gradient of keras.losses.MeanSquaredError."""

from .base import TRAIN, Operand
from .deterministic_math import sequential_sum
from .losses import LossOp


class MeanSquaredError(LossOp):
    """mean over the outputs of (y_pred - label)^2."""

    NAME = "TfdgsuMeanSquaredError"
    KERAS_NAME = "mean_squared_error"
    INPUTS = (TRAIN, Operand("y_pred"), Operand("label"))

    @classmethod
    def per_example(cls, y_pred, label, from_logits):
        del from_logits
        error, n_outputs = y_pred - label, y_pred.dtype.type(y_pred.shape[1])
        return sequential_sum(error * error)[:, 0] / n_outputs, error * (2 / n_outputs)
