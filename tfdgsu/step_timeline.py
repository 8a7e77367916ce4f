# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""One training step played through on a layer graph: which buffers a device needs, and when.

The timeline follows the training bundle: activations are fused into the layer in front, a weight gradient is fused with
its update and never exists as a buffer, an input gradient is computed before the layer's weights move, residual branches
add up inside the input gradient.
"""

import itertools

from keras import layers

from .backward_blocks import BackwardBlock, find_backward_block
from .byte_size import FLOAT_BYTES
from .fused_layers import ConvBlock, find_blocks, float_tail, is_fused_activation, is_fused_padding, unpadded
from .gradient_path import GradientPath, has_kernel
from .gradient_rules import rule_for
from .layer_graph import LayerCall, Value
from .number_format import NumberFormat
from .sparse_update_plan import LayerUpdate
from .timeline import Buffer, Timeline

RECTIFIERS = (layers.ReLU, layers.LeakyReLU)
GLOBAL_AVERAGES = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D)


class StepTimeline:
    """Plays one training step.

    Attributes:
        timeline: What was played.
        kept: Buffers with values that backward needs.
        masks: By activation, its bit mask.
        blocks: The chains of convolutions that run as one op.
        n_backward_blocks: Chains whose backward pass was one op.
        n_fused_biases: Bias updates that were part of such ops.
    """

    def __init__(
        self, path: GradientPath, updates: dict[str, LayerUpdate], batch_size: int, number_format: NumberFormat
    ):
        self.path, self.updates, self.batch_size, self.format = path, updates, batch_size, number_format
        self.timeline = Timeline()
        self.kept: list[Buffer] = []
        self.masks: dict[LayerCall, Buffer] = {}
        self.on_path = set(path.calls)
        self.tail = float_tail(path) if number_format.has_float_tail else set(path.graph.calls)
        self.blocks = find_blocks(path, updates, self.tail) if number_format.has_conv_blocks else []
        self._block_of = {call: block for block in self.blocks for call in block.calls}
        self._absorbed = {call for call in self._block_of if type(call.layer) is layers.ZeroPadding2D}
        self._buffer_of: dict[Value, Buffer] = {}
        self._real_of: dict[Value, Buffer] = {}  # dequantized, for the float tail
        self._selected: dict[LayerCall, Buffer] = {}
        self._gradient_of: dict[Value, Buffer] = {}
        self.n_backward_blocks = 0
        self.n_fused_biases = 0  # bias updates inside backward blocks
        self._shared: set[Buffer] = set()  # gradients that serve several branches
        self._maskable: set[Buffer] = set()  # gradients whose op can apply a mask as it writes

    def forward(self) -> None:
        for position, value in enumerate(self.path.graph.inputs):
            self._buffer_of[value] = self._write(f"input_{position}", "activation", self._bytes(value))
        for call in self.path.graph.calls:
            block = self._block_of.get(call)
            if block is None:
                self._forward_call(call)
            elif call is block.calls[0]:
                self._forward_block(block)
        for value in self.path.graph.outputs:
            self._buffer_of[value] = self._read_as(value, is_real=True)

    def _forward_call(self, call: LayerCall) -> None:
        if type(call.layer) is layers.Dropout or is_fused_activation(call) or is_fused_padding(call):
            self._buffer_of[call.output] = self._input(call, call.inputs[0])
        else:
            inputs = [self._input(call, value) for value in call.inputs]
            self._select(call)
            self.timeline.read(*inputs)
            for value in call.outputs:
                self._buffer_of[value] = self._write(call.name, "activation", self._bytes(value))
            self.timeline.now += 1
        if call in self.on_path:
            self._keep(call)

    def _forward_block(self, block: ConvBlock) -> None:
        """One op reads x and writes y, and the masks of the activations that it swallows."""
        head = block.stages[0]
        x = self._buffer_of[block.x]
        self._buffer_of[head.inputs[0]] = x  # The padded input never exists.
        self._select(head)
        self.timeline.read(x)
        n_line_bytes = self.format.activation_bytes * block.line_elements()
        if n_line_bytes:
            self._write(f"{block.calls[-1].name}/rows", "line buffer", n_line_bytes)
        y = self._write(block.calls[-1].name, "activation", self._bytes(block.y))
        if self.batch_size == 1:
            self.timeline.overlap(x, self.format.activation_bytes * block.overlap_elements())
        for value in (value for call in block.calls for value in call.outputs):
            self._buffer_of[value] = y
        for call in block.masked:
            if self._mask_bytes(call):
                self.masks[call] = self._write(f"{call.name}/mask", "ReLU mask", self._mask_bytes(call))
        self.timeline.now += 1
        if block.calls[-1] in self.on_path and block.calls[-1] not in self.masks:
            self._keep(block.calls[-1])

    def _input(self, call: LayerCall, value: Value) -> Buffer:
        return self._read_as(value, is_real=call in self.tail)

    def _read_as(self, value: Value, is_real: bool) -> Buffer:
        """Returns the buffer of a value, dequantized if need be."""
        x = self._buffer_of[value]
        if not is_real or value.producer in self.tail or not self.format.has_float_tail:
            return x
        if value not in self._real_of:
            self.timeline.read(x)
            n_bytes = FLOAT_BYTES * value.n_elements(self.batch_size)
            self._real_of[value] = self._write(f"{x.name}/real", "activation", n_bytes)
            self.timeline.now += 1
        return self._real_of[value]

    def _select(self, call: LayerCall) -> None:
        """Gathers the selected channels; all of them need no gather, the input itself lives on."""
        update = self.updates.get(call.name)
        if update is None or update.n_selected == 0:
            return
        x = self._input(call, call.inputs[0])
        self._selected[call] = x
        if update.is_sparse:
            self.timeline.read(x)
            self._selected[call] = self._write(f"{call.name}/selected", "kept activation", self.selected_bytes(call))
            self.timeline.now += 1
            self.kept.append(self._selected[call])
        else:
            self.kept.append(x)

    def selected_bytes(self, call: LayerCall) -> int:
        """Bytes of the selected channels of an update layer's input."""
        update = self.updates[call.name]
        value = unpadded(call.inputs[0]) if call in self._block_of else call.inputs[0]
        n_bytes = FLOAT_BYTES if call in self.tail else self.format.activation_bytes
        return n_bytes * (value.n_elements(self.batch_size) // update.n_channels * update.n_selected)

    def _mask_bytes(self, call: LayerCall) -> int:
        if call not in self.on_path or call.inputs[0] not in self.path.differentiated:
            return 0
        return rule_for(call.layer).kept_mask_bytes(call, self.batch_size)

    def _keep(self, call: LayerCall) -> None:
        n_mask_bytes = self._mask_bytes(call)
        n_value_bytes = rule_for(call.layer).kept_activation_bytes(call, self.batch_size)
        if not (n_mask_bytes or n_value_bytes) or call.inputs[0] not in self.path.differentiated:
            return
        if call.output in self.path.loss_activations:
            return
        self.timeline.read(self._input(call, call.inputs[0]), self._buffer_of[call.output])
        if n_mask_bytes:
            self.masks[call] = self._write(f"{call.name}/mask", "ReLU mask", n_mask_bytes)
        elif n_value_bytes == FLOAT_BYTES * call.output.n_elements(self.batch_size):  # The output itself lives on.
            self._selected[call] = self._buffer_of[call.output]
            self.kept.append(self._buffer_of[call.output])
            return
        else:
            self._selected[call] = self._write(f"{call.name}/kept", "kept activation", n_value_bytes)
            self.kept.append(self._selected[call])
        self.timeline.now += 1

    def backward(self) -> None:
        for value in self.path.graph.outputs:
            activation = self.path.loss_activations.get(value)
            value = activation.inputs[0] if activation else value
            self.timeline.read(self._buffer_of[value])
            if value in self.path.differentiated:
                self._gradient_of[value] = self._write("loss/gradient", "gradient", self._gradient_bytes(value))
        self.timeline.now += 1
        for call in reversed(self.path.calls):
            if call.output in self._gradient_of:
                self._backward_call(call)
        for value in self.path.graph.outputs:  # TFLM keeps a model's outputs to the end.
            self._buffer_of[value].last = self.timeline.now - 1

    def _backward_call(self, call: LayerCall) -> None:
        dy = self._gradient_of[call.output]
        block = find_backward_block(call, self.path) if self.format.has_conv_blocks else None
        if block is not None and self._block_takes_less(block, dy):
            self._backward_block(block, dy)
            self._update(call, dy)
            return
        targets = [value for value in call.inputs if value in self.path.differentiated]
        passes_on = (layers.Add, layers.Dropout, layers.Flatten, layers.Reshape)
        if isinstance(call.layer, passes_on) or call in self._absorbed:
            for value in targets:  # The same bytes serve as the gradient of every input.
                self._pass_on(value, dy)
            if len(targets) > 1:
                self._shared.add(dy)
        elif isinstance(call.layer, RECTIFIERS) and dy in self._maskable and dy not in self._shared:
            # The op that made dy applies the mask to it as it goes.
            self.masks[call].last = max(self.masks[call].last, dy.first)
            self._pass_on(call.inputs[0], dy)
        else:
            for value in targets:
                self._input_gradient(call, value, dy)
        self._update(call, dy)

    def _update(self, call: LayerCall, dy: Buffer) -> None:
        if call.name in self.updates:
            self.timeline.read(dy)
            if call in self._selected:
                self.timeline.read(self._selected[call])
            self.timeline.now += 1

    def _block_takes_less(self, block: BackwardBlock, dy: Buffer) -> bool:
        """Whether the exporter would fuse it: tiles against the two largest gradients in a row, op by op."""
        dx, addend = self._block_dx(block)
        wide = [self._gradient_bytes(call.output) for call in block.updated]
        in_order = [dy.n_bytes, *wide, *([dx] if dx else [])]
        pairs = [a + b for a, b in itertools.pairwise(in_order)]
        n_chain_bytes = max(n + (addend.n_bytes if addend and i == 1 else 0) for i, n in enumerate(pairs))
        n_block_bytes = dy.n_bytes + dx + block.scratch_bytes(self.updates, self.batch_size)
        return n_block_bytes + (addend.n_bytes if addend not in (None, dy) else 0) < n_chain_bytes

    def _block_dx(self, block: BackwardBlock) -> tuple[int, Buffer | None]:
        """Bytes of the gradient that a block passes on, 0 if none; and what it adds to it."""
        value = block.conv.inputs[0] if block.conv is not None else None
        if value not in self.path.differentiated:
            return 0, None
        return self._gradient_bytes(value), self._gradient_of.get(value)

    def _backward_block(self, block: BackwardBlock, dy: Buffer) -> None:
        """One op reads dy and what was kept of the chain, updates its first layers and writes dx."""
        self.n_backward_blocks += 1
        self.timeline.read(dy)
        for call in (*block.activations, *block.updated):
            for kept in (self.masks.get(call), self._selected.get(call)):
                if kept is not None:
                    self.timeline.read(kept)
            if call.name in self.updates:
                self.n_fused_biases += self.updates[call.name].update_bias
        name = f"{block.project.name}/gradient tile"
        self._write(name, "gradient", block.scratch_bytes(self.updates, self.batch_size))
        n_bytes, addend = self._block_dx(block)
        if n_bytes:
            value = block.conv.inputs[0]
            if addend is not None:
                self.timeline.read(addend)
            self._gradient_of[value] = self._write(f"{value.producer.name}/gradient", "gradient", n_bytes)
            self._maskable.add(self._gradient_of[value])
        self.timeline.now += 1

    def _input_gradient(self, call: LayerCall, value: Value, dy: Buffer) -> None:
        self.timeline.read(dy)
        for kept in (self._selected.get(call), self.masks.get(call)):
            if kept is not None:
                self.timeline.read(kept)
        other = self._gradient_of.get(value)
        if other is not None:  # The op adds the other branch's gradient as it goes.
            self.timeline.read(other)
        if other is None or not self.format.adds_gradients_in_place:
            name = f"{value.producer.name}/gradient" if value.producer else "input/gradient"
            self._gradient_of[value] = self._write(name, "gradient", self._gradient_bytes(value))
        self._shared.discard(self._gradient_of[value])  # This call was the last that reads it as a branch's.
        if has_kernel(call.layer) or isinstance(call.layer, GLOBAL_AVERAGES):
            self._maskable.add(self._gradient_of[value])
        self.timeline.now += 1

    def _pass_on(self, value: Value, dy: Buffer) -> None:
        other = self._gradient_of.get(value)
        if other is None or other is dy:
            self._gradient_of[value] = dy
            return
        self.timeline.read(dy, other)
        if not self.format.adds_gradients_in_place:
            name = f"{value.producer.name}/gradient"
            self._gradient_of[value] = self._write(name, "gradient", self._gradient_bytes(value))
        self.timeline.now += 1

    def _write(self, name: str, kind: str, n_bytes: int) -> Buffer:
        return self.timeline.write(name, kind, n_bytes)

    def _bytes(self, value: Value) -> int:
        is_real = value.producer in self.tail
        return (FLOAT_BYTES if is_real else self.format.activation_bytes) * value.n_elements(self.batch_size)

    def _gradient_bytes(self, value: Value) -> int:
        if value.producer in self._absorbed:
            value = unpadded(value)
        return FLOAT_BYTES * value.n_elements(self.batch_size)
