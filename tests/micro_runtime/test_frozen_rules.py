# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Ops of the frozen part: what TFLM would follow out of its tensors is refused before it sees it."""

import numpy as np
import pytest
from flat_graphs import FlatGraph
from tfdgsu.micro_runtime import BundleError
from tfdgsu.micro_runtime.frozen_rules import FROZEN_RULES
from tfdgsu.micro_runtime.model import read_model
from tfdgsu.micro_runtime.movement_rules import MOVEMENT_RULES
from tfdgsu.micro_runtime.operator_rules import OTHER_OPS, check_operators

GATHER = ("GatherOptions", {"axis": 1, "batchDims": 0})
BATCHED = ("GatherOptions", {"axis": -1, "batchDims": 1})
SAME = ("TransposeConvOptions", {"padding": 0, "strideH": 2, "strideW": 3})
VALID = ("TransposeConvOptions", {"padding": 1, "strideH": 2, "strideW": 3})
PLAIN = ("BatchMatMulOptions", {"adjX": False, "adjY": False})
TRANSPOSED = ("BatchMatMulOptions", {"adjX": True, "adjY": True})
# (op, inputs: a tuple is a shape, an array a constant; the output's shape, options)
FINE = {
    "gather": ("GATHER", [(2, 5, 3), np.array([4, 0])], (2, 2, 3), GATHER),
    "gather_matrix": ("GATHER", [(2, 5), np.array([[4, 0, 1]])], (2, 1, 3), GATHER),
    "gather_batched": ("GATHER", [(2, 5), np.array([[4, 0, 1], [0, 0, 2]])], (2, 3), BATCHED),
    "to_batch": (
        "SPACE_TO_BATCH_ND",
        [(2, 3, 4, 5), np.array([2, 3]), np.array([[1, 0], [1, 1]])],
        (12, 2, 2, 5),
        None,
    ),
    "to_batch_1d": ("SPACE_TO_BATCH_ND", [(2, 3, 5), np.array([2]), np.array([[0, 1]])], (4, 2, 5), None),
    "to_space": (
        "BATCH_TO_SPACE_ND",
        [(12, 2, 2, 5), np.array([2, 3]), np.array([[1, 0], [1, 1]])],
        (2, 3, 4, 5),
        None,
    ),
    "upsample": ("TRANSPOSE_CONV", [np.array([1, 8, 9, 5]), (5, 3, 3, 2), (1, 4, 3, 2)], (1, 8, 9, 5), SAME),
    "upsample_valid": ("TRANSPOSE_CONV", [np.array([1, 9, 9, 5]), (5, 3, 3, 2), (1, 4, 3, 2)], (1, 9, 9, 5), VALID),
    "shape": ("SHAPE", [(2, 5, 3)], (3,), ("ShapeOptions", {"outType": 2})),
    "matmul": ("BATCH_MATMUL", [(4, 1, 2, 3), (5, 3, 6)], (4, 5, 2, 6), PLAIN),
    "matmul_transposed": ("BATCH_MATMUL", [(3, 2), (6, 3)], (2, 6), TRANSPOSED),
    "broadcast": ("BROADCAST_TO", [(1, 3), np.array([2, 4, 3])], (2, 4, 3), ("BroadcastToOptions", {})),
}
# (case, position of an input or "output", what stands there instead)
WRONG = [
    ("gather", 1, np.array([5, 0])),
    ("gather", 1, np.array([-1, 0])),
    ("gather", 1, np.array([2**31 - 1, 0])),
    ("gather", 1, (2,)),
    ("gather", "output", (2, 1, 3)),
    ("gather", "output", (12,)),
    ("gather_batched", 0, (3, 5)),
    ("to_batch", 1, np.array([0, 3])),
    ("to_batch", 1, np.array([2])),
    ("to_batch", 2, np.array([[1, -1], [1, 1]])),
    ("to_batch", "output", (2, 2, 2, 5)),
    ("to_batch_1d", 0, (2, 5)),
    ("to_space", 0, (11, 2, 2, 5)),
    ("to_space", "output", (2, 3, 4, 6)),
    ("upsample", 0, np.array([1, 8, 9, 6])),
    ("upsample", 1, (5, 3, 3, 4)),
    ("upsample", 1, (6, 3, 3, 2)),
    ("upsample", 2, (2, 4, 3, 2)),
    ("upsample", 2, (1, 4, 4, 2)),
    ("shape", "output", (2,)),
    ("matmul", 1, (5, 4, 6)),
    ("matmul", 1, (6,)),
    ("matmul", "output", (4, 5, 2, 5)),
    ("broadcast", 1, np.array([2, 4, 6])),
    ("broadcast", 0, (2, 3)),
]


def check(name, inputs, output, options):
    """Checks a model of one op."""
    graph, given, operands = FlatGraph(), [], []
    for operand in inputs:
        if isinstance(operand, tuple):
            is_index = name == "GATHER" and operands
            operands.append(graph.tensor(operand, "int32" if is_index else "float32"))
            given.append(operands[-1])
        else:
            operands.append(graph.tensor(operand.shape, "int32", operand))
    result = graph.tensor(output, "int32" if name == "SHAPE" else "float32")
    graph.op(name, operands, [result], options)
    check_operators(read_model(graph.build(given, [result])))


@pytest.mark.parametrize("case", FINE)
def test_fine(case):
    check(*FINE[case])


@pytest.mark.parametrize(("case", "position", "instead"), WRONG)
def test_wrong(case, position, instead):
    name, inputs, output, options = FINE[case]
    if position == "output":
        output = instead
    else:
        inputs = [*inputs[:position], instead, *inputs[position + 1 :]]
    with pytest.raises(BundleError, match="must be well-formed: .*Received"):
        check(name, inputs, output, options)


def test_options_are_needed():
    for case in ("gather", "upsample", "matmul"):
        name, inputs, output, _ = FINE[case]
        with pytest.raises(BundleError, match="options must be of type"):
            check(name, inputs, output, None)


def test_every_op_has_a_rule():
    assert {*MOVEMENT_RULES, *FROZEN_RULES} == set(OTHER_OPS)
