# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Dynamic gradient sparse update (arXiv 2503.17959): some input channels of some layers per step."""

import tensorflow as tf
from keras import tree

from .. import memory_cost
from ..gradient_rules import rule_for
from ..number_format import FLOAT32
from .method import StepGradients, UpdateMethod
from .stochastic import is_stochastic


class DynamicSparse(UpdateMethod):
    """Forward gathers x[..., sel] and drops x; backward walks the layer calls in reverse, one rule per layer.

    What crosses from forward to backward is `kept` below and nothing else: selected channels and masks. The dense
    gradient of a kernel is never computed, and nothing in front of the deepest update layer is kept.
    """

    NAME = "dynamic_sparse"

    def gradients(self, path, updates, channels, inputs, loss_of):
        heads = path.loss_activations
        with tf.name_scope("forward"):
            values, kept, selected = self._forward(path, updates, channels, inputs, skipped=heads.values())
        # A softmax in front of the loss is differentiated together with it: Keras then takes the loss of the logits, so
        # that a confidently wrong prediction keeps its gradient.
        watched = {value: heads[value].inputs[0] if value in heads else value for value in path.graph.outputs}
        leaves = {value: tf.identity(values[value]) for value in watched.values()}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(leaves.values()))
            output_of = {v: heads[v].layer(leaves[x]) if v in heads else leaves[x] for v, x in watched.items()}
            y_pred = tree.map_structure(output_of.__getitem__, path.graph.output_structure)
            loss = loss_of(y_pred)
        gradients = tape.gradient(loss, leaves)
        gradient_of = {x: dx for x, dx in gradients.items() if dx is not None and x in path.differentiated}
        with tf.name_scope("backward"):
            kernels, biases = self._backward(path, updates, channels, kept, selected, gradient_of)
        return StepGradients(y_pred, loss, kernels, biases)

    def _forward(self, path, updates, channels, inputs, skipped):
        values = dict(zip(path.graph.inputs, inputs, strict=True))
        kept, selected = {}, {}
        last_uses = path.graph.last_uses()
        on_path = set(path.calls)
        for call in path.graph.calls:
            if call in skipped:
                continue
            x = [values[value] for value in call.inputs]
            if call in on_path:
                y, kept[call] = rule_for(call.layer).forward(call, x)
            else:
                y = _run_frozen(call, values)
            if call in updates and updates[call].n_selected:
                indices = channels.get(call.name)
                selected[call] = x[0] if indices is None else tf.gather(x[0], indices, axis=-1)
            values.update(zip(call.outputs, tree.flatten(y), strict=True))
            for value in call.inputs:  # Eager mode frees a tensor only when nobody refers to it any more.
                if last_uses.get(value) is call:
                    values.pop(value, None)
        return values, kept, selected

    def _backward(self, path, updates, channels, kept, selected, gradient_of):
        kernels, biases = {}, {}
        for call in reversed(path.calls):
            dy = gradient_of.pop(call.output, None)
            if dy is None:
                continue
            rule = rule_for(call.layer)
            if any(value in path.differentiated for value in call.inputs):
                for value, dx in zip(call.inputs, rule.backward(call, kept.pop(call), dy), strict=True):
                    if value in path.differentiated:
                        gradient_of[value] = gradient_of[value] + dx if value in gradient_of else dx
            if call in selected:
                kernels[call.name] = rule.kernel_gradient(call, selected.pop(call), dy, channels.get(call.name))
            if call in updates and updates[call].update_bias:
                biases[call.name] = rule.bias_gradient(dy)
        return kernels, biases

    def cost(self, path, updates, batch_size, momentum, number_format=FLOAT32, optimizer="sgd"):
        return memory_cost.predict(path, updates, batch_size, momentum, number_format, optimizer)


def _run_frozen(call, values):
    """Runs a call in front of the gradient path. Only noise knows that this is training: frozen layers keep their state."""
    args, kwargs = call.arguments(values.__getitem__)
    layer = call.layer
    if "training" not in kwargs and getattr(layer, "_call_has_training_arg", False):
        kwargs = {**kwargs, "training": is_stochastic(layer)}
    return layer(*args, **kwargs)
