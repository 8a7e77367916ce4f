# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a gradient rule is: what a layer keeps for the backward walk, and how gradient passes through it."""

import math

import tensorflow as tf

from ..layer_graph import LayerCall

BITS_PER_BYTE = 8


class GradientRule:
    """How gradient passes through calls of some layer types.

    A rule is stateless. Everything that crosses from forward to backward is in the tuple that `forward` returns, so what
    a training step keeps can be read off the rules.

    Attributes:
        LAYERS: The exact layer types it serves.
    """

    LAYERS: tuple[type, ...] = ()

    def refusal(self, call: LayerCall) -> str | None:
        """Returns why gradient can't pass through this very call, with the remedy, or `None` if it can."""
        return None

    def forward(self, call: LayerCall, inputs: list[tf.Tensor]) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        """Returns the output of the call and the tensors that `backward` needs."""
        tensors = dict(zip(call.inputs, inputs, strict=True))
        args, kwargs = call.arguments(tensors.__getitem__)
        output = call.layer(*args, **kwargs)
        return output, self.keep(call, inputs, output)

    def keep(self, call: LayerCall, inputs: list[tf.Tensor], output: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Returns the tensors that `backward` needs of a forward call; nothing by default."""
        return ()

    def backward(self, call: LayerCall, kept: tuple[tf.Tensor, ...], dy: tf.Tensor) -> list[tf.Tensor]:
        """Returns the gradient of every input, given that of the output."""
        raise NotImplementedError

    def kept_activation_bytes(self, call: LayerCall, batch_size: int) -> int:
        """Bytes of values that a device keeps for `backward`."""
        return 0

    def kept_mask_bytes(self, call: LayerCall, batch_size: int) -> int:
        """Bytes of bit masks (one bit per element) that a device keeps for `backward`."""
        return 0


class WeightGradientRule(GradientRule):
    """A rule for a layer with a kernel [..., C, O'] whose input channels [..., c, :] can be updated by themselves."""

    def kernel_gradient(
        self, call: LayerCall, x_selected: tf.Tensor, dy: tf.Tensor, channels: tf.Tensor | None
    ) -> tf.Tensor:
        """Returns the k slices [..., k, O'] of the kernel's gradient.

        Args:
            call: The update layer's call.
            x_selected: The selected channels of its input, [..., k].
            dy: Gradient of its output.
            channels: int32 [k], which channels `x_selected` holds; `None` for all of them in order.
        """
        raise NotImplementedError

    def bias_gradient(self, dy: tf.Tensor) -> tf.Tensor:
        """Returns the sum of `dy` over everything but the last axis, [O]."""
        return tf.raw_ops.BiasAddGrad(out_backprop=dy)


def mask_bytes(n_elements: int) -> int:
    """Bytes of a bit mask over `n_elements`."""
    return math.ceil(n_elements / BITS_PER_BYTE)


def refusal_of_data_format(call: LayerCall) -> str | None:
    """Returns why a layer whose channels aren't on the last axis has no gradient, or `None`; for any layer."""
    data_format = getattr(call.layer, "data_format", "channels_last")
    if data_format == "channels_last":
        return None
    return f"data_format must be 'channels_last'. Received: data_format={data_format!r}. Transpose the model."


def input_sizes(call: LayerCall, dy: tf.Tensor) -> tf.Tensor:
    """The run-time shape of a call's first input, int32. Only the batch size is unknown, and `dy` has it too."""
    return tf.stack([tf.shape(dy)[0], *call.inputs[0].shape[1:]])


def input_shape(call: LayerCall) -> list[int]:
    """The shape of a call's first input for `tf.reshape`, which works out the batch size itself."""
    return [-1, *call.inputs[0].shape[1:]]


def image_sizes(call: LayerCall, dy: tf.Tensor) -> tf.Tensor:
    """`input_sizes` as those of images [B, H, W, C]; a 1-D layer's input is an image of height 1."""
    sizes = input_sizes(call, dy)
    return tf.concat([sizes[:1], [1], sizes[1:]], axis=0) if len(call.inputs[0].shape) == 3 else sizes


def with_height(shape_or_pair: tuple[int, ...]) -> tuple[int, int]:
    """Strides or pool size of a 1-D layer as those of the 2-D layer over an image of height 1."""
    return (1, *shape_or_pair) if len(shape_or_pair) == 1 else tuple(shape_or_pair)
