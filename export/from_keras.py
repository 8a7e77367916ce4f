# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a compiled ``SparseUpdateModel`` into a ``TrainingSpec``; refuses what the device can't do."""

from __future__ import annotations

import keras
import numpy as np

from ..lars import LARS, check_period
from .ops.custom import LOSSES
from .training_spec import LarsSpec, LayerRateSpec, LayerSpec, LossSpec, SgdSpec, TrainingSpec
from .weight_layout import to_tflite

COMPILED_METHODS = ("dynamic_sparse",)
_LOSS_ALIASES = {"mse": "mean_squared_error", "bce": "binary_crossentropy"}
# What the device has of an optimizer's settings, beside the learning rate.
_SETTINGS = {
    keras.optimizers.SGD: ("momentum", "nesterov"),
    LARS: ("trust_coefficient", "momentum", "beta"),
}
# Settings of any Keras optimizer that change the step and have no counterpart on the device.
_UNSUPPORTED_SETTINGS = (
    "weight_decay",
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
    "use_ema",
    "loss_scale_factor",
    "gradient_accumulation_steps",
)


def read_training_spec(sparse_model) -> TrainingSpec:
    """Describes the training step of a compiled model.

    Args:
        sparse_model: A compiled ``tfdgsu.SparseUpdateModel``.

    Raises:
        ValueError: if the model isn't compiled, its method, loss or optimizer can't run on the device, or its channels are
            drawn too often for its optimizer.
    """
    if not getattr(sparse_model, "compiled", False):
        raise ValueError(
            "A bundle contains the loss and the optimizer's update. "
            "Received: a SparseUpdateModel that was not compiled. "
            "Remedy: call compile(keras.optimizers.SGD(...), loss=...) before exporting."
        )
    if sparse_model.plan.method not in COMPILED_METHODS:
        raise ValueError(
            f"The compiler lowers these update methods: {', '.join(COMPILED_METHODS)}. "
            f"Received: a plan with method '{sparse_model.plan.method}'. Remedy: plan with one of them before exporting."
        )
    check_period(sparse_model.optimizer, sparse_model.schedule)
    return TrainingSpec(
        layers=tuple(_read_layer(sparse_model, update, i) for i, update in enumerate(sparse_model.plan.layers)),
        loss=read_loss(sparse_model.loss),
        optimizer=read_optimizer(sparse_model.optimizer),
        schedule=sparse_model.schedule,
        step=int(keras.ops.convert_to_numpy(sparse_model.step)),
    )


def read_loss(loss) -> LossSpec:
    """The loss by its Keras name.

    Args:
        loss: What ``compile`` was given: a name, a function of ``keras.losses`` or a ``keras.losses.Loss``.

    Raises:
        ValueError: for another loss, or settings that change it.
    """
    resolved = keras.losses.get(loss) if isinstance(loss, str) else loss
    function = getattr(resolved, "fn", resolved)
    name = getattr(function, "__name__", type(resolved).__name__)
    name = _LOSS_ALIASES.get(name, name)
    settings = dict(getattr(resolved, "_fn_kwargs", {}))
    if name not in LOSSES:
        raise ValueError(
            f"A bundle computes one of these losses: {', '.join(LOSSES)}. "
            f"Received: {loss!r}. Remedy: compile with one of them."
        )
    from_logits = bool(settings.pop("from_logits", False))
    _check_loss_settings(name, settings, getattr(resolved, "reduction", "sum_over_batch_size"))
    return LossSpec(name, from_logits)


def _check_loss_settings(name: str, settings: dict, reduction: str) -> None:
    neutral = {"label_smoothing": 0.0, "axis": -1, "ignore_class": None}
    odd = {k: v for k, v in settings.items() if v != neutral.get(k)}
    if reduction not in ("sum_over_batch_size", "mean", "auto"):
        odd["reduction"] = reduction
    if odd:
        raise ValueError(
            f"The device computes {name} with default settings, averaged over the batch. "
            f"Received: {odd}. Remedy: compile without these settings."
        )


def read_optimizer(optimizer) -> SgdSpec:
    """SGD, SGD with momentum, and LARS; every other optimizer trains in Keras only.

    Raises:
        ValueError: for another optimizer, or settings that the device lacks.
    """
    name = type(optimizer).__name__
    if type(optimizer) not in _SETTINGS:
        raise ValueError(
            "The device updates with SGD, with or without momentum, or with LARS. "
            f"Received: {name}. Remedy: compile with keras.optimizers.SGD or tfdgsu.LARS before exporting; the trained "
            "weights stay as they are."
        )
    odd = {s: getattr(optimizer, s) for s in _UNSUPPORTED_SETTINGS if getattr(optimizer, s, None)}
    if odd:
        raise ValueError(
            f"The device's {name} has a learning rate, {', '.join(_SETTINGS[type(optimizer)])}. "
            f"Received: {odd}. Remedy: compile with {name} without these settings."
        )
    if type(optimizer) is LARS:
        return _read_lars(optimizer)
    return SgdSpec(float(optimizer.momentum), bool(optimizer.nesterov))


def _read_lars(optimizer: LARS) -> LarsSpec:
    settings = {name: float(getattr(optimizer, name)) for name in _SETTINGS[LARS]}
    fits = 0 <= settings["momentum"] < 1 and 0 <= settings["beta"] < 1 and 0 < settings["trust_coefficient"] < np.inf
    if not fits:
        raise ValueError(
            "LARS on a device takes a momentum and a beta in [0, 1), and a positive trust_coefficient. "
            f"Received: {settings}. Remedy: compile with such ones."
        )
    return LarsSpec(**settings)


def _read_layer(sparse_model, update, layer_id: int) -> LayerSpec:
    layer = sparse_model.model.get_layer(update.name)
    kind = type(layer).__name__
    kernel_velocity = sparse_model.velocity(update.name, "kernel") if update.n_selected else None
    channels, pool = None, sparse_model.pools.get(update.name)
    if update.is_sparse:
        selected = sparse_model.channels[update.name]
        channels = keras.ops.convert_to_numpy(selected) if pool is None else sparse_model.pool_channels(update.name)
    spec = LayerSpec(
        name=update.name,
        layer_id=layer_id,
        n_channels=update.n_channels,
        n_selected=update.n_selected,
        channels=channels,
        pool=pool,
        kernel=to_tflite(kind, keras.ops.convert_to_numpy(layer.kernel)),
        bias=keras.ops.convert_to_numpy(layer.bias) if layer.use_bias else None,
        update_bias=bool(update.update_bias),
        kernel_velocity=None
        if kernel_velocity is None
        else to_tflite(kind, keras.ops.convert_to_numpy(kernel_velocity)),
        bias_velocity=_bias_velocity(sparse_model, update.name) if update.update_bias and layer.use_bias else None,
        rate=_layer_rate(sparse_model, update.name) if update.n_selected else None,
    )
    # A re-draw of all channels of the pool changes nothing, but that it clears the velocity.
    never_changes = sparse_model.schedule.device_kind == "static" or kernel_velocity is None
    is_whole_pool = pool is not None and len(pool) == update.n_selected
    return spec.with_selection_as_pool() if is_whole_pool and never_changes else spec


def _layer_rate(sparse_model, layer_name: str) -> LayerRateSpec | None:
    state = sparse_model.layer_rate(layer_name)
    return None if state is None else LayerRateSpec(*(float(keras.ops.convert_to_numpy(v)) for v in state))


def _bias_velocity(sparse_model, layer_name: str) -> np.ndarray | None:
    velocity = sparse_model.velocity(layer_name, "bias")
    return None if velocity is None else keras.ops.convert_to_numpy(velocity)
