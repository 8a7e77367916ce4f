# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Chains conv 1x1 -> depthwise -> conv 1x1 whose backward pass is one op, a few of the wide channels at a time."""

import dataclasses
import math

from keras import layers

from .byte_size import FLOAT_BYTES
from .fused_layers import is_absorbable_padding, is_depthwise, is_pointwise, is_stage
from .gradient_path import GradientPath
from .layer_graph import LayerCall, Value
from .sparse_update_plan import LayerUpdate

# As export/passes/fuse_conv_block_gradients.py chooses its tiles.
_SCRATCH_BYTES = 8192
_TILE_CHANNELS, _SMALL_TILE_CHANNELS = 8, 4
_RECTIFIERS = (layers.ReLU, layers.LeakyReLU)


@dataclasses.dataclass(frozen=True)
class BackwardBlock:
    """What one op of the backward pass computes, from the gradient of `project`'s output down.

    Attributes:
        project: The last convolution of the chain; its own update is another op.
        depthwise: The one in the middle.
        conv: The first one, or `None` if gradient ends at the depthwise.
        activations: The rectifiers between them, and paddings.
    """

    project: LayerCall
    depthwise: LayerCall
    conv: LayerCall | None
    activations: tuple[LayerCall, ...]

    @property
    def updated(self) -> list[LayerCall]:
        """The convolutions whose updates are part of the op."""
        return [call for call in (self.depthwise, self.conv) if call is not None]

    def scratch_bytes(self, updates: dict[str, LayerUpdate], batch_size: int) -> int:
        """Bytes of the gradients of one tile."""
        n_channels = self.depthwise.output.shape[-1]
        n_each = FLOAT_BYTES * (self.depthwise.output.n_elements(batch_size) // n_channels)
        if self.conv is not None:
            n_each += FLOAT_BYTES * (self.conv.output.n_elements(batch_size) // n_channels)
        update = updates.get(self.depthwise.name)
        if update is not None and update.n_selected:
            n_each += math.prod(self.depthwise.layer.kernel_size)
        n_bytes = n_each * min(_TILE_CHANNELS, n_channels)
        return n_bytes if n_bytes <= _SCRATCH_BYTES else n_each * min(_SMALL_TILE_CHANNELS, n_channels)


def find_backward_block(project: LayerCall, path: GradientPath) -> BackwardBlock | None:
    """Returns the block that begins with the input gradient of `project`, or `None`."""
    if not is_pointwise(project) or project.inputs[0] not in path.differentiated:
        return None
    activations: list[LayerCall] = []
    depthwise = _maker(project.inputs[0], path, activations)
    if depthwise is None or not is_depthwise(depthwise) or not is_stage(depthwise):
        return None
    if depthwise.inputs[0] not in path.differentiated:
        return BackwardBlock(project, depthwise, None, tuple(activations))
    conv = _maker(depthwise.inputs[0], path, activations)
    if conv is None or not is_pointwise(conv):
        return None
    return BackwardBlock(project, depthwise, conv, tuple(activations))


def _maker(value: Value, path: GradientPath, activations: list[LayerCall]) -> LayerCall | None:
    """Returns what makes a value, behind a padding and a rectifier, if nobody else reads anything on the way."""
    if len(value.consumers) != 1 or value in path.graph.outputs:
        return None
    call = value.producer
    if call is not None and (type(call.layer) in _RECTIFIERS or is_absorbable_padding(call)):
        activations.append(call)
        return _maker(call.inputs[0], path, activations)
    return call
