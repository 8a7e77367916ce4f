# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Places buffers such that the highest address is low. Deterministic.

Every candidate is an order: buffers are placed one after the other, each as low as it fits. Several orders are tried,
then the best one is improved: what reaches highest, or something that it meets, is placed at another time. The search
ends at a lower bound.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Sequence

_MAX_IDLE_STEPS = 200
_MAX_WORK = 2_000_000  # steps times pairs of buffers that meet; about a second


@dataclasses.dataclass(frozen=True)
class Buffer:
    """Bytes (a multiple of 16), first and last moment of use, both included."""

    n_bytes: int
    first_used: int
    last_used: int

    def meets(self, other: Buffer) -> bool:
        """Whether both are alive at some moment."""
        return self.first_used <= other.last_used and other.first_used <= self.last_used


@dataclasses.dataclass(frozen=True)
class Sharing:
    """A permission: buffer `result` may lie over buffer `operand` (indices), as in `find_overlaps.Overlap`."""

    result: int
    operand: int
    distance: int | None


def pack_buffers(buffers: Sequence[Buffer], sharings: Sequence[Sharing] = ()) -> list[int]:
    """Chooses an offset for every buffer, a multiple of 16.

    Example:
        >>> pack_buffers([Buffer(16, 0, 1), Buffer(32, 1, 2), Buffer(32, 2, 3)], [Sharing(2, 1, None)])
        [32, 0, 0]
    """
    first, *others = sorted(make_packings(buffers, sharings), key=lambda packing: packing.bound)
    offsets, height = first.search()
    for packing in others:
        if packing.bound < height:
            offsets, height = min((offsets, height), packing.search(), key=lambda found: found[1])
    return offsets


def make_packings(buffers: Sequence[Buffer], sharings: Sequence[Sharing]) -> list[Packing]:
    """One in which no two buffers have one address, and, where that is permitted, two in which many have."""
    preferences: list[Sequence[Sharing]] = [()]
    if any(s.distance is None for s in sharings):
        preferences += [sharings, tuple(reversed(sharings))]
    return [Packing(buffers, sharings, preferred) for preferred in preferences]


class Packing:
    """One choice of buffers that share an address; such a set is a unit.

    Attributes:
        bound: No placement is lower.
    """

    def __init__(self, buffers: Sequence[Buffer], sharings: Sequence[Sharing], preferred: Sequence[Sharing]):
        self._buffers = buffers
        self._distance = {(s.result, s.operand): s.distance for s in sharings if s.distance is not None}
        self._units = [[i] for i in range(len(buffers))]
        self._unit_of = list(range(len(buffers)))
        for sharing in preferred:
            if sharing.distance is None:
                self._unite(sharing)
        self._names = [u for u, members in enumerate(self._units) if members]
        self._size = [max((buffers[i].n_bytes for i in members), default=0) for members in self._units]
        self._limits = self._find_limits()
        self.bound = self._find_bound()

    def search(self) -> tuple[list[int], int]:
        """The best offsets found, by buffer, and the height they need."""
        order, (offsets, height) = min(
            ((order, self._place(order)) for order in self._orders()), key=lambda found: found[1][1]
        )
        rng = random.Random(0)
        best = offsets, height
        n_idle = 0
        for _ in range(_MAX_WORK // max(1, sum(map(len, self._limits)))):
            if best[1] <= self.bound or n_idle > _MAX_IDLE_STEPS:
                break
            n_idle += 1
            tops = [u for u in order if offsets[u] + self._size[u] == height]
            top = rng.choice(tops)
            candidate = _move(order, rng.choice([top, *(v for v, _, _ in self._limits[top])]), rng)
            placed, reached = self._place(candidate)
            if reached <= height:
                order, offsets, height = candidate, placed, reached
            if height < best[1]:
                best, n_idle = (offsets, height), 0
        by_buffer = [0] * len(self._buffers)
        for unit in self._names:
            for i in self._units[unit]:
                by_buffer[i] = best[0][unit]
        return by_buffer, best[1]

    def _unite(self, sharing: Sharing) -> None:
        """Lets result and operand have one address, unless members of their units are alive together otherwise."""
        a, b = self._unit_of[sharing.result], self._unit_of[sharing.operand]
        pairs = ((i, j) for i in self._units[a] for j in self._units[b] if (i, j) != (sharing.result, sharing.operand))
        if a == b or any(self._buffers[i].meets(self._buffers[j]) for i, j in pairs):
            return
        for i in self._units[a]:
            self._unit_of[i] = b
        self._units[b] += self._units[a]
        self._units[a] = []

    def _find_limits(self) -> list[list[tuple[int, int, int]]]:
        """For unit u, entries (v, low, high): offset of u minus offset of v lies not strictly between the two."""
        limits: list[list[tuple[int, int, int]]] = [[] for _ in self._units]
        unit_of = self._unit_of
        for i, a in enumerate(self._buffers):
            for j in range(i):
                b = self._buffers[j]
                if unit_of[i] == unit_of[j] or not a.meets(b):
                    continue
                low, high = -a.n_bytes, b.n_bytes
                if (i, j) in self._distance:
                    low = max(low, -self._distance[i, j])
                if (j, i) in self._distance:
                    high = min(high, self._distance[j, i])
                limits[unit_of[i]].append((unit_of[j], low, high))
                limits[unit_of[j]].append((unit_of[i], -high, -low))
        return limits

    def _place(self, order: Sequence[int]) -> tuple[list[int], int]:
        offsets = [-1] * len(self._units)
        height = 0
        for unit in order:
            taken = sorted(
                (offsets[v] + low, offsets[v] + high) for v, low, high in self._limits[unit] if offsets[v] >= 0
            )
            offset = 0
            for low, high in taken:
                if offset <= low:
                    break
                offset = max(offset, high)
            offsets[unit] = offset
            height = max(height, offset + self._size[unit])
        return offsets, height

    def _orders(self) -> Iterator[list[int]]:
        first = {u: min(self._buffers[i].first_used for i in self._units[u]) for u in self._names}
        last = {u: max(self._buffers[i].last_used for i in self._units[u]) for u in self._names}
        size = self._size
        keys = (
            lambda u: (-size[u], -u),
            lambda u: (-size[u], first[u]),
            lambda u: (-size[u], -last[u]),
            lambda u: (-size[u] * (last[u] - first[u] + 1), u),
            lambda u: (first[u] - last[u], -size[u]),
            lambda u: (-last[u], -size[u]),
            lambda u: (first[u], -size[u]),
        )
        for key in keys:
            yield sorted(self._names, key=key)

    def _find_bound(self) -> int:
        """The most that is alive at one moment, less what may lie over another."""
        moments = {b.first_used for b in self._buffers}
        bound = max(self._size, default=0)
        for moment in moments:
            alive = [i for i, b in enumerate(self._buffers) if b.first_used <= moment <= b.last_used]
            units = {self._unit_of[i] for i in alive}
            shared = sum(
                min(self._buffers[o].n_bytes, self._buffers[i].n_bytes, max(0, self._buffers[o].n_bytes - distance))
                for (o, i), distance in self._distance.items()
                if o in alive and i in alive
            )
            bound = max(bound, sum(self._size[u] for u in units) - shared)
        return bound


def _move(order: list[int], unit: int, rng: random.Random) -> list[int]:
    moved = [u for u in order if u != unit]
    moved.insert(rng.randrange(len(order)), unit)
    return moved
