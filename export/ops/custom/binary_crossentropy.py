# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and gradient of keras.losses.BinaryCrossentropy."""

import numpy as np

from .base import TRAIN, Operand
from .deterministic_math import exp, log, log1p, sequential_sum
from .losses import FROM_LOGITS, LossOp, clip_probabilities


class BinaryCrossentropy(LossOp):
    """-mean over the outputs of label*log(p) + (1-label)*log(1-p)."""

    NAME = "TfdgsuBinaryCrossentropy"
    KERAS_NAME = "binary_crossentropy"
    OPTIONS = FROM_LOGITS
    INPUTS = (TRAIN, Operand("y_pred"), Operand("label"))

    @classmethod
    def per_example(cls, y_pred, label, from_logits):
        n_outputs = y_pred.dtype.type(y_pred.shape[1])
        if from_logits:
            decay = exp(-np.abs(y_pred))
            losses = (np.where(y_pred < 0, 0, y_pred) - y_pred * label) + log1p(decay)
            # 1 / (1 + exp(-z)) without overflow.
            sigmoid = np.where(y_pred >= 0, 1, decay) / (1 + decay)
            return sequential_sum(losses)[:, 0] / n_outputs, (sigmoid - label) / n_outputs
        p, passes = clip_probabilities(y_pred)
        losses = -(label * log(p) + (1 - label) * log(1 - p))
        gradient = np.where(passes, (1 - label) / (1 - p) - label / p, 0)
        return sequential_sum(losses)[:, 0] / n_outputs, gradient / n_outputs
