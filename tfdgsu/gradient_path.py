# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Which layer calls gradient passes through, given the update layers."""

import dataclasses
import functools

import keras
from keras import layers

from .gradient_rules import WeightGradientRule, rule_for
from .layer_graph import LayerCall, LayerGraph, Value


@dataclasses.dataclass(frozen=True)
class GradientPath:
    """The part of a layer graph that takes part in backward.

    Attributes:
        graph: The whole graph.
        prefix: Calls that run forward only and keep nothing, in order.
        calls: Calls from the deepest update layers on, in order; each has a gradient rule.
        differentiated: Values whose gradient is needed: everything that depends on an update layer.
    """

    graph: LayerGraph
    prefix: tuple[LayerCall, ...]
    calls: tuple[LayerCall, ...]
    differentiated: frozenset[Value]

    @functools.cached_property
    def loss_activations(self) -> dict[Value, LayerCall]:
        """By output of the model, the softmax or sigmoid that makes it for nobody but the loss.

        It is differentiated together with the loss, of the logits, so backward begins in front of it.
        """
        makers = {
            call.output: call for call in self.calls if isinstance(call.layer, (layers.Softmax, layers.Activation))
        }
        outputs = [value for value in self.graph.outputs if value in makers and not value.consumers]
        return {value: makers[value] for value in outputs if makers[value].inputs[0] not in self.graph.outputs}


def trace(graph: LayerGraph, update_layers: set[str]) -> GradientPath:
    """Returns the gradient path of `graph` for update layers given by name, without checking that rules exist."""
    differentiated: set[Value] = set()
    prefix, calls = [], []
    for call in graph.calls:
        if call.name in update_layers or any(value in differentiated for value in call.inputs):
            differentiated.update(call.outputs)
            calls.append(call)
        else:
            prefix.append(call)
    return GradientPath(graph, tuple(prefix), tuple(calls), frozenset(differentiated))


def check(path: GradientPath, update_layers: set[str]) -> None:
    """Raises a `ValueError` that names the first layer of `path` that can't be there, and what to do."""
    for call in path.calls:
        reason = refusal(call, call.name in update_layers, path.graph)
        if reason is not None:
            raise ValueError(f"Layer {call.name!r} ({type(call.layer).__name__}) is on the gradient path: {reason}")


def refusal(call: LayerCall, is_update_layer: bool, graph: LayerGraph) -> str | None:
    """Returns why `call` can't be on the gradient path, with the remedy, or `None` if it can."""
    layer, rule = call.layer, rule_for(call.layer)
    if rule is None:
        return (
            "gradient must be able to pass through it. "
            f"Received: a layer of type {type(layer).__name__}, which has no gradient rule. Replace it by layers from the "
            "list in the README, or choose update layers behind it, so that it stays in the frozen front."
        )
    if layer.compute_dtype != layer.variable_dtype:
        return (
            "weights and activations must have one dtype. "
            f"Received: dtype={layer.dtype_policy.name!r}. Build the model with dtype='float32'."
        )
    if layer.activity_regularizer is not None:
        return (
            "an activity regularizer would be ignored here. "
            f"Received: activity_regularizer={layer.activity_regularizer!r}. Remove it."
        )
    if is_update_layer:
        reason = _update_refusal(call, graph)
        if reason is not None:
            return reason
    return rule.refusal(call)


def is_updatable(call: LayerCall, graph: LayerGraph) -> bool:
    """True if the layer of `call` can be an update layer."""
    return isinstance(rule_for(call.layer), WeightGradientRule) and refusal(call, True, graph) is None


def has_kernel(layer: keras.Operation) -> bool:
    """True for the layer types that can be updated; whether this very one can, `is_updatable` says."""
    return isinstance(rule_for(layer), WeightGradientRule)


def _update_refusal(call: LayerCall, graph: LayerGraph) -> str | None:
    layer = call.layer
    if not has_kernel(layer):
        return (
            "only Conv2D, Conv1D, DepthwiseConv2D, SeparableConv2D and Dense layers are updated. "
            f"Received: a layer of type {type(layer).__name__}. Leave it out."
        )
    n_calls = len(graph.calls_of(layer))
    if n_calls > 1:
        return f"an update layer must be called once. Received: {n_calls} calls. Give each call a layer of its own."
    suffixes = ("kernel_regularizer", "depthwise_regularizer", "bias_regularizer", "_constraint")
    for attribute, value in sorted(vars(layer).items()):
        if attribute.endswith(suffixes) and value is not None:
            return (
                f"a sparse update doesn't see the whole weight, so {attribute} must be None. "
                f"Received: {attribute}={value!r}. Use the optimizer's weight_decay."
            )
    return None
