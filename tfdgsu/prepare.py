# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A user's Keras model as one flat, batch-norm-folded functional model: what is trained and what the device holds."""

import keras
from keras import layers, tree

from .fold_batch_norm import find_foldable
from .layer_graph import LayerCall, LayerGraph, Value, flatten
from .rewrite_layer import Link, is_known, rewrite


def prepare(model: keras.Model) -> keras.Model:
    """Returns a flat functional model that computes what `model` computes in inference mode.

    Nested models are inlined, SeparableConv2D is split in a DepthwiseConv2D and a 1x1 Conv2D, batch normalization is
    folded where it can be, and inline activations become layers of their own (`<name>_activation`). Preparing a prepared
    model changes nothing. `model` keeps its own weights: only layers of unknown type, which stay frozen, are shared.

    Args:
        model: A built Functional or Sequential model.

    Raises:
        TypeError: `model` is neither Functional nor Sequential.
        ValueError: `model` is a Sequential that is not built.
    """
    graph = flatten(model)
    foldable = find_foldable(graph)
    return _Builder(graph, foldable).build(model)


class _Builder:
    """Replays a layer graph with rewritten layers."""

    def __init__(self, graph: LayerGraph, foldable: dict[LayerCall, LayerCall]):
        self.graph = graph
        self.foldable = foldable
        self.norm_of = {id(before.layer): norm.layer for norm, before in foldable.items()}
        self.tensors: dict[Value, keras.KerasTensor] = {}
        self.chains: dict[int, list[Link]] = {}
        # An opaque layer keeps its name, so nobody else may take it.
        self.taken = {call.name for call in graph.calls if not is_known(call.layer) and not _is_plus(call)}

    def build(self, model: keras.Model) -> keras.Model:
        for value, tensor in zip(self.graph.inputs, model.inputs, strict=True):
            name = self._unique(tensor._keras_history.operation.name)
            self.tensors[value] = keras.Input(batch_shape=value.shape, dtype=value.dtype, name=name)
        for call in self.graph.calls:
            if call in self.foldable:
                self.tensors[call.output] = self.tensors[call.inputs[0]]
            else:
                self._replay(call)
        inputs = tree.map_structure(self.tensors.__getitem__, self.graph.input_structure)
        outputs = tree.map_structure(self.tensors.__getitem__, self.graph.output_structure)
        return keras.Model(inputs, outputs, name=model.name)

    def _replay(self, call: LayerCall) -> None:
        is_new = id(call.layer) not in self.chains
        if is_new:
            self.chains[id(call.layer)] = self._chain(call)
        chain = self.chains[id(call.layer)]
        args, kwargs = call.arguments(self.tensors.__getitem__)
        if _is_plus(call):
            args = (list(args),)  # layers.Add takes one list.
        outputs = chain[0].layer(*args, **kwargs)
        for link in chain[1:]:
            outputs = link.layer(outputs)
        if is_new:
            for link in chain:
                if link.weights:
                    link.layer.set_weights(link.weights)
        self.tensors.update(zip(call.outputs, tree.flatten(outputs), strict=True))

    def _chain(self, call: LayerCall) -> list[Link]:
        if _is_plus(call):
            return [Link(layers.Add(name=self._unique(call.name)))]
        return rewrite(call.layer, self.norm_of.get(id(call.layer)), self._unique)

    def _unique(self, name: str) -> str:
        """Nested models may repeat a layer name; the second `conv` becomes `conv_1`."""
        candidate, n_tried = name, 0
        while candidate in self.taken:
            n_tried += 1
            candidate = f"{name}_{n_tried}"
        self.taken.add(candidate)
        return candidate


def _is_plus(call: LayerCall) -> bool:
    """True for `a + b` on two layer outputs of one shape, which people write where they mean `layers.Add`."""
    is_operator = type(call.layer).__name__ == "Add" and not isinstance(call.layer, keras.Layer)
    shapes = {value.shape for value in call.inputs}
    return is_operator and len(call.args) == 2 and len(call.inputs) == 2 and len(shapes) == 1
