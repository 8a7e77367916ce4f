# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The whole way from a float32 forward graph to int8 with a float32 tail."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tensorflow.lite.python.schema_py_generated import DequantizeOptionsT

from ...int8_scales import Int8Scales
from ..ir import Graph, Op, Tensor
from .apply_scales import apply_scales
from .calibrate import calibrate
from .check_int8 import check_finite, check_int8, check_kinds, check_trainable
from .find_float_tail import border, find_float_tail, op_of_layer
from .representative_data import batches
from .take_over import take_over


def quantize_forward(
    graph: Graph,
    step_layer_names: Collection[str],
    *,
    representative_data: Any = None,
    scales: Int8Scales | None = None,
) -> Graph:
    """Quantizes the forward pass up to its float32 tail (see ``find_float_tail``), in place.

    Ops and tensors stay the same objects under the same names; the input and everything up to the tail become int8,
    filters int8 with a scale per output channel, biases int32. A DEQUANTIZE stands wherever the tail begins.

    Args:
        graph: Float32 forward graph whose update layers hold weights named ``<layer>/kernel`` and ``<layer>/bias``.
        step_layer_names: Names of the update layers.
        representative_data: Examples that TFLite's calibrator takes the ranges from: an array [N, ...], a
            ``tf.data.Dataset`` or another iterable of x or (x, y), batched or not.
        scales: In place of that, the scales of a checkpoint, which are kept exactly.

    Returns:
        ``graph``.

    Raises:
        TypeError: for representative data that are no numbers.
        ValueError: unless exactly one of the two is given; for data that don't fit; for an op, a layer or a scale that
            TFLM's int8 kernels refuse.
    """
    if (representative_data is None) == (scales is None):
        raise ValueError(
            "An int8 bundle takes its scales from representative data or from a checkpoint. "
            f"Received: {'neither' if scales is None else 'both'}. "
            "Remedy: pass representative_data= or scales=, one of the two."
        )
    updated = [op_of_layer(graph, name) for name in step_layer_names]
    tail = find_float_tail(graph, updated)
    inside = {id(op) for op in tail}
    body = [op for op in graph.ops if id(op) not in inside]
    check_kinds(body)
    check_finite(body)
    if scales is not None:
        apply_scales(graph, body, scales)
    else:
        wanted = [t for t in border(graph, tail) if not any(t is x for x in graph.inputs)]
        part = Graph(body, graph.inputs[:1], wanted)
        quantized, tensor_of = calibrate(part, batches(representative_data, graph.inputs[0].shape))
        take_over(graph, body, quantized, tensor_of)
    for tensor in border(graph, tail):
        _dequantize(graph, tensor, tail)
    graph.make_names_unique()
    for op in updated:
        check_trainable(op)
    return check_int8(graph)


def _dequantize(graph: Graph, tensor: Tensor, tail: list[Op]) -> None:
    """Gives the tail, and the caller, the float32 value of an int8 tensor."""
    result = Tensor(f"{tensor.name}/dequantized", tensor.shape)
    if any(t is tensor for t in graph.outputs):  # Names of outputs are public.
        result.name, tensor.name = tensor.name, f"{tensor.name}/int8"
        graph.outputs = [result if t is tensor else t for t in graph.outputs]
    inside = {id(op) for op in tail}
    readers = [op for op in graph.consumers(tensor) if id(op) in inside]
    place = graph.index(readers[0]) if readers else len(graph.ops)
    for op in readers:
        op.inputs = [result if t is tensor else t for t in op.inputs]
    graph.ops.insert(place, Op("DEQUANTIZE", [tensor], [result], DequantizeOptionsT(), version=2))
