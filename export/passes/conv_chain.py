# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Finds chains of int8 convolutions that one op can compute."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np
from tensorflow.lite.python.schema_py_generated import ActivationFunctionType

from ..ir import Graph, Op, Tensor
from ..ops.builtin.padding import window_options

_ACTIVATIONS = (
    ActivationFunctionType.NONE,
    ActivationFunctionType.RELU,
    ActivationFunctionType.RELU6,
    ActivationFunctionType.RELU_N1_TO_1,
)
_FILTERS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}  # the axis of the filter's output channels
_INT8_MIN = -128


@dataclasses.dataclass(frozen=True)
class Stage:
    """One convolution of a chain.

    Attributes:
        name: conv, depthwise or project.
        op: The builtin op.
        pad: The PAD in front of it that it absorbs, or None.
        mask: The TfdgsuReluMask of its result that it absorbs, or None.
        window: Strides and leading padding.
    """

    name: str
    op: Op
    pad: Op | None
    mask: Op | None
    window: dict[str, int]

    @property
    def x(self) -> Tensor:
        """The image that it reads."""
        return (self.op if self.pad is None else self.pad).inputs[0]

    @property
    def y(self) -> Tensor:
        """Its result."""
        return self.op.outputs[0]


@dataclasses.dataclass(frozen=True)
class Chain:
    """Stages in order, and the ADD of the chain's input behind them, or None."""

    stages: tuple[Stage, ...]
    add: Op | None = None

    @property
    def x(self) -> Tensor:
        """The chain's input."""
        return self.stages[0].x

    @property
    def result(self) -> Tensor:
        """The chain's output."""
        return self.last_op.outputs[0]

    @property
    def last_op(self) -> Op:
        """The op that makes the result."""
        return self.stages[-1].op if self.add is None else self.add

    @property
    def computing_ops(self) -> list[Op]:
        """The ops it replaces, without masks, in order."""
        ops = [op for stage in self.stages for op in (stage.pad, stage.op) if op is not None]
        return ops if self.add is None else [*ops, self.add]

    @property
    def ops(self) -> list[Op]:
        """All ops it replaces."""
        return [*self.computing_ops, *(stage.mask for stage in self.stages if stage.mask is not None)]


def find_chains(graph: Graph, op: Op, heads: Collection[int] = ()) -> list[Chain]:
    """The chains that begin with the convolution ``op``, the longest first; none if it can't be fused.

    Convolutions whose ids are ``heads`` only begin chains.
    """
    stage = _make_stage(graph, op, "conv" if op.kind == "CONV_2D" else "depthwise")
    stages: list[Stage] = []
    while stage is not None:
        stages.append(stage)
        stage = _next_stage(graph, stage, heads)
    chains = []
    for n in range(len(stages), 0, -1):
        chain = Chain(tuple(stages[:n]))
        add = _find_residual(graph, chain)
        chains += [chain] if add is None else [dataclasses.replace(chain, add=add), chain]
    return chains


def _next_stage(graph: Graph, stage: Stage, heads: Collection[int]) -> Stage | None:
    """What follows a stage if nobody else reads its result."""
    if stage.name == "project":
        return None
    reader = _only_reader(graph, stage.y, stage.mask)
    if reader is not None and reader.kind == "PAD":
        reader = _only_reader(graph, reader.outputs[0])
    kind, name = ("DEPTHWISE_CONV_2D", "depthwise") if stage.name == "conv" else ("CONV_2D", "project")
    if reader is None or reader.kind != kind or reader.inputs[1].is_variable or id(reader) in heads:
        return None
    following = _make_stage(graph, reader, name)
    return following if following is not None and following.x is stage.y else None


def _only_reader(graph: Graph, tensor: Tensor, ignored: Op | None = None) -> Op | None:
    readers = [op for op in graph.consumers(tensor) if op is not ignored]
    is_kept = any(t is tensor for t in graph.outputs)
    return readers[0] if len(readers) == 1 and not is_kept else None


def _make_stage(graph: Graph, op: Op, name: str) -> Stage | None:
    if op.kind not in _FILTERS or not _is_int8_convolution(op):
        return None
    mask = None if name == "project" else _find_mask(graph, op.outputs[0])
    pad = graph.producer(op.inputs[0])
    if pad is not None and _is_spatial_padding(graph, pad):
        window = _window(op, pad)
        if _window_is_valid(op, pad.inputs[0], window):
            return Stage(name, op, pad, mask, window)
    window = _window(op, None)
    if not _window_is_valid(op, op.inputs[0], window):
        return None
    if name == "project" and (op.inputs[1].shape[1:3] != (1, 1) or window["stride_h"] * window["stride_w"] != 1):
        return None
    return Stage(name, op, None, mask, window)


