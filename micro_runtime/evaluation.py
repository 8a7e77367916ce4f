# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and accuracy of predictions, on the host."""

from typing import NamedTuple

import numpy as np

from ..export.ops.custom import REGISTRY
from .errors import BundleError

_LOSS_OPS = {
    "sparse_categorical_crossentropy": "TfdgsuSparseCategoricalCrossentropy",
    "categorical_crossentropy": "TfdgsuCategoricalCrossentropy",
    "binary_crossentropy": "TfdgsuBinaryCrossentropy",
    "mean_squared_error": "TfdgsuMeanSquaredError",
}


class Evaluation(NamedTuple):
    """Mean loss and fraction of right answers; `accuracy` is None for a regression."""

    loss: float
    accuracy: float | None


def score(loss: dict, outputs: np.ndarray, labels: np.ndarray) -> Evaluation:
    """Scores outputs [N,C] against labels [N] or [N,C], as Keras would.

    Args:
        loss: The metadata's `loss`: name and from_logits.
    """
    name = loss["name"]
    if name not in _LOSS_OPS:
        raise BundleError(f"Bundle's loss must be one of {sorted(_LOSS_OPS)}. Received: {name}.")
    with np.errstate(all="ignore"):
        losses, _ = REGISTRY[_LOSS_OPS[name]].per_example(outputs, labels, loss["from_logits"])
    return Evaluation(float(losses.mean(dtype=np.float64)), _accuracy(name, loss["from_logits"], outputs, labels))


def _accuracy(name: str, from_logits: bool, outputs: np.ndarray, labels: np.ndarray) -> float | None:
    if name == "mean_squared_error":
        return None
    if name == "binary_crossentropy":
        return float(((outputs > (0.0 if from_logits else 0.5)) == (labels > 0.5)).mean())
    truth = labels if name.startswith("sparse") else labels.argmax(axis=-1)
    return float((outputs.argmax(axis=-1) == truth).mean())
