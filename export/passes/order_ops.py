# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Orders of the ops that compute the same as the given one, with shorter lives of large tensors.

Every operand is made before it is read. Readers of a variable's old value stay in front of its writer, readers of the
new one behind, which keeps the gate that the loss op may close where it is. Which order needs the least memory, only a
plan can tell (`arena/offline_plan.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..ir import Graph, Op, Tensor

_FIRST, _LAST = "TfdgsuLoadVariables", "TfdgsuAdvanceStep"


def find_orders(graph: Graph) -> list[list[Op]]:
    """Distinct orders, the given one first; the same for the same graph."""
    needs = _find_dependencies(graph.ops)
    orders = [list(range(len(graph.ops)))]
    orders += [_schedule(graph, needs, rank) for rank in (_release_early, _keep_early, _grow_least)]
    orders.append(_schedule_backwards(graph, needs))
    distinct = list(dict.fromkeys(map(tuple, orders)))
    return [[graph.ops[i] for i in order] for order in distinct]


def _find_dependencies(ops: list[Op]) -> list[set[int]]:
    """For every op the indices of those that must run before it."""
    needs: list[set[int]] = [set() for _ in ops]
    writer: dict[int, int] = {}
    readers: dict[int, set[int]] = {}
    for i, op in enumerate(ops):
        for tensor in _present(op):
            if id(tensor) in writer:
                needs[i].add(writer[id(tensor)])
        for tensor in op.mutates:
            needs[i] |= readers.pop(id(tensor), set())
        for tensor in _present(op):
            readers.setdefault(id(tensor), set()).add(i)
        for tensor in (*op.outputs, *op.mutates):
            writer[id(tensor)] = i
        if op.kind == _LAST:
            needs[i] |= set(range(i))
        elif ops[0].kind == _FIRST and i:
            needs[i].add(0)
        needs[i].discard(i)
    return needs


class _Memory:
    """What a graph's tensors take while ops are put in a row."""

    def __init__(self, graph: Graph):
        self._kept = {id(t) for t in graph.outputs}
        self._n_readers: dict[int, int] = {}
        for op in graph.ops:
            for tensor in _distinct(op):
                self._n_readers[id(tensor)] = self._n_readers.get(id(tensor), 0) + 1

    def growth(self, op: Op) -> int:
        """Bytes that running the op adds: its results less the operands that it is the last to read."""
        freed = sum(t.n_bytes for t in _distinct(op) if self._n_readers[id(t)] == 1 and id(t) not in self._kept)
        return sum(t.n_bytes for t in op.outputs) - freed

    def run(self, op: Op) -> None:
        """Counts the op's reads."""
        for tensor in _distinct(op):
            self._n_readers[id(tensor)] -= 1


def _release_early(op: Op, growth: int) -> tuple[int, ...]:
    """Whatever frees memory first, otherwise as given."""
    return (0, growth) if growth <= 0 else (1,)


def _keep_early(op: Op, growth: int) -> tuple[int, ...]:
    """Moreover, what keeps something small of a large tensor comes before other readers of that tensor."""
    if growth <= 0:
        return (0, growth)
    largest = max((t.n_bytes for t in _distinct(op)), default=0)
    return (1,) if op.is_custom and sum(t.n_bytes for t in op.outputs) < largest else (2,)


def _grow_least(op: Op, growth: int) -> tuple[int, ...]:
    return (growth,)


def _schedule(graph: Graph, needs: list[set[int]], rank: Callable[[Op, int], tuple[int, ...]]) -> list[int]:
    """Always the op of the lowest rank among those that can run; of equal ones the first."""
    memory = _Memory(graph)
    order: list[int] = []
    done: set[int] = set()
    ready = [i for i, before in enumerate(needs) if not before]
    waiting = [i for i, before in enumerate(needs) if before]
    while ready:
        i = min(ready, key=lambda i: (*rank(graph.ops[i], memory.growth(graph.ops[i])), i))
        ready.remove(i)
        memory.run(graph.ops[i])
        order.append(i)
        done.add(i)
        ready += [j for j in waiting if needs[j] <= done]
        waiting = [j for j in waiting if not needs[j] <= done]
    return order


def _schedule_backwards(graph: Graph, needs: list[set[int]]) -> list[int]:
    """From the end: always the op whose operands add least to what is alive behind it; of equal ones the last."""
    followers: list[set[int]] = [set() for _ in needs]
    for i, before in enumerate(needs):
        for j in before:
            followers[j].add(i)
    alive: set[int] = {id(t) for t in graph.outputs}
    remaining, placed, order = set(range(len(needs))), set(), []
    while remaining:
        ready = [i for i in remaining if followers[i] <= placed]
        i = min(ready, key=lambda i: (_growth_backwards(graph.ops[i], alive), -i))
        alive -= {id(t) for t in graph.ops[i].outputs}
        alive |= {id(t) for t in _distinct(graph.ops[i])}
        remaining.remove(i)
        placed.add(i)
        order.append(i)
    return order[::-1]


def _growth_backwards(op: Op, alive: set[int]) -> int:
    added = sum(t.n_bytes for t in _distinct(op) if id(t) not in alive)
    return added - sum(t.n_bytes for t in op.outputs if id(t) in alive)


def _present(op: Op) -> Iterator[Tensor]:
    return (t for t in op.inputs if t is not None)


def _distinct(op: Op) -> list[Tensor]:
    """Operands that take head memory, each once."""
    return list({id(t): t for t in _present(op) if not (t.is_constant or t.is_variable)}.values())
