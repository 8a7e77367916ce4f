# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Proves a memory plan by looking at every pair of buffers. Shares no code with the planner, on purpose."""

from __future__ import annotations

from .prediction import ArenaPrediction

_ALIGNMENT = 16


def verify_no_overlap(prediction: ArenaPrediction) -> None:
    """Checks that buffers alive at the same time are apart, inside the head and aligned.

    Raises:
        ValueError: naming the buffers that are at fault, and where they are.
    """
    buffers = prediction.buffers
    for buffer in buffers:
        if buffer.offset % _ALIGNMENT:
            raise ValueError(
                f"Buffers begin at multiples of {_ALIGNMENT}. Received: '{buffer.name}' at offset {buffer.offset}. "
                "Remedy: round the offsets of the plan up."
            )
        if buffer.offset < 0 or buffer.offset + buffer.n_bytes > prediction.head_bytes:
            raise ValueError(
                f"Buffers lie inside the head. Received: '{buffer.name}' at {buffer.offset} with {buffer.n_bytes} "
                f"bytes, head of {prediction.head_bytes}. Remedy: make the head larger."
            )
    for i, a in enumerate(buffers):
        for b in buffers[i + 1 :]:
            apart_in_time = a.last_used < b.first_used or b.last_used < a.first_used
            apart_in_space = a.offset + a.n_bytes <= b.offset or b.offset + b.n_bytes <= a.offset
            if not apart_in_time and not apart_in_space:
                raise ValueError(
                    "Buffers that are alive at the same time do not overlap. "
                    f"Received: '{a.name}' at [{a.offset}, {a.offset + a.n_bytes}) during "
                    f"[{a.first_used}, {a.last_used}] and '{b.name}' at [{b.offset}, {b.offset + b.n_bytes}) "
                    f"during [{b.first_used}, {b.last_used}]. Remedy: this plan must not be used; report it."
                )
