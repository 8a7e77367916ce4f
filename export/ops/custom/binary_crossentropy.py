# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and gradient of keras.losses.BinaryCrossentropy."""

import numpy as np

from .base import TRAIN, Operand
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
            softplus = np.log1p(np.exp(-np.abs(y_pred)))
            losses = np.maximum(y_pred, 0) - y_pred * label + softplus
            # 1 / (1 + exp(-z)) without overflow.
            decay = np.exp(-np.abs(y_pred))
            sigmoid = np.where(y_pred >= 0, 1, decay) / (1 + decay)
            return losses.mean(axis=-1), (sigmoid - label) / n_outputs
        p, passes = clip_probabilities(y_pred)
        losses = -(label * np.log(p) + (1 - label) * np.log(1 - p))
        gradient = np.where(passes, (1 - label) / (1 - p) - label / p, 0)
        return losses.mean(axis=-1), gradient / n_outputs
