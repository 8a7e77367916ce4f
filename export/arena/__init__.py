# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Predicts the arena that TFLM will need, from the file alone, and proves the plan.

`predict_arena` replays the interpreter's allocation: `flat_model` reads the file, `allocate_tensors` replays,
`lifetimes` and `greedy_planner` lay out the head, `op_costs` knows the ops and `layout` the targets.

`plan_memory` chooses order of ops and offsets before: `find_overlaps` says what may lie over what, `pack_buffers`
places. `verify_no_overlap` proves the result from the file, with `permitted_overlaps` as its own view of the ops.
"""

from .arena_map import format_arena_map
from .offline_plan import MemoryPlan, plan_memory
from .op_costs import CUSTOM_PERSISTENT_BYTES
from .overlap_check import verify_no_overlap
from .predict import predict_arena
from .prediction import BUFFER_KINDS, ArenaPrediction, BufferPlan, OpTail

__all__ = [
    "BUFFER_KINDS",
    "CUSTOM_PERSISTENT_BYTES",
    "ArenaPrediction",
    "BufferPlan",
    "MemoryPlan",
    "OpTail",
    "format_arena_map",
    "plan_memory",
    "predict_arena",
    "verify_no_overlap",
]
