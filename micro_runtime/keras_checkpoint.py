# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a device has learned, put into the Keras model that its bundle was exported from."""

import json
import os
import pathlib

import keras
import numpy as np

from .. import policies
from ..channel_schedule import ChannelSchedule
from ..export.ops.custom.int8_update import REMAINDERS_PER_UNIT
from ..export.weight_layout import to_keras
from ..sparse_update_model import SparseUpdateModel
from . import examples
from .checkpoint_layout import CheckpointLayout, VariableLayout, find_layout
from .errors import require
from .weights_file import decode_weights

_WEIGHTS = ("kernel", "bias")


def load_checkpoint(
    model: SparseUpdateModel, path: str | os.PathLike, *, bundle: str | os.PathLike | None = None
) -> None:
    """Loads a checkpoint of a device or a `Session` into the Keras model, which then goes on from there.

    Weights of a float32 bundle are taken over exactly. Integers of an int8 bundle become what they stand for: a kernel
    is (w + remainder / 256) * scale, a bias b * input scale * scale, in float64 and rounded to float32 once. Selected
    channels, velocities and the schedule are the device's too, and the step counter where the device has one, so that
    `fit` with a `DynamicSparseCallback` of the same policy, period and seed goes on with the same draws.

    A checkpoint names its bundle by length and CRC-32. What the bundle's variables are called and stand for is known to
    the model that was exported, also after `model.save` and `keras.models.load_model`; a model that was made anew takes
    it from the bundle.

    Example:
        tfdgsu.export.export_training_bundle(sparse, "model.tflite")
        device.save("weights.tfdw")  # or the bytes that tfdgsu_checkpoint_find() points at
        tfdgsu.load_checkpoint(sparse, "weights.tfdw")

    Args:
        model: The model that the bundle was exported from, or one with the same plan and the same frozen weights.
            Velocities are loaded if it is compiled with SGD with momentum or LARS, rates of layers with LARS.
        path: The checkpoint, a `.tfdw` file.
        bundle: The bundle that was trained. Default: one that the model was exported to, else a `.tflite` file in the
            checkpoint's folder, whichever the checkpoint belongs to.

    Raises:
        TypeError: `model` is not a `SparseUpdateModel`.
        OSError: A file can't be read.
        BundleError: `bundle` is damaged or not a bundle.
        WeightsFileError: The checkpoint is damaged, of another version or of another bundle, or of a bundle that is
            not given, not in its folder and none that the model was exported to.
        ValueError: The bundle was not exported from this model, or the checkpoint holds NaN or numbers out of range.
            Whatever is raised, the model is as it was.
    """
    if not isinstance(model, SparseUpdateModel):
        raise TypeError(
            f"model must be a tfdgsu.SparseUpdateModel. Received: {type(model).__name__}. "
            "Remedy: wrap the Keras model with the plan that was exported."
        )
    data = pathlib.Path(path).read_bytes()
    layout = find_layout(model, path, data, bundle)
    values = decode_weights(data, layout)
    _check_plan(model, layout)
    examples.check_restored(layout, values)
    layout.check_frozen(model)
    channels = _selected_channels(model, layout, values)
    # Before the weights change: an optimizer that is built now may go by them.
    velocities = _find_velocities(model)
    weights = {v.name: _real(v, values, layout.scales, model) for v in layout.variables.values() if v.role in _WEIGHTS}
    for variable in layout.variables.values():
        if variable.role in _WEIGHTS:
            _assign_weight(model, variable, weights[variable.name])
    model.set_channels(channels)
    model.refresh_slices()
    _assign_velocities(model, values, velocities)
    _assign_layer_rates(model, values)
    # A device that doesn't count has begun all the same: at step 0 a callback would draw anew and clear velocities.
    model.step.assign(values["step"][0] if "step" in values else max(int(model.step), 1))
    model.schedule = _schedule(layout.schedule)


def _check_plan(model: SparseUpdateModel, layout: CheckpointLayout) -> None:
    ours, theirs = json.loads(model.plan.to_json())["layers"], layout.layers
    if ours == theirs:
        return
    differing = [a["name"] for a, b in zip(ours, theirs) if a != b] or [f"{len(theirs)} layers for {len(ours)}"]
    raise ValueError(
        "A checkpoint goes into a model with the plan of its bundle. "
        f"Received: a bundle that updates other layers or channels, first: {differing[0]}. "
        "Remedy: load it into the model that was exported, or make one with the same plan."
    )


