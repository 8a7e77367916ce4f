# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Where the weights of a step go in networks of inverted bottlenecks: to their expanding convolutions, in equal shares.

Such blocks (MobileNetV2, arXiv 1801.04381) widen their input by a pointwise convolution, filter it channel by channel, and
narrow it again. The first of these has few input channels, each with many weights: of all that a block updates, it keeps
the least of its input for the weights that it moves. docs/accuracy.md compares it with other ways to spend the weights,
and docs/design/0006-expanding-convolutions.md says why biases come first.
"""

import math
from collections.abc import Mapping

from .expected_gain import BIAS_SUFFIX
from .fused_layers import is_depthwise, is_pointwise
from .gradient_path import has_kernel
from .layer_graph import LayerCall


def expanding_convolutions(calls: list[LayerCall]) -> list[LayerCall]:
    """Returns those of some calls that are the first convolution of an inverted bottleneck."""
    return [call for call in calls if is_pointwise(call) and _n_outputs(call) > _n_inputs(call) and _is_narrowed(call)]


def equal_gain(gain: Mapping[str, float], names: list[str], expanding: list[LayerCall]) -> dict[str, float]:
    """Returns a gain by which expanding convolutions get the same share of their channels each, and other kernels none.

    All kernels together gain less than any bias: so a plan reaches as deep as the budget allows, and then adds kernels.

    Args:
        gain: By layer name; that of biases stays as it is.
        names: Of layers with a gain.
        expanding: Convolutions among them.
    """
    n_weights = {call.name: n_kernel_weights(call) for call in expanding}
    biases = [gain.get(name + BIAS_SUFFIX, 0.0) for name in names]
    each = min((bias for bias in biases if bias > 0), default=1.0) / (2 * sum(n_weights.values()))
    return {**gain, **{name: each * n_weights.get(name, 0) for name in names}}


def n_kernel_weights(call: LayerCall) -> int:
    """Returns how many weights the kernel of a layer has."""
    return math.prod(call.layer.kernel.shape)


def _is_narrowed(conv: LayerCall) -> bool:
    """True if a depthwise convolution reads what `conv` makes, and a pointwise one makes fewer channels of that."""
    depthwise = _next_kernel(conv)
    if depthwise is None or not is_depthwise(depthwise):
        return False
    project = _next_kernel(depthwise)
    return project is not None and is_pointwise(project) and _n_outputs(project) < _n_inputs(project)


def _next_kernel(call: LayerCall) -> LayerCall | None:
    """The next layer with a kernel, if nothing but layers of one input, each the only reader, lies in between."""
    while len(call.output.consumers) == 1:
        call = call.output.consumers[0]
        if len(call.inputs) != 1:
            return None
        if has_kernel(call.layer):
            return call
    return None


def _n_inputs(conv: LayerCall) -> int:
    return conv.layer.kernel.shape[-2]


def _n_outputs(conv: LayerCall) -> int:
    return conv.layer.kernel.shape[-1]
