# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and gradient of keras.losses.CategoricalCrossentropy."""

import numpy as np

from .base import TRAIN, Operand
from .deterministic_math import log, sequential_sum
from .losses import FROM_LOGITS, LossOp, clip_probabilities, softmax_parts


class CategoricalCrossentropy(LossOp):
    """-sum(label * log(q)), q = softmax(logits) or clip(probabilities / sum)."""

    NAME = "TfdgsuCategoricalCrossentropy"
    KERAS_NAME = "categorical_crossentropy"
    OPTIONS = FROM_LOGITS
    INPUTS = (TRAIN, Operand("y_pred"), Operand("label"))

    @classmethod
    def per_example(cls, y_pred, label, from_logits):
        if from_logits:
            powers, total, shifted = softmax_parts(y_pred)
            gradient = powers / total * sequential_sum(label) - label
            return -sequential_sum(label * (shifted - log(total)))[:, 0], gradient
        total = sequential_sum(y_pred)
        q, passes = clip_probabilities(y_pred / total)
        dq = np.where(passes, -label / q, 0)
        gradient = (dq - sequential_sum(dq * (y_pred / total))) / total
        return -sequential_sum(label * log(q))[:, 0], gradient