def _selected_channels(model: SparseUpdateModel, layout: CheckpointLayout, values) -> dict[str, np.ndarray]:
    """By layer name, the numbers of the selected input channels; the device has positions in the layer's pool."""
    constants, selected = layout.constants, {}
    for name in model.channels:
        positions = values.get(f"{name}/channels", constants.get(f"{name}/channels"))
        require(positions is not None, f"layer '{name}' must have channels", "none")
        pool = model.update_variables[name].pool
        if name in model.pools:
            theirs = constants.get(f"{name}/pool")
            if not np.array_equal(pool, theirs):
                raise ValueError(
                    "A checkpoint goes into a model that draws from the same channels as its bundle. "
                    f"Received: another pool for '{name}'. Remedy: give SparseUpdateModel(pools=) those of the exported one."
                )
        in_range = 0 <= positions.min() and positions.max() < len(pool)
        require(in_range, f"channels of '{name}' must be below {len(pool)}", positions.tolist())
        selected[name] = pool[positions]
    return selected


def _real(variable: VariableLayout, values, scales, model: SparseUpdateModel) -> np.ndarray:
    """What a weight's numbers stand for, float32, in TFLite's layout."""
    value = values[variable.name]
    if variable.dtype == "float32":
        return value
    require(variable.name in scales, f"'{variable.name}' must have a scale", "none")
    units = value.astype(np.float64)
    remainder = values.get(f"{variable.name}/remainder")
    if remainder is not None:
        units += remainder / REMAINDERS_PER_UNIT
    scale = scales[variable.name].astype(np.float64)
    is_last = variable.role == "bias" or model.plan.layer(variable.layer).kind == "DepthwiseConv2D"
    return (units * (scale if is_last else scale.reshape(-1, *[1] * (value.ndim - 1)))).astype(np.float32)


def _assign_weight(model: SparseUpdateModel, variable: VariableLayout, value: np.ndarray) -> None:
    layer = model.model.get_layer(variable.layer)
    if variable.role == "bias":
        layer.bias.assign(value)
        return
    kind, item = model.plan.layer(variable.layer).kind, model.update_variables[variable.layer]
    if not item.update.has_pool:
        layer.kernel.assign(to_keras(kind, value, tuple(layer.kernel.shape)))
        return
    kernel = layer.kernel.numpy()
    shape = (*kernel.shape[:-2], len(item.pool), kernel.shape[-1])
    kernel[..., item.pool, :] = to_keras(kind, value, shape)
    layer.kernel.assign(kernel)


def _find_velocities(model: SparseUpdateModel) -> dict[str, keras.Variable]:
    """By name on the device."""
    found = {f"{u.name}/{role}/velocity": model.velocity(u.name, role) for u in model.plan.layers for role in _WEIGHTS}
    return {name: velocity for name, velocity in found.items() if velocity is not None}


def _assign_velocities(model: SparseUpdateModel, values, velocities: dict[str, keras.Variable]) -> None:
    """Zero where the device keeps none."""
    for name, velocity in velocities.items():
        layer_name, role = name.rsplit("/", 2)[:2]
        value = values.get(name, np.zeros(velocity.shape, np.float32))
        if role == "kernel" and name in values:
            value = to_keras(model.plan.layer(layer_name).kind, value, tuple(velocity.shape))
        velocity.assign(value)


def _assign_layer_rates(model: SparseUpdateModel, values) -> None:
    """0, which is as before the first step, where the device keeps none."""
    states = [state for update in model.plan.layers if (state := model.layer_rate(update.name)) is not None]
    on_device = values.get("layer_rates", np.zeros((len(states), 2), np.float32))
    for state, (mean_square, rate) in zip(states, on_device):
        state.mean_square.assign(mean_square)
        state.rate.assign(rate)


def _schedule(document: dict) -> ChannelSchedule:
    name = document["policy"]
    device_kind = policies.get(name).device_kind if name in policies.BUILT_IN else "input"
    return ChannelSchedule(name, document["every"], document["seed"], device_kind)
