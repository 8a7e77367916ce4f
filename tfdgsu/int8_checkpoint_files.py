# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The two files of an int8 checkpoint: a JSON that lists the layers in order, an npz with their integers."""

import dataclasses
import json
import os
import pathlib
import zipfile
from typing import Any

import numpy as np

from .number_checks import is_real, is_whole

_REMEDY = "Remedy: pass the path of a checkpoint's .json and .npz without that ending, both as they were published."
_WEIGHTED = ("conv2d", "depthwise_conv2d")
OPS = (*_WEIGHTED, "add", "global_average_pool")
ACTIVATIONS = (None, "relu", "relu6")


@dataclasses.dataclass(frozen=True, eq=False)
class CheckpointLayer:
    """One layer, checked.

    Attributes:
        name, op: As in the file; `op` is one of `OPS`.
        inputs: Names of the layers that it reads, or "input".
        scale, zero_point: Of its output.
        input_scale: Of its first input.
        kernel, stride, padding, activation: Of a convolution; square, the same on all sides.
        weight: int8 OIHW, or [C, 1, kh, kw] of a depthwise convolution.
        weight_scales: float32 [O].
        bias: int32 [O], in units of input scale * weight scale.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    scale: float
    zero_point: int
    input_scale: float
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    activation: str | None = None
    weight: np.ndarray | None = None
    weight_scales: np.ndarray | None = None
    bias: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Checkpoint:
    """A whole network: the shape of one input without the batch, its scale, and its layers in order."""

    input_shape: tuple[int, ...]
    input_scale: float
    input_zero_point: int
    layers: tuple[CheckpointLayer, ...]


def read_checkpoint(path: str | os.PathLike) -> Checkpoint:
    """Reads and checks `<path>.json` and `<path>.npz`.

    Raises:
        FileNotFoundError: One of them doesn't exist.
        ValueError: One of them is ill-formed, or they don't belong together.
    """
    files = [pathlib.Path(f"{os.fspath(path)}{ending}") for ending in (".json", ".npz")]
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(f"An int8 checkpoint is a .json and a .npz. Received: no file {file}. {_REMEDY}")
    try:
        document = json.loads(files[0].read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"A checkpoint's layers are JSON. Received: {files[0]}: {error}. {_REMEDY}") from error
    try:
        with np.load(files[1], allow_pickle=False) as file:
            arrays = dict(file)
    except (zipfile.BadZipFile, EOFError, OSError, TypeError, ValueError) as error:
        raise ValueError(f"A checkpoint's arrays are an npz. Received: {files[1]}: {error}. {_REMEDY}") from error
    return _Reader(document, arrays).read()


class _Reader:
    def __init__(self, document: Any, arrays: dict[str, np.ndarray]):
        self._document, self._arrays = document, arrays
        self._known: dict[str, tuple[float, int]] = {}  # scale and zero point, by name

    def read(self) -> Checkpoint:
        source = _field(self._document, "input", "the file", lambda v: isinstance(v, dict))
        records = _field(self._document, "layers", "the file", lambda v: isinstance(v, list) and v)
        shape = _field(
            source, "shape", "input", lambda v: isinstance(v, list) and len(v) == 4 and all(map(_is_size, v))
        )
        self._known["input"] = self._scales(source, "scale", "zero_point", "input")
        layers = tuple(self._layer(record) for record in records)
        return Checkpoint(tuple(shape[1:]), *self._known["input"], layers)

    def _layer(self, record: Any) -> CheckpointLayer:
        name = _field(record, "name", "a layer", lambda v: isinstance(v, str) and v and "/" not in v)
        if name in self._known:
            raise ValueError(f"Layers have names of their own. Received: a second '{name}'. {_REMEDY}")
        op = _field(record, "op", f"layer '{name}'", OPS.__contains__)
        names = self._inputs(record, name, op)
        input_scale, input_zero_point = self._known[names[0]]
        if op == "global_average_pool":
            layer = CheckpointLayer(name, op, names, input_scale, input_zero_point, input_scale)
        elif op == "add":
            scale, zero_point = self._scales(record, "y_scale", "y_zero", f"layer '{name}'")
            layer = CheckpointLayer(name, op, names, scale, zero_point, input_scale)
        else:
            layer = self._convolution(record, name, op, names)
        self._known[name] = layer.scale, layer.zero_point
        return layer

    def _inputs(self, record: dict, name: str, op: str) -> tuple[str, ...]:
        where = f"layer '{name}'"
        if op == "add":
            return tuple(
                _field(record, "inputs", where, lambda v: isinstance(v, list) and len(v) == 2 and self._all(v))
            )
        return (_field(record, "input", where, lambda v: self._all([v])),)

    def _all(self, names: list) -> bool:
        """Whether they are names of earlier layers."""
        return all(isinstance(name, str) and name in self._known for name in names)

    def _convolution(self, record: dict, name: str, op: str, names: tuple[str, ...]) -> CheckpointLayer:
        where = f"layer '{name}'"
        given = self._scales(record, "input_scale", "input_zero_point", where)
        if given != self._known[names[0]]:
            raise ValueError(
                "A layer reads its input with the scale and zero point that it was made with. "
                f"Received: {given} at '{name}', {self._known[names[0]]} at '{names[0]}'. {_REMEDY}"
            )
        scale, zero_point = self._scales(record, "output_scale", "output_zero_point", where)
        sizes = [_field(record, key, where, _is_size) for key in ("kernel", "stride", "in_channels", "out_channels")]
        kernel, stride, n_in, n_out = sizes
        padding = _field(record, "padding", where, lambda v: is_whole(v) and v >= 0)
        activation = _field(record, "activation", where, ACTIVATIONS.__contains__)
        depth = 1 if op == "depthwise_conv2d" else n_in
        if op == "depthwise_conv2d" and n_in != n_out:
            raise ValueError(f"Depthwise layers keep channels. Received: {n_in} to {n_out} at '{name}'. {_REMEDY}")
        weight = self._array(f"{name}/weight", np.int8, (n_out, depth, kernel, kernel))
        if weight.min() < -127:
            raise ValueError(f"Weights are within -127 and 127. Received: -128 in '{name}/weight'. {_REMEDY}")
        weight_scales = self._array(f"{name}/weight_scales", np.float32, (n_out,))
        if not np.all(np.isfinite(weight_scales) & (weight_scales >= np.finfo(np.float32).tiny)):
            raise ValueError(
                f"Scales are positive. Received: {weight_scales.min()} in '{name}/weight_scales'. {_REMEDY}"
            )
        bias = self._array(f"{name}/bias", np.int32, (n_out,))
        return CheckpointLayer(
            name,
            op,
            names,
            scale,
            zero_point,
            given[0],
            kernel,
            stride,
            padding,
            activation,
            weight,
            weight_scales,
            bias,
        )

    def _scales(self, record: dict, scale_key: str, zero_point_key: str, where: str) -> tuple[float, int]:
        tiny = float(np.finfo(np.float32).tiny)
        scale = _field(record, scale_key, where, lambda v: is_real(v) and tiny <= v < 1e30)
        zero_point = _field(record, zero_point_key, where, lambda v: is_whole(v) and -128 <= v <= 127)
        return float(scale), int(zero_point)

    def _array(self, key: str, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
        array = self._arrays.get(key)
        if array is None or array.dtype != dtype or array.shape != shape:
            received = "none" if array is None else f"{array.dtype}{list(array.shape)}"
            raise ValueError(
                f"The npz holds '{key}' as {np.dtype(dtype).name}{list(shape)}. Received: {received}. {_REMEDY}"
            )
        return array


def _field(record: Any, key: str, where: str, is_valid) -> Any:
    if not isinstance(record, dict) or key not in record or not is_valid(record[key]):
        received = repr(record.get(key)) if isinstance(record, dict) and key in record else "none"
        raise ValueError(f"The JSON has a valid '{key}' in {where}. Received: {received}. {_REMEDY}")
    return record[key]


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
