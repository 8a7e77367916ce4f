# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The same fine-tuning twice: one example per step, in the same order, from the same weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import keras

from ...dynamic_sparse_callback import DynamicSparseCallback
from ...sparse_update_model import SparseUpdateModel
from ...sparse_update_plan import SparseUpdatePlan
from .digits import Examples

if TYPE_CHECKING:
    from ...micro_runtime import Session

N_PASSES = 3
LEARNING_RATE = 0.002
MOMENTUM = 0.9
POLICY = "random"
REDRAW_EVERY = 100
_SEED = 7


def prepare(model: keras.Model, plan: SparseUpdatePlan) -> tuple[SparseUpdateModel, DynamicSparseCallback]:
    """Returns the model ready to be fine-tuned or exported, and the callback that re-draws its channels."""
    sparse = SparseUpdateModel(model, plan)
    sparse.compile(keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM), loss="sparse_categorical_crossentropy")
    return sparse, DynamicSparseCallback(policy=POLICY, every=REDRAW_EVERY, seed=_SEED)


def train_in_keras(
    sparse: SparseUpdateModel, redraw: DynamicSparseCallback, examples: Examples, advance: Callable[[], None]
) -> list[float]:
    """Fine-tunes with `fit`; returns the loss of each step, calls `advance()` after each."""
    recorder = _LossRecorder(advance)
    sparse.fit(*examples, batch_size=1, epochs=N_PASSES, shuffle=False, verbose=0, callbacks=[redraw, recorder])
    return recorder.losses


def train_in_tflm(device: Session, examples: Examples, advance: Callable[[], None]) -> list[float]:
    """The same on the device; returns the loss of each step, calls `advance()` after each."""
    losses = []
    for _ in range(N_PASSES):
        for x, y in zip(*examples, strict=True):
            losses.append(device.train(x, y, learning_rate=LEARNING_RATE))
            advance()
    return losses


class _LossRecorder(keras.callbacks.Callback):
    """The loss of every step; what Keras logs is the mean since the metrics were last reset."""

    def __init__(self, advance: Callable[[], None]):
        super().__init__()
        self.losses: list[float] = []
        self._advance = advance

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(float(logs["loss"]))
        self._advance()
