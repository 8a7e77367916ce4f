# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Buffers over time: who is alive when, and how much that is at most."""

import dataclasses
import itertools


@dataclasses.dataclass(eq=False)
class Buffer:
    """One buffer and the first and last moment it is alive."""

    name: str
    kind: str
    n_bytes: int
    first: int = -1
    last: int = -1


class Timeline:
    """Buffers over moments; every event is one device op that reads and writes some of them."""

    def __init__(self):
        self.now = 0
        self.buffers: list[Buffer] = []
        self._overlaps: list[tuple[Buffer, int, int]] = []

    def write(self, name: str, kind: str, n_bytes: int) -> Buffer:
        buffer = Buffer(name, kind, n_bytes, self.now, self.now)
        self.buffers.append(buffer)
        return buffer

    def read(self, *buffers: Buffer) -> None:
        for buffer in buffers:
            buffer.last = self.now

    def overlap(self, x: Buffer, n_bytes: int) -> None:
        """Lets what is written now take up to `n_bytes` of the place of `x`, if nobody reads `x` later."""
        self._overlaps.append((x, self.now, n_bytes))

    def peak_bytes(self, first: int, end: int) -> int:
        """Most bytes alive at one moment in [first, end)."""
        changes = [0] * (self.now + 2)
        for buffer in self.buffers:
            changes[buffer.first] += buffer.n_bytes
            changes[buffer.last + 1] -= buffer.n_bytes
        alive = list(itertools.accumulate(changes))
        for x, moment, n_bytes in self._overlaps:
            if x.last == moment:
                alive[moment] -= n_bytes
        return max(alive[first:end], default=0)
