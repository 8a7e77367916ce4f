# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Proves a memory plan by looking at every pair of buffers. Shares no code with the planner, on purpose.

Two buffers that are alive at the same time are apart, with two exceptions. Both need that the one is a result and the
other an operand of one op, that the result's life begins at this op and that the operand's ends there:

* same place: ops of `permitted_overlaps.SAME_PLACE` may write a result at the operand's very address, if both have the
  same number of bytes and the op reads the operand at no other position;
* row by row: TfdgsuConvBlock on one image may write its output over rows of its input that no later row needs.

The file is read anew and lifetimes are counted anew; what is compared are the offsets and lifetimes of the prediction.
"""

from __future__ import annotations

from .permitted_overlaps import FileView
from .prediction import ArenaPrediction, BufferPlan

_ALIGNMENT = 16


def verify_no_overlap(prediction: ArenaPrediction, model: bytes | None = None) -> None:
    """Checks that buffers alive at the same time are apart, inside the head and aligned.

    Args:
        prediction: Offsets and lifetimes to check.
        model: The file it is the prediction of, of one subgraph. With it, overlaps that its ops permit pass, and the
            lifetimes are compared with the file. Without it, no overlap is permitted.

    Raises:
        ValueError: naming the buffers that are at fault, and where they are.
    """
    view = FileView(model) if model is not None else None
    buffers = prediction.buffers
    for buffer in buffers:
        _check_place(buffer, prediction.head_bytes)
        if view is not None and not buffer.is_scratch:
            _check_lifetime(buffer, view)
    for i, a in enumerate(buffers):
        for b in buffers[i + 1 :]:
            apart_in_time = a.last_used < b.first_used or b.last_used < a.first_used
            apart_in_space = a.offset + a.n_bytes <= b.offset or b.offset + b.n_bytes <= a.offset
            if not apart_in_time and not apart_in_space and not _is_permitted(a, b, view):
                raise ValueError(
                    "Buffers that are alive at the same time do not overlap. "
                    f"Received: '{a.name}' at [{a.offset}, {a.offset + a.n_bytes}) during "
                    f"[{a.first_used}, {a.last_used}] and '{b.name}' at [{b.offset}, {b.offset + b.n_bytes}) "
                    f"during [{b.first_used}, {b.last_used}]. Remedy: this plan must not be used; report it."
                )


def _check_place(buffer: BufferPlan, head_bytes: int) -> None:
    if buffer.offset % _ALIGNMENT:
        raise ValueError(
            f"Buffers begin at multiples of {_ALIGNMENT}. Received: '{buffer.name}' at offset {buffer.offset}. "
            "Remedy: round the offsets of the plan up."
        )
    if buffer.offset < 0 or buffer.offset + buffer.n_bytes > head_bytes:
        raise ValueError(
            f"Buffers lie inside the head. Received: '{buffer.name}' at {buffer.offset} with {buffer.n_bytes} "
            f"bytes, head of {head_bytes}. Remedy: make the head larger."
        )


def _check_lifetime(buffer: BufferPlan, view: FileView) -> None:
    used = view.moments_of(buffer.tensor_idx)
    n_bytes = view.n_bytes(buffer.tensor_idx)
    if n_bytes > buffer.n_bytes or (used and not buffer.first_used <= min(used) <= max(used) <= buffer.last_used):
        raise ValueError(
            "A buffer holds its tensor as long as the file uses it. "
            f"Received: '{buffer.name}' with {buffer.n_bytes} bytes during [{buffer.first_used}, {buffer.last_used}], "
            f"needs {n_bytes} at moments {used}. Remedy: this plan must not be used; report it."
        )


def _is_permitted(a: BufferPlan, b: BufferPlan, view: FileView | None) -> bool:
    if view is None or a.is_scratch or b.is_scratch:
        return False
    return any(
        result.first_used == operand.last_used
        and view.permits(result.first_used, result.tensor_idx, operand.tensor_idx, operand.offset - result.offset)
        for result, operand in ((a, b), (b, a))
    )
