# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and accuracy of predictions, on the host."""

from typing import NamedTuple

import numpy as np

from ..export.ops.custom import LOSSES
from .errors import BundleError


class Evaluation(NamedTuple):
    """Mean loss and fraction of right answers; `accuracy` is None for a regression."""

    loss: float
    accuracy: float | None


def score(loss: dict, outputs: np.ndarray, labels: np.ndarray) -> Evaluation:
    """Scores outputs [N,C] against labels [N] or [N,C], as Keras would.

    Args:
        loss: The metadata's `loss`: name and from_logits.
        outputs: float32 [N, C], one row per example.
        labels: int32 class numbers [N] for sparse_categorical_crossentropy, else float32 [N, C].

    Raises:
        BundleError: The loss has no kernel here.
    """
    name = loss["name"]
    if name not in LOSSES:
        raise BundleError(
            f"Bundle's loss must be one of {sorted(LOSSES)}. Received: {name}. Remedy: export it again with this release."
        )
    with np.errstate(all="ignore"):
        losses, _ = LOSSES[name].per_example(outputs, labels, loss["from_logits"])
    return Evaluation(float(losses.mean(dtype=np.float64)), _accuracy(name, loss["from_logits"], outputs, labels))


def _accuracy(name: str, from_logits: bool, outputs: np.ndarray, labels: np.ndarray) -> float | None:
    if name == "mean_squared_error":
        return None
    if name == "binary_crossentropy":
        return float(((outputs > (0.0 if from_logits else 0.5)) == (labels > 0.5)).mean())
    truth = labels if name.startswith("sparse") else labels.argmax(axis=-1)
    return float((outputs.argmax(axis=-1) == truth).mean())
