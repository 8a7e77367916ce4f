# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Checks what a caller passes to a `Session`, before anything runs, and brings it into the form that the device takes."""

import math
import numbers

import numpy as np

from .bundle import Bundle, InputQuantization

_LARGEST_INT8_WEIGHT = 127  # symmetric: -128 is not used
_LARGEST_INT32_BIAS = 1 << 30


def check_x(bundle: Bundle, x) -> np.ndarray:
    """`x` as the device takes it, float32 or int8 of the baked batch shape; one example may come without batch axis."""
    quantization = bundle.input_quantization
    if quantization is None:
        return _as_batch(bundle, _as_floats("x", x))
    array = np.asarray(x)
    if array.dtype == np.int8:
        return _as_batch(bundle, np.ascontiguousarray(array) if array.ndim else array)
    return quantize(_as_batch(bundle, _as_floats("x", array, "float32 or int8")), quantization)


def quantize(x: np.ndarray, quantization: InputQuantization) -> np.ndarray:
    """int8 of float32 values, in float32 and in this order: divide by the scale, round half to even, add the zero
    point, clip to [-128, 127].
    """
    with np.errstate(over="ignore"):
        units = x / np.float32(quantization.scale)
    np.rint(units, out=units)
    units += np.float32(quantization.zero_point)
    return np.clip(units, -128, 127, out=units).astype(np.int8)


def _as_batch(bundle: Bundle, array: np.ndarray) -> np.ndarray:
    shape = bundle.inputs["x"].shape
    if array.shape == shape[1:] and shape[0] == 1:
        array = array[None]
    if array.shape != shape:
        single = f" or one example {list(shape[1:])}" if shape[0] == 1 else ""
        raise ValueError(
            f"x must have the shape baked in at export, {list(shape)}{single}. Received: {list(array.shape)}. "
            "Remedy: reshape x, or export with another batch_size."
        )
    return array


def check_y(bundle: Bundle, y) -> np.ndarray:
    """`y` as the bundle's label tensor: class numbers, or values as `output`."""
    _, shape, dtype = bundle.inputs["y"]
    array = _as_classes(y, bundle.document["n_classes"]) if dtype == "int32" else _as_floats("y", y)
    if dtype == "float32" and bundle.document["loss"]["name"].endswith("crossentropy"):
        _check_range("y", array, 0.0, 1.0)
    # [B], [B,1] and, for one example, [] and [N] hold the same labels.
    if [size for size in array.shape if size != 1] != [size for size in shape if size != 1]:
        raise ValueError(
            f"y must have the shape baked in at export, {list(shape)}. Received: {list(array.shape)}. "
            "Remedy: pass one label per example, as the loss takes it."
        )
    return array.reshape(shape)


def check_learning_rate(learning_rate) -> np.ndarray:
    """A finite number that is not negative, as float32 [1]."""
    if isinstance(learning_rate, (bool, np.bool_)) or not isinstance(learning_rate, numbers.Real):
        raise TypeError(f"learning_rate must be a number. Received: {learning_rate!r}. Remedy: pass a float.")
    rate = np.float32(learning_rate) if abs(float(learning_rate)) < 3e38 else np.float32(np.inf)
    if not math.isfinite(rate) or rate < 0:
        raise ValueError(
            f"learning_rate must be finite and not negative. Received: {learning_rate!r}. Remedy: pass one such as 0.01."
        )
    return np.array([rate], np.float32)


def check_channels(bundle: Bundle, layer: str, channels) -> np.ndarray:
    """Distinct channel numbers of an update layer, as int32 [k]."""
    array = np.asarray(channels)
    n_selected, n_channels = bundle.variables[f"{layer}/channels"].shape[0], bundle.layer_channels(layer)
    if array.dtype.kind not in "iu" or array.shape != (n_selected,):
        raise ValueError(
            f"channels of '{layer}' must be {n_selected} integers. Received: {array.dtype} {list(array.shape)}. "
            "Remedy: select as many as the plan says."
        )
    _check_range(f"channels of '{layer}'", array, 0, n_channels - 1)
    if np.unique(array).size != n_selected:
        raise ValueError(
            f"channels of '{layer}' must be distinct. Received: {array.tolist()}. Remedy: select each channel once."
        )
    return array.astype(np.int32)


def check_restored(bundle: Bundle, values: dict[str, np.ndarray]) -> None:
    """Variables from a file: numbers finite, channels and step in range."""
    for variable in bundle.variables.values():
        value = values[variable.name]
        if variable.role == "channels":
            check_channels(bundle, variable.layer, value)
        elif variable.role == "step":
            _check_range(variable.name, value, 0, 2**31 - 1)
        elif variable.role == "kernel" and variable.dtype == "int8":
            _check_range(variable.name, value, -_LARGEST_INT8_WEIGHT, _LARGEST_INT8_WEIGHT)
        elif variable.role == "bias" and variable.dtype == "int32":
            _check_range(variable.name, value, -_LARGEST_INT32_BIAS, _LARGEST_INT32_BIAS)
        elif value.dtype.kind == "f" and not np.isfinite(value).all():
            raise ValueError(
                f"'{variable.name}' must be finite. Received: NaN or infinity. Remedy: restore an earlier file."
            )


def _as_floats(name: str, value, accepted: str = "float32") -> np.ndarray:
    array = np.asarray(value)
    allowed = "f" if name == "x" else "fiub"
    if array.dtype.kind not in allowed:
        raise TypeError(
            f"{name} must be {accepted}. Received: {array.dtype}. "
            "Remedy: convert with astype('float32') and scale as in training."
        )
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, np.float32) if array.ndim else array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite. Received: NaN or infinity. Remedy: drop such examples.")
    return array


def _as_classes(y, n_classes: int) -> np.ndarray:
    array = np.asarray(y)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"y must hold class numbers as integers. Received: {array.dtype} {list(array.shape)}. "
            "Remedy: convert with astype('int32'), one-hot rows with np.argmax(y, -1)."
        )
    _check_range("y", array, 0, n_classes - 1)
    return array.astype(np.int32)


def _check_range(name: str, array: np.ndarray, low, high) -> None:
    outside = array[(array < low) | (array > high)] if array.size else array
    if outside.size:
        raise ValueError(
            f"{name} must be in [{low}, {high}]. Received: {outside.flat[0]}. Remedy: leave out or correct that value."
        )
