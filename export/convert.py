# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Keras to an inference ``.tflite`` through TensorFlow's own converter, quietly."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from ..captured_output import captured_output
from .ir import Graph
from .keep_layers_apart import keep_layers_apart
from .passes import check_runnable, drop_barriers, elide_broadcast_reshapes
from .passes.name_after_layers import name_after_layers
from .schema import read_graph

# What TensorFlow Lite's converter needs when it has no builtin for an op; a microcontroller has neither.
_REMEDY = "Remedy: replace the layer by one that TensorFlow Lite has a builtin op for."
_TRACEABLE_NAME = re.compile(r"[A-Za-z0-9_.>-]*")


def convert_forward(model: keras.Model, batch_size: int, replaced: dict[int, np.ndarray] | None = None) -> Graph:
    """Converts the inference pass of a Keras model to an object graph.

    Args:
        model: A built functional model with one input and one output.
        batch_size: Batch size baked into every shape.
        replaced: Values to use in place of some weights, by ``id`` of the Keras variable. The converter
            does not merge the layers that hold them with others.

    Returns:
        The forward graph, float32, builtin ops only.

    Raises:
        ValueError: if the model has several inputs or outputs, an unknown dimension, or
            needs ops that TensorFlow Lite has no builtin for.
    """
    check_convertible(model)
    flat_bytes = _convert(model, batch_size, replaced or {})
    graph = drop_barriers.run(read_graph(flat_bytes))
    foreign = sorted({op.kind for op in graph.ops if op.is_custom})
    if foreign:
        raise ValueError(f"A bundle has builtin ops and tfdgsu's own only. Received: {', '.join(foreign)}. {_REMEDY}")
    graph = name_after_layers(graph, [layer.name for layer in model.layers])
    return check_runnable.run(elide_broadcast_reshapes.run(graph))


def check_convertible(model: keras.Model) -> None:
    """Raises ValueError unless the model has one input, one output, static shapes and names that TensorFlow can trace."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            "A bundle has one input and one output. "
            f"Received: a model with {len(model.inputs)} inputs and {len(model.outputs)} outputs. "
            "Remedy: export a keras.Model from one input to one output."
        )
    shape = tuple(model.inputs[0].shape)
    if None in shape[1:]:
        raise ValueError(
            "Every input dimension but the batch must be known. "
            f"Received: input shape {shape}. Remedy: build the model with a fixed input shape."
        )
    for layer in model.layers:
        if not _TRACEABLE_NAME.fullmatch(layer.name):
            raise ValueError(
                "TensorFlow's converter takes layers whose names are of ASCII letters, digits, '_', '.', '-' and '>'. "
                f"Received: a layer called {layer.name!r}. Remedy: give the layer another name."
            )


def _convert(model: keras.Model, batch_size: int, replaced: dict[int, np.ndarray]) -> bytes:
    values = [(v, replaced.get(id(v), v.numpy())) for v in model.variables]
    replaced_in = {layer.name for layer in model.layers if any(id(weight) in replaced for weight in layer.weights)}
    run = keep_layers_apart(model, replaced_in) if replaced else functools.partial(model, training=False)

    @tf.function
    def forward(x: tf.Tensor) -> tf.Tensor:
        # Stateless: the weights become plain constants, so that no variable handle survives conversion.
        with keras.StatelessScope(state_mapping=[(v, tf.constant(value)) for v, value in values]):
            return tf.nest.flatten(run(x))[0]

    spec = tf.TensorSpec((batch_size, *model.inputs[0].shape[1:]), tf.float32, name="x")
    with captured_output() as printed, _without_warnings():
        try:
            concrete = forward.get_concrete_function(spec)
            converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
            converter.allow_custom_ops = bool(replaced)  # Barriers.
            return converter.convert()
        except Exception as error:
            raise ValueError(
                f"TensorFlow Lite cannot convert model '{model.name}'. Received: {_last_lines(str(error))}. {_REMEDY}"
                f"\nThe converter printed: {_last_lines(printed.text())}"
            ) from error


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Keeps the converter's deprecation warnings out of notebooks, whose log handlers don't write to file descriptor 2."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def _last_lines(text: str, n_lines: int = 5) -> str:
    return "\n".join(text.strip().splitlines()[-n_lines:])
