# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Which layers a device computes together: activations, padding, chains of convolutions, and the float tail."""

import dataclasses
import math

from keras import layers

from .gradient_path import GradientPath, has_kernel
from .layer_graph import LayerCall, Value
from .same_padding import same_padding
from .sparse_update_plan import LayerUpdate

FUSED_MAX_VALUES = (None, 6.0)
_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D)
_FEEDERS = (
    layers.Dropout,
    layers.Flatten,
    layers.Reshape,
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
)


def is_fused_activation(call: LayerCall) -> bool:
    """True for a ReLU or ReLU6 that the device computes inside the layer in front of it."""
    layer, before = call.layer, call.inputs[0].producer
    return (
        type(layer) is layers.ReLU
        and not layer.negative_slope
        and not layer.threshold
        and layer.max_value in FUSED_MAX_VALUES
        and before is not None
        and (has_kernel(before.layer) or type(before.layer) is layers.Add)
        and call.inputs[0].consumers == [call]
    )


def is_fused_padding(call: LayerCall) -> bool:
    """True for a ZeroPadding2D that, with the unpadded convolution behind it, is a convolution padded as SAME pads.

    TensorFlow Lite's converter then makes one op of the two.
    """
    if not is_absorbable_padding(call):
        return False
    conv = call.output.consumers[0]
    sizes = zip(call.inputs[0].shape[1:3], conv.layer.kernel_size, conv.layer.strides, call.layer.padding, strict=True)
    return all(same_padding(*size) == tuple(padding) for *size, padding in sizes)


def is_absorbable_padding(call: LayerCall) -> bool:
    """True for a ZeroPadding2D that serves one unpadded convolution: a convolution block pads by itself."""
    if type(call.layer) is not layers.ZeroPadding2D or len(call.output.consumers) != 1:
        return False
    conv = call.output.consumers[0]
    return type(conv.layer) in _CONVOLUTIONS and conv.layer.padding == "valid"


def float_tail(path: GradientPath) -> set[LayerCall]:
    """Returns the calls that stay float32 in an int8 bundle.

    These are the Dense layers on the gradient path and all that follows them: a new head starts near zero and has no scale
    yet. Without such a Dense layer the last convolution takes its place, because int8 logits could not leave the range
    that they had when they were calibrated. Poolings and reshapings that only feed the tail go along.
    """
    on_path = set(path.calls)
    kernels = [call for call in path.graph.calls if call in on_path and has_kernel(call.layer)]
    heads = [call for call in kernels if type(call.layer) is layers.Dense] or kernels[-1:]
    tail: set[LayerCall] = set()
    values: set[Value] = set()
    for call in path.graph.calls:
        if call in heads or any(value in values for value in call.inputs):
            tail.add(call)
            values.update(call.outputs)
    for call in reversed(path.graph.calls):
        consumers = call.output.consumers
        if type(call.layer) in _FEEDERS and consumers and all(consumer in tail for consumer in consumers):
            tail.add(call)
    return tail


@dataclasses.dataclass(frozen=True)
class ConvBlock:
    """A chain conv -> depthwise -> pointwise (-> add of the chain's input) that runs as one op; each stage may be missing.

    Attributes:
        calls: All that it computes, in order: paddings, convolutions, activations, the addition.
        x: What it reads, unpadded.
        y: What it makes; all other values in between never exist as tensors.
    """

    calls: tuple[LayerCall, ...]
    x: Value
    y: Value

    @property
    def stages(self) -> list[LayerCall]:
        """Its convolutions."""
        return [call for call in self.calls if type(call.layer) in _CONVOLUTIONS]

    @property
    def masked(self) -> tuple[LayerCall, ...]:
        """The calls whose masks it can make: all but what follows a pointwise last stage."""
        ends_pointwise = len(self.stages) > 1 and is_pointwise(self.stages[-1])
        return self.calls[: self.calls.index(self.stages[-1])] if ends_pointwise else self.calls

    def line_elements(self) -> int:
        """Elements of the rows that a block holds of its inner activations.

        In front of a depthwise stage a ring of as many rows as its kernel is high; in front of a pointwise stage one row.
        A batch is worked one example after the other.
        """
        n_elements = 0
        for before, stage in zip(self.stages, self.stages[1:], strict=False):
            _, height, width, n_channels = before.output.shape
            n_rows = min(stage.layer.kernel_size[0], height)
            n_elements += n_rows * width * n_channels
        return n_elements

    def overlap_elements(self) -> int:
        """Elements of x whose place y may take: a row of y is written when all rows of x that it needs have been read.

        Then y may begin a distance below x, such that it never overtakes. The addition reads the row of x that it writes.
        """
        x_row, y_row = (math.prod(value.shape[2:]) for value in (self.x, self.y))
        x_size, y_size = (math.prod(value.shape[1:]) for value in (self.x, self.y))
        has_add = any(type(call.layer) is layers.Add for call in self.calls)
        distance = 0
        for row in range(self.y.shape[1]):
            n_read = self._rows_read(row)
            n_read = max(0, min(n_read, row) if has_add else n_read)
            distance = max(distance, y_row * (row + 1) - x_row * n_read)
        return max(0, x_size + y_size - max(x_size + distance, y_size))

    def _rows_read(self, row: int) -> int:
        """The first row of x that is read while a row of y is written, or later. Negative: of the padding."""
        head, n_read = self.stages[0], row
        depthwise = next((call for call in self.stages if is_depthwise(call)), None)
        if depthwise is not None:
            n_read = n_read * depthwise.layer.strides[0] - self._padding_above(depthwise)
            if depthwise is not head:  # Rows of the ring are made once.
                n_read += depthwise.layer.kernel_size[0]
        if not is_depthwise(head):
            n_read = n_read * head.layer.strides[0] - self._padding_above(head)
        return n_read

    def _padding_above(self, conv: LayerCall) -> int:
        before = conv.inputs[0].producer
        if before is not None and before in self.calls and type(before.layer) is layers.ZeroPadding2D:
            return before.layer.padding[0][0]
        if conv.layer.padding == "valid":
            return 0
        return same_padding(conv.inputs[0].shape[1], conv.layer.kernel_size[0], conv.layer.strides[0])[0]