def _is_int8_convolution(op: Op) -> bool:
    x, w = op.inputs[:2]
    bias = op.inputs[2] if len(op.inputs) > 2 else None
    options, axis, y = op.options, _FILTERS[op.kind], op.outputs[0]
    if not (_is_activation(x) and _is_activation(y) and w.dtype == "int8" and w.quantization is not None):
        return False
    if w.shape[3] != x.shape[3] or w.shape[axis] != y.shape[3] or w.quantization.zero_point.any():
        return False
    if w.quantization.scale.size not in (1, y.shape[3]) or (bias is not None and bias.dtype != "int32"):
        return False
    # The depthwise kernel adds pairs of products in 16 bits.
    if w.is_constant and (w.data == _INT8_MIN).any():
        return False
    is_plain = (options.dilationHFactor, options.dilationWFactor) == (1, 1)
    return is_plain and options.fusedActivationFunction in _ACTIVATIONS


def _is_activation(tensor: Tensor) -> bool:
    is_int8 = tensor.dtype == "int8" and len(tensor.shape) == 4 and not tensor.is_constant
    return is_int8 and tensor.quantization is not None and tensor.quantization.scale.size == 1


def _is_spatial_padding(graph: Graph, op: Op) -> bool:
    """Whether it surrounds images by the zero point, for one reader."""
    if op.kind != "PAD" or not op.inputs[1].is_constant or not _is_activation(op.inputs[0]):
        return False
    x, y = op.inputs[0].quantization, op.outputs[0].quantization
    is_same = y is not None and x.zero_point[0] == y.zero_point[0] and x.scale[0] == y.scale[0]
    borders = op.inputs[1].data
    return is_same and not borders[[0, 3]].any() and _only_reader(graph, op.outputs[0]) is not None


def _window(op: Op, pad: Op | None) -> dict[str, int]:
    w = op.inputs[1]
    window = window_options(op.options, op.inputs[0].shape, w.shape[1], w.shape[2])
    if pad is not None:
        window["pad_top"] += int(pad.inputs[1].data[1, 0])
        window["pad_left"] += int(pad.inputs[1].data[2, 0])
    return window


def _window_is_valid(op: Op, image: Tensor, window: dict[str, int]) -> bool:
    """Every window touches the image."""
    for axis, (pad, stride) in enumerate((("pad_top", "stride_h"), ("pad_left", "stride_w")), start=1):
        last = (op.outputs[0].shape[axis] - 1) * window[stride] - window[pad]
        if window[pad] >= op.inputs[1].shape[axis] or last >= image.shape[axis]:
            return False
    return True


def _find_mask(graph: Graph, y: Tensor) -> Op | None:
    masks = [op for op in graph.consumers(y) if op.kind == "TfdgsuReluMask"]
    return masks[0] if len(masks) == 1 else None


def _find_residual(graph: Graph, chain: Chain) -> Op | None:
    """The ADD of the chain's input to its result."""
    last, x = chain.stages[-1], chain.x
    if last.mask is not None:  # It is of the convolution's result, which the op writes as the sum only.
        return None
    add = _only_reader(graph, last.y, last.mask)
    if add is None or add.kind != "ADD" or not _is_activation(add.outputs[0]):
        return None
    others = [t for t in add.inputs if t is not last.y]
    is_residual = len(others) == 1 and others[0] is x and x.shape == last.y.shape == add.outputs[0].shape
    return add if is_residual and add.options.fusedActivationFunction in _ACTIVATIONS else None


def activation_range(op: Op) -> tuple[int, int]:
    """Smallest and largest int8 value of a builtin op's result, by its fused activation."""
    q = op.outputs[0].quantization
    scale, zero_point = np.float32(q.scale[0]), int(q.zero_point[0])

    def quantize(real: float) -> int:
        ratio = float(np.float32(real) / scale)
        return zero_point + int(np.copysign(np.floor(abs(ratio) + 0.5), ratio))

    function = op.options.fusedActivationFunction
    low, high = _INT8_MIN, -_INT8_MIN - 1
    if function in (ActivationFunctionType.RELU, ActivationFunctionType.RELU6):
        low = max(low, quantize(0.0))
    if function == ActivationFunctionType.RELU6:
        high = min(high, quantize(6.0))
    if function == ActivationFunctionType.RELU_N1_TO_1:
        low, high = max(low, quantize(-1.0)), min(high, quantize(1.0))
    return low, high
