# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The part of a model in front of every update layer: it never changes, so its outputs can be computed once."""

import keras

from .layer_graph import LayerGraph, Value, flatten
from .prepare import prepare
from .sparse_update_plan import SparseUpdatePlan


def split_frozen_front(model: keras.Model, plan: SparseUpdatePlan) -> tuple[keras.Model | None, keras.Model]:
    """Cuts a model where its frozen front ends, so that training can start from the front's outputs.

    The cut is the last tensor through which everything that reaches an update layer, or the output, has to pass.

    Example:
        front, rest = tfdgsu.split_frozen_front(model, plan)
        features = front.predict(x)
        sparse = tfdgsu.SparseUpdateModel(rest, plan)  # Trains as SparseUpdateModel(model, plan) does on x.

    Args:
        model: A Functional or Sequential model with one input; it keeps its own weights.
        plan: A plan made for it.

    Returns:
        `(front, rest)`: `rest(front(x))` is the prepared model's output. `rest` takes the plan of the whole model. If no
        such tensor has a layer with weights in front of it, `front` is `None` and `rest` the whole prepared model.

    Raises:
        TypeError: The model is neither Functional nor Sequential.
        ValueError: An update layer is not in the model.
    """
    prepared = prepare(model)
    graph = flatten(prepared)
    cut = _cut(graph, _first_update(graph, plan))
    if cut is None:
        return None, prepared
    tensor = cut.producer.layer.output
    front = keras.Model(prepared.inputs, tensor, name=f"{model.name}_front")
    return front, keras.Model(tensor, prepared.outputs, name=f"{model.name}_rest")


def _first_update(graph: LayerGraph, plan: SparseUpdatePlan) -> int:
    missing = [update.name for update in plan.layers if graph.find(update.name) is None]
    if missing or not plan.layers:
        raise ValueError(
            "A plan must be made for the model it is used with, and update some layer. "
            f"Received: {missing or 'no update layer'}. Make the plan with tfdgsu.plan(model, ...)."
        )
    names = {update.name for update in plan.layers}
    return next(position for position, call in enumerate(graph.calls) if call.name in names)


def _cut(graph: LayerGraph, end: int) -> Value | None:
    """The last value, made before call number `end`, behind which no earlier value is read."""
    position = {call: number for number, call in enumerate(graph.calls)}
    n_calls = len(graph.calls)

    def last_read(value: Value) -> int:
        return n_calls if value in graph.outputs else max((position[call] for call in value.consumers), default=-1)

    best, reach, has_weights = None, max(map(last_read, graph.inputs)), False
    for number, call in enumerate(graph.calls[:end]):
        has_weights |= bool(call.layer.weights)
        if has_weights and reach <= number and len(call.outputs) == 1 and len(graph.calls_of(call.layer)) == 1:
            best = call.output
        reach = max([reach, *map(last_read, call.outputs)])
    return best
