# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The allocator's two ends and what moves them."""

from __future__ import annotations

import collections

from .layout import ARENA_ALIGNMENT, Struct, align_up


class ArenaTrace:
    """Counts an allocation sequence as the interpreter's single-arena allocator does it.

    Persistent data grows downwards from the end (the tail), everything else upwards from the start: a
    resizable head, and temporary data on top of it. Base and size of the arena are multiples of 16.

    Attributes:
        tail_bytes: Persistent bytes so far, alignment included.
        head_bytes: Size of the head.
        minimum_bytes: The smallest arena in which every step so far fits.
        tail_by_kind: Persistent bytes by the kind given with each allocation.
    """

    def __init__(self):
        self.tail_bytes = 0
        self.head_bytes = 0
        self.minimum_bytes = 0
        self.tail_by_kind: dict[str, int] = collections.Counter()
        self._temporary_end = 0

    def persistent(self, kind: str, n_bytes: int, alignment: int = ARENA_ALIGNMENT) -> int:
        """Takes bytes from the tail; returns how many, alignment included."""
        before = self.tail_bytes
        self.tail_bytes = align_up(before + n_bytes, alignment)
        self.tail_by_kind[kind] += self.tail_bytes - before
        self._require(self._temporary_end + self.tail_bytes)
        return self.tail_bytes - before

    def persistent_array(self, kind: str, struct: Struct, count: int = 1) -> int:
        """Takes an array of structs from the tail."""
        return self.persistent(kind, struct.n_bytes * count, struct.alignment)

    def temporary(self, n_bytes: int, alignment: int) -> None:
        """Puts bytes on top of the head until the head is resized."""
        self._temporary_end = align_up(self._temporary_end, alignment) + n_bytes
        self._require(self._temporary_end + self.tail_bytes)

    def temporary_to_the_end(self, n_bytes: int) -> None:
        """Like `temporary`, for a buffer that is given all that is left, in whole multiples of 16."""
        start = align_up(self._temporary_end)
        self._require(start + n_bytes + align_up(self.tail_bytes))

    def resize_head(self, n_bytes: int) -> None:
        """Gives the head a new size and frees all temporary data."""
        self.head_bytes = n_bytes
        self._temporary_end = n_bytes
        self._require(n_bytes + self.tail_bytes)

    def _require(self, n_bytes: int) -> None:
        self.minimum_bytes = max(self.minimum_bytes, align_up(n_bytes))
