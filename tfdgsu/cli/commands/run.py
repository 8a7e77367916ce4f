# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu run`: trains and evaluates a bundle on TensorFlow Lite Micro, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from absl import flags

from ..command import Command
from ..progress import progress_bar

if TYPE_CHECKING:
    from ...micro_runtime import Session
    from ..labelled_data import LabelledData


class RunCommand(Command):
    name = "run"
    summary = "Train and evaluate a bundle in TensorFlow Lite Micro, in this process."
    description = """
        Loads a training bundle into the TensorFlow Lite Micro interpreter that this package pins, trains with the
        examples of an .npz file in their order, again from the first when they run out, and evaluates before and after.

        The file holds the arrays x, float32 [N, ...] as the model takes it, and y, the labels: class numbers [N] for
        sparse_categorical_crossentropy, otherwise values shaped as the model's output. If it also holds x_test and
        y_test, these are evaluated; otherwise x and y are.
    """
    examples = (
        "tfdgsu run model.tflite --data data.npz --steps 500 --learning_rate 0.01 --save weights.tfdw",
        "tfdgsu run model.tflite --data data.npz --steps 0 --restore weights.tfdw",
    )
    arguments = ("BUNDLE.tflite",)

    def define_flags(self, values: flags.FlagValues) -> None:
        flags.DEFINE_string("data", None, "The .npz file with x and y. Required.", flag_values=values)
        flags.DEFINE_integer(
            "steps",
            None,
            "Training steps; 0 only evaluates. Default: once through the data.",
            lower_bound=0,
            flag_values=values,
        )
        flags.DEFINE_float("learning_rate", 0.01, "Learning rate of every step.", flag_values=values)
        flags.DEFINE_string("restore", None, "Start from the weights in this .tfdw file.", flag_values=values)
        flags.DEFINE_string("save", None, "Write the weights to this .tfdw file at the end.", flag_values=values)
        flags.DEFINE_integer(
            "arena_bytes", None, "Size of the arena. Default: what the exporter predicted.", flag_values=values
        )
        flags.mark_flag_as_required("data", flag_values=values)

    def execute(self, arguments: list[str], values: flags.FlagValues) -> None:
        from ..labelled_data import read_labelled_data
        from ..load_model import import_keras_quietly

        import_keras_quietly()
        from ...micro_runtime import Session

        device = Session(arguments[0], arena_bytes=values.arena_bytes)
        data = read_labelled_data(values.data)
        if values.restore is not None:
            device.restore(values.restore)
        _evaluate(device, data, "Before")
        n_steps = -(-len(data.x) // device.batch_size) if values.steps is None else values.steps
        if n_steps:
            _train(device, data, n_steps, values.learning_rate)
            _evaluate(device, data, "After")
        arena = device.arena_report()
        print(f"Arena: {arena.total_bytes:,} bytes measured, {arena.predicted_bytes:,} predicted.")
        if values.save is not None:
            device.save(values.save)
            print(f"Wrote {values.save}.")


def _evaluate(device: Session, data: LabelledData, when: str) -> None:
    evaluation = device.evaluate(data.x_test, data.y_test)
    accuracy = "" if evaluation.accuracy is None else f", accuracy {evaluation.accuracy:.4f}"
    print(f"{when}: loss {evaluation.loss:.5f}{accuracy} on {len(data.x_test):,} {data.test_name} examples.")


def _train(device: Session, data: LabelledData, n_steps: int, learning_rate: float) -> None:
    losses = []
    with progress_bar("Training in TFLM", n_steps) as advance:
        for step in range(n_steps):
            rows = np.arange(step * device.batch_size, (step + 1) * device.batch_size) % len(data.x)
            losses.append(device.train(data.x[rows], data.y[rows], learning_rate=learning_rate))
            advance()
    n_tenth = max(1, n_steps // 10)
    first, last = np.mean(losses[:n_tenth]), np.mean(losses[-n_tenth:])
    print(f"Trained {n_steps:,} steps: mean loss {first:.5f} in the first {n_tenth:,}, {last:.5f} in the last.")
