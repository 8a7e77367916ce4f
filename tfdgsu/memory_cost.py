# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a training step needs on a device: buffer lifetimes played through on the layer graph.

The timeline follows the training bundle: activations are fused into the layer in front, a weight gradient is fused with
its update and never exists as a buffer, an input gradient is computed before the layer's weights move, residual branches
add up inside the input gradient. The budget is mutable weights + interpreter + max(forward peak, backward peak).
"""

import dataclasses
import math

from keras import layers

from . import interpreter_cost
from .byte_size import FLOAT_BYTES
from .gradient_path import GradientPath, has_kernel
from .gradient_rules import rule_for
from .layer_graph import LayerCall, Value
from .same_padding import same_padding
from .sparse_update_plan import CostItem, LayerUpdate, PlanCost

FUSED_MAX_VALUES = (None, 6.0)
RECTIFIERS = (layers.ReLU, layers.LeakyReLU)
GLOBAL_AVERAGES = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D)


@dataclasses.dataclass(eq=False)
class Buffer:
    """One buffer and the first and last moment it is alive."""

    name: str
    kind: str
    n_bytes: int
    first: int = -1
    last: int = -1


class Timeline:
    """Buffers over moments; every event is one device op that reads and writes some of them."""

    def __init__(self):
        self.now = 0
        self.buffers: list[Buffer] = []

    def write(self, name: str, kind: str, n_bytes: int) -> Buffer:
        buffer = Buffer(name, kind, n_bytes, self.now, self.now)
        self.buffers.append(buffer)
        return buffer

    def read(self, *buffers: Buffer) -> None:
        for buffer in buffers:
            buffer.last = self.now

    def peak_bytes(self, first: int, end: int) -> int:
        """Most bytes alive at one moment in [first, end)."""
        return max((self._alive_bytes(moment) for moment in range(first, end)), default=0)

    def _alive_bytes(self, moment: int) -> int:
        return sum(buffer.n_bytes for buffer in self.buffers if buffer.first <= moment <= buffer.last)


def predict(path: GradientPath, updates: tuple[LayerUpdate, ...], batch_size: int, momentum: bool) -> PlanCost:
    """Returns the predicted cost of one training step of `updates` along `path`."""
    step = _Step(path, {update.name: update for update in updates}, batch_size)
    step.forward()
    n_forward = step.timeline.now
    step.backward()
    weights = [item for update in updates for item in _mutable_items(update, path, momentum)]
    buffers = [CostItem(buffer.name, buffer.kind, buffer.n_bytes) for buffer in step.timeline.buffers]
    return PlanCost(
        kept_activation_bytes=sum(buffer.n_bytes for buffer in step.kept),
        relu_mask_bytes=sum(buffer.n_bytes for buffer in step.masks.values()),
        mutable_weight_bytes=sum(item.n_bytes for item in weights) + FLOAT_BYTES,  # + the step counter
        interpreter_bytes=interpreter_cost.predict(
            path, updates, step.timeline.now, len(step.timeline.buffers), len(weights)
        ),
        forward_peak_bytes=step.timeline.peak_bytes(0, n_forward),
        backward_peak_bytes=step.timeline.peak_bytes(n_forward, step.timeline.now),
        items=tuple(sorted(buffers + weights, key=lambda item: -item.n_bytes)),
    )


def _mutable_items(update: LayerUpdate, path: GradientPath, momentum: bool) -> list[CostItem]:
    items = []
    if update.n_selected:
        items.append(CostItem(f"{update.name}/kernel", "mutable weight", FLOAT_BYTES * math.prod(update.kernel_shape)))
        if update.is_sparse:
            items.append(CostItem(f"{update.name}/channels", "mutable weight", FLOAT_BYTES * update.n_selected))
        if momentum:
            velocity = FLOAT_BYTES * update.n_updated_weights
            items.append(CostItem(f"{update.name}/kernel/velocity", "mutable weight", velocity))
    if update.update_bias:
        n_bytes = FLOAT_BYTES * path.graph.find(update.name).output.shape[-1]
        items.append(CostItem(f"{update.name}/bias", "mutable weight", n_bytes))
        if momentum:
            items.append(CostItem(f"{update.name}/bias/velocity", "mutable weight", n_bytes))
    return items


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
    if type(call.layer) is not layers.ZeroPadding2D or len(call.output.consumers) != 1:
        return False
    conv = call.output.consumers[0]
    if type(conv.layer) not in (layers.Conv2D, layers.DepthwiseConv2D) or conv.layer.padding != "valid":
        return False
    sizes = zip(call.inputs[0].shape[1:3], conv.layer.kernel_size, conv.layer.strides, call.layer.padding, strict=True)
    return all(same_padding(*size) == tuple(padding) for *size, padding in sizes)


class _Step:
    """Plays one training step on a timeline."""

    def __init__(self, path: GradientPath, updates: dict[str, LayerUpdate], batch_size: int):
        self.path, self.updates, self.batch_size = path, updates, batch_size
        self.timeline = Timeline()
        self.on_path = set(path.calls)
        self.buffer_of: dict[Value, Buffer] = {}
        self.selected: dict[LayerCall, Buffer] = {}
        self.masks: dict[LayerCall, Buffer] = {}
        self.kept: list[Buffer] = []
        self.gradient_of: dict[Value, Buffer] = {}
        self.shared: set[Buffer] = set()  # gradients that serve several branches
        self.maskable: set[Buffer] = set()  # gradients whose op can apply a mask as it writes

    def forward(self) -> None:
        for position, value in enumerate(self.path.graph.inputs):
            self.buffer_of[value] = self.timeline.write(f"input_{position}", "activation", self._bytes(value))
        for call in self.path.graph.calls:
            self._forward_call(call)

    def _forward_call(self, call: LayerCall) -> None:
        if type(call.layer) is layers.Dropout or is_fused_activation(call) or is_fused_padding(call):
            self.buffer_of[call.output] = self.buffer_of[call.inputs[0]]
        else:
            inputs = [self.buffer_of[value] for value in call.inputs]
            self._select(call)
            self.timeline.read(*inputs)
            for value in call.outputs:
                self.buffer_of[value] = self.timeline.write(call.name, "activation", self._bytes(value))
            self.timeline.now += 1
        if call in self.on_path:
            self._keep(call)

    def _select(self, call: LayerCall) -> None:
        """Gathers the selected channels; all of them need no gather, the input itself lives on."""
        update = self.updates.get(call.name)
        if update is None or update.n_selected == 0:
            return
        x = self.buffer_of[call.inputs[0]]
        self.selected[call] = x
        if update.is_sparse:
            self.timeline.read(x)
            n_bytes = self._bytes(call.inputs[0]) // update.n_channels * update.n_selected
            self.selected[call] = self.timeline.write(f"{call.name}/selected", "kept activation", n_bytes)
            self.timeline.now += 1
            self.kept.append(self.selected[call])
        else:
            self.kept.append(x)

    def _keep(self, call: LayerCall) -> None:
        rule = rule_for(call.layer)
        n_mask_bytes = rule.kept_mask_bytes(call, self.batch_size)
        n_value_bytes = rule.kept_activation_bytes(call, self.batch_size)
        if not (n_mask_bytes or n_value_bytes) or call.inputs[0] not in self.path.differentiated:
            return
        if call.output in self.path.loss_activations:
            return
        self.timeline.read(self.buffer_of[call.inputs[0]], self.buffer_of[call.output])
        if n_mask_bytes:
            self.masks[call] = self.timeline.write(f"{call.name}/mask", "ReLU mask", n_mask_bytes)
        elif n_value_bytes == self._bytes(call.output):  # The output itself lives on.
            self.selected[call] = self.buffer_of[call.output]
            self.kept.append(self.buffer_of[call.output])
            return
        else:
            self.selected[call] = self.timeline.write(f"{call.name}/kept", "kept activation", n_value_bytes)
            self.kept.append(self.selected[call])
        self.timeline.now += 1

    def backward(self) -> None:
        for value in self.path.graph.outputs:
            activation = self.path.loss_activations.get(value)
            value = activation.inputs[0] if activation else value
            self.timeline.read(self.buffer_of[value])
            if value in self.path.differentiated:
                self.gradient_of[value] = self.timeline.write("loss/gradient", "gradient", self._bytes(value))
        self.timeline.now += 1
        for call in reversed(self.path.calls):
            if call.output in self.gradient_of:
                self._backward_call(call)
        for value in self.path.graph.outputs:  # TFLM keeps a model's outputs to the end.
            self.buffer_of[value].last = self.timeline.now - 1

    def _backward_call(self, call: LayerCall) -> None:
        dy = self.gradient_of[call.output]
        targets = [value for value in call.inputs if value in self.path.differentiated]
        if isinstance(call.layer, (layers.Add, layers.Dropout, layers.Flatten, layers.Reshape)):
            for value in targets:  # The same bytes serve as the gradient of every input.
                self._pass_on(value, dy)
            if len(targets) > 1:
                self.shared.add(dy)
        elif isinstance(call.layer, RECTIFIERS) and dy in self.maskable and dy not in self.shared:
            # The op that made dy applies the mask to it as it goes.
            self.masks[call].last = max(self.masks[call].last, dy.first)
            self._pass_on(call.inputs[0], dy)
        else:
            for value in targets:
                self._input_gradient(call, value, dy)
        if call.name in self.updates:
            self.timeline.read(dy)
            if call in self.selected:
                self.timeline.read(self.selected[call])
            self.timeline.now += 1

    def _input_gradient(self, call: LayerCall, value: Value, dy: Buffer) -> None:
        self.timeline.read(dy)
        for kept in (self.selected.get(call), self.masks.get(call)):
            if kept is not None:
                self.timeline.read(kept)
        if value in self.gradient_of:  # The op adds the other branch's gradient as it goes.
            self.timeline.read(self.gradient_of[value])
        name = f"{value.producer.name}/gradient" if value.producer else "input/gradient"
        self.gradient_of[value] = self.timeline.write(name, "gradient", self._bytes(value))
        if has_kernel(call.layer) or isinstance(call.layer, GLOBAL_AVERAGES):
            self.maskable.add(self.gradient_of[value])
        self.timeline.now += 1

    def _pass_on(self, value: Value, dy: Buffer) -> None:
        other = self.gradient_of.get(value)
        if other is None or other is dy:
            self.gradient_of[value] = dy
            return
        self.timeline.read(dy, other)
        self.gradient_of[value] = self.timeline.write(f"{value.producer.name}/gradient", "gradient", self._bytes(value))
        self.timeline.now += 1

    def _bytes(self, value: Value) -> int:
        return FLOAT_BYTES * value.n_elements(self.batch_size)
