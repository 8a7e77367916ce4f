# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The quickstart from start to end, without printing: what happened is in the `Outcome`."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np

from ...export import ExportReport, export_training_bundle
from ...micro_runtime import ArenaReport, Session
from ...planning import plan
from . import digits, fine_tuning, network

if TYPE_CHECKING:
    import keras

    from ...sparse_update_model import SparseUpdateModel
    from ...sparse_update_plan import SparseUpdatePlan

RAM = "256KB"
UPDATE_FRACTION = 0.02
BUNDLE_NAME, INT8_BUNDLE_NAME = "digits.tflite", "digits_int8.tflite"
NETWORK_NAME, DATA_NAME = "digits.keras", "digits.npz"
# Of a loss of order one, in float32, summed in another order on each side, over a thousand steps.
ROUNDING = 1e-4

# A bar for `total` steps: called with a description and a total, yields what to call after each step.
Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What the quickstart found out. Accuracies are fractions of the held-out images.

    Attributes:
        n_steps: Training steps, on each side.
        n_held_out: Images that every accuracy is measured on.
        upright_accuracy: Before, on the held-out images as the network knows them.
        keras_before, keras_after: On the shifted ones, in Keras.
        tflm_before, tflm_after: The same in TensorFlow Lite Micro.
        int8_before, int8_after: The same with the int8 bundle.
        keras_losses, tflm_losses: Loss of every step.
        plan: What was updated.
        report: The exporter's prediction.
        arena: What the interpreter reports.
        int8_arena: The same of the int8 bundle.
    """

    n_steps: int
    n_held_out: int
    upright_accuracy: float
    keras_before: float
    keras_after: float
    tflm_before: float
    tflm_after: float
    int8_before: float
    int8_after: float
    keras_losses: list[float]
    tflm_losses: list[float]
    plan: SparseUpdatePlan
    report: ExportReport
    arena: ArenaReport
    int8_arena: ArenaReport

    @property
    def loss_differences(self) -> np.ndarray:
        """Absolute difference of the two losses of each step, float64 [n_steps]."""
        return np.abs(np.subtract(self.keras_losses, self.tflm_losses))

    @property
    def n_equal_steps(self) -> int:
        """Steps before the first whose losses differ by more than accumulated rounding."""
        differs = self.loss_differences > ROUNDING
        return int(differs.argmax()) if differs.any() else self.n_steps


def run(out_dir: pathlib.Path, progress: Progress, say: Callable[[str], None]) -> Outcome:
    """Pretrains, shifts the domain, fine-tunes in Keras and in TFLM.

    Args:
        out_dir: Existing folder; bundle, pretrained network and data are written there.
        progress: Shows how long work gets on.
        say: Told what happens next.
    """
    data = digits.load()
    say(f"Pretraining a small network on {len(data.pretrain.y):,} upright digits ...")
    model = _pretrained(data, progress)
    model.save(out_dir / NETWORK_NAME)
    _save_data(data, out_dir / DATA_NAME)
    update_plan = plan(model, ram=RAM, update_fraction=UPDATE_FRACTION, momentum=fine_tuning.MOMENTUM > 0)
    sparse, redraw = fine_tuning.prepare(model, update_plan)
    upright_accuracy, keras_before = _accuracy(sparse, data.held_out_upright), _accuracy(sparse, data.held_out)

    say("Exporting the training bundle ...")
    path = out_dir / BUNDLE_NAME
    report = export_training_bundle(sparse, path, callback=redraw, preprocessing={"x": "gray, 0 to 1"})
    device, int8_device = Session(path), Session(_export_int8(sparse, redraw, data, out_dir))
    tflm_before, int8_before = (d.evaluate(*data.held_out).accuracy for d in (device, int8_device))

    n_steps = fine_tuning.N_PASSES * len(data.fine_tune.y)
    say(
        f"Fine-tuning {n_steps:,} steps in Keras and the same {n_steps:,} in TensorFlow Lite Micro, float32 and int8 ..."
    )
    with progress("Keras", n_steps) as advance:
        keras_losses = fine_tuning.train_in_keras(sparse, redraw, data.fine_tune, advance)
    with progress("TFLM", n_steps) as advance:
        tflm_losses = fine_tuning.train_in_tflm(device, data.fine_tune, advance)
    with progress("TFLM int8", n_steps) as advance:
        fine_tuning.train_in_tflm(int8_device, data.fine_tune, advance)
    return Outcome(
        n_steps=n_steps,
        n_held_out=len(data.held_out.y),
        upright_accuracy=upright_accuracy,
        keras_before=keras_before,
        keras_after=_accuracy(sparse, data.held_out),
        tflm_before=tflm_before,
        tflm_after=device.evaluate(*data.held_out).accuracy,
        int8_before=int8_before,
        int8_after=int8_device.evaluate(*data.held_out).accuracy,
        keras_losses=keras_losses,
        tflm_losses=tflm_losses,
        plan=update_plan,
        report=report,
        arena=device.arena_report(),
        int8_arena=int8_device.arena_report(),
    )


def _export_int8(sparse: SparseUpdateModel, redraw, data: digits.Digits, out_dir: pathlib.Path) -> pathlib.Path:
    """The same training step in int8, calibrated on what the device will see."""
    path = out_dir / INT8_BUNDLE_NAME
    export_training_bundle(sparse, path, callback=redraw, quantize="int8", representative_data=data.fine_tune.x)
    return path


def _pretrained(data: digits.Digits, progress: Progress) -> keras.Model:
    model = network.build()
    with progress("Pretraining", network.n_pretrain_steps(len(data.pretrain.y))) as advance:
        network.pretrain(model, data.pretrain, advance)
    return model


def _save_data(data: digits.Digits, path: pathlib.Path) -> None:
    """As `tfdgsu run` reads it."""
    (x, y), (x_test, y_test) = data.fine_tune, data.held_out
    np.savez_compressed(path, x=x, y=y, x_test=x_test, y_test=y_test)


def _accuracy(sparse: SparseUpdateModel, examples: digits.Examples) -> float:
    return float(np.mean(sparse.predict(examples.x, verbose=0).argmax(axis=-1) == examples.y))
