# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and gradient of keras.losses.SparseCategoricalCrossentropy."""

import numpy as np

from .base import TRAIN, Operand
from .deterministic_math import log, sequential_sum
from .losses import FROM_LOGITS, LossOp, clip_probabilities, softmax_parts


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
        if from_logits:
            powers, total, shifted = softmax_parts(y_pred)
            losses = log(total)[:, 0] - shifted[rows, safe]
            gradient = powers / total
            gradient[rows, safe] -= 1
            return np.where(valid, losses, np.nan), gradient
        p, passes = clip_probabilities(y_pred)
        total = sequential_sum(p)
        losses = log(total)[:, 0] - log(p[rows, safe])
        gradient = np.where(passes, 1 / total, 0)
        gradient[rows, safe] -= np.where(passes[rows, safe], 1 / p[rows, safe], 0)
        return np.where(valid, losses, np.nan), gradient
