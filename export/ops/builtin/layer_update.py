# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What conv, depthwise and fully connected layers share: keep channels, update kernel and bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir import Op, Tensor

if TYPE_CHECKING:
    from ...gradients import Backward


def emit_layer_update(op: Op, dz: Tensor, back: Backward, filter_kind: str, **options) -> None:
    """Emits the in-place updates of ``op``'s weights, if it is an update layer.

    Args:
        op: The forward op: inputs x, kernel and optionally bias.
        dz: Gradient of the op's output in front of its activation.
        back: The backward pass.
        filter_kind: Custom op that computes the kernel gradient and applies it.
        **options: Its options besides the optimizer's.
    """
    update = back.update_of(op)
    if update is None:
        return
    if update.kernel is not None:
        kept = _keep_channels(op, back, update.channels)
        inputs = [back.learning_rate, kept, dz, update.channels, update.kernel, update.kernel_velocity]
        back.emit_update(filter_kind, inputs, **options, **back.sgd_options)
    if update.bias is not None:
        inputs = [back.learning_rate, dz, update.bias, update.bias_velocity]
        back.emit_update("TfdgsuBiasGrad", inputs, **back.sgd_options)


def _keep_channels(op: Op, back: Backward, channels: Tensor | None) -> Tensor:
    """x[..., channels], gathered right behind the layer so that x itself can be dropped."""
    x = op.inputs[0]
    if channels is None:
        return x
    kept = Tensor(f"kept/{x.name}", (*x.shape[:-1], channels.shape[0]), x.dtype)
    return back.keep("TfdgsuGatherChannels", [x, channels], after=op, kept=kept)
