# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The arena over time, as text."""

from __future__ import annotations

from .prediction import ArenaPrediction

_MARKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_N_NAMED = 8


def format_arena_map(prediction: ArenaPrediction, width: int = 64) -> str:
    """Draws the head, a row for each moment, and lists the tail.

    In a bar the largest buffers have a letter each, all others "=", free bytes ".". The row of the peak ends in "<".

    Args:
        prediction: What to draw.
        width: Characters that stand for the whole head.

    Returns:
        Lines of text without a final newline.
    """
    named = sorted(prediction.buffers, key=lambda b: -b.n_bytes)[:_N_NAMED]
    marks = {id(b): mark for b, mark in zip(named, _MARKS, strict=False)}
    label = max(len(m) for m in prediction.moments)
    title = (
        f"Arena ({prediction.target}): {prediction.total_bytes:,} bytes = head {prediction.head_bytes:,} "
        f"+ tail {prediction.tail_bytes:,}; AllocateTensors needs {prediction.minimum_arena_bytes:,}"
    )
    lines = [title]
    for moment, op in enumerate(prediction.moments):
        live = sum(b.n_bytes for b in prediction.alive_at(moment))
        peak = " <" if moment == prediction.peak_moment else ""
        lines.append(f"{moment:4} {op:{label}} |{_bar(prediction, moment, marks, width)}| {live:>9,}{peak}")
    lines += [f"{marks[id(b)]} = {b.name} ({b.n_bytes:,})" for b in named]
    parts = sorted(prediction.tail_by_kind.items(), key=lambda item: -item[1])
    lines.append("Tail: " + ", ".join(f"{kind} {n_bytes:,}" for kind, n_bytes in parts if n_bytes))
    if not prediction.exact:
        lines.append(f"A lower bound: nothing is known about {', '.join(prediction.unknown_ops)}")
    return "\n".join(lines)


def _bar(prediction: ArenaPrediction, moment: int, marks: dict[int, str], width: int) -> str:
    cells = ["."] * width
    scale = width / max(prediction.head_bytes, 1)
    for buffer in prediction.alive_at(moment):
        first = int(buffer.offset * scale)
        last = max(first + 1, int((buffer.offset + buffer.n_bytes) * scale))
        mark = marks.get(id(buffer), "=")
        for i in range(first, min(last, width)):
            cells[i] = mark if cells[i] == "." else cells[i]
    return "".join(cells)
