# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What the quickstart says at the end: as text for people, as JSON for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import digits, experiment, fine_tuning

if TYPE_CHECKING:
    from ...export.arena import ArenaPrediction, BufferPlan
    from .experiment import Outcome

# Smaller ones are no news.
_SMALLEST_SHARE_OF_PEAK = 0.01


def format_summary(outcome: Outcome) -> str:
    """The result as a few short tables."""
    return "\n\n".join([_format_accuracy(outcome), _format_update(outcome), _format_arena(outcome)])


def to_dict(outcome: Outcome) -> dict[str, Any]:
    """The figures, JSON-serialisable: accuracies as fractions, sizes in bytes."""
    arena, predicted = outcome.arena, outcome.report.arena
    return {
        "shift": digits.SHIFT,
        "n_held_out": outcome.n_held_out,
        "n_steps": outcome.n_steps,
        "learning_rate": fine_tuning.LEARNING_RATE,
        "momentum": fine_tuning.MOMENTUM,
        "policy": fine_tuning.POLICY,
        "redraw_every": fine_tuning.REDRAW_EVERY,
        "update_fraction": outcome.plan.update_fraction,
        "accuracy": {
            "upright": outcome.upright_accuracy,
            "keras_before": outcome.keras_before,
            "keras_after": outcome.keras_after,
            "tflm_before": outcome.tflm_before,
            "tflm_after": outcome.tflm_after,
            "int8_before": outcome.int8_before,
            "int8_after": outcome.int8_after,
        },
        "max_loss_difference": float(outcome.loss_differences.max()),
        "n_equal_steps": outcome.n_equal_steps,
        "max_loss_difference_of_equal_steps": float(outcome.loss_differences[: outcome.n_equal_steps].max(initial=0)),
        "bundle_bytes": outcome.report.file_bytes,
        "arena_predicted_bytes": predicted.total_bytes,
        "arena_measured_bytes": arena.total_bytes,
        "arena_cortex_m_predicted_bytes": arena.predicted_cortex_m_bytes,
        "int8_arena_predicted_bytes": outcome.int8_arena.predicted_bytes,
        "int8_arena_measured_bytes": outcome.int8_arena.total_bytes,
        "arena_head_bytes": arena.head_bytes,
        "arena_tail_bytes": arena.tail_bytes,
        "variable_bytes": predicted.tail_by_kind["variables"],
        "peak_tensors": {b.name: b.n_bytes for b in _peak_tensors(predicted)},
        "peak_op": predicted.peak_op,
    }


def _peak_tensors(arena: ArenaPrediction) -> list[BufferPlan]:
    return [b for b in arena.peak_buffers if b.n_bytes >= _SMALLEST_SHARE_OF_PEAK * arena.peak_live_bytes]


def _format_accuracy(outcome: Outcome) -> str:
    rows = (
        ("upright, as pretrained", outcome.upright_accuracy),
        (f"{digits.SHIFT}, before", outcome.keras_before, outcome.tflm_before, outcome.int8_before),
        (
            f"{digits.SHIFT}, after {outcome.n_steps:,} steps",
            outcome.keras_after,
            outcome.tflm_after,
            outcome.int8_after,
        ),
    )
    lines = [f"{f'Accuracy on {outcome.n_held_out} held-out images':<44}{'Keras':>8}{'TFLM':>8}{'int8':>8}"]
    for name, *accuracies in rows:
        lines.append(f"  {name:<42}" + "".join(f"{accuracy:>8.3f}" for accuracy in accuracies))
    return "\n".join([*lines, _format_difference(outcome)])


def _format_difference(outcome: Outcome) -> str:
    differences, n_equal = outcome.loss_differences, outcome.n_equal_steps
    if n_equal == outcome.n_steps:
        return f"The two losses of a step differ by at most {differences.max():.1e}."
    return (
        f"The two losses of a step differ by at most {differences[:n_equal].max(initial=0):.1e} in the first {n_equal:,} "
        f"steps, later by {differences.max():.1e}:\n"
        "an input of a ReLU so close to 0 that rounding decides lets a gradient pass on one side only."
    )


def _format_update(outcome: Outcome) -> str:
    plan = outcome.plan
    names = ", ".join(f"{layer.name} ({layer.n_selected}/{layer.n_channels})" for layer in plan.layers)
    return (
        f"Updated per step: {100 * plan.update_fraction:.2f}% of {plan.n_conv_weights:,} convolution weights, and biases; "
        f"channels re-drawn every {fine_tuning.REDRAW_EVERY} steps\n  {names}"
    )


def _format_arena(outcome: Outcome) -> str:
    measured, predicted = outcome.arena, outcome.report.arena
    n_variable_bytes = predicted.tail_by_kind["variables"]
    lines = [
        f"Arena in bytes: {predicted.total_bytes:,} predicted, {measured.total_bytes:,} measured, of {experiment.RAM}",
        f"  {measured.predicted_cortex_m_bytes:>8,}  predicted on a 32-bit Cortex-M",
        f"  {outcome.int8_arena.total_bytes:>8,}  measured for the same training in int8",
        "Where they go:",
        f"  {measured.head_bytes:>8,}  head: activations, gradients. At its peak, {predicted.peak_op}:",
        *(f"  {buffer.n_bytes:>16,}  {buffer.name}" for buffer in _peak_tensors(predicted)),
        f"  {n_variable_bytes:>8,}  tail: variables, the weights that train",
        f"  {measured.tail_bytes - n_variable_bytes:>8,}  tail: the interpreter's structures",
    ]
    return "\n".join(lines)
