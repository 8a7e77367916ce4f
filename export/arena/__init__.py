# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Predicts the arena that TFLM will need, from the file alone, and proves the plan.

`predict_arena` replays the interpreter's allocation: `flat_model` reads the file, `allocate_tensors` replays,
`lifetimes` and `greedy_planner` lay out the head, `op_costs` knows the ops and `layout` the targets.
"""

from .arena_map import format_arena_map
from .op_costs import CUSTOM_PERSISTENT_BYTES
from .overlap_check import verify_no_overlap
from .predict import predict_arena
from .prediction import ArenaPrediction, BufferPlan, OpTail

__all__ = [
    "CUSTOM_PERSISTENT_BYTES",
    "ArenaPrediction",
    "BufferPlan",
    "OpTail",
    "format_arena_map",
    "predict_arena",
    "verify_no_overlap",
]
