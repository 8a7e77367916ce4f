# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Every builtin op in the cost table, alone in its graph: on the host against TFLM, for Cortex-M against a build."""

import pytest
from builtin_op_graphs import CASES, make_repeated_op_graph
from tfdgsu.export.arena import predict_arena, verify_no_overlap
from tfdgsu.export.arena.op_costs import BUILTIN_COSTS
from tflm_arena import PLENTY_BYTES, probe_arenas

# Bytes that `arena_used_bytes()` returned for (float32, int8) in tflite-micro at the wheel's commit, reference kernels,
# compiled with -m32 -fshort-enums -malign-double: structs as on Cortex-M. None: the op has no graph of that type.
CORTEX_M_BYTES = {
    "ABS": (8320, 3456),
    "ADD": (15120, 5808),
    "ARG_MAX": (7504, 3056),
    "ARG_MIN": (7504, 3056),
    "AVERAGE_POOL_2D": (8080, 3648),
    "BATCH_MATMUL": (5760, 3872),
    "CAST": (8096, None),
    "CONCATENATION": (22976, 8064),
    "CONV_2D": (9216, 4576),
    "COS": (8080, None),
    "DEPTHWISE_CONV_2D": (9504, 4640),
    "DEQUANTIZE": (7920, None),
    "DIV": (14864, None),
    "EXP": (8080, None),
    "EXPAND_DIMS": (8176, 3312),
    "FULLY_CONNECTED": (2480, 2784),
    "GATHER": (8000, 3504),
    "HARD_SWISH": (8320, 3456),
    "LEAKY_RELU": (8352, 3488),
    "LOG": (8080, None),
    "LOGISTIC": (8208, 3344),
    "MAXIMUM": (14608, 5296),
    "MAX_POOL_2D": (8080, 3648),
    "MEAN": (7920, 3680),
    "MINIMUM": (14608, 5296),
    "MUL": (14976, 5664),
    "NEG": (8080, None),
    "PACK": (3344, 2672),
    "PAD": (14816, 5344),
    "PADV2": (14912, 5440),
    "QUANTIZE": (7920, None),
    "REDUCE_MAX": (7920, 3616),
    "REDUCE_MIN": (7920, 3616),
    "RELU": (8320, 3456),
    "RELU6": (8192, 3328),
    "RESHAPE": (8464, 3600),
    "RESIZE_BILINEAR": (26624, 7936),
    "RESIZE_NEAREST_NEIGHBOR": (26624, 7936),
    "RSQRT": (8320, 3456),
    "SHAPE": (7328, 2880),
    "SIN": (8080, None),
    "SLICE": (7632, 3248),
    "SOFTMAX": (8608, 3744),
    "SPLIT": (8592, 3888),
    "SPLIT_V": (8688, 3984),
    "SQRT": (8080, None),
    "SQUARE": (8080, None),
    "SQUARED_DIFFERENCE": (15504, 6192),
    "SQUEEZE": (8368, 3504),
    "STRIDED_SLICE": (8928, 4352),
    "SUB": (15120, 5808),
    "SUM": (7920, 3680),
    "TANH": (8208, 3344),
    "TRANSPOSE": (8176, 3312),
    "TRANSPOSE_CONV": (18752, 8928),
    "UNPACK": (3344, 2656),
}


@pytest.fixture(scope="module")
def measured():
    """What TFLM printed on the host, by case."""
    probes = probe_arenas([(make_repeated_op_graph(*case), PLENTY_BYTES) for case in CASES])
    return dict(zip(CASES, probes, strict=True))


def test_every_op_of_the_table_has_a_case():
    assert {name for name, _ in CASES} == set(BUILTIN_COSTS) == set(CORTEX_M_BYTES)


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_host_arena_equals_tflm(measured, name, dtype):
    usage, printed = measured[name, dtype]
    assert usage is not None, printed
    prediction = predict_arena(make_repeated_op_graph(name, dtype))
    verify_no_overlap(prediction)
    assert prediction.exact
    assert (prediction.head_bytes, prediction.tail_bytes) == (usage.head_bytes, usage.tail_bytes)
    assert prediction.total_bytes == usage.total_bytes


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_cortex_m_arena_equals_a_build_for_it(name, dtype):
    prediction = predict_arena(make_repeated_op_graph(name, dtype), "cortex_m")
    verify_no_overlap(prediction)
    assert prediction.total_bytes == CORTEX_M_BYTES[name][dtype == "int8"]
