# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and gradient of keras.losses.SparseCategoricalCrossentropy."""

import numpy as np

from .base import TRAIN, Operand
from .losses import FROM_LOGITS, LossOp, clip_probabilities, log_softmax


class SparseCategoricalCrossentropy(LossOp):
    """-log softmax(z)[label], where z are the logits or log(clip(probabilities)).

    A label outside [0, C) gives a loss of NaN.
    """

    NAME = "TfdgsuSparseCategoricalCrossentropy"
    KERAS_NAME = "sparse_categorical_crossentropy"
    OPTIONS = FROM_LOGITS
    INPUTS = (TRAIN, Operand("y_pred"), Operand("label", "int32"))

    @classmethod
    def per_example(cls, y_pred, label, from_logits):
        n_classes = y_pred.shape[1]
        rows = np.arange(len(label))
        valid = (label >= 0) & (label < n_classes)
        safe = np.where(valid, label, 0)
        p, passes = (y_pred, None) if from_logits else clip_probabilities(y_pred)
        log_p = log_softmax(p if from_logits else np.log(p))
        gradient = np.exp(log_p)
        gradient[rows, safe] -= 1
        if not from_logits:
            gradient = np.where(passes, gradient / p, 0)
        return np.where(valid, -log_p[rows, safe], np.nan), gradient
