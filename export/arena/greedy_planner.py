# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Where TFLM's greedy memory planner puts buffers.

Source: the behaviour of `micro/memory_planner/greedy_memory_planner.cc` of tflite-micro, ties included.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Request:
    """A buffer to place: bytes, first and last moment of use (both included), offset if prescribed."""

    n_bytes: int
    first_used: int
    last_used: int
    offset: int | None = None


def place_buffers(requests: Sequence[Request]) -> list[int]:
    """Chooses an offset for every request.

    Prescribed ones go first, in the order given. Then the others from the largest to the smallest, of equal
    ones the later first, each into the lowest gap that is free during its whole life.

    Example:
        >>> place_buffers([Request(16, 0, 1), Request(32, 1, 2), Request(16, 2, 3)])
        [32, 0, 32]
    """
    prescribed = [i for i, r in enumerate(requests) if r.offset is not None]
    free = [i for i, r in enumerate(requests) if r.offset is None]
    free.sort(key=lambda i: (-requests[i].n_bytes, -i))
    offsets = [0] * len(requests)
    placed: list[tuple[int, Request]] = []  # By offset; of equal offsets the earlier placed first.
    for i in prescribed + free:
        request = requests[i]
        offsets[i] = _lowest_gap(request, placed) if request.offset is None else request.offset
        position = bisect.bisect_right(placed, offsets[i], key=lambda entry: entry[0])
        placed.insert(position, (offsets[i], request))
    return offsets


def _lowest_gap(wanted: Request, placed: Sequence[tuple[int, Request]]) -> int:
    candidate = 0
    for offset, other in placed:
        if other.first_used > wanted.last_used or wanted.first_used > other.last_used:
            continue
        if offset - candidate >= wanted.n_bytes:
            break
        candidate = max(candidate, offset + other.n_bytes)
    return candidate
