# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and gradient of keras.losses.CategoricalCrossentropy."""

import numpy as np

from .base import TRAIN, Operand
from .losses import FROM_LOGITS, LossOp, clip_probabilities, log_softmax


class CategoricalCrossentropy(LossOp):
    """-sum(label * log(q)), q = softmax(logits) or clip(probabilities / sum)."""

    NAME = "TfdgsuCategoricalCrossentropy"
    KERAS_NAME = "categorical_crossentropy"
    OPTIONS = FROM_LOGITS
    INPUTS = (TRAIN, Operand("y_pred"), Operand("label"))

    @classmethod
    def per_example(cls, y_pred, label, from_logits):
        if from_logits:
            log_q = log_softmax(y_pred)
            gradient = np.exp(log_q) * label.sum(axis=-1, keepdims=True) - label
            return -(label * log_q).sum(axis=-1), gradient
        total = y_pred.sum(axis=-1, keepdims=True)
        q, passes = clip_probabilities(y_pred / total)
        dq = np.where(passes, -label / q, 0)
        gradient = (dq - (dq * y_pred / total).sum(axis=-1, keepdims=True)) / total
        return -(label * np.log(q)).sum(axis=-1), gradient
