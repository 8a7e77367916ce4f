# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A Keras Functional or Sequential model, nested ones inlined, as an ordered list of layer calls."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
from keras import tree

# keras.Model(inputs, outputs) makes a Functional, but the class itself has no public name.
from keras.src.models.functional import Functional


@dataclasses.dataclass(eq=False)
class Value:
    """One tensor between layers. Identity is the object itself.

    Attributes:
        shape: Tuple, batch dimension first, `None` where unknown.
        dtype: Keras dtype name, such as "float32".
        producer: The `LayerCall` that makes it, or `None` for a model input.
        consumers: The calls that read it, in forward order.
    """

    shape: tuple[int | None, ...]
    dtype: str
    producer: "LayerCall | None" = None
    consumers: list["LayerCall"] = dataclasses.field(default_factory=list)

    def n_elements(self, batch_size: int) -> int:
        """Number of elements at `batch_size`; an unknown inner dimension is a `ValueError`."""
        n_elements = batch_size
        for size in self.shape[1:]:
            if size is None:
                name = self.producer.name if self.producer else "the model's input"
                raise ValueError(
                    f"Sizes must be known ahead of time, but the output of {name} has an unknown dimension. "
                    f"Received: shape={self.shape}. Build the model with a fixed input shape."
                )
            n_elements *= size
        return n_elements


@dataclasses.dataclass(eq=False)
class LayerCall:
    """One call of one layer: `outputs = layer(*args, **kwargs)` with `Value`s where tensors stand.

    Attributes:
        layer: What is called: a `keras.Layer`, or an operation such as `a + b` on two outputs.
        args, kwargs: What it is called with.
        inputs: The `Value`s in `args` and `kwargs`, flat.
        outputs: The `Value`s that it makes, flat.
    """

    layer: keras.Operation
    args: tuple
    kwargs: dict
    inputs: list[Value]
    outputs: list[Value]

    @property
    def name(self) -> str:
        """The layer's name; a layer that is called twice has it twice."""
        return self.layer.name

    @property
    def output(self) -> Value:
        """The first output; every layer that can be on the gradient path has one."""
        return self.outputs[0]

    def arguments(self, tensor_of: Callable[[Value], Any]) -> tuple[tuple, dict]:
        """Returns `(args, kwargs)` with every `Value` replaced by `tensor_of(value)`."""
        return tree.map_structure(
            lambda leaf: tensor_of(leaf) if isinstance(leaf, Value) else leaf, (self.args, self.kwargs)
        )


@dataclasses.dataclass(eq=False)
class LayerGraph:
    """The calls of a model in forward order.

    Attributes:
        inputs: The model's inputs, flat.
        calls: Every layer call; a layer that is called twice occurs twice.
        outputs: The model's outputs, flat.
        input_structure: The inputs as the model takes them, `Value`s as leaves.
        output_structure: The outputs as the model returns them.
    """

    inputs: list[Value]
    calls: list[LayerCall]
    outputs: list[Value]
    input_structure: Any
    output_structure: Any

    def calls_of(self, layer: keras.Operation) -> list[LayerCall]:
        """The calls of one layer, in forward order."""
        return [call for call in self.calls if call.layer is layer]

    def find(self, name: str) -> LayerCall | None:
        """The first call of the layer called `name`, or `None`."""
        return next((call for call in self.calls if call.name == name), None)

    def last_uses(self) -> dict[Value, LayerCall]:
        """Maps every value that is not a model output to the last call that reads it."""
        outputs = set(self.outputs)
        return {value: call for call in self.calls for value in call.inputs if value not in outputs}


def flatten(model: keras.Model) -> LayerGraph:
    """Returns the layer graph of a Functional or Sequential Keras model.

    Raises:
        TypeError: `model` is neither Functional nor Sequential.
        ValueError: `model` is not built yet.
    """
    if not is_inlinable(model):
        raise TypeError(
            "The layers of a model can only be listed if it is Functional or Sequential. "
            f"Received: model={model!r} of type {type(model).__name__}. Build it with keras.Model(inputs, outputs), "
            "load it with keras.models.load_model(path), or wrap the subclassed part as one layer of such a model (it "
            "stays frozen)."
        )
    functional = _functional_of(model)
    inputs = [Value(tuple(tensor.shape), tensor.dtype) for tensor in functional.inputs]
    calls: list[LayerCall] = []
    outputs = _inline(functional, inputs, calls)
    for call in calls:
        for value in call.inputs:
            value.consumers.append(call)
    input_structure = tree.pack_sequence_as(functional._inputs_struct, inputs)
    return LayerGraph(
        inputs, calls, outputs, input_structure, tree.pack_sequence_as(functional._outputs_struct, outputs)
    )


def is_inlinable(operation: Any) -> bool:
    """True for Sequential and Functional models that don't override `call`."""
    if isinstance(operation, keras.Sequential):
        return type(operation).call is keras.Sequential.call
    return isinstance(operation, Functional) and type(operation).call is Functional.call


def _functional_of(model: keras.Model) -> Functional:
    if not isinstance(model, keras.Sequential):
        return model
    if model._functional is None:
        raise ValueError(
            "A Sequential model must be built before its layers can be listed. "
            f"Received: model={model.name!r}, not built. Start it with keras.Input(shape)."
        )
    return model._functional


def _inline(functional: Functional, inputs: list[Value], calls: list[LayerCall]) -> list[Value]:
    """Appends the calls of `functional` to `calls`; returns its outputs. Nodes run deepest first, as in Keras."""
    values = {id(tensor): value for tensor, value in zip(functional.inputs, inputs, strict=True)}
    for depth in sorted(functional._nodes_by_depth, reverse=True):
        for node in functional._nodes_by_depth[depth]:
            if node.is_input:
                continue
            args, kwargs = node.arguments.fill_in(values)
            call_inputs = [leaf for leaf in tree.flatten((args, kwargs)) if isinstance(leaf, Value)]
            if is_inlinable(node.operation):
                outputs = _inline(_functional_of(node.operation), call_inputs, calls)
            else:
                outputs = [Value(tuple(tensor.shape), tensor.dtype) for tensor in node.outputs]
                call = LayerCall(node.operation, args, kwargs, call_inputs, outputs)
                for value in outputs:
                    value.producer = call
                calls.append(call)
            values.update({id(tensor): value for tensor, value in zip(node.outputs, outputs, strict=True)})
    return [values[id(tensor)] for tensor in functional.outputs]
