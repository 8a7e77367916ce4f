# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What conv, depthwise and fully connected layers share: input gradient, kept channels, updates of kernel and bias.

A layer with an int8 kernel takes the ``Int8`` form of an op, which reads the kernel's scales beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir import Op, Tensor
from .real_values import bias_scales_of, is_quantized, scales_of

if TYPE_CHECKING:
    from ...gradients import Backward, UpdateTensors


def emit_input_gradient(op: Op, dz: Tensor, back: Backward, kind: str, **options) -> Tensor | None:
    """Emits the gradient of ``op``'s input, if an update layer lies in front of it; arguments as below."""
    x, kernel = op.inputs[:2]
    if not back.needs(x):
        return None
    if is_quantized(kernel):
        inputs = [dz, kernel, scales_of(kernel, back), None, None]
        if kind == "TfdgsuConv2DGradInput":
            inputs += overlay_of(back.update_of(op))
        return back.emit(f"{kind}Int8", inputs, like=x, **options)
    return back.emit(kind, [dz, kernel, None, None], like=x, **options)


def overlay_of(update: UpdateTensors | None) -> list[Tensor | None]:
    """What holds the weights of a layer's pool, and the pool's channels; Nones for a layer without."""
    return [None, None] if update is None or update.pool is None else [update.kernel, update.pool]


def emit_layer_update(op: Op, dz: Tensor, back: Backward, filter_kind: str, **options) -> None:
    """Emits the in-place updates of ``op``'s weights, if it is an update layer.

    Args:
        op: The forward op: inputs x, kernel and optionally bias.
        dz: Gradient of the op's output in front of its activation.
        back: The backward pass.
        filter_kind: Custom op that computes the kernel gradient and applies it, for a float32 kernel.
        **options: Its options besides the optimizer's.
    """
    update = back.update_of(op)
    if update is None:
        return
    emit = _emit_int8_update if is_quantized(op.inputs[1]) else _emit_float_update
    emit(op, dz, back, update, filter_kind, options)


def _emit_float_update(op: Op, dz: Tensor, back: Backward, update: UpdateTensors, kind: str, options: dict) -> None:
    if update.kernel is not None:
        kept = _keep_channels(op, back, update)
        rate = update.rate or back.learning_rate
        inputs = [rate, kept, dz, update.channels, update.kernel, update.kernel_velocity]
        back.emit_update(kind, inputs, **options, **_sgd_options(update.kernel_velocity, back))
    if update.bias is not None:
        inputs = [back.learning_rate, dz, update.bias, update.bias_velocity]
        back.emit_update("TfdgsuBiasGrad", inputs, **_sgd_options(update.bias_velocity, back))


def _emit_int8_update(op: Op, dz: Tensor, back: Backward, update: UpdateTensors, kind: str, options: dict) -> None:
    x, kernel = op.inputs[:2]
    rounding = {**back.rounding_options, "layer_id": update.layer_id}
    if update.kernel is not None:
        kept = _keep_channels(op, back, update)
        rounding |= _sgd_options(update.kernel_velocity, back)
        inputs = [update.rate or back.learning_rate, kept, dz, update.channels, update.kernel, scales_of(kernel, back)]
        inputs += [update.kernel_velocity, update.kernel_remainder, back.step]
        x_scale, x_zero_point = float(x.quantization.scale[0]), int(x.quantization.zero_point[0])
        back.emit_update(f"{kind}Int8", inputs, **options, **rounding, x_scale=x_scale, x_zero_point=x_zero_point)
    if update.bias is not None:
        rounding |= _sgd_options(update.bias_velocity, back)
        scales = bias_scales_of(x, kernel, back)
        inputs = [back.learning_rate, dz, update.bias, scales, update.bias_velocity, back.step]
        back.emit_update("TfdgsuBiasGradInt32", inputs, **rounding)


def _sgd_options(velocity: Tensor | None, back: Backward) -> dict:
    """Those of the step; what has no velocity has no momentum."""
    return back.sgd_options if velocity is not None else {**back.sgd_options, "momentum": 0.0}


def _keep_channels(op: Op, back: Backward, update: UpdateTensors) -> Tensor:
    """The selected channels of x, gathered right behind the layer so that x itself can be dropped."""
    x = op.inputs[0]
    # Where the whole pool is updated, its channels are the selected ones.
    channels, pool = (update.pool, None) if update.channels is None else (update.channels, update.pool)
    if channels is None:
        return x
    kept = Tensor(f"kept/{x.name}", (*x.shape[:-1], channels.shape[0]), x.dtype, quantization=x.quantization)
    return back.keep("TfdgsuGatherChannels", [x, channels, pool], after=op, kept=kept)
