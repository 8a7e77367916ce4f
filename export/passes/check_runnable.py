# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Refuses ops that a bundle may not hold, while the layer that makes them still has a name."""

from __future__ import annotations

from ..ir import Graph

# The builtin ops that TFLM runs on float32 and that the runtime knows how to check before TFLM sees them;
# micro_runtime/shape_rules.py and micro_runtime/operator_rules.py hold the checks.
RUNNABLE_OPS = frozenset(
    [
        "ABS",
        "ADD",
        "AVERAGE_POOL_2D",
        "BATCH_MATMUL",
        "BATCH_TO_SPACE_ND",
        "BROADCAST_TO",
        "CEIL",
        "CONCATENATION",
        "CONV_2D",
        "COS",
        "DEPTHWISE_CONV_2D",
        "DEPTH_TO_SPACE",
        "DIV",
        "ELU",
        "EXP",
        "EXPAND_DIMS",
        "FLOOR",
        "FULLY_CONNECTED",
        "GATHER",
        "HARD_SWISH",
        "L2_NORMALIZATION",
        "LEAKY_RELU",
        "LOG",
        "LOGISTIC",
        "LOG_SOFTMAX",
        "MAXIMUM",
        "MAX_POOL_2D",
        "MEAN",
        "MINIMUM",
        "MIRROR_PAD",
        "MUL",
        "NEG",
        "PACK",
        "PAD",
        "PADV2",
        "PRELU",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "RELU",
        "RELU6",
        "RELU_N1_TO_1",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "ROUND",
        "RSQRT",
        "SHAPE",
        "SIN",
        "SLICE",
        "SOFTMAX",
        "SPACE_TO_BATCH_ND",
        "SPACE_TO_DEPTH",
        "SQRT",
        "SQUARE",
        "SQUARED_DIFFERENCE",
        "SQUEEZE",
        "STRIDED_SLICE",
        "SUB",
        "SUM",
        "TANH",
        "TRANSPOSE",
        "TRANSPOSE_CONV",
    ]
)


def run(graph: Graph) -> Graph:
    """Returns the graph.

    Raises:
        ValueError: naming the first op that can't run, and its layer.
    """
    for op in graph.ops:
        if op.kind not in RUNNABLE_OPS:
            raise ValueError(
                "A bundle holds float32 ops that TensorFlow Lite Micro runs. "
                f"Received: {op.kind}, from '{op.outputs[0].name}'. "
                "Remedy: replace the layer, or do its work before the data reaches the model."
            )
    return graph