def find_blocks(path: GradientPath, updates: dict[str, LayerUpdate], tail: set[LayerCall]) -> list[ConvBlock]:
    """Returns the blocks of a graph. A chain is cut in front of an update layer whose kernel moves: it keeps its input."""
    needed = set(path.graph.outputs)
    for call in path.graph.calls:
        update = updates.get(call.name)
        if update is not None and update.n_selected:
            needed.update((call.inputs[0], unpadded(call.inputs[0])))
    taken: set[LayerCall] = set()
    blocks = []
    for call in path.graph.calls:
        if call not in taken and call not in tail and is_stage(call):
            block = _grow(call, needed, path.differentiated)
            taken.update(block.calls)
            blocks.append(block)
    return blocks


def unpadded(value: Value) -> Value:
    """Returns the value in front of the padding that a block absorbs; other values as they are."""
    producer = value.producer
    return producer.inputs[0] if producer is not None and is_absorbable_padding(producer) else value


def is_stage(call: LayerCall) -> bool:
    """True for a convolution that can be part of a block."""
    layer = call.layer
    if type(layer) not in _CONVOLUTIONS or layer.data_format != "channels_last" or max(layer.dilation_rate) > 1:
        return False
    return layer.depth_multiplier == 1 if is_depthwise(call) else layer.groups == 1


def is_depthwise(call: LayerCall) -> bool:
    """True for a depthwise convolution."""
    return type(call.layer) is layers.DepthwiseConv2D


def is_pointwise(call: LayerCall) -> bool:
    """True for a 1x1 convolution that keeps the image's size."""
    layer = call.layer
    return type(layer) is layers.Conv2D and layer.kernel_size == (1, 1) and layer.strides == (1, 1)


def _grow(first: LayerCall, needed: set[Value], differentiated: set[Value]) -> ConvBlock:
    x = unpadded(first.inputs[0])
    calls = _with_neighbours(first, needed)
    last = first
    if not is_depthwise(last) and (after := _next_stage(calls, needed)) and is_depthwise(after):
        calls += _with_neighbours(after, needed)
        last = after
    if is_depthwise(last) and (after := _next_stage(calls, needed)) and is_pointwise(after):
        calls += _with_neighbours(after, needed)
    after = _only_consumer(calls[-1].output, needed)
    end = ConvBlock(tuple(calls), x, calls[-1].output)
    if calls[-1] not in end.masked and is_fused_activation(calls[-1]) and calls[-1].inputs[0] in differentiated:
        return end  # The mask of its activation is made of its result, which has to be a tensor.
    if after is not None and type(after.layer) is layers.Add and len(after.inputs) == 2 and x in after.inputs:
        calls += [after, *_activation_behind(after, needed)]
    return ConvBlock(tuple(calls), x, calls[-1].output)


def _with_neighbours(conv: LayerCall, needed: set[Value]) -> list[LayerCall]:
    """Returns a convolution with the padding in front of it and the activation behind it."""
    padding = conv.inputs[0].producer
    is_padded = padding is not None and is_absorbable_padding(padding)
    return [*([padding] if is_padded else []), conv, *_activation_behind(conv, needed)]


def _activation_behind(call: LayerCall, needed: set[Value]) -> list[LayerCall]:
    after = _only_consumer(call.output, needed)
    return [after] if after is not None and is_fused_activation(after) else []


def _next_stage(calls: list[LayerCall], needed: set[Value]) -> LayerCall | None:
    after = _only_consumer(calls[-1].output, needed)
    if after is not None and is_absorbable_padding(after):
        after = _only_consumer(after.output, needed)
    return after if after is not None and is_stage(after) else None


def _only_consumer(value: Value, needed: set[Value]) -> LayerCall | None:
    return value.consumers[0] if len(value.consumers) == 1 and value not in needed else None
